"""What a report says: delivery status (RFC 3464), complaint (RFC 5965), or a mailer's own prose.
Whether to believe it is decided in `classify`: anyone can write one."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from typing import Literal

from bot.mail.refusal_words import reason

Severity = Literal["hard", "soft", "ours"]
ReportKind = Literal["failed", "delayed", "complaint", "other"]

HARD = frozenset(("5.1.0", "5.1.1", "5.1.2", "5.1.10"))
STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
REFUSAL = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.])")
BASIC = re.compile(
    r"(?:error|code|smtp;?|said|:)[:\s]{0,5}([45]\d\d)(?=[ -])|^\s*([45]\d\d)[ -]", re.IGNORECASE | re.MULTILINE
)
MAILER = re.compile(
    r"mailer-?daemon|postmaster|mail delivery|mail administrator|delivery subsystem|mdaemon|\bndr@", re.IGNORECASE
)
NOTICE = re.compile(
    r"undeliver|returned mail|mail (?:could not be|system error)|failure notice|non.?remis"
    r"|delivery (?:failure|failed|status notification|problem)",
    re.IGNORECASE,
)
FAILURE = re.compile(
    r"undeliver|unable to deliver|fail|returned|could ?n[o']t be delivered|not delivered"
    r"|delivery (?:status|problem|error)",
    re.IGNORECASE,
)
DELAY = re.compile(
    r"delay|will (?:keep|continue) trying|still (?:being )?(?:retried|trying)|warning: could not", re.IGNORECASE
)
GAVE_UP = re.compile(
    r"g(?:iving|iven|ave) up|not going to try again|too long in the queue|no (?:further|more) attempts|permanent"
    r"|retry time(?:out)? (?:not reached|exceeded)|expired",
    re.IGNORECASE,
)
# Where a mailer's words end and the message it returns begins, which may speak of "section 5.1.1".
RETURNED = re.compile(
    r"^[ \t>]*(?:(?:Return-Path|Received|Message-ID|DKIM-Signature):"
    r"|[-=*]{2,}+[^\n]{0,100}?\b(?:original|copy|message|header)).*$",
    re.IGNORECASE | re.MULTILINE,
)
LONGEST_PROSE = 4_000
LONGEST_TEXT = 20_000
LONGEST_WORDS = 300
NESTED = 50  # parts looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report on one message; of several recipients the first that failed."""

    kind: ReportKind
    status: str = ""  # "5.1.1", or a bare "550", or "" when it does not say
    recipient: str = ""
    words: str = ""  # the other side's own explanation, on one line
    why: str = ""  # the part of it that gives the reason
    original: str = ""  # header of the message it is about, unfolded


def severity(status: str, why: str = "") -> Severity:
    """What a status means for its subscriber: `hard` ends the subscriber at once, `soft` counts, `ours` never counts.
    Words that speak of us outweigh any status.

    A bare reply code or none at all, as a mailer's prose has it, is soft: too little to end a subscription by itself.
    """
    about = reason(why)
    if about in ("us", "too big"):
        return "ours"
    if status in HARD and about != "mailbox":
        return "hard"
    if status.startswith(("5.5.", "5.6.", "5.7.", "4.7.")) or status in ("5.1.7", "5.1.8", "5.3.4"):
        return "ours"
    if about == "no such address" and status.startswith("5."):
        return "hard"  # "Status: 5.0.0" and "Diagnostic-Code: smtp; 550 no such user here"
    return "soft"


def read_report(message: Message) -> Report | None:
    """The structured report in a message, or None. Never raises, whatever the message."""
    parts = list(_parts(message))
    original = next((_header_of(part) for part in parts if _is_original(part)), "")
    for part in parts:
        if part.get_content_type() == "message/feedback-report":
            return _complaint(part, original)
    found: Report | None = None
    for part in parts:
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            for report in _statuses(part, original):
                if report.kind == "failed":
                    return report
                found = found or report
    return found


def read_prose(message: Message) -> Report | None:
    """The report in a mailer's own words, or None. For messages to a proven bounce address only: this one guesses."""
    text = _text_of(message)
    sender, subject = str(message.get("From", "")), " ".join(str(message.get("Subject", "")).split())
    is_mailer = str(message.get("Return-Path", "?")).strip() == "<>" or MAILER.search(sender)
    if not (NOTICE.search(subject) or (is_mailer and FAILURE.search(f"{subject}\n{text}"))):
        return _by_flufl(message, text)
    status, basic = REFUSAL.search(text), BASIC.search(text)
    code = status[1] if status else (basic[1] or basic[2]) if basic else ""
    is_delay = (code.startswith("4") or (not code and DELAY.search(f"{subject}\n{text}"))) and not GAVE_UP.search(text)
    return Report(
        kind="delayed" if is_delay else "failed", status=code, words=_one_line(text), why=_around(text, status or basic)
    )


