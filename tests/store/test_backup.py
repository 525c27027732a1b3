"""Copies of the whole database: consistent, complete, never over anything, and going on where the original was."""

import sqlite3
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from bot.errors import UserError
from bot.store import Database
from bot.store.backup import backup, copy_to
from bot.store.schema import METADATA
from bot.store.tables.edition_rows import EDITIONS
from bot.store.tables.installation_rows import SETTINGS
from bot.store.tables.paper_rows import PAPERS, REVISIONS
from bot.store.tables.source_rows import UNPARSED
from tests.conftest import new_database_url

NOW = datetime(2026, 11, 20, 8, 0, 0, 123456, tzinfo=UTC)


def fill(database: Database, papers: int = 5_000) -> None:
    with database.write() as tx:
        tx.execute(insert(REVISIONS), [{"at": NOW, "source": "hf", "first": True}])
        rows = [
            {"key": f"arxiv:{n}", "first_seen": NOW, "born": 1, "revision": 1, "data": f'{{"title":"Ł α 强化 {n}"}}'}
            for n in range(papers)
        ]
        tx.execute(insert(PAPERS), rows)
        tx.execute(PAPERS.delete().where(PAPERS.c.id == papers))  # the last number was somebody's
        tx.execute(insert(SETTINGS), [{"name": "secret", "value": "x" * 40}])
        tx.execute(insert(UNPARSED), [{"source": "hf", "at": NOW, "location": "https://x", "body": b"\x00\xff"}])


def contents(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    with database.read() as tx:
        return {
            table.name: sorted((tuple(row) for row in tx.execute(select(table))), key=repr)
            for table in METADATA.sorted_tables
        }


@pytest.fixture(params=["sqlite", "postgresql"])
def target_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return new_database_url(request, tmp_path / "target.db")


def test_everything_is_copied_and_numbering_goes_on(database: Database, target_url: str) -> None:
    fill(database)

    copied = copy_to(database, target_url)

    target = Database(target_url)
    assert contents(target) == contents(database)
    assert copied["paper"] == 4_999
    assert not target.pending()
    with target.write() as tx:
        row = {"key": "new", "first_seen": NOW, "born": 1, "revision": 1, "data": "{}"}
        assert tx.execute(insert(PAPERS).values(**row).returning(PAPERS.c.id)).scalar_one() == 5_001
        values = {"at": NOW, "source": "hf", "first": False}
        assert tx.execute(insert(REVISIONS).values(**values).returning(REVISIONS.c.id)).scalar_one() == 2
    target.close()


def test_a_database_with_a_schema_is_left_alone(database: Database, target_url: str) -> None:
    fill(database, 3)
    target = Database(target_url)
    target.migrate()

    with pytest.raises(UserError, match="is not empty"):
        copy_to(database, target_url)

    with target.read() as tx:
        assert tx.execute(select(func.count()).select_from(PAPERS)).scalar_one() == 0
    target.close()


def test_a_copy_that_fails_leaves_nothing_behind(database: Database, target_url: str) -> None:
    fill(database)

    def fail(table: str, rows: int) -> None:
        if table == "paper" and rows > 2_000:
            raise RuntimeError("the cable")

    with pytest.raises(RuntimeError, match="the cable"):
        copy_to(database, target_url, fail)

    assert copy_to(database, target_url)["paper"] == 4_999


def test_nothing_is_copied_while_a_message_is_in_flight(database: Database, target_url: str) -> None:
    moment = {"due": NOW, "day": NOW.date(), "next_at": NOW, "matched": 0, "picks": "[]"}
    with database.write() as tx:
        tx.execute(
            insert(EDITIONS).values(
                subscriber_id=1, kind="digest", slot="x", compose_id=1, revision=1, state="sending", **moment
            )
        )
    with pytest.raises(UserError, match="in flight"):
        copy_to(database, target_url)


def test_the_database_is_not_copied_to_itself(database: Database) -> None:
    with pytest.raises(UserError, match="the database itself"):
        copy_to(database, database.url)


def test_a_backup_is_whole_while_others_write(database: Database, tmp_path: Path) -> None:
    """Each write adds two rows that belong together: a copy between the two would show."""
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with database.write() as tx:
                tx.execute(insert(SETTINGS).values(name=f"a{number}", value="1"))
                tx.execute(insert(SETTINGS).values(name=f"b{number}", value="1"))

    fill(database)
    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(3):
            backup(database, tmp_path / f"backup-{number}.db")
    finally:
        stop.set()
        thread.join()

    for number in range(3):
        file = tmp_path / f"backup-{number}.db"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        with sqlite3.connect(file) as copy:
            assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            names = {name for (name,) in copy.execute("SELECT name FROM setting")}
            assert {name[1:] for name in names if name[0] == "a"} == {name[1:] for name in names if name[0] == "b"}
            assert copy.execute("SELECT count(*) FROM paper").fetchone() == (4_999,)
        copy.close()
    assert [path.name for path in tmp_path.glob(".backup-*")] == []


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda file: file.write_text("mine"), "exists already"),
        (lambda file: file.mkdir(), "exists already"),
        (lambda file: None, "does not exist"),
    ],
)
def test_a_backup_never_writes_over_anything(
    database: Database, tmp_path: Path, make: Callable[[Path], None], said: str
) -> None:
    file = tmp_path / "backup.db"
    make(file)
    before = file.read_text() if file.is_file() else None

    with pytest.raises(UserError, match=said):
        backup(database, file if file.exists() else tmp_path / "none" / "backup.db")

    assert (file.read_text() if file.is_file() else None) == before


def test_a_backup_comes_back(database: Database, target_url: str, tmp_path: Path) -> None:
    fill(database, 30)
    backup(database, tmp_path / "backup.db")

    kept = Database(f"sqlite:///{tmp_path / 'backup.db'}")
    copy_to(kept, target_url)
    target = Database(target_url)

    assert contents(target) == contents(database)
    target.close()
    kept.close()
