"""The same history gives the same editions, whoever does the work: alone on SQLite, alone on PostgreSQL, or two workers
of the engine that share ranges of two subscribers."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
from sqlalchemy import text

from bot import cluster
from bot.core.edition.picks import Picks
from bot.core.papers import Listing
from bot.core.subscriber.subscriber import subscriber_from
from bot.pipeline.compose.compose import compose
from bot.pipeline.subscribers import record_for
from bot.store import Database, edition_reports, papers, subscribers
from bot.store.tables.edition_rows import EDITIONS
from bot.store.tables.paper_rows import PAPERS
from bot.store.tables.subscriber_rows import SUBSCRIBERS
from tests.conftest import new_postgres_database
from tests.people import sync

START = datetime(2026, 10, 22, 6, tzinfo=UTC)  # three days before clocks go back in Europe
STEPS = 14
WORDS = "attention lattice protein sparse graph vision robot token".split()
SOURCES = ("hf", "arxiv")


def message_id(kind: str, slot: str, subscriber: int) -> str:
    return f"<{kind}.{slot}.{subscriber}@x>"


def people(chance: random.Random) -> list[dict[str, Any]]:
    """Subscribers of every kind: cadences, alerts, votes, nothing but trending, few a week, near their profiles."""
    schedules = ["daily 07:30", "weekdays 06:00", "weekly fri 08:00", "monthly 24 07:00", "daily 02:30", "off"]
    zones = ["Europe/Berlin", "UTC", "America/New_York", "Asia/Kolkata"]
    tables = []
    for number in range(13):
        profiles: list[dict[str, Any]] = [
            {"name": "words", "keywords": chance.sample(WORDS, 2), "alert": number % 3 == 0},
            {"name": "hot", "query": f"upvotes>={chance.choice([5, 20])} NOT {chance.choice(WORDS)}"},
        ]
        table = {
            "email": f"s{number:02d}@example.org",
            "digest": schedules[number % len(schedules)],
            "timezone": zones[number % len(zones)],
            "trending": chance.choice([0, 2, 5]),
            "max_papers": chance.choice([2, 20]),
            "profiles": profiles[: 0 if number == 4 else chance.choice([1, 2])],
        }
        extra: dict[int, dict[str, Any]] = {5: {"near": 2}, 6: {"per_week": 3}, 7: {"alert_limit": 1}}
        tables.append(table | extra.get(number, {}))
    return tables


class Composer(Protocol):
    """One way to have everything composed that is due."""

    def __call__(self, now: datetime) -> None: ...


@contextmanager
def alone(database: Database) -> Iterator[Composer]:
    def composed(now: datetime) -> None:
        compose(database, now, message_id)

    yield composed


@contextmanager
def in_cluster(database: Database) -> Iterator[Composer]:
    """Two workers, who plan both, and share the ranges."""
    cluster.migrate_queue(database)
    stop = threading.Event()
    nothing = cluster.Work(
        due_sources=lambda now: [],
        collect_source=lambda name: None,
        deliver_slice=lambda holder: None,
        composed=lambda report: None,
    )
    workers = [cluster.Cluster(Database(database.url), message_id, nothing) for _ in range(2)]
    threads = [threading.Thread(target=worker.run, args=[stop]) for worker in workers]
    for thread in threads:
        thread.start()

    def composed(now: datetime) -> None:
        for worker in workers:
            worker.plan(now)
        until = time.monotonic() + 60
        unfinished = text("SELECT 1 FROM procrastinate_jobs WHERE queue_name = 'compose' LIMIT 1")
        while time.monotonic() < until:
            with database.read() as tx:
                if tx.execute(unfinished).first() is None:
                    return
            time.sleep(0.02)
        raise AssertionError("the ranges are not composed")

    yield composed
    stop.set()
    for thread in threads:
        thread.join(30)
    for worker in workers:
        worker._database.close()


def live(database: Database, composed: Composer, seed: int) -> None:
    """One history: papers come, change, gain votes and turn out to be one; people edit, pause, leave; time passes."""
    chance = random.Random(seed)
    tables = people(chance)
    now, count = START, 0
    votes: dict[int, int] = {}

    def follow() -> None:
        with database.write() as tx:
            sync(tx, [record_for(subscriber_from(one), now) for one in tables], now)

    follow()
    for step in range(STEPS):
        listings = []
        for _ in range(chance.randint(0, 4)):
            count += 1
            votes[count] = chance.choice([0, 0, 3, 10])
        for number in {*range(max(1, count - 3), count + 1), *chance.sample(range(1, count + 1), min(2, count))}:
            votes[number] += chance.choice([0, 0, 2, 15])
            words = random.Random(number)
            title = f"Paper {number:03d} on {' and '.join(words.sample(WORDS, 2))}"
            abstract = " ".join(words.choices(WORDS, k=12)) + (" revised" if chance.random() < 0.2 else "")
            keys: tuple[str, ...] = (f"arxiv:2610.{number:05d}",) if number % 3 else (f"doi:10.1/{number}",)
            if number % 3 == 0 and chance.random() < 0.5:  # the same paper under both names
                keys = (*keys, f"arxiv:2610.{number:05d}")
            source = SOURCES[number % 2]
            listings.append(Listing(title=title, abstract=abstract, keys=keys, source=source, upvotes=votes[number]))
        for source in SOURCES:
            if own := [one for one in listings if one.source == source]:
                with database.record() as tx:
                    papers.record(tx, source, own, now, first=step == 0)
        happens = chance.choice(["edit", "pause", "leave", "nothing", "nothing"])
        who = chance.choice(tables)
        if happens == "edit" and who["profiles"]:
            who["profiles"][0]["keywords"] = chance.sample(WORDS, 2)
            follow()
        elif happens in ("pause", "leave"):
            with database.write() as tx:
                status: Any = "paused" if happens == "pause" else "unsubscribed"
                until = now + timedelta(days=2) if happens == "pause" else None
                subscribers.set_status(tx, who["email"], status, "", now, until=until)
        composed(now)
        with database.write() as tx:  # most of it goes out
            waiting = EDITIONS.c.state == "waiting"
            sent = waiting if step % 4 else waiting & (EDITIONS.c.kind == "alert")
            tx.execute(EDITIONS.update().where(sent).values(state="sent", sent_at=now))
        now += timedelta(hours=chance.choice([1, 5, 11, 26]))


def everything(database: Database) -> tuple[list[Any], dict[str, int], list[Any]]:
    """All editions, with papers by what they are called; the books; how far everybody has been told."""
    with database.read() as tx:
        titles = {row.id: row.key for row in tx.execute(PAPERS.select())}
        columns = [EDITIONS.c[name] for name in ("kind", "slot", "due", "day", "since", "matched", "state", "revision")]
        rows = tx.execute(
            EDITIONS.select()
            .with_only_columns(SUBSCRIBERS.c.email, *columns, EDITIONS.c.picks)
            .join(SUBSCRIBERS, SUBSCRIBERS.c.id == EDITIONS.c.subscriber_id)
        ).all()
        told = []
        for *facts, picks_text in rows:
            picks = Picks.from_json(picks_text)
            sections = [
                (
                    part.kind,
                    part.name,
                    [titles[one] for one in part.ids],
                    part.more,
                    [titles[one] for one in part.more_ids],
                    sorted(titles[one] for one in part.entered),
                )
                for part in picks.sections
            ]
            told.append((*facts, sections, picks.alerted, picks.overflow, picks.heartbeat))
        cursors = (
            "email",
            "status",
            "next_due",
            "digest_cursor",
            "alert_cursor",
            "alert_after",
            "alerts_sent",
            "overflow",
        )
        people_now = [
            tuple(row) for row in tx.execute(SUBSCRIBERS.select().with_only_columns(*map(SUBSCRIBERS.c.get, cursors)))
        ]
        return sorted(told, key=repr), edition_reports.accounts(tx), sorted(people_now, key=repr)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_history_gives_the_same_editions_everywhere(
    tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(cluster, "LOOK_EVERY", 0.05)
    found = {}
    for name, url, way in (
        ("alone on SQLite", f"sqlite:///{tmp_path / 'p.db'}", alone),
        ("alone on PostgreSQL", new_postgres_database(postgres), alone),
        ("two workers", new_postgres_database(postgres), in_cluster),
    ):
        with ExitStack() as stack, monkeypatch.context() as patched:
            if way is in_cluster:
                patched.setattr("bot.pipeline.compose.compose.CHUNK", 2)
            database = Database(url, durable=False)
            stack.callback(database.close)
            database.migrate()
            live(database, stack.enter_context(way(database)), seed)
            found[name] = everything(database)

    first, *others = found.values()
    assert {kind for _, kind, *_ in first[0]} == {"digest", "alert"}
    assert len(first[0]) > 30
    for other in others:
        assert other == first
