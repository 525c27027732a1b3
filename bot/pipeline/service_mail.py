"""Mail that is no edition: what a visitor of the web pages asked for (a question, a link), and short notices.

What was asked for is a row of the outbox like an edition, so that it survives a crash and a relay's refusal, and goes
ahead of all editions. Its links are sealed when the message is made, from what the row says: a second try makes the
same message.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from bot.core.letter.letter import NoticeName
from bot.mail import tokens
from bot.mail.message.mailbox import Mailbox, mailbox
from bot.mail.message.mime import Head, write
from bot.mail.message.types import Message
from bot.pipeline.build_message import MessageBuilder, envelope_sender
from bot.pipeline.sender_identity import Identity
from bot.store import Connection, editions
from bot.store.editions import Draft
from bot.store.mail_requests import RequestKind
from bot.store.outbox import SERVICE, Leased

# Where the link of each kind leads.
PATHS: dict[RequestKind, str] = {
    "confirm": "confirm",
    "manage": "manage",
    "export": "manage",
    "delete": "manage",
    "address": "manage",
}


class ServiceMail(NamedTuple):
    """What a row of the outbox says of such a mail."""

    kind: RequestKind
    request_id: int
    to: str = ""  # another address than the subscriber's
    language: str = ""  # of its words; "": the configuration's


def queue(
    tx: Connection,
    subscriber_id: int,
    mail: ServiceMail,
    now: datetime,
    message_id: Callable[[str, str, int], str],
) -> None:
    """Write it down, due at once."""
    slot = f"{mail.kind} {mail.request_id}"
    compose_id = editions.begin_compose(tx, now, 0, "[]")
    draft = Draft(
        subscriber_id=subscriber_id,
        kind=SERVICE,
        slot=slot,
        due=now,
        day=now.date(),
        since=None,
        picks=json.dumps(mail),
        matched=0,
        message_id=message_id(SERVICE, slot, subscriber_id),
    )
    editions.add(tx, compose_id, 0, [draft])


def read_request(leased: Leased) -> ServiceMail:
    """What such a row says."""
    return ServiceMail(*json.loads(leased.picks))


def proof(leased: Leased, secret: str) -> str:
    """The token that proves that somebody has such a mail."""
    mail = read_request(leased)
    return tokens.seal_renewable(
        secret, mail.kind, leased.subscriber_id, mail.request_id, epoch=leased.epoch, now=leased.made
    )


def message(leased: Leased, builder: MessageBuilder) -> Message:
    """Such a row as a message. Raises BrokenTemplate."""
    mine, mail = builder.identity, read_request(leased)
    token = proof(leased, mine.secret)
    link = f"{mine.public_url.rstrip('/')}/{PATHS[mail.kind]}/{token}"
    values: dict[str, Any] = {"site": urlsplit(mine.public_url).netloc, "link": link}
    answer_to = None
    if mail.kind == "confirm":
        answer_to = _answer_address(mine, token)
        values["by_reply"] = answer_to is not None
    recipient = mail.to or leased.email
    head = Head(
        date=leased.made,
        sender=mine.sender,
        to=Mailbox("", recipient),
        message_id=leased.message_id,
        reply_to=answer_to or mine.reply_to,
    )
    letter = builder.renderer.notice(mail.kind, mail.language or mine.language, values)
    return Message(
        sender=envelope_sender(leased, mine),
        recipient=recipient,
        message_id=leased.message_id,
        data=write(letter, head, builder.signer),
    )


def notice_to(
    builder: MessageBuilder,
    address: str,
    name: NoticeName,
    values: Mapping[str, Any],
    now: datetime,
    language: str = "",
) -> Message:
    """A short letter that no row asks for, to one person; in the configuration's language where none is named. Raises
    BrokenTemplate."""
    mine = builder.identity
    letter = builder.renderer.notice(name, language or mine.language, values)
    message_id = tokens.message_id(mine.secret, "notice", f"{now.isoformat()} {address}", 0, mine.domain)
    head = Head(date=now, sender=mine.sender, to=mailbox(address), message_id=message_id, reply_to=mine.reply_to)
    return Message(
        sender=mine.sender.email, recipient=address, message_id=message_id, data=write(letter, head, builder.signer)
    )


def _answer_address(mine: Identity, token: str) -> Mailbox | None:
    """Where a yes by mail goes: to the inbox we read, with the question's token. None where there is none, or its
    address has no room for a token."""
    if not mine.reads_answers:
        return None
    try:
        return Mailbox("", tokens.token_address(mine.answer_template, token))
    except ValueError:
        return None
