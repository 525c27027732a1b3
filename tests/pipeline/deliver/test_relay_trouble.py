"""Relays that misbehave, through the whole of deliver: nothing is lost, nobody's trouble delays another, and the rows
say what happened."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.mail.transport.connection import Timeouts

Start = Callable[..., Any]
ADA, BOB, EVE = "ada@example.net", "bob@example.com", "eve@example.org"
ALL = [ADA, BOB, EVE]


def only(verb: str, who: str, answer: str) -> Callable[[Any, str], str | None]:
    """A script that answers one command about one recipient in its own way."""

    def script(talk: Any, line: str) -> str | None:
        if line.startswith("RCPT"):
            talk.whom = line
        about = line if verb == "RCPT" else getattr(talk, "whom", "")
        return answer if line.startswith(verb) and who in about else None

    return script


def test_everything_accepted(post: Any, relay: Start, quick: Timeouts) -> None:
    server = relay()
    post.fill(ALL)
    report = post.send(server.port, timeouts=quick)

    assert (report.delivered, report.failed, report.waiting, report.trouble) == (3, 0, 0, "")
    assert server.recipients == ALL
    assert server.connections == 1
    assert post.attempts() == []
    assert post.books()["delivered"] == 3


def test_alerts_leave_before_digests(post: Any, relay: Start, quick: Timeouts) -> None:
    server = relay()
    post.fill([f"d{number}@example.net" for number in range(10)])
    post.fill([ADA], kind="alert", slot="after-1")
    post.send(server.port, timeouts=quick)

    assert server.recipients[0] == ADA
    assert len(server.recipients) == 11


@pytest.mark.parametrize("verb", ["RCPT", "."])
def test_put_off_and_then_taken(verb: str, post: Any, clock: Any, relay: Start, quick: Timeouts) -> None:
    """4xx for one: the others go, this one waits longer each time, and goes in the end."""
    busy = True

    def script(talk: Any, line: str) -> str | None:
        return only(verb, BOB, "451 4.2.0 greylisted")(talk, line) if busy else None

    server = relay(script)
    post.fill(ALL)
    report = post.send(server.port, timeouts=quick)
    assert (report.delivered, report.failed, report.waiting, report.trouble) == (2, 1, 1, "")
    pauses = []
    for _ in range(3):
        due = post.next_at()
        pauses.append(due - clock.now)
        assert post.send(server.port, timeouts=quick).delivered == 0  # not before its time
        clock.now = due
        post.send(server.port, timeouts=quick)
    assert timedelta(minutes=1) <= pauses[0] < pauses[1] < pauses[2]
    busy = False
    clock.now = post.next_at()
    assert post.send(server.port, timeouts=quick).delivered == 1
    assert sorted(server.recipients) == sorted(ALL)
    assert [outcome for outcome, _ in post.attempts(BOB)] == ["retry"] * 4
    assert "451 4.2.0 greylisted" in post.attempts(BOB)[0][1]


@pytest.mark.parametrize(
    ("answer", "before", "status"),
    [
        ("550 5.1.1 no such user", 0, "bounced"),
        ("550 no such user", 0, "bounced"),
        ("550 5.1.1", 0, "bounced"),
        ("550 Utilisateur inconnu", 0, "bounced"),
        ("550 rejected", 0, "active"),  # does not say why: a second day ends it
        ("550 mailbox full", 0, "active"),
        ("550 5.1.1 no such user", 1, "active"),  # it took mail once: a second time ends it
        ("552 5.2.2 mailbox full", 0, "active"),
        ("554 5.2.1 disabled", 0, "active"),
    ],
)
def test_refused_for_good_is_the_subscribers_affair_alone(
    answer: str, before: int, status: str, post: Any, clock: Any, relay: Start, quick: Timeouts
) -> None:
    fine = relay()
    for number in range(before):
        post.fill([BOB], slot=f"earlier-{number}")
        post.send(fine.port, timeouts=quick)
    server = relay(only("RCPT", BOB, answer))
    post.fill(ALL)
    report = post.send(server.port, timeouts=quick)

    assert (report.delivered, report.failed, report.trouble) == (2, 1, "")
    assert server.recipients == [ADA, EVE]
    assert post.states()[BOB] == "failed"
    assert post.subscriber(BOB).status == status
    assert [outcome for outcome, _ in post.attempts(BOB)] == ["refused"]
    if before:
        clock.move(days=1)
        post.fill([BOB], slot="2026-11-21")
        post.send(server.port, timeouts=quick)
        assert post.subscriber(BOB).status == "bounced"


def test_five_soft_refusals_within_a_month_end_a_subscriber(
    post: Any, clock: Any, relay: Start, quick: Timeouts
) -> None:
    server = relay(only("RCPT", BOB, "552 5.2.2 mailbox full"))
    for number in range(5):
        assert post.subscriber(BOB).status == "active" if number else True
        post.fill([BOB], slot=f"day-{number}")
        post.send(server.port, timeouts=quick)
        clock.move(days=1)
    assert post.subscriber(BOB).status == "bounced"


def test_refused_for_what_we_are_pauses_sending_and_harms_no_subscriber(
    post: Any, clock: Any, relay: Start, quick: Timeouts
) -> None:
    """5.7.x for all: a few tries, then quiet; a pause that doubles; no subscriber is ended; all arrives in the end."""
    angry = True
    server = relay(lambda talk, line: "550 5.7.1 you are on a list" if angry and line.startswith("RCPT") else None)
    people = [f"p{number}@d{number}.example.net" for number in range(30)]
    post.fill(people)
    report = post.send(server.port, timeouts=quick)
    assert "5.7.1 you are on a list" in report.trouble
    assert (report.delivered, report.waiting) == (0, 30)
    tried = sum(line.startswith("RCPT") for line in server.commands)
    assert tried <= 4

    again = post.send(server.port, timeouts=quick)
    assert "paused until" in again.trouble
    assert sum(line.startswith("RCPT") for line in server.commands) == tried
    clock.move(minutes=16)
    post.send(server.port, timeouts=quick)
    assert sum(line.startswith("RCPT") for line in server.commands) == tried + 1  # one look, then quiet again
    clock.move(minutes=16)
    assert "paused until" in post.send(server.port, timeouts=quick).trouble

    angry = False
    clock.move(hours=2)
    report = post.send(server.port, timeouts=quick)
    clock.move(hours=2)
    post.send(server.port, timeouts=quick)
    assert sorted(server.recipients) == sorted(people)
    assert {post.subscriber(email).status for email in people} == {"active"}


def test_a_domain_that_refuses_us_does_not_stop_the_others(
    post: Any, clock: Any, relay: Start, quick: Timeouts
) -> None:
    server = relay(only("RCPT", "@big.example", "550 5.7.26 unauthenticated"))
    people = [f"p{number}@{domain}" for number in range(6) for domain in ("big.example", "small.example")]
    post.fill(people)
    report = post.send(server.port, timeouts=quick)

    assert report.delivered == 6
    assert all(email.endswith("@small.example") for email in server.recipients)
    assert len(post.attempts()) == 1
    assert post.next_at() - clock.now >= timedelta(minutes=15)


@pytest.mark.parametrize("connections", [1, 3])
def test_a_dead_relay_is_left_alone_after_a_few_tries(
    connections: int, post: Any, clock: Any, relay: Start, quick: Timeouts
) -> None:
    server = relay(lambda talk, line: "421 4.3.2 shutting down" if line == "(greeting)" else None)
    post.fill([f"p{number}@example.net" for number in range(60)])
    report = post.send(server.port, timeouts=quick, connections=connections)

    assert report.waiting == 60
    assert "421" in report.trouble
    assert len(post.attempts()) <= 3 + connections
    assert "paused until" in post.send(server.port, timeouts=quick).trouble


def test_421_in_the_middle_and_three_per_connection(post: Any, relay: Start, quick: Timeouts) -> None:
    """No message pays for being the fourth on a connection: all go in one run."""
    server = relay(
        lambda talk, line: (
            "421 4.7.0 enough for one connection" if line.startswith("MAIL") and talk.taken >= 3 else None
        )
    )
    people = [f"p{number}@example.net" for number in range(20)]
    post.fill(people)
    report = post.send(server.port, timeouts=quick)

    assert (report.delivered, report.failed) == (20, 0)
    assert server.recipients == people
    assert server.connections == 7


@pytest.mark.parametrize("features", [("PIPELINING",), ()], ids=["pipelined", "plain"])
@pytest.mark.parametrize("on_crash", ["resend", "skip"])
def test_dropped_before_the_dot_is_sent_again(
    on_crash: str, features: tuple[str, ...], post: Any, clock: Any, relay: Start, quick: Timeouts, hang_up: Any
) -> None:
    failures = 1

    def script(talk: Any, line: str) -> str | None:
        nonlocal failures
        if line == "DATA" and failures:
            failures -= 1
            raise hang_up
        return None

    server = relay(script, features=features)
    post.fill(ALL)
    report = post.send(server.port, timeouts=quick, on_crash=on_crash)
    assert report.delivered + report.failed == 3
    clock.move(minutes=5)
    post.send(server.port, timeouts=quick, on_crash=on_crash)
    assert sorted(server.recipients) == sorted(ALL)
    assert post.books()["delivered"] == 3


@pytest.mark.parametrize(("on_crash", "state", "copies"), [("resend", "sent", 2), ("skip", "unknown", 1)])
def test_dropped_after_the_dot_is_doubled_once_or_listed(
    on_crash: str, state: str, copies: int, post: Any, clock: Any, relay: Start, quick: Timeouts, hang_up: Any
) -> None:
    drops = 1

    def script(talk: Any, line: str) -> str | None:
        nonlocal drops
        if line == "." and drops and talk.recipient == BOB:
            drops -= 1
            talk.relay.accepted.append((talk.recipient, b"taken, but never answered"))
            raise hang_up
        return None

    server = relay(script)
    post.fill(ALL)
    post.send(server.port, timeouts=quick, on_crash=on_crash)
    clock.move(minutes=5)
    post.send(server.port, timeouts=quick, on_crash=on_crash)

    assert server.recipients.count(BOB) == copies
    assert server.recipients.count(ADA) == server.recipients.count(EVE) == 1
    assert post.states() == {ADA: "sent", BOB: state, EVE: "sent"}
    assert [outcome for outcome, _ in post.attempts(BOB)] == ["unknown"]


def test_a_relay_that_never_answers_is_not_fed_the_same_message_for_ever(
    post: Any, clock: Any, relay: Start, quick: Timeouts, hang_up: Any
) -> None:
    def script(talk: Any, line: str) -> str | None:
        if line == ".":
            talk.relay.accepted.append((talk.recipient, b""))
            raise hang_up
        return None

    server = relay(script)
    post.fill([BOB])
    for _ in range(8):
        post.send(server.port, timeouts=quick)
        clock.move(hours=1)
    assert server.recipients == [BOB] * 3
    assert post.states() == {BOB: "unknown"}
    assert post.books()["unknown"] == 1


def test_a_stalled_message_delays_nobody_on_the_other_connections(post: Any, relay: Start, quick: Timeouts) -> None:
    def script(talk: Any, line: str) -> str | None:
        if line.startswith("RCPT") and BOB in line:
            talk.stall()
        return None

    server = relay(script, features=())
    people = [BOB, *(f"p{number}@example.net" for number in range(30))]
    post.fill(people)
    reports: list[Any] = []
    patient = replace(quick, command=3)
    sender = threading.Thread(target=lambda: reports.append(post.send(server.port, timeouts=patient, connections=3)))
    began = time.monotonic()
    sender.start()
    while len(server.recipients) < 27 and time.monotonic() - began < 10:
        time.sleep(0.02)
    assert time.monotonic() - began < 2.9  # all but those in the stalled thread's hands
    sender.join()

    assert sorted(server.recipients) == sorted(people[1:])
    (attempt,) = post.attempts()
    assert attempt[0] == "retry"
    assert reports[0].delivered == 30


def test_two_connections_and_one_that_stalls(post: Any, relay: Start, quick: Timeouts) -> None:
    """Everybody else goes out on the other one at once, also who comes later."""
    moments: list[float] = []
    began = time.monotonic()

    def script(talk: Any, line: str) -> str | None:
        if line.startswith("RCPT") and BOB in line:
            post.fill(["late@example.org"], kind="alert", slot="after-1")
            talk.stall()
        if line == ".":
            moments.append(time.monotonic() - began)
        return None

    server = relay(script, features=())
    post.fill([BOB, ADA, EVE])
    report = post.send(server.port, timeouts=replace(quick, command=4), connections=2)
    assert sorted(server.recipients) == [ADA, EVE, "late@example.org"]
    assert report.delivered == 3
    assert max(moments) < 2


def test_a_run_that_lasts_says_in_between_what_it_has_done(
    post: Any, relay: Start, quick: Timeouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker's run lasts as long as its slowest message; everything is told once."""
    monkeypatch.setattr("bot.pipeline.deliver.deliver.MINUTE", 0.3)
    told: list[Any] = []
    server = relay(lambda talk, line: talk.stall() if line.startswith("RCPT") and BOB in line else None, features=())
    post.fill([BOB, ADA, EVE])
    report = post.send(server.port, timeouts=replace(quick, command=1.5), connections=2, interim=told.append)
    assert len(told) > 2
    assert told[0].delivered == 2
    assert (sum(one.delivered for one in told), sum(one.failed for one in told)) == (2, 1)
    assert (report.delivered, report.failed) == (2, 1)


