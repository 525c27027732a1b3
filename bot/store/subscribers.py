"""Subscribers in the database: who they are. Whose turn it is, and how far each has been told, is in `cursors`; how the
file is followed, in `file_sync`."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update

from bot.store.sql import as_driver_gives, chunks, turned_back
from bot.store.tables.subscriber_rows import MAIL_REQUESTS, SUBSCRIBERS
from bot.store.tables.subscriber_rows import Status as Status

Origin = Literal["file", "database", "web", "deleted"]  # where somebody comes from
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
    origin: Origin
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
    trending_ids: str
    alert_cursor: int | None
    alert_after: datetime | None
    alert_day: date | None
    alerts_sent: int
    overflow: int
    epoch: int = 0  # of their links
    schedule: str = ""  # schedule and time zone that `next_due` was computed from

    @property
    def next_digest(self) -> datetime | None:
        """When they get their next digest: after a pause what is due by its end; None for whoever gets none."""
        if self.next_due is None or self.status == "active":
            return self.next_due
        if self.status == "paused" and self.paused_until is not None:
            return max(self.next_due, self.paused_until)
        return None


COLUMNS = [SUBSCRIBERS.c[name] for name in StoredSubscriber._fields]
_SELECTED = as_driver_gives(COLUMNS)


def select_subscribers(tx: Connection, where: ColumnElement[bool], order: Any, limit: int) -> list[StoredSubscriber]:
    rows = tx.execute(select(*_SELECTED).where(where).order_by(*order).limit(limit)).all()
    return list(map(StoredSubscriber._make, turned_back(tx, COLUMNS, rows)))


def as_json(table: Mapping[str, Any]) -> str:
    """A subscriber's table as it is stored."""
    return json.dumps(table, ensure_ascii=False, sort_keys=True, default=str)


def new_row(record: SubscriberRecord, origin: Origin, now: datetime) -> dict[str, Any]:
    """The values of a row for somebody new."""
    return {
        "email": record.email,
        "origin": origin,
        "data": as_json(record.data),
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
        for emails in chunks([record.email for record in part]):  # who never confirmed need not any more
            tx.execute(
                delete(SUBSCRIBERS).where(SUBSCRIBERS.c.email.in_(emails), SUBSCRIBERS.c.status == "unconfirmed")
            )
        known: set[str] = set()
        for emails in chunks([record.email for record in part]):
            known.update(tx.execute(select(SUBSCRIBERS.c.email).where(SUBSCRIBERS.c.email.in_(emails))).scalars())
        rows = {record.email: new_row(record, "database", now) for record in part if record.email not in known}
        if rows:
            tx.execute(insert(SUBSCRIBERS), list(rows.values()))
        added += len(rows)
    return added


def everyone(tx: Connection, *, after: int = 0, limit: int = 1000, but_of_file: bool = False) -> list[StoredSubscriber]:
    """All subscribers in the order they came, a page at a time: pass the last id seen. `but_of_file`: only those the
    configuration file does not list."""
    left_out = ("deleted", "file") if but_of_file else ("deleted",)
    known = and_(SUBSCRIBERS.c.id > after, SUBSCRIBERS.c.origin.not_in(left_out))
    return select_subscribers(tx, known, [SUBSCRIBERS.c.id], limit)


def by_email(tx: Connection, email: str) -> StoredSubscriber | None:
    return next(iter(select_subscribers(tx, SUBSCRIBERS.c.email == email, [SUBSCRIBERS.c.id], 1)), None)


def by_id(tx: Connection, subscriber_id: int) -> StoredSubscriber | None:
    return next(iter(select_subscribers(tx, SUBSCRIBERS.c.id == subscriber_id, [SUBSCRIBERS.c.id], 1)), None)


def who_get_nothing(tx: Connection, emails: Sequence[str]) -> list[str]:
    """Those of these addresses who were removed, left, bounced or complained."""
    gone = SUBSCRIBERS.c.status.in_(("removed", *FINAL))
    query = select(SUBSCRIBERS.c.email).order_by(SUBSCRIBERS.c.id)
    return [
        email
        for part in chunks(emails)
        for email in tx.execute(query.where(SUBSCRIBERS.c.email.in_(part), gone)).scalars()
    ]


def count_by_status(tx: Connection) -> dict[str, int]:
    counted = select(SUBSCRIBERS.c.status, func.count()).where(SUBSCRIBERS.c.origin != "deleted")
    rows = tx.execute(counted.group_by(SUBSCRIBERS.c.status).order_by(SUBSCRIBERS.c.status))
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
            bounced_on=None,
        )
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
    """Count one more bounce, but only one for each day (UTC): a mailbox that is full for an afternoon returns every
    alert of it. Returns how many were counted since `window_start`."""
    row = tx.execute(
        select(SUBSCRIBERS.c.bounces, SUBSCRIBERS.c.bounces_since, SUBSCRIBERS.c.bounced_on).where(
            SUBSCRIBERS.c.id == subscriber_id
        )
    ).first()
    if row is None:
        return 0
    number, since, last = row
    if since is None or since < window_start:
        number, since = 1, now
    elif last != now.date():
        number += 1
    tx.execute(
        update(SUBSCRIBERS)
        .where(SUBSCRIBERS.c.id == subscriber_id)
        .values(bounces=number, bounces_since=since, bounced_on=now.date())
    )
    return int(number)


