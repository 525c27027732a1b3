"""Mail a visitor of the web pages asked for: a question, a link. It is a row of the outbox like an edition, so that it
survives a crash and the relay's moods, and goes ahead of all editions.

The links are sealed when the message is made, from what the row says: a second try makes the same message.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from bot.mail import tokens
from bot.store import Connection, editions
from bot.store.editions import Draft
from bot.store.mail_requests import Kind
from bot.store.outbox import SERVICE, Leased

# Where the link of each kind leads.
PATHS: dict[Kind, str] = {
    "confirm": "confirm",
    "manage": "manage",
    "export": "manage",
    "delete": "manage",
    "address": "manage",
}


class ServiceMail(NamedTuple):
    """What a row of the outbox says of such a mail."""

    kind: Kind
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
    """The inverse."""
    return ServiceMail(*json.loads(leased.picks))


def token(leased: Leased, epoch: int, secret: str) -> str:
    """What proves that somebody has such a mail."""
    mail = read_request(leased)
    return tokens.seal_renewable(secret, mail.kind, leased.subscriber_id, mail.request_id, epoch=epoch, now=leased.made)


def values(mail: ServiceMail, token: str, public_url: str, *, by_reply: bool) -> dict[str, Any]:
    """What the notice says: the site, the link, and to a question whether an answer to it is read."""
    site, link = urlsplit(public_url).netloc, f"{public_url.rstrip('/')}/{PATHS[mail.kind]}/{token}"
    return {"site": site, "link": link} | ({"by_reply": by_reply} if mail.kind == "confirm" else {})
