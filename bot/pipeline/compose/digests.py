"""Digests: what each subscriber who is due gets, once for each local date."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from bot.core.edition import selection
from bot.core.edition.picks import NAMED, Like, Picks, PickSection
from bot.core.papers.trending import Span
from bot.core.query.evaluate import matches as matches_query
from bot.core.subscriber.schedule import Schedule
from bot.core.subscriber.subscriber import Subscriber, stored_subscriber
from bot.pipeline.compose.changes import POOL, Changes, RevisionView, SubscriberMatches
from bot.pipeline.compose.drafts import EditionComposer, Member, MessageId, sections_of
from bot.pipeline.compose.near_profiles import near_profiles
from bot.pipeline.compose.per_week import admitted
from bot.pipeline.compose.tastes import (
    MOST_PLACES,
    NO_TASTE,
    TastePicks,
    choose,
    ordered,
    share_of_taste,
    taste_picks,
)
from bot.store import cursors, editions
from bot.store.cursors import Chunk, Cursor, DigestProgress, NextDue
from bot.store.subscribers import StoredSubscriber

NOTHING: frozenset[int] = frozenset()
SPANS: dict[str, Span] = {"weekly": "week", "monthly": "month"}
# A digest sooner than this after another (a forced one) brings no second helping of trending papers.
TOO_SOON: dict[Span, timedelta] = {
    "day": timedelta(hours=12),
    "week": timedelta(days=3),
    "month": timedelta(days=15),
}


class Slot(NamedTuple):
    """Which digest a subscriber gets now."""

    name: str
    due: datetime
    next_due: datetime | None


class DigestComposer(EditionComposer):
    """Decides digests."""

    kind = "digest"
    cursor_column = "digest_cursor"

    def __init__(
        self,
        view: RevisionView,
        now: datetime,
        message_id: MessageId,
        *,
        look_back: timedelta | None = None,
        taste_of: int = 0,
    ) -> None:
        """`look_back`: how far a first edition reaches, if not one period of its schedule. `taste_of`: whose taste the
        subscriber of number 0 has, who is somebody without their past."""
        super().__init__(view, now, message_id)
        self._look_back = look_back
        self._taste_of = taste_of
        # A million subscribers have a thousand schedules.
        self._slots_of = lru_cache(maxsize=4096)(
            lambda schedule, zone: (schedule.latest_at_or_before(now, zone), schedule.next_after(now, zone))
        )
        self._slot_of = lru_cache(maxsize=4096)(self._find_slot)

    def due(self, chunk: Chunk, *, force: bool) -> list[StoredSubscriber]:
        with self.view.database.read() as tx:
            return cursors.digest_due(tx, self.now, chunk, force=force)

    def compose(self, batch: Sequence[StoredSubscriber], *, force: bool = False) -> int:
        """Decide and write the digests of a batch; returns how many were written."""
        drafts: list[editions.Draft] = []
        moved: list[Cursor] = []
        folded: dict[int, list[int]] = {}
        awake = self._skip_quiet_days(batch, force=force)
        decided = list(self.decide(awake))
        alive = self._heartbeats([one for one in decided if not one.matched], force=force)
        for stored, subscriber, picks, matched, expired, trending_ids in decided:
            slot = self._slot(stored, subscriber, force=force)
            if stored.id in alive:
                picks = picks._replace(heartbeat=True)
            if matched or picks.heartbeat:
                drafts += self.drafts(stored, subscriber, slot.name, slot.due, picks, matched)
                if expired:
                    folded[stored.id] = expired
            progress = DigestProgress(self.view.revision.id, self.now, slot.next_due, 0, trending_ids)
            moved.append(Cursor(stored.id, stored.digest_cursor, progress))
        return self.write(drafts, moved, folded)

    def _skip_quiet_days(self, batch: Sequence[StoredSubscriber], *, force: bool) -> list[StoredSubscriber]:
        """Those who get mail today. The others are due again at their next slot, which tells what they missed; where
        that is a week or a month away, on the next day that is not quiet."""
        if force:
            return list(batch)
        awake: list[StoredSubscriber] = []
        postponed: list[Cursor] = []
        for stored in batch:
            if "quiet_days" in stored.data and self.is_quiet(subscriber := stored_subscriber(stored.data)):
                following = self._slot(stored, subscriber, force=False).next_due
                next_due = self._next_awake(subscriber) if subscriber.schedule.cadence in SPANS else following
                postponed.append(Cursor(stored.id, stored.digest_cursor, NextDue(next_due)))
            else:
                awake.append(stored)
        if postponed:
            with self.view.database.write() as tx:
                cursors.advance(tx, postponed)
        return awake

    def _next_awake(self, subscriber: Subscriber) -> datetime | None:
        """The subscriber's time of day on the next of their days that is not quiet."""
        every_day = Schedule("daily", subscriber.schedule.at)
        slot = every_day.next_after(self.now, subscriber.timezone)
        while slot is not None and date.fromisoformat(slot.name).weekday() in subscriber.quiet_days:
            slot = every_day.next_after(slot.due, subscriber.timezone)
        return slot.due if slot else None

    def decide(self, batch: Sequence[StoredSubscriber]) -> Iterable["Decision"]:
        """The next digest of each of these subscribers, without writing anything."""
        members = [(stored, stored_subscriber(stored.data)) for stored in batch]
        members = [member for member in members if member[1].schedule.cadence != "off"]
        earlier = self._earlier_editions([stored for stored, _ in members])
        groups: dict[tuple[int | None, datetime, Span], list[Member]] = defaultdict(list)
        for stored, subscriber in members:
            start = self.now
            if stored.digest_cursor is None:  # a first edition looks back one period from when it was due
                look_back = self._look_back or subscriber.schedule.period
                start = self._slot(stored, subscriber, force=True).due - look_back
            groups[stored.digest_cursor, start, span_of(subscriber)].append((stored, subscriber))
        for (base, start, over), group in groups.items():
            changes = self.view.first_changes(start) if base is None else self.view.changes_since(base)
            queries = [[profile.query for profile in subscriber.profiles] for _, subscriber in group]
            found = changes.match(
                queries,
                most=max(own.max_papers + len(earlier.alerted.get(stored.id, ())) for stored, own in group) + NAMED,
                over=over,
                trending_too=any(own.trending and own.profiles for _, own in group),
                revisions=any(subscriber.revisions for _, subscriber in group),
            )
            best_of_weeks = admitted(changes, queries, [subscriber for _, subscriber in group])
            near = near_profiles(changes, group, found)
            tastes = taste_picks(changes, group, found, self._taste_of)
            for (stored, subscriber), matches, may_show in zip(group, found, best_of_weeks, strict=True):
                beside = Beside(near.get(stored.id, []), tastes.get(stored.id, NO_TASTE))
                yield self._decide(stored, subscriber, changes, matches, earlier, may_show, beside)

    def _earlier_editions(self, batch: Sequence[StoredSubscriber]) -> "EarlierEditions":
        alerted: dict[int, set[int]] = defaultdict(set)
        untold: dict[int, set[int]] = defaultdict(set)
        near: dict[int, set[int]] = defaultdict(set)
        taste: dict[int, set[int]] = defaultdict(set)
        likes: dict[int, dict[int, Like]] = defaultdict(dict)
        expired: dict[int, list[int]] = defaultdict(list)
        with self.view.database.read() as tx:
            for alert in editions.alerted(tx, [stored.id for stored in batch if stored.alert_cursor is not None]):
                alerted[alert.subscriber_id] |= Picks.from_json(alert.picks).ids
            for edition in editions.untold(tx, [stored.id for stored in batch]):
                picks, who = Picks.from_json(edition.picks), edition.subscriber_id
                untold[who] |= picks.ids
                near[who] |= {one for part in picks.sections if part.kind == "near" for one in part.ids}
                own = [one for part in picks.sections if part.kind == "taste" for one in part.likes]
                taste[who] |= {one.paper_id for one in own}
                likes[who] |= {one.paper_id: one for one in own}
                expired[who].append(edition.id)
        trending = {stored.id: _ids_of(stored.trending_ids) for stored in batch if stored.trending_ids}
        for told in (alerted, untold, near, taste, trending):
            self.view.rename(told)
        return EarlierEditions(alerted, untold, near, taste, likes, expired, trending)

    def _decide(
        self,
        stored: StoredSubscriber,
        subscriber: Subscriber,
        changes: Changes,
        matches: SubscriberMatches,
        earlier: "EarlierEditions",
        may_show: set[int] | None,
        beside: "Beside",
    ) -> "Decision":
        """One subscriber's digest. Each paper once; what does not fit is counted and the first of it named.

        `may_show`: the papers within their `per_week`; None: all. `beside`: what their profiles do not bring.
        """
        near, taste = beside
        alerted, untold = earlier.alerted.get(stored.id, NOTHING), earlier.untold.get(stored.id, NOTHING)
        best: Sequence[list[int]] = matches.best
        every: Sequence[Collection[int]] = matches.every
        homeless: list[int] = []
        repeated = 0
        if alerted or untold:
            repeated = len(alerted.intersection(set().union(*every)))
            best = [[paper for paper in ranked if paper not in alerted] for ranked in best]
            every = remaining = [[paper for paper in found if paper not in alerted] for found in every]
            homeless = self._add_untold(subscriber, untold, best, remaining)
        if taste.is_learnt and subscriber.taste == "order":
            best = [ordered(ranked, taste.order) for ranked in best]
        wanted = best if may_show is None else [[one for one in ranked if one in may_show] for ranked in best]
        kept = share_of_taste(taste.liked, subscriber.max_papers, has_profiles=bool(subscriber.profiles))
        shares = selection.allot(wanted, subscriber.max_papers - kept)
        shown = set().union(*shares)

        trended = earlier.trending.get(stored.id, NOTHING)
        liked: list[Like] = []
        if near or homeless or taste.liked:
            near_again = earlier.untold_near.get(stored.id, NOTHING)
            liked_again = earlier.untold_taste.get(stored.id, NOTHING)
            apart = {*alerted, *trended, *homeless}
            near = [one for one in homeless if one in near_again] + [one for one in near if one not in apart]
            likes = earlier.likes.get(stored.id, {})
            again = [likes.get(one, Like(one, "", ())) for one in homeless if one in liked_again]
            apart.update(shown, near)
            fresh = [one for one in taste.liked if one.paper_id not in apart]
            places = min(MOST_PLACES - len(again), subscriber.max_papers - len(shown))
            slot = self._slot(stored, subscriber, force=False).name
            liked = [*again, *choose(fresh, min(places, len(fresh)), stored.id, slot)]
            homeless = [one for one in homeless if one not in near_again and one not in liked_again]
        aside = [*near, *(one.paper_id for one in liked)]
        told = {*shown, *alerted, *matches.told_before, *homeless, *aside, *trended}
        has_wishes = bool(subscriber.profiles) or taste.is_learnt
        hot, entered = self._trending(stored, subscriber, changes, told, has_wishes=has_wishes)
        hot = [*homeless, *hot]
        shown.update(hot, aside)

        sections = sections_of([profile.name for profile in subscriber.profiles], best, every, shares, shown)
        if liked:
            ids = tuple(one.paper_id for one in liked)
            sections.append(PickSection(kind="taste", name="", ids=ids, likes=tuple(liked)))
        if near:
            sections.append(PickSection(kind="near", name="", ids=tuple(near)))
        if hot:
            sections.append(PickSection(kind="trending", name="", ids=tuple(hot), entered=tuple(entered)))
        if subscriber.revisions:
            counted = shown.union(*every)
            revised = [paper for paper in changes.revised(matches.still) if paper not in counted]
            if revised:
                sections.append(_revisions(revised, subscriber.max_papers))
        picks = Picks(sections=tuple(sections), alerted=repeated, overflow=stored.overflow)
        return Decision(
            stored,
            subscriber,
            picks,
            picks.matched,
            earlier.expired.get(stored.id, []),
            self._told_aside(subscriber, trended, hot, aside),
        )

    def _told_aside(self, subscriber: Subscriber, before: Collection[int], hot: list[int], aside: list[int]) -> str:
        """What to remember as told outside the profiles: as long as a paper could be in a trending section again."""
        ids = [*hot, *aside]
        if before or aside:
            recent = self.view.trend(span_of(subscriber)).recent
            ids = [paper for paper in {*ids, *before} if paper in recent]
        return ",".join(map(str, sorted(ids)))

    def _trending(
        self, stored: StoredSubscriber, subscriber: Subscriber, changes: Changes, told: set[int], *, has_wishes: bool
    ) -> tuple[list[int], list[int]]:
        """The hottest recent papers not told yet; and those of them that were there at the last digest and have come
        among the hottest of all since."""
        places = trending_places(subscriber, has_wishes=has_wishes)
        pool = changes.recent(span_of(subscriber)) if places else ()
        first, since = pool[:places], stored.told_at
        most = POOL if has_wishes else len(pool)
        if since is not None and self.now - since < TOO_SOON[span_of(subscriber)]:
            most = places
        hot: list[int] = []
        for paper in islice(pool, most):
            if len(hot) == places:
                break
            if paper not in told:
                hot.append(paper)
        if since is None or not hot:
            return hot, []
        seen = self.view.trend(span_of(subscriber)).recent
        return hot, [paper for paper in hot if paper in first and (at := seen[paper]) is not None and at <= since]

    def _add_untold(
        self, subscriber: Subscriber, untold: Collection[int], best: Sequence[list[int]], every: Sequence[list[int]]
    ) -> list[int]:
        """Papers of editions that expired unsent come first in the profiles they match; returns those that match
        none (they were trending, or the profile has changed)."""
        homeless = []
        for paper_id, paper in sorted(self.view.papers_now(untold).items()):
            at_home = False
            for profile, ranked, found in zip(subscriber.profiles, best, every, strict=True):
                if matches_query(profile.query, paper):
                    at_home = True
                    if paper_id not in found:
                        found.append(paper_id)
                    if paper_id not in ranked:
                        ranked.insert(0, paper_id)
            if not at_home:
                homeless.append(paper_id)
        return homeless

    def _slot(self, stored: StoredSubscriber, subscriber: Subscriber, *, force: bool) -> Slot:
        """The slot's name, when it was due, and when the subscriber is due next."""
        has_just_come = stored.digest_cursor is None and stored.next_due == stored.status_since
        slot = self._slot_of(subscriber.schedule, subscriber.timezone, stored.next_due, has_just_come, force)
        if subscriber.quiet_days and stored.next_due is not None and slot.due < stored.next_due <= self.now:
            return slot._replace(due=stored.next_due)  # it was put off from a quiet day, and is not late
        return slot

    def _find_slot(
        self, schedule: Schedule, zone: str, next_due: datetime | None, has_just_come: bool, force: bool
    ) -> Slot:
        """A forced edition is a slot of its own, named by its moment; so is the first of somebody who has just
        confirmed on the web page, due as they did."""
        slot, following = self._slots_of(schedule, zone)
        if next_due is not None and next_due <= self.now:
            then = following.due if following else None
            if has_just_come:
                return Slot(next_due.isoformat(), next_due, then)
            return Slot(slot.name, slot.due, then) if slot else Slot(self.now.isoformat(), self.now, then)
        if slot is None or force:
            return Slot(self.now.isoformat(), self.now, next_due)
        return Slot(slot.name, slot.due, next_due)

    def _heartbeats(self, decided: Sequence["Decision"], *, force: bool) -> set[int]:
        """Which of these subscribers, without news, have had no mail for so long that they want to be told that all is
        well."""
        waiting = [
            (one.stored, one.subscriber, wish) for one in decided if (wish := one.subscriber.heartbeat) is not None
        ]
        if not waiting:
            return set()
        with self.view.database.read() as tx:
            last = editions.last_sent(tx, [stored.id for stored, _, _ in waiting])
        return {
            stored.id
            for stored, own, heartbeat in waiting
            if self._slot(stored, own, force=force).due - last.get(stored.id, stored.status_since) >= heartbeat
        }


