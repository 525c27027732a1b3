"""Near your profiles (`near = 3`): for profiles that bring little, the best papers that they are not true of."""

from collections.abc import Sequence

from bot.core.edition import selection
from bot.core.query.near import near_query
from bot.pipeline.compose.changes import Changes, SubscriberMatches
from bot.pipeline.compose.drafts import Member


def near_profiles(
    changes: Changes, members: Sequence[Member], found: Sequence[SubscriberMatches]
) -> dict[int, list[int]]:
    """By subscriber id, papers that are near a thin profile, the best first: at most `near` for each.

    Thin is a profile that brought fewer than `near` papers. Only papers that are new to the subscriber count, so each
    is looked at for one digest and cannot be told twice. One that a profile becomes true of later is told then, under
    that profile: an edition is a diff, and it was not true before.
    """
    wishes = []
    for (stored, subscriber), matches in zip(members, found, strict=True):
        if not subscriber.near:
            continue
        profiles = zip(subscriber.profiles, matches.every, strict=True)
        queries = [near_query(profile.query) for profile, every in profiles if len(every) < subscriber.near]
        thin = [query for query in queries if query is not None]
        if thin:
            wishes.append((stored.id, subscriber.near, thin, matches))
    if not wishes:
        return {}
    near: dict[int, list[int]] = {}
    ranked = changes.most_relevant_new([queries for _, _, queries, _ in wishes])
    for (subscriber_id, places, _, matches), lists in zip(wishes, ranked, strict=True):
        answered = set().union(*matches.every)
        shares = selection.allot([[paper for paper in one if paper not in answered] for one in lists], places)
        near[subscriber_id] = [paper for share in shares for paper in share]
    return near
