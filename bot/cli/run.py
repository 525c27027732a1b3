"""The verbs that do the work: once, collect, compose, deliver, run, migrate."""

import logging
import os
import threading
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from bot.cli.console import err, many, moment, out, print_json, progress_bar
from bot.cli.wiring import Clock, Json, Now, Parts, clock_from, moment_of, parts_of
from bot.pipeline.collect.collect import CollectReport, collect
from bot.pipeline.compose.compose import ComposeReport, compose
from bot.pipeline.deliver.deliver import DeliverReport, deliver
from bot.pipeline.upkeep import prune
from bot.scheduler import Ticks, work
from bot.store import Database, cursors, outbox, subscribers

log = logging.getLogger(__name__)

PATIENCE = timedelta(minutes=10)  # how long a run from cron waits for the relay's rate limit
# Processes that share very many subscribers: more would mostly wait for each other to write, and each wants 150 MB, on
# platforms that show a machine's processors to a container with the memory of one.
COMPOSERS = min(2, os.cpu_count() or 1)
LONGEST_TICK = timedelta(minutes=1)  # of delivering in the worker: then new alerts are looked for

Force = Annotated[bool, typer.Option("--force", help="Every subscriber is due now, whatever their schedule says.")]


def register(app: typer.Typer) -> None:
    app.command("once")(once)
    app.command("collect")(collect_command)
    app.command("compose")(compose_command)
    app.command("deliver")(deliver_command)
    app.command("run")(run)
    app.command("migrate")(migrate)


def _start(context: typer.Context) -> Parts:
    """The parts, and what the configuration's author should know."""
    parts = parts_of(context)
    for warning in parts.config.warnings:
        log.warning("%s", warning)
    return parts


def once(context: typer.Context, force: Force = False, now: Now = None, as_json: Json = False) -> None:
    """Collect, compose, deliver what is due, and exit: for cron and GitHub Actions."""
    parts = _start(context)
    clock = clock_from(now)
    parts.sync(clock())
    collected = _collect(parts, clock)
    composed = _compose(parts, clock(), force=force)
    delivered = _deliver(parts, clock)
    parts.tell_operator(clock())
    if delivered.trouble:
        parts.tell_of_pauses(clock())
    if as_json:
        print_json(
            {
                "sources": sources_json(collected),
                "digests": composed.digests,
                "alerts": composed.alerts,
                **deliver_json(delivered),
            }
        )
    elif not parts.state.quiet:
        say_collected(collected)
        say_composed(parts, composed, clock())
        say_delivered(parts, delivered)
    _exit(collected, delivered)


def collect_command(context: typer.Context, now: Now = None, as_json: Json = False) -> None:
    """Ask the sources and record what they list."""
    parts = parts_of(context)
    report = _collect(parts, clock_from(now))
    if as_json:
        print_json({"sources": sources_json(report)})
    elif not parts.state.quiet:
        say_collected(report)
    _exit(report, DeliverReport())


def compose_command(context: typer.Context, force: Force = False, now: Now = None, as_json: Json = False) -> None:
    """Decide what every subscriber who is due gets, and write it down."""
    parts = parts_of(context)
    start = moment_of(now)
    parts.sync(start)
    report = _compose(parts, start, force=force)
    if as_json:
        print_json({"digests": report.digests, "alerts": report.alerts})
    elif not parts.state.quiet:
        say_composed(parts, report, start)


def deliver_command(context: typer.Context, now: Now = None, as_json: Json = False) -> None:
    """Send what waits in the outbox."""
    parts = parts_of(context)
    report = _deliver(parts, clock_from(now))
    if as_json:
        print_json(deliver_json(report))
    elif not parts.state.quiet:
        say_delivered(parts, report)
    _exit({}, report)


