"""The database itself: connecting, transactions, migrations. No tables and no queries here."""

import getpass
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)

from bot.errors import UserError
from bot.store.locks import (
    LOCK_NOT_AVAILABLE,
    LONGEST_LOCK,
    PLANNING_WAITS,
    AdvisoryLock,
    wait_for_locks,
)

T = TypeVar("T")

OLDEST_SQLITE = (3, 35, 0)  # RETURNING
PAGE_SIZE = 8_192  # bytes, of a new file: of papers with abstracts a page of SQLite's usual 4,096 holds only two
CHECKPOINT_PAGES = 2_000  # of the write-ahead log (16 MB): pages written again and again are copied into the file once
USUAL_CACHE = 1  # MB of pages for a connection, half of what SQLite takes: the system remembers them, too
BUSY_MS = 30_000
LONGEST_STATEMENT = 600  # seconds: of PostgreSQL, and of our waiting for its answer where nothing shorter is asked for
# A server that is gone or cut off is noticed within a minute, on both sides. (libpq; a URL may say otherwise.)
LONGEST_IDLE = 30  # seconds in a transaction: a process of ours that stands still holds its locks no longer
TCP = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
SESSION = (
    f"SET statement_timeout = '{LONGEST_STATEMENT}s'",
    f"SET lock_timeout = '{LONGEST_LOCK}s'",
    f"SET idle_in_transaction_session_timeout = '{LONGEST_IDLE}s'",
    "SET tcp_user_timeout = 20000",
    "SET tcp_keepalives_idle = 30",
    "SET tcp_keepalives_interval = 10",
    "SET tcp_keepalives_count = 3",
)
IDLE_SESSIONS = text(
    """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
    AND application_name = current_setting('application_name')
    AND state LIKE 'idle in transaction%' AND now() - state_change > :longest * interval '1 second'
    """
)
NEWEST = max(
    file.stem.partition("_")[0] for file in (Path(__file__).parent / "migrations" / "versions").glob("[0-9]*.py")
)


_answer_within: ContextVar[float] = ContextVar("answer within", default=LONGEST_STATEMENT)

# Of a server that went away it tells in a hundred lines what `Database` says in one.
logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)


@contextmanager
def answers_within(seconds: float) -> Iterator[None]:
    """In this thread, wait no longer than this for any answer of PostgreSQL: then the connection is given up. Time-outs
    of the server and of TCP do not help where its process is stopped: the kernel still acknowledges for it."""
    before = _answer_within.set(seconds)
    try:
        yield
    finally:
        _answer_within.reset(before)


