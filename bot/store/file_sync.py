"""The stored subscribers follow the configuration file: what that takes is planned first, so that it can be looked at
without being done."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from bot.store.sql import chunks
from bot.store.subscribers import COLUMNS, FINAL, StoredSubscriber, SubscriberRecord, as_json, new_row
from bot.store.tables.subscriber_rows import SUBSCRIBERS

SUBSCRIBED = ("active", "paused")
AWAY = ("removed", "unconfirmed")  # active again as soon as the file names them
FEW = 3  # of fewer subscribers any number may be removed at once


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPlan:
    """What makes the stored subscribers equal to the file's. Who unsubscribed, bounced or complained stays out of reach
    whatever the file says."""

    new: tuple[SubscriberRecord, ...]
    changed: tuple[tuple[StoredSubscriber, dict[str, Any]], ...]  # rows, and the values they get
    unchanged: tuple[StoredSubscriber, ...]
    gone: tuple[StoredSubscriber, ...]  # no longer in the file: they get nothing more
    unreachable: tuple[StoredSubscriber, ...]  # in the file, but left for good
    subscribed: int  # how many of the file would get mail today, those who are gone included

    @property
    def removes_many(self) -> bool:
        """Half or more of three or more: another file, or a file cut short, more likely than a wish."""
        return self.subscribed >= FEW and 2 * len(self.gone) >= self.subscribed

    def after(self, now: datetime) -> dict[str, StoredSubscriber]:
        """By address: everybody the plan changes, as they would be. The new ones have no number yet."""
        rows = [stored._replace(**values) for stored, values in self.changed]
        rows += [stored._replace(**_removed(now)) for stored in self.gone]
        rows += [_stored(record, now) for record in self.new]
        return {row.email: row for row in rows}


def planned_changes(tx: Connection, records: Iterable[SubscriberRecord], now: datetime) -> SyncPlan:
    """What is to be done for these subscribers of the file. Nothing is written."""
    wanted = {record.email: record for record in records}
    stored: dict[str, StoredSubscriber] = {}
    of_file = SUBSCRIBERS.c.origin == "file"
    for where in (of_file, *(SUBSCRIBERS.c.email.in_(part) for part in chunks(list(wanted)))):
        for row in tx.execute(select(*COLUMNS).where(where)):
            stored[row.email] = StoredSubscriber._make(row)
    known = [(stored[email], record) for email, record in wanted.items() if email in stored]
    changed = [(row, _changes(row, record, now)) for row, record in known]
    return SyncPlan(
        new=tuple(record for email, record in wanted.items() if email not in stored),
        changed=tuple((row, values) for row, values in changed if values),
        unchanged=tuple(row for row, values in changed if not values),
        gone=tuple(row for row in stored.values() if row.email not in wanted and row.status in SUBSCRIBED),
        unreachable=tuple(row for row, _ in known if row.status in FINAL),
        subscribed=sum(row.origin == "file" and row.status in SUBSCRIBED for row in stored.values()),
    )


def _changes(row: StoredSubscriber, record: SubscriberRecord, now: datetime) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    data = as_json(record.data)
    if row.data != data or row.origin != "file" or row.alerts != record.alerts:
        changes.update(data=data, origin="file", alerts=record.alerts)
    if row.schedule != record.schedule or row.status in AWAY:
        changes.update(schedule=record.schedule, next_due=record.next_due)
    if row.status in AWAY:
        changes.update(status="active", status_since=now, status_reason="back in the configuration")
    return changes


def carry_out(tx: Connection, planned: SyncPlan, now: datetime, *, remove: bool = True) -> None:
    """Do it, in the transaction that planned it; without `remove`, nobody is removed."""
    for stored, values in planned.changed:
        tx.execute(update(SUBSCRIBERS).where(SUBSCRIBERS.c.id == stored.id).values(**values))
    if planned.new:
        tx.execute(insert(SUBSCRIBERS), [new_row(record, "file", now) for record in planned.new])
    for part in chunks([stored.id for stored in planned.gone] if remove else []):
        tx.execute(update(SUBSCRIBERS).where(SUBSCRIBERS.c.id.in_(part)).values(**_removed(now)))


def _removed(now: datetime) -> dict[str, Any]:
    reason = "no longer in the configuration"
    return {"status": "removed", "status_since": now, "status_reason": reason, "next_due": None}


def _stored(record: SubscriberRecord, now: datetime) -> StoredSubscriber:
    row = {"id": 0, "epoch": 0, "trending_ids": "", **new_row(record, "file", now)}
    return StoredSubscriber._make(row.get(name) for name in StoredSubscriber._fields)
