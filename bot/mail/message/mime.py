"""A letter and a head become the bytes of a message. The same letter and head give the same bytes, always.
What the letter says belongs to `core`; how the bytes travel, to the transports."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Protocol
from urllib.parse import quote

from bot.core.letter.letter import Letter
from bot.mail.message import headers
from bot.mail.message.mailbox import Mailbox
from bot.mail.message.quoted_printable import body
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
    references: str = ""  # the Message-ID this one follows up on
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
        headers.structured("Date", *_date(head.date)),
        _mailbox("From", head.sender),
        headers.mailbox_field("To", head.to),
        *([_mailbox("Reply-To", head.reply_to)] if head.reply_to else []),
        _subject(letter.subject),
        headers.structured("Message-ID", head.message_id),
        *([headers.structured("References", head.references)] if head.references else []),
        *(_list_fields(head) if head.list_id else ()),
        *_automatic(bool(head.list_id)),
        headers.structured("Content-Language", letter.language),
        b"MIME-Version: 1.0\r\n",
        headers.structured("Content-Type", "multipart/alternative;", f'boundary="{boundary}"'),
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
        fields.append(headers.structured("List-Unsubscribe", *(f"{uri}," for uri in exits[:-1]), exits[-1]))
    if head.unsubscribe_url:
        fields.append(b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")
    if head.help:
        fields.append(headers.structured("List-Help", _uri(head.help if ":" in head.help else f"mailto:{head.help}")))
    if head.archive_url:
        fields.append(headers.structured("List-Archive", _uri(head.archive_url)))
    if head.feedback_id:
        fields.append(headers.structured("Feedback-ID", head.feedback_id))
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
    return headers.mailbox_field(name, box)


@lru_cache(maxsize=256)
def _subject(text: str) -> bytes:
    return headers.unstructured("Subject", text)


@lru_cache(maxsize=64)
def _list_id(name: str, list_id: str) -> bytes:
    return headers.named("List-Id", name, list_id)
