"""The verb check: is the configuration right, does it ask for what was meant, and what would the next run change?
Nothing is written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import typer

from bot.cli.backtest import hopeless_terms, papers_of_days, profile_warnings, slips_of_the_pen
from bot.cli.console import format_time, out, plural, print_json, remark
from bot.cli.options import Json, Now, moment_of
from bot.cli.people import all_stored, plan_sync
from bot.cli.suggest import suggestions_for
from bot.cli.sync_words import WINDOW, sync_in_words
from bot.cli.wiring import App, app_of
from bot.core.letter.renderer import check_templates as rendering_problems
from bot.core.papers import Paper
from bot.core.subscriber.duration import in_short
from bot.core.subscriber.subscriber import Profile, Subscriber, stored_subscriber
from bot.errors import UserError
from bot.mail.transport.channels import fault_of
from bot.store import Database, subscribers
from bot.store.database import is_absent
from bot.store.subscribers import StoredSubscriber

ORIGINS = {"database": "the command line", "web": "the web page"}
MOST_NAMED = 50  # of them


def register(app: typer.Typer) -> None:
    app.command("check")(check)


@dataclass(frozen=True, slots=True)
class Findings:
    """What check has to say beside what stands in the configuration."""

    changes: list[str]  # that the next run would make
    warnings: list[str]  # of what can be read, but was hardly meant
    suggestions: list[str]  # what would bring more
    elsewhere: list[StoredSubscriber]  # in the database only: added by hand, or by themselves on the web page
    people: dict[str, StoredSubscriber]  # of the file, as the next run would find them; empty without a database
    choices: dict[str, dict[str, Any]]  # what they chose by a link, which wins over the file
    next_due: dict[str, datetime | None]


def check(context: typer.Context, now: Now = None, as_json: Json = False) -> None:
    """Validate the configuration and the queries; show sources, subscribers, due times, and what would change."""
    app = app_of(context)
    if problems := rendering_problems(app.templates):
        own = app.config.templates_dir
        raise UserError("The templates cannot be rendered.", [_by_its_place(problem, own) for problem in problems])
    found = _look(app, moment_of(now))
    if as_json:
        print_json(_as_json(app, found))
        return
    out.print(f"{app.options.config_path} is fine.")
    _say_configured(app, found)
    _say_elsewhere(found.elsewhere)
    for heading, lines in (
        ("The next run will change in the store", found.changes),
        ("What would bring more (see `paperlark suggest`)", found.suggestions),
    ):
        if lines:
            out.print(f"\n{heading}")
        for line in lines:
            out.print(f"  {line}")
    for warning in found.warnings:
        remark(f"note: {warning}")


def _by_its_place(problem: str, own: str) -> str:
    """A problem of a template under the name of its file, where that is the user's own."""
    name = problem.removeprefix("templates/").split(" ")[0].rstrip(":")
    file = Path(own) / name
    return f"{file}{problem.removeprefix(f'templates/{name}')}" if own and file.is_file() else problem


def _look(app: App, now: datetime) -> Findings:
    config = app.config
    profiles = config.every_profile
    pending = _pending(app, now)
    papers = pending.papers
    empty = "the file is empty: `paperlark init` writes one with every option in it"
    return Findings(
        changes=pending.changes,
        warnings=[
            *([] if config.model_fields_set else [empty]),
            *config.warnings,
            *slips_of_the_pen(profiles),
            *hopeless_terms(profiles),
            *channel_faults(config.subscribers),
            *profile_warnings(profiles, papers),
        ],
        suggestions=suggestions_for(profiles, app, now) if papers else [],
        elsewhere=pending.elsewhere,
        people=pending.people,
        choices=pending.choices,
        next_due={one.email: _next_due(one, pending.people.get(one.email), now) for one in config.subscribers},
    )


def channel_faults(people: Sequence[Subscriber]) -> Iterator[str]:
    """Channels that nothing can be posted to, as far as their addresses tell."""
    for subscriber in people:
        for address in subscriber.channels.values():
            if fault := fault_of(address):
                yield f"{subscriber.email}: {fault}"


def _as_json(app: App, found: Findings) -> dict[str, Any]:
    return {
        "config": str(app.options.config_path),
        "sources": [{"name": source.name, "type": source.type} for source in app.config.sources],
        "subscribers": [
            *(
                {
                    "email": email,
                    "next_due": due,
                    "origin": "file",
                    "status": found.people[email].status if email in found.people else "active",
                    "chosen": sorted(found.choices.get(email, ())),
                }
                for email, due in found.next_due.items()
            ),
            *(
                {"email": one.email, "next_due": one.next_digest, "origin": one.origin, "status": one.status}
                for one in found.elsewhere
            ),
        ],
        "changes": found.changes,
        "warnings": found.warnings,
        "suggestions": found.suggestions,
    }


