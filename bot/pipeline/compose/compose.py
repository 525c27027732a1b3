"""compose: database -> database. Decides what every subscriber who is due gets, and writes it down as editions.

An edition is a diff: a paper is news to a profile when the query is true of it now and was not at the subscriber's last
edition. Subscribers with the same last edition share the papers that changed since and are matched together, in
batches, so the work grows with the subscribers due and the papers changed, and memory does not grow at all.
"""

import gc
import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from bot.core.edition.picks import notes_to_json
from bot.pipeline import expiry
from bot.pipeline.compose.alerts import AlertComposer
from bot.pipeline.compose.changes import RevisionView
from bot.pipeline.compose.digests import DigestComposer
from bot.pipeline.compose.drafts import MessageId
from bot.store import Database, cursors, history, sources, subscribers
from bot.store.history import Revision
from bot.store.subscribers import StoredSubscriber

log = logging.getLogger(__name__)

SHARE_FROM = 50_000  # subscribers due before it pays to start more processes


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
    """Write down every alert and digest that is due at `now`; with `force` a digest for every active subscriber. Very
    many are shared among `processes`; `message_id` must then be picklable."""
    with database.write() as tx:
        subscribers.end_pauses(tx, now)
        cursors.set_right(tx, now)
        expiry.expire(tx, now)  # so that these digests tell it
    with database.read() as tx:
        revision = history.latest_revision(tx) or Revision(0, now)
        alerts_due = cursors.count_alert_due(tx, revision.id, now)
        digests_due = cursors.count_digest_due(tx, now, force=force)
        if not alerts_due and not digests_due:
            return ComposeReport()
    view = open_view(database, now)
    job = Job(now, message_id, force)
    alerts = _everyone(_alerts, alerts_due, view, job, processes, lambda done: None)
    # After all alerts: a digest does not tell again what they told.
    digests = _everyone(_digests, digests_due, view, job, processes, progress)
    return ComposeReport(alerts=alerts, digests=digests)


class Job(NamedTuple):
    """What is to be composed, for whom."""

    now: datetime
    message_id: MessageId
    force: bool
    few: bool = True  # of all subscribers
    shard: cursors.Shard = (0, 1)


def _everyone(
    work: "Work", due: int, view: RevisionView, job: Job, processes: int, progress: Callable[[int], None]
) -> int:
    """Do it for all who are due, here, or shared among several processes; returns how many editions were written."""
    if processes == 1 or due < SHARE_FROM:
        return work(view, job._replace(few=due < SHARE_FROM), progress) if due else 0
    import multiprocessing  # memory nobody with fewer subscribers should pay for
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool

    url, durable, written = view.database.url, view.database.durable, 0
    try:
        with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
            jobs = [job._replace(few=False, shard=(number, processes)) for number in range(processes)]
            for share in as_completed([pool.submit(_share, work, url, durable, one) for one in jobs]):
                written += share.result()
                progress(due // processes)
    except BrokenProcessPool:  # what it wrote is written, and its subscribers are due no more
        log.warning("a process that composed with us was killed, for want of memory perhaps; going on alone")
        written += work(view, job._replace(few=False), progress)
    return written


def _share(work: "Work", url: str, durable: bool, job: Job) -> int:
    """One process's share."""
    with closing(Database(url, durable=durable)) as database:
        return work(open_view(database, job.now), job, lambda done: None)


def _alerts(view: RevisionView, job: Job, progress: Callable[[int], None]) -> int:
    composer = AlertComposer(view, job.now, job.message_id)
    return _batch_by_batch(lambda after: composer.page(after, job.shard, few=job.few), composer.compose, progress)


def _digests(view: RevisionView, job: Job, progress: Callable[[int], None]) -> int:
    composer = DigestComposer(view, job.now, job.message_id)
    return _batch_by_batch(
        lambda after: composer.page(after, job.shard, force=job.force, few=job.few),
        lambda batch: composer.compose(batch, force=job.force),
        progress,
    )


def _batch_by_batch(
    page: Callable[[int], list[StoredSubscriber]],
    compose_batch: Callable[[list[StoredSubscriber]], int],
    progress: Callable[[int], None],
) -> int:
    """All pages of subscribers, by id. Python's garbage collector works between the batches only: within one it would
    walk through hundreds of thousands of live objects again and again, a quarter of the time, and find next to
    nothing."""
    written = after = 0
    was_on = gc.isenabled()
    gc.disable()
    try:
        while batch := page(after):
            written += compose_batch(batch)
            after = batch[-1].id
            progress(len(batch))
            gc.collect(0)  # what came with this batch
    finally:
        if was_on:
            gc.enable()
    return written


Work = Callable[[RevisionView, Job, Callable[[int], None]], int]


def open_view(database: Database, now: datetime) -> RevisionView:
    """Everything known at the latest revision."""
    with database.read() as tx:
        revision = history.latest_revision(tx) or Revision(0, now)
        notes = notes_to_json(record.note for record in sources.records(tx).values())
    return RevisionView(database, revision, notes)
