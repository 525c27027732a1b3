"""Messages are rendered and signed in processes of their own, where there are many: all cores work, and the sending
threads have their answers in time. A process that dies costs nothing: its messages are built where they are sent."""

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import suppress
from typing import NamedTuple

from bot.mail.message.types import Message
from bot.store.outbox import Leased

SHARE_FROM = 500  # messages due: below, starting processes takes longer than what they save
LOOK_AT = 500  # messages whose papers are loaded before that: most papers are in many of them
CHUNK = 8  # messages that go to a process at once

Build = Callable[[Leased], Message]
LoadAhead = Callable[[Sequence[Leased]], object]


def each_by_itself(batch: Sequence[Leased]) -> None:
    """Nothing is loaded ahead: each message asks the store for what it shows."""


class Builder(NamedTuple):
    """Makes messages. What those of a batch show may be asked for at once, before the first of them is built."""

    build: Build
    load_ahead: LoadAhead = each_by_itself


_builders: list[Builder] = []  # the one of a process in the pool


class BuildPool:
    """Builds ahead, in copies of this process where it can be copied, else in new ones: starting Python and reading the
    configuration takes as long as some hundred letters.

    In a copy `builder` goes on as it is, with what it has learnt from the `first` messages; `before_copying` closes the
    connections to the database, for two processes must not share one. In a new process `make_builder` makes another
    builder, so it must be importable there by name.
    """

    def __init__(
        self,
        builder: Builder,
        make_builder: Callable[[], Builder],
        processes: int,
        first: Sequence[Leased] = (),
        before_copying: Callable[[], object] = lambda: None,
    ) -> None:
        import multiprocessing  # memory nobody with fewer messages should pay for
        from concurrent.futures import ProcessPoolExecutor

        # A fork copies the locks of other threads, held or not; and on macOS libraries of the system break in a copy.
        is_alone = sys.platform == "linux" and threading.active_count() == 1
        self._pool = ProcessPoolExecutor(
            processes,
            mp_context=multiprocessing.get_context("fork" if is_alone else "spawn"),
            initializer=_start,
            initargs=((lambda: builder) if is_alone else make_builder, os.getpid()),
        )
        if is_alone:
            with suppress(Exception):  # whatever it is, it is said where the message is sent
                builder.load_ahead(first)
                for leased in first[:1]:
                    builder.build(leased)  # the templates are compiled by that
            before_copying()
            self._pool.submit(os.getpid)  # now, before we have threads

    def build_ahead(self, batch: Sequence[Leased]) -> "list[Future[Message | None]]":
        """One future for each; None comes of one that could not be built there."""
        futures: list[Future[Message | None]] = [Future() for _ in batch]
        for start in range(0, len(batch), CHUNK):
            part = futures[start : start + CHUNK]
            try:
                self._pool.submit(_build_all, batch[start : start + CHUNK]).add_done_callback(_handing_to(part))
            except BrokenExecutor:
                for future in part:
                    future.set_result(None)
        return futures

    def close(self) -> None:
        """What nobody waits for any more is not built."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _handing_to(futures: "list[Future[Message | None]]") -> "Callable[[Future[list[Message | None]]], None]":
    def hand_over(done: "Future[list[Message | None]]") -> None:
        failed = done.cancelled() or done.exception() is not None
        for future, message in zip(futures, [None] * len(futures) if failed else done.result(), strict=True):
            future.set_result(message)

    return hand_over


def _start(make_builder: Callable[[], Builder], parent: int) -> None:
    """In the other process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the sender's to answer
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)  # what is remembered are many live objects: looking through them finds nothing
    _builders.append(make_builder())


def _end_with(parent: int) -> None:
    """A pool's process does not notice by itself when the one it works for is killed."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _build_all(batch: Sequence[Leased]) -> list[Message | None]:
    builder = _builders[0]
    with suppress(Exception):  # each asks for itself what is missing then
        builder.load_ahead(batch)
    built: list[Message | None] = []
    for leased in batch:
        try:
            built.append(builder.build(leased))
        except Exception:  # noqa: BLE001 - it is built once more where it is sent, and fails there with a name
            built.append(None)
    return built
