"""A server that stops answering, and files that hold secrets."""

import contextlib
import logging
import os
import signal
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from bot.errors import UserError
from bot.store import Database
from bot.store.database import answers_within
from tests.conftest import new_postgres_database


@pytest.fixture
def server(postgres: str) -> Iterator[Database]:
    database = Database(new_postgres_database(postgres), durable=False)
    database.migrate()
    yield database
    database.close()


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def backend_of(connection: Any) -> int:
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def test_a_stopped_backend_is_given_up_and_another_connection_used(server: Database) -> None:
    with server.read() as tx:
        pid = backend_of(tx)
    with stopped(pid), answers_within(1.5):
        began = time.monotonic()
        with server.read() as tx:  # the pool's connection is asked first, and does not answer
            assert backend_of(tx) != pid
        assert 1 < time.monotonic() - began < 10


def test_one_that_stops_within_a_transaction_is_said_so_in_one_line(server: Database) -> None:
    def ask_a_stopped_one() -> None:
        with server.write() as tx, stopped(backend_of(tx)):
            tx.execute(text("SELECT 1"))

    with answers_within(1.5), pytest.raises(UserError, match="no answer within 2 s") as caught:
        ask_a_stopped_one()
    assert "\n" not in caught.value.summary
    assert server.answers()


def test_the_limit_is_for_one_thread(server: Database) -> None:
    slept: list[Any] = []

    def work() -> None:
        with server.read() as tx:
            slept.append(tx.execute(text("SELECT pg_sleep(1.5)")).scalar())

    with answers_within(0.5):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert len(slept) == 1


def test_a_server_that_ends_our_connection_is_one_line(
    server: Database, postgres: str, caplog: pytest.LogCaptureFixture
) -> None:
    def ask_one_that_is_ended() -> None:
        with server.write() as tx:
            with psycopg.connect(postgres, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", [backend_of(tx)])
            tx.execute(text("SELECT 1"))

    with caplog.at_level(logging.DEBUG), pytest.raises(UserError, match="cannot be used"):
        ask_one_that_is_ended()
    assert "Traceback" not in caplog.text
    assert server.answers()


def test_sessions_have_limits(server: Database) -> None:
    with server.read() as tx:
        assert tx.execute(text("SHOW statement_timeout")).scalar() == "10min"
        assert tx.execute(text("SHOW idle_in_transaction_session_timeout")).scalar() == "30s"


def test_a_session_that_stands_still_in_a_transaction_is_ended_by_another(
    server: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one whose limit the server forgot, as its statements came in one batch. Not those at work, nor others'."""
    monkeypatch.setattr("bot.store.database.LONGEST_IDLE", 1)
    other = Database(server.url, durable=False)

    def stand_still(stranger: psycopg.Connection) -> None:
        with server.write() as tx:
            tx.execute(text("SELECT CAST(:number AS int)"), [{"number": number} for number in range(50)])
            assert other.end_idle_transactions() == 0, "not yet"
            time.sleep(1.5)
            assert other.end_idle_transactions() == 1
            assert stranger.execute("SELECT 2").fetchall() == [(2,)]
            tx.execute(text("SELECT 1"))

    with psycopg.connect(server.url.replace("+psycopg", "")) as stranger:
        stranger.execute("SELECT 1")
        with pytest.raises(UserError):
            stand_still(stranger)
    other.close()


def test_a_host_that_does_not_answer_is_said_in_time() -> None:
    database = Database("postgresql+psycopg://u@192.0.2.1/x?connect_timeout=2")
    began = time.monotonic()
    with pytest.raises(UserError, match="cannot be used"), database.read():
        pass
    assert time.monotonic() - began < 12
    database.close()


@pytest.mark.skipif(os.name != "posix", reason="other rights there")
def test_the_files_of_a_new_database_are_for_its_owner_alone(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'p.db'}")
    database.migrate()
    with database.read() as tx:
        tx.execute(text("SELECT 1"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    database.close()
    assert len(modes) == 3
    assert set(modes.values()) == {0o600}
