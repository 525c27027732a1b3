"""Facts about the database itself, for `doctor`: how it is set, how quick it is, whether it is whole. What they mean is
judged in `bot.pipeline.diagnostics`."""

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, func, insert, select

from bot.store import outbox
from bot.store.database import Database
from bot.store.tables.edition_rows import COMPOSES
from bot.store.tables.installation_rows import SETTINGS
from bot.store.tables.paper_rows import REVISIONS

COMMITS = 5
ROW = "doctor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was found. Times are UTC; seconds are the median of some commits."""

    version: str
    settings: dict[str, str]  # as the database calls them
    damage: str  # "" if a quick look found none
    commit_seconds: float
    file: Path | None  # of SQLite
    server_clock: datetime | None  # of PostgreSQL
    newest: datetime | None  # the latest moment written down
    oldest_waiting: datetime | None  # when the oldest mail that waits was due


def look(database: Database) -> Facts:
    """Ask the database about itself. Writes and removes one row, to see how long a commit takes."""
    file: Path | None = None
    clock: datetime | None = None
    damage = ""
    names: tuple[str, ...]
    with database.write() as tx:
        if database.sqlite:
            version = str(tx.exec_driver_sql("SELECT sqlite_version()").scalar())
            names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            settings = {name: str(tx.exec_driver_sql(f"PRAGMA {name}").scalar()) for name in names}
            found = str(tx.exec_driver_sql("PRAGMA quick_check(1)").scalar())
            damage = "" if found == "ok" else found
            file = Path(str(tx.engine.url.database)).resolve()
        else:
            version = str(tx.exec_driver_sql("SHOW server_version").scalar())
            names = ("fsync", "synchronous_commit", "full_page_writes", "server_encoding", "max_connections")
            settings = {name: str(tx.exec_driver_sql(f"SHOW {name}").scalar()) for name in names}
            clock = tx.execute(select(func.clock_timestamp())).scalar()
        moments = [tx.execute(select(func.max(table.c.at))).scalar() for table in (COMPOSES, REVISIONS)]
        oldest = outbox.oldest_waiting(tx)
    return Facts(
        version=version,
        settings=settings,
        damage=damage,
        commit_seconds=_commit_seconds(database),
        file=file,
        server_clock=clock,
        newest=max((moment for moment in moments if moment is not None), default=None),
        oldest_waiting=oldest,
    )


def _commit_seconds(database: Database) -> float:
    seconds = []
    for _ in range(COMMITS):
        began = time.perf_counter()
        with database.write() as tx:
            tx.execute(delete(SETTINGS).where(SETTINGS.c.name == ROW))
            tx.execute(insert(SETTINGS).values(name=ROW, value=""))
        seconds.append(time.perf_counter() - began)
    with database.write() as tx:
        tx.execute(delete(SETTINGS).where(SETTINGS.c.name == ROW))
    return sorted(seconds)[COMMITS // 2]
