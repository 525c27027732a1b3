"""Mail a visitor of the web pages asked for: a question, a link. It is a row of the outbox like an edition, so that it
survives a crash and the relay's moods, and goes ahead of all editions.

The links are sealed when the message is made, from what the row says: a second try makes the same message.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from bot.core.letter import notices
from bot.core.letter.letter import Letter
from bot.mail import tokens
from bot.store import Connection, editions
from bot.store.editions import Draft
from bot.store.mail_requests import Kind
from bot.store.outbox import SERVICE, Leased

# What each kind is written as, and where its link leads.
LETTERS: dict[Kind, tuple[Callable[[str, str], Letter], str]] = {
    "confirm": (notices.confirm_letter, "confirm"),
    "manage": (notices.manage_letter, "manage"),
    "export": (notices.export_letter, "manage"),
    "delete": (notices.delete_letter, "manage"),
    "address": (notices.address_letter, "manage"),
}


class ServiceMail(NamedTuple):
    """What a row of the outbox says of such a mail."""

    kind: Kind
    request_id: int
    to: str = ""  # another address than the subscriber's


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
    """The inverse."""
    return ServiceMail(*json.loads(leased.picks))


def token(leased: Leased, epoch: int, secret: str) -> str:
    """What proves that somebody has such a mail."""
    mail = read_request(leased)
    return tokens.seal_renewable(secret, mail.kind, leased.subscriber_id, mail.request_id, epoch=epoch, now=leased.made)


def letter(leased: Leased, token: str, public_url: str, *, by_reply: bool) -> Letter:
    """The letter of such a row. `by_reply`: an answer to it is read."""
    mail = read_request(leased)
    write, path = LETTERS[mail.kind]
    site, link = urlsplit(public_url).netloc, f"{public_url.rstrip('/')}/{path}/{token}"
    return notices.confirm_letter(site, link, by_reply=True) if by_reply else write(site, link)
