"""The verb run: the worker that keeps the clock. What a step does belongs to `bot.pipeline`, the clock to
`bot.scheduler`; here each tick is told what it works with, and what it did is logged."""

import logging
import os
import signal
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import TYPE_CHECKING

import typer

from bot import __version__
from bot.cli.collect import learn_tastes, log_collected
from bot.cli.console import plural
from bot.cli.options import moment_of
from bot.cli.people import sync_file
from bot.cli.run import COMPOSERS, post_to_channels, prepare_queue, start
from bot.cli.wiring import App
from bot.fetch import Fetcher
from bot.pipeline import signup
from bot.pipeline.collect.collect import collect, due_sources
from bot.pipeline.compose.compose import ComposeReport, compose
from bot.pipeline.deliver.deliver import DeliverReport, deliver
from bot.pipeline.upkeep import prune
from bot.scheduler import Ticks, WorkerClock, work
from bot.store import edition_reports, outbox, ticks
from bot.store.ticks import Step

if TYPE_CHECKING:
    from bot.pipeline.summarize.summarize import WaitingLetters

log = logging.getLogger(__name__)

WORKING = timedelta(minutes=15)  # a step may take so long before it counts as stuck
A_MOMENT = timedelta(seconds=10)


def register(app: typer.Typer) -> None:
    app.command("run")(run)


def run(context: typer.Context) -> None:
    """The worker: keep the clock until SIGTERM or SIGINT, then finish what is in flight."""
    context.obj.worker = True
    app = start(context)
    prepare_queue(app)
    sync_file(app, moment_of(None), many="keep")
    clock = WorkerClock(None if app.database.sqlite else app.database.server_time)
    clock.set_right()
    with app.fetcher(clock) as fetcher:
        worker = Worker(app, fetcher, clock)
        sources, people = len(app.sources), len(app.config.subscribers)
        log.info(
            "Paperlark %s: %s and %s in %s; %s; mail by %s",
            __version__,
            plural(sources, "source"),
            plural(people, "subscriber"),
            app.options.config_path,
            app.database.shown,
            app.transport.name,
        )
        finished = work(worker.ticks, clock=clock) if app.config.engine == "embedded" else _work_in_cluster(app, worker)
        # A second signal that comes while Python takes itself apart would be the end of an orderly exit.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if not finished:
            logging.shutdown()
            os._exit(0)  # Python would wait for a thread that waits for a relay, longer than any platform does for us


