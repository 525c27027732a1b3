"""Digests: what each reader who is due gets, once for each local date."""

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

TOLD = ("told_revision", "told_at", "next_due", "overflow")  # a digest's marks


class DigestDesk(Desk):
    """Decides digests."""

    def __init__(self, room: NewsRoom, now: datetime, message_id: MessageId) -> None:
        super().__init__(room, now, message_id)
        # A million readers have a thousand schedules: the slot due now, and the next.
        self.slots: Callable[[Schedule, str], tuple[Slot | None, Slot | None]] = lru_cache(maxsize=4096)(
            lambda schedule, zone: (schedule.latest_at_or_before(now, zone), schedule.next_after(now, zone))
        )

    def page(self, after: int, shard: cursors.Shard, *, force: bool, few: bool) -> list[subscribers.Reader]:
        with self.room.database.read() as tx:
            return cursors.digest_due(tx, self.now, after=after, limit=BATCH, shard=shard, force=force, few=few)

    def compose(self, batch: Sequence[subscribers.Reader], *, force: bool = False) -> int:
        """Decide and write the digests of a batch; returns how many were written."""
        drafts: list[editions.Draft] = []
        marks: list[tuple[Any, ...]] = []
        folded: dict[int, list[int]] = {}
        batch, quiet = self._part_quiet(batch, force=force)
        decided = list(self.decide(batch))
        alive = self._heartbeats([pair for pair, picks, _ in decided if not picks.matched], force=force)
        for (reader, subscriber), picks, expired in decided:
            slot, due, next_due = self._slot(reader, subscriber, force=force)
            if reader.id in alive:
                picks = picks._replace(heartbeat=True)
            if picks.matched or picks.heartbeat:
                drafts.append(self.draft(reader, subscriber, "digest", slot, due, picks))
                if expired:
                    folded[reader.id] = expired
            marks.append((reader.id, self.room.revision.id, self.now, next_due, 0))
        if quiet:  # moves nobody's mark: what was missed comes with the next
            with self.room.database.write() as tx:
                moved = ((reader.id, self._slot(reader, own, force=False)[2]) for reader, own in quiet)
                cursors.advance(tx, ["next_due"], moved)
        return self.write(drafts, TOLD, marks, {reader.id: reader.told_revision for reader in batch}, folded)

    def _part_quiet(
        self, batch: Sequence[subscribers.Reader], *, force: bool
    ) -> tuple[list[subscribers.Reader], list[Pair]]:
        """Those who get mail today, and those who want none on this day of the week."""
        if force:
            return list(batch), []
        awake: list[subscribers.Reader] = []
        quiet: list[Pair] = []
        for reader in batch:
            if "quiet_days" in reader.data and self.is_quiet(subscriber := subscriber_of(reader.data)):
                quiet.append((reader, subscriber))
            else:
                awake.append(reader)
        return awake, quiet

    def decide(self, batch: Sequence[subscribers.Reader]) -> Iterable[tuple[Pair, Picks, list[int]]]:
        """The next digest of each of these readers, without writing anything: picks, and the expired editions they
        take over."""
        pairs = [(reader, subscriber_of(reader.data)) for reader in batch]
        pairs = [pair for pair in pairs if pair[1].schedule.cadence != "off"]
        ids = [reader.id for reader, _ in pairs]
        alerted: dict[int, set[int]] = defaultdict(set)
        untold: dict[int, set[int]] = defaultdict(set)
        expired: dict[int, list[int]] = defaultdict(list)
        none: set[int] = set()
        with self.room.database.read() as tx:
            for alert in editions.alerted(tx, [reader.id for reader, _ in pairs if reader.alert_revision is not None]):
                alerted[alert.subscriber_id] |= Picks.from_json(alert.picks).ids
            for edition_id, reader_id, text in editions.untold(tx, ids):
                untold[reader_id] |= Picks.from_json(text).ids
                expired[reader_id].append(edition_id)
        for told in (alerted, untold):
            self.room.rename(told)

        groups: dict[tuple[int | None, datetime, Pace], list[Pair]] = defaultdict(list)
        for reader, subscriber in pairs:
            start = self.now
            if reader.told_revision is None:  # a first edition looks back one period from when it was due
                start = self._slot(reader, subscriber, force=True)[1] - subscriber.schedule.period
            groups[reader.told_revision, start, pace_of(subscriber)].append((reader, subscriber))
        for (base, start, pace), members in groups.items():
            news = self.room.first_news(start) if base is None else self.room.news_since(base)
            found = news.match(
                [[profile.query for profile in subscriber.profiles] for _, subscriber in members],
                most=max(own.max_papers + len(alerted.get(reader.id, none)) for reader, own in members) + NAMED,
                pace=pace,
                revisions=any(subscriber.revisions for _, subscriber in members),
            )
            for (reader, subscriber), hits in zip(members, found, strict=True):
                picks = self._digest(
                    reader, subscriber, news, hits, alerted.get(reader.id, none), untold.get(reader.id, none)
                )
                yield (reader, subscriber), picks, expired.get(reader.id, [])

    def _digest(
        self,
        reader: subscribers.Reader,
        subscriber: Subscriber,
        news: News,
        hits: Found,
        alerted: set[int],
        untold: set[int],
    ) -> Picks:
        """One reader's digest. Each paper once; what does not fit is counted and the first of it named."""
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
        return Picks(sections=tuple(sections), alerted=repeated, overflow=reader.overflow)

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
        self, reader: subscribers.Reader, subscriber: Subscriber, *, force: bool
    ) -> tuple[str, datetime, datetime | None]:
        """The slot's name, when it was due, and when the reader is due next. A forced edition is a slot of its own,
        named by its moment."""
        slot, following = self.slots(subscriber.schedule, subscriber.timezone)
        is_due = reader.next_due is not None and reader.next_due <= self.now
        next_due = (following.due if following else None) if is_due else reader.next_due
        if slot is None or (force and not is_due):
            return self.now.isoformat(), self.now, next_due
        return slot.name, slot.due, next_due

    def _heartbeats(self, pairs: Sequence[Pair], *, force: bool) -> set[int]:
        """Which of these readers, without news, have had no mail for so long that they want to be told that all is
        well."""
        waiting = [(reader, own, own.heartbeat) for reader, own in pairs if own.heartbeat is not None]
        if not waiting:
            return set()
        with self.room.database.read() as tx:
            last = editions.last_sent(tx, [reader.id for reader, _, _ in waiting])
        return {
            reader.id
            for reader, own, heartbeat in waiting
            if self._slot(reader, own, force=force)[1] - last.get(reader.id, reader.status_since) >= heartbeat
        }


def pace_of(subscriber: Subscriber) -> Pace:
    """Over which time a reader's papers are ranked."""
    return "week" if subscriber.schedule.cadence in ("weekly", "monthly") else "day"
