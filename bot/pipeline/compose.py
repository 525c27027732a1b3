"""compose: database -> database. Decides what every reader who is due gets, and writes it down as editions.

An edition is a diff: a paper is news to a profile when the query is true of it now and was not at the reader's last
edition. Readers with the same last edition share the papers that changed since and are matched together, in batches,
so the work grows with the readers due and the papers changed, and memory does not grow at all.
"""

import gc
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from bot.core import selection, trending
from bot.core.evaluate import matches
from bot.core.picks import Picks, PickSection, notes_to_json
from bot.core.readers import Subscriber
from bot.core.schedule import Schedule, Slot
from bot.pipeline import stale
from bot.pipeline.news import TREND_DEPTH, Found, News, NewsRoom, Pace, Ranking
from bot.pipeline.subscribers import subscriber_of
from bot.store import Database, editions, history, readers, sources
from bot.store.history import Revision

BATCH = 10_000  # readers matched and committed together: the papers are read once for all of them
SHARE_FROM = 50_000  # readers due before it pays to start more processes
NAMED = 5  # of the papers that did not fit, how many are named
WEEKLY_HALF_LIFE = timedelta(hours=84)  # a weekly digest ranks over its week, as a daily one over its day
TREND_WINDOW = timedelta(days=30)  # papers first seen longer ago no longer trend

Pair = tuple[readers.Reader, Subscriber]
MessageId = Callable[[str, str, int], str]  # (kind, slot, subscriber) -> Message-ID


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeReport:
    """How many editions were written."""

    digests: int = 0
    alerts: int = 0