def run(context: typer.Context) -> None:
    """The worker: keep the clock until SIGTERM or SIGINT, then finish what is in flight."""
    parts = _start(context)
    parts.sync(moment_of(None))
    sending = parts.sending()
    with parts.fetcher(clock_from(None)) as fetcher:

        def collect_due(now: datetime) -> None:
            report = collect(parts.database, fetcher, parts.sources, now, due_only=True)
            for name, source in report.items():
                if source.new or source.changed:
                    log.info("%s: %d new, %d changed", name, source.new, source.changed)

        def mail(now: datetime, stop: threading.Event) -> None:
            composed = compose(parts.database, now, parts.identity.message_id, processes=COMPOSERS)
            delivered = deliver(parts.database, sending, clock_from(None), stop=stop, at_most=LONGEST_TICK)
            if delivered.trouble:
                parts.tell_of_pauses(now)
            if composed.digests or composed.alerts or delivered.delivered:
                log.info("%d digests, %d alerts, %d delivered", composed.digests, composed.alerts, delivered.delivered)

        def care(now: datetime) -> None:
            parts.tell_operator(now)
            prune(parts.database, now)
            parts.read_inbox(now)

        if not parts.state.quiet:
            err.print(f"Paperlark is running: {many(len(parts.sources), 'source')}. Stop it with Ctrl-C.", markup=False)
        if not work(Ticks(collect=collect_due, mail=mail, care=care)):
            logging.shutdown()
            os._exit(0)  # Python would wait for a thread that waits for a relay, longer than any platform does for us


def migrate(context: typer.Context) -> None:
    """Bring the database's schema up to date (every start does, too)."""
    parts = parts_of(context)
    database = Database(parts.config.database)
    before, after = database.migrate()
    if before == after:
        out.print(f"{database.shown} is up to date (schema {after}).", markup=False)
    else:
        out.print(f"{database.shown}: schema {before or 'empty'} -> {after}.", markup=False)


def _collect(parts: Parts, clock: Clock) -> CollectReport:
    with (
        parts.fetcher(clock) as fetcher,
        progress_bar("collecting", len(parts.sources), show=not parts.state.quiet) as step,
    ):
        return collect(parts.database, fetcher, parts.sources, clock(), progress=step)


def _compose(parts: Parts, now: datetime, *, force: bool) -> ComposeReport:
    with parts.database.read() as tx:
        total = subscribers.count_by_status(tx).get("active", 0)
    with progress_bar("composing", total if total > 1000 else None, show=not parts.state.quiet) as step:
        return compose(parts.database, now, parts.identity.message_id, force=force, processes=COMPOSERS, progress=step)


def _deliver(parts: Parts, clock: Clock) -> DeliverReport:
    with parts.database.read() as tx:
        total = outbox.waiting(tx)
    with progress_bar("delivering", total if total > 20 else None, show=not parts.state.quiet) as step:
        return deliver(parts.database, parts.sending(), clock, patience=PATIENCE, progress=step)


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
        brought = [many(source.new, "new paper")] if source.new else []
        brought += [f"{source.changed} changed"] if source.changed else []
        said = ", ".join(brought) or ("nothing new" if not source.error else "")
        line = "  ".join(part for part in (f"{name:<{width}}", f"{source.state:<7}", said) if part)
        out.print(line + (f"  {source.error}" if source.error else ""), markup=False)
        for warning in source.warnings:
            out.print(f"{'':<{width}}  note: {warning}", markup=False)


def say_composed(parts: Parts, report: ComposeReport, now: datetime) -> None:
    if report.digests or report.alerts:
        said = [many(report.digests, "digest")] if report.digests else []
        said += [many(report.alerts, "alert")] if report.alerts else []
        out.print(f"Composed {' and '.join(said)}.", markup=False)
        return
    with parts.database.read() as tx:
        due = cursors.next_due(tx)
    if due is None:
        out.print("Nothing to compose: no subscriber has a digest.", markup=False)
    elif due > now:
        out.print(f"Nothing new to tell anyone. The next digest is due {moment(due)}.", markup=False)
    else:
        out.print("Nothing new to tell anyone.", markup=False)


def say_delivered(parts: Parts, report: DeliverReport) -> None:
    place = parts.transport.name
    if report.delivered:
        out.print(f"Delivered {many(report.delivered, 'message')} to {place}.", markup=False)
    for number, words in (
        (report.failed, "not accepted (see `paperlark status`)"),
        (report.suppressed, "not sent: the subscriber does not want mail any more"),
        (report.expired, "given up as too late; the next digest tells them"),
        (report.unknown, "may or may not have arrived (see `paperlark status`)"),
        (report.waiting, "still waiting"),
    ):
        if number:
            out.print(f"{many(number, 'message')} {words}.", markup=False)
    if report.note and report.waiting:
        out.print(f"What waits goes later: {report.note}.", markup=False)
    if report.trouble:
        out.print(f"Sending stopped: {report.trouble}", markup=False)