def uncount_bounce(tx: Connection, subscriber_id: int) -> None:
    """The last one counted was none."""
    mine = and_(SUBSCRIBERS.c.id == subscriber_id, SUBSCRIBERS.c.bounces > 0)
    tx.execute(update(SUBSCRIBERS).where(mine).values(bounces=SUBSCRIBERS.c.bounces - 1, bounced_on=None))


# -- what they do themselves, on the web pages ------------------------------------------------------------------------


def add_unconfirmed(tx: Connection, email: str, data: Mapping[str, Any], now: datetime) -> int:
    """Somebody whose address was typed into the form: gets nothing but the question whether it was them. Returns
    their number."""
    record = SubscriberRecord(email=email, data=dict(data), alerts=False, schedule="", next_due=None)
    row = new_row(record, "web", now) | {"status": "unconfirmed"}
    return int(tx.execute(insert(SUBSCRIBERS).values(**row).returning(SUBSCRIBERS.c.id)).scalar_one())


def start_again(tx: Connection, subscriber_id: int, record: SubscriberRecord, now: datetime) -> None:
    """Somebody confirms: active from now on with what they asked for, told of nothing yet, due at once."""
    tx.execute(
        update(SUBSCRIBERS)
        .where(SUBSCRIBERS.c.id == subscriber_id)
        .values(
            origin="web",
            data=as_json(record.data),
            chosen="",
            status="active",
            status_since=now,
            status_reason="confirmed",
            paused_until=None,
            alerts=record.alerts,
            left_alerts=False,
            schedule=record.schedule,
            next_due=record.next_due,
            digest_cursor=None,
            told_at=None,
            trending_ids="",
            alert_cursor=None,
            alert_after=None,
            bounces=0,
            bounces_since=None,
        )
    )


def change(tx: Connection, subscriber_id: int, record: SubscriberRecord, chosen: Mapping[str, Any] | None) -> None:
    """New settings. `chosen`: those of them that win over the file, for somebody the file lists."""
    tx.execute(
        update(SUBSCRIBERS)
        .where(SUBSCRIBERS.c.id == subscriber_id)
        .values(
            email=record.email,
            data=as_json(record.data),
            alerts=record.alerts,
            schedule=record.schedule,
            next_due=record.next_due,
            **({} if chosen is None else {"chosen": as_json(chosen)}),
        )
    )


def set_origin(tx: Connection, subscriber_id: int, origin: Origin) -> None:
    """Where somebody comes from now."""
    tx.execute(update(SUBSCRIBERS).where(SUBSCRIBERS.c.id == subscriber_id).values(origin=origin))


def choices(tx: Connection) -> dict[str, dict[str, Any]]:
    """What subscribers chose by a link that wins over the file: address -> part of their table."""
    rows = tx.execute(select(SUBSCRIBERS.c.email, SUBSCRIBERS.c.chosen).where(SUBSCRIBERS.c.chosen != ""))
    return {email: json.loads(chosen) for email, chosen in rows}


