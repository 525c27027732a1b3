"""Whose turn it is, and how far each subscriber has been told. Who the subscribers are belongs to `subscribers`."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, union_all, update

from bot.core.edition.edition import EditionKind
from bot.store.sql import among, chunks, update_rows
from bot.store.subscribers import StoredSubscriber, select_subscribers
from bot.store.tables.subscriber_rows import ACTIVE, ALERTS, SUBSCRIBERS

WHOLE_CHUNK = 1_000_000  # no limit in practice
WIDE = 100_000  # ids
TOGETHER_FROM = 30  # subscribers with the same values, for whom a statement of their own pays
FURTHEST = timedelta(days=32)
_ID = SUBSCRIBERS.c.id


class Chunk(NamedTuple):
    """A range of subscribers' ids: those above `after`, up to and with `upto`."""

    after: int
    upto: int

    @property
    def is_wide(self) -> bool:
        """Whether few of the subscribers in it can be due. SQLite, which keeps no statistics, walks through a range of
        ids one by one, which is right when most are wanted; for a few among very many the due ones are looked up first.
        """
        return self.upto - self.after > WIDE


def set_right(tx: Connection, now: datetime) -> None:
    """No schedule reaches further than a month: what is due later was reckoned by a clock that ran ahead, and is due
    now."""
    ahead = and_(ACTIVE, SUBSCRIBERS.c.next_due > now + FURTHEST)
    tx.execute(update(SUBSCRIBERS).where(ahead).values(next_due=now))


def due_ranges(tx: Connection, revision: int, now: datetime, size: int, *, force: bool = False) -> list[Chunk]:
    """All active subscribers with a digest or an alert due, cut into ranges of ids with about `size` of them each. With
    `force`: all active ones."""
    # One index serves each part: together in one condition they would be looked for among all subscribers, and so they
    # would by SQLite if it could read them in the order of the ids (hence `+ 0`). Nobody is in two parts, so that a
    # million ids need not be compared to find who is.
    parts = [select(_ID).where(_digest_due(now, force=force))]
    if not force:
        no_digest = or_(SUBSCRIBERS.c.next_due.is_(None), SUBSCRIBERS.c.next_due > now)
        parts += [select(_ID).where(ACTIVE, part, _is_ready(now), no_digest) for part in _alerts_behind(revision)]
    ids = union_all(*parts).subquery().c.id
    numbered = select(ids, func.row_number().over(order_by=ids + 0).label("number")).subquery()
    ends = tx.execute(select(numbered.c.id).where(numbered.c.number % size == 0)).scalars()
    bounds = sorted(ends)
    last = tx.execute(select(func.max(ids))).scalar()
    if last is not None and (not bounds or bounds[-1] < last):
        bounds.append(last)
    return [Chunk(after, upto) for after, upto in zip([0, *bounds], bounds, strict=False)]


def digest_due(tx: Connection, now: datetime, chunk: Chunk, *, force: bool = False) -> list[StoredSubscriber]:
    """Active subscribers of a range whose digest is due, by id. With `force`: all active ones of it."""
    due = _digest_due(now, force=force)
    if chunk.is_wide and not force:
        due = _ID.in_(select(_ID).where(due))
    return _of_chunk(tx, due, chunk)


def alert_due(tx: Connection, revision: int, now: datetime, chunk: Chunk) -> list[StoredSubscriber]:
    """Active subscribers of a range with alerts who have not been alerted up to this revision and are not waiting for
    a burst, by id."""
    new, behind = _alerts_behind(revision)
    if chunk.is_wide:
        wanted: ColumnElement[bool] = _ID.in_(union_all(select(_ID).where(new), select(_ID).where(behind)))
    else:
        wanted = or_(new, behind)
    return _of_chunk(tx, and_(ACTIVE, wanted, _is_ready(now)), chunk)


def _digest_due(now: datetime, *, force: bool) -> ColumnElement[bool]:
    return and_(ACTIVE) if force else and_(ACTIVE, SUBSCRIBERS.c.next_due <= now)


def _alerts_behind(revision: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Subscribers with alerts who were never looked at, and those who were up to an earlier revision."""
    cursor = SUBSCRIBERS.c.alert_cursor
    return and_(ALERTS, cursor.is_(None)), and_(ALERTS, cursor < revision)


def _is_ready(now: datetime) -> ColumnElement[bool]:
    after = SUBSCRIBERS.c.alert_after
    return or_(after.is_(None), after <= now, after > now + FURTHEST)  # a clock that ran ahead said that


def _of_chunk(tx: Connection, due: ColumnElement[bool], chunk: Chunk) -> list[StoredSubscriber]:
    return select_subscribers(tx, and_(due, chunk.after < _ID, chunk.upto >= _ID), [_ID], WHOLE_CHUNK)


def put_off(tx: Connection, kind: EditionKind, ids: Sequence[int], until: datetime) -> None:
    """These subscribers are due for an edition of this kind at another moment; nothing else of theirs changes, and who
    has no schedule gets none."""
    column = SUBSCRIBERS.c.next_due if kind == "digest" else SUBSCRIBERS.c.alert_after
    has_one = column.is_not(None) if kind == "digest" else ALERTS
    for part in chunks(ids):
        tx.execute(update(SUBSCRIBERS).where(_ID.in_(part), has_one).values({column: until}))


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


CursorValues: TypeAlias = DigestProgress | AlertProgress | NextDue


class Cursor(NamedTuple):
    """How far one subscriber has been told: the revision a decision was based on, and what becomes of their row."""

    subscriber_id: int
    expected: int | None  # the revision told up to when the decision was made
    values: CursorValues


CursorColumn = Literal["digest_cursor", "alert_cursor"]


def lock(tx: Connection, column: CursorColumn, ids: Sequence[int]) -> dict[int, int | None]:
    """How far subscribers have been told: id -> revision. Locks the rows until the end of `tx`, so that of two
    processes that composed the same edition one finds its cursor moved."""
    cursors = select(_ID, SUBSCRIBERS.c[column]).where(among(tx, _ID, ids))
    rows = tx.execute(cursors.order_by(_ID).with_for_update()).all()
    return {subscriber: revision for subscriber, revision in rows}


def advance(tx: Connection, cursors: Iterable[Cursor]) -> None:
    """Write the values of cursors, in the transaction that writes their editions. Where many subscribers have the same
    values they are moved together, the others one by one."""
    alike: dict[tuple[type[CursorValues], CursorValues], list[int]] = defaultdict(list)
    for cursor in cursors:
        alike[type(cursor.values), cursor.values].append(cursor.subscriber_id)
    one_by_one: dict[type[CursorValues], list[tuple[Any, ...]]] = defaultdict(list)
    for (kind, values), ids in alike.items():
        if len(ids) < TOGETHER_FROM:
            one_by_one[kind] += [(*values, subscriber_id) for subscriber_id in ids]
            continue
        tx.execute(update(SUBSCRIBERS).where(among(tx, _ID, ids)).values(values._asdict()))
    for kind, rows in one_by_one.items():
        update_rows(tx, SUBSCRIBERS, kind._fields, rows)
