"""Tastes in digests: papers like those a subscriber keeps, and the order of what their profiles bring.

A taste is no profile. Nearly every paper of a field holds some of its words, so it brings the best few of what is new
to the subscriber, none twice. Some of its places go to papers a little further off: who only ever sees more of the same
cannot say so by a thumb.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from bot.core.edition.picks import Like
from bot.pipeline.compose.changes import Changes, SubscriberMatches
from bot.pipeline.compose.drafts import Member
from bot.store import taste as tastes

if TYPE_CHECKING:
    from bot.core.taste.learn import Taste

MOST_PLACES = 10  # of a taste in a letter
SHARE = 4  # a quarter of a letter's places is kept for it, where profiles would fill it
EXPLORED = 0.15  # of its places go to papers it would not have chosen, from five places on
LEAST_EXPLORING = 5
FURTHEST = 4  # times as many papers as there are places: among these they are chosen


@dataclass(frozen=True, slots=True)
class TastePicks:
    """What a taste says of the papers that are new to a subscriber."""

    is_learnt: bool = False
    order: tuple[int, ...] = ()  # all that hold any of its words, the best first
    liked: tuple[Like, ...] = ()  # those that are like the papers they keep, the best first; for a section of its own


NO_TASTE = TastePicks()


def taste_picks(
    changes: Changes, members: Sequence[Member], found: Sequence[SubscriberMatches], taste_of: int = 0
) -> dict[int, TastePicks]:
    """By subscriber id, for those with a taste; number 0 has that of `taste_of`. What a profile brings already is not
    told by the taste as well."""
    asking = [(member, matches) for member, matches in zip(members, found, strict=True) if _wants_taste(member)]
    if not asking:
        return {}
    with changes.view.database.read() as tx:
        known = tastes.of_subscribers(tx, [stored.id or taste_of for (stored, _), _ in asking])
    learnt = [
        (member, matches, row.taste)
        for member, matches in asking
        if (row := known.get(member[0].id or taste_of)) is not None and row.taste is not None
    ]
    if not learnt:
        return {}
    ranked = changes.most_relevant_new([[one.query] for _, _, one in learnt])
    picks = {}
    for ((stored, subscriber), matches, one), (order,) in zip(learnt, ranked, strict=True):
        liked: tuple[Like, ...] = ()
        if subscriber.taste == "profile":
            answered = set().union(*matches.every)
            liked = _liked(changes, one, [paper for paper in order if paper not in answered])
        picks[stored.id] = TastePicks(True, tuple(order), liked)
    return picks


def _wants_taste(member: Member) -> bool:
    """Quick, for a million subscribers: most name neither a library nor a use of their taste."""
    _, subscriber = member
    return bool(subscriber.libraries or subscriber.given_taste != "off") and subscriber.taste != "off"


def _liked(changes: Changes, learnt: "Taste", order: Sequence[int]) -> tuple[Like, ...]:
    found = []
    for paper_id in order[: MOST_PLACES * FURTHEST]:
        likeness = learnt.likeness(changes.words_of(paper_id))
        if likeness.weight >= learnt.least:
            found.append(Like(paper_id, likeness.title, likeness.words))
    return tuple(found)


def share_of_taste(liked: Sequence[Like], max_papers: int, *, has_profiles: bool) -> int:
    """How many places of a letter are kept for a taste."""
    return min(len(liked), MOST_PLACES, max(1, max_papers // SHARE) if has_profiles else max_papers)


def choose(liked: Sequence[Like], places: int, subscriber_id: int, slot: str) -> list[Like]:
    """The papers for so many places: the best, and a few of those that follow, by a lot that is the same for a
    subscriber and a slot whenever it is drawn."""
    explored = max(1, round(places * EXPLORED)) if places >= LEAST_EXPLORING else 0
    explored = min(explored, max(0, len(liked) - places))
    best = list(liked[: places - explored])
    rest = liked[places - explored : places * FURTHEST]
    seed = hashlib.blake2b(f"{subscriber_id} {slot}".encode(), digest_size=8).digest()
    drawn = Random(seed).sample(range(len(rest)), explored)  # noqa: S311  (no secret)
    return best + [rest[number] for number in sorted(drawn)]


def ordered(ranked: Sequence[int], order: Sequence[int]) -> list[int]:
    """What a profile brought, by the sum of its places in the profile's order and in the taste's."""
    place = {paper: number for number, paper in enumerate(order)}
    last = max(len(order), len(ranked))
    sums = {paper: number + place.get(paper, last) for number, paper in enumerate(ranked)}
    return sorted(ranked, key=sums.__getitem__)
