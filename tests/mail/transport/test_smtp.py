"""The client with relays that behave: a real one (aiosmtpd) and one that writes down what it was told."""

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.letter.letter import Letter
from bot.errors import DeliveryError
from bot.mail.message.mailbox import mailbox
from bot.mail.message.mime import Head, write
from bot.mail.message.types import Message, Session
from bot.mail.transport.connection import Timeouts
from bot.mail.transport.from_url import transport
from bot.mail.transport.smtp import SmtpSession

Start = Callable[..., Any]


def to(port: int, quick: Timeouts, query: str = "", login: str = "") -> Session:
    return transport(f"smtp://{login}127.0.0.1:{port}{query}", timeouts=quick).session()


def test_arrives_as_written(sink: Any, quick: Timeouts, message: Message, letter: Letter, head: Head) -> None:
    session = to(sink.port, quick)
    digest = replace(message, data=write(letter, head))
    assert session.send(message) == "250 2.0.0 taken as number 1"
    assert session.send(digest) == "250 2.0.0 taken as number 2"
    session.close()
    session.close()
    assert [envelope.content for envelope in sink.envelopes] == [message.data, digest.data]
    assert {envelope.mail_from for envelope in sink.envelopes} == {message.sender}
    assert [envelope.rcpt_tos for envelope in sink.envelopes] == [[message.recipient]] * 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(body=st.text(".a\r\n", max_size=40))
def test_any_content_arrives_whole(body: str, sink: Any, quick: Timeouts, message: Message) -> None:
    """Dots are stuffed and lone line ends made whole, so that no content ends itself or smuggles in another."""
    session = to(sink.port, quick)
    session.send(replace(message, data=b"A: b\r\n\r\n" + body.encode()))
    session.close()
    whole = body.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode()
    whole += b"" if whole.endswith(b"\r\n") or not whole else b"\r\n"
    assert sink.envelopes[-1].content == b"A: b\r\n\r\n" + whole


def test_international_addresses_where_the_relay_takes_them(
    sink: Any, relay: Start, quick: Timeouts, message: Message, letter: Letter, head: Head
) -> None:
    subscriber = mailbox("Jörg <jörg@bücher.example>")
    foreign = replace(message, recipient=subscriber.email, data=write(letter, replace(head, to=subscriber)))
    session = to(sink.port, quick)
    session.send(foreign)
    session.send(message)
    session.close()
    assert sink.envelopes[0].rcpt_tos == ["jörg@xn--bcher-kva.example"]
    assert "SMTPUTF8" in sink.envelopes[0].mail_options
    assert "SMTPUTF8" not in sink.envelopes[1].mail_options
    assert "To: =?utf-8?B?SsO2cmc=?= <jörg@xn--bcher-kva.example>\r\n".encode() in sink.envelopes[0].content

    plain = relay()
    session = to(plain.port, quick)
    with pytest.raises(DeliveryError) as caught:
        session.send(foreign)
    assert (caught.value.outcome, caught.value.code) == ("refused", "5.6.7")
    session.send(message)
    session.close()
    assert plain.recipients == [message.recipient]


def test_one_flight_where_pipelining_is_offered(relay: Start, quick: Timeouts, message: Message) -> None:
    together: list[bytes] = []

    def script(talk: Any, line: str) -> None:
        if line.startswith("MAIL"):
            together.append(talk.buffer)

    fast, slow = relay(script), relay(script, features=())
    for server in (fast, slow):
        session = to(server.port, quick)
        session.send(message)
        session.send(message)
        session.close()
        assert [line.split(" ")[0] for line in server.commands] == ["EHLO", *["MAIL", "RCPT", "DATA"] * 2, "QUIT"]
        assert server.accepted == [(message.recipient, message.data)] * 2
    assert together == [b"RCPT TO:<ada@example.net>\r\nDATA\r\n"] * 2 + [b""] * 2


def test_says_what_the_relay_understands(relay: Start, quick: Timeouts, message: Message) -> None:
    rich, poor = relay(features=("SIZE 5000", "DSN", "PIPELINING", "SMTPUTF8")), relay(features=())
    for server in (rich, poor):
        session = to(server.port, quick)
        session.send(message)
        session.close()
    size = len(message.data)
    assert f"MAIL FROM:<b+token@papers.example.org> SIZE={size} RET=HDRS ENVID=d.2026-11-20.abc" in rich.commands
    assert "MAIL FROM:<b+token@papers.example.org>" in poor.commands
    assert "RCPT TO:<ada@example.net>" in rich.commands
    assert "EHLO [127.0.0.1]" in poor.commands


