"""Connecting, transactions and migrations, on both databases."""

import re
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, Table, insert, inspect, select, text

from bot.errors import UserError
from bot.store import Database, mail_requests
from bot.store.database import PAGE_SIZE
from bot.store.migrations import upgrade
from bot.store.schema import METADATA
from bot.store.tables.paper_rows import REVISIONS
from bot.store.tables.rate_limit_rows import LIMITS
from tests.conftest import new_postgres_database


def test_migrating_twice_changes_nothing(database: Database) -> None:
    before, after = database.migrate()

    assert before == after
    assert not database.pending()


def migrate_step_by_step(store: Database) -> None:
    """As an older database is brought up to date, also where a new one would be made in one go."""
    with store.migrating() as connection:
        upgrade(connection, store.shown)


def test_the_migrations_make_what_the_tables_say(database_url: str) -> None:
    store = Database(database_url)
    migrate_step_by_step(store)
    with store.read() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True})
        differences = compare_metadata(context, METADATA)
    store.close()

    assert differences == []


def schema_of(tx: Connection) -> dict[str, object]:
    """Every table of a SQLite database: its columns whatever their order, indexes, checks and numbering. A primary key
    keeps the name it had before its table was renamed."""
    tables = tx.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"))
    found: dict[str, object] = {}
    for name, sql in tables.all():
        columns = sorted(tuple(row[1:]) for row in tx.execute(text(f"PRAGMA table_info({name})")))
        indexes = tx.execute(
            text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = :name"), {"name": name}
        )
        constraints = sorted(re.findall(r"CONSTRAINT (?!\w+ PRIMARY KEY).*?(?=,\s*\n|\n\))", sql))
        shapes = sorted((index, re.sub(r"[\s\"]+", "", made or "")) for index, made in indexes)
        found[name] = columns, shapes, constraints, "AUTOINCREMENT" in sql
    return found


def test_a_new_database_has_the_schema_that_the_migrations_lead_to(tmp_path: Path) -> None:
    stores = [Database(f"sqlite:///{tmp_path / name}") for name in ("new.db", "old.db")]
    new, old = stores
    assert new.migrate()[0] is None
    migrate_step_by_step(old)
    with new.read() as made, old.read() as migrated:
        assert schema_of(made) == schema_of(migrated)
        assert len(schema_of(made)) == len(METADATA.tables) + 1
    for store in stores:
        assert not store.pending()
        migrate_step_by_step(store)  # nothing to do, as Alembic reads the version
        assert store.migrate()[0] == store.migrate()[1]
        store.close()


def test_every_moment_is_stored_in_utc_and_naive_ones_are_refused(database: Database) -> None:
    columns = [
        column
        for table in METADATA.tables.values()
        for column in table.columns
        if "DateTime" in type(column.type).__name__
    ]
    assert columns
    assert {type(column.type).__name__ for column in columns} == {"UTCDateTime"}

    tokyo = datetime.fromisoformat("2026-11-20T09:00+09:00")
    with database.write() as tx:
        tx.execute(insert(REVISIONS).values(at=tokyo, source="s", first=False))
        assert tx.execute(select(REVISIONS.c.at)).scalar_one() == datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
    with pytest.raises(Exception, match=r"(?i)naive|timezone"), database.write() as tx:
        tx.execute(insert(REVISIONS).values(at=datetime(2026, 11, 20), source="s", first=False))  # noqa: DTZ001


