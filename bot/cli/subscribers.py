"""The verbs about subscribers kept in the database: subscribers list|add|remove|pause|resume|import|export|consents|
invite."""

import json
import sys
import tomllib
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import typer

from bot.cli.console import format_time, out, plural, print_json, print_plain, remark
from bot.cli.options import Json, Now, moment_of
from bot.cli.people import NAMED, all_stored, everybody, find_stored
from bot.cli.wiring import App, app_of, app_that_looks
from bot.core.subscriber.address import normal_address
from bot.core.subscriber.subscriber import stored_subscriber, subscriber_from
from bot.errors import UserError
from bot.pipeline import signup
from bot.pipeline.subscribers import record_for
from bot.store import consents, outbox, subscribers
from bot.store.subscribers import StoredSubscriber, SubscriberRecord

Email = Annotated[str, typer.Argument(help="The subscriber's address.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help="Subscribers kept in the database, beside those in the configuration.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("list")(list_)
    group.command("add")(add)
    group.command("remove")(remove)
    group.command("pause")(pause)
    group.command("resume")(resume)
    group.command("import")(import_)
    group.command("export")(export)
    group.command("consents")(consent_log)
    group.command("invite")(invite)
    app.add_typer(group, name="subscribers")
    app.command("inbox")(inbox)


def inbox(
    context: typer.Context,
    place: Annotated[
        str, typer.Argument(help="A Maildir, or - for one message on stdin; else the configured mailbox.")
    ] = "",
    now: Now = None,
) -> None:
    """Read bounces, complaints, unsubscribes and yeses to our question, and act on them."""
    app = app_of(context)
    if not place and not app.config.mail.inbox:
        raise UserError("There is no inbox to read.", ["set inbox in [mail], or name a Maildir, or - for stdin"])
    for line in app.read_inbox(moment_of(now), place):
        out.print(line)


def list_(context: typer.Context, now: Now = None, as_json: Json = False) -> None:
    """Who gets mail, who does not, why and since when."""
    app = app_that_looks(context)
    people = list(everybody(app, moment_of(now)))
    if as_json:
        print_json(
            [
                {
                    "email": one.email,
                    "origin": one.origin,
                    "status": one.status,
                    "since": one.status_since,
                    "reason": one.status_reason,
                    "paused_until": one.paused_until,
                    "next_due": one.next_digest,
                }
                for one in people
            ]
        )
        return
    for one in people:
        where = {"file": "config", "web": "web"}.get(one.origin, "database")
        until = f" until {format_time(one.paused_until)}" if one.paused_until else ""
        why = f" ({one.status_reason})" if one.status_reason else ""
        out.print(f"{one.email}  {one.status}{until} since {format_time(one.status_since)}{why}  [{where}]")
    if not people:
        out.print("No subscribers yet: add [[subscribers]] to the configuration, or `paperlark subscribers add`.")


def add(
    context: typer.Context,
    email: Email,
    name: Annotated[str, typer.Option(help="How to greet them.")] = "",
    timezone: Annotated[str, typer.Option(help="Their time zone, e.g. Europe/London.")] = "UTC",
    digest: Annotated[str, typer.Option(help='When: "weekdays 07:30", "weekly mon 08:00", …')] = "daily 07:30",
    keyword: Annotated[list[str] | None, typer.Option(help="A keyword; may be given several times.")] = None,
    query: Annotated[str, typer.Option(help="A query in the profile language.")] = "",
    alert: Annotated[bool, typer.Option(help="Also mail at once.")] = False,
    now: Now = None,
) -> None:
    """Add a subscriber to the database."""
    app = app_of(context)
    table: dict[str, Any] = {"email": email, "timezone": timezone, "digest": digest}
    if name:
        table["name"] = name
    profile: dict[str, Any] = {"name": "Keywords" if keyword else "Query"}
    profile |= {"keywords": keyword} if keyword else {}
    profile |= {"query": query} if query else {}
    if keyword or query:
        table["profiles"] = [profile | ({"alert": True} if alert else {})]
    subscriber = subscriber_from(table)
    start = moment_of(now)
    _refuse_double(app, subscriber.email)
    with app.database.write() as tx:
        added = subscribers.add(tx, [record_for(subscriber, start)], start)
        known = None if added else subscribers.by_email(tx, subscriber.email)
    if known is not None:
        raise _known_already(known)
    out.print(f"Added {subscriber.email}.")


def _known_already(known: StoredSubscriber) -> UserError:
    if known.status in ("active", "paused"):
        return UserError(f"{known.email} is a subscriber already.", ["`paperlark subscribers list` shows their state"])
    reason = f" ({known.status_reason})" if known.status_reason else ""
    return UserError(
        f"{known.email} is {known.status} since {format_time(known.status_since)}{reason}, and gets nothing.",
        [f"if they want mail again: `paperlark subscribers resume {known.email}`"],
    )


def remove(context: typer.Context, email: Email, now: Now = None) -> None:
    """Remove a subscriber from the database: they get nothing more."""
    app = app_of(context)
    subscriber = find_stored(app, email)
    if subscriber.origin == "file":
        raise UserError(f"{subscriber.email} is in the configuration.", [f"remove them from {app.options.config_path}"])
    with app.database.write() as tx:
        subscribers.set_status(tx, subscriber.email, "removed", "removed by hand", moment_of(now))
        outbox.suppress(tx, [subscriber.id], "the subscriber was removed")
    out.print(f"Removed {subscriber.email}.")


def pause(
    context: typer.Context,
    email: Email,
    until: Annotated[
        str, typer.Option(help="The day mail comes again, e.g. 2026-12-24; without it, until `resume`.")
    ] = "",
    now: Now = None,
) -> None:
    """No mail for a while; what was missed comes in one digest afterwards."""
    app = app_of(context)
    subscriber = find_stored(app, email)
    if subscriber.status not in ("active", "paused"):
        raise UserError(f"{subscriber.email} is {subscriber.status} and gets nothing anyway.")
    start = moment_of(now)
    end = None
    if until:
        try:
            day = date.fromisoformat(until)
        except ValueError as error:
            raise UserError(f"--until {until!r} is not a day.", ["for example 2026-12-24"]) from error
        end = datetime.combine(day, time(), ZoneInfo(stored_subscriber(subscriber.data).timezone)).astimezone(UTC)
        if end <= start:
            raise UserError(f"{until} is over already.")
    with app.database.write() as tx:
        subscribers.set_status(tx, subscriber.email, "paused", "paused by hand", start, until=end)
    out.print(f"Paused {subscriber.email}{f' until {until}' if until else ''}.")


def resume(context: typer.Context, email: Email, now: Now = None) -> None:
    """Mail again, also after an unsubscribe, a bounce or a complaint: only a person can decide that."""
    app = app_of(context)
    subscriber = find_stored(app, email)
    with app.database.write() as tx:
        subscribers.set_status(tx, subscriber.email, "active", "resumed by hand", moment_of(now))
    out.print(f"{subscriber.email} gets mail again (was {subscriber.status}).")


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Subscribers as TOML ([[subscribers]]) or JSON lines.")],
    now: Now = None,
) -> None:
    """Add many subscribers to the database, from what `export` wrote or a file like config.toml."""
    app = app_of(context)
    start = moment_of(now)
    problems: list[str] = []
    records: list[SubscriberRecord] = []
    mine = {one.email for one in app.config.subscribers}
    for place, table in _tables(file):
        try:
            subscriber = subscriber_from(table)
        except UserError as error:
            problems.append(f"{place}: {error.problems[0] if error.problems else error.summary}")
            continue
        if subscriber.email in mine:
            problems.append(f"{place}: {subscriber.email} is in the configuration")
            continue
        records.append(record_for(subscriber, start))
    if problems:
        shown = problems[:50] + ([f"and {len(problems) - 50} more"] if len(problems) > 50 else [])
        raise UserError(f"{file}: {plural(len(problems), 'problem')}; nothing was imported.", shown)
    with app.database.write() as tx:
        away = subscribers.who_get_nothing(tx, [record.email for record in records])
        added = subscribers.add(tx, records, start)
    known = len(records) - added
    out.print(f"Imported {plural(added, 'subscriber')}{f'; {known:,} were known already' if known else ''}.")
    if away:
        names = ", ".join(away[:NAMED]) + (f" and {len(away) - NAMED:,} more" if len(away) > NAMED else "")
        remark(f"note: these were removed, left or bounced before and get nothing: {names}")
        remark("      `paperlark subscribers list` says why, `paperlark subscribers resume EMAIL` brings one back")


def export(context: typer.Context) -> None:
    """Every subscriber kept in the database as JSON lines on stdout, for `import`."""
    app = app_that_looks(context)
    for one in all_stored(app):
        if one.origin in ("database", "web") and one.status in ("active", "paused"):
            print_plain(one.data, sys.stdout)


def consent_log(context: typer.Context) -> None:
    """The log of consents as JSON lines: who agreed to what, when, in which words, from which network."""
    app = app_that_looks(context)
    with app.database.read() as tx:
        log = consents.log(tx)
    for one in log:
        print_plain(json.dumps({**one._asdict(), "at": one.at.isoformat()}, ensure_ascii=False), sys.stdout)


def invite(
    context: typer.Context,
    email: Annotated[str, typer.Argument(help="For this address alone; else for whoever has the link.")] = "",
    days: Annotated[
        int, typer.Option(min=1, max=signup.LONGEST_INVITATION, help="How long it is good for.")
    ] = signup.INVITATION_DAYS,
    now: Now = None,
) -> None:
    """Print a link that opens the form of the web page where `[web] signup` is "invite"."""
    app = app_of(context)
    if not app.config.public_url:
        raise UserError(
            "There is no form to invite to.", ["set public_url to where the web process answers, https://…"]
        )
    if app.config.web.signup == "off":
        raise UserError("Nobody can subscribe by the web page.", ['set signup = "invite" in [web]'])
    if app.config.web.signup == "open":
        remark('Everybody may subscribe: [web] signup is "open", so nobody needs this link.')
    try:
        address = normal_address(email) if email else ""
    except ValueError as error:
        raise UserError(f"{email!r} cannot be invited: {error}.") from error
    ends = moment_of(now) + timedelta(days=days)
    wanted = {"email": address} if address else {}
    wanted["invite"] = signup.invitation(app.identity.secret, ends, address)
    out.print(f"{app.config.public_url.rstrip('/')}/?{urlencode(wanted)}")


def _tables(file: Path) -> list[tuple[str, Any]]:
    """The subscribers in a file, with the place of each for messages. Raises UserError."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError:
        raise UserError(f"{file} is not UTF-8.") from None
    found = _from_toml(file, text) if file.suffix == ".toml" else _from_lines(file, text)
    if not found:
        raise UserError(f"{file} names no subscribers.", ["it wants [[subscribers]] tables, or one JSON object a line"])
    return found


def _from_toml(file: Path, text: str) -> list[tuple[str, Any]]:
    try:
        tables = tomllib.loads(text).get("subscribers", [])
    except RecursionError:
        raise UserError(f"{file} is nested too deeply.") from None
    except ValueError as error:  # of a number with thousands of digits, too
        raise UserError(f"{file} is not TOML: {_in_short(error)}") from None
    if not isinstance(tables, list):
        raise UserError(f"{file}: `subscribers` is no list of tables.", ["write [[subscribers]] over each"])
    return [(f"subscriber {number}", table) for number, table in enumerate(tables, 1)]


def _from_lines(file: Path, text: str) -> list[tuple[str, Any]]:
    found = []
    for number, line in enumerate(text.split("\n"), 1):  # splitlines would part at U+2028, which JSON may hold
        if line.strip():
            try:
                found.append((f"line {number}", json.loads(line)))
            except RecursionError:
                raise UserError(f"{file}, line {number} is nested too deeply.") from None
            except ValueError as error:
                raise UserError(f"{file}, line {number} is not JSON: {_in_short(error)}") from None
    return found


def _in_short(error: ValueError) -> str:
    """The reason a parser gives, without the text it read."""
    return str(error).partition(";")[0][:200]


def _refuse_double(app: App, email: str) -> None:
    if any(one.email == email for one in app.config.subscribers):
        raise UserError(f"{email} is in the configuration already.")