class Database:
    """A SQLite or PostgreSQL database. Thread-safe; one per process."""

    def __init__(self, url: str, *, durable: bool = True, write_cache: int = USUAL_CACHE) -> None:
        """`durable` makes every commit survive a power cut (SQLite: synchronous=FULL), not only a crash. `write_cache`:
        megabytes of pages that a connection which writes may keep in memory (SQLite); a transaction that changes more
        writes them to the disk before its end, and again.

        Raises UserError for a URL that cannot be used.
        """
        self.url = url
        self.durable = durable
        self._writer = _engine(url, immediate=True, durable=durable, cache=write_cache)
        self.sqlite = self._writer.dialect.name == "sqlite"
        self._reader = _engine(url, immediate=False, durable=durable) if self.sqlite else self._writer
        # SQLite's file, by the one name that all who use it know it by.
        self.file = Path(str(self._writer.url.database)).resolve() if self.sqlite else None

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return self._writer.url.render_as_string(hide_password=True)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write. On SQLite it takes the write lock at once (BEGIN IMMEDIATE): a deferred one
        that reads first and writes later loses updates or fails with "database is locked"."""
        with self._answering(), self._writer.begin() as transaction:
            yield transaction

    @contextmanager
    def record(self) -> Iterator[Connection]:
        """A transaction that makes a revision: these take turns, so that revisions become visible in their order and a
        subscriber's cursor can never pass one that is still being written."""
        with self.write() as transaction:
            wait_for_locks(transaction, LONGEST_STATEMENT)
            AdvisoryLock.RECORD.take(transaction)
            yield transaction

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads, from one moment's snapshot."""
        with self._answering(), self._reader.connect() as connection:
            if not self.sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    def ask(self, question: Callable[[Connection], T]) -> T:
        """One question in a `read` of its own, put a second time where the database does not answer the first: one
        connection may have died while others are well. Raises UserError."""
        try:
            with self.read() as connection:
                return question(connection)
        except UserError:
            with self.read() as connection:
                return question(connection)

    def migrate(self) -> tuple[str | None, str]:
        """Bring the schema up to date; returns the version before and after. Several processes may start at once.

        Raises UserError when the database cannot be reached or is newer than this program.
        """
        try:
            before = self._version()
            if before != NEWEST:
                from bot.store.schema import create

                with self.migrating() as connection:
                    if not (self.sqlite and before is None and create(connection, NEWEST)):
                        from bot.store.migrations import upgrade  # a tenth of our memory, for what is seldom needed

                        upgrade(connection, self.shown)
        except SQLAlchemyError as error:
            raise unusable(self.shown, error) from error
        return before, NEWEST

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A transaction that changes the schema: one at a time."""
        with self.write() as transaction:
            wait_for_locks(transaction, LONGEST_STATEMENT)
            AdvisoryLock.MIGRATION.take(transaction)
            yield transaction

    @contextmanager
    def planning(self) -> Iterator[Connection | None]:
        """A transaction that hands out work to many processes; None while another one does. PostgreSQL only.

        Raises UserError where rows stay locked by somebody else for some seconds: all would wait for that.
        """
        with self.write() as transaction:
            wait_for_locks(transaction, PLANNING_WAITS)
            is_ours = transaction.execute(text(f"SELECT pg_try_advisory_xact_lock({AdvisoryLock.PLANNING:d})")).scalar()
            yield transaction if is_ours else None

    def end_idle_transactions(self) -> int:
        """End the sessions of ours that have stood still within a transaction for too long, on any machine. Returns
        how many. The server's own limit should do it, but PostgreSQL 15 forgets it in half of the cases where the last
        statements came in one batch (as `executemany` sends them). Raises UserError."""
        if self.sqlite:
            return 0
        with self.read() as connection:
            ended = connection.execute(IDLE_SESSIONS, {"longest": LONGEST_IDLE})
            return len(ended.all())

    def server_time(self) -> datetime:
        """PostgreSQL's clock, which all who share the database can agree on. Raises UserError."""
        with self.read() as connection:
            moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return moment

    def pending(self) -> bool:
        """Whether `migrate` would change the schema. Raises UserError when the database cannot be reached."""
        try:
            return self._version() != NEWEST
        except SQLAlchemyError as error:
            raise unusable(self.shown, error) from error

    def _version(self) -> str | None:
        """The schema's version; None where there is none yet."""
        with self.read() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """A server that is gone, a full disk, a file that is locked: the user's affair, in one line."""
        try:
            yield
        except DBAPIError as error:
            if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
                raise unusable(self.shown, error) from error
            raise

    def answers(self) -> bool:
        """Whether the database can be asked at all."""
        try:
            with self.read() as connection:
                return connection.execute(text("SELECT 1")).scalar() == 1
        except (SQLAlchemyError, UserError):
            return False

    def scrub(self) -> None:
        """Leave nothing of deleted rows in the files of SQLite: what the write-ahead log still holds goes into the
        database, where the pages are overwritten already. Fails open: the next checkpoint does the same."""
        if self.sqlite:
            with suppress(SQLAlchemyError), self._reader.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()


def is_absent(url: str) -> bool:
    """Whether a URL names a SQLite file that is not there yet."""
    return url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///").partition("?")[0]).exists()


