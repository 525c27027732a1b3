"""Whose turn it is: in pages, in shares, by an index or in the order of ids; the same subscribers every way."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from bot.store import Database, cursors, subscribers
from bot.store.subscribers import SubscriberRecord

HOUR = timedelta(hours=1)


def record(email: str, due: datetime) -> SubscriberRecord:
    return SubscriberRecord(email=email, data={"email": email}, alerts=False, schedule="daily 07:30", next_due=due)


def test_due_subscribers_come_in_pages(database: Database, now: datetime) -> None:
    with database.write() as tx:
        subscribers.add(tx, (record(f"r{number}@example.org", now) for number in range(7)), now)
    seen: list[str] = []
    after = 0
    with database.read() as tx:
        while page := cursors.digest_due(tx, now, after=after, limit=3):
            seen += [one.email for one in page]
            after = page[-1].id

    assert sorted(seen) == [f"r{number}@example.org" for number in range(7)]


@pytest.mark.parametrize("few", [True, False])
def test_few_or_many_the_same_are_due(database: Database, now: datetime, few: bool) -> None:
    """Asked by an index and sorted, or in the order of ids: the same subscribers in the same order."""
    with database.write() as tx:
        subscribers.add(
            tx, (replace(record(f"r{n}@example.org", now + n % 3 * HOUR), alerts=n % 2 == 0) for n in range(9)), now
        )
        ids = [one.id for one in subscribers.everyone(tx)]
        seen = [
            (ids[0], cursors.AlertProgress(5, None, None, 0, 0)),
            (ids[2], cursors.AlertProgress(4, None, None, 0, 0)),
        ]
        cursors.advance(tx, [cursors.Cursor(number, None, values) for number, values in seen])
        subscribers.set_status(tx, "r4@example.org", "unsubscribed", "", now)
    with database.read() as tx:
        digests = [one.id for one in cursors.digest_due(tx, now, after=ids[0], limit=10, few=few)]
        shares = [cursors.digest_due(tx, now, after=0, limit=9, shard=(number, 2), few=few) for number in (0, 1)]
        alerts = [one.id for one in cursors.alert_due(tx, 5, now, after=0, limit=10, few=few)]
        counts = cursors.count_digest_due(tx, now), cursors.count_alert_due(tx, 5, now)

    assert digests == [ids[3], ids[6]]
    assert sorted(one.id for share in shares for one in share) == [ids[0], ids[3], ids[6]]
    assert alerts == [ids[2], ids[6], ids[8]]
    assert counts == (3, 3)


def test_no_tick_walks_through_all_subscribers(tmp_path: Path, now: datetime) -> None:
    store = Database(f"sqlite:///{tmp_path / 'p.db'}")
    store.migrate()
    asked: list[tuple[str, Any]] = []
    for engine in (store._writer, store._reader):
        event.listen(engine, "before_cursor_execute", lambda *args: asked.append((args[2], args[3])))
    with store.write() as tx:
        subscribers.end_pauses(tx, now)
        cursors.set_right(tx, now)
        cursors.count_digest_due(tx, now)
        cursors.count_alert_due(tx, 5, now)
        cursors.digest_due(tx, now, after=0, limit=10, few=True)
        cursors.alert_due(tx, 5, now, after=0, limit=10, few=True)
        cursors.next_due(tx)
    with store.read() as tx:
        questions = [(sql, values) for sql, values in asked if "subscriber" in sql]
        plans = {
            sql: [str(row[3]) for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
            for sql, values in questions
        }
    store.close()
    assert len(plans) == 7
    for sql, steps in plans.items():
        assert not any(step.startswith("SCAN subscriber") or "(rowid>?)" in step for step in steps), (sql, steps)
