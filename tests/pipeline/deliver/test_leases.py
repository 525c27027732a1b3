"""What a worker on another machine has claimed: its own while it lives, another's within a minute after its death."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.mail.transport.connection import Timeouts
from bot.pipeline.deliver import marks, worker_ids
from bot.pipeline.deliver.claims import LEASE
from bot.store import Database, outbox

Start = Callable[..., Any]
ELSEWHERE = "0a1b2c3d4e5f:0a1b2c3d:"  # a name like ours, of a process we know nothing of


def people(number: int) -> list[str]:
    return [f"p{index}@example.net" for index in range(number)]


def claimed(post: Any, number: int) -> list[outbox.Leased]:
    now = post.clock.now
    with post.database.write() as tx:
        return outbox.lease(tx, "digest", ELSEWHERE, now, now + LEASE, number)


def test_a_dead_machines_claims_are_anothers_within_a_minute(
    database: Database, post_on: Any, clock: Any, relay: Start, quick: Timeouts
) -> None:
    post, server = post_on(database, clock), relay()
    post.fill(people(6))
    assert len(claimed(post, 4)) == 4
    assert post.send(server.port, timeouts=quick).delivered == 2
    clock.move(seconds=60)
    assert post.send(server.port, timeouts=quick).delivered == 4
    assert sorted(server.recipients) == people(6)


def test_a_run_by_hand_waits_for_what_a_dead_one_had_claimed(
    database: Database, post_on: Any, clock: Any, relay: Start, quick: Timeouts
) -> None:
    """On PostgreSQL nothing but the end of its leases tells that somebody is dead; on SQLite the kernel does."""
    post, server = post_on(database, clock), relay()
    post.fill(people(6))
    holder = "0a1b2c3d4e5f:0a1b2c3d:7" if database.sqlite else ELSEWHERE
    now = clock.now
    with database.write() as tx:
        outbox.lease(tx, "digest", holder, now, now + LEASE, 4)
    report = post.send(server.port, timeouts=quick, patience=timedelta(minutes=10))
    assert (report.delivered, report.waiting) == (6, 0)
    assert sorted(server.recipients) == people(6)
    assert (clock.now - now < timedelta(seconds=5)) == database.sqlite
    assert clock.now - now < timedelta(seconds=60)


@pytest.mark.parametrize(
    "holder", ["host:4026531836:17:99:0a1b2c3d:1", "job:12", "", "0a1b2c3d4e5f:0a1b2c3d:zz", "ä:b:c"]
)
def test_names_of_other_versions_are_of_nobody_known_to_be_dead(
    holder: str, post: Any, clock: Any, relay: Start, quick: Timeouts
) -> None:
    """Their leases run out."""
    post.fill(people(2))
    now = clock.now
    with post.database.write() as tx:
        outbox.lease(tx, "digest", holder, now, now + LEASE, 1)
    assert post.send(relay().port, timeouts=quick).delivered == 1
    clock.move(seconds=40)
    assert post.send(relay().port, timeouts=quick).delivered == 1


@pytest.mark.parametrize("policy", ["resend", "skip"])
def test_one_that_was_stopped_and_goes_on_too_late_sends_nothing(
    policy: str, post: Any, clock: Any, relay: Start, quick: Timeouts
) -> None:
    """Stopped between the recipient's acceptance and the content, for longer than its lease: another took over."""
    taken_over: list[outbox.Leased] = []

    def script(talk: Any, line: str) -> None:
        if line.startswith("RCPT") and not taken_over:
            clock.move(seconds=60)
            taken_over.extend(claimed(post, 10))

    server = relay(script)
    post.fill(people(3))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bot.pipeline.deliver.worker_ids.at_work", frozenset)  # as another machine sees it
        report = post.send(server.port, timeouts=quick, on_crash=policy)
    assert len(taken_over) == 3
    assert (report.delivered, server.recipients) == (0, [])


def test_a_worker_that_lives_keeps_its_claims_however_long_a_relay_takes(
    post: Any, clock: Any, relay: Start, quick: Timeouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "BEAT", 0.1)
    stolen: list[outbox.Leased] = []

    def script(talk: Any, line: str) -> None:
        if line.startswith("RCPT"):
            for _ in range(3):
                clock.move(seconds=30)
                time.sleep(0.4)
            stolen.extend(claimed(post, 10))

    server = relay(script)
    post.fill(people(2))
    assert post.send(server.port, timeouts=quick).delivered == 2
    assert stolen == []


def test_a_fate_that_becomes_known_after_the_lease_is_written_all_the_same(post: Any, clock: Any) -> None:
    """The machine was cut off and is back; nobody else has taken the edition, or it stands as unknown."""
    post.fill(people(1))
    (leased,) = claimed(post, 1)
    with post.database.write() as tx:
        outbox.begin_sending(tx, leased.id, ELSEWHERE)
    clock.move(minutes=5)
    with post.database.write() as tx:
        assert outbox.recover(tx, clock.now, resend=False) == 1
        assert outbox.finish(tx, leased.id, ELSEWHERE, "sent", "250 fine", clock.now)
        assert outbox.finish(tx, leased.id, ELSEWHERE, "sent", "250 fine", clock.now)  # asked twice: the same
        assert not outbox.finish(tx, leased.id, "somebody else", "sent", "", clock.now)
    assert post.states() == {"p0@example.net": "sent"}
    assert timedelta(seconds=60) > LEASE


def test_what_failed_with_its_database_is_due_again_in_the_same_process(
    post: Any, clock: Any, relay: Start, quick: Timeouts
) -> None:
    """The run is over, the process is not: its leases need not run out."""
    post.fill(people(3))
    with worker_ids.working(post.database) as ours:
        now = clock.now
        with post.database.write() as tx:
            assert len(outbox.lease(tx, "digest", ours, now, now + LEASE, 3)) == 3
        assert post.send(relay().port, timeouts=quick).delivered == 0
    assert post.send(relay().port, timeouts=quick).delivered == 3
