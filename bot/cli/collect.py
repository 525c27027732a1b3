"""The verb collect, and what it shares with `once` and the worker: what the sources brought, on the terminal, as JSON,
in the worker's log. Nothing of subscribers, letters or mail is imported here: importing all that takes longer than a
collection that finds nothing new."""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import typer

from bot.cli.console import out, plural, print_json, progress_bar
from bot.cli.options import Clock, Json, Now
from bot.cli.wiring import App, app_of
from bot.fetch import Fetcher
from bot.pipeline.collect.collect import CollectReport, collect
from bot.store import ticks
from bot.store.taste_wanted import taste_wanted
from bot.store.ticks import Step

log = logging.getLogger(__name__)

BY_CRON = timedelta(hours=26)  # a run of `once` is good for a day and a little more


def register(app: typer.Typer) -> None:
    app.command("collect")(collect_command)


def collect_command(context: typer.Context, now: Now = None, as_json: Json = False) -> None:
    """Ask the sources and record what they list."""
    app = app_of(context)
    report = collect_sources(app, app.clock(now))
    if as_json:
        print_json({"sources": sources_json(report)})
    elif not app.options.quiet:
        say_collected(report)
    if in_trouble(report):
        raise typer.Exit(1)


def collect_sources(app: App, clock: Clock) -> CollectReport:
    with (
        by_hand(app, "collect", clock),
        app.fetcher(clock) as fetcher,
        progress_bar("collecting", len(app.sources), show=not app.options.quiet) as step,
    ):
        report = collect(app.database, fetcher, app.sources, clock(), progress=step)
        learn_tastes(app, fetcher, clock())
        return report


def learn_tastes(app: App, fetcher: Fetcher, now: datetime, stop: threading.Event | None = None) -> None:
    """Learn again whatever taste has become another. Letters go without, where anything at all goes wrong."""
    try:
        with app.database.read() as tx:
            if not taste_wanted(tx):
                return  # before anything is loaded for it
        with app.learner(fetcher, now) as learner:
            if number := learner.learn_all(stop):
                log.info("%s learnt", plural(number, "taste"))
    except Exception as error:
        log.warning("tastes are not learnt this time: %s", error, exc_info=log.isEnabledFor(logging.DEBUG))


@contextmanager
def by_hand(app: App, step: Step, clock: Clock) -> Iterator[None]:
    """Write down that a step has run from cron or a shell, and by when it must have run again."""
    yield
    with app.database.write() as tx:
        ticks.note_by_hand(tx, step, clock(), BY_CRON)


def in_trouble(report: CollectReport) -> bool:
    """Whether a source failed, for the exit code."""
    return any(source.state in ("failing", "waiting") and source.error for source in report.values())


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
