"""What the pipeline's tests share: a clock in our hands, and an outbox full of editions."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.core.edition.picks import Picks, PickSection
from bot.mail.message.types import Message
from bot.mail.transport.from_url import transport
from bot.pipeline.deliver import worker_ids
from bot.pipeline.deliver.deliver import DeliverReport, DeliverySettings, deliver
from bot.store import Database, edition_reports, editions, outbox, subscribers
from bot.store.editions import Draft
from bot.store.outbox import Leased
from bot.store.subscribers import SubscriberRecord


class Clock:
    """Stands still until it is told to move."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


class Stop(threading.Event):
    """Waiting moves our clock instead of taking time."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        if not self.is_set() and timeout:
            self.clock.move(seconds=timeout)
        return self.is_set()


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    """A SQLite database; for what has nothing to do with the kind of database."""
    database = Database(f"sqlite:///{tmp_path / 'store.db'}", durable=False)
    database.migrate()
    yield database
    database.close()


def build(leased: Leased) -> Message:
    """A short message; its length grows with the papers shown."""
    papers = sorted(Picks.from_json(leased.picks).ids)
    lines = [f"Message-ID: {leased.message_id}", f"Subject: {leased.kind} {leased.slot}", "", f"papers: {papers}"]
    data = "\r\n".join([*lines, *("." * 900 for _ in papers), ""]).encode()
    return Message(sender="b@papers.example.org", recipient=leased.email, message_id=leased.message_id, data=data)


class Post:
    """An outbox and the way out of it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database, self.clock = database, clock

    def fill(
        self, emails: Sequence[str], *, kind: str = "digest", slot: str = "2026-11-20", papers: Sequence[int] = (1,)
    ) -> None:
        """One waiting edition for each of these subscribers, who are made if they are not there."""
        now = self.clock.now
        picks = Picks(sections=(PickSection(kind="profile", name="p", ids=tuple(papers)),))
        with self.database.write() as tx:
            records = [
                SubscriberRecord(
                    email=email, data={"email": email}, alerts=True, schedule="daily", next_due=now + timedelta(1)
                )
                for email in emails
            ]
            subscribers.add(tx, records, now)
            compose_id = editions.begin_compose(tx, now, 1, "[]")
            drafts = []
            for email in emails:
                subscriber = subscribers.by_email(tx, email)
                assert subscriber is not None
                drafts.append(
                    Draft(
                        subscriber_id=subscriber.id,
                        kind=kind,
                        slot=slot,
                        due=now,
                        day=now.date(),
                        since=None,
                        picks=picks.to_json(),
                        matched=picks.matched,
                        message_id=f"<{kind}.{slot}.{email}>",
                    )
                )
            assert len(editions.add(tx, compose_id, 1, drafts)) == len(emails)

    def send(self, *ports: int, timeouts: Any = None, **how: Any) -> DeliverReport:
        """One run of deliver by relays on these ports."""
        patience = how.pop("patience", timedelta(0))
        stop = how.pop("stop", None) or Stop(self.clock)
        interim = how.pop("interim", None)
        relays = [
            transport(port if isinstance(port, str) else f"smtp://127.0.0.1:{port}", timeouts=timeouts)
            for port in ports
        ]
        how.setdefault("connections", 1)
        sending = DeliverySettings(transport=relays[0], fallbacks=tuple(relays[1:]), **({"build": build} | how))
        return deliver(self.database, sending, self.clock, patience=patience, stop=stop, interim=interim)

    def states(self) -> dict[str, str]:
        """What became of everyone's edition."""
        with self.database.read() as tx:
            rows = tx.exec_driver_sql(
                "SELECT s.email, e.state FROM edition e JOIN subscriber s ON s.id = e.subscriber_id ORDER BY e.id"
            )
            return {email: state for email, state in rows}

    def attempts(self, email: str = "") -> list[tuple[str, str]]:
        """(outcome, words) of every try that failed."""
        with self.database.read() as tx:
            rows = tx.exec_driver_sql(
                "SELECT s.email, a.outcome, a.words FROM attempt a JOIN edition e ON e.id = a.edition_id "
                "JOIN subscriber s ON s.id = e.subscriber_id ORDER BY a.id"
            )
            return [(outcome, words) for who, outcome, words in rows if not email or who == email]

    def next_at(self) -> datetime | None:
        with self.database.read() as tx:
            return outbox.next_at(tx)

    def subscriber(self, email: str) -> subscribers.StoredSubscriber:
        with self.database.read() as tx:
            subscriber = subscribers.by_email(tx, email)
        assert subscriber is not None
        return subscriber

    def books(self) -> dict[str, int]:
        """The accounts, which must balance."""
        with self.database.read() as tx:
            books = edition_reports.accounts(tx)
        assert books["matched"] == sum(number for name, number in books.items() if name != "matched"), books
        return books


@pytest.fixture
def post(store: Database, clock: Clock) -> Post:
    return Post(store, clock)


@pytest.fixture
def post_on() -> Callable[[Database, Clock], Post]:
    return Post


class AsWorker:
    """This process by the name of another, as if that sent."""

    name = ""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def __call__(self, name: str) -> "AsWorker":
        self.name = name
        self._patch.setitem(worker_ids._names, os.getpid(), name)
        return self


@pytest.fixture
def as_worker(monkeypatch: pytest.MonkeyPatch) -> AsWorker:
    return AsWorker(monkeypatch)
