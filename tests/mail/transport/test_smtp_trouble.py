"""Relays that misbehave. What is asked of the client: never call a message sent that is not, never call one lost that
may have arrived, never let one subscriber's trouble touch the next."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import DeliveryError
from bot.mail.message.types import Message, Session
from bot.mail.transport.connection import MAX_LINE, Timeouts
from bot.mail.transport.from_url import transport

Start = Callable[..., Any]
BRIEF = 0.3  # seconds: a time-out to run into
BOTH = pytest.mark.parametrize("features", [("PIPELINING", "ENHANCEDSTATUSCODES"), ()], ids=["pipelined", "plain"])


def to(port: int, quick: Timeouts) -> Session:
    return transport(f"smtp://127.0.0.1:{port}", timeouts=quick).session()


def fails(session: Session, message: Message) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        session.send(message)
    assert "\n" not in str(caught.value)
    return caught.value


def of(message: Message, name: str) -> Message:
    return replace(message, recipient=f"{name}@example.net")


@BOTH
@pytest.mark.parametrize(
    ("verb", "answer", "outcome", "code"),
    [
        ("MAIL", "451 4.3.0 later", "retry", "4.3.0"),
        ("MAIL", "550 5.7.1 not you", "ours", "5.7.1"),
        ("RCPT", "450 4.2.0 greylisted", "retry", "4.2.0"),
        ("RCPT", "550 5.1.1 nobody", "refused", "5.1.1"),
        ("RCPT", "550-5.1.1 nobody\r\n550 5.1.1 of that name", "refused", "5.1.1"),
        ("RCPT", "554 5.7.1 relay access denied", "ours", "5.7.1"),
        ("DATA", "451 4.3.5 cannot now", "retry", "4.3.5"),
        (".", "452 4.3.1 disk full", "retry", "4.3.1"),
        (".", "550 5.1.1 nobody after all", "refused", "5.1.1"),
        (".", "550 5.7.26 unauthenticated", "ours", "5.7.26"),
        (".", "552 5.3.4 too big", "too big", "5.3.4"),
    ],
)
def test_one_subscribers_trouble_does_not_touch_the_next(
    verb: str,
    answer: str,
    outcome: str,
    code: str,
    features: tuple[str, ...],
    relay: Start,
    quick: Timeouts,
    message: Message,
) -> None:
    is_bob = False

    def script(talk: Any, line: str) -> str | None:
        nonlocal is_bob
        if line.startswith("MAIL"):
            is_bob = "bob" in line
        return answer if is_bob and line.startswith(verb) else None

    server = relay(script, features=features)
    session = to(server.port, quick)
    session.send(of(message, "ada"))
    error = fails(session, replace(of(message, "bob"), sender="b+bob@papers.example.org"))
    assert (error.outcome, error.code) == (outcome, code)
    assert answer.splitlines()[0][4:].split(" ", 1)[1] in str(error)
    session.send(of(message, "eve"))
    session.close()
    assert server.recipients == ["ada@example.net", "eve@example.net"]
    assert server.connections == 1


@BOTH
def test_temporary_then_fine(features: tuple[str, ...], relay: Start, quick: Timeouts, message: Message) -> None:
    seen: dict[str, int] = {}

    def script(talk: Any, line: str) -> str | None:
        if line.startswith("RCPT"):
            seen[line] = seen.get(line, 0) + 1
            return "451 4.7.1 greylisted, come again" if seen[line] == 1 else None
        return None

    server = relay(script, features=features)
    session = to(server.port, quick)
    for name in ("ada", "bob"):
        assert fails(session, of(message, name)).outcome == "retry"
    for name in ("ada", "bob"):
        session.send(of(message, name))
    session.close()
    assert server.recipients == ["ada@example.net", "bob@example.net"]


@BOTH
@pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("how", ["421", "closes"])
def test_a_relay_that_takes_three_per_connection(
    at: str,
    how: str,
    features: tuple[str, ...],
    relay: Start,
    quick: Timeouts,
    message: Message,
    hang_up: type[Exception],
) -> None:
    """No message pays for having been the fourth: it goes at once, over a new connection."""

    def script(talk: Any, line: str) -> str | None:
        if talk.taken == 3 and line.startswith(at):
            if how == "closes":
                raise hang_up
            return "421 4.7.0 too many messages for one connection"
        return None

    server = relay(script, features=features)
    session = to(server.port, quick)
    for number in range(8):
        session.send(of(message, f"subscriber{number}"))
    session.close()
    assert server.recipients == [f"subscriber{number}@example.net" for number in range(8)]
    assert server.connections == 3


def test_a_relay_that_hangs_up_between_messages(
    relay: Start, quick: Timeouts, message: Message, hang_up: type[Exception]
) -> None:
    def script(talk: Any, line: str) -> bytes | None:
        if line == ".":
            talk.is_ended = True
            talk.send(b"250 2.0.0 taken\r\n421 4.4.2 and good bye\r\n")
            talk.relay.accepted.append((talk.recipient, b""))
            raise hang_up
        return None

    server = relay(script)
    session = to(server.port, quick)
    for name in ("ada", "bob"):
        assert session.send(of(message, name)) == "250 2.0.0 taken"
        time.sleep(0.05)  # for the farewell to arrive
    session.close()
    assert server.recipients == ["ada@example.net", "bob@example.net"]
    assert server.connections == 2


@BOTH
@pytest.mark.parametrize("at", ["(greeting)", "EHLO", "MAIL", "RCPT", "DATA"])
def test_hanging_up_before_the_content_is_a_retry(
    at: str, features: tuple[str, ...], relay: Start, quick: Timeouts, message: Message, hang_up: type[Exception]
) -> None:
    def script(talk: Any, line: str) -> None:
        if line.startswith(at):
            raise hang_up

    server = relay(script, features=features)
    called: list[int] = []
    session = to(server.port, quick)
    with pytest.raises(DeliveryError) as caught:
        session.send(message, lambda: called.append(1))
    assert caught.value.outcome == "retry"
    assert called == []
    assert server.accepted == []


@BOTH
@pytest.mark.parametrize("at", ["(greeting)", "EHLO", "MAIL", "RCPT", "DATA"])
def test_stalling_before_the_content_is_a_retry(
    at: str, features: tuple[str, ...], relay: Start, quick: Timeouts, message: Message
) -> None:
    def script(talk: Any, line: str) -> None:
        if line.startswith(at):
            talk.stall()

    server = relay(script, features=features)
    started = time.monotonic()
    error = fails(to(server.port, replace(quick, greeting=BRIEF, command=BRIEF, data=BRIEF)), message)
    assert error.outcome == "retry"
    assert "timed out" in str(error)
    assert time.monotonic() - started < 5


def test_dropping_within_the_content_is_a_retry(
    relay: Start, quick: Timeouts, message: Message, hang_up: type[Exception]
) -> None:
    """The final dot has not left, so the relay cannot have taken it."""

    def script(talk: Any, line: str) -> None:
        if line == "DATA":
            talk.send(b"354 go ahead\r\n")
            talk.stream.recv(1000)
            raise hang_up

    server = relay(script, features=())
    big = replace(message, data=message.data * 500_000)  # more than the system's buffers swallow
    error = fails(to(server.port, quick), big)
    assert error.outcome == "retry"
    assert "within the message" in str(error)


def test_a_relay_too_slow_to_take_the_content_is_a_retry(relay: Start, quick: Timeouts, message: Message) -> None:
    def script(talk: Any, line: str) -> None:
        if line == "DATA":
            talk.send(b"354 go ahead\r\n")
            talk.stall()

    big = replace(message, data=message.data * 500_000)
    assert fails(to(relay(script, features=()).port, replace(quick, content=BRIEF)), big).outcome == "retry"


@pytest.mark.parametrize("how", ["hangs up", "stalls", "garbage", "odd code", "endless"])
def test_no_answer_after_the_dot_is_unknown(
    how: str, relay: Start, quick: Timeouts, message: Message, hang_up: type[Exception]
) -> None:
    """The relay may have it or not; only `on_crash` may decide. The next message goes over a new connection."""
    taken: list[str] = []

    def script(talk: Any, line: str) -> bytes | str | None:
        if line != "." or talk.number > 1:
            return None
        taken.append(talk.recipient)
        if how == "hangs up":
            raise hang_up
        if how == "stalls":
            talk.stall()
        return {"garbage": b"\xff\xfe\x00 what\r\n", "odd code": b"354 more?\r\n", "endless": b"x" * (MAX_LINE + 10)}[
            how
        ]

    server = relay(script)
    session = to(server.port, replace(quick, after_dot=BRIEF if how == "stalls" else 5))
    error = fails(session, of(message, "ada"))
    assert error.outcome == "unknown"
    assert taken == ["ada@example.net"]
    session.send(of(message, "bob"))
    session.close()
    assert server.recipients == ["bob@example.net"]
    assert server.connections == 2


def test_a_farewell_instead_of_an_answer_is_a_no(relay: Start, quick: Timeouts, message: Message) -> None:
    server = relay(lambda talk, line: "421 4.3.2 shutting down" if line == "." and talk.number == 1 else None)
    session = to(server.port, quick)
    assert fails(session, message).outcome == "retry"
    session.send(message)
    session.close()
    assert len(server.accepted) == 1


def test_an_early_no_is_heard(relay: Start, quick: Timeouts, message: Message, hang_up: type[Exception]) -> None:
    """A relay that has enough within the content says so and hangs up."""

    def script(talk: Any, line: str) -> None:
        if line == "DATA":
            talk.send(b"354 go ahead\r\n")
            talk.stream.recv(1000)
            talk.send(b"552 5.3.4 enough\r\n")
            talk.stall()

    big = replace(message, data=message.data * 500_000)
    error = fails(to(relay(script, features=()).port, replace(quick, content=BRIEF)), big)
    assert (error.outcome, error.code) == ("too big", "5.3.4")


GREETINGS = [
    *(b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"+OK POP3\r\n", b"\x15\x03\x01\x00\x02\x02P"),
    *(
        b"2\xb20 x\r\n",
        b"220",
        b"x" * 10_000,
        b"220-a\r\n" * 200,
        b"220-a\r\n250 b\r\n",
        b"\r\n",
        b"999 x\r\n",
        b"220x\r\n",
    ),
]


@pytest.mark.parametrize("greeting", GREETINGS)
def test_whoever_does_not_speak_smtp(
    greeting: bytes, relay: Start, quick: Timeouts, message: Message, hang_up: type[Exception]
) -> None:
    def script(talk: Any, line: str) -> None:
        talk.send(greeting)
        raise hang_up

    assert fails(to(relay(script).port, quick), message).outcome in ("ours", "retry")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(
    answers=st.lists(
        st.binary(max_size=30)
        | st.sampled_from([b"250 ok\r\n", b"354 go\r\n", b"550 5.1.1 no\r\n", b"421 bye\r\n", b"250-a\r\n"]),
        max_size=12,
    )
)
def test_any_answers_whatever_end_in_a_word_or_a_delivery_error(
    answers: list[bytes], relay: Start, quick: Timeouts, message: Message, hang_up: type[Exception]
) -> None:
    """And a message is never called sent but for a 2xx after its content."""
    left = list(answers)
    after_content: list[bytes] = []

    def script(talk: Any, line: str) -> bytes | None:
        if line == "(greeting)" or line.startswith("EHLO"):
            return None
        if not left:
            raise hang_up
        answer = left.pop(0)
        if line == ".":
            after_content.append(answer)
        return answer

    server = relay(script, features=())
    brief = BRIEF / 6
    session = to(server.port, replace(quick, command=brief, data=brief, after_dot=brief, goodbye=brief))
    try:
        session.send(message)
    except DeliveryError:
        return
    finally:
        session.close()
        server.stop()
    assert b"".join(after_content).startswith(b"2")


def test_a_go_ahead_without_recipients_sends_nothing(relay: Start, quick: Timeouts, message: Message) -> None:
    """Some relays answer 354 to a pipelined DATA although they refused the only recipient."""
    contents: list[str] = []

    def script(talk: Any, line: str) -> str | None:
        if line.startswith("RCPT TO:<bob"):
            return "550 5.1.1 nobody"
        if line == ".":
            contents.append(talk.recipient)
        return "354 go ahead" if line == "DATA" else None

    server = relay(script)
    session = to(server.port, quick)
    assert fails(session, of(message, "bob")).code == "5.1.1"
    session.send(of(message, "ada"))
    session.close()
    assert contents == ["", "ada@example.net"]
    assert server.accepted == [("", b""), ("ada@example.net", message.data)]  # an empty content, to nobody
    assert server.connections == 1


def test_a_relay_that_breaks_its_promise_to_pipeline(relay: Start, quick: Timeouts, message: Message) -> None:
    """It throws away what came early: we notice by its silence, and the message waits."""

    def script(talk: Any, line: str) -> None:
        if line.startswith("MAIL"):
            talk.buffer = b""

    server = relay(script)
    error = fails(to(server.port, replace(quick, command=BRIEF)), message)
    assert error.outcome == "retry"
    assert server.accepted == []


def test_a_tarpit_is_left_after_the_whole_wait(relay: Start, quick: Timeouts, message: Message) -> None:
    """A byte every now and then keeps a naive time-out from ever running out."""

    def script(talk: Any, line: str) -> None:
        if line.startswith("EHLO"):
            for letter in b"250-slow\r\n" * 1000:
                talk.send(bytes((letter,)))
                if talk.relay.is_over.wait(0.02):
                    break

    started = time.monotonic()
    error = fails(to(relay(script).port, replace(quick, command=BRIEF)), message)
    assert error.outcome == "retry"
    assert time.monotonic() - started < 3


def test_a_slow_relay_is_not_a_dead_one(relay: Start, quick: Timeouts, message: Message) -> None:
    def script(talk: Any, line: str) -> None:
        time.sleep(0.05)

    server = relay(script)
    session = to(server.port, quick)
    session.send(message)
    session.close()
    assert len(server.accepted) == 1


def test_nobody_there(relay: Start, quick: Timeouts, message: Message) -> None:
    server = relay()
    server.stop()
    error = fails(to(server.port, quick), message)
    assert error.outcome == "retry"
    assert "cannot connect to smtp://127.0.0.1" in str(error)
    assert "refused" in str(error).lower()


def test_refusing_the_greeting(relay: Start, quick: Timeouts, message: Message) -> None:
    for answer, outcome in (("554 5.3.2 not today", "ours"), ("421 4.3.2 too busy", "retry"), ("554 blocked", "ours")):
        server = relay(lambda talk, line, answer=answer: answer if line == "(greeting)" else None)
        error = fails(to(server.port, quick), message)
        assert error.outcome == outcome
        assert answer in str(error)


def test_a_session_recovers_from_anything(
    relay: Start, quick: Timeouts, message: Message, hang_up: type[Exception]
) -> None:
    """One long day: whatever goes wrong, the others arrive, each once."""

    def script(talk: Any, line: str) -> str | None:
        name = line.partition("<")[2].partition("@")[0]
        if line.startswith("RCPT"):
            talk.trouble = name
        trouble = getattr(talk, "trouble", "")
        if trouble == "gone" and line.startswith("RCPT"):
            return "550 5.1.1 nobody"
        if trouble == "grey" and line.startswith("RCPT"):
            return "450 4.2.0 later"
        if line == "." and trouble == "dropped":
            raise hang_up
        if line == "." and trouble == "spam":
            return "550 5.7.1 spam"
        return None

    server = relay(script)
    session = to(server.port, quick)
    outcomes: dict[str, str] = {}
    for round_ in range(3):
        for name in ("ada", "gone", "bob", "grey", "dropped", "eve", "spam", "zoe"):
            with contextlib.suppress(DeliveryError):
                try:
                    session.send(
                        of(message, name if name in ("gone", "grey", "dropped", "spam") else f"{name}{round_}")
                    )
                except DeliveryError as error:
                    outcomes[name] = error.outcome
                    raise
    session.close()
    assert outcomes == {"gone": "refused", "grey": "retry", "dropped": "unknown", "spam": "ours"}
    assert server.recipients == [
        f"{name}{round_}@example.net" for round_ in range(3) for name in ("ada", "bob", "eve", "zoe")
    ]