def test_a_relay_that_drips_is_given_up_in_time(post: Any, relay: Start, quick: Timeouts) -> None:
    def script(talk: Any, line: str) -> str | None:
        if line.startswith("RCPT"):
            for letter in b"250 " + b"." * 100:
                talk.send(bytes((letter,)))
                time.sleep(0.05)
        return None

    server = relay(script, features=())
    post.fill([ADA])
    began = time.monotonic()
    report = post.send(server.port, timeouts=replace(quick, command=0.4))
    assert time.monotonic() - began < 4
    assert (report.delivered, report.waiting) == (0, 1)
    assert post.attempts()[0][0] == "retry"


def test_garbage_and_no_tls_are_our_trouble_not_the_subscribers(
    post: Any, clock: Any, relay: Start, quick: Timeouts, authority: Any
) -> None:
    garbage = relay(lambda talk, line: "HTTP/1.1 400 Bad Request" if line == "(greeting)" else None)
    strange = relay(context=authority.server("elsewhere.example"))
    plain = relay()
    post.fill(ALL)
    for port, url, said in (
        (garbage.port, "smtp://127.0.0.1:{}", "no SMTP answer"),
        (strange.port, f"smtp://127.0.0.1:{{}}?tls=on&ca={authority.ca}", "certificate is not good"),
        (plain.port, "smtp://127.0.0.1:{}?tls=on", "no STARTTLS"),
    ):
        report = post.send(url.format(port), timeouts=quick)
        assert said in report.trouble
        assert report.waiting == 3
        clock.move(hours=3)
    assert {outcome for outcome, _ in post.attempts()} == {"ours"}
    assert {post.subscriber(email).status for email in ALL} == {"active"}
    assert post.send(plain.port, timeouts=quick).delivered == 3


