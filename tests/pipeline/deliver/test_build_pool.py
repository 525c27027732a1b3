"""Messages are built in processes of their own where there are many; what happens to those costs nobody a message."""

import functools
import os
import re
from collections.abc import Callable
from typing import Any

import pytest

from bot.mail.message.types import Message
from bot.mail.transport.connection import Timeouts
from bot.pipeline.deliver import deliver as delivering
from bot.store.outbox import Leased

Start = Callable[..., Any]
HERE = os.getpid()


def build(leased: Leased) -> Message:
    data = f"Built-By: {os.getpid()}\r\n\r\n".encode()
    return Message(sender="b@example.org", recipient=leased.email, message_id=leased.message_id, data=data)


def make_builder(trouble: str, parent: int) -> Callable[[Leased], Message]:
    def building(leased: Leased) -> Message:
        if os.getpid() != parent and leased.email.startswith("p30@"):
            if trouble == "dies":
                os._exit(1)
            if trouble == "raises":
                raise KeyError("a template of the user's")
        return build(leased)

    return building


@pytest.mark.parametrize("trouble", ["", "dies", "raises"])
def test_all_arrive_whoever_built_them(
    trouble: str, post: Any, relay: Start, quick: Timeouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "SHARE_FROM", 10)
    server = relay()
    people = [f"p{number}@example.net" for number in range(60)]
    post.fill(people)
    report = post.send(
        server.port,
        timeouts=quick,
        connections=3,
        build=build,
        make_builder=functools.partial(make_builder, trouble, HERE),
        processes=2,
    )
    assert report.delivered == 60
    assert sorted(server.recipients) == sorted(people)
    builders = {int(re.findall(rb"Built-By: (\d+)", content)[0]) for _, content in server.accepted}
    assert builders - {HERE}
    assert (HERE in builders) == bool(trouble)


def test_few_are_built_here(post: Any, relay: Start, quick: Timeouts) -> None:
    server = relay()
    post.fill(["ada@example.net"])
    post.send(server.port, timeouts=quick, build=build, make_builder=functools.partial(make_builder, "", HERE))
    assert str(HERE).encode() in server.accepted[0][1]
