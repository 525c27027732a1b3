"""The verb status: how the sources are doing, who is due when, what became of all that was matched."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import typer

from bot.cli.console import format_time, out, print_json
from bot.cli.options import Json, Now, moment_of
from bot.cli.people import everybody, plan_sync
from bot.cli.wiring import App, app_that_looks
from bot.config import SummariesConfig
from bot.errors import UserError
from bot.pipeline.deliver.pacing import CHANNEL, PREFIX
from bot.pipeline.liveness import DATABASE_ANSWERS_WITHIN, liveness
from bot.store import cursors, edition_reports, mail_pacing, sources, subscribers, summaries, unparsed
from bot.store.database import answers_within
from bot.store.edition_reports import UnsentEdition
from bot.store.sources import SourceRecord
from bot.store.subscribers import StoredSubscriber

DAYS = 14  # of the accounts, one by one
MOST_NAMED = 50  # subscribers; of more it is said how many there are
LAST_WORDS = 5  # of the relay, on as many editions


def register(app: typer.Typer) -> None:
    app.command("status")(status)
    app.command("health")(health)


def health(context: typer.Context, now: Now = None, as_json: Json = False) -> None:
    """Whether the worker is at work: exit 0, or 1 and the reason. For what watches processes and containers."""
    app = app_that_looks(context)
    try:
        with answers_within(DATABASE_ANSWERS_WITHIN):
            state = liveness(app.database, moment_of(now))
        if not state.get("ticks", True):
            state |= {"ok": False, "reason": "no worker has run yet"}
    except UserError as error:  # of the database: the configuration is read
        state = {"ok": False, "reason": error.summary}
    if as_json:
        print_json(state)
    elif not state["ok"] or not app.options.quiet:
        out.print(state.get("reason") or "ok")
    if not state["ok"]:
        raise typer.Exit(1)


def status(context: typer.Context, now: Now = None, as_json: Json = False) -> None:
    """How the sources are doing, who is due when, and the accounts of all that was matched."""
    app = app_that_looks(context)
    start = moment_of(now)
    counts = _counts(app, start)
    people = list(everybody(app, start)) if as_json or counts.total() <= MOST_NAMED else []
    with app.database.read() as tx:
        known = sources.records(tx)
        next_due = cursors.next_due(tx)
        books = edition_reports.accounts(tx)
        daily = {day: edition_reports.accounts(tx, day) for day in edition_reports.last_days(tx, DAYS)}
        unknown = edition_reports.unknown(tx)
        unsent = edition_reports.unsent(tx, LAST_WORDS)
        held = mail_pacing.held(tx, start, PREFIX)
        channels = mail_pacing.held(tx, start, CHANNEL)
        kept = unparsed.listed(tx)
        spent = summaries.spend(tx, start.date())
        left_alone, why = summaries.left_alone_until(tx, start)
    model = app.config.summaries
    notes = [known[source.name] for source in app.config.sources if source.name in known]
    if as_json:
        print_json(
            {
                "sources": list(map(_source_json, notes)),
                "subscribers": [
                    {
                        "email": subscriber.email,
                        "status": subscriber.status,
                        "next_due": subscriber.next_digest,
                        "reason": subscriber.status_reason,
                    }
                    for subscriber in people
                ],
                "accounts": books,
                "days": [{"day": day, **day_books} for day, day_books in daily.items()],
                "unknown": [
                    {"email": email, "message_id": message_id, "channel": channel}
                    for email, message_id, channel in unknown
                ],
                "unsent": [edition._asdict() for edition in unsent],
                "held": [
                    {"way": limit.name.removeprefix(PREFIX), "until": limit.held_until, "reason": limit.reason}
                    for limit in held
                ],
                "channels_left_alone": [
                    {"channel": limit.name.removeprefix(CHANNEL), "until": limit.held_until, "reason": limit.reason}
                    for limit in channels
                ],
                "summaries": model and {"model": model.model, **_spend_json(model, spent, left_alone, why)},
                "recordings": [
                    {"id": number, "source": source, "at": at, "location": location}
                    for number, source, at, location in kept
                ],
            }
        )
        return
    _say_sources(notes)
    out.print("\nSubscribers")
    if not counts:
        out.print("  none yet: add [[subscribers]] to the configuration")
    elif not people:
        numbers = ", ".join(f"{number:,} {name}" for name, number in sorted(counts.items()))
        out.print(f"  {numbers}; next digest {format_time(next_due)}; `paperlark subscribers list` names them")
    for subscriber in people:
        out.print(f"  {subscriber.email}  {_condition(subscriber)}")
    parts = [
        f"{number:,} {name}" for name, number in books.items() if name != "matched" and (number or name == "delivered")
    ]
    out.print(f"\nAccounts\n  {books['matched']:,} matched = {' + '.join(parts)}")
    for email, message_id, channel in unknown:
        out.print(f"  may or may not have arrived: {_by(email, channel)} {message_id}")
    say_unsent(unsent)
    for limit in held:
        way = limit.name.removeprefix(PREFIX)
        out.print(f"  paused until {format_time(limit.held_until)}: {way}: {limit.reason}")
    for limit in channels:
        out.print(f"  left alone until {format_time(limit.held_until)}: {limit.name.removeprefix(CHANNEL)}")
    if model:
        _say_summaries(model, spent, left_alone, why)
    if held or any(not edition.channel for edition in unsent):
        out.print("  run `paperlark doctor`: it tries the relay and looks at the DNS")
    for number, source, at, location in kept:
        out.print(f"  kept for you: recording:{number} of {source} at {format_time(at)} ({location})")


def _spend_json(
    model: SummariesConfig, spent: summaries.Spend, left_alone: datetime | None, why: str
) -> dict[str, Any]:
    """What the model was asked today (UTC), and whether it is asked at present."""
    return {
        "calls": spent.calls,
        "daily_calls": model.daily_calls,
        "tokens": spent.tokens,
        "daily_tokens": model.daily_tokens,
        "written": spent.written,
        "thrown_away": spent.thrown_away,
        "failed": spent.failed,
        "left_alone_until": left_alone,
        "reason": why,
    }


def _say_summaries(model: SummariesConfig, spent: summaries.Spend, left_alone: datetime | None, why: str) -> None:
    out.print(f"\nSummaries by {model.model}, today")
    out.print(
        f"  {spent.calls:,} of {model.daily_calls:,} calls, {spent.tokens:,} of {model.daily_tokens:,} tokens: "
        f"{spent.written:,} written, {spent.thrown_away:,} thrown away, {spent.failed:,} failed"
    )
    if left_alone:
        out.print(f"  not asked until {format_time(left_alone)}: {why}")
    elif why:
        out.print(f"  the last call failed: {why}")


def say_unsent(unsent: Sequence[UnsentEdition]) -> None:
    """The relay's last words on what did not go out, the same words once."""
    same: dict[tuple[str, str], list[UnsentEdition]] = {}
    for edition in unsent:
        same.setdefault((edition.state, edition.words), []).append(edition)
    for (state, words), those in same.items():
        first = those[0]
        more = f" and {len(those) - 1} more" if len(those) > 1 else ""
        again = "it is tried again" if state == "waiting" else "given up"
        when = f" at {format_time(first.at)}" if first.at else ""
        out.print(f"  not accepted: {_by(first.email, first.channel)}{more}{when}: {words} ({again})")