def test_a_letter_that_is_too_big_goes_smaller(post: Any, relay: Start, quick: Timeouts) -> None:
    server = relay(features=("PIPELINING", "SIZE 4000"))
    post.fill([ADA], papers=range(1, 17))
    report = post.send(server.port, timeouts=quick)

    assert (report.delivered, report.failed) == (1, 0)
    ((_, content),) = server.accepted
    assert b"papers: [1, 2, 3, 4]\r\n" in content
    assert [outcome for outcome, _ in post.attempts()] == ["too big"] * 2
    assert post.books()["delivered"] == 16


def test_a_letter_that_is_too_big_whatever_is_left_out_is_failed(post: Any, relay: Start, quick: Timeouts) -> None:
    server = relay(features=("PIPELINING", "SIZE 100"))
    post.fill([ADA], papers=range(1, 17))
    assert post.send(server.port, timeouts=quick).failed == 1
    assert post.states() == {ADA: "failed"}
    assert post.subscriber(ADA).status == "active"


def test_who_leaves_while_the_message_is_on_its_way_gets_nothing(
    post: Any, clock: Any, relay: Start, quick: Timeouts
) -> None:
    """The last look is after the recipient was accepted and before the first byte of content."""
    from bot.store import subscribers

    def script(talk: Any, line: str) -> str | None:
        if line.startswith("RCPT") and BOB in line:
            with post.database.write() as tx:
                subscribers.set_status(tx, BOB, "unsubscribed", "asked by mail", clock.now)
        return None

    server = relay(script)
    post.fill(ALL)
    report = post.send(server.port, timeouts=quick)
    assert server.recipients == [ADA, EVE]
    assert (report.delivered, report.suppressed) == (2, 1)
    assert post.states()[BOB] == "suppressed"


