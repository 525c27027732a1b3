"""What a run has to say when it is done: on the terminal, as JSON, in the worker's log."""

import logging
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.cli.console import format_time, out, plural
from bot.cli.status import LAST_WORDS, say_unsent
from bot.cli.wiring import App
from bot.mail.transport.folders import OutboxTransport
from bot.mail.transport.from_url import Transport
from bot.pipeline.compose.compose import ComposeReport
from bot.pipeline.deliver.deliver import DeliverReport
from bot.store import cursors, edition_reports, outbox
from bot.store.file_sync import SyncPlan

log = logging.getLogger(__name__)

LATEST = "latest.html"


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
    if report.waiting and not report.trouble and not report.note:
        with app.database.read() as tx:
            if following := outbox.next_at(tx):
                out.print(f"The next try is at {format_time(following)}.")
    if report.note and report.waiting:
        out.print(f"What waits goes later: {report.note}.")
    if report.trouble:
        out.print(f"Sending stopped: {report.trouble}")
    if letter := newest_letter(app.transport, fresh=bool(report.delivered)):
        out.print(f"The newest letter: {letter}")
    if report.failed or report.trouble:
        with app.database.read() as tx:
            say_unsent(edition_reports.unsent(tx, LAST_WORDS))
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
