"""The verb doctor: everything around the program that can go wrong, each finding with its fix."""

import os
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlsplit

import typer

from bot.cli.console import out, print_json
from bot.cli.options import Json
from bot.cli.wiring import App, app_of
from bot.config import Config
from bot.core.source.redact import redacted
from bot.core.subscriber.address import normal_address
from bot.errors import DeliveryError, UserError
from bot.mail import tokens
from bot.mail.checks.dns import Domains, check_domains, dns_lookup
from bot.mail.checks.findings import Finding, advice, fine, problem
from bot.mail.checks.relay import check_relay
from bot.mail.incoming import mailboxes
from bot.mail.message.mailbox import mailbox
from bot.pipeline import service_mail
from bot.pipeline.diagnostics import check_up
from bot.store import summaries

MARKS = {"fine": "ok     ", "advice": "advice ", "problem": "PROBLEM"}

FindingsByPart = dict[str, list[Finding]]


def register(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor(
    context: typer.Context,
    send: Annotated[str, typer.Option("--send", metavar="ADDRESS", help="Also send a test message there.")] = "",
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the DNS.")] = False,
    as_json: Json = False,
) -> None:
    """Look at the database, the disk, the clock, the relays, the inbox and the DNS; each finding comes with its fix."""
    app = app_of(context)
    found = examine(app, datetime.now(UTC), send=send, offline=offline)
    problems = sum(finding.level == "problem" for findings in found.values() for finding in findings)
    if as_json:
        print_json(
            {
                "problems": problems,
                "findings": [
                    {"about": about, "level": one.level, "what": one.what, "fix": one.fix or None}
                    for about, findings in found.items()
                    for one in findings
                ],
            }
        )
    else:
        for about, findings in found.items():
            out.print(about.capitalize())
            for one in findings:
                fix = f"\n           {one.fix}" if one.fix else ""
                out.print(f"  {MARKS[one.level]}  {one.what}{fix}")
        out.print(f"\n{problems or 'No'} problem{'' if problems == 1 else 's'}.")
    if problems:
        raise typer.Exit(1)


def examine(app: App, now: datetime, *, send: str = "", offline: bool = False) -> FindingsByPart:
    """All findings, by what they are about."""
    mail = app.config.mail
    signer = app.signer
    envelope = app.identity.sender.email
    if mail.bounces:
        envelope = tokens.token_address(mail.bounces, tokens.seal(app.identity.secret, "bounce", 0))
    found: FindingsByPart = {
        "configuration": _configuration(app),
        "database": check_up(app.database, now),
        "mail": check_relay(mail.url, [envelope], now),
    }
    for number, url in enumerate(mail.fallback, 1):
        found[f"fallback {number}"] = check_relay(url, [envelope], now)
    if app.config.summaries:
        found["summaries"] = _summaries(app, now)
    if mail.inbox:
        found["inbox"] = [_inbox(mail.inbox)]
    if mail.url.startswith("smtp") and not offline:
        found["dns"] = check_domains(
            Domains(
                sender=app.identity.domain,
                envelope=envelope.rpartition("@")[2],
                dkim_name=signer.record_name if signer else "",
                dkim_record=signer.record if signer else "",
            ),
            dns_lookup,
        )
    if send:
        found["test message"] = [_send(app, send, now)]
    return found


def _configuration(app: App) -> list[Finding]:
    """What the configuration itself warns of, and who may read it."""
    found = [advice(warning, "see `paperlark check`") for warning in app.config.warnings]
    file = app.options.config_path
    if os.name == "posix" and file.stat().st_mode & stat.S_IROTH:
        text = file.read_text("utf-8")
        if any(secret in text for secret in _secrets(app.config)):
            found.append(
                advice(
                    f"everybody on this machine can read the password in {file}",
                    f"chmod o-r {file}, so that its owner and group alone can; the service's user must be one of them",
                )
            )
    if not app.config.operator:
        found.append(advice("nobody is told when a source stays broken", 'set operator = "you@example.org"'))
    return found or [fine(f"{file.absolute()} raises no doubts")]


def _secrets(config: Config) -> Iterator[str]:
    """What a configuration holds that nobody else should read."""
    for url in (config.mail.url, *config.mail.fallback, config.mail.inbox):
        if password := urlsplit(url).password:
            yield password
    key = config.summaries.key if config.summaries else ""
    for secret in (config.secret, config.web.metrics_token, key):
        if secret:
            yield secret
    for subscriber in config.subscribers:
        yield from subscriber.channels.values()
    for source in config.sources:
        url = getattr(source.settings, "url", "")
        if redacted(url) != url:
            yield url


def _summaries(app: App, now: datetime) -> list[Finding]:
    """How the model is doing. It is not asked for this: a call costs."""
    model = app.config.summaries
    assert model is not None
    with app.database.read() as tx:
        left_alone, why = summaries.left_alone_until(tx, now)
        spent = summaries.spend(tx, now.date())
    if left_alone:
        until = f"{left_alone:%H:%M} UTC"
        return [advice(f"{model.model} is not asked until {until}: {why}", "letters go without its sentences")]
    if spent.calls >= model.daily_calls:
        return [advice(f"all {model.daily_calls:,} calls of today are used", "raise summaries.daily_calls, or wait")]
    if spent.thrown_away > spent.written:
        return [
            advice(
                f"{spent.thrown_away} of {spent.thrown_away + spent.written} sentences of today were thrown away",
                "another model may keep closer to its text (docs/summaries.md)",
            )
        ]
    used = f"{spent.calls:,} of {model.daily_calls:,} calls and {spent.tokens:,} of {model.daily_tokens:,} tokens"
    return [fine(f"{model.model}: {used} of today are used")]


def _inbox(place: str) -> Finding:
    """Whether what comes back can be read. Nothing is marked or acted on."""
    name = mailboxes.imap_of(place).name if place.startswith("imap") else place
    try:
        with closing(mailboxes.from_place(place)) as unread:
            waits = "there is unread mail" if next(unread, None) else "nothing unread"
    except DeliveryError as error:
        return problem(f"bounces and unsubscribes cannot be read: {error}", "put mail.inbox right, or leave it out")
    return fine(f"{name} can be read: {waits}")


def _send(app: App, recipient: str, now: datetime) -> Finding:
    try:
        recipient = mailbox(normal_address(recipient)).email
    except ValueError as error:
        raise UserError(f"--send: {error}") from error
    session = app.transport.session()
    try:
        words = session.send(service_mail.notice_to(app.builder, recipient, "trial", {}, now))
    except DeliveryError as error:
        return problem(f"the test message was not accepted: {error}", "the relay's words say why")
    finally:
        session.close()
    return fine(f"a test message to {recipient} was accepted: {words}")