def test_a_letter_that_cannot_be_made_delays_nobody(
    post: Any, relay: Start, quick: Timeouts, caplog: pytest.LogCaptureFixture
) -> None:
    from bot.mail.message.types import Message

    def build(leased: Any) -> Message:
        if leased.email == BOB:
            raise KeyError("a template of the user's")
        return Message(sender="b@example.org", recipient=leased.email, message_id=leased.message_id, data=b"\r\n")

    server = relay()
    post.fill(ALL)
    report = post.send(server.port, timeouts=quick, build=build)
    assert server.recipients == [ADA, EVE]
    assert (report.delivered, report.failed, report.waiting) == (2, 1, 1)
    assert "KeyError" in post.attempts(BOB)[0][1]


def test_stopping_finishes_the_message_in_flight_and_gives_the_rest_back(
    post: Any, relay: Start, quick: Timeouts
) -> None:
    stop = threading.Event()

    def script(talk: Any, line: str) -> None:
        if line == "." and len(talk.relay.accepted) == 2:
            stop.set()

    server = relay(script)
    people = [f"p{number}@example.net" for number in range(40)]
    post.fill(people)
    report = post.send(server.port, timeouts=quick, stop=stop)
    assert len(server.recipients) == report.delivered == 3
    assert report.waiting == 37
    assert set(post.states().values()) == {"sent", "waiting"}
    assert post.send(server.port, timeouts=quick).delivered == 37
    assert sorted(server.recipients) == sorted(people)
