"""The verb preview: a subscriber's letter as files, without sending or changing anything."""

import webbrowser
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.console import format_time, out, plural, remark
from bot.cli.options import Now, moment_of
from bot.cli.people import find_subscriber
from bot.cli.wiring import App, app_that_looks
from bot.core.edition.picks import Picks
from bot.core.subscriber.subscriber import Subscriber, stored_subscriber
from bot.errors import UserError
from bot.pipeline import reading
from bot.pipeline.compose.changes import RevisionView
from bot.pipeline.compose.compose import open_view
from bot.pipeline.compose.digests import DigestComposer
from bot.store import history, sources
from bot.store.sources import SourceRecord
from bot.store.subscribers import StoredSubscriber


def register(app: typer.Typer) -> None:
    app.command("preview")(preview)


def preview(
    context: typer.Context,
    email: Annotated[str, typer.Argument(help="The subscriber's address.")],
    days: Annotated[
        int | None, typer.Option("--days", min=1, max=3_660, help="How many days to look back; else one period.")
    ] = None,
    real: Annotated[
        bool, typer.Option("--next", help="What the next digest would be if no further paper came.")
    ] = False,
    folder: Annotated[Path, typer.Option("--out", help="Where to write the files.")] = Path("preview"),
    open_it: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    now: Now = None,
) -> None:
    """The letter of one subscriber as .html, .txt and .eml: as if they were new, or with --next the coming one."""
    if real and days is not None:
        raise UserError("--next and --days do not go together.", ["the next digest tells what is new since the last"])
    app = app_that_looks(context)
    start = moment_of(now)
    stored = find_subscriber(app, email, start)
    subscriber = stored_subscriber(stored.data)
    with app.database.read() as tx:
        if history.latest_revision(tx) is None:
            raise _no_papers_yet(sources.records(tx))
    if real:
        if stored.next_due is None:
            raise UserError(f"{stored.email} has no digest.", [f"{subscriber.schedule.in_words(subscriber.timezone)}"])
        if stored.next_digest is None:
            since = f"{stored.status} since {format_time(stored.status_since)}"
            raise UserError(f"{stored.email} gets no digest: {since}.", ["without --next: the letter as if new"])
        start = max(start, stored.next_digest)
        view, picks = _decide(app, stored, start, None)
        words = f"The digest due {format_time(stored.next_digest)}, if no further paper came."
        none = f"There is nothing new for {stored.email}: no mail would be sent."
    else:
        period = timedelta(days=days) if days else subscriber.schedule.period
        view, picks = _decide(app, _as_new(stored, subscriber), start, period, taste_of=stored.id)
        span = plural(period.days, "day")
        words = f"As if new: the papers of the last {span}, told before or not. --next shows the coming digest."
        none = f"Nothing of the last {span} is for {stored.email}: look back further with --days."
    if not picks.matched:
        out.print(none)
        return
    letter, message = reading.unsent_letter(app.builder, stored, picks, view.revision.id, view.notes, start)
    files = {".html": letter.html_page.encode(), ".txt": letter.text_page.encode(), ".eml": message.data}
    stem = folder / stored.email.replace("/", "_")
    folder.mkdir(parents=True, exist_ok=True)
    remark(words)
    for suffix, data in files.items():
        path = stem.with_name(stem.name + suffix)
        path.write_bytes(data)
        out.print(str(path))
    if open_it:
        webbrowser.open(stem.with_name(f"{stem.name}.html").resolve().as_uri())


def _as_new(stored: StoredSubscriber, subscriber: Subscriber) -> StoredSubscriber:
    """The same person without a past: number 0 has no editions."""
    return stored._replace(
        id=0, digest_cursor=None, alert_cursor=None, told_at=None, next_due=None, overflow=0, trending_ids=""
    )


def _decide(
    app: App, stored: StoredSubscriber, moment: datetime, look_back: timedelta | None, *, taste_of: int = 0
) -> tuple[RevisionView, Picks]:
    view = open_view(app.database, moment)
    composer = DigestComposer(view, moment, app.identity.message_id, look_back=look_back, taste_of=taste_of)
    (decision,) = composer.decide([stored])
    return view, decision.picks


def _no_papers_yet(asked: Mapping[str, SourceRecord]) -> UserError:
    """Why there is no paper at all, and what to do about it."""
    if not asked:
        return UserError("Nothing has been collected yet.", ["run `paperlark collect`, then look again"])
    said = [f"{name} is {one.state}{f': {one.reason}' if one.reason else ''}" for name, one in sorted(asked.items())]
    return UserError("No source has brought a paper yet.", [*said, "run `paperlark collect` again, then look again"])
