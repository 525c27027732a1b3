"""Messages are built in processes of their own where there are many; what happens to those costs nobody a message."""

import functools
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from bot.mail.message.types import Message
from bot.mail.transport.connection import Timeouts
from bot.pipeline.deliver import deliver as delivering
from bot.pipeline.deliver.build_pool import Builder, each_by_itself
from bot.store.outbox import Leased

Start = Callable[..., Any]
HERE = os.getpid()


def build(leased: Leased) -> Message:
    data = f"Built-By: {os.getpid()}\r\n\r\n".encode()
    return Message(sender="b@example.org", recipient=leased.email, message_id=leased.message_id, data=data)


def make_builder(trouble: str, parent: int) -> Builder:
    def building(leased: Leased) -> Message:
        if os.getpid() != parent and leased.email.startswith("p30@"):
            if trouble == "dies":
                os._exit(1)
            if trouble == "raises":
                raise KeyError("a template of the user's")
        return build(leased)

    return Builder(building, cannot_load if trouble == "raises" else each_by_itself)


def cannot_load(batch: Sequence[Leased]) -> None:
    raise OSError("the store does not answer")


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


COPIED = """
import os, sys, threading
from types import SimpleNamespace
from bot.pipeline.deliver.build_pool import Builder, BuildPool

seen, loaded = [], []
def build(leased):
    seen.append(leased.id)
    return os.getpid(), len(seen), sum(map(len, loaded))

def another():
    raise SystemExit("no new process was asked for")

first = [SimpleNamespace(id=-1), SimpleNamespace(id=-2)]
closed = []
pool = BuildPool(Builder(build, loaded.append), another, 2, first, lambda: closed.append(list(seen)))
built = [future.result() for future in pool.build_ahead([SimpleNamespace(id=number) for number in range(40)])]
pool.close()
is_read = all(read >= number for _, number, read in built)
print(len(built), os.getpid() in {pid for pid, _, _ in built}, seen, closed, is_read)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux copies processes")
def test_a_process_that_is_alone_is_copied_and_makes_no_other_builder() -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", COPIED], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["40", "False", "[-1]", "[[-1]]", "True"], done.stderr
