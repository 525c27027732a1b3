"""The outbox: leases, marks, books, on both databases."""

import re
import threading
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from bot.core.edition.picks import Picks, PickSection
from bot.store import Database, cursors, edition_reports, editions, outbox, subscribers
from bot.store.editions import Draft
from bot.store.outbox import Leased
from bot.store.subscribers import SubscriberRecord
from bot.store.tables.edition_rows import EDITIONS

LEASE = timedelta(minutes=10)


def record(email: str, **more: object) -> SubscriberRecord:
    values: dict[str, object] = {"data": {"email": email}, "alerts": False, "schedule": "daily", "next_due": None}
    return SubscriberRecord(email=email, **(values | more))  # type: ignore[arg-type]


def fill(database: Database, now: datetime, number: int = 5, kind: str = "digest") -> list[int]:
    """Subscribers with one waiting edition each; returns the subscribers' ids."""
    picks = Picks(sections=(PickSection(kind="profile", name="p", ids=(1, 2), more=1, more_ids=(3,)),))
    with database.write() as tx:
        subscribers.add(tx, [record(f"r{index}@example.org") for index in range(number)], now)
        people = subscribers.everyone(tx)
        compose_id = editions.begin_compose(tx, now, 1, "[]")
        drafts = [
            Draft(
                subscriber_id=one.id,
                kind=kind,
                slot="2026-11-20",
                due=now,
                day=now.date(),
                since=None,
                picks=picks.to_json(),
                matched=picks.matched,
                message_id=f"<{kind}.{one.id}@example.org>",
            )
            for one in people
        ]
        assert len(editions.add(tx, compose_id, 1, drafts)) == number
        assert editions.add(tx, compose_id, 1, drafts) == set()
    return [one.id for one in people]


def lease(database: Database, by: str, now: datetime, limit: int = 100, kind: str = "digest") -> list[Leased]:
    with database.write() as tx:
        return outbox.lease(tx, kind, by, now, now + LEASE, limit)


def test_an_edition_is_written_once_for_its_slot_and_counted_once(database: Database, now: datetime) -> None:
    fill(database, now, 3)

    with database.read() as tx:
        books = edition_reports.accounts(tx)
    assert books["matched"] == books["waiting"] == 9


def test_two_workers_never_hold_the_same_edition(database: Database, now: datetime) -> None:
    fill(database, now, 40)
    taken: list[int] = []

    def work(name: str) -> None:
        while batch := lease(database, name, now, 3):
            taken.extend(one.id for one in batch)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken) == sorted(set(taken))
    assert len(taken) == 40


def test_a_lease_that_runs_out_makes_the_edition_due_again(database: Database, now: datetime) -> None:
    fill(database, now, 1)
    (held,) = lease(database, "first", now)

    assert lease(database, "second", now) == []
    (again,) = lease(database, "second", now + LEASE)
    assert (again.id, again.attempts, again.message_id) == (held.id, 2, held.message_id)


def test_a_late_worker_cannot_overwrite_another(database: Database, now: datetime) -> None:
    fill(database, now, 1)
    (held,) = lease(database, "slow", now)
    lease(database, "quick", now + LEASE)

    with database.write() as tx:
        assert not outbox.finish(tx, held.id, "slow", "sent", "250", now)
        assert not outbox.put_back(tx, held.id, "slow", now)
        assert not outbox.begin_sending(tx, held.id, "slow")
        assert outbox.finish(tx, held.id, "quick", "sent", "250", now)
        assert not outbox.finish(tx, held.id, "quick", "failed", "no", now)


@pytest.mark.parametrize(("resend", "state"), [(True, "waiting"), (False, "unknown")])
def test_who_died_while_sending_leaves_it_due_or_listed(
    database: Database, now: datetime, resend: bool, state: str
) -> None:
    fill(database, now, 2)
    held = lease(database, "doomed", now)
    with database.write() as tx:
        assert outbox.begin_sending(tx, held[0].id, "doomed")
        assert outbox.lessees(tx) == {"doomed"}
        assert outbox.recover(tx, now, resend=resend) == 0  # it may still be alive
        outbox.end_leases(tx, {"doomed"}, now)
        assert outbox.recover(tx, now, resend=resend) == 1
    with database.read() as tx:
        books = edition_reports.accounts(tx)
        listed = edition_reports.unknown(tx)

    assert books[state] == (6 if resend else 3)
    assert [message for _, message, _ in listed] == ([] if resend else [held[0].message_id])
    assert len(lease(database, "next", now)) == (2 if resend else 1)


def test_leases_given_back_do_not_count_as_tries(database: Database, now: datetime) -> None:
    fill(database, now, 3)
    held = lease(database, "stopping", now)
    with database.write() as tx:
        outbox.give_back(tx, "stopping", [one.id for one in held], now)

    assert [one.attempts for one in lease(database, "next", now)] == [1, 1, 1]


def test_what_is_too_late_expires_only_after_a_try_and_is_told_once(database: Database, now: datetime) -> None:
    ids = fill(database, now, 2)
    (held,) = lease(database, "w", now, 1)
    with database.write() as tx:
        outbox.put_back(tx, held.id, "w", now, "421 later")
        assert outbox.expire(tx, "digest", now) == 0
        assert outbox.expire(tx, "digest", now + timedelta(seconds=1)) == 1
        ((edition_id, subscriber, picks),) = editions.untold(tx, ids)
        assert (edition_id, subscriber) == (held.id, held.subscriber_id)
        assert Picks.from_json(picks).ids == {1, 2}
        editions.fold_into_digest(tx, [edition_id], 1)
        assert editions.untold(tx, ids) == []


