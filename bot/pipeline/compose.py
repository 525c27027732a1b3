"""compose: database -> database. Decides what every reader who is due gets, and writes it down as editions.

An edition is a diff: a paper is news to a profile when the query is true of it now and was not at the reader's last
edition. Readers with the same last edition share the papers that changed since and are matched together, in batches,
so the work grows with the readers due and the papers changed, and memory does not grow at all.
"""

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from bot.core import trending
from bot.core.picks import notes_to_json
from bot.pipeline import stale
from bot.pipeline.alerts import AlertDesk
from bot.pipeline.desk import MessageId
from bot.pipeline.digests import DigestDesk
from bot.pipeline.news import TREND_DEPTH, NewsRoom, Ranking
from bot.store import Database, history, readers, sources
from bot.store.history import Revision
from bot.store.readers import Shard

SHARE_FROM = 50_000  # readers due before it pays to start more processes
ALL: Shard = (0, 1)
WEEKLY_HALF_LIFE = timedelta(hours=84)  # a weekly digest ranks over its week, as a daily one over its day
TREND_WINDOW = timedelta(days=30)  # papers first seen longer ago no longer trend


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
    with database.read() as tx:
        alerts_due = readers.count_alert_due(tx, room.revision.id, now)
        due = readers.count_due(tx, now, force=force)
    if processes == 1 or max(alerts_due, due) < SHARE_FROM:
        alerts = _alerts(room, now, message_id, ALL)
        return ComposeReport(alerts=alerts, digests=_digests(room, now, message_id, ALL, force, progress))
    import multiprocessing  # memory nobody with fewer readers should pay for
    from concurrent.futures import ProcessPoolExecutor, as_completed

    shards = [(number, processes) for number in range(processes)]
    common = (database.url, database.durable, now, message_id)
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        if alerts_due < SHARE_FROM:
            alerts = _alerts(room, now, message_id, ALL)
        else:
            alerts = sum(pool.map(partial(_alerts_of_a_share, *common), shards))
        digests = 0
        if due < SHARE_FROM:
            digests = _digests(room, now, message_id, ALL, force, progress)
        else:  # after all alerts: a digest does not tell again what they told
            shares = [pool.submit(_digests_of_a_share, *common, shard, force) for shard in shards]
            for share in as_completed(shares):
                digests += share.result()
                progress(due // processes)
    return ComposeReport(alerts=alerts, digests=digests)


def _alerts_of_a_share(url: str, durable: bool, now: datetime, message_id: MessageId, shard: Shard) -> int:
    """One process's share of the alerts."""
    with closing(Database(url, durable=durable)) as database:
        return _alerts(open_newsroom(database, now), now, message_id, shard)


def _digests_of_a_share(
    url: str, durable: bool, now: datetime, message_id: MessageId, shard: Shard, force: bool
) -> int:
    """One process's share of the digests."""
    with closing(Database(url, durable=durable)) as database:
        return _digests(open_newsroom(database, now), now, message_id, shard, force, lambda done: None)


def _alerts(room: NewsRoom, now: datetime, message_id: MessageId, shard: Shard) -> int:
    desk = AlertDesk(room, now, message_id)
    with _no_collector():
        return sum(desk.compose(batch) for batch in _pages(lambda after: desk.page(after, shard)))


def _digests(
    room: NewsRoom,
    now: datetime,
    message_id: MessageId,
    shard: Shard,
    force: bool,
    progress: Callable[[int], None],
) -> int:
    desk = DigestDesk(room, now, message_id)
    digests = 0
    with _no_collector():
        for batch in _pages(lambda after: desk.page(after, shard, force=force)):
            digests += desk.compose(batch, force=force)
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
