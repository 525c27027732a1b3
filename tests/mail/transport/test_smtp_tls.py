"""Encryption: insisted on, checked, and not to be talked out of."""

import os
import ssl
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import DeliveryError
from bot.mail.message.types import Message, Session
from bot.mail.transport.connection import Timeouts
from bot.mail.transport.from_url import transport

Start = Callable[..., Any]


def to(server: Any, authority: Any, quick: Timeouts, scheme: str = "smtp", host: str = "127.0.0.1") -> Session:
    tls = "" if scheme == "smtps" else "&tls=on"
    return transport(f"{scheme}://user:pass@{host}:{server.port}?ca={authority.ca}{tls}", timeouts=quick).session()


@pytest.mark.parametrize("implicit", [False, True])
def test_encrypted_from_the_start_or_before_anything_is_said(
    implicit: bool, relay: Start, authority: Any, quick: Timeouts, message: Message
) -> None:
    seen: list[tuple[str, bool]] = []

    def script(talk: Any, line: str) -> None:
        seen.append((line.split(" ")[0], isinstance(talk.stream, ssl.SSLSocket)))

    server = relay(script, features=("AUTH PLAIN", "PIPELINING"), context=authority.server(), implicit=implicit)
    session = to(server, authority, quick, "smtps" if implicit else "smtp")
    session.send(message)
    session.send(message)  # the tickets that TLS 1.3 sends meanwhile are no reason to think the relay hung up
    session.close()
    assert len(server.accepted) == 2
    assert server.connections == 1
    clear = [verb for verb, is_encrypted in seen if not is_encrypted]
    assert clear == ([] if implicit else ["(greeting)", "EHLO", "STARTTLS"])
    assert ("AUTH", True) in seen
    assert [verb for verb, _ in seen].count("EHLO") == (
        1 if implicit else 2
    )  # what was offered in clear text is forgotten


def test_no_starttls_no_mail(relay: Start, authority: Any, quick: Timeouts, message: Message) -> None:
    server = relay(features=("AUTH PLAIN",))
    with pytest.raises(DeliveryError, match="no STARTTLS") as caught:
        to(server, authority, quick).send(message)
    assert caught.value.outcome == "ours"
    assert "tls=off" in str(caught.value)
    assert [line.split(" ")[0] for line in server.commands] == ["EHLO"]


def test_starttls_refused(relay: Start, authority: Any, quick: Timeouts, message: Message) -> None:
    for answer, outcome in (("454 4.7.0 TLS not available", "retry"), ("501 no", "ours")):
        server = relay(
            lambda talk, line, answer=answer: answer if line == "STARTTLS" else None, context=authority.server()
        )
        with pytest.raises(DeliveryError) as caught:
            to(server, authority, quick).send(message)
        assert caught.value.outcome == outcome
        assert not any(line.startswith(("AUTH", "MAIL")) for line in server.commands)


@pytest.mark.parametrize(
    ("host", "days", "complaint"),
    [("other.example.org", 30, "IP address mismatch"), ("127.0.0.1", -1, "expired")],
)
@pytest.mark.parametrize("implicit", [False, True])
def test_a_certificate_that_is_not_good(
    host: str,
    days: int,
    complaint: str,
    implicit: bool,
    relay: Start,
    authority: Any,
    quick: Timeouts,
    message: Message,
) -> None:
    server = relay(features=("AUTH PLAIN",), context=authority.server(host, days), implicit=implicit)
    with pytest.raises(DeliveryError, match=complaint) as caught:
        to(server, authority, quick, "smtps" if implicit else "smtp").send(message)
    assert caught.value.outcome == "ours"
    assert "certificate" in str(caught.value)
    assert not any(line.startswith(("AUTH", "MAIL")) for line in server.commands)


def test_an_authority_nobody_knows(relay: Start, authority: Any, quick: Timeouts, message: Message) -> None:
    server = relay(context=authority.server())
    session = transport(f"smtp://127.0.0.1:{server.port}?tls=on", timeouts=quick).session()
    with pytest.raises(DeliveryError, match=r"self-signed|unable to get") as caught:
        session.send(message)
    assert caught.value.outcome == "ours"


def test_words_slipped_in_before_the_encryption(
    relay: Start, authority: Any, quick: Timeouts, message: Message
) -> None:
    """The STARTTLS injection: an attacker in between adds answers in clear text, to be taken for the encrypted ones."""

    def script(talk: Any, line: str) -> bytes | None:
        return b"220 go ahead\r\n250-relay\r\n250 AUTH PLAIN\r\n" if line == "STARTTLS" else None

    server = relay(script, features=("AUTH PLAIN",), context=authority.server())
    with pytest.raises(DeliveryError, match="attacker") as caught:
        to(server, authority, quick).send(message)
    assert caught.value.outcome == "ours"
    assert not any(line.startswith(("AUTH", "MAIL")) for line in server.commands)


def test_a_relay_that_cannot_encrypt_after_all(
    relay: Start, authority: Any, quick: Timeouts, message: Message, hang_up: type[Exception]
) -> None:
    def garbage(talk: Any, line: str) -> None:
        if line == "STARTTLS":
            talk.send(b"220 go ahead\r\n")
            talk.stream.recv(4096)
            talk.send(os.urandom(100))
            talk.stall(0.2)

    def silence(talk: Any, line: str) -> None:
        if line == "STARTTLS":
            talk.send(b"220 go ahead\r\n")
            talk.stream.recv(4096)
            raise hang_up

    for script, outcome in ((garbage, "ours"), (silence, "retry")):
        server = relay(script, context=authority.server())
        with pytest.raises(DeliveryError) as caught:
            to(server, authority, quick).send(message)
        assert caught.value.outcome == outcome


def test_smtps_to_a_port_that_speaks_in_clear_text(
    relay: Start, authority: Any, quick: Timeouts, message: Message
) -> None:
    server = relay()
    with pytest.raises(DeliveryError, match="TLS failed") as caught:
        to(server, authority, quick, "smtps").send(message)
    assert caught.value.outcome == "ours"


def test_a_large_message_through_encryption(relay: Start, authority: Any, quick: Timeouts, message: Message) -> None:
    server = relay(features=("AUTH PLAIN", "PIPELINING"), context=authority.server())
    session = to(server, authority, quick)
    big = replace(message, data=message.data * 20_000)
    session.send(big)
    session.close()
    assert server.accepted == [(message.recipient, big.data)]
