"""The operator learns once of what stays broken: by a real SMTP server, from a real failing source."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import jinja2
import pytest
from aiosmtpd.controller import Controller

from bot.core.letter.renderer import LetterRenderer, environment
from bot.mail.message.mailbox import mailbox
from bot.mail.transport.from_url import transport
from bot.pipeline.build_message import MessageBuilder
from bot.pipeline.sender_identity import Identity
from bot.pipeline.upkeep import tell_operator
from bot.resources import shipped

GOOD = b"<rss version='2.0'><channel><title>Lab</title><item><title>A lattice</title></item></channel></rss>"


class Relay:
    def __init__(self) -> None:
        self.got: list[EmailMessage] = []
        self.answer = "250 kept"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            message = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.got.append(message)
        return self.answer


@pytest.fixture
def relay() -> Iterator[tuple[Relay, str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sink = Relay()
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    yield sink, f"smtp://127.0.0.1:{port}"
    controller.stop()


@pytest.fixture
def tell(place: Any, relay: tuple[Relay, str]) -> Any:
    press = MessageBuilder(
        place.database,
        lambda: LetterRenderer(environment(jinja2.FileSystemLoader(Path(shipped("templates"))))),
        Identity(sender=mailbox("Paperlark <digest@example.org>"), secret="not a secret, for tests only"),
    )
    way = transport(relay[1])

    def told(to: str = "ops@example.org", language: str = "en") -> bool:
        press.identity = replace(press.identity, language=language)
        return tell_operator(place.database, press, way, to, place.now)

    return told


def test_the_operator_is_told_in_the_language_of_the_configuration(place: Any, relay: Any, tell: Any) -> None:
    place.source("feed", "lab", "/lab")
    place.web.pages["/lab"] = lambda asked: GOOD
    place.collect()
    place.web.pages["/lab"] = lambda asked: (403, {}, b"")
    for _ in range(3):
        place.later(hours=24).collect()
    assert tell(language="de")
    (mail,) = relay[0].got
    assert mail["Subject"] == "Paperlark: lab braucht einen Blick"
    assert "gestört seit" in mail.get_body(("plain",)).get_content()


def test_one_mail_when_it_persists_and_again_only_after_it_recovered(place: Any, relay: Any, tell: Any) -> None:
    sink, _ = relay
    pages = place.web.pages
    for name in ("lab", "club"):
        place.source("feed", name, f"/{name}")
        pages[f"/{name}"] = lambda asked: GOOD
    place.collect()
    pages["/lab"] = lambda asked: (403, {}, b"")
    for _ in range(72):
        place.later(hours=1).collect()
        tell()
    (mail,) = sink.got
    assert mail["Subject"] == "Paperlark: lab needs a look"
    assert mail["To"] == "ops@example.org"
    text = mail.get_body(("plain",)).get_content()
    assert "lab (17 Nov 2026, 13:00 UTC): failing since Tue 17 Nov: " in " ".join(text.split())
    assert "403" in text
    assert "club" not in text
    pages["/lab"] = lambda asked: GOOD
    place.later(hours=24).collect()
    assert place.record("lab").told_operator is None
    pages["/lab"] = lambda asked: (200, {}, b"<html>sign in</html>")
    for _ in range(3):
        place.later(hours=24).collect()
        tell()
    assert len(sink.got) == 2


def test_a_source_that_is_gone_is_told_at_once(place: Any, relay: Any, tell: Any) -> None:
    place.source("feed", "lab")
    place.web.pages["/feed"] = lambda asked: (410, {}, b"")
    place.collect()
    assert tell()
    assert not tell()
    assert "410" in relay[0].got[0].get_body(("plain",)).get_content()


def test_waiting_is_told_when_it_goes_on_for_a_day(place: Any, relay: Any, tell: Any) -> None:
    place.source("feed", "lab")
    place.web.pages["/feed"] = lambda asked: (429, {"Retry-After": "3600"}, b"")
    told = []
    for _ in range(30):
        place.collect()
        told.append(tell())
        place.later(hours=1, seconds=1)
    assert told.count(True) == 1
    assert 24 <= told.index(True) <= 25


def test_who_has_no_operator_gets_no_mail_and_a_relay_that_refuses_is_tried_again(
    place: Any, relay: Any, tell: Any
) -> None:
    sink, _ = relay
    place.source("feed", "lab")
    place.web.pages["/feed"] = lambda asked: (410, {}, b"")
    place.collect()
    assert not tell("")
    sink.answer = "451 later"
    assert not tell()
    assert place.record().told_operator is None
    sink.answer = "250 kept"
    assert tell()
    assert place.record().told_operator == place.now
    assert place.now - place.record().since < timedelta(minutes=1)