def unusable(shown: str, error: SQLAlchemyError) -> UserError:
    """What to tell somebody whose database does not answer."""
    said = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    hint = "check `database` (or DATABASE_URL)"
    if getattr(getattr(error, "orig", None), "sqlstate", "") == LOCK_NOT_AVAILABLE:
        return UserError(
            f"Rows in {shown} are locked by another transaction for too long.",
            ["it is tried again by itself; pg_stat_activity names who is idle in a transaction, or at work for long"],
        )
    if shown.startswith("sqlite:///"):
        file = Path(shown.removeprefix("sqlite:///").partition("?")[0])
        for path, is_there in ((file.parent, True), (file, file.exists())):
            if is_there and not os.access(path, os.W_OK):
                hint = f"{path} cannot be written to by the user {_user()}: run this as whoever runs the worker"
    return UserError(f"The database {shown} cannot be used: {said}", [hint])


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a number without a name, as in many a container
        return str(os.getuid()) if hasattr(os, "getuid") else "that runs it"


def _engine(url: str, *, immediate: bool, durable: bool, cache: int = USUAL_CACHE) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(url, immediate=immediate, durable=durable, cache=cache)
        if parsed.drivername in ("postgres", "postgresql"):  # as Heroku and others write it
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() != "postgresql":
            raise UserError(f"No database of the kind {parsed.drivername}.", ["give sqlite:///FILE or postgresql://…"])
        return _postgresql(parsed)
    except ModuleNotFoundError as error:
        raise UserError("PostgreSQL needs its driver.", ["pip install 'paperlark[postgres]'"]) from error
    except (ArgumentError, NoSuchModuleError) as error:
        raise UserError(f"Not a database URL: {error}", ["use sqlite:///paperlark.db or postgresql://…"]) from error


def _postgresql(url: URL) -> Engine:
    how = {"application_name": "paperlark", **TCP}
    ours = {name: value for name, value in how.items() if name not in url.query}
    engine = create_engine(url, pool_size=4, max_overflow=4, pool_pre_ping=True, connect_args=ours)
    if url.get_driver_name() == "psycopg":
        from bot.store.psycopg_timeout import ConnectionWithTimeout  # needs the driver

        @event.listens_for(engine, "do_connect")
        def connect(_dialect: Any, _record: Any, arguments: Any, named: Any) -> Any:
            return ConnectionWithTimeout.connect(*arguments, seconds=_answer_within.get, **named)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            for statement in SESSION:
                cursor.execute(statement)
        connection.commit()

    return engine


def _sqlite(url: str, *, immediate: bool, durable: bool, cache: int) -> Engine:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise UserError(f"SQLite {sqlite3.sqlite_version} is too old.", ["3.35 or newer is needed"])
    file = make_url(url).database
    if not file or file == ":memory:":
        raise UserError("A database in memory forgets everything at exit.", ["use sqlite:///paperlark.db"])
    folder = Path(file).resolve().parent
    if not folder.is_dir():
        raise UserError(f"The folder of the database does not exist: {folder}", [f"mkdir -p {folder}"])
    engine = create_engine(url, connect_args={"timeout": BUSY_MS / 1000}, pool_size=4, max_overflow=8)

    @event.listens_for(engine, "do_connect")
    def create(_dialect: Any, _record: Any, _arguments: Any, _named: Any) -> None:
        with suppress(OSError):  # SQLite will say what is wrong
            Path(file).touch(mode=0o600)  # it holds tokens and addresses; SQLite's other files take its mode

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own: `begin` below does
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        cursor.execute(f"PRAGMA page_size={PAGE_SIZE}")
        _switch_to_wal(cursor)
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA cache_size={-cache * 1024}")  # below zero: in KiB
        cursor.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        cursor.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _switch_to_wal(cursor: sqlite3.Cursor) -> None:
    """Of several processes that start at once on a new file one switches, and SQLite tells the others at once that it
    is locked, whatever the busy timeout: they might wait for each other. Here they try again."""
    until = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)


__all__ = ["Connection", "Database", "OperationalError", "answers_within", "is_absent", "unusable"]
