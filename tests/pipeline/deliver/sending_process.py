"""Processes that deliver, to be killed: each command on stdin forks one; its number is the answer.

    {"url": ..., "port": ..., "policy": ..., "connections": ..., "step": ..., "count": ...}

With "since" and "speed" it delivers to channels, too, at the same time, by a clock that runs so many times as fast
since that moment: pauses of minutes are over in seconds.

At the COUNT-th passing of STEP a process kills itself with SIGKILL. The traps are laid around the program's parts from
outside: the program itself knows nothing of them.
"""

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from bot.core.subscriber.subscriber import stored_subscriber
from bot.fetch import Fetcher
from bot.fetch.transport import _BudgetedStream
from bot.mail.message.types import Message
from bot.mail.transport.channels import ChannelTransport, Post, fault_of
from bot.mail.transport.connection import Connection
from bot.mail.transport.from_url import transport
from bot.pipeline.deliver import claims, deliver, marks, posts
from bot.pipeline.deliver.claims import Claims
from bot.pipeline.deliver.deliver import DeliverySettings
from bot.pipeline.deliver.marks import MarkWriter
from bot.store import Database, outbox
from bot.store.outbox import Leased


class Trap:
    """Lets `count` passings of a step be the last thing this process does, or the last before it is woken up."""

    def __init__(self, step: str, count: int, sent: signal.Signals = signal.SIGKILL) -> None:
        self.step, self.left, self.sent = step, count, sent
        self.lock = threading.Lock()

    def passing(self, step: str) -> None:
        if step != self.step:
            return
        with self.lock:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), self.sent)
                if self.sent == signal.SIGKILL:
                    time.sleep(60)

    def lay(self, place: Any, name: str, *, before: str = "", after: str = "") -> None:
        original: Callable[..., Any] = getattr(place, name)

        def trapped(*args: Any, **named: Any) -> Any:
            self.passing(before)
            result = original(*args, **named)
            self.passing(after)
            return result

        setattr(place, name, trapped)

    def lay_all(self) -> None:
        self.lay(outbox, "lease", before="before claim")
        self.lay(Claims, "_fill", after="after claim")
        self.lay(outbox, "finish", after="before commit")
        self.lay(MarkWriter, "_write", after="after commit")
        write = Connection.write

        def trapped(connection: Connection, data: bytes, timeout: float) -> None:
            is_content = data.endswith(b"\r\n.\r\n")
            self.passing("before DATA" if is_content else "")
            write(connection, data, timeout)
            self.passing("after the final dot" if is_content else "")

        Connection.write = trapped  # type: ignore[method-assign]
        self.lay(Fetcher, "exchange", before="before the request", after="after the answer")
        self.lay(_BudgetedStream, "write", after="in the request")


def build(leased: Leased) -> Message:
    data = f"Message-ID: {leased.message_id}\r\nSubject: hello\r\n\r\n{'x' * 60}\r\n"
    return Message(
        sender="b@papers.example.org", recipient=leased.email, message_id=leased.message_id, data=data.encode()
    )


def build_post(leased: Leased) -> Post:
    return Post(
        sender="",
        recipient=leased.channel,
        message_id=leased.message_id,
        data=b"{}",
        address=stored_subscriber(leased.data).channels[leased.channel],
        title=leased.message_id,
        body="hello",
    )


def send(
    url: str, port: int, policy: str, connections: int, step: str, count: int, since: float = 0.0, speed: float = 1.0
) -> None:
    """Deliver until nothing waits, or death."""
    Trap(step, count).lay_all()
    claims.LEASE = deliver.LEASE = timedelta(seconds=2 * speed)  # where its end alone tells that somebody is dead
    marks.BEAT = 0.5
    database = Database(url, durable=False)
    sending = DeliverySettings(
        transport=transport(f"smtp://127.0.0.1:{port}"),
        build=build,
        on_crash="skip" if policy == "skip" else "resend",
        connections=connections,
    )

    def clock() -> datetime:
        return datetime.fromtimestamp(since + (time.time() - since) * speed, UTC)

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return super().wait(timeout / speed if timeout else timeout)

    def go_on(settings: DeliverySettings) -> None:
        while deliver.deliver(database, settings, clock, stop=Stop()).waiting:
            time.sleep(0.02)

    if not since:
        go_on(sending)
        return
    ask = posts.asker(Fetcher(clock=clock, limits=posts.REQUEST), private=True)
    posting = replace(
        sending,
        transport=ChannelTransport(ask, partial(posts.post_to_webhook, ask, clock)),
        build=build_post,
        lane="channels",
        connections=posts.POSTS,
        domain_per_minute=posts.PER_MINUTE * speed,
    )
    with ThreadPoolExecutor(2) as lanes:
        for lane in [lanes.submit(go_on, settings) for settings in (sending, posting)]:
            lane.result()


def main() -> None:
    if "channels" in sys.argv:
        fault_of("json://example.org")  # Apprise is read once, before anybody is forked
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children: they must not linger as zombies
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            with contextlib.ExitStack() as end:  # a child never comes back into this loop
                end.callback(os._exit, 0)
                send(**json.loads(line))
        print(child, flush=True)


if __name__ == "__main__":
    main()
