"""compose: database -> database. Decides what every subscriber who is due gets, and writes it down as editions.

An edition is a diff: a paper is news to a profile when the query is true of it now and was not at the subscriber's last
edition. Subscribers with the same last edition share the papers that changed since and are matched together, a range of
ids at a time, so the work grows with the subscribers due and the papers changed, and memory does not grow at all.

Where very many are due and no engine shares them among workers, some processes here do: one alone needs 85 to 90 s for
a million, two need 40.
"""

import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from bot.core.edition.edition import EditionKind
from bot.core.edition.picks import notes_to_json
from bot.errors import UserError
from bot.pipeline import expiry
from bot.pipeline.compose.alerts import AlertComposer
from bot.pipeline.compose.changes import RevisionView
from bot.pipeline.compose.digests import DigestComposer
from bot.pipeline.compose.drafts import MessageId
from bot.store import Connection, Database, cursors, history, sources, subscribers
from bot.store.cursors import Chunk
from bot.store.history import Revision
from bot.store.subscribers import StoredSubscriber

log = logging.getLogger(__name__)

CHUNK = 6_000  # subscribers of one range: matched and committed together, so that the papers are read once for all
WRITE_CACHE = 12  # MB, of a process that only composes: the pages that a chunk changes
SHARE_FROM = 9  # chunks: with fewer it does not pay to start more processes
AGAIN_AFTER = timedelta(hours=1)  # a subscriber whose edition cannot be made is tried again
MOST_FAULTS = 50  # such subscribers of one chunk are found one by one; beyond that it is not they who are at fault


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeReport:
    """How many editions were written."""

    digests: int = 0
    alerts: int = 0

    def __add__(self, other: "ComposeReport") -> "ComposeReport":
        return ComposeReport(digests=self.digests + other.digests, alerts=self.alerts + other.alerts)


class ComposePlan(NamedTuple):
    """What is to be composed: everything up to a revision, for the subscribers of these ranges of ids."""

    revision: Revision
    chunks: list[Chunk]


def prepare(tx: Connection, now: datetime) -> None:
    """Before a plan: end pauses that are over, and give up editions that are too late, so that these digests tell
    them."""
    subscribers.end_pauses(tx, now)
    cursors.set_right(tx, now)
    expiry.expire(tx, now)


def plan(tx: Connection, now: datetime, *, force: bool = False) -> ComposePlan:
    """Who has anything due at `now`, in ranges of about `CHUNK`."""
    revision = history.latest_revision(tx) or Revision(0, now)
    return ComposePlan(revision, cursors.due_ranges(tx, revision.id, now, CHUNK, force=force))


def put_off_range(database: Database, revision: Revision, now: datetime, chunk: Chunk) -> int:
    """Leave alone for an hour whoever has anything due in a range: composing it has killed process after process.
    Returns how many that are."""
    with database.write() as tx:
        digests = [one.id for one in cursors.digest_due(tx, now, chunk)]
        alerts = [one.id for one in cursors.alert_due(tx, revision.id, now, chunk)]
        cursors.put_off(tx, "digest", digests, now + AGAIN_AFTER)
        cursors.put_off(tx, "alert", alerts, now + AGAIN_AFTER)
    return len({*digests, *alerts})


_ComposeBatch = Callable[[Sequence[StoredSubscriber]], int]


