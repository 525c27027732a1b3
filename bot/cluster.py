"""The steps as jobs of Procrastinate, a queue in our own PostgreSQL database, shared by workers on many machines.

Each worker's clock asks for work; whichever worker is free does it. Nothing depends on a job: what is due is told by
the cursors and unique keys of the rows themselves, so a job that is lost is asked for again at the next tick, and one
that runs twice finds nothing due. The only module that knows Procrastinate; `engine = "embedded"` never imports it.
"""

import asyncio
import logging
import threading
import uuid
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from bot.errors import PaperlarkError, UserError
from bot.pipeline.compose.compose import ChunkComposer, ComposeReport, open_view, plan, prepare, put_off_range
from bot.pipeline.compose.drafts import MessageId
from bot.store import Connection, Database, outbox
from bot.store.cursors import Chunk
from bot.store.database import SESSION, TCP
from bot.store.history import Revision
from bot.store.locks import PLANNING_WAITS, wait_for_locks

try:
    from procrastinate import App, JobContext, PsycopgConnector, SyncPsycopgConnector
    from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
    from procrastinate.jobs import Job, Status
    from procrastinate.schema import SchemaManager
except ModuleNotFoundError as error:
    raise UserError('engine = "procrastinate" needs its queue.', ["pip install 'paperlark[cluster]'"]) from error

T = TypeVar("T")

log = logging.getLogger(__name__)

# How many jobs of each queue a worker does at a time: mail never waits for composing, nor composing for a slow source.
COLLECT, COMPOSE, DELIVER = "collect", "compose", "deliver"
AT_ONCE = {COLLECT: 4, COMPOSE: 1, DELIVER: 1}
HOLDER = "job:"
MOST_DEATHS = 5  # of workers over one range of subscribers: then it is left alone for an hour
LOOK_EVERY = 2.0  # seconds between looks for a job; instead of LISTEN, which wants connections and no PgBouncer
HEARTBEAT_EVERY = 5.0  # seconds
DEAD_AFTER = 20.0  # seconds without a heartbeat: with the tick's 20 a dead machine's work is taken within a minute
FINISH_WITHIN = 20.0  # seconds, of the 25 that a worker has to stop in
ANSWER_WITHIN = 15.0  # seconds, of the queue to the clock
PAUSE = 3.0  # seconds before a queue that cannot be used is tried again

