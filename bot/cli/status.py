"""The verbs that only look: check, status, preview. None of them changes anything or sends anything."""

import webbrowser
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.backtest import last_days, phrases_like_queries, profile_warnings
from bot.cli.console import err, format_time, out, plural, print_json
from bot.cli.suggest import suggestions_for
from bot.cli.wiring import App, Json, Now, app_of, find_subscriber, moment_of
from bot.core.letter.renderer import check as rendering_problems
from bot.core.subscriber.subscriber import Subscriber
from bot.errors import UserError
from bot.pipeline.compose.compose import open_view
from bot.pipeline.compose.digests import DigestComposer
from bot.pipeline.subscribers import as_stored, record_for
from bot.store import Database, cursors, editions, sources, subscribers, unparsed

DAYS = 14  # of the accounts, one by one
ORIGINS = {"database": "the command line", "web": "the web page"}
MOST_NAMED = 50  # subscribers; of more it is said how many there are


def register(app: typer.Typer) -> None:
    app.command("check")(check)
    app.command("status")(status)
    app.command("preview")(preview)


def check(context: typer.Context, now: Now = None, as_json: Json = False) -> None:
    """Validate the configuration and the queries; show sources, subscribers, due times, and what would change."""
    app = app_of(context)
    start = moment_of(now)
    config = app.config
    problems = rendering_problems(app.templates)
    if problems:
        raise UserError("The templates cannot be rendered.", problems)
    changes = _pending_changes(app, start)
    warnings = [*config.warnings, *phrases_like_queries(config.subscribers), *_broad_profiles(app, changes, start)]
    elsewhere = _kept_elsewhere(app, changes)
    missed = [] if _is_new(changes) else suggestions_for(config.subscribers, app, start)
    next_due = {subscriber.email: _next_due(subscriber, start) for subscriber in config.subscribers}
    if as_json:
        print_json(
            {
                "config": str(app.state.config_path),
                "sources": [{"name": source.name, "type": source.type} for source in config.sources],
                "subscribers": [
                    *({"email": email, "next_due": due, "origin": "file"} for email, due in next_due.items()),
                    *({"email": one.email, "next_due": one.next_due, "origin": one.origin} for one in elsewhere),
                ],
                "changes": changes,
                "warnings": warnings,
                "suggestions": missed,
            }
        )
        return
    out.print(f"{app.state.config_path} is fine.")
    out.print(f"\n{plural(len(config.sources), 'source')}")
    for source in config.sources:
        out.print(f"  {source.name}  {source.type}, every {_span(source.every.total_seconds())}")
    out.print(f"\n{plural(len(config.subscribers), 'subscriber')}")
    for subscriber in config.subscribers:
        due = next_due[subscriber.email]
        profiles = plural(len(subscriber.profiles), "profile") if subscriber.profiles else "trending papers only"
        when = f"next digest {_local(due, subscriber.timezone)}" if due else "no digest"
        out.print(f"  {subscriber.email}  {profiles}; {when}")
        for profile in subscriber.profiles:
            out.print(f"    {profile.name}: {profile.query}{'  (alerts)' if profile.alert else ''}")
    if elsewhere:
        out.print(f"\n{plural(len(elsewhere), 'subscriber')} in the database")
        for stored in elsewhere[:MOST_NAMED]:
            when = f"; next digest {format_time(stored.next_due)}" if stored.next_due else ""
            out.print(f"  {stored.email}  {stored.status}, from {ORIGINS.get(stored.origin, stored.origin)}{when}")
        if len(elsewhere) > MOST_NAMED:
            out.print(f"  and {len(elsewhere) - MOST_NAMED:,} more")
    if changes:
        out.print("\nThe next run will change in the store")
        for line in changes:
            out.print(f"  {line}")
    if missed:
        out.print("\nWhat would bring more (see `paperlark suggest`)")
        for line in missed:
            out.print(f"  {line}")
    for warning in warnings:
        err.print(f"note: {warning}")


def _pending_changes(app: App, now: datetime) -> list[str]:
    """What the next run would do to the database, found out without touching it."""
    if (
        app.config.database.startswith("sqlite:///")
        and not Path(app.config.database.removeprefix("sqlite:///")).exists()
    ):
        return [
            f"a new database: {app.config.database}",
            *(f"{one.email}: new subscriber" for one in app.config.subscribers),
        ]
    database = Database(app.config.database)
    try:
        if database.pending():
            return ["the schema will be brought up to date"]
        with database.read() as tx:
            return subscribers.would_change(tx, app.records(now))
    finally:
        database.close()


def _is_new(changes: list[str]) -> bool:
    """Whether there is no database of this program's yet, or one that a run must first bring up to date."""
    return any("database" in change or "schema" in change for change in changes)


def _kept_elsewhere(app: App, changes: list[str]) -> list[subscribers.StoredSubscriber]:
    """The subscribers that are in the database only: added by hand, or by themselves on the web page."""
    if _is_new(changes):
        return []
    found: list[subscribers.StoredSubscriber] = []
    with app.database.read() as tx:
        while page := subscribers.everyone(tx, after=found[-1].id if found else 0, limit=5_000, but_of_file=True):
            found += page
    return found


def _broad_profiles(app: App, changes: list[str], now: datetime) -> list[str]:
    """Profiles that would match nearly everything or nothing of the last month's papers."""
    if _is_new(changes):
        return []
    return profile_warnings(app.config.subscribers, last_days(app.database, now, 30))