class ChunkComposer:
    """Composes ranges of subscribers, whichever and in whatever order, at one revision. A range that was composed
    before, here or on another machine, has nothing due any more."""

    def __init__(self, view: RevisionView, now: datetime, message_id: MessageId, *, force: bool = False) -> None:
        self._database = view.database
        self._now = now
        self._alerts = AlertComposer(view, now, message_id)
        self._digests = DigestComposer(view, now, message_id)
        self._force = force
        self.digests_not_before: datetime | None = None  # when digests may be sent, if not when they are due

    def compose_chunk(self, chunk: Chunk) -> ComposeReport:
        """Alerts first: a digest does not tell again what they told. One subscriber whose edition cannot be made is put
        off by an hour; the others go on. Raises UserError where the database cannot be used.

        Python's garbage collector works between the chunks only: within one it would walk through hundreds of thousands
        of live objects again and again, a quarter of the time, and find next to nothing.
        """
        was_on = gc.isenabled()
        gc.disable()
        self._digests.not_before = self.digests_not_before
        try:
            alerts = self._each("alert", self._alerts.compose, self._alerts.due(chunk))
            compose_digests = partial(self._digests.compose, force=self._force)
            digests = self._each("digest", compose_digests, self._digests.due(chunk, force=self._force))
        finally:
            if was_on:
                gc.enable()
        gc.collect(0)  # what came with this chunk
        return ComposeReport(digests=digests, alerts=alerts)

    def _each(self, kind: EditionKind, compose: _ComposeBatch, batch: Sequence[StoredSubscriber]) -> int:
        """How many editions were written for a batch. One that fails is halved until those at fault stand alone."""
        written, faults, parts = 0, 0, [batch]
        while parts:
            part = parts.pop()
            try:
                written += compose(part)
            except UserError:
                raise  # the database, not a subscriber
            except Exception as error:
                if len(part) > 1 and faults < MOST_FAULTS:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
                    continue
                faults += len(part)
                who = f"subscriber {part[0].id}" if len(part) == 1 else f"{len(part)} subscribers"
                log.error(
                    "the %s of %s cannot be made and is tried again in an hour: %s: %s",
                    kind,
                    who,
                    type(error).__name__,
                    error,
                    exc_info=faults <= 1 or log.isEnabledFor(logging.DEBUG),
                )
                with self._database.write() as tx:
                    cursors.put_off(tx, kind, [one.id for one in part], self._now + AGAIN_AFTER)
        return written


def compose(
    database: Database,
    now: datetime,
    message_id: MessageId,
    *,
    force: bool = False,
    processes: int = 1,
    digests_not_before: datetime | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> ComposeReport:
    """Write down every alert and digest that is due at `now`; with `force` a digest for every active subscriber. Very
    many are shared among `processes`; `message_id` must then be picklable. `progress` is told how many subscribers a
    chunk had, about. `digests_not_before`: when the digests may be sent, if not when they are due.

    Raises UserError where the database cannot be used, for a range alone when all others are composed."""
    with database.write() as tx:
        prepare(tx, now)
    with database.read() as tx:
        revision, chunks = plan(tx, now, force=force)
    if not chunks:
        return ComposeReport()
    report = ComposeReport()
    if processes > 1 and len(chunks) >= SHARE_FROM:
        job = _Job(database.url, database.durable, revision, now, message_id, force, digests_not_before)
        try:
            for done in _in_processes(job, chunks, processes):
                report += done
                progress(CHUNK)
            return report
        except BrokenExecutor:  # what it wrote is written, and its subscribers are due no more
            log.warning("a process that composed with us was killed, for want of memory perhaps; going on alone")
    composer = ChunkComposer(open_view(database, now, revision), now, message_id, force=force)
    composer.digests_not_before = digests_not_before
    trouble: UserError | None = None
    for chunk in chunks:
        try:
            report += composer.compose_chunk(chunk)
        except UserError as error:
            if not database.answers():
                raise
            trouble = trouble or error  # rows that somebody keeps locked: other ranges do not wait for them
        progress(CHUNK)
    if trouble is not None:
        raise trouble
    return report


class _Job(NamedTuple):
    """What a process needs to know to compose chunks."""

    url: str
    durable: bool
    revision: Revision
    now: datetime
    message_id: MessageId
    force: bool
    digests_not_before: datetime | None


def _in_processes(job: _Job, chunks: list[Chunk], processes: int) -> Iterator[ComposeReport]:
    """The reports of the chunks, composed in processes of their own. Raises BrokenExecutor when one is killed."""
    import multiprocessing  # memory nobody with fewer subscribers should pay for
    from concurrent.futures import ProcessPoolExecutor, as_completed

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(job,)) as pool:
        for done in as_completed([pool.submit(_compose_here, chunk) for chunk in chunks]):
            yield done.result()


_composer_of_this_process: list[ChunkComposer] = []  # one, in a process that only composes


def _begin(job: _Job) -> None:
    database = Database(job.url, durable=job.durable, write_cache=WRITE_CACHE)
    view = open_view(database, job.now, job.revision)
    composer = ChunkComposer(view, job.now, job.message_id, force=job.force)
    composer.digests_not_before = job.digests_not_before
    _composer_of_this_process.append(composer)


def _compose_here(chunk: Chunk) -> ComposeReport:
    return _composer_of_this_process[0].compose_chunk(chunk)


def open_view(database: Database, now: datetime, revision: Revision | None = None) -> RevisionView:
    """Everything known at a revision; without one, at the latest."""
    with database.read() as tx:
        revision = revision or history.latest_revision(tx) or Revision(0, now)
        notes = notes_to_json(record.note for record in sources.records(tx).values())
    return RevisionView(database, revision, notes)
