"""Whose turn it is: in chunks, by an index or in the order of ids; the same subscribers every way."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from bot.store import Database, cursors, outbox, subscribers
from bot.store.subscribers import SubscriberRecord

HOUR = timedelta(hours=1)


def record(email: str, due: datetime) -> SubscriberRecord:
    return SubscriberRecord(email=email, data={"email": email}, alerts=False, schedule="daily 07:30", next_due=due)


def everybody_due(tx: Connection, now: datetime, size: int) -> list[list[str]]:
    return [[one.email for one in cursors.digest_due(tx, now, chunk)] for chunk in cursors.due_ranges(tx, 5, now, size)]


@pytest.mark.parametrize(("size", "chunks"), [(3, [3, 3, 1]), (7, [7]), (100, [7])])
def test_who_is_due_is_cut_into_chunks(database: Database, now: datetime, size: int, chunks: list[int]) -> None:
    with database.write() as tx:
        subscribers.add(tx, (record(f"r{number}@example.org", now) for number in range(7)), now)
        subscribers.add(tx, (record(f"later{number}@example.org", now + HOUR) for number in range(9)), now)
    with database.read() as tx:
        parts = everybody_due(tx, now, size)
        assert cursors.due_ranges(tx, 5, now - HOUR, size) == []
        forced = cursors.due_ranges(tx, 5, now - HOUR, size, force=True)
        assert sum(len(cursors.digest_due(tx, now - HOUR, chunk, force=True)) for chunk in forced) == 16

    assert [len(part) for part in parts] == chunks
    assert sorted(email for part in parts for email in part) == [f"r{number}@example.org" for number in range(7)]


@pytest.mark.parametrize("wide", [True, False])
def test_few_or_many_the_same_are_due(database: Database, now: datetime, wide: bool) -> None:
    """Looked up by an index or walked through in the order of ids: the same subscribers in the same order."""
    with database.write() as tx:
        subscribers.add(
            tx, (replace(record(f"r{n}@example.org", now + n % 3 * HOUR), alerts=n % 2 == 0) for n in range(9)), now
        )
        ids = [one.id for one in subscribers.everyone(tx)]
        seen = {ids[0]: 5, ids[2]: 4}
        progress = {number: cursors.AlertProgress(revision, None, None, 0, 0) for number, revision in seen.items()}
        cursors.advance(tx, [cursors.Cursor(number, None, values) for number, values in progress.items()])
        subscribers.set_status(tx, "r4@example.org", "unsubscribed", "", now)
    upto = ids[-1] + (cursors.WIDE if wide else 0)
    with database.read() as tx:
        digests = [one.id for one in cursors.digest_due(tx, now, cursors.Chunk(ids[0], upto))]
        alerts = [one.id for one in cursors.alert_due(tx, 5, now, cursors.Chunk(0, upto))]
        plan = cursors.due_ranges(tx, 5, now, 100)

    assert digests == [ids[3], ids[6]]
    assert alerts == [ids[2], ids[6], ids[8]]
    assert plan == [cursors.Chunk(0, ids[8])]


def test_no_tick_walks_through_all_subscribers(tmp_path: Path, now: datetime) -> None:
    store = Database(f"sqlite:///{tmp_path / 'p.db'}")
    store.migrate()
    asked: list[tuple[str, Any]] = []
    for engine in (store._writer, store._reader):
        event.listen(engine, "before_cursor_execute", lambda *args: asked.append((args[2], args[3])))
    with store.write() as tx:
        subscribers.end_pauses(tx, now)
        cursors.set_right(tx, now)
        cursors.due_ranges(tx, 5, now, 10)
        cursors.digest_due(tx, now, cursors.Chunk(0, 1_000_000))
        cursors.alert_due(tx, 5, now, cursors.Chunk(0, 1_000_000))
        cursors.next_due(tx)
        outbox.expire(tx, "alert", now, digest=True)
        outbox.expire(tx, "alert", now, digest=False)
    with store.read() as tx:
        questions = [(sql, values) for sql, values in asked if "subscriber" in sql]
        plans = {
            sql: [str(row[3]) for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
            for sql, values in questions
        }
    store.close()
    assert len(plans) == 11
    for sql, steps in plans.items():
        assert not any(step.startswith("SCAN subscriber") or "(rowid>?)" in step for step in steps), (sql, steps)
