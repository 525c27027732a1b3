"""A letter and a head become the bytes of a message: header fields, then both parts. The same letter and head give the
same bytes, always. What the letter says belongs to `core`; how the bytes travel, to the transports.

Our own because the standard library's writer, on the Python versions we support, turns `=?UTF-8?Q?=0A?=Bcc: x@y` in a
subject into a real second field, and wraps a long List-Unsubscribe in encoded-words that no client undoes.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Protocol
from urllib.parse import quote

from bot.core.letter.letter import Letter, PersonalText
from bot.mail.message.mailbox import CONTROL, Mailbox
from bot.mail.message.types import Ready

PLAIN_IN_MAILTO = "@!$'*+-./=_~"  # RFC 6068; the rest of an address is percent-encoded
PART = "Content-Type: text/{}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
TEXT, HTML = PART.format("plain").encode(), PART.format("html").encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands above a letter. Without `list_id` it is a note to one person (a farewell, a confirmation) and bears
    no List-* fields, no Feedback-ID and no Precedence."""

    date: datetime  # aware
    sender: Mailbox  # From
    to: Mailbox
    message_id: str  # with its angle brackets
    reply_to: Mailbox | None = None  # only if a person reads it
    list_id: str = ""  # "daily.papers.example.org"
    list_name: str = ""  # "Daily trending papers"
    unsubscribe_url: str = ""  # https, with the token; answers GET with a page and POST with the deed (RFC 8058)
    unsubscribe_email: str = ""  # the address with the token in it
    help: str = ""  # https URL or address
    archive_url: str = ""
    feedback_id: str = ""  # "edition:list:digest:sender", nothing of the person


class Signer(Protocol):
    """Whoever signs: gets the fields as they go out and the body, gives one more field to stand on top."""

    def sign(self, fields: list[bytes], body: bytes, at: datetime, *, is_relaxed: bool = False) -> bytes: ...


def write(letter: Letter, head: Head, signer: Signer | None = None) -> Ready:
    """The message, CRLF line ends, 7-bit but for international addresses. Raises ValueError for a head that cannot be
    written (a token, URL or address of ours gone wrong), never for anything a paper is called."""
    boundary = f"=_{hashlib.sha256(head.message_id.encode()).hexdigest()[:32]}"
    fields = [
        structured("Date", *_date(head.date)),
        _mailbox("From", head.sender),
        mailbox_field("To", head.to),
        *([_mailbox("Reply-To", head.reply_to)] if head.reply_to else []),
        _subject(letter.subject),
        structured("Message-ID", head.message_id),
        *(_list_fields(head) if head.list_id else ()),
        *_automatic(bool(head.list_id)),
        structured("Content-Language", letter.language),
        b"MIME-Version: 1.0\r\n",
        structured("Content-Type", "multipart/alternative;", f'boundary="{boundary}"'),
    ]
    line = b"--" + boundary.encode()
    content = b"".join(
        (
            *(line, b"\r\n", TEXT, body(letter.text), b"\r\n"),
            *(line, b"\r\n", HTML, body(letter.html), b"\r\n"),
            *(line, b"--\r\n"),
        )
    )
    if signer is not None:
        fields.insert(0, signer.sign(fields, content, head.date, is_relaxed=True))
    return Ready(b"".join((*fields, b"\r\n", content)))