def test_several_processes_may_migrate_at_once(database_url: str) -> None:
    stores = [Database(database_url) for _ in range(8)]
    results: list[object] = []

    def start(store: Database) -> None:
        try:
            results.append(store.migrate()[1])
        except Exception as error:
            results.append(error)

    threads = [threading.Thread(target=start, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()

    assert results == [results[0]] * 8
    assert isinstance(results[0], str)


def test_a_failing_migration_leaves_nothing_behind(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import alembic.command

    to_version = alembic.command.upgrade

    def break_off(config: object, target: str) -> None:
        to_version(config, target)  # type: ignore[arg-type]
        raise RuntimeError("power cut")

    store = Database(database_url)
    with monkeypatch.context() as patch:
        patch.setattr(alembic.command, "upgrade", break_off)
        with pytest.raises(RuntimeError, match="power cut"):
            migrate_step_by_step(store)
    with store.read() as tx:
        assert inspect(tx).get_table_names() == []
    assert store.migrate()[0] is None
    store.close()


def add_row(tx: Connection, name: str, **values: object) -> None:
    """A row of a table as it is in the database now, with something in every column that must have it."""
    table = Table(name, MetaData(), autoload_with=tx)
    fillers: dict[type, object] = {str: "", int: 0, bool: False, datetime: datetime(2026, 11, 1, tzinfo=UTC)}
    needed = [column for column in table.columns if not column.nullable and not column.primary_key]
    tx.execute(insert(table).values({column.name: fillers.get(column.type.python_type) for column in needed} | values))


def test_who_was_told_trending_papers_before_the_upgrade_is_not_told_them_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Digests of both forms of picks, of the last month; alerts and older digests do not count."""
    import alembic.command

    to_version = alembic.command.upgrade
    store = Database(database_url)
    with monkeypatch.context() as patch:
        patch.setattr(alembic.command, "upgrade", lambda config, _target: to_version(config, "0007"))
        migrate_step_by_step(store)
    by_position = '[[["profile","P",[1,2],0,[]],["trending","",[7,5],0,[]]],0,0,false]'
    with_keys = '{"sections":[{"kind":"trending","name":"","ids":[9]}]}'
    editions = [(1, "digest", date(2026, 11, 20), by_position), (1, "digest", date(2026, 11, 21), with_keys)]
    editions += [(2, "digest", date(2026, 10, 1), with_keys), (2, "alert", date(2026, 11, 21), with_keys)]
    with store.write() as tx:
        for number in (1, 2):
            add_row(tx, "subscriber", id=number, email=f"r{number}@example.org", status="active")
        for subscriber, kind, day, picks in editions:
            add_row(
                tx, "edition", subscriber_id=subscriber, kind=kind, slot=str(day), day=day, picks=picks, state="sent"
            )
    store.migrate()
    with store.read() as tx:
        told = {number: ids for number, ids in tx.execute(text("SELECT id, trending_ids FROM subscriber"))}
    assert told == {1: "7,5,9", 2: ""}
    store.close()


def test_a_newer_database_is_refused(database: Database) -> None:
    with database.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(UserError, match="newer Paperlark"):
        database.migrate()


def test_no_update_is_lost_between_writers(database: Database) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    with database.write() as tx:
        tx.execute(insert(LIMITS).values(name="n", next_free=moment, reason="0"))

    def count_up() -> None:
        for _ in range(25):
            with database.write() as tx:
                number = int(tx.execute(select(LIMITS.c.reason).with_for_update()).scalar_one())
                tx.execute(LIMITS.update().values(reason=str(number + 1)))

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.read() as tx:
        assert tx.execute(select(LIMITS.c.reason)).scalar_one() == "100"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///nowhere/at/all/x.db", "mkdir -p"),
        ("sqlite://", "forgets everything"),
        ("nonsense", "database URL"),
        ("oracle9://x/y", "No database of the kind"),
    ],
)
def test_a_url_that_cannot_work_says_what_to_do(
    url: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UserError, match=said):
        Database(url).migrate()


def test_a_database_that_fails_later_is_the_users_affair_too(database: Database) -> None:
    fatal = "SELECT * FROM nowhere" if database.sqlite else "SELECT pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(UserError, match="cannot be used"), database.write() as tx:
        tx.execute(text(fatal))
    assert database.answers()


def test_a_server_that_does_not_answer_is_the_users_affair() -> None:
    pytest.importorskip("psycopg")

    with pytest.raises(UserError, match="cannot be used") as caught:
        Database("postgresql+psycopg://paperlark:hunter2@127.0.0.1:1/none?connect_timeout=2").migrate()
    assert "hunter2" not in str(caught.value)


def test_planning_and_signing_up_never_wait_for_each_other(postgres: str) -> None:
    """Locks without a table go by their numbers alone."""
    store = Database(new_postgres_database(postgres), durable=False)
    try:
        with store.planning() as plan, store.write() as tx:
            tx.execute(text("SET LOCAL lock_timeout = '2s'"))
            mail_requests.lock_counts(tx)
            assert plan is not None
        with store.write() as tx:
            mail_requests.lock_counts(tx)
            with store.planning() as plan:
                assert plan is not None
    finally:
        store.close()


def test_a_new_file_has_large_pages_and_an_older_one_keeps_its_own(tmp_path: Path) -> None:
    for name, before, expected in (("new.db", 0, PAGE_SIZE), ("old.db", 4096, 4096)):
        file = tmp_path / name
        if before:
            with closing(sqlite3.connect(file)) as older:
                older.execute(f"PRAGMA page_size={before}")
                older.execute("CREATE TABLE here_before (id INTEGER)")
        with closing(Database(f"sqlite:///{file}")) as database:
            database.migrate()
            with database.read() as tx:
                assert tx.exec_driver_sql("PRAGMA page_size").scalar() == expected
