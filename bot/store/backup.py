"""Consistent copies of the whole database: to a file, or from one kind of database to the other.

A copy is one snapshot, written in one transaction: a copy that is interrupted leaves nothing behind.
"""

import os
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Table, func, insert, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from bot.errors import UserError
from bot.store.database import Database, unusable
from bot.store.schema import METADATA
from bot.store.tables.edition_rows import EDITIONS

ROWS = 2_000  # rows held in memory at a time
OnRows = Callable[[str, int], None]


def backup(database: Database, file: Path) -> None:
    """Write a consistent copy of the database to a new SQLite file, while it is in use.

    A PostgreSQL database becomes a SQLite file, too; `copy_to` brings it back.
    Raises UserError when the file exists or cannot be written.
    """
    if file.exists():
        raise UserError(f"{file} exists already; nothing was written.", ["name another file, or move that one away"])
    if not file.parent.is_dir():
        raise UserError(f"The folder of {file} does not exist.", [f"mkdir -p {file.parent}"])
    try:
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=file.parent) as folder:
            part = Path(folder) / "part.db"
            if database.sqlite:
                _vacuum_into(database, part)
            else:
                copy_to(database, f"sqlite:///{part}")
                _leave_wal(part)
            part.chmod(0o600)
            os.link(part, file)  # fails, instead of writing over it, if somebody made the file meanwhile
    except FileExistsError as error:
        raise UserError(f"{file} exists already; nothing was written.", ["name another file"]) from error
    except (OSError, sqlite3.Error) as error:
        raise UserError(
            f"The backup cannot be written to {file}: {error}", ["is there room, and may you write?"]
        ) from error


def copy_to(database: Database, url: str, progress: OnRows = lambda table, rows: None) -> dict[str, int]:
    """Copy everything to an empty database, SQLite or PostgreSQL. Returns the rows copied by table.

    Raises UserError when the target has a schema already, cannot be used, or mail is being sent at this moment.
    """
    target = Database(url)
    if target.shown == database.shown:
        raise UserError("That is the database itself.", ["name the one to copy to"])
    try:
        with database.read() as source, target.write() as tx:
            if inspect(tx).get_table_names():
                raise UserError(f"The database {target.shown} is not empty; nothing was copied.", ["name an empty one"])
            _refuse_while_sending(source)
            from bot.store.migrations import upgrade  # a tenth of our memory, for what is seldom needed

            upgrade(tx, target.shown)
            for table in METADATA.sorted_tables:
                tx.execute(table.delete())  # what a migration put there itself
            copied = {table.name: _copy_rows(source, tx, table, progress) for table in METADATA.sorted_tables}
            for table in METADATA.sorted_tables:
                _continue_numbering(source, tx, table)
            return copied
    except SQLAlchemyError as error:
        raise unusable(target.shown, error) from error
    finally:
        target.close()


def _vacuum_into(database: Database, file: Path) -> None:
    """SQLite's own way: one read transaction, so that writers go on meanwhile."""
    connection = sqlite3.connect(str(make_url(database.url).database), isolation_level=None, timeout=30)
    try:
        connection.execute("VACUUM INTO ?", (str(file),))
    finally:
        connection.close()


def _leave_wal(file: Path) -> None:
    """Everything in the one file, so that it can be moved alone."""
    connection = sqlite3.connect(str(file), isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=DELETE")
    finally:
        connection.close()


def _refuse_while_sending(source: Connection) -> None:
    """A message in flight would be sent by whoever runs on the copy, too."""
    busy = source.execute(select(func.count()).where(EDITIONS.c.state == "sending")).scalar_one()
    if busy:
        raise UserError(
            f"Mail is being sent at this moment ({busy} in flight): a copy would send it again.",
            ["stop the worker, then copy; if no worker runs, `paperlark deliver` settles what it left"],
        )


def _copy_rows(source: Connection, target: Connection, table: Table, progress: OnRows) -> int:
    copied = 0
    with source.execution_options(yield_per=ROWS).execute(select(table)) as rows:
        for part in rows.mappings().partitions():
            target.execute(insert(table), [dict(row) for row in part])
            copied += len(part)
            progress(table.name, copied)
    return copied


def _continue_numbering(source: Connection, target: Connection, table: Table) -> None:
    """The next row gets a number that no row ever had, not even one that was deleted."""
    if "id" not in table.c or not table.c.id.primary_key:
        return
    highest = max(_numbered_up_to(source, table), target.execute(select(func.max(table.c.id))).scalar() or 0)
    if not highest:
        return
    if target.dialect.name != "sqlite":
        name = target.execute(text("SELECT pg_get_serial_sequence(:table, 'id')"), {"table": table.name}).scalar_one()
        target.execute(text("SELECT setval(:name, :highest)"), {"name": name, "highest": highest})
    elif table.dialect_options["sqlite"]["autoincrement"]:
        values = {"name": table.name, "highest": highest}
        target.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
        target.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :highest)"), values)


def _numbered_up_to(source: Connection, table: Table) -> int:
    """The highest number the source gave out, where it remembers."""
    if source.dialect.name != "sqlite":
        name = source.execute(text("SELECT pg_get_serial_sequence(:table, 'id')"), {"table": table.name}).scalar_one()
        statement = f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {name}"  # noqa: S608
        return int(source.execute(text(statement)).scalar_one())
    if not table.dialect_options["sqlite"]["autoincrement"]:
        return 0
    statement = "SELECT seq FROM sqlite_sequence WHERE name = :name"
    return int(source.execute(text(statement), {"name": table.name}).scalar() or 0)