def _list_fields(head: Head) -> list[bytes]:
    """RFC 2369, 2919 and 8058. One-click is promised only where there is an https address to click."""
    fields = [_list_id(head.list_name, head.list_id)]
    exits = []
    if head.unsubscribe_url:
        exits.append(_uri(head.unsubscribe_url, secure=True))
    if head.unsubscribe_email:
        _uri(f"mailto:{head.unsubscribe_email}")  # what cannot be an address is refused, not percent-encoded
        exits.append(_uri(f"mailto:{quote(head.unsubscribe_email, safe=PLAIN_IN_MAILTO)}?subject=unsubscribe"))
    if exits:
        fields.append(structured("List-Unsubscribe", *(f"{uri}," for uri in exits[:-1]), exits[-1]))
    if head.unsubscribe_url:
        fields.append(b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")
    if head.help:
        fields.append(structured("List-Help", _uri(head.help if ":" in head.help else f"mailto:{head.help}")))
    if head.archive_url:
        fields.append(structured("List-Archive", _uri(head.archive_url)))
    if head.feedback_id:
        fields.append(structured("Feedback-ID", head.feedback_id))
    return fields


def _automatic(is_list: bool) -> list[bytes]:
    fields = [b"Auto-Submitted: auto-generated\r\n"]
    if is_list:
        fields.append(b"Precedence: bulk\r\n")
    # Never "All": that also asks Exchange to drop non-delivery reports.
    return [*fields, b"X-Auto-Response-Suppress: OOF, AutoReply\r\n"]


def _uri(uri: str, *, secure: bool = False) -> str:
    allowed = ("https://",) if secure else ("https://", "http://", "mailto:")
    if not uri.startswith(allowed) or any(letter in '<>",' or letter.isspace() for letter in uri):
        raise ValueError(f'{uri[:80]!r} cannot stand in a List- field: give {" or ".join(allowed)}… without <>",')
    return f"<{uri}>"


def _date(date: datetime) -> list[str]:
    if date.tzinfo is None:
        raise ValueError("the date of a message needs a time zone")
    return format_datetime(date).split()


@lru_cache(maxsize=64)
def _mailbox(name: str, box: Mailbox) -> bytes:
    return mailbox_field(name, box)


@lru_cache(maxsize=256)
def _subject(text: str) -> bytes:
    return unstructured("Subject", text)


@lru_cache(maxsize=64)
def _list_id(name: str, list_id: str) -> bytes:
    return named("List-Id", name, list_id)


# -- one header field, so that nothing said in it can become another one; lines end in CRLF ---------------------------

FIELD_LINE = 76  # RFC 2047: no line with an encoded-word is longer
ENCODED_WORD = 75  # RFC 2047: nor any encoded-word
FRAME = len("=?utf-8?B??=")
ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+")
VISIBLE = re.compile(r"[!-~]+")
NOT_IN_ADDRESS = re.compile(r'[\s<>()\[\]:;@\\,"]')
LONGEST_SUBJECT = 400
LONGEST_TOKEN = 900  # far below the 998 octets of RFC 5322


def as_one_line(text: str) -> str:
    """Foreign text as one line: control characters, bidi overrides and runs of white space are each one space."""
    return " ".join(CONTROL.sub(" ", text).split())


def unstructured(name: str, text: str) -> bytes:
    """A field of free text (Subject): as it is when plain ASCII, else in encoded-words. Any text will do."""
    line = text if text.isascii() and text.isprintable() and "  " not in text else as_one_line(text)
    if len(line) > LONGEST_SUBJECT:
        line = line[: LONGEST_SUBJECT - 1].rstrip() + "…"
    words = line.split()
    if not line.isascii() or "=?" in line or any(len(word) > FIELD_LINE - len(name) - 2 for word in words):
        words = encoded_words(line, used=len(name) + 2)
    return fold_field(name, words)


def structured(name: str, *tokens: str) -> bytes:
    """A field whose value is made of tokens; folded between them, never within. Raises ValueError unless each token
    is visible ASCII: these values are ours, so a strange one is a fault and not a matter of taste."""
    for token in tokens:
        if not VISIBLE.fullmatch(token) or len(token) > LONGEST_TOKEN:
            raise ValueError(f"{name} cannot hold {token[:80]!r}")
    return fold_field(name, tokens)


def named(name: str, phrase: str, bracketed: str) -> bytes:
    """A field of the form `Phrase <thing>`: List-Id."""
    if not re.fullmatch(r"[!-;=?-~]+", bracketed) or len(bracketed) > LONGEST_TOKEN:
        raise ValueError(f"{name} cannot hold {bracketed[:80]!r}")
    return fold_field(name, [*_phrase(phrase, len(name) + 2), f"<{bracketed}>"])


def mailbox_field(name: str, box: Mailbox) -> bytes:
    """A field with one mailbox: From, To, Reply-To. An address with letters beyond ASCII stays as it is (RFC 6532);
    only a relay with SMTPUTF8 takes such a message."""
    local, at, domain = box.email.rpartition("@")
    if (
        not (local and at and VISIBLE.fullmatch(domain))
        or CONTROL.search(local)
        or NOT_IN_ADDRESS.search(local + domain)
    ):
        raise ValueError(f"{name} cannot hold the address {box.email[:80]!r}")
    if not box.name:
        return fold_field(name, [box.email])
    return fold_field(name, [*_phrase(box.name, len(name) + 2), f"<{box.email}>"])


def encoded_words(text: str, used: int = 0) -> list[str]:
    """RFC 2047 B-words of at most 75 characters; the first shares its line with `used` others. No letter is cut."""
    raw = text.encode("utf-8", "replace")
    words: list[str] = []
    start = 0
    while start < len(raw):
        room = min(ENCODED_WORD, FIELD_LINE - 1 if words else FIELD_LINE - used) - FRAME
        end = start + max(room, 8) // 4 * 3
        while end < len(raw) and raw[end] & 0xC0 == 0x80:
            end -= 1
        words.append(f"=?utf-8?B?{base64.b64encode(raw[start:end]).decode()}?=")
        start = end
    return words


def fold_field(name: str, tokens: list[str] | tuple[str, ...]) -> bytes:
    """A field of the given tokens, a new line begun before one that would not fit."""
    lines = [f"{name}:"]
    for token in tokens:
        if len(lines[-1]) + 1 + len(token) > FIELD_LINE and (len(lines) > 1 or lines[0] != f"{name}:"):
            lines.append("")
        lines[-1] += f" {token}"
    return ("\r\n".join(lines) + "\r\n").encode("utf-8", "replace")


def _phrase(text: str, used: int) -> list[str]:
    line = as_one_line(text)
    words = line.split()
    if not line.isascii() or "=?" in line or len(line) > FIELD_LINE - used:
        return encoded_words(line, used)
    if all(ATOM.fullmatch(word) for word in words):
        return words
    escaped = line.replace("\\", "\\\\").replace('"', '\\"')
    return [f'"{escaped}"']


# -- quoted-printable, in the one spelling mail servers leave alone -------------------------------------------------

# The output holds no two blanks in a row, no tab, no blank at the end of a line, so it is its own DKIM "relaxed" form
# (RFC 6376 3.4.4); no line that begins with a dot or with "From ", which relays and mailboxes would change.
TEXT_LINE = 72  # an escaped first letter and the "=" of a soft break still fit into the 76 of RFC 2045
PLAIN = bytes([ord("\n"), *range(ord(" "), ord("~") + 1)])
ESCAPED = [(bytes([byte]), b"=%02X" % byte) for byte in range(256)]
# Of a line: what is left where that fits, else as much as fits, never within an escape.
PIECE = re.compile(rb"(?=.{%d}).{%d}(?:[^=][^=]|[^=]|)|.+" % (TEXT_LINE + 1, TEXT_LINE - 2))
FIRST = ((b".", b"=2E"), (b"From ", b"=46rom "))  # of a line


def body(chunks: Sequence[str]) -> bytes:
    """A part of a letter, each chunk encoded as by `quoted`: what many letters share is remembered, `PersonalText` is
    encoded in one go, because no line depends on another."""
    own = [chunk for chunk in chunks if type(chunk) is PersonalText]
    joined = "\0\n".join(own)
    are_lines = joined.endswith("\n") and joined.count("\n\0\n") == joined.count("\0") == len(own) - 1
    encoded = iter(_encoded(joined).split(b"=00\r\n") if are_lines else map(_encoded, own))
    return b"".join([next(encoded) if type(chunk) is PersonalText else quoted(chunk) for chunk in chunks])


@lru_cache(maxsize=16_384)
def quoted(chunk: str) -> bytes:
    """A piece of text that ends in a line feed, encoded, with CRLF line ends. One that ends in anything else ends in a
    soft break, so that the next piece goes on in the same line."""
    return _encoded(chunk)


def _encoded(chunk: str) -> bytes:
    text = chunk.encode("utf-8", "replace")
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    safe = text.replace(b"=", b"=3D")
    for odd in set(text.translate(None, PLAIN)):  # a byte, wherever it stands: quicker than looking at each place
        safe = safe.replace(ESCAPED[odd][0], ESCAPED[odd][1])
    if b"  " in safe:
        safe = safe.replace(b"  ", b" =20").replace(b"=20 ", b"=20=20")
    safe = safe.replace(b" \n", b"=20\n")
    if safe.endswith(b" "):
        safe = safe[:-1] + b"=20"
    safe = b"\n".join([line if len(line) <= TEXT_LINE else _broken(line) for line in safe.split(b"\n")])
    if safe and not safe.endswith(b"\n"):
        safe += b"=\n"
    for first, escaped in FIRST:
        safe = safe.replace(b"\n" + first, b"\n" + escaped)
        if safe.startswith(first):
            safe = escaped + safe.removeprefix(first)
    return safe.replace(b"\n", b"\r\n")


def _broken(line: bytes) -> bytes:
    return b"=\n".join(PIECE.findall(line))