def _next_due(subscriber: Subscriber, now: datetime) -> datetime | None:
    slot = subscriber.schedule.next_after(now, subscriber.timezone)
    return slot.due if slot else None


def _local(when: datetime, timezone: str) -> str:
    from zoneinfo import ZoneInfo

    return f"{when.astimezone(ZoneInfo(timezone)):%a %d %b %Y %H:%M} ({timezone})"


def _span(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"


def status(context: typer.Context, as_json: Json = False) -> None:
    """How the sources are doing, who is due when, and the accounts of all that was matched."""
    app = app_of(context)
    with app.database.read() as tx:
        known = sources.records(tx)
        counts = subscribers.count_by_status(tx)
        people = subscribers.everyone(tx, limit=sum(counts.values()) if as_json else MOST_NAMED + 1)
        next_due = cursors.next_due(tx)
        books = editions.accounts(tx)
        daily = {day: editions.accounts(tx, day) for day in editions.last_days(tx, DAYS)}
        unknown = editions.unknown(tx)
        kept = unparsed.listed(tx)
    notes = [known[source.name] for source in app.config.sources if source.name in known]
    if as_json:
        print_json(
            {
                "sources": [
                    {
                        "name": note.name,
                        "state": note.state,
                        "since": note.since,
                        "last_new": note.last_new,
                        "next": note.next_try,
                        "reason": note.reason,
                        "warnings": note.warnings.splitlines(),
                    }
                    for note in notes
                ],
                "subscribers": [
                    {
                        "email": subscriber.email,
                        "status": subscriber.status,
                        "next_due": subscriber.next_due,
                        "reason": subscriber.status_reason,
                    }
                    for subscriber in people
                ],
                "accounts": books,
                "days": [{"day": day, **day_books} for day, day_books in daily.items()],
                "unknown": [{"email": email, "message_id": message_id} for email, message_id in unknown],
                "recordings": [
                    {"id": number, "source": source, "at": at, "location": location}
                    for number, source, at, location in kept
                ],
            }
        )
        return
    out.print("Sources")
    for note in notes:
        reason = f": {note.reason}" if note.reason else ""
        none = "never again, unless its settings change" if note.stopped else "at the next run"
        out.print(
            f"  {note.name}  {note.state} since {format_time(note.since)}{reason}\n"
            f"    last new paper {format_time(note.last_new)}; next try {format_time(note.next_try, none=none)}"
        )
        for warning in note.warnings.splitlines():
            out.print(f"    note: {warning}")
    if not notes:
        out.print("  none asked yet: run `paperlark collect`")
    out.print("\nReaders")
    if len(people) > MOST_NAMED:
        numbers = ", ".join(f"{number:,} {name}" for name, number in sorted(counts.items()))
        out.print(f"  {numbers}; next digest {format_time(next_due)}; `paperlark subscribers list` names them")
        people = []
    for subscriber in people:
        due = f"next digest {format_time(subscriber.next_due)}" if subscriber.next_due else "no digest due"
        why = (
            f" since {format_time(subscriber.status_since)}: {subscriber.status_reason}"
            if subscriber.status != "active"
            else ""
        )
        out.print(f"  {subscriber.email}  {subscriber.status}{why or '; ' + due}")
    if not counts:
        out.print("  none yet: add [[subscribers]] to the configuration")
    parts_ = [
        f"{number:,} {name}" for name, number in books.items() if name != "matched" and (number or name == "delivered")
    ]
    out.print(f"\nAccounts\n  {books['matched']:,} matched = {' + '.join(parts_)}")
    for email, message_id in unknown:
        out.print(f"  may or may not have arrived: {email} {message_id}")
    for number, source, at, location in kept:
        out.print(f"  kept for you: recording:{number} of {source} at {format_time(at)} ({location})")


def preview(
    context: typer.Context,
    email: Annotated[str, typer.Argument(help="The subscriber's address.")],
    folder: Annotated[Path, typer.Option("--out", help="Where to write the files.")] = Path("preview"),
    open_it: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    now: Now = None,
) -> None:
    """The next edition of one subscriber as .html, .txt and .eml, without sending or changing anything."""
    app = app_of(context)
    start = moment_of(now)
    subscriber = next((one for one in app.config.subscribers if one.email.lower() == email.lower()), None)
    with app.database.read() as tx:
        stored = subscribers.by_email(tx, subscriber.email if subscriber else email)
    if subscriber is not None:
        stored = as_stored(record_for(subscriber, start), stored, start)
    else:
        stored = find_subscriber(app, email)
    view = open_view(app.database, start)
    decided = list(DigestComposer(view, start, app.identity.message_id).decide([stored]))
    if not decided:
        raise UserError(f"{email} has no digest.", ['their schedule is "off"'])
    picks = decided[0].picks
    if not picks.matched:
        out.print(f"There is nothing new for {email}: no mail would be sent.")
        return
    page, letter, message = app.builder.preview(stored, picks, view.revision.id, view.notes, start)
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / stored.email.replace("/", "_")
    written = []
    for suffix, data in ((".html", page.encode()), (".txt", letter.text_page.encode()), (".eml", message.data)):
        path = stem.with_name(stem.name + suffix)
        path.write_bytes(data)
        written.append(path)
        out.print(str(path))
    if open_it:
        webbrowser.open(written[0].resolve().as_uri())