def compose(
    database: Database,
    now: datetime,
    message_id: MessageId,
    *,
    force: bool = False,
    processes: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> ComposeReport:
    """Write down every alert and digest that is due at `now`; with `force` a digest for every active reader. Very many
    are shared among `processes`; `message_id` must then be picklable."""
    with database.write() as tx:
        readers.end_pauses(tx, now)
        readers.set_right(tx, now)
        stale.expire(tx, now)  # so that these digests tell it
    room = open_newsroom(database, now)
    desk = Desk(room, now, message_id)
    with _no_collector():
        alerts = sum(desk.alerts(batch) for batch in _pages(desk.alert_page))
    with database.read() as tx:
        due = readers.count_due(tx, now, force=force)
    if processes == 1 or due < SHARE_FROM:
        return ComposeReport(digests=_digests(desk, force, (0, 1), progress), alerts=alerts)
    import multiprocessing  # memory nobody with fewer readers should pay for
    from concurrent.futures import ProcessPoolExecutor, as_completed

    started = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=started) as pool:
        shares = [
            pool.submit(_share, database.url, database.durable, now, message_id, force, (number, processes))
            for number in range(processes)
        ]
        digests = 0
        for share in as_completed(shares):
            digests += share.result()
            progress(due // processes)
    return ComposeReport(digests=digests, alerts=alerts)


def _share(url: str, durable: bool, now: datetime, message_id: MessageId, force: bool, shard: tuple[int, int]) -> int:
    """One process's share of the digests."""
    database = Database(url, durable=durable)
    try:
        return _digests(Desk(open_newsroom(database, now), now, message_id), force, shard, lambda done: None)
    finally:
        database.close()


def _digests(desk: "Desk", force: bool, shard: tuple[int, int], progress: Callable[[int], None]) -> int:
    digests = 0
    with _no_collector():
        for batch in _pages(lambda after: desk.digest_page(after, force=force, shard=shard)):
            digests += desk.digests(batch, force=force)
            progress(len(batch))
    return digests


@contextmanager
def _no_collector() -> Iterator[None]:
    """Without the garbage collector: a batch makes no cycles, and looking for some among its million live objects,
    again and again, takes a quarter of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def open_newsroom(database: Database, now: datetime, *, remember: bool = True) -> NewsRoom:
    """All that happened up to the latest revision, ranked by day and by week. Without `remember` nothing is written."""
    with database.read() as tx:
        revision = history.latest(tx) or Revision(0, now)
        notes = notes_to_json(record.note for record in sources.records(tx).values())
    return NewsRoom(database, revision, rank_trending(database, revision, remember=remember), notes)


def rank_trending(database: Database, revision: Revision, *, remember: bool = True) -> Ranking:
    """The hottest papers as of a revision, over a day and over a week. A function of the revision alone, so that asking
    again at once, or from another process, never reshuffles; who reached a better place than ever before is written
    down."""
    with database.read() as tx:
        recent = history.seen_since(tx, revision.at - TREND_WINDOW, revision.id)
        snapshots = history.snapshots(tx, recent, until=revision.id)

    def places(half_life: timedelta) -> dict[int, int]:
        def coldness(paper_id: int) -> tuple[float, str]:
            paper = recent[paper_id]
            return -trending.score(snapshots.get(paper_id, ()), paper, revision.at, half_life), paper.key

        return {paper_id: place for place, paper_id in enumerate(sorted(recent, key=coldness), 1)}

    ranking = Ranking(day=places(trending.HALF_LIFE), week=places(WEEKLY_HALF_LIFE))
    if remember:
        top = {paper_id: place for paper_id, place in ranking.day.items() if place <= TREND_DEPTH}
        with database.write() as tx:
            history.write_trend(tx, revision.id, top)
    return ranking


def _pages(page: Callable[[int], list[readers.Reader]]) -> Iterable[list[readers.Reader]]:
    """Readers a page at a time, by id."""
    after = 0
    while batch := page(after):
        yield batch
        after = batch[-1].id


class Desk:
    """Decides editions, a batch of readers at a time."""

    def __init__(self, room: NewsRoom, now: datetime, message_id: MessageId) -> None:
        self.room = room
        self.now = now
        self.message_id = message_id
        self._compose_id: int | None = None
        # A million readers have a thousand schedules: the slot due now, and the next.
        self.slots: Callable[[Schedule, str], tuple[Slot | None, Slot | None]] = lru_cache(maxsize=4096)(
            lambda schedule, zone: (schedule.latest_at_or_before(now, zone), schedule.next_after(now, zone))
        )

    # -- digests ---------------------------------------------------------------------------------------------------

    def digest_page(self, after: int, *, force: bool, shard: tuple[int, int] = (0, 1)) -> list[readers.Reader]:
        with self.room.database.read() as tx:
            return readers.due(tx, self.now, after=after, limit=BATCH, force=force, shard=shard)

    def digests(self, batch: Sequence[readers.Reader], *, force: bool = False) -> int:
        """Decide and write the digests of a batch; returns how many were written."""
        drafts: list[editions.Draft] = []
        marks: list[dict[str, Any]] = []
        folded: dict[int, list[int]] = {}
        batch, quiet = self._part_quiet(batch, force=force)
        for (reader, subscriber), picks, expired in self.decide(batch):
            slot, due = self._slot(reader, subscriber, force=force)
            if not picks.matched and self._heartbeat_due(reader, subscriber, due):
                picks = replace(picks, heartbeat=True)
            if picks.matched or picks.heartbeat:
                drafts.append(self._draft(reader, subscriber, "digest", slot, due, picks))
                folded[reader.id] = expired
            marks.append(
                {
                    "id": reader.id,
                    "told_revision": self.room.revision.id,
                    "told_at": self.now,
                    "next_due": self._next_due(reader, subscriber),
                    "overflow": 0,
                }
            )
        with self.room.database.write() as tx:  # a quiet day moves nobody's mark: what was missed comes with the next
            readers.advance(tx, [{"id": reader.id, "next_due": self._next_due(reader, own)} for reader, own in quiet])
        return self._write(drafts, marks, {reader.id: reader.told_revision for reader in batch}, "told", folded)

    def _part_quiet(self, batch: Sequence[readers.Reader], *, force: bool) -> tuple[list[readers.Reader], list[Pair]]:
        """Those who get mail today, and those who want none on this day of the week."""
        if force:
            return list(batch), []
        awake: list[readers.Reader] = []
        quiet: list[Pair] = []
        for reader in batch:
            if "quiet_days" in reader.data and self._is_quiet(subscriber := subscriber_of(reader.data)):
                quiet.append((reader, subscriber))
            else:
                awake.append(reader)
        return awake, quiet

    def _is_quiet(self, subscriber: Subscriber) -> bool:
        return self.now.astimezone(ZoneInfo(subscriber.timezone)).weekday() in subscriber.quiet_days

    def decide(self, batch: Sequence[readers.Reader]) -> Iterable[tuple[Pair, Picks, list[int]]]:
        """The next digest of each of these readers, without writing anything: picks, and the expired editions they
        take over."""
        pairs = [(reader, subscriber_of(reader.data)) for reader in batch]
        pairs = [pair for pair in pairs if pair[1].schedule.cadence != "off"]
        ids = [reader.id for reader, _ in pairs]
        alerted: dict[int, set[int]] = defaultdict(set)
        untold: dict[int, set[int]] = defaultdict(set)
        expired: dict[int, list[int]] = defaultdict(list)
        with self.room.database.read() as tx:
            for alert in editions.alerted(tx, ids):
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
            groups[reader.told_revision, start, _pace(subscriber)].append((reader, subscriber))
        for (base, start, pace), members in groups.items():
            news = self.room.first_news(start) if base is None else self.room.news_since(base)
            found = news.match(
                [[profile.query for profile in subscriber.profiles] for _, subscriber in members],
                most=max(len(alerted[reader.id]) + subscriber.max_papers for reader, subscriber in members) + NAMED,
                pace=pace,
                revisions=any(subscriber.revisions for _, subscriber in members),
            )
            for (reader, subscriber), hits in zip(members, found, strict=True):
                picks = self._digest(reader, subscriber, news, hits, alerted[reader.id], untold[reader.id])
                yield (reader, subscriber), picks, expired[reader.id]

    def _digest(
        self,
        reader: readers.Reader,
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
        for paper in self.room.entered(news.base, depth, _pace(subscriber)):
            if not (paper in shown or paper in alerted or paper in hits.told_before or paper in homeless):
                hot.append(paper)
        shown.update(hot)

        sections = _sections([profile.name for profile in subscriber.profiles], best, every, shares, shown)
        if hot:
            sections.append(PickSection(kind="trending", name="", ids=tuple(hot)))
        if subscriber.revisions and news.base is not None:
            counted = shown.union(*every)
            revised = [paper for paper in self.room.revised(news.base, hits.still) if paper not in counted]
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

    def _slot(self, reader: readers.Reader, subscriber: Subscriber, *, force: bool) -> tuple[str, datetime]:
        """The slot's name and when it was due. A forced edition is a slot of its own, named by its moment."""
        if force and not _is_due(reader, self.now):
            return self.now.isoformat(), self.now
        slot, _ = self.slots(subscriber.schedule, subscriber.timezone)
        return (slot.name, slot.due) if slot else (self.now.isoformat(), self.now)

    def _next_due(self, reader: readers.Reader, subscriber: Subscriber) -> datetime | None:
        if not _is_due(reader, self.now):
            return reader.next_due
        _, slot = self.slots(subscriber.schedule, subscriber.timezone)
        return slot.due if slot else None

    def _heartbeat_due(self, reader: readers.Reader, subscriber: Subscriber, due: datetime) -> bool:
        if subscriber.heartbeat is None:
            return False
        with self.room.database.read() as tx:
            last = editions.last_sent(tx, reader.id)
        return due - (last or reader.status_since) >= subscriber.heartbeat

    # -- alerts ----------------------------------------------------------------------------------------------------

    def alert_page(self, after: int) -> list[readers.Reader]:
        with self.room.database.read() as tx:
            return readers.alert_due(tx, self.room.revision.id, self.now, after=after, limit=BATCH)

    def alerts(self, batch: Sequence[readers.Reader]) -> int:
        """Decide and write the alerts of a batch. The first collection of a source, and a reader's first time here,
        set the mark and alert of nothing."""
        drafts: list[editions.Draft] = []
        marks: list[dict[str, Any]] = []
        groups: dict[int | None, list[Pair]] = defaultdict(list)
        for reader in batch:
            groups[reader.alert_revision].append((reader, subscriber_of(reader.data)))
        for base, members in groups.items():
            marks += [
                self._sleep_on(reader, subscriber) for reader, subscriber in members if self._is_quiet(subscriber)
            ]
            members = [pair for pair in members if not self._is_quiet(pair[1])]
            if not members:
                continue
            if base is None:
                marks += [self._alert_mark(reader) for reader, _ in members]
                continue
            news = self.room.alert_news(base)
            queries = [[profile.query for profile in subscriber.profiles if profile.alert] for _, subscriber in members]
            most = max(subscriber.max_papers for _, subscriber in members) + NAMED
            for (reader, subscriber), hits in zip(members, news.match(queries, most=most), strict=True):
                draft, mark = self._alert(reader, subscriber, hits)
                drafts += [draft] if draft else []
                marks.append(mark)
        return self._write(drafts, marks, {reader.id: reader.alert_revision for reader in batch}, "alerted")

    def _alert(
        self, reader: readers.Reader, subscriber: Subscriber, hits: Found
    ) -> tuple[editions.Draft | None, dict[str, Any]]:
        papers = set().union(*hits.every) if hits.every else set()
        if not papers:
            return None, self._alert_mark(reader)
        today = self.now.astimezone(ZoneInfo(subscriber.timezone)).date()
        sent = reader.alerts_sent if reader.alert_day == today else 0
        if sent >= subscriber.alert_limit:
            if subscriber.schedule.cadence == "off":  # no digest would tell: the papers wait for tomorrow's alerts
                return None, self._sleep_on(reader, subscriber)
            return None, self._alert_mark(reader) | {"overflow": reader.overflow + len(papers)}
        profiles = [profile for profile in subscriber.profiles if profile.alert]
        shares = selection.allot(hits.best, subscriber.max_papers)
        shown = {paper for share in shares for paper in share}
        sections = _sections([profile.name for profile in profiles], hits.best, hits.every, shares, shown)
        # Named by where it starts from, so that two processes cannot both tell what follows it.
        slot = f"after-{reader.alert_revision}"
        draft = self._draft(reader, subscriber, "alert", slot, self.now, Picks(sections=tuple(sections)))
        mark = self._alert_mark(reader)
        mark |= {"alert_after": self.now + subscriber.alert_every, "alert_day": today, "alerts_sent": sent + 1}
        return draft, mark

    def _sleep_on(self, reader: readers.Reader, subscriber: Subscriber) -> dict[str, Any]:
        """No alert before tomorrow; what there is to tell waits."""
        zone = ZoneInfo(subscriber.timezone)
        tomorrow = self.now.astimezone(zone).date() + timedelta(days=1)
        midnight = datetime.combine(tomorrow, time(), zone).astimezone(UTC)
        return self._alert_mark(reader) | {"alert_revision": reader.alert_revision, "alert_after": midnight}

    def _alert_mark(self, reader: readers.Reader) -> dict[str, Any]:
        return {
            "id": reader.id,
            "alert_revision": self.room.revision.id,
            "alert_after": reader.alert_after,
            "alert_day": reader.alert_day,
            "alerts_sent": reader.alerts_sent,
            "overflow": reader.overflow,
        }

    # -- writing ---------------------------------------------------------------------------------------------------

    def _draft(
        self, reader: readers.Reader, subscriber: Subscriber, kind: str, slot: str, due: datetime, picks: Picks
    ) -> editions.Draft:
        return editions.Draft(
            subscriber_id=reader.id,
            kind=kind,
            slot=slot,
            due=due,
            day=due.astimezone(ZoneInfo(subscriber.timezone)).date(),
            since=reader.told_at,
            picks=picks.to_json(),
            matched=picks.matched,
            message_id=self.message_id(kind, slot, reader.id),
        )

    def _write(
        self,
        drafts: Sequence[editions.Draft],
        marks: Sequence[dict[str, Any]],
        expected: dict[int, int | None],
        mark: str,
        folded: Mapping[int, Sequence[int]] | None = None,
    ) -> int:
        """Editions and marks in one transaction. A reader whose mark another process moved meanwhile is left to it. Who
        has had a digest of that date already (their time zone or our clock has changed) is told with the next."""
        if not marks:
            return 0
        with self.room.database.write() as tx:
            current = readers.marks(tx, [row["id"] for row in marks])
            place = 0 if mark == "told" else 1
            mine = {row["id"] for row in marks if current[row["id"]][place] == expected[row["id"]]}
            compose_id = self._compose_id
            if drafts and compose_id is None:
                compose_id = editions.begin_compose(tx, self.now, self.room.revision.id, self.room.notes)
            written: set[int] = set()
            late: set[int] = set()
            if drafts and compose_id is not None:
                own = [draft for draft in drafts if draft.subscriber_id in mine]
                written = {reader for reader, _, _ in editions.add(tx, compose_id, self.room.revision.id, own)}
                late = {draft.subscriber_id for draft in own} - written
                editions.fold(tx, [one for reader in written for one in (folded or {}).get(reader, ())], compose_id)
            readers.advance(tx, [row for row in marks if row["id"] in mine and row["id"] not in late])
            if mark == "told":
                postponed = [{"id": row["id"], "next_due": row["next_due"]} for row in marks if row["id"] in late]
                readers.advance(tx, postponed)
        self._compose_id = compose_id
        return len(written)


def _sections(
    names: Sequence[str],
    best: Sequence[Sequence[int]],
    every: Sequence[Collection[int]],
    shares: Sequence[Sequence[int]],
    shown: set[int],
) -> list[PickSection]:
    """A section for each profile that found something: the papers shown, and of those left over, each counted for the
    first profile that wants it, the number and the best."""
    sections = []
    counted = shown
    for name, ranked, found, share in zip(names, best, every, shares, strict=True):
        if len(found) == len(share):
            left = 0
        elif len(names) == 1 and len(found) > len(ranked):  # too many to list one by one
            left = len(found) - len(counted.intersection(found) if len(counted) > len(share) else share)
        else:
            others = set(found) - counted
            left = len(others)
            counted = counted | others
        if share or left:
            named = islice((paper for paper in ranked if paper not in shown), NAMED) if left else ()
            sections.append(PickSection(kind="profile", name=name, ids=tuple(share), more=left, more_ids=tuple(named)))
    return sections


def _pace(subscriber: Subscriber) -> Pace:
    """Over which time a reader's papers are ranked."""
    return "week" if subscriber.schedule.cadence in ("weekly", "monthly") else "day"


def _is_due(reader: readers.Reader, now: datetime) -> bool:
    return reader.next_due is not None and reader.next_due <= now