def _by(email: str, channel: str) -> str:
    return f"{email} by {channel}" if channel else email


def _counts(app: App, now: datetime) -> Counter[str]:
    """How many are in which state, as the next run would find them."""
    with app.database.read() as tx:
        counts = Counter(subscribers.count_by_status(tx))
    planned = plan_sync(app, now)
    before = {row.email: row.status for row, _ in planned.changed} | {row.email: row.status for row in planned.gone}
    for email, row in planned.after(now).items():
        counts[row.status] += 1
        if email in before:
            counts[before[email]] -= 1
    return +counts


def _source_json(record: SourceRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "state": record.state,
        "since": record.since,
        "last_new": record.last_new,
        "next": record.next_try,
        "reason": record.reason,
        "warnings": record.warnings.splitlines(),
    }


def _say_sources(records: Sequence[SourceRecord]) -> None:
    out.print("Sources")
    for record in records:
        reason = f": {record.reason}" if record.reason else ""
        none = "never again, unless its settings change" if record.stopped else "at the next run"
        out.print(
            f"  {record.name}  {record.state} since {format_time(record.since)}{reason}\n"
            f"    last new paper {format_time(record.last_new)}; next try {format_time(record.next_try, none=none)}"
        )
        for warning in record.warnings.splitlines():
            out.print(f"    note: {warning}")
    if not records:
        out.print("  none asked yet: run `paperlark collect`")


def _condition(subscriber: StoredSubscriber) -> str:
    if subscriber.status != "active":
        until = f" until {format_time(subscriber.paused_until)}" if subscriber.paused_until else ""
        return f"{subscriber.status}{until} since {format_time(subscriber.status_since)}: {subscriber.status_reason}"
    if subscriber.next_due:
        return f"active; next digest {format_time(subscriber.next_due)}"
    return "active; alerts only" if subscriber.alerts else "active; no digest due"