def test_alerts_that_a_digest_has_not_passed_are_found(database: Database, now: datetime) -> None:
    ids = fill(database, now, 2, kind="alert")
    with database.write() as tx:
        assert {one.subscriber_id for one in editions.alerted(tx, ids)} == set(ids)
        cursors.advance(tx, [cursors.Cursor(ids[0], None, cursors.DigestProgress(1, now, None, 0, ""))])
        assert {one.subscriber_id for one in editions.alerted(tx, ids)} == {ids[1]}


def test_the_books_balance_through_every_end_and_after_pruning(database: Database, now: datetime) -> None:
    fill(database, now, 6)
    held = lease(database, "w", now)
    ends: list[outbox.FinalState] = ["sent", "failed", "suppressed", "expired", "unknown"]
    with database.write() as tx:
        for one, state in zip(held, ends, strict=False):
            assert outbox.finish(tx, one.id, "w", state, "words", now)
            outbox.note_attempt(tx, one.id, now, "retry", "words")
    for after in (False, True):
        with database.write() as tx:
            books = edition_reports.accounts(tx)
            day = edition_reports.accounts(tx, now.date())
            other = edition_reports.accounts(tx, date(2020, 1, 1))
            assert editions.prune(tx, now + timedelta(days=1)) == (0 if after else 4, None)
        assert books["matched"] == sum(number for name, number in books.items() if name != "matched") == 18
        assert day == books
        assert set(other.values()) == {0}
        assert books["delivered"] == books["unknown"] == books["waiting"] == 3


def test_pruning_goes_page_by_page_and_stops_at_what_is_young(database: Database, now: datetime) -> None:
    fill(database, now, 7)
    fill(database, now + timedelta(days=100), 7, kind="alert")
    held = lease(database, "w", now)
    with database.write() as tx:
        for one in held[1:]:
            assert outbox.finish(tx, one.id, "w", "sent", "250 ok", now)
    pages, after = [], 0
    while after is not None:
        with database.write() as tx:
            number, after = editions.prune(tx, now + timedelta(days=1), after, limit=3)
        pages.append(number)
    assert pages == [2, 3, 1, 0]  # the first is still open; nobody reads on after a page of young ones

    with database.read() as tx:
        left = tx.execute(select(EDITIONS.c.kind, func.count()).group_by(EDITIONS.c.kind))
        assert {kind: number for kind, number in left} == {"digest": 1, "alert": 7}


def test_a_message_is_found_again_with_its_whole_life(database: Database, now: datetime) -> None:
    fill(database, now, 1)
    (held,) = lease(database, "w", now)
    with database.write() as tx:
        outbox.note_attempt(tx, held.id, now, "retry", "421 come back")
        outbox.finish(tx, held.id, "w", "sent", "250 ok", now)
    with database.read() as tx:
        life = edition_reports.life(tx, held.message_id, held.subscriber_id)
        assert edition_reports.life(tx, held.message_id, None) == life
        assert edition_reports.life(tx, held.message_id, held.subscriber_id + 1) == life
        assert edition_reports.life(tx, "<none@example.org>", None) is None
        shown = [(one.email, one.shown) for one in edition_reports.telling(tx, 1)]
        named = [(one.email, one.shown) for one in edition_reports.telling(tx, 3)]
        assert edition_reports.telling(tx, 4) == []
        last = editions.last_sent(tx, [held.subscriber_id, 99])

    assert life is not None
    assert (life.email, life.state, life.words) == ("r0@example.org", "sent", "250 ok")
    assert life.attempts == ((now, "retry", "421 come back"),)
    assert (shown, named) == ([("r0@example.org", True)], [("r0@example.org", False)])
    assert last == {held.subscriber_id: now}


def test_whatever_has_piled_up_only_open_editions_are_read(tmp_path: Path, now: datetime) -> None:
    """What leases, recovers and expires must not read the settled editions of months: each by a partial index."""
    store = Database(f"sqlite:///{tmp_path / 'p.db'}")
    store.migrate()
    asked: list[tuple[str, Any]] = []
    event.listen(store._writer, "before_cursor_execute", lambda *args: asked.append((args[2], args[3])))
    lease(store, "w", now)
    with store.write() as tx:
        outbox.recover(tx, now, resend=True)
        outbox.give_back(tx, "w", [1], now)
        outbox.end_leases(tx, ["w"], now)
        outbox.due_after_clock_fault(tx, now, timedelta(days=1))
        outbox.expire(tx, "digest", now)
        outbox.expire(tx, "alert", now, digest=True)
        outbox.lessees(tx)
        outbox.waiting(tx)
        outbox.due(tx, now)
        outbox.next_at(tx)
        editions.untold(tx, [1, 2])
    plans = {}
    with store.read() as tx:
        for sql, values in asked:
            if "FROM edition" in sql or sql.startswith("UPDATE edition"):
                plans[sql] = [str(row[3]) for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
    store.close()
    assert len(plans) >= 10
    for sql, steps in plans.items():
        for step in steps:
            if re.search(r"\bedition\b", step):
                assert "ix_edition_open" in step or "ix_edition_untold" in step or "rowid=?" in step, (sql, steps)
