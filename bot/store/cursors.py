"""Whose turn it is, and how far each subscriber has been told. Who the subscribers are belongs to `subscribers`."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, union_all, update

from bot.store.sql import chunks
from bot.store.subscribers import StoredSubscriber, select_subscribers
from bot.store.tables import ACTIVE, ALERTS, SUBSCRIBERS

Shard = tuple[int, int]  # (k, n): every n-th subscriber, beginning with the k-th
FURTHEST = timedelta(days=32)
_ID = SUBSCRIBERS.c.id


def set_right(tx: Connection, now: datetime) -> None:
    """No schedule reaches further than a month: what is due later was reckoned by a clock that ran ahead, and is due
    now."""
    ahead = and_(ACTIVE, SUBSCRIBERS.c.next_due > now + FURTHEST)
    tx.execute(update(SUBSCRIBERS).where(ahead).values(next_due=now))


def digest_due(
    tx: Connection,
    now: datetime,
    *,
    after: int,
    limit: int,
    shard: Shard = (0, 1),
    force: bool = False,
    few: bool = False,
) -> list[StoredSubscriber]:
    """Active subscribers whose digest is due, by id. With `force`: all active ones. `few` of all: see `_page`."""
    return _page(tx, _digest_due(now, force), after, limit, shard, _ID + 0 if few and not force else _ID)


def count_digest_due(tx: Connection, now: datetime, *, force: bool = False) -> int:
    """How many `digest_due` would give."""
    return _count(tx, _digest_due(now, force))


def _digest_due(now: datetime, force: bool) -> ColumnElement[bool]:
    return and_(ACTIVE) if force else and_(ACTIVE, SUBSCRIBERS.c.next_due <= now)


def alert_due(
    tx: Connection,
    revision: int,
    now: datetime,
    *,
    after: int,
    limit: int,
    shard: Shard = (0, 1),
    few: bool = False,
) -> list[StoredSubscriber]:
    """Active subscribers with alerts who have not been alerted up to this revision and are not waiting for a burst.
    `few` of all: see `_page`."""
    return _page(tx, _alert_due(revision, now, few), after, limit, shard, _ID)


def count_alert_due(tx: Connection, revision: int, now: datetime) -> int:
    """How many `alert_due` would give."""
    return _count(tx, _alert_due(revision, now, True))


def _alert_due(revision: int, now: datetime, few: bool) -> ColumnElement[bool]:
    mark = SUBSCRIBERS.c.alert_cursor
    new, behind = and_(ALERTS, mark.is_(None)), and_(ALERTS, mark < revision)
    if few:
        wanted: ColumnElement[bool] = _ID.in_(union_all(select(_ID).where(new), select(_ID).where(behind)))
    else:
        wanted = or_(new, behind)
    after = SUBSCRIBERS.c.alert_after
    ready = or_(after.is_(None), after <= now, after > now + FURTHEST)  # a clock that ran ahead said that
    return and_(ACTIVE, wanted, ready)


def _page(
    tx: Connection,
    where: ColumnElement[bool],
    after: int,
    limit: int,
    shard: Shard,
    number: ColumnElement[int],
) -> list[StoredSubscriber]:
    """Subscribers in the order of their ids.

    SQLite, which keeps no statistics, walks through all of them in that order, which is right when most are wanted. For
    a few it is led to the index of who is due: by an id written as a sum, which no order is known of, or by a list.
    """
    where = and_(where, number > after)
    if shard[1] > 1:
        where = and_(where, number % shard[1] == shard[0])
    return select_subscribers(tx, where, [number], limit)


def _count(tx: Connection, where: ColumnElement[bool]) -> int:
    return tx.execute(select(func.count()).select_from(SUBSCRIBERS).where(where)).scalar_one()


def next_due(tx: Connection) -> datetime | None:
    """When the next digest of anyone is due."""
    where = and_(ACTIVE, SUBSCRIBERS.c.next_due.is_not(None))
    return tx.execute(select(func.min(SUBSCRIBERS.c.next_due)).where(where)).scalar()


class DigestProgress(NamedTuple):
    """What a digest moves: columns of a subscriber."""

    digest_cursor: int
    told_at: datetime
    next_due: datetime | None
    overflow: int
    trending_ids: str  # papers told of late as trending or near a profile: "12,15"


class AlertProgress(NamedTuple):
    """What an alert, or looking for one in vain, moves: columns of a subscriber."""

    alert_cursor: int | None
    alert_after: datetime | None
    alert_day: date | None
    alerts_sent: int
    overflow: int


class NextDue(NamedTuple):
    """What a slot without a digest moves."""

    next_due: datetime | None


class Cursor(NamedTuple):
    """How far one subscriber has been told: the revision a decision was based on, and what becomes of their row."""

    subscriber_id: int
    expected: int | None  # the revision told up to when the decision was made
    values: DigestProgress | AlertProgress | NextDue


CursorColumn = Literal["digest_cursor", "alert_cursor"]


def lock(tx: Connection, column: CursorColumn, ids: Sequence[int]) -> dict[int, int | None]:
    """How far subscribers have been told: id -> revision. Locks the rows until the end of `tx`, so that of two
    processes that composed the same edition one finds its cursor moved."""
    found: dict[int, int | None] = {}
    for part in chunks(ids):
        rows = tx.execute(select(_ID, SUBSCRIBERS.c[column]).where(_ID.in_(part)).order_by(_ID).with_for_update())
        found.update({subscriber: revision for subscriber, revision in rows.all()})
    return found


def advance(tx: Connection, cursors: Iterable[Cursor]) -> None:
    """Write the values of cursors, in the transaction that writes their editions. Subscribers with the same values
    are moved together, for most have the same."""
    alike: dict[tuple[type, DigestProgress | AlertProgress | NextDue], list[int]] = defaultdict(list)
    for cursor in cursors:
        alike[type(cursor.values), cursor.values].append(cursor.subscriber_id)
    for (_, values), ids in alike.items():
        for part in chunks(ids):
            tx.execute(update(SUBSCRIBERS).where(_ID.in_(part)).values(values._asdict()))