def _say_configured(app: App, found: Findings) -> None:
    out.print(f"\n{plural(len(app.config.sources), 'source')}")
    for source in app.config.sources:
        out.print(f"  {source.name}  {source.type}, every {in_short(source.every)}")
    if app.config.profiles:
        out.print(f"\n{plural(len(app.config.profiles), 'shared profile')}")
    for profile in app.config.profiles:
        out.print(f"  {_in_a_line(profile)}")
    out.print(f"\n{plural(len(app.config.subscribers), 'subscriber')}")
    for subscriber in app.config.subscribers:
        profiles = plural(len(subscriber.profiles), "profile") if subscriber.profiles else "trending papers only"
        stored = found.people.get(subscriber.email)
        when = _when(subscriber, stored, found.next_due[subscriber.email])
        out.print(f"  {subscriber.email}  {profiles}; {when}")
        if chosen := found.choices.get(subscriber.email):
            out.print(f"    chose by a link, whatever the file says: {', '.join(sorted(chosen))}")
        for profile in subscriber.own_profiles:
            out.print(f"    {_in_a_line(profile)}")
        if subscriber.shared:
            out.print(f"    shared: {', '.join(subscriber.shared)}")


def _in_a_line(profile: Profile) -> str:
    return f"{profile.name}: {profile.query}{'  (alerts)' if profile.alert else ''}"


def _say_elsewhere(elsewhere: Sequence[StoredSubscriber]) -> None:
    if not elsewhere:
        return
    out.print(f"\n{plural(len(elsewhere), 'subscriber')} in the database")
    for stored in elsewhere[:MOST_NAMED]:
        when = f"; next digest {format_time(stored.next_digest)}" if stored.next_digest else ""
        out.print(f"  {stored.email}  {stored.status}, from {ORIGINS.get(stored.origin, stored.origin)}{when}")
    if len(elsewhere) > MOST_NAMED:
        out.print(f"  and {len(elsewhere) - MOST_NAMED:,} more")


@dataclass(frozen=True, slots=True)
class Pending:
    """What the database has to do with the file. All empty where there is none yet."""

    changes: list[str]
    papers: list[Paper]
    elsewhere: list[StoredSubscriber]
    people: dict[str, StoredSubscriber]
    choices: dict[str, dict[str, Any]]


def _pending(app: App, now: datetime) -> Pending:
    """What the next run would do to the database, found out without touching it; the papers of the last month; and
    who is in the database only, and how it has those of the file."""
    url = app.config.database
    if is_absent(url):
        new = [f"{one.email}: new subscriber" for one in app.config.subscribers]
        return Pending([f"a new database: {Database(url).shown}", *new], [], [], {}, {})
    database = Database(url)
    try:
        if database.pending():
            return Pending(["the schema will be brought up to date"], [], [], {}, {})
    finally:
        database.close()
    papers = papers_of_days(app.database, now, WINDOW)
    sharing = {one.email: one.shares for one in app.config.subscribers if one.shared}
    planned = plan_sync(app, now)
    with app.database.read() as tx:
        choices = subscribers.choices(tx)
    return Pending(
        changes=list(sync_in_words(planned, papers, sharing)),
        papers=papers,
        elsewhere=list(all_stored(app, but_of_file=True)),
        people=planned.after(now) | {row.email: row for row in planned.unchanged},
        choices=choices,
    )


def _next_due(subscriber: Subscriber, stored: StoredSubscriber | None, now: datetime) -> datetime | None:
    """When the next digest is due that is not late; of whoever chose another schedule by a link, by that one."""
    if stored is not None:
        due = stored.next_digest
        if due is None or due > now:
            return due
        subscriber = stored_subscriber(stored.data)
    slot = subscriber.schedule.next_after(now, subscriber.timezone)
    return slot.due if slot else None


def _when(subscriber: Subscriber, stored: StoredSubscriber | None, due: datetime | None) -> str:
    if stored is not None:
        subscriber = stored_subscriber(stored.data)
        if stored.status not in ("active", "paused"):
            return f"{stored.status}, gets nothing"
    paused = ""
    if stored is not None and stored.status == "paused":
        until = f" until {stored.paused_until:%Y-%m-%d}" if stored.paused_until else ""
        paused = f"paused{until}"
    if due is None:
        return paused or subscriber.schedule.in_words(subscriber.timezone)
    when = f"next digest {due.astimezone(ZoneInfo(subscriber.timezone)):%a %d %b %Y %H:%M} ({subscriber.timezone})"
    return f"{paused}, {when}" if paused else when
