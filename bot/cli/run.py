"""The verbs that do the work: once, compose, deliver, migrate."""

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Annotated

import typer

from bot.cli.collect import by_hand, collect_sources, in_trouble, say_collected, sources_json
from bot.cli.console import out, print_json, progress_bar
from bot.cli.options import Clock, Json, Now
from bot.cli.people import sync_file
from bot.cli.report import deliver_json, say_composed, say_delivered
from bot.cli.wiring import App, app_of
from bot.pipeline import signup
from bot.pipeline.compose.compose import ComposeReport, compose
from bot.pipeline.deliver.deliver import DeliverReport, deliver
from bot.store import Database, outbox, subscribers

log = logging.getLogger(__name__)

PATIENCE = timedelta(minutes=10)  # how long a run from cron waits for the relay's rate limit
# Processes that share very many subscribers: more would mostly wait for each other to write, and each wants 150 MB, on
# platforms that show a machine's processors to a container with the memory of one.
COMPOSERS = min(2, os.cpu_count() or 1)

Force = Annotated[bool, typer.Option("--force", help="Every subscriber is due now, whatever their schedule says.")]
Yes = Annotated[bool, typer.Option("--yes", help="Go on where many subscribers of the file would be removed.")]


def register(app: typer.Typer) -> None:
    app.command("once")(once)
    app.command("compose")(compose_command)
    app.command("deliver")(deliver_command)
    app.command("migrate")(migrate)


def start(context: typer.Context) -> App:
    """The program's parts; what the configuration's author should know is logged."""
    app = app_of(context)
    for warning in app.config.warnings:
        log.warning("%s", warning)
    return app


def once(
    context: typer.Context, force: Force = False, yes: Yes = False, now: Now = None, as_json: Json = False
) -> None:
    """Collect, compose, deliver what is due, and exit: for cron and GitHub Actions."""
    app = start(context)
    clock = app.clock(now)
    planned = sync_file(app, clock(), many="remove" if yes else "refuse")
    collected = collect_sources(app, clock)
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
    elif not app.options.quiet:
        say_collected(collected)
        say_composed(app, composed, planned, clock())
        say_delivered(app, delivered)
    if in_trouble(collected) or not_all_sent(delivered):
        raise typer.Exit(1)


def compose_command(
    context: typer.Context, force: Force = False, yes: Yes = False, now: Now = None, as_json: Json = False
) -> None:
    """Decide what every subscriber who is due gets, and write it down."""
    app = app_of(context)
    start = app.clock(now)()
    planned = sync_file(app, start, many="remove" if yes else "refuse")
    report = _compose(app, start, force=force)
    if as_json:
        print_json({"digests": report.digests, "alerts": report.alerts})
    elif not app.options.quiet:
        say_composed(app, report, planned, start)


def deliver_command(context: typer.Context, now: Now = None, as_json: Json = False) -> None:
    """Send what waits in the outbox."""
    app = app_of(context)
    report = _deliver(app, app.clock(now))
    if as_json:
        print_json(deliver_json(report))
    elif not app.options.quiet:
        if report == DeliverReport():
            out.print("Nothing waits to be sent.")
        say_delivered(app, report)
    if not_all_sent(report):
        raise typer.Exit(1)


def migrate(context: typer.Context) -> None:
    """Bring the database's schema up to date (every start does, too)."""
    app = app_of(context)
    database = Database(app.config.database)
    before, after = database.migrate()
    if before == after:
        out.print(f"{database.shown} is up to date (schema {after}).")
    else:
        out.print(f"{database.shown}: schema {before or 'empty'} -> {after}.")
    if changed := prepare_queue(app):
        out.print(f"{database.shown}: queue {changed}.")


def prepare_queue(app: App) -> str:
    """Bring the tables of the engine up to date, if there is one; returns what changed, "" for nothing."""
    if app.config.engine == "embedded":
        return ""
    from bot import cluster

    before, after = cluster.migrate_queue(app.database)
    return "" if before == after else f"{before or 'empty'} -> {after}"


def _compose(app: App, now: datetime, *, force: bool) -> ComposeReport:
    with app.database.read() as tx:
        total = subscribers.count_by_status(tx).get("active", 0)
    with (
        by_hand(app, "compose", lambda: now),
        progress_bar("composing", total if total > 1000 else None, show=not app.options.quiet) as step,
    ):
        return compose(app.database, now, app.identity.message_id, force=force, processes=COMPOSERS, progress=step)


def _deliver(app: App, clock: Clock) -> DeliverReport:
    with app.database.read() as tx:
        total = outbox.waiting(tx)
    with (
        by_hand(app, "deliver", clock),
        progress_bar("delivering", total if total > 20 else None, show=not app.options.quiet) as step,
    ):
        first = DeliverReport()
        if (summarizer := app.summarizer(clock)) is not None and (letters := summarizer.prepare()):
            first = deliver(app.database, app.sending(), clock, progress=step)  # what need not wait
            summarizer.write(letters)
            app.builder.forget()  # papers that have a sentence now
        with ThreadPoolExecutor(1) as aside:  # neither waits for the other
            posting = aside.submit(post_to_channels, app, clock, patience=PATIENCE, progress=step)
            report = deliver(app.database, app.sending(), clock, patience=PATIENCE, progress=step)
        report.add(first)
        report.add(posting.result())
        report.waiting = app.database.ask(outbox.waiting)
        return report


def post_to_channels(
    app: App,
    clock: Clock,
    stop: threading.Event | None = None,
    patience: timedelta = timedelta(0),
    progress: Callable[[int], None] = lambda done: None,
) -> DeliverReport:
    """Send what is due to channels other than mail, if anything is: most installations have none."""
    with app.database.read() as tx:
        due = outbox.due(tx, clock(), "channels")
    if not due:
        return DeliverReport()
    report = deliver(app.database, app.posting(clock), clock, stop=stop, patience=patience, progress=progress)
    if report.delivered:
        log.info("%d posted to channels", report.delivered)
    if report.failed:
        log.warning("%d posts to channels not accepted; `paperlark status` tells why", report.failed)
    return report


def not_all_sent(report: DeliverReport) -> bool:
    """Whether a delivery failed, for the exit code."""
    return bool(report.failed or report.unknown or report.trouble)