def _by_flufl(message: Message, text: str) -> Report | None:
    """flufl.bounce knows the prose of some forty mailers; used where it is installed."""
    try:
        from flufl.bounce import all_failures

        logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # it reports each parser that stumbles
    except ImportError:
        return None
    try:
        temporary, permanent = all_failures(message)
    except Exception:  # noqa: BLE001 - forty hand-made parsers on hostile input; whatever they trip over is no bounce
        return None
    status = REFUSAL.search(text)
    addresses = sorted(permanent or temporary)
    if not addresses:
        return None
    return Report(
        kind="failed" if permanent else "delayed",
        status=status[1] if status else "",
        recipient=addresses[0].decode("ascii", "replace"),
        words=_one_line(text),
        why=_around(text, status),
    )


def _around(text: str, code: re.Match[str] | None) -> str:
    """The line a code stands in and what follows it, up to an empty line: elsewhere a mailer speaks in general."""
    if code is None:
        return ""
    start = text.rfind("\n", 0, code.start()) + 1
    return text[start : code.end() + LONGEST_WORDS].split("\n\n", maxsplit=1)[0]


def _complaint(part: Message, original: str) -> Report:
    fields = next(_blocks(part), Message())
    kind = str(fields.get("Feedback-Type", "abuse")).strip().lower()
    return Report(
        kind="other" if kind == "not-spam" else "complaint",
        recipient=_address(str(fields.get("Original-Rcpt-To", ""))),
        words=_one_line(f"{kind} {fields.get('User-Agent', '')}"),
        original=f"{fields.get('Original-Mail-From', '')}\n{original}",
    )


def _statuses(part: Message, original: str) -> Iterator[Report]:
    envelope = ""
    for block in _blocks(part):
        envelope = envelope or str(block.get("Original-Envelope-Id", ""))
        action = str(block.get("Action", "")).strip().lower().partition(" ")[0]
        status = STATUS.search(str(block.get("Status", "")))
        if not action and not status:
            continue
        words = _one_line(str(block.get("Diagnostic-Code", "")))
        code = status[1] if status else ""
        if (
            (not code or code.endswith(".0.0"))
            and (better := STATUS.search(words))
            and better[1][0] in (code or better[1])
        ):
            code = better[1]  # "Status: 5.0.0" says less than "550 5.1.1 no such user" behind it
        if action in ("delivered", "relayed", "expanded"):
            kind: ReportKind = "other"
        else:
            kind = "delayed" if action == "delayed" or (action != "failed" and code.startswith("4")) else "failed"
        yield Report(
            kind=kind,
            status=code,
            recipient=_address(str(block.get("Original-Recipient") or block.get("Final-Recipient") or "")),
            words=words,
            why=words,
            original=f"{envelope}\n{original}",
        )


def _parts(message: Message) -> Iterator[Message]:
    """The parts of a message, but not those inside a message it returns."""
    waiting = [message]
    for _ in range(NESTED):
        if not waiting:
            return
        part = waiting.pop(0)
        yield part
        if part.get_content_maintype() == "multipart" and isinstance(children := part.get_payload(), list):
            waiting[:0] = [child for child in children if isinstance(child, Message)]


def _blocks(part: Message) -> Iterator[Message]:
    """The groups of fields in a report part. Where a broken one was not taken apart, it is here."""
    payload = part.get_payload()
    if isinstance(payload, list):
        for block in payload:
            if isinstance(block, Message):
                yield block
                left = block.get_payload()
                if isinstance(left, str) and left.strip():
                    yield from _split(left)
    else:
        yield from _split(_decoded(part))


def _split(text: str) -> Iterator[Message]:
    for group in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()):
        yield Parser().parsestr(group, headersonly=True)


def _is_original(part: Message) -> bool:
    return part.get_content_type() in (
        "message/rfc822",
        "text/rfc822-headers",
        "message/global",
        "message/global-headers",
    )


def _header_of(part: Message) -> str:
    payload = part.get_payload()
    if isinstance(payload, list):
        lines = [
            f"{name}: {value}" for child in payload[:1] if isinstance(child, Message) for name, value in child.items()
        ]
        text = "\n".join(lines)
    else:
        text = re.split(r"\r?\n\r?\n", _decoded(part), maxsplit=1)[0]
    return re.sub(r"\r?\n[ \t]+", " ", text)[:LONGEST_TEXT]


def first_text(message: Message) -> str:
    """The first part that is text, plain or HTML."""
    text_parts = (part for part in _parts(message) if part.get_content_maintype() == "text")
    return next((_decoded(part)[:LONGEST_TEXT].strip() for part in text_parts), "")


def _text_of(message: Message) -> str:
    """What a person would read first, without the message that is returned."""
    text = first_text(message)
    returned = RETURNED.search(text, 1)
    return (text[: returned.start()] if returned else text)[:LONGEST_PROSE] or text[:LONGEST_PROSE]


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(part.get_content_charset("utf-8"), "replace")
    except (LookupError, ValueError):  # unknown; or a codec that refuses, such as "idna", or a name with a NUL in it
        return payload.decode("latin-1")


def _address(text: str) -> str:
    """The address in "rfc822; ada@example.org"."""
    return text.rpartition(";")[2].strip().strip("<>").strip()[:320]


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return "".join(letter if letter.isprintable() else "?" for letter in line)[:LONGEST_WORDS]
