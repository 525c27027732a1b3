"""The operator is told of a way that is closed, once, by a way that is open."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jinja2 import FileSystemLoader

from bot.core.letter.renderer import LetterRenderer, environment
from bot.mail.message.mailbox import mailbox
from bot.mail.transport.from_url import transport
from bot.pipeline.build_message import MessageBuilder
from bot.pipeline.sender_identity import Identity
from bot.pipeline.upkeep import tell_of_pauses
from bot.resources import shipped

Start = Callable[..., Any]


@pytest.fixture
def tell(post: Any, clock: Any) -> Callable[..., bool]:
    identity = Identity(sender=mailbox("Digest <digest@papers.example.org>"), secret="a secret for tests")
    room = MessageBuilder(
        post.database, lambda: LetterRenderer(environment(FileSystemLoader(Path(shipped("templates"))))), identity
    )

    def tell(*ports: int) -> bool:
        relays = [transport(f"smtp://127.0.0.1:{port}") for port in ports]
        return tell_of_pauses(post.database, room, relays, "op@example.org", clock.now)

    return tell


def test_a_domain_that_refuses_us(post: Any, clock: Any, relay: Start, quick: Any, tell: Any) -> None:
    angry = True
    server = relay(
        lambda talk, line: "550 5.7.26 not aligned" if angry and line.startswith("RCPT") and "@big" in line else None
    )
    post.fill(["ada@big.example"])
    post.send(server.port, timeouts=quick)
    assert tell(server.port)
    ((recipient, content),) = server.accepted
    assert recipient == "op@example.org"
    assert b"mail to big.example is paused until" in b" ".join(content.replace(b"=\r\n", b"").split()).lower()
    assert b"5.7.26" in content
    assert not tell(server.port)  # once

    angry = False
    clock.move(hours=1)
    assert post.send(server.port, timeouts=quick).delivered == 1
    angry = True
    post.fill(["bob@big.example"])
    post.send(server.port, timeouts=quick)
    assert tell(server.port)  # it had worked in between


def test_a_dead_relay_is_told_by_the_other(
    post: Any, clock: Any, relay: Start, quick: Any, tell: Any, caplog: pytest.LogCaptureFixture
) -> None:
    dead = relay(lambda talk, line: "421 4.3.2 down" if line == "(greeting)" else None)
    other = relay()
    post.fill([f"p{number}@example.net" for number in range(12)])
    post.send(dead.port, timeouts=quick)
    assert tell(dead.port, other.port)
    assert [recipient for recipient, _ in other.accepted] == ["op@example.org"]
    assert "421 4.3.2 down" in caplog.text

    clock.move(hours=3)
    post.send(dead.port, timeouts=quick)
    assert not tell(dead.port, other.port)  # still the same trouble
