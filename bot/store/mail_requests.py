"""What visitors of the web pages asked for by mail: written down once, answered by the outbox, counted for the limits.

Which numbers are too many is decided in `bot.pipeline.signup`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import Connection, and_, delete, func, insert, select, update

from bot.store.locks import AdvisoryLock
from bot.store.sql import chunks
from bot.store.tables.subscriber_rows import MAIL_REQUESTS

RequestKind = Literal["confirm", "manage", "export", "delete", "address"]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class MailRequest(NamedTuple):
    """One request."""

    id: int
    at: datetime
    subscriber_id: int
    kind: RequestKind
    network: str
    data: str
    done_at: datetime | None


class Counts(NamedTuple):
    """How many mails were asked for lately."""

    address_last: datetime | None  # the last for this subscriber
    address_day: int
    network_hour: int
    unconfirmed_hour: int  # of the whole installation


COLUMNS = [MAIL_REQUESTS.c[name] for name in MailRequest._fields]


def lock_counts(tx: Connection) -> None:
    """Alone until the end of `tx`, so that what is counted is still true when a row is added."""
    AdvisoryLock.SIGN_UP.take(tx)


def counts(tx: Connection, subscriber_id: int | None, network: str, now: datetime) -> Counts:
    """What the limits are about. `subscriber_id` is None for an address nobody has ever given."""
    day, hour = MAIL_REQUESTS.c.at > now - DAY, MAIL_REQUESTS.c.at > now - HOUR
    last, number = tx.execute(
        select(func.max(MAIL_REQUESTS.c.at), func.count()).where(day, MAIL_REQUESTS.c.subscriber_id == subscriber_id)
    ).one()
    of_network = select(func.count()).select_from(MAIL_REQUESTS).where(hour, MAIL_REQUESTS.c.network == network)
    unconfirmed = and_(hour, MAIL_REQUESTS.c.kind == "confirm", MAIL_REQUESTS.c.done_at.is_(None))
    house = select(func.count()).select_from(MAIL_REQUESTS).where(unconfirmed)
    return Counts(last, number, tx.execute(of_network).scalar_one(), tx.execute(house).scalar_one())


def add(tx: Connection, subscriber_id: int, kind: RequestKind, network: str, data: str, now: datetime) -> int:
    """Returns the request's number."""
    row = insert(MAIL_REQUESTS).values(subscriber_id=subscriber_id, kind=kind, network=network, data=data, at=now)
    return int(tx.execute(row.returning(MAIL_REQUESTS.c.id)).scalar_one())


def by_id(tx: Connection, request_id: int) -> MailRequest | None:
    row = tx.execute(select(*COLUMNS).where(MAIL_REQUESTS.c.id == request_id)).first()
    return MailRequest._make(row) if row else None


def of_subscriber(tx: Connection, subscriber_id: int) -> list[MailRequest]:
    rows = select(*COLUMNS).where(MAIL_REQUESTS.c.subscriber_id == subscriber_id).order_by(MAIL_REQUESTS.c.id)
    return [MailRequest._make(row) for row in tx.execute(rows)]


def mark_done(tx: Connection, request_id: int, now: datetime) -> bool:
    """Whether this was the first time."""
    fresh = and_(MAIL_REQUESTS.c.id == request_id, MAIL_REQUESTS.c.done_at.is_(None))
    return tx.execute(update(MAIL_REQUESTS).where(fresh).values(done_at=now)).rowcount == 1


def asked_by_day(tx: Connection, since: datetime) -> list[tuple[datetime, bool]]:
    """When somebody asked to subscribe, and whether they confirmed."""
    rows = select(MAIL_REQUESTS.c.at, MAIL_REQUESTS.c.done_at).where(
        MAIL_REQUESTS.c.kind == "confirm", MAIL_REQUESTS.c.at > since
    )
    return [(at, done is not None) for at, done in tx.execute(rows)]


def delete_of(tx: Connection, subscriber_ids: Iterable[int]) -> None:
    for part in chunks(list(subscriber_ids)):
        tx.execute(delete(MAIL_REQUESTS).where(MAIL_REQUESTS.c.subscriber_id.in_(part)))


def prune(tx: Connection, before: datetime) -> None:
    """What is older than any limit or link says nothing any more."""
    tx.execute(delete(MAIL_REQUESTS).where(MAIL_REQUESTS.c.at < before))
