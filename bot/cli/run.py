"""The verbs that do the work: once, collect, compose, deliver, run, migrate."""

import logging
import os
import re
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from bot import __version__
from bot.cli.console import format_time, out, plural, print_json, progress_bar
from bot.cli.status import LAST_WORDS, say_refusals
from bot.cli.wiring import App, Clock, Json, Now, app_of, clock_from, moment_of
from bot.mail.transport.folders import OutboxTransport
from bot.mail.transport.from_url import Transport
from bot.pipeline import signup
from bot.pipeline.collect.collect import CollectReport, collect
from bot.pipeline.compose.compose import ComposeReport, compose
from bot.pipeline.deliver.deliver import DeliverReport, deliver
from bot.pipeline.upkeep import prune
from bot.scheduler import Ticks, work
from bot.store import Database, cursors, outbox, subscribers, ticks
from bot.store.file_sync import SyncPlan

log = logging.getLogger(__name__)

PATIENCE = timedelta(minutes=10)  # how long a run from cron waits for the relay's rate limit
# Processes that share very many subscribers: more would mostly wait for each other to write, and each wants 150 MB, on
# platforms that show a machine's processors to a container with the memory of one.
COMPOSERS = min(2, os.cpu_count() or 1)
WORKING = timedelta(minutes=15)  # a step may take so long before it counts as stuck
BY_CRON = timedelta(hours=26)  # a run of `once` is good for a day and a little more
LATEST = "latest.html"
LONGEST_TICK = timedelta(minutes=1)  # of delivering in the worker: then new alerts are looked for

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
    app.sync(moment_of(None), many="keep")
    sending = app.sending()
    told: dict[str, str] = {}  # by source: the trouble that was logged
    with app.fetcher(clock_from(None)) as fetcher:

        def collect_due(now: datetime, stop: threading.Event) -> None:
            with _ticking(app, "collect", clock_from(None), WORKING, timedelta(seconds=150)):
                report = collect(app.database, fetcher, app.sources, now, due_only=True, stop=stop)
            log_collected(report, told)

        def mail(now: datetime, stop: threading.Event) -> None:
            clock = clock_from(None)
            with _ticking(app, "compose", clock, WORKING, timedelta(seconds=90)):
                composed = compose(app.database, now, app.identity.message_id, processes=COMPOSERS)
            with _ticking(app, "deliver", clock, WORKING, timedelta(seconds=90)):
                delivered = deliver(app.database, sending, clock, stop=stop, at_most=LONGEST_TICK)
            if delivered.trouble:
                app.tell_of_pauses(now)
            if delivered.failed:
                with app.database.read() as tx:
                    refused = outbox.refusals(tx, 1)
                log.warning("%d not accepted: %s", delivered.failed, "; ".join(one.words for one in refused))
            if composed.digests or composed.alerts or delivered.delivered:
                log.info("%d digests, %d alerts, %d delivered", composed.digests, composed.alerts, delivered.delivered)

        def requests(stop: threading.Event) -> None:
            clock = clock_from(None)
            with app.database.read() as tx:
                due = outbox.due_of_kind(tx, outbox.SERVICE, clock())
            if due:
                deliver(app.database, sending, clock, stop=stop, at_most=LONGEST_TICK)

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
        finished = work(Ticks(collect=collect_due, mail=mail, requests=requests, care=care))
        # A second signal that comes while Python takes itself apart would be the end of an orderly exit.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if not finished:
            logging.shutdown()
            os._exit(0)  # Python would wait for a thread that waits for a relay, longer than any platform does for us


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


def log_collected(report: CollectReport, told: dict[str, str]) -> None:
    """What a round brought; of a source in trouble once, until it is another trouble or over. `told` remembers that."""
    for name, source in report.items():
        if source.new or source.changed:
            log.info("%s: %s, %d changed", name, plural(source.new, "new paper"), source.changed)
        in_trouble = source.error or source.state in ("failing", "stale")
        # Moments and counts in the words are no other trouble.
        trouble = re.sub(r"\d+", "", f"{source.state}: {source.error}") if in_trouble else ""
        if trouble and told.get(name) != trouble:
            log.warning("%s is %s: %s", name, source.state, source.error or "nothing new for longer than usual")
        elif told.get(name) and not trouble:
            log.info("%s is %s again", name, source.state)
        told[name] = trouble


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