class Worker:
    """What each tick does, in one process."""

    def __init__(self, app: App, fetcher: Fetcher, clock: WorkerClock) -> None:
        self.app = app
        self.fetcher = fetcher
        self.sending = app.sending()
        self.clock = clock
        self._told: dict[str, str] = {}  # by source: the trouble that was logged
        self._unfinished: set[Step] = set()  # begun, and not ended well since
        self._summarizer = app.summarizer(clock)
        self._unwritten: SimpleQueue[WaitingLetters] = SimpleQueue()

    @property
    def ticks(self) -> Ticks:
        return Ticks(
            collect=self.collect,
            compose=self.compose,
            deliver=self.deliver,
            channels=self.post,
            requests=self.answer_requests,
            summaries=self.summarize,
            tastes=self.learn_tastes,
            care=self.care,
        )

    def collect(self, now: datetime, stop: threading.Event, only: Collection[str] | None = None) -> None:
        app = self.app
        with self.ticking("collect", timedelta(seconds=150)):
            report = collect(app.database, self.fetcher, app.sources, now, only=only, due_only=True, stop=stop)
        log_collected(report, self._told)

    def compose(self, now: datetime) -> None:
        with self.ticking("compose", timedelta(seconds=90)):
            self.app.database.end_idle_transactions()  # another worker that stands still may hold what we wait for
            message_id, put_off = self.app.identity.message_id, self.digests_not_before()
            report = compose(self.app.database, now, message_id, processes=COMPOSERS, digests_not_before=put_off)
            self.composed(report)

    def digests_not_before(self) -> datetime | None:
        """When digests that are being composed may be sent: none that may wait for sentences by a model is to be gone
        before that is known."""
        return self.clock() + A_MOMENT if self._summarizer is not None else None

    def composed(self, report: ComposeReport) -> None:
        if report.digests or report.alerts:
            log.info("%d digests, %d alerts", report.digests, report.alerts)
        if report.digests and self._summarizer is not None and (letters := self._summarizer.prepare()):
            self._unwritten.put(letters)

    def summarize(self, stop: threading.Event) -> None:
        """Have the sentences written that letters wait for, then send these."""
        if self._summarizer is not None and not self._unwritten.empty():
            self._summarizer.write(self._unwritten.get(), stop)
            self.app.builder.forget()  # papers that have a sentence now
            self.deliver(stop)

    def deliver(self, stop: threading.Event, holder: str = "") -> None:
        with self.ticking("deliver", timedelta(seconds=90)):
            deliver(self.app.database, self.sending, self.clock, stop=stop, holder=holder, interim=self._delivered)

    def _delivered(self, report: DeliverReport) -> None:
        app, now = self.app, self.clock()
        with app.database.write() as tx:
            ticks.note(tx, "deliver", now, WORKING)
        if report.delivered:
            log.info("%d delivered", report.delivered)
            app.builder.forget()
        if report.failed:
            with app.database.read() as tx:
                unsent = edition_reports.unsent(tx, 1)
            log.warning("%d not accepted: %s", report.failed, "; ".join(one.words for one in unsent))
        if report.trouble:
            app.tell_of_pauses(now)

    def post(self, stop: threading.Event) -> None:
        """What goes to channels. It is no part of /health: a service that fails is not our fault."""
        post_to_channels(self.app, self.clock, stop)

    def answer_requests(self, stop: threading.Event) -> None:
        """Mail that somebody waits for in front of a web page."""
        with self.app.database.read() as tx:
            due = outbox.due_of_kind(tx, outbox.SERVICE, self.clock())
        if due:
            deliver(self.app.database, self.sending, self.clock, stop=stop)

    def learn_tastes(self, stop: threading.Event) -> None:
        learn_tastes(self.app, self.fetcher, self.clock(), stop)

    def care(self, now: datetime) -> None:
        self.app.tell_operator(now)
        signup.upkeep(self.app.database, now)
        prune(self.app.database, now)
        self.app.read_inbox(now)

    @contextmanager
    def ticking(self, step: Step, idle: timedelta) -> Iterator[None]:
        """Write down that a step runs, and by when it must have run again: /health says so when nobody works any
        more, or the step fails again and again."""
        if step not in self._unfinished:
            with self.app.database.write() as tx:
                ticks.note(tx, step, self.clock(), WORKING)
        self._unfinished.add(step)
        yield
        self._unfinished.discard(step)
        with self.app.database.write() as tx:
            ticks.note(tx, step, self.clock(), idle)


def _work_in_cluster(app: App, worker: Worker) -> bool:
    """The worker's clock where the steps are jobs: it asks for them, and a thread beside it does what any worker asked
    for. Returns whether all of it finished in time."""
    from bot.cluster import Cluster, Work  # its engine is not installed everywhere

    stop = threading.Event()

    def composed(report: ComposeReport) -> None:
        with worker.ticking("compose", timedelta(seconds=90)):
            worker.composed(report)

    jobs = Work(
        due_sources=lambda now: due_sources(app.database, app.sources, now),
        collect_source=lambda name: worker.collect(worker.clock(), stop, [name]),
        deliver_slice=lambda holder: worker.deliver(stop, holder),
        composed=composed,
        digests_not_before=worker.digests_not_before,
    )
    cluster = Cluster(app.database, app.identity.message_id, jobs)

    def ask_to_collect(now: datetime, _stop: threading.Event) -> None:
        if not cluster.ask_to_collect(now):
            with worker.ticking("collect", timedelta(seconds=150)):
                pass  # there is nothing to ask for

    def plan(now: datetime) -> None:
        try:
            cluster.rescue()
        finally:  # whatever hinders that, others have work to do
            if cluster.plan(now) == 0:
                composed(ComposeReport())  # there is nothing to compose; else whoever composes it says so

    thread = threading.Thread(target=cluster.run, args=(stop,), name="cluster", daemon=True)
    thread.start()
    ticks_of_clock = Ticks(
        collect=ask_to_collect,
        compose=plan,
        deliver=lambda _stop: cluster.ask_to_deliver(),
        channels=worker.post,
        requests=worker.answer_requests,
        summaries=worker.summarize,
        tastes=worker.learn_tastes,
        care=worker.care,
    )
    finished = work(ticks_of_clock, clock=worker.clock, stop=stop)
    thread.join(1.0)
    return finished and not thread.is_alive()
