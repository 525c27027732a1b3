"""The verbs that do the work: once, collect, compose, deliver, run, migrate."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated

import typer

from bot import __version__, scheduler
from bot.cli.console import out, plural, print_json, progress_bar
from bot.cli.report import (
    deliver_json,
    log_collected,
    say_collected,
    say_composed,
    say_delivered,
    sources_json,
)
from bot.cli.wiring import App, Clock, Json, Now, app_of, clock_from, moment_of
from bot.pipeline import signup
from bot.pipeline.collect.collect import CollectReport, collect, due_sources
from bot.pipeline.compose.compose import ComposeReport, compose
from bot.pipeline.deliver.deliver import DeliverReport, deliver
from bot.pipeline.upkeep import prune
from bot.scheduler import Ticks
from bot.store import Database, outbox, subscribers, ticks

log = logging.getLogger(__name__)

PATIENCE = timedelta(minutes=10)  # how long a run from cron waits for the relay's rate limit
# Processes that share very many subscribers: more would mostly wait for each other to write, and each wants 150 MB, on
# platforms that show a machine's processors to a container with the memory of one.
COMPOSERS = min(2, os.cpu_count() or 1)
WORKING = timedelta(minutes=15)  # a step may take so long before it counts as stuck
BY_CRON = timedelta(hours=26)  # a run of `once` is good for a day and a little more

Force = Annotated[bool, typer.Option("--force", help="Every subscriber is due now, whatever their schedule says.")]


Yes = Annotated[bool, typer.Option("--yes", help="Go on where many subscribers of the file would be removed.")]


def register(app: typer.Typer) -> None:
    app.command("once")(once)
    app.command("collect")(collect_command)
    app.command("compose")(compose_command)
    app.command("deliver")(deliver_command)
    app.command("run")(run)
    app.command("migrate")(migrate)


def _start(context: typer.Context) -> App:
    """The program's parts; what the configuration's author should know is logged."""
    app = app_of(context)
    for warning in app.config.warnings:
        log.warning("%s", warning)
    return app


def once(
    context: typer.Context, force: Force = False, yes: Yes = False, now: Now = None, as_json: Json = False
) -> None:
    """Collect, compose, deliver what is due, and exit: for cron and GitHub Actions."""
    app = _start(context)
    clock = clock_from(now)
    planned = app.sync(clock(), many="remove" if yes else "refuse")
    collected = _collect(app, clock)
    composed = _compose(app, clock(), force=force)
    delivered = _deliver(app, clock)
    app.tell_operator(clock())
    signup.upkeep(app.database, clock())
    if delivered.trouble:
        app.tell_of_pauses(clock())
    if as_json:
        print_json(
            {
                "sources": sources_json(collected),
                "digests": composed.digests,
                "alerts": composed.alerts,
                **deliver_json(delivered),
            }
        )
    elif not app.state.quiet:
        say_collected(collected)
        say_composed(app, composed, planned, clock())
        say_delivered(app, delivered)
    _exit(collected, delivered)


def collect_command(context: typer.Context, now: Now = None, as_json: Json = False) -> None:
    """Ask the sources and record what they list."""
    app = app_of(context)
    report = _collect(app, clock_from(now))
    if as_json:
        print_json({"sources": sources_json(report)})
    elif not app.state.quiet:
        say_collected(report)
    _exit(report, DeliverReport())


def compose_command(
    context: typer.Context, force: Force = False, yes: Yes = False, now: Now = None, as_json: Json = False
) -> None:
    """Decide what every subscriber who is due gets, and write it down."""
    app = app_of(context)
    start = moment_of(now)
    planned = app.sync(start, many="remove" if yes else "refuse")
    report = _compose(app, start, force=force)
    if as_json:
        print_json({"digests": report.digests, "alerts": report.alerts})
    elif not app.state.quiet:
        say_composed(app, report, planned, start)


def deliver_command(context: typer.Context, now: Now = None, as_json: Json = False) -> None:
    """Send what waits in the outbox."""
    app = app_of(context)
    report = _deliver(app, clock_from(now))
    if as_json:
        print_json(deliver_json(report))
    elif not app.state.quiet:
        say_delivered(app, report)
    _exit({}, report)


def run(context: typer.Context) -> None:
    """The worker: keep the clock until SIGTERM or SIGINT, then finish what is in flight."""
    context.obj.worker = True
    app = _start(context)
    _migrate_queue(app)
    app.sync(moment_of(None), many="keep")
    sending = app.sending()
    told: dict[str, str] = {}  # by source: the trouble that was logged
    clock = scheduler.WorkerClock(None if app.database.sqlite else app.database.server_time)
    clock.set_right()
    with app.fetcher(clock) as fetcher:

        def collect_due(now: datetime, stop: threading.Event, only: Collection[str] | None = None) -> None:
            with _ticking(app, "collect", clock, WORKING, timedelta(seconds=150)):
                report = collect(app.database, fetcher, app.sources, now, only=only, due_only=True, stop=stop)
            log_collected(report, told)

        def delivered(report: DeliverReport) -> None:
            with app.database.write() as tx:
                ticks.note(tx, "deliver", clock(), WORKING)
            if report.delivered:
                log.info("%d delivered", report.delivered)
                app.builder.forget()
            if report.failed:
                with app.database.read() as tx:
                    unsent = outbox.unsent(tx, 1)
                log.warning("%d not accepted: %s", report.failed, "; ".join(one.words for one in unsent))
            if report.trouble:
                app.tell_of_pauses(clock())

        def deliver_due(stop: threading.Event, holder: str = "") -> None:
            with _ticking(app, "deliver", clock, WORKING, timedelta(seconds=90)):
                deliver(app.database, sending, clock, stop=stop, holder=holder, interim=delivered)

        def compose_due(now: datetime) -> None:
            with _ticking(app, "compose", clock, WORKING, timedelta(seconds=90)):
                _log_composed(compose(app.database, now, app.identity.message_id, processes=COMPOSERS))

        def requests(stop: threading.Event) -> None:
            with app.database.read() as tx:
                due = outbox.due_of_kind(tx, outbox.SERVICE, clock())
            if due:
                deliver(app.database, sending, clock, stop=stop)

        def care(now: datetime) -> None:
            app.tell_operator(now)
            signup.upkeep(app.database, now)
            prune(app.database, now)
            app.read_inbox(now)

        sources, people = len(app.sources), len(app.config.subscribers)
        log.info(
            "Paperlark %s: %s and %s in %s; %s; mail by %s",
            *(__version__, plural(sources, "source"), plural(people, "subscriber"), app.state.config_path),
            *(app.database.shown, app.transport.name),
        )
        ticks_of_worker = Ticks(
            collect=collect_due, compose=compose_due, deliver=deliver_due, requests=requests, care=care
        )
        if app.config.engine == "embedded":
            finished = scheduler.work(ticks_of_worker, clock=clock)
        else:
            finished = _work_in_cluster(app, ticks_of_worker, clock, collect_due, deliver_due)
        # A second signal that comes while Python takes itself apart would be the end of an orderly exit.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if not finished:
            logging.shutdown()
            os._exit(0)  # Python would wait for a thread that waits for a relay, longer than any platform does for us


def _log_composed(report: ComposeReport) -> None:
    if report.digests or report.alerts:
        log.info("%d digests, %d alerts", report.digests, report.alerts)


def _work_in_cluster(
    app: App,
    alone: Ticks,
    clock: scheduler.WorkerClock,
    collect_due: Callable[[datetime, threading.Event, Collection[str]], None],
    deliver_due: Callable[[threading.Event, str], None],
) -> bool:
    """The worker's clock where the steps are jobs: it asks for them, and a thread beside it does what any worker asked
    for. Returns whether all of it finished in time."""
    from bot.cluster import Cluster, Work  # its engine is not installed everywhere

    stop = threading.Event()

    def composed(report: ComposeReport) -> None:
        with _ticking(app, "compose", clock, WORKING, timedelta(seconds=90)):
            _log_composed(report)

    jobs = Work(
        due_sources=lambda now: due_sources(app.database, app.sources, now),
        collect_source=lambda name: collect_due(clock(), stop, [name]),
        deliver_slice=lambda holder: deliver_due(stop, holder),
        composed=composed,
    )
    cluster = Cluster(app.database, app.identity.message_id, jobs)

    def ask_to_collect(now: datetime, _stop: threading.Event) -> None:
        if not cluster.ask_to_collect(now):
            with _ticking(app, "collect", clock, WORKING, timedelta(seconds=150)):
                pass  # there is nothing to ask for

    def plan(now: datetime) -> None:
        cluster.rescue()
        if cluster.plan(now):
            composed(ComposeReport())

    thread = threading.Thread(target=cluster.run, args=(stop,), name="cluster", daemon=True)
    thread.start()
    ticks_of_clock = Ticks(
        collect=ask_to_collect,
        compose=plan,
        deliver=lambda _stop: cluster.ask_to_deliver(),
        requests=alone.requests,
        care=alone.care,
    )
    finished = scheduler.work(ticks_of_clock, clock=clock, stop=stop)
    thread.join(1.0)
    return finished and not thread.is_alive()


@contextmanager
def _ticking(app: App, step: str, clock: Clock, working: timedelta, idle: timedelta) -> Iterator[None]:
    """Write down that a step runs, and by when it must have run again: /health says so when nobody works any more."""
    with app.database.write() as tx:
        ticks.note(tx, step, clock(), working)
    yield
    with app.database.write() as tx:
        ticks.note(tx, step, clock(), idle)


@contextmanager
def _by_hand(app: App, step: str, clock: Clock) -> Iterator[None]:
    """The same for one run from cron or a shell."""
    yield
    with app.database.write() as tx:
        ticks.note_by_hand(tx, step, clock(), BY_CRON)


def migrate(context: typer.Context) -> None:
    """Bring the database's schema up to date (every start does, too)."""
    app = app_of(context)
    database = Database(app.config.database)
    before, after = database.migrate()
    if before == after:
        out.print(f"{database.shown} is up to date (schema {after}).")
    else:
        out.print(f"{database.shown}: schema {before or 'empty'} -> {after}.")
    if changed := _migrate_queue(app):
        out.print(f"{database.shown}: queue {changed}.")


