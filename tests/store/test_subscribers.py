"""Subscribers of the file and of the database: who is due, and who is out of reach whatever the file says."""

from datetime import datetime, timedelta

import pytest

from bot.store import Database, cursors, file_sync, subscribers
from bot.store.subscribers import Status, SubscriberRecord
from tests import people

HOUR = timedelta(hours=1)
EVERYBODY = cursors.Chunk(0, 1000)


def record(email: str, due: datetime | None = None, schedule: str = "daily 07:30", **data: object) -> SubscriberRecord:
    return SubscriberRecord(email=email, data={"email": email, **data}, alerts=False, schedule=schedule, next_due=due)


def stored(database: Database) -> dict[str, subscribers.StoredSubscriber]:
    with database.read() as tx:
        return {one.email: one for one in subscribers.everyone(tx)}


def sync(database: Database, now: datetime, *records: SubscriberRecord) -> None:
    with database.write() as tx:
        people.sync(tx, records, now)


def test_syncing_twice_changes_nothing(database: Database, now: datetime) -> None:
    sync(database, now, record("ada@example.org", now + HOUR))
    before = stored(database)
    sync(database, now + HOUR, record("ada@example.org", now + 5 * HOUR))

    assert stored(database) == before


def test_a_new_schedule_counts_from_now_and_an_old_one_goes_on(database: Database, now: datetime) -> None:
    sync(database, now, record("ada@example.org", now + HOUR))
    sync(database, now, record("ada@example.org", now + 9 * HOUR, schedule="daily 17:00", name="Ada"))

    ada = stored(database)["ada@example.org"]
    assert ada.next_due == now + 9 * HOUR
    assert '"name": "Ada"' in ada.data


def test_who_leaves_the_file_gets_nothing_more_and_comes_back_as_they_were(database: Database, now: datetime) -> None:
    both = record("ada@example.org", now), record("bob@example.org", now)
    sync(database, now, *both)
    sync(database, now, both[0])
    with database.read() as tx:
        due = [one.email for one in cursors.digest_due(tx, now + HOUR, EVERYBODY)]
        forced = [one.email for one in cursors.digest_due(tx, now, EVERYBODY, force=True)]

    assert due == forced == ["ada@example.org"]
    assert stored(database)["bob@example.org"].status == "removed"
    sync(database, now, *both)
    assert stored(database)["bob@example.org"].status == "active"


@pytest.mark.parametrize("status", subscribers.FINAL)
def test_an_unsubscribe_a_bounce_and_a_complaint_win_over_the_file(
    database: Database, now: datetime, status: Status
) -> None:
    ada = record("ada@example.org", now)
    sync(database, now, ada)
    with database.write() as tx:
        assert subscribers.set_status(tx, "ada@example.org", status, "said so", now)
        assert not subscribers.set_status(tx, "nobody@example.org", status, "said so", now)
    sync(database, now)
    sync(database, now, ada)
    with database.read() as tx:
        planned = file_sync.planned_changes(tx, [ada], now)
        assert cursors.digest_due(tx, now + HOUR, EVERYBODY, force=True) == []

    assert stored(database)["ada@example.org"].status == status
    assert [row.status for row in planned.unreachable] == [status]


def test_what_a_run_would_change_is_known_before_and_comes_true(database: Database, now: datetime) -> None:
    sync(database, now, record("ada@example.org"), record("bob@example.org"))
    wanted = [record("ada@example.org", name="A."), record("cyd@example.org", now)]
    later = now + HOUR
    with database.read() as tx:
        planned = file_sync.planned_changes(tx, wanted, later)
    before = stored(database)
    with database.write() as tx:
        file_sync.carry_out(tx, planned, later)
    after = stored(database)

    assert [one.email for one in planned.new] == ["cyd@example.org"]
    assert [row.email for row, _ in planned.changed] == ["ada@example.org"]
    assert [row.email for row in planned.gone] == ["bob@example.org"]
    assert before["bob@example.org"].status == "active"
    expected = planned.after(later)
    expected["cyd@example.org"] = expected["cyd@example.org"]._replace(id=after["cyd@example.org"].id)
    assert after == expected
    with database.read() as tx:
        again = file_sync.planned_changes(tx, wanted, later)
    assert (again.new, again.changed, again.gone) == ((), (), ())


@pytest.mark.parametrize(
    ("before", "after", "many"), [(2, 0, False), (3, 2, False), (3, 1, True), (4, 2, True), (5, 3, False), (9, 0, True)]
)
def test_half_or_more_of_three_or_more_is_many(
    database: Database, now: datetime, before: int, after: int, many: bool
) -> None:
    everybody = [record(f"{number}@example.org") for number in range(before)]
    sync(database, now, *everybody)
    with database.write() as tx:
        planned = file_sync.planned_changes(tx, everybody[:after], now)
        file_sync.carry_out(tx, planned, now, remove=False)

    assert planned.removes_many is many
    assert {one.status for one in stored(database).values()} == {"active"}


def test_a_pause_ends_by_itself_and_its_digest_is_then_due(database: Database, now: datetime) -> None:
    sync(database, now, record("ada@example.org", now))
    with database.write() as tx:
        subscribers.set_status(tx, "ada@example.org", "paused", "holiday", now, until=now + 2 * HOUR)
        subscribers.end_pauses(tx, now + HOUR)
        assert cursors.digest_due(tx, now + HOUR, EVERYBODY) == []
        subscribers.end_pauses(tx, now + 2 * HOUR)
        assert [one.email for one in cursors.digest_due(tx, now + 2 * HOUR, EVERYBODY)] == ["ada@example.org"]


def test_subscribers_kept_here_are_not_touched_by_the_file(database: Database, now: datetime) -> None:
    with database.write() as tx:
        assert subscribers.add(tx, [record("db@example.org"), record("db@example.org")], now) == 1
        assert subscribers.add(tx, [record("db@example.org")], now) == 0
    sync(database, now, record("ada@example.org"))

    assert {one.email: (one.origin, one.status) for one in stored(database).values()} == {
        "db@example.org": ("database", "active"),
        "ada@example.org": ("file", "active"),
    }


def test_bounces_are_counted_once_a_day_within_their_window(database: Database, now: datetime) -> None:
    day = 24 * HOUR
    sync(database, now, record("ada@example.org"))
    with database.write() as tx:
        ada = subscribers.by_email(tx, "ada@example.org")
        assert ada is not None
        moments = [now, now + HOUR, now + day, now + 2 * day]
        counts = [subscribers.count_bounce(tx, ada.id, moment, now - HOUR) for moment in moments]
        later = subscribers.count_bounce(tx, ada.id, now + 99 * day, now + 50 * day)

    assert (counts, later) == ([1, 1, 2, 3], 1)