def choices_of(tx: Connection, subscriber_id: int) -> dict[str, Any]:
    """The same of one."""
    chosen = tx.execute(select(SUBSCRIBERS.c.chosen).where(SUBSCRIBERS.c.id == subscriber_id)).scalar()
    return dict(json.loads(chosen)) if chosen else {}


def settle_choices(tx: Connection, email: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """The same choices put otherwise, unless others were made meanwhile."""
    same = (SUBSCRIBERS.c.email == email, SUBSCRIBERS.c.chosen == as_json(before))
    tx.execute(update(SUBSCRIBERS).where(*same).values(chosen=as_json(after) if after else ""))


def renew_links(tx: Connection, subscriber_id: int) -> None:
    """From now on older links to the preferences, the feeds and the editions open nothing."""
    tx.execute(
        update(SUBSCRIBERS).where(SUBSCRIBERS.c.id == subscriber_id).values(epoch=(SUBSCRIBERS.c.epoch + 1) % 65536)
    )


def erase(tx: Connection, subscriber_id: int, keyed_hash: str, now: datetime) -> None:
    """All that is known of somebody goes; the row stays under the hash of their address. A complaint is remembered."""
    if tx.dialect.name == "sqlite":
        tx.exec_driver_sql("PRAGMA secure_delete = ON")  # for this connection: freed pages are overwritten
    status = tx.execute(select(SUBSCRIBERS.c.status).where(SUBSCRIBERS.c.id == subscriber_id)).scalar()
    tx.execute(
        update(SUBSCRIBERS)
        .where(SUBSCRIBERS.c.id == subscriber_id)
        .values(
            email=f"{keyed_hash}.{subscriber_id}",
            origin="deleted",
            data="{}",
            chosen="",
            status="complained" if status == "complained" else "removed",
            status_since=now,
            status_reason="deleted",
            alerts=False,
            next_due=None,
            paused_until=None,
            epoch=(SUBSCRIBERS.c.epoch + 1) % 65536,
        )
    )


def erased(tx: Connection) -> dict[str, Status]:
    """The keyed hashes of everybody erased; whoever complained once stays so."""
    rows = tx.execute(select(SUBSCRIBERS.c.email, SUBSCRIBERS.c.status).where(SUBSCRIBERS.c.origin == "deleted"))
    found: dict[str, Status] = {}
    for email, status in rows:
        keyed_hash = email.partition(".")[0]
        found[keyed_hash] = "complained" if "complained" in (status, found.get(keyed_hash)) else "removed"
    return found


def status_of_erased(tx: Connection, keyed_hash: str) -> Status | None:
    """What somebody erased was; None for whom nobody ever erased."""
    rows = select(SUBSCRIBERS.c.status).where(
        SUBSCRIBERS.c.origin == "deleted", SUBSCRIBERS.c.email.startswith(f"{keyed_hash}.")
    )
    found: list[Status] = list(tx.execute(rows).scalars())
    return "complained" if "complained" in found else found[0] if found else None


def count_by_origin(tx: Connection) -> dict[str, int]:
    counted = select(SUBSCRIBERS.c.origin, func.count()).where(SUBSCRIBERS.c.origin != "deleted")
    return {
        origin: number
        for origin, number in tx.execute(counted.group_by(SUBSCRIBERS.c.origin).order_by(SUBSCRIBERS.c.origin))
    }


def delete_unconfirmed(tx: Connection, before: datetime) -> list[int]:
    """Those who never confirmed, and whose last request is older than that, go. Returns their numbers."""
    asked = select(MAIL_REQUESTS.c.subscriber_id).where(MAIL_REQUESTS.c.at >= before)
    stale = and_(SUBSCRIBERS.c.status == "unconfirmed", SUBSCRIBERS.c.status_since < before)
    return list(
        tx.execute(
            delete(SUBSCRIBERS).where(stale, SUBSCRIBERS.c.id.not_in(asked)).returning(SUBSCRIBERS.c.id)
        ).scalars()
    )