def sources_json(report: CollectReport) -> dict[str, Any]:
    return {
        name: {
            "state": source.state,
            "new": source.new,
            "changed": source.changed,
            "error": source.error or None,
            "warnings": list(source.warnings),
        }
        for name, source in report.items()
    }


def deliver_json(report: DeliverReport) -> dict[str, Any]:
    return {
        "delivered": report.delivered,
        "failed": report.failed,
        "waiting": report.waiting,
        "suppressed": report.suppressed,
        "expired": report.expired,
        "unknown": report.unknown,
        "trouble": report.trouble or None,
        "note": report.note or None,
    }


def say_collected(report: CollectReport) -> None:
    width = max((len(name) for name in report), default=0)
    for name, source in report.items():
        brought = [plural(source.new, "new paper")] if source.new else []
        brought += [f"{source.changed} changed"] if source.changed else []
        said = ", ".join(brought) or ("nothing new" if not source.error else "")
        line = "  ".join(part for part in (f"{name:<{width}}", f"{source.state:<7}", said) if part)
        out.print(line + (f"  {source.error}" if source.error else ""))
        for warning in source.warnings:
            out.print(f"{'':<{width}}  note: {warning}")


def say_composed(app: App, report: ComposeReport, planned: SyncPlan, now: datetime) -> None:
    if report.digests or report.alerts:
        said = [plural(report.digests, "digest")] if report.digests else []
        said += [plural(report.alerts, "alert")] if report.alerts else []
        out.print(f"Composed {' and '.join(said)}.")
        return
    with app.database.read() as tx:
        due = cursors.next_due(tx)
    if due is None:
        out.print("Nothing to compose: no subscriber has a digest.")
    elif due > now:
        out.print(f"Nothing new to tell anyone. The next digest is due {format_time(due)}.")
    else:
        out.print("Nothing new to tell anyone.")
    if changed := [row.email for row, values in planned.changed if "data" in values]:
        out.print(
            f"What changed in the configuration tells of papers from now on: `paperlark preview {changed[0]}` shows"
        )
        out.print("what it would have brought.")


def say_delivered(app: App, report: DeliverReport) -> None:
    if report.delivered:
        out.print(f"Delivered {plural(report.delivered, 'message')} to {app.transport.name}.")
    for number, words in (
        (report.failed, "not accepted (see `paperlark status`)"),
        (report.suppressed, "not sent: the subscriber does not want mail any more"),
        (report.expired, "given up as too late; the next digest tells them"),
        (report.unknown, "may or may not have arrived (see `paperlark status`)"),
        (report.waiting, "still waiting"),
    ):
        if number:
            out.print(f"{plural(number, 'message')} {words}.")
    if report.note and report.waiting:
        out.print(f"What waits goes later: {report.note}.")
    if report.trouble:
        out.print(f"Sending stopped: {report.trouble}")
    if letter := newest_letter(app.transport, fresh=bool(report.delivered)):
        out.print(f"The newest letter: {letter}")
    if report.failed or report.trouble:
        with app.database.read() as tx:
            say_refusals(outbox.refusals(tx, LAST_WORDS))
        out.print("Next: run `paperlark doctor`, which tries the relay and looks at the DNS.")


def newest_letter(transport: Transport, *, fresh: bool) -> Path | None:
    """Where letters are put into a folder: the newest, as `latest.html` beside them. `fresh`: there are new ones."""
    if not isinstance(transport, OutboxTransport) or not transport.parts:
        return None
    latest = transport.folder / LATEST
    if not fresh:
        return latest if latest.exists() else None
    pages = [page for page in transport.folder.glob("*.html") if page.name != LATEST]
    if not pages:
        return None
    copy = latest.with_suffix(".new")
    shutil.copyfile(max(pages, key=lambda page: page.stat().st_mtime_ns), copy)
    copy.replace(latest)
    return latest
