"""One message that came to us, and what it means: a bounce, a complaint, a goodbye, or nothing to act on.

Anyone can write to us, so whatever has consequences needs a token of ours. Acting on it belongs to `bot.pipeline`.
"""

import email
import email.policy
import re
from dataclasses import dataclass
from email.message import Message
from typing import Literal

from bot.mail import tokens
from bot.mail.incoming import bounces
from bot.mail.incoming.bounces import Severity
from bot.mail.tokens import Token

Kind = Literal["bounce", "complaint", "unsubscribe", "auto-reply", "other"]

MAX_MESSAGE = 1 << 20  # bytes that are looked at: reports are short, what they return may not be
DELIVERED_TO = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "To", "Cc")
REPLIES = re.compile(
    r"\s*(?:(?:re|aw|sv)\s*:\s*)*(?:auto(?:matic)?\W?(?:reply|response)|out of (?:the )?office|vacation|abwesen)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What a message means. `token` is there for everything to act on, and proves it."""

    kind: Kind
    token: Token | None = None
    severity: Severity | None = None  # of a bounce
    status: str = ""  # of a bounce: "5.1.1", "550" or ""
    recipient: str = ""  # of a bounce or complaint, as the report has it; the token decides who it is
    words: str = ""  # why, on one line


def read(raw: bytes, secret: str) -> Incoming:
    """Say what a message means. Any bytes will do; what is neither proven nor understood is "other"."""
    try:
        message = email.message_from_bytes(raw[:MAX_MESSAGE], policy=email.policy.compat32)
        return _meaning(message, secret)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError) as error:
        return Incoming(kind="other", words=f"a message that cannot be read ({type(error).__name__})")


def _meaning(message: Message, secret: str) -> Incoming:
    addressed = [
        token
        for name in DELIVERED_TO
        for field in message.get_all(name, [])
        for token in tokens.found_in(secret, str(field))
    ]
    bounce = next((token for token in addressed if token.purpose == "bounce"), None)
    goodbye = next((token for token in addressed if token.purpose != "bounce"), None)
    report = bounces.read_report(message)
    if report is not None and report.kind != "other":
        # A relay that rewrites our envelope reports to another address; then the returned header proves whose it is.
        returned = tokens.found_in(secret, report.original)
        token = bounce or next((token for token in returned if token.purpose == "bounce"), None) or goodbye
        return _of_report(report, token or next(iter(returned), None))
    if goodbye is not None and report is None:
        return Incoming(kind="unsubscribe", token=goodbye, words=f"wrote to the {goodbye.purpose} address")
    if report is None and _is_reply(message):
        return Incoming(kind="auto-reply", token=bounce, words="an automatic reply")
    if report is None and bounce is not None and (prose := bounces.read_prose(message)) is not None:
        return _of_report(prose, bounce)
    if report is None and _is_automatic(message):
        return Incoming(kind="auto-reply", token=bounce, words="an automatic message")
    if report is not None:
        return Incoming(kind="other", token=bounce, words="a report of something that went well")
    return Incoming(kind="other", token=bounce, words="a message for a person")


def _of_report(report: bounces.Report, token: Token | None) -> Incoming:
    what: Kind = "complaint" if report.kind == "complaint" else "bounce"
    if token is None:
        return Incoming(
            kind="other", recipient=report.recipient, words=f"a {what} without proof that it is about our mail"
        )
    if what == "complaint":
        return Incoming(kind=what, token=token, recipient=report.recipient, words=report.words)
    return Incoming(
        kind=what,
        token=token,
        severity="soft" if report.kind == "delayed" else bounces.severity(report.status),
        status=report.status,
        recipient=report.recipient,
        words=report.words,
    )


def _is_reply(message: Message) -> bool:
    """Whether it says itself that it is somebody's automatic reply."""
    submitted = str(message.get("Auto-Submitted", "")).partition(";")[0].strip().lower()
    if submitted == "auto-replied" or any(name in message for name in ("X-Autoreply", "X-Autorespond")):
        return not bounces.MAILER.search(str(message.get("From", "")))
    precedence = str(message.get("Precedence", "")).strip().lower()
    return precedence in ("auto_reply", "auto-reply") or bool(REPLIES.match(str(message.get("Subject", ""))))


def _is_automatic(message: Message) -> bool:
    submitted = str(message.get("Auto-Submitted", "no")).partition(";")[0].strip().lower()
    return submitted not in ("", "no") or str(message.get("Return-Path", "?")).strip() == "<>"
