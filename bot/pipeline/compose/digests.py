"""Digests: what each subscriber who is due gets, once for each local date."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from bot.core.edition import selection
from bot.core.edition.picks import Picks, PickSection
from bot.core.query.evaluate import matches
from bot.core.subscriber.schedule import Schedule, Slot
from bot.core.subscriber.subscriber import Subscriber
from bot.pipeline.compose.changes import Found, News, NewsRoom, Pace
from bot.pipeline.compose.drafts import BATCH, NAMED, Desk, MessageId, Pair, sections_of
from bot.pipeline.subscribers import subscriber_of
from bot.store import cursors, editions, subscribers

TOLD = ("digest_cursor", "told_at", "next_due", "overflow")  # a digest's marks


class DigestDesk(Desk):
    """Decides digests."""

    def __init__(self, room: NewsRoom, now: datetime, message_id: MessageId) -> None:
        super().__init__(room, now, message_id)
        # A million subscribers have a thousand schedules: the slot due now, and the next.
        self.slots: Callable[[Schedule, str], tuple[Slot | None, Slot | None]] = lru_cache(maxsize=4096)(
            lambda schedule, zone: (schedule.latest_at_or_before(now, zone), schedule.next_after(now, zone))
        )

    def page(self, after: int, shard: cursors.Shard, *, force: bool, few: bool) -> list[subscribers.StoredSubscriber]:
        with self.room.database.read() as tx:
            return cursors.digest_due(tx, self.now, after=after, limit=BATCH, shard=shard, force=force, few=few)

    def compose(self, batch: Sequence[subscribers.StoredSubscriber], *, force: bool = False) -> int:
        """Decide and write the digests of a batch; returns how many were written."""
        drafts: list[editions.Draft] = []
        marks: list[tuple[Any, ...]] = []
        folded: dict[int, list[int]] = {}
        batch, quiet = self._part_quiet(batch, force=force)
        decided = list(self.decide(batch))
        alive = self._heartbeats([pair for pair, picks, _ in decided if not picks.matched], force=force)
        for (stored, subscriber), picks, expired in decided:
            slot, due, next_due = self._slot(stored, subscriber, force=force)
            if stored.id in alive:
                picks = picks._replace(heartbeat=True)
            if picks.matched or picks.heartbeat:
                drafts.append(self.draft(stored, subscriber, "digest", slot, due, picks))
                if expired:
                    folded[stored.id] = expired
            marks.append((stored.id, self.room.revision.id, self.now, next_due, 0))
        if quiet:  # moves nobody's mark: what was missed comes with the next
            with self.room.database.write() as tx:
                moved = ((stored.id, self._slot(stored, own, force=False)[2]) for stored, own in quiet)
                cursors.advance(tx, ["next_due"], moved)
        return self.write(drafts, TOLD, marks, {stored.id: stored.digest_cursor for stored in batch}, folded)

    def _part_quiet(
        self, batch: Sequence[subscribers.StoredSubscriber], *, force: bool
    ) -> tuple[list[subscribers.StoredSubscriber], list[Pair]]:
        """Those who get mail today, and those who want none on this day of the week."""
        if force:
            return list(batch), []
        awake: list[subscribers.StoredSubscriber] = []
        quiet: list[Pair] = []
        for stored in batch:
            if "quiet_days" in stored.data and self.is_quiet(subscriber := subscriber_of(stored.data)):
                quiet.append((stored, subscriber))
            else:
                awake.append(stored)
        return awake, quiet

    def decide(self, batch: Sequence[subscribers.StoredSubscriber]) -> Iterable[tuple[Pair, Picks, list[int]]]:
        """The next digest of each of these subscribers, without writing anything: picks, and the expired editions they
        take over."""
        pairs = [(stored, subscriber_of(stored.data)) for stored in batch]
        pairs = [pair for pair in pairs if pair[1].schedule.cadence != "off"]
        ids = [stored.id for stored, _ in pairs]
        alerted: dict[int, set[int]] = defaultdict(set)
        untold: dict[int, set[int]] = defaultdict(set)
        expired: dict[int, list[int]] = defaultdict(list)
        none: set[int] = set()
        with self.room.database.read() as tx:
            for alert in editions.alerted(tx, [stored.id for stored, _ in pairs if stored.alert_cursor is not None]):
                alerted[alert.subscriber_id] |= Picks.from_json(alert.picks).ids
            for edition_id, subscriber_id, text in editions.untold(tx, ids):
                untold[subscriber_id] |= Picks.from_json(text).ids
                expired[subscriber_id].append(edition_id)
        for told in (alerted, untold):
            self.room.rename(told)

        groups: dict[tuple[int | None, datetime, Pace], list[Pair]] = defaultdict(list)
        for stored, subscriber in pairs:
            start = self.now
            if stored.digest_cursor is None:  # a first edition looks back one period from when it was due
                start = self._slot(stored, subscriber, force=True)[1] - subscriber.schedule.period
            groups[stored.digest_cursor, start, pace_of(subscriber)].append((stored, subscriber))
        for (base, start, pace), members in groups.items():
            news = self.room.first_news(start) if base is None else self.room.news_since(base)
            found = news.match(
                [[profile.query for profile in subscriber.profiles] for _, subscriber in members],
                most=max(own.max_papers + len(alerted.get(stored.id, none)) for stored, own in members) + NAMED,
                pace=pace,
                revisions=any(subscriber.revisions for _, subscriber in members),
            )
            for (stored, subscriber), hits in zip(members, found, strict=True):
                picks = self._digest(
                    stored, subscriber, news, hits, alerted.get(stored.id, none), untold.get(stored.id, none)
                )
                yield (stored, subscriber), picks, expired.get(stored.id, [])

    def _digest(
        self,
        stored: subscribers.StoredSubscriber,
        subscriber: Subscriber,
        news: News,
        hits: Found,
        alerted: set[int],
        untold: set[int],
    ) -> Picks:
        """One subscriber's digest. Each paper once; what does not fit is counted and the first of it named."""
        best, every = hits.best, hits.every
        homeless: list[int] = []
        repeated = 0
        if alerted or untold:  # seldom: then hit by hit
            found = [set(papers) for papers in every]
            repeated = len(alerted.intersection(set().union(*found)))
            best = [[paper for paper in ranked if paper not in alerted] for ranked in best]
            found = [papers - alerted for papers in found]
            homeless = self._add_untold(subscriber, untold, best, found)
            every = [*found]
        shares = selection.allot(best, subscriber.max_papers)
        shown = {paper for share in shares for paper in share}

        depth = subscriber.trending if subscriber.profiles else subscriber.max_papers
        hot = homeless
        for paper in self.room.entered(news.base, depth, pace_of(subscriber)):
            if not (paper in shown or paper in alerted or paper in hits.told_before or paper in homeless):
                hot.append(paper)
        shown.update(hot)

        sections = sections_of([profile.name for profile in subscriber.profiles], best, every, shares, shown)
        if hot:
            sections.append(PickSection(kind="trending", name="", ids=tuple(hot)))
        if subscriber.revisions and news.base is not None:
            counted = shown.union(*every)
            revised = [paper for paper in news.revised(hits.still) if paper not in counted]
            if revised:
                ids, left_out = tuple(revised[: subscriber.max_papers]), revised[subscriber.max_papers :]
                sections.append(
                    PickSection(
                        kind="revisions", name="", ids=ids, more=len(left_out), more_ids=tuple(left_out[:NAMED])
                    )
                )
        return Picks(sections=tuple(sections), alerted=repeated, overflow=stored.overflow)

    def _add_untold(
        self, subscriber: Subscriber, untold: set[int], best: list[list[int]], every: list[set[int]]
    ) -> list[int]:
        """Papers of editions that expired unsent come first in the profiles they match; returns those that match
        none (they were trending, or the profile has changed)."""
        homeless = []
        for paper_id, paper in sorted(self.room.papers_now(untold).items()):
            at_home = False
            for profile, ranked, found in zip(subscriber.profiles, best, every, strict=True):
                if matches(profile.query, paper):
                    at_home = True
                    found.add(paper_id)
                    if paper_id not in ranked:
                        ranked.insert(0, paper_id)
            if not at_home:
                homeless.append(paper_id)
        return homeless

    def _slot(
        self, stored: subscribers.StoredSubscriber, subscriber: Subscriber, *, force: bool
    ) -> tuple[str, datetime, datetime | None]:
        """The slot's name, when it was due, and when the subscriber is due next. A forced edition is a slot of its own,
        named by its moment."""
        slot, following = self.slots(subscriber.schedule, subscriber.timezone)
        is_due = stored.next_due is not None and stored.next_due <= self.now
        next_due = (following.due if following else None) if is_due else stored.next_due
        if slot is None or (force and not is_due):
            return self.now.isoformat(), self.now, next_due
        return slot.name, slot.due, next_due

    def _heartbeats(self, pairs: Sequence[Pair], *, force: bool) -> set[int]:
        """Which of these subscribers, without news, have had no mail for so long that they want to be told that all is
        well."""
        waiting = [(subscriber, own, own.heartbeat) for subscriber, own in pairs if own.heartbeat is not None]
        if not waiting:
            return set()
        with self.room.database.read() as tx:
            last = editions.last_sent(tx, [subscriber.id for subscriber, _, _ in waiting])
        return {
            subscriber.id
            for subscriber, own, heartbeat in waiting
            if self._slot(subscriber, own, force=force)[1] - last.get(subscriber.id, subscriber.status_since)
            >= heartbeat
        }


def pace_of(subscriber: Subscriber) -> Pace:
    """Over which time a subscriber's papers are ranked."""
    return "week" if subscriber.schedule.cadence in ("weekly", "monthly") else "day"