def _migrate_queue(app: App) -> str:
    """Bring the tables of the engine up to date, if there is one; returns what changed, "" for nothing."""
    if app.config.engine == "embedded":
        return ""
    from bot import cluster

    before, after = cluster.migrate_queue(app.database)
    return "" if before == after else f"{before or 'empty'} -> {after}"


def _collect(app: App, clock: Clock) -> CollectReport:
    with (
        _by_hand(app, "collect", clock),
        app.fetcher(clock) as fetcher,
        progress_bar("collecting", len(app.sources), show=not app.state.quiet) as step,
    ):
        return collect(app.database, fetcher, app.sources, clock(), progress=step)


def _compose(app: App, now: datetime, *, force: bool) -> ComposeReport:
    with app.database.read() as tx:
        total = subscribers.count_by_status(tx).get("active", 0)
    with (
        _by_hand(app, "compose", lambda: now),
        progress_bar("composing", total if total > 1000 else None, show=not app.state.quiet) as step,
    ):
        return compose(app.database, now, app.identity.message_id, force=force, processes=COMPOSERS, progress=step)


def _deliver(app: App, clock: Clock) -> DeliverReport:
    with app.database.read() as tx:
        total = outbox.waiting(tx)
    with (
        _by_hand(app, "deliver", clock),
        progress_bar("delivering", total if total > 20 else None, show=not app.state.quiet) as step,
    ):
        return deliver(app.database, app.sending(), clock, patience=PATIENCE, progress=step)


def _exit(collected: CollectReport, delivered: DeliverReport) -> None:
    broken = any(report.state in ("failing", "waiting") and report.error for report in collected.values())
    if broken or delivered.failed or delivered.unknown or delivered.trouble:
        raise typer.Exit(1)