class Decision(NamedTuple):
    """One subscriber's next digest."""

    stored: StoredSubscriber
    subscriber: Subscriber
    picks: Picks
    matched: int  # papers told or counted
    expired: list[int]  # earlier editions that were never sent and are told by this one
    trending_ids: str  # what to remember of trending sections: as long as a paper could be in one again


class Beside(NamedTuple):
    """What a digest may tell beside what the profiles bring."""

    near: list[int]  # the profiles
    taste: TastePicks


class EarlierEditions(NamedTuple):
    """What earlier editions mean for a digest: by subscriber id, paper ids and the ids of editions."""

    alerted: dict[int, set[int]]  # told by an alert since the last digest
    untold: dict[int, set[int]]  # in editions that expired unsent
    untold_near: dict[int, set[int]]  # those of them that were near the profiles
    untold_taste: dict[int, set[int]]  # ... and that were like the papers they keep
    likes: dict[int, dict[int, Like]]  # how, by subscriber and paper
    expired: dict[int, list[int]]  # those editions
    trending: dict[int, set[int]]  # told outside the profiles of late: trending, near them, or by a taste


def trending_places(subscriber: Subscriber, *, has_wishes: bool) -> int:
    """How many papers the trending section holds at most; without a profile and a taste it is the whole letter."""
    return subscriber.trending if has_wishes else subscriber.max_papers


def span_of(subscriber: Subscriber) -> Span:
    """Over which time a subscriber's papers are ranked."""
    return SPANS.get(subscriber.schedule.cadence, "day")


def _ids_of(text: str) -> set[int]:
    return {int(number) for number in text.split(",")} if text else set()


def _revisions(revised: Sequence[int], most: int) -> PickSection:
    left_out = revised[most:]
    return PickSection(
        kind="revisions", name="", ids=tuple(revised[:most]), more=len(left_out), more_ids=tuple(left_out[:NAMED])
    )