def test_an_envelope_id_is_xtext(relay: Start, quick: Timeouts, message: Message) -> None:
    server = relay(features=("DSN",))
    session = to(server.port, quick, "?helo=papers.example.org")
    session.send(replace(message, message_id="<a+b=c d\r\nRSET\r\nü@x>"))
    session.close()
    assert server.commands[0] == "EHLO papers.example.org"
    assert server.commands[1].endswith(" ENVID=a+2Bb+3Dc+20d+0D+0ARSET+0D+0A+C3+BC")


def test_an_old_server_is_greeted_the_old_way(relay: Start, quick: Timeouts, message: Message) -> None:
    def script(talk: Any, line: str) -> str | None:
        return "502 never heard of it" if line.startswith("EHLO") else None

    server = relay(script)
    session = to(server.port, quick)
    session.send(message)
    session.close()
    assert server.commands[1] == "HELO [127.0.0.1]"
    assert "MAIL FROM:<b+token@papers.example.org>" in server.commands


def test_too_big_is_known_before_sending(relay: Start, quick: Timeouts, message: Message) -> None:
    server = relay(features=("SIZE 40",))
    session = to(server.port, quick)
    with pytest.raises(DeliveryError) as caught:
        session.send(message)
    assert (caught.value.outcome, caught.value.code) == ("too big", "5.3.4")
    session.send(replace(message, data=b"A: b\r\n\r\nshort\r\n"))
    session.close()
    assert len(server.accepted) == 1


@pytest.mark.parametrize(
    "recipient", ["", "a b@x.org", "a@x.org\r\nDATA", "a@x.org>", "<a@x.org", "a\0@x.org", "a@x.org\u2028"]
)
def test_no_address_becomes_a_command(recipient: str, relay: Start, quick: Timeouts, message: Message) -> None:
    server = relay()
    session = to(server.port, quick)
    with pytest.raises(DeliveryError) as caught:
        session.send(replace(message, recipient=recipient))
    assert caught.value.outcome == "refused"
    if recipient:
        with pytest.raises(DeliveryError) as caught:
            session.send(replace(message, sender=recipient))
        assert caught.value.outcome == "ours"
    session.close()
    assert server.commands == []


def test_the_null_sender_is_fine(relay: Start, quick: Timeouts, message: Message) -> None:
    server = relay(features=())
    session = to(server.port, quick)
    session.send(replace(message, sender=""))
    session.close()
    assert "MAIL FROM:<>" in server.commands


def test_before_data_comes_between_the_go_ahead_and_the_content(
    relay: Start, quick: Timeouts, message: Message
) -> None:
    seen: list[tuple[str, int]] = []

    def refuse_bob(talk: Any, line: str) -> str | None:
        return "550 5.1.1 no such user" if line.startswith("RCPT TO:<bob") else None

    for features in (("PIPELINING",), ()):
        server = relay(refuse_bob, features=features)
        session = to(server.port, quick)
        session.send(message, lambda server=server: seen.append((server.commands[-1], len(server.accepted))))
        with pytest.raises(DeliveryError):
            session.send(replace(message, recipient="bob@example.net"), lambda: seen.append(("never", 0)))

        def suppressed() -> None:
            raise LookupError

        with pytest.raises(LookupError):
            session.send(message, suppressed)
        assert len(server.accepted) == 1
        session.send(message)  # on a new connection: the other waits for a content that must not come
        session.close()
        assert len(server.accepted) == 2
        assert server.connections == 2
    assert seen == [("DATA", 0)] * 2


def test_connections_are_kept_but_not_for_ever(relay: Start, quick: Timeouts, message: Message) -> None:
    server = relay()
    session = to(server.port, quick, "?per_connection=2")
    for _ in range(5):
        session.send(message)
    session.close()
    assert server.connections == 3
    assert server.commands.count("QUIT") == 3

    idle = relay()
    session = to(idle.port, replace(quick, idle=0))
    session.send(message)
    session.send(message)
    session.close()
    assert idle.connections == 2


def is_login(line: str) -> bool:
    return line.startswith("AUTH")


