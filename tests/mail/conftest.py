"""Servers and values the mail tests share: a real SMTP sink, a relay that follows a script, a throw-away authority."""

import datetime as dt
import email
import email.message
import email.policy
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.core.letter.letter import Letter
from bot.mail.message.mailbox import mailbox
from bot.mail.message.mime import Head
from bot.mail.message.types import Message

NOON = dt.datetime(2026, 11, 20, 12, 0, 3, tzinfo=dt.UTC)


@pytest.fixture
def letter() -> Letter:
    return Letter(
        subject="20 November: Sparse attention without tears",
        text=(
            "Good morning Ada,\n\n",
            "Sparse attention without tears\n  https://papers.example.org/1\n",
            "-- \nBye\n",
        ),
        html=("<!doctype html>\n<html lang=en>\n", "<p>Sparse attention without tears</p>\n", "</html>\n"),
    )


@pytest.fixture
def head() -> Head:
    token = "caaaaaaaaadqaaaaaaaatmkx4jvpllub5bffhxsnuijgava"
    return Head(
        date=NOON,
        sender=mailbox("Paper Digest <digest@papers.example.org>"),
        to=mailbox("Ada <ada@example.net>"),
        message_id="<d.2026-11-20.abcdefghijklmnopqrstuvwxyz@papers.example.org>",
        reply_to=mailbox("Paper Digest <help@papers.example.org>"),
        list_id="daily.papers.example.org",
        list_name="Daily trending papers",
        unsubscribe_url=f"https://papers.example.org/u/{token}",
        unsubscribe_email=f"unsub+{token}@papers.example.org",
        help="https://papers.example.org/help",
        archive_url="https://papers.example.org/archive",
        feedback_id="2026-11-20:daily:digest:paperlark",
    )


@pytest.fixture
def parse() -> Callable[[bytes], email.message.EmailMessage]:
    def parse(data: bytes) -> email.message.EmailMessage:
        """By the standard library, which must find nothing to complain about."""
        message = email.message_from_bytes(data, policy=email.policy.default)
        for part in message.walk():
            assert part.defects == []
            for value in part.values():
                assert getattr(value, "defects", ()) == ()
        assert isinstance(message, email.message.EmailMessage)
        return message

    return parse


@pytest.fixture
def message() -> Message:
    return Message(
        sender="b+token@papers.example.org",
        recipient="ada@example.net",
        message_id="<d.2026-11-20.abc@papers.example.org>",
        data=b"Subject: hello\r\n\r\n.a line with a dot\r\nand one without\r\n",
    )


class Sink:
    """What a real SMTP server (aiosmtpd) took."""

    def __init__(self) -> None:
        self.envelopes: list[Any] = []
        self.port = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.envelopes.append(envelope)
        return f"250 2.0.0 taken as number {len(self.envelopes)}"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def sink() -> Iterator[Sink]:
    handler = Sink()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port(), enable_SMTPUTF8=True)
    controller.start()
    handler.port = controller.port
    yield handler
    controller.stop()


@pytest.fixture(scope="session")
def rsa_pem() -> bytes:
    return rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