# What went wrong is said by us in one line; the engine would tell it in a hundred.
for _name in ("procrastinate", "psycopg.pool"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


def migrate_queue(database: Database) -> tuple[str | None, str]:
    """Bring the queue's own tables up to date; returns the last change before and after. Several processes may start at
    once. The comment of its main table says which of Procrastinate's changes it has.

    Raises UserError where somebody else has made tables of Procrastinate in this database.
    """
    before = has = _change(database)
    while (then := _change(database)) != has:
        has = then
    return before, str(has)


def _change(database: Database) -> str | None:
    """Make the next change to the queue's tables, in a transaction of its own: some cannot be used in the one that made
    them. Returns the last change there was before; None for no tables."""
    changes = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    with database.migrating() as tx:
        connection = _driver(tx)
        exists, has = connection.execute(
            "SELECT to_regclass('procrastinate_jobs') IS NOT NULL,"
            " obj_description(to_regclass('procrastinate_jobs'), 'pg_class')"
        ).fetchone()
        names = [change.stem for change in changes]
        if exists and has not in names:
            raise UserError(
                f"The tables of Procrastinate in {database.shown} are not of this program's making.",
                [
                    "if a newer Paperlark made them, install that one here as well",
                    "if another program uses them, give Paperlark a database of its own",
                ],
            )
        following = changes[names.index(has) + 1 :] if exists else changes[-1:]
        if following:
            connection.execute(following[0].read_text(encoding="utf-8") if exists else SchemaManager.get_schema())
            connection.execute(f"COMMENT ON TABLE procrastinate_jobs IS '{following[0].stem}'")
    return str(has) if exists else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the jobs do beside composing, and who is told what was composed."""

    due_sources: Callable[[datetime], list[str]]
    collect_source: Callable[[str], object]  # asks the source of that name, if its time has come
    deliver_slice: Callable[[str], object]  # sends what is due, with leases of that holder
    composed: Callable[[ComposeReport], object]
    digests_not_before: Callable[[], datetime | None] = lambda: None  # so that `composed` sees them before others send


class Cluster:
    """This process's part in the queue: it asks for work (`plan`, `ask_to_...`), rescues what dead workers had begun,
    and does jobs (`run`)."""

    def __init__(self, database: Database, message_id: MessageId, work: Work) -> None:
        """The database is PostgreSQL, and `migrate_queue` has been here."""
        self._database = database
        self._message_id = message_id
        self._work = work
        self._name = uuid.uuid4().hex
        address = f"postgresql://{database.url.partition('://')[2]}"
        # Each statement of the engine by itself: a worker stopped between a statement and its commit would hold up all.
        how = {**_limits(address), "autocommit": True}
        self._worker = App(
            connector=PsycopgConnector(conninfo=address, min_size=1, max_size=4, kwargs=how, configure=_prepare)
        )
        self._asker = App(connector=SyncPsycopgConnector())  # always on a connection of ours
        self._worker.task(name="collect_source", queue=COLLECT)(_guarded("collect", work.collect_source))
        self._worker.task(name="compose_chunk", queue=COMPOSE)(_guarded("compose", self._compose_chunk))
        deliver = _guarded("deliver", self._deliver_slice)
        self._worker.task(name="deliver_slice", queue=DELIVER, pass_context=True)(deliver)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._composer: tuple[tuple[int, str], ChunkComposer] | None = None  # of the plan that is at work

    def plan(self, now: datetime) -> int | None:
        """Ask for everything that is due to be composed, a job for each range of subscribers, in one transaction.
        Returns how many; None where somebody else is planning, or the last plan is still at work.

        While ranges of a plan are being composed, another would cut what is left of them differently and have it looked
        at twice; so all workers may plan at once, and each range is asked for once.
        """
        with self._database.planning() as tx:
            if tx is None or self._is_composing(tx):
                return None
            self._composer = None
            prepare(tx, now)
            revision, chunks = plan(tx, now)
            if chunks:
                common: dict[str, Any] = {
                    "revision": revision.id,
                    "at": revision.at.isoformat(),
                    "now": now.isoformat(),
                }
                asked = self._asker.configure_task("compose_chunk", queue=COMPOSE, connection=_driver(tx))
                self._said(
                    lambda: asked.batch_defer(*[{**common, "after": one.after, "upto": one.upto} for one in chunks])
                )
        return len(chunks)

    def ask_to_collect(self, now: datetime) -> int:
        """Have each source asked whose time has come, by one worker at a time. Returns how many these are."""
        names = self._work.due_sources(now)
        self._ask("collect_source", COLLECT, {f"collect {name}": {"name": name} for name in names}, one_at_a_time=True)
        return len(names)

    def ask_to_deliver(self) -> None:
        """Have the outbox sent for a while. Each worker has one such job waiting, whoever does it: all send."""
        self._ask("deliver_slice", DELIVER, {f"deliver {self._name}": {}})

    def rescue(self) -> int:
        """Have done by others what dead workers had begun; returns how many jobs they held. Ranges to be composed go
        back into the queue, the editions they held are due at once; the rest is asked for at the next tick anyway."""
        self._database.end_idle_transactions()  # a worker that stands still may hold what others wait for
        with self._database.planning() as tx:
            if tx is None or self._loop is None:
                return 0
            stalled = self._in_loop(self._stalled())
            for job in stalled:
                log.warning("a worker died or hangs: its %s goes to another", job.task_name)
            self._in_loop(self._hand_over(stalled))
            outbox.end_leases(tx, self._ended(tx), _now(tx))
            return len(stalled)

    def run(self, stop: threading.Event) -> None:
        """Do jobs until `stop`, then finish what is in flight. Goes on when the database comes back."""
        asyncio.run(self._run(stop))

    async def _run(self, stop: threading.Event) -> None:
        asyncio.get_running_loop().set_exception_handler(_log_failure)
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(sum(AT_ONCE.values()), "job"))
        while not stop.is_set():
            try:
                async with self._worker.open_async():
                    self._loop = asyncio.get_running_loop()
                    await self._do_jobs(stop)
            except Exception as error:
                log.debug("the queue: %r", error, exc_info=True)
                if not stop.is_set():
                    log.error("the queue cannot be used and will be tried again: %s", _first_line(error))
            finally:
                self._loop = None
            await _stopped(stop, PAUSE)

    async def _do_jobs(self, stop: threading.Event) -> None:
        """Until `stop`, or until the engine ends one of its workers because the database did not answer it."""
        workers = [
            asyncio.create_task(
                self._worker.run_worker_async(
                    queues=[queue],
                    name=queue,
                    concurrency=at_once,
                    listen_notify=False,
                    install_signal_handlers=False,
                    delete_jobs="always",
                    fetch_job_polling_interval=LOOK_EVERY,
                    update_heartbeat_interval=HEARTBEAT_EVERY,
                    stalled_worker_timeout=DEAD_AFTER,
                    shutdown_graceful_timeout=FINISH_WITHIN,
                )
            )
            for queue, at_once in AT_ONCE.items()
        ]
        stopping = asyncio.create_task(_stopped(stop))
        await asyncio.wait([*workers, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in (*workers, stopping):
            task.cancel()
        for result in await asyncio.gather(*workers, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    async def _stalled(self) -> list[Job]:
        return list(await self._worker.job_manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER))

    async def _hand_over(self, stalled: Iterable[Job]) -> None:
        jobs = self._worker.job_manager
        for job in stalled:
            if job.queue == COMPOSE and job.attempts + 1 < MOST_DEATHS:
                await jobs.retry_job(job)
                continue
            if job.queue == COMPOSE:
                await asyncio.to_thread(self._leave_alone, job)
            await jobs.finish_job(job, status=Status.FAILED, delete_job=True)

    def _leave_alone(self, job: Job) -> None:
        """A range over which worker after worker died, for want of memory perhaps, must not kill them all."""
        of: dict[str, Any] = job.task_kwargs
        number = put_off_range(
            self._database, *_plan_of(of["revision"], of["at"], of["now"]), Chunk(of["after"], of["upto"])
        )
        log.error("%d workers died composing for %d subscribers: they are tried again in an hour", MOST_DEATHS, number)

    def _in_loop(self, coroutine: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        return self._said(lambda: future.result(ANSWER_WITHIN))

    def _ask(self, task: str, queue: str, wanted: dict[str, dict[str, Any]], *, one_at_a_time: bool = False) -> None:
        """A job for each of these names (with its arguments), unless one of that name is waiting already."""
        with suppress(AlreadyEnqueued), self._database.write() as tx:
            wait_for_locks(tx, PLANNING_WAITS)
            waiting = "SELECT queueing_lock FROM procrastinate_jobs WHERE queue_name = %s AND status = 'todo'"
            known = {name for (name,) in _driver(tx).execute(waiting, [queue]).fetchall()}
            for name, arguments in wanted.items():
                if name not in known:
                    lock = name if one_at_a_time else None
                    asked = self._asker.configure_task(
                        task, queue=queue, queueing_lock=name, lock=lock, connection=_driver(tx)
                    )
                    self._said(partial(asked.defer, **arguments))

    def _said(self, question: Callable[[], T]) -> T:
        """What the engine answers. Raises PaperlarkError where it does not."""
        try:
            return question()
        except (ConnectorException, TimeoutError) as error:
            raise PaperlarkError(f"The queue in {self._database.shown} cannot be used: {_first_line(error)}") from error

    def _is_composing(self, tx: Connection) -> bool:
        unfinished = "SELECT 1 FROM procrastinate_jobs WHERE queue_name = %s AND status IN ('todo', 'doing') LIMIT 1"
        return _driver(tx).execute(unfinished, [COMPOSE]).fetchone() is not None

    def _ended(self, tx: Connection) -> list[str]:
        """Who holds leases and is no longer at work: a job that was taken from its worker, or that failed because the
        database was away."""
        holders = outbox.lessees(tx)  # first: what is at work and holds nothing yet must not be missed
        doing = "SELECT id FROM procrastinate_jobs WHERE queue_name = %s AND status = 'doing'"
        at_work = {_holder(number) for (number,) in _driver(tx).execute(doing, [DELIVER]).fetchall()}
        return [one for one in holders if one.startswith(HOLDER) and one not in at_work]

    def _compose_chunk(self, *, revision: int, at: str, now: str, after: int, upto: int) -> None:
        of_plan, composer = self._composer or (None, None)
        if composer is None or of_plan != (revision, now):
            state, moment = _plan_of(revision, at, now)
            composer = ChunkComposer(open_view(self._database, moment, state), moment, self._message_id)
            self._composer = (revision, now), composer
        composer.digests_not_before = self._work.digests_not_before()
        self._work.composed(composer.compose_chunk(Chunk(after, upto)))
        self.ask_to_deliver()  # now, while the next range is composed

    def _deliver_slice(self, context: JobContext) -> None:
        assert context.job.id is not None
        self._work.deliver_slice(_holder(context.job.id))


def _plan_of(revision: int, at: str, now: str) -> tuple[Revision, datetime]:
    """The plan that a job belongs to, from its arguments."""
    return Revision(revision, datetime.fromisoformat(at)), datetime.fromisoformat(now)


def _holder(number: int) -> str:
    """Who holds the leases of a job. They end with it, so that whoever had it, and wakes up too late, sends nothing."""
    return f"{HOLDER}{number}"


def _guarded(step: str, work: Callable[..., object]) -> Callable[..., None]:
    """A job that fails is logged, and what it left is asked for again at the next tick."""

    def run(*context: Any, **arguments: Any) -> None:
        try:
            work(*context, **arguments)
        except PaperlarkError as error:
            log.error("%s failed; it will be tried again: %s", step, " ".join(str(error).split()))
        except Exception:
            log.exception("%s failed; it will be tried again", step)

    return run


def _log_failure(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Of what the engine could not write down about a job: the job was given to another meanwhile, or the database did
    not answer, and `rescue` finds the job."""
    log.info("the queue: %s", _first_line(context["exception"]) if "exception" in context else context["message"])


async def _stopped(stop: threading.Event, seconds: float = float("inf")) -> None:
    """Wait for the event of another thread, or so long."""
    waited = 0.0
    while not stop.is_set() and waited < seconds:
        await asyncio.sleep(0.2)
        waited += 0.2


def _driver(tx: Connection) -> Any:
    """The psycopg connection of a transaction, for what must be part of it."""
    return tx.connection.driver_connection


def _now(tx: Connection) -> datetime:
    """By the database's clock."""
    moment: datetime = _driver(tx).execute("SELECT clock_timestamp()").fetchone()[0]
    return moment


async def _prepare(connection: Any) -> None:
    for statement in SESSION:
        await connection.execute(statement)


def _limits(address: str) -> dict[str, int]:
    return {name: value for name, value in TCP.items() if f"{name}=" not in address}


def _first_line(error: BaseException) -> str:
    cause = error.__cause__ or error
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]