def test_login_plain(relay: Start, quick: Timeouts, message: Message) -> None:
    server = relay(features=("AUTH PLAIN LOGIN", "AUTH=LOGIN"))
    session = to(server.port, quick, login="us%40er:p%C3%A4ss@")
    session.send(message)
    session.close()
    (line,) = filter(is_login, server.commands)
    assert base64.b64decode(line.split(" ")[2]).decode() == "\0us@er\0päss"


def test_login_login(relay: Start, quick: Timeouts, message: Message) -> None:
    def script(talk: Any, line: str) -> str | None:
        if line == "AUTH LOGIN":
            return "334 VXNlcm5hbWU6"
        if line == base64.b64encode(b"user").decode():
            return "334 UGFzc3dvcmQ6"
        return "235 2.7.0 welcome" if line == base64.b64encode(b"pass").decode() else None

    server = relay(script, features=("AUTH LOGIN CRAM-MD5",))
    session = to(server.port, quick, login="user:pass@")
    session.send(message)
    session.close()
    assert len(server.accepted) == 1


@pytest.mark.parametrize("is_welcome", [True, False])
def test_login_xoauth2(is_welcome: bool, relay: Start, quick: Timeouts, message: Message) -> None:
    def script(talk: Any, line: str) -> str | None:
        if line.startswith("AUTH"):
            return "235 2.7.0 welcome" if is_welcome else "334 eyJzdGF0dXMiOiI0MDEifQ=="
        return "535 5.7.8 token expired" if line == "" else None

    server = relay(script, features=("AUTH PLAIN XOAUTH2",))
    session = to(server.port, quick, "?auth=xoauth2&token_command=printf+to.ken", login="user@")
    if is_welcome:
        session.send(message)
    else:
        with pytest.raises(DeliveryError, match="token expired") as caught:
            session.send(message)
        assert (caught.value.outcome, caught.value.code) == ("ours", "5.7.8")
    session.close()
    (line,) = filter(is_login, server.commands)
    assert base64.b64decode(line.split(" ")[2]) == b"user=user\x01auth=Bearer to.ken\x01\x01"


@pytest.mark.parametrize(
    ("command", "complaint"),
    [("false", "gave no token"), ("no-such-program", "gave no token"), ("true", "one access token")],
)
def test_a_token_command_that_fails_is_ours(
    command: str, complaint: str, relay: Start, quick: Timeouts, message: Message
) -> None:
    server = relay(features=("AUTH XOAUTH2",))
    session = to(server.port, quick, f"?token_command={command}", login="user@")
    with pytest.raises(DeliveryError, match=complaint) as caught:
        session.send(message)
    assert caught.value.outcome == "ours"


@pytest.mark.parametrize(
    ("features", "answer", "outcome", "complaint"),
    [
        (("AUTH PLAIN",), "535 5.7.8 wrong", "ours", "refused the login: 535 5.7.8 wrong"),
        (("AUTH PLAIN",), "454 4.7.0 later", "retry", "later"),
        (("AUTH PLAIN",), "535 5.7.8 AHVzZXIAaHVudGVyMg== is wrong", "ours", "repeats the password"),
        (("AUTH PLAIN",), "535 5.7.8 hunter2 is wrong", "ours", "repeats the password"),
        (("AUTH CRAM-MD5 GSSAPI",), "", "ours", "offers only CRAM-MD5, GSSAPI, not PLAIN or LOGIN"),
        (("AUTH XOAUTH2",), "", "ours", "token_command"),
        ((), "", "ours", "offers no login on this port"),
    ],
)
def test_a_login_refused(
    features: tuple[str, ...],
    answer: str,
    outcome: str,
    complaint: str,
    relay: Start,
    quick: Timeouts,
    message: Message,
) -> None:
    def script(talk: Any, line: str) -> str | None:
        return answer if line.startswith("AUTH") else None

    session = to(relay(script, features=features).port, quick, login="user:hunter2@")
    with pytest.raises(DeliveryError) as caught:
        session.send(message)
    assert caught.value.outcome == outcome
    assert complaint in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "AHVzZXI" not in str(caught.value)


def test_what_it_offers_can_be_asked(relay: Start, quick: Timeouts) -> None:
    session = to(relay(features=("SIZE 5000", "AUTH PLAIN", "X-Odd a=b")).port, quick)
    assert isinstance(session, SmtpSession)
    session.connect()
    assert session.features == {"SIZE": "5000", "AUTH": "PLAIN", "X-ODD": "a b"}
    session.close()
