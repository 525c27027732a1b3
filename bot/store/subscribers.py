"""Subscribers in the database: who they are. Whose turn it is, and how far each has been told, is in `turns`."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from bot.store.sql import chunks
from bot.store.tables import SUBSCRIBERS

Status = Literal["active", "paused", "removed", "unsubscribed", "bounced", "complained"]
FINAL: tuple[Status, ...] = ("unsubscribed", "bounced", "complained")  # these always win over the file


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberRecord:
    """A subscriber as configured, with what the store needs to find them when they are due."""

    email: str
    data: dict[str, Any]  # their table as in config.toml
    alerts: bool  # has a profile that alerts
    schedule: str  # schedule and time zone: `next_due` counts from now when this changes
    next_due: datetime | None


class StoredSubscriber(NamedTuple):
    """A subscriber as stored. Times are UTC; revisions are points in the history of papers. (A tuple: quick to
    make.)"""

    id: int
    email: str
    origin: str
    data: str
    status: Status
    status_since: datetime
    status_reason: str
    paused_until: datetime | None
    alerts: bool
    left_alerts: bool
    next_due: datetime | None
    digest_cursor: int | None
    told_at: datetime | None
    alert_cursor: int | None
    alert_after: datetime | None
    alert_day: date | None
    alerts_sent: int
    overflow: int


COLUMNS = [SUBSCRIBERS.c[name] for name in StoredSubscriber._fields]


def select_subscribers(tx: Connection, where: ColumnElement[bool], order: Any, limit: int) -> list[StoredSubscriber]:
    return [
        StoredSubscriber._make(row)
        for row in tx.execute(select(*COLUMNS).where(where).order_by(*order).limit(limit)).all()
    ]


def sync(tx: Connection, records: Iterable[SubscriberRecord], now: datetime) -> None:
    """Make the stored subscribers of the file equal to the file. Who is no longer in it gets nothing more; who
    unsubscribed, bounced or complained stays out of reach whatever it says."""
    wanted = {record.email: record for record in records}
    stored = {row.email: row for row in tx.execute(select(SUBSCRIBERS))}
    fresh = []
    for email, record in wanted.items():
        data = json.dumps(record.data, ensure_ascii=False, sort_keys=True, default=str)
        row = stored.get(email)
        if row is None:
            fresh.append(_new_row(record, data, "file", now))
            continue
        changes: dict[str, Any] = {}
        if row.data != data or row.origin != "file" or row.alerts != record.alerts:
            changes.update(data=data, origin="file", alerts=record.alerts)
        if row.schedule != record.schedule or row.status == "removed":
            changes.update(schedule=record.schedule, next_due=record.next_due)
        if row.status == "removed":
            changes.update(status="active", status_since=now, status_reason="back in the configuration")
        if changes:
            tx.execute(update(SUBSCRIBERS).where(SUBSCRIBERS.c.id == row.id).values(**changes))
    if fresh:
        tx.execute(insert(SUBSCRIBERS), fresh)
    gone = [row.id for row in stored.values() if row.origin == "file" and row.email not in wanted]
    for part in chunks(gone):
        tx.execute(
            update(SUBSCRIBERS)
            .where(SUBSCRIBERS.c.id.in_(part), SUBSCRIBERS.c.status.in_(("active", "paused")))
            .values(status="removed", status_since=now, status_reason="no longer in the configuration", next_due=None)
        )


def would_change(tx: Connection, records: Iterable[SubscriberRecord]) -> list[str]:
    """What `sync` would do, in words, and where the store will not follow the file."""
    wanted = {record.email: record for record in records}
    stored = {row.email: row for row in tx.execute(select(SUBSCRIBERS))}
    lines = []
    for email, record in wanted.items():
        row = stored.get(email)
        if row is None:
            lines.append(f"{email}: new subscriber")
        elif row.status in FINAL:
            lines.append(
                f"{email}: {row.status} since {row.status_since:%Y-%m-%d}, gets nothing whatever the file says"
            )
        elif row.status == "removed":
            lines.append(f"{email}: comes back")
        elif row.data != json.dumps(record.data, ensure_ascii=False, sort_keys=True, default=str):
            lines.append(f"{email}: changed")
    lines += [
        f"{row.email}: removed, gets nothing more"
        for row in stored.values()
        if row.origin == "file" and row.email not in wanted and row.status in ("active", "paused")
    ]
    return lines


def _new_row(record: SubscriberRecord, data: str, origin: str, now: datetime) -> dict[str, Any]:
    return {
        "email": record.email,
        "origin": origin,
        "data": data,
        "status": "active",
        "status_since": now,
        "status_reason": "",
        "alerts": record.alerts,
        "schedule": record.schedule,
        "next_due": record.next_due,
        "alerts_sent": 0,
        "overflow": 0,
        "bounces": 0,
        "left_alerts": False,
    }


def add(tx: Connection, records: Iterable[SubscriberRecord], now: datetime) -> int:
    """Keep subscribers in the database; those already known by address are left as they are. Returns how many are
    new."""
    added = 0
    for part in chunks(list(records), 5000):
        known: set[str] = set()
        for emails in chunks([record.email for record in part]):
            known.update(tx.execute(select(SUBSCRIBERS.c.email).where(SUBSCRIBERS.c.email.in_(emails))).scalars())
        rows = {
            record.email: _new_row(
                record, json.dumps(record.data, ensure_ascii=False, sort_keys=True, default=str), "database", now
            )
            for record in part
            if record.email not in known
        }
        if rows:
            tx.execute(insert(SUBSCRIBERS), list(rows.values()))
        added += len(rows)
    return added


def everyone(tx: Connection, *, after: int = 0, limit: int = 1000) -> list[StoredSubscriber]:
    """All subscribers in the order they came, a page at a time: pass the last id seen."""
    return select_subscribers(tx, SUBSCRIBERS.c.id > after, [SUBSCRIBERS.c.id], limit)


def by_email(tx: Connection, email: str) -> StoredSubscriber | None:
    return next(iter(select_subscribers(tx, SUBSCRIBERS.c.email == email, [SUBSCRIBERS.c.id], 1)), None)


def by_id(tx: Connection, subscriber_id: int) -> StoredSubscriber | None:
    return next(iter(select_subscribers(tx, SUBSCRIBERS.c.id == subscriber_id, [SUBSCRIBERS.c.id], 1)), None)


def count_by_status(tx: Connection) -> dict[str, int]:
    rows = tx.execute(select(SUBSCRIBERS.c.status, func.count()).group_by(SUBSCRIBERS.c.status))
    return {status: number for status, number in rows}


def set_status(
    tx: Connection, email: str, status: Status, reason: str, now: datetime, *, until: datetime | None = None
) -> bool:
    """Change what a subscriber is. Returns whether there is such a subscriber."""
    changed = tx.execute(
        update(SUBSCRIBERS)
        .where(SUBSCRIBERS.c.email == email)
        .values(
            status=status,
            status_since=now,
            status_reason=reason,
            left_alerts=False if status == "active" else SUBSCRIBERS.c.left_alerts,
            paused_until=until,
            bounces=0,
            bounces_since=None,
        )
    )
    return changed.rowcount > 0


def delete_subscriber(tx: Connection, email: str) -> bool:
    """Remove a subscriber kept in the database. The row stays, so that what they were told is still accounted for."""
    changed = tx.execute(
        update(SUBSCRIBERS)
        .where(SUBSCRIBERS.c.email == email, SUBSCRIBERS.c.origin == "database")
        .values(status="removed", next_due=None)
    )
    return changed.rowcount > 0


def end_pauses(tx: Connection, now: datetime) -> None:
    """Subscribers whose pause is over are active again; what they missed comes in one digest."""
    tx.execute(
        update(SUBSCRIBERS)
        .where(SUBSCRIBERS.c.status == "paused", SUBSCRIBERS.c.paused_until <= now)
        .values(status="active", status_since=now, status_reason="pause over", paused_until=None)
    )


def leave_alerts(tx: Connection, subscriber_id: int) -> None:
    """No more alerts, whatever the file says; the digest goes on."""
    tx.execute(update(SUBSCRIBERS).where(SUBSCRIBERS.c.id == subscriber_id).values(left_alerts=True))


def count_bounce(tx: Connection, subscriber_id: int, now: datetime, window_start: datetime) -> int:
    """Count one more bounce; returns how many since `window_start`."""
    row = tx.execute(
        select(SUBSCRIBERS.c.bounces, SUBSCRIBERS.c.bounces_since).where(SUBSCRIBERS.c.id == subscriber_id)
    ).first()
    if row is None:
        return 0
    number, since = row
    number, since = (1, now) if since is None or since < window_start else (number + 1, since)
    tx.execute(update(SUBSCRIBERS).where(SUBSCRIBERS.c.id == subscriber_id).values(bounces=number, bounces_since=since))
    return int(number)
