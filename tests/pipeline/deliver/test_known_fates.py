"""A message that the relay has taken is written down when the database answers; nothing doubles without a death."""

import logging
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.errors import UserError
from bot.mail.transport.connection import Timeouts
from bot.pipeline.deliver import marks, sender
from bot.store import Connection, Database
from bot.store import database as database_module
from tests.conftest import new_postgres_database

Start = Callable[..., Any]


def people(number: int) -> list[str]:
    return [f"p{index}@example.net" for index in range(number)]


def test_a_database_locked_by_another_program(
    post: Any, relay: Start, quick: Timeouts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than SQLite's own patience, which is a third of a second here instead of half a minute."""
    monkeypatch.setattr(database_module, "BUSY_MS", 300)
    file = tmp_path / "store.db"
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)

    first = iter([True])

    def script(talk: Any, line: str) -> None:
        if line == "." and next(first, False):
            other.execute("BEGIN IMMEDIATE")
            threading.Timer(2.0, lambda: other.execute("COMMIT")).start()

    server = relay(script)
    post.fill(people(6))
    database = Database(f"sqlite:///{file}", durable=False)
    post.database, before = database, post.database
    try:
        report = post.send(server.port, timeouts=quick, connections=2)
    finally:
        post.database = before
        database.close()
        other.close()
    assert (report.delivered, report.waiting) == (6, 0)
    assert sorted(server.recipients) == people(6)
    assert set(post.states().values()) == {"sent"}


class Away(Database):
    """A database that does not answer for a time, as a server that is being restarted or a disk that is full."""

    is_away = False

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with super().write() as tx:
            if self.is_away:
                raise UserError("The database cannot be used: database or disk is full")
            yield tx


def test_a_full_disk_and_a_relay_that_has_taken_the_message(
    post: Any, relay: Start, quick: Timeouts, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = Away(f"sqlite:///{tmp_path / 'store.db'}", durable=False)

    def script(talk: Any, line: str) -> None:
        if line == "." and len(server.accepted) == 1:
            database.is_away = True
            threading.Timer(1.5, lambda: setattr(database, "is_away", False)).start()

    server = relay(script)
    post.fill(people(5))
    post.database, before = database, post.database
    with caplog.at_level(logging.WARNING):
        report = post.send(server.port, timeouts=quick)
    post.database = before
    database.close()
    assert report.delivered == 5
    assert server.recipients == people(5)
    assert "waiting for the database" in caplog.text
    assert "Traceback" not in caplog.text


def test_it_is_given_up_some_time_after_a_stop(
    post: Any, relay: Start, quick: Timeouts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "STOPPING", 0.5)
    database = Away(f"sqlite:///{tmp_path / 'store.db'}", durable=False)
    stop = threading.Event()

    def script(talk: Any, line: str) -> None:
        if line == ".":
            database.is_away = True
            stop.set()

    server = relay(script)
    post.fill(people(3))
    post.database, before = database, post.database
    began = time.monotonic()
    with pytest.raises(UserError, match="disk is full"):
        post.send(server.port, timeouts=quick, stop=stop)
    assert time.monotonic() - began < 5
    post.database = before
    database.close()
    assert len(server.recipients) == 1


def test_marks_of_all_threads_are_one_transaction(post: Any, relay: Start, quick: Timeouts, tmp_path: Path) -> None:
    """While one commit takes its time, the marks of the other threads gather for the next."""

    class Slow(Database):
        commits = 0

        @contextmanager
        def write(self) -> Iterator[Connection]:
            with super().write() as tx:
                yield tx
                time.sleep(0.05)
                self.commits += 1

    database = Slow(f"sqlite:///{tmp_path / 'store.db'}", durable=False)
    server = relay()
    post.fill(people(40))
    post.database, before = database, post.database
    assert post.send(server.port, timeouts=quick, connections=8).delivered == 40
    post.database = before
    database.close()
    assert database.commits <= 32, database.commits  # one each would be 40 and more


def test_no_content_leaves_before_the_message_before_is_written_down(
    post: Any, relay: Start, quick: Timeouts, tmp_path: Path
) -> None:
    unmarked: list[int] = []

    def script(talk: Any, line: str) -> None:
        if line == ".":
            sent = sum(state == "sent" for state in post.states().values())
            unmarked.append(len(server.accepted) - sent)

    server = relay(script)
    post.fill(people(12))
    assert post.send(server.port, timeouts=quick).delivered == 12
    assert max(unmarked) == 0


@pytest.mark.skipif(os.name != "posix", reason="signals are others there")
def test_a_stopped_backend_of_postgresql_costs_seconds_and_no_message(
    post_on: Any, clock: Any, relay: Start, quick: Timeouts, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "ANSWER", 1.0)
    monkeypatch.setattr(sender, "ANSWER", 1.0)
    database = Database(new_postgres_database(postgres), durable=False)
    database.migrate()
    observer = Database(database.url)  # with a connection of its own, that is never the one it looks for
    post = post_on(database, clock)
    post.fill(people(20))
    ours = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    halted: list[int] = []
    third = iter([False, False, True])

    def script(talk: Any, line: str) -> None:
        if line == "." and next(third, False):
            with observer.read() as tx:
                halted.extend(pid for (pid,) in tx.exec_driver_sql(ours).all()[:1])
            os.kill(halted[0], signal.SIGSTOP)

    server = relay(script)
    began = time.monotonic()
    try:
        report = post.send(server.port, timeouts=quick, connections=2)
        assert time.monotonic() - began < 20
    finally:
        for pid in halted:
            os.kill(pid, signal.SIGCONT)
    assert halted
    assert sorted(server.recipients) == sorted(people(20))
    assert report.delivered == 20
    database.close()
    observer.close()
