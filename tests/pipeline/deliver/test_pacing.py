"""Rates, warming up, slowing down and fail-over: kept in rows, so that a restart forgets nothing. Every `send` here is
one: a new run on the same database."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.mail.transport.connection import Timeouts
from bot.store import Database, mail_pacing

Start = Callable[..., Any]


def people(number: int, domain: str = "example.net") -> list[str]:
    return [f"p{index}@{domain}" for index in range(number)]


def test_the_rate_of_a_relay_holds_across_restarts(
    database: Database, post_on: Any, clock: Any, relay: Start, quick: Timeouts
) -> None:
    """Six a minute, however often we are started; and the rate is used, not only kept."""
    moments: list[Any] = []
    post, server = (
        post_on(database, clock),
        relay(lambda talk, line: moments.append(clock.now) if line == "." else None),
    )
    post.fill(people(30))
    start = clock.now
    while len(moments) < 30:
        post.send(server.port, timeouts=quick, per_minute=6)
        clock.move(seconds=7)
    gaps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(moments)]
    assert min(gaps) >= 10
    assert (moments[-1] - start).total_seconds() <= 30 * 10 * 1.5


def test_a_rate_slower_than_the_worker_wakes_still_sends(post: Any, clock: Any, relay: Start, quick: Timeouts) -> None:
    """One a minute, asked every 20 seconds: a turn that is too far off to wait for must not be used up by asking."""
    server = relay()
    post.fill(people(5))
    for _ in range(16):
        post.send(server.port, timeouts=quick, per_minute=1)
        clock.move(seconds=20)
    assert len(server.recipients) == 5


def test_a_patient_run_waits_for_its_turns(post: Any, clock: Any, relay: Start, quick: Timeouts) -> None:
    """`once` from cron stays until all is sent, by relay and by domain."""
    server = relay()
    post.fill([*people(20), *people(20, "example.org")])
    start = clock.now
    report = post.send(
        server.port, timeouts=quick, per_minute=30, domain_per_minute=12, patience=timedelta(minutes=10), connections=2
    )
    assert (report.delivered, report.waiting, report.failed) == (40, 0, 0)
    assert timedelta(seconds=78) <= clock.now - start <= timedelta(seconds=200)


def test_a_busy_domain_waits_in_its_own_queue(
    database: Database, post_on: Any, clock: Any, relay: Start, quick: Timeouts
) -> None:
    """Forty to one domain and twelve to another, six a minute to each: the small one is not behind the big one."""
    moments: dict[str, list[float]] = {"big.example": [], "small.example": []}
    start = clock.now

    def script(talk: Any, line: str) -> None:
        if line.startswith("RCPT"):
            moments[line.strip("<>").rpartition("@")[2]].append((clock.now - start).total_seconds())

    post, server = post_on(database, clock), relay(script)
    post.fill([*people(40, "big.example"), *people(12, "small.example")])
    runs = 0
    while len(server.recipients) < 52 and runs < 100:
        post.send(server.port, timeouts=quick, domain_per_minute=6)
        clock.move(seconds=3)
        runs += 1
    assert sorted(server.recipients) == sorted([*people(40, "big.example"), *people(12, "small.example")])
    for taken in moments.values():
        assert min(later - earlier for earlier, later in itertools.pairwise(taken)) >= 9.99
    assert moments["small.example"][-1] <= 12 * 10 * 1.6
    assert moments["big.example"][-1] <= 40 * 10 * 1.6
    assert post.attempts() == []


def test_warming_up_grows_by_the_day_and_counts_only_what_was_taken(
    database: Database, post_on: Any, clock: Any, relay: Start, quick: Timeouts
) -> None:
    post = post_on(database, clock)
    server = relay(lambda talk, line: "451 4.2.0 later" if line.startswith("RCPT") and "p1@" in line else None)
    post.fill(people(200))
    days = []
    for _ in range(4):
        before = len(server.recipients)
        for _ in range(3):
            report = post.send(server.port, timeouts=quick, warm_up=10)
            clock.move(minutes=70)
        days.append(len(server.recipients) - before)
        assert "warmed up" in report.note
        assert report.trouble == ""
        clock.move(days=1, minutes=-210)
    assert days == [10, 15, 22, 33]


@pytest.mark.parametrize(
    "words", ["450 4.2.1 receiving mail at a rate that", "451 4.7.1 too many messages", "451 4.7.28 x"]
)
def test_a_relay_that_says_slow_down_is_obeyed_and_forgiven(
    words: str, post: Any, clock: Any, relay: Start, quick: Timeouts
) -> None:
    moments: list[Any] = []

    def script(talk: Any, line: str) -> str | None:
        if line.startswith("RCPT"):
            moments.append(clock.now)
            return words if len(moments) in (3, 4, 5) else None
        return None

    server = relay(script)
    post.fill(people(40))
    while len(server.recipients) < 40 and len(moments) < 60:
        post.send(server.port, timeouts=quick)
        clock.move(seconds=20)
    gaps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(moments)]
    assert len(server.recipients) == 40
    assert len(moments) == 43
    assert gaps[:2] == [0, 0]
    assert all(gap >= 1 for gap in gaps[2:12])  # slower after each complaint, across restarts ...
    assert max(gaps[4:12]) >= 3
    with post.database.read() as tx:
        learnt = mail_pacing.known(tx, ["mail:to:example.net", f"mail:smtp://127.0.0.1:{server.port}"])
    assert all(limit.gap < 0.5 for limit in learnt.values())  # ... and forgiven step by step


# -- several relays --------------------------------------------------------------------------------------------------


def test_the_second_relay_takes_over_at_once(post: Any, clock: Any, relay: Start, quick: Timeouts) -> None:
    broken = True
    first = relay(lambda talk, line: "421 4.3.2 down" if broken and line == "(greeting)" else None)
    second = relay()
    post.fill(people(20))
    report = post.send(first.port, second.port, timeouts=quick)
    assert (report.delivered, report.failed) == (20, 0)
    assert second.recipients == people(20)
    assert first.connections == 3  # then it is left alone
    assert [outcome for outcome, _ in post.attempts()] == ["retry"] * 3

    broken = False
    clock.move(hours=1)
    post.fill(people(20), slot="2026-11-21")
    post.send(first.port, second.port, timeouts=quick)
    assert first.recipients == people(20)  # used again, and first
    assert second.recipients == people(20)


def test_nobody_listening_is_no_reason_to_wait_either(post: Any, relay: Start, quick: Timeouts) -> None:
    second = relay()
    post.fill(people(5))
    report = post.send(1, second.port, timeouts=quick)
    assert second.recipients == people(5)
    assert report.delivered == 5


@pytest.mark.parametrize(("on_crash", "copies"), [("skip", 0), ("resend", 1)])
def test_what_the_first_relay_may_have_taken_goes_to_no_other(
    on_crash: str, copies: int, post: Any, clock: Any, relay: Start, quick: Timeouts, hang_up: Any
) -> None:
    def script(talk: Any, line: str) -> None:
        if line == ".":
            raise hang_up

    first, second = relay(script), relay()
    post.fill(people(1))
    post.send(first.port, second.port, timeouts=quick, on_crash=on_crash)
    assert second.recipients == []
    with post.database.write() as tx:
        mail_pacing.hold(tx, f"mail:smtp://127.0.0.1:{first.port}", clock.now, clock.now + timedelta(hours=1), "test")
    clock.move(minutes=5)
    post.send(first.port, second.port, timeouts=quick, on_crash=on_crash)
    assert len(second.recipients) == copies  # "resend" repeats it, after its pause, under the same Message-ID
    assert post.states() == {"p0@example.net": "sent" if copies else "unknown"}


def test_a_subscribers_refusal_is_no_reason_to_ask_another_relay(post: Any, relay: Start, quick: Timeouts) -> None:
    first = relay(lambda talk, line: "550 5.1.1 nobody" if line.startswith("RCPT") else None)
    second = relay()
    post.fill(people(3))
    post.send(first.port, second.port, timeouts=quick)
    assert second.connections == 0
    assert set(post.states().values()) == {"failed"}


def test_a_clock_that_ran_ahead_blocks_nothing(
    database: Database, post_on: Any, clock: Any, relay: Start, quick: Timeouts
) -> None:
    """Two days ahead, everything is held, leased and put off; then the clock is put right."""
    post = post_on(database, clock)
    server = relay()
    post.fill(people(10))
    start = clock.now
    clock.move(days=2)
    post.send(1, timeouts=quick, per_minute=60, domain_per_minute=60)  # nobody listens: a try, and a pause
    clock.now = start
    for _ in range(10):
        post.send(server.port, timeouts=quick, per_minute=60, domain_per_minute=60)
        clock.move(seconds=10)
    assert sorted(server.recipients) == sorted(people(10))
    assert set(post.states().values()) == {"sent"}


@pytest.mark.parametrize("broken", ["route", "relay"])
def test_one_workers_broken_route_is_not_everybodys(
    broken: str,
    database: Database,
    post_on: Any,
    clock: Any,
    relay: Start,
    quick: Timeouts,
    hang_up: Any,
    as_worker: Any,
) -> None:
    """Who cannot talk to a relay stays away from it alone, where workers may be on several machines; what the relay
    itself says is for all. On SQLite all are on one machine."""

    def script(talk: Any, line: str) -> str | None:
        if line == "(greeting)" and as_worker.name == "first":
            if broken == "route":
                raise hang_up
            return "421 4.3.2 down"
        return None

    post, server = post_on(database, clock), relay(script)
    post.fill(people(20))
    as_worker("first")
    assert "paused" not in post.send(server.port, timeouts=quick).trouble
    tried = server.connections
    assert tried == 3
    clock.move(seconds=30)
    assert "sending is paused until" in post.send(server.port, timeouts=quick).trouble
    assert server.connections == tried  # it knows that by now

    as_worker("second")
    report = post.send(server.port, timeouts=quick)
    if broken == "relay" or database.sqlite:
        assert "sending is paused until" in report.trouble
        return
    assert (report.delivered, report.trouble) == (17, "")  # the three that were tried wait a minute
    with database.read() as tx:
        (held,) = mail_pacing.held(tx, clock.now, "mail:")
    assert held.name.startswith(f"mail:smtp://127.0.0.1:{server.port} from ")
    as_worker("first")
    post.fill(people(5), slot="2026-11-21")
    assert "sending is paused until" in post.send(server.port, timeouts=quick).trouble  # what others do heals no route

    clock.move(minutes=3)
    as_worker("first").name = "first, mended"
    assert post.send(server.port, timeouts=quick).delivered == 8
    with database.write() as tx:
        assert mail_pacing.held(tx, clock.now, "mail:") == []
        mail_pacing.hold(tx, held.name, clock.now, clock.now + timedelta(minutes=1), "a worker that died")
        mail_pacing.prune(tx, clock.now + timedelta(minutes=2))
        assert mail_pacing.known(tx, [held.name]) == {}
