"""Clocks that jump, stand still or change their zone: exactly one digest for each local date, and nothing lost.

The worker is played by composing and delivering every now and then; the slots are what the store says was sent.
"""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.core.edition.picks import Picks
from bot.core.papers import Listing
from bot.core.subscriber.subscriber import subscriber_from
from bot.mail.message.types import Message
from bot.pipeline.compose.compose import compose
from bot.pipeline.deliver.deliver import DeliverySettings, deliver
from bot.pipeline.subscribers import record_for
from bot.store import Database, papers
from bot.store.outbox import Leased
from tests.people import sync

ADA = "ada@example.org"


class Tray:
    """A way out that takes everything and is never in doubt."""

    name = "tray"

    def __init__(self) -> None:
        self.taken: list[Message] = []

    def session(self) -> "Tray":
        return self

    def send(self, message: Message, before_data: Callable[[], None] | None = None) -> str:
        if before_data is not None:
            before_data()
        self.taken.append(message)
        return "taken"

    def close(self) -> None:
        pass


def build(leased: Leased) -> Message:
    return Message(
        sender="b@x.example", recipient=leased.email, message_id=leased.message_id, data=leased.picks.encode()
    )


class House:
    """One subscriber of a daily digest, and a worker that wakes when it is told to."""

    def __init__(self, database: Database, start: datetime, zone: str, digest: str) -> None:
        self.database, self.now, self.tray = database, start.astimezone(UTC), Tray()
        self.papers = self.hours = 0
        self.subscribe(zone, digest)

    def subscribe(self, zone: str, digest: str, email: str = ADA) -> None:
        table = {"email": email, "timezone": zone, "digest": digest, "trending": 0, "max_papers": 200}
        profiles = [{"name": "P", "keywords": ["paper"]}]
        with self.database.write() as tx:
            sync(tx, [record_for(subscriber_from({**table, "profiles": profiles}), self.now)], self.now)

    def news(self) -> None:
        self.papers += 1
        number = f"2601.{self.papers:05d}"
        found = Listing(title=f"Paper {number} of many", keys=(f"arxiv:{number}",), source="hf")
        with self.database.record() as tx:
            papers.record(tx, "hf", [found], self.now, first=False)

    def wake(self) -> None:
        compose(self.database, self.now, lambda kind, slot, subscriber: f"<{kind}.{slot}.{subscriber}@x.example>")
        deliver(self.database, DeliverySettings(transport=self.tray, build=build), lambda: self.now)

    def live(self, until: datetime) -> None:
        """Hour by hour; every fourth brings a paper."""
        while self.now < until:
            self.now += timedelta(hours=1)
            self.hours += 1
            if self.hours % 4 == 0:
                self.news()
            self.wake()

    @property
    def slots(self) -> list[str]:
        return [message.message_id.split(".")[1] for message in self.tray.taken]

    @property
    def told(self) -> Counter[int]:
        return Counter(paper for message in self.tray.taken for paper in Picks.from_json(message.data.decode()).ids)


def days(first: datetime, number: int) -> list[str]:
    return [(first.date() + timedelta(days=day)).isoformat() for day in range(number)]


@pytest.mark.parametrize(
    ("zone", "at", "start"),
    [
        ("Europe/Berlin", "02:30", "2026-03-27T12:00"),  # the hour that is missing
        ("Europe/Berlin", "02:30", "2026-10-23T12:00"),  # the hour that comes twice
        ("America/New_York", "02:00", "2026-03-06T12:00"),
        ("America/New_York", "01:30", "2026-10-30T12:00"),
        ("Australia/Lord_Howe", "02:15", "2026-10-02T12:00"),  # half an hour is missing
        ("Australia/Lord_Howe", "01:45", "2026-04-03T12:00"),
        ("America/Santiago", "00:00", "2026-09-04T12:00"),  # midnight is missing
        ("Africa/Cairo", "23:30", "2026-10-28T12:00"),
        ("Asia/Kathmandu", "07:30", "2026-03-27T12:00"),
        ("Pacific/Kiritimati", "00:00", "2026-03-27T12:00"),
    ],
)
def test_one_digest_for_each_local_date_when_the_clocks_change(zone: str, at: str, start: str, store: Database) -> None:
    first = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone))
    house = House(store, first, zone, f"daily {at}")
    house.live((first + timedelta(days=4)).astimezone(UTC))

    early = at > f"{first:%H:%M}"  # the first is on the very day
    assert house.slots == days(first + timedelta(days=not early), 4)
    assert sum(house.told.values()) >= house.papers - 7
    assert set(house.told.values()) == {1}


def test_a_worker_that_slept_for_two_days_sends_one_late_digest(database: Database) -> None:
    start = datetime(2026, 11, 16, 6, tzinfo=UTC)
    house = House(database, start, "Europe/London", "daily 07:30")
    house.news()
    house.live(start + timedelta(hours=8))
    house.now += timedelta(hours=50)  # the lid is closed; meanwhile the sources have gone on
    for _ in range(5):
        house.news()
    house.wake()
    house.wake()

    assert house.slots == ["2026-11-16", "2026-11-18"]
    house.live(house.now + timedelta(days=1))
    assert house.slots == ["2026-11-16", "2026-11-18", "2026-11-19"]
    assert set(house.told.values()) == {1}
    assert sum(house.told.values()) >= house.papers - 12  # all but what came after the last digest


def test_a_change_of_zone_gives_no_date_two_digests(store: Database) -> None:
    start = datetime(2026, 11, 16, 0, tzinfo=UTC)
    house = House(store, start, "Asia/Tokyo", "daily 07:30")
    for day, zone in enumerate(
        ["Asia/Tokyo", "America/Los_Angeles", "Pacific/Auckland", "Europe/Paris", "Asia/Tokyo"], 1
    ):
        house.live(start + timedelta(days=day))
        house.subscribe(zone, "daily 07:30")
    house.live(start + timedelta(days=7))

    assert max(Counter(house.slots).values()) == 1
    assert len(house.slots) >= 5
    assert sum(house.told.values()) >= house.papers - 7
    assert set(house.told.values()) == {1}


def test_a_host_clock_that_jumps_back_and_forth(database: Database) -> None:
    start = datetime(2026, 11, 16, 0, tzinfo=UTC)
    house = House(database, start, "Europe/Berlin", "daily 07:30")
    for hours in (5, -3, 7, -12, 6, 30, -30, 9, 1, -1, 14):
        house.now += timedelta(hours=hours)
        house.news()
        house.wake()
    house.live(max(house.now, start) + timedelta(days=2))

    assert max(Counter(house.slots).values()) == 1
    assert set(house.told.values()) == {1}
    assert sum(house.told.values()) >= house.papers - 7


def test_a_clock_that_ran_a_year_ahead_for_a_moment_silences_nobody(store: Database) -> None:
    start = datetime(2026, 11, 16, 0, tzinfo=UTC)
    house = House(store, start, "Europe/Berlin", "daily 07:30")
    house.live(start + timedelta(days=1))
    right = house.now
    house.now += timedelta(days=365)
    house.wake()
    house.now = right
    house.live(right + timedelta(days=3))

    assert max(Counter(house.slots).values()) == 1
    assert [slot for slot in house.slots if slot.startswith("2026-11")] == days(start, 4)


def test_two_processes_composing_at_once_write_one_digest(database: Database, database_url: str) -> None:
    start = datetime(2026, 11, 16, 0, tzinfo=UTC)
    house = House(database, start, "Europe/London", "daily 07:30")
    house.live(start + timedelta(hours=6))
    others = [Database(database_url, durable=False) for _ in range(3)]
    together = threading.Barrier(3)
    house.now += timedelta(hours=2)

    def work(own: Database) -> None:
        together.wait()
        compose(own, house.now, lambda kind, slot, subscriber: f"<{kind}.{slot}.{subscriber}@x.example>")
        deliver(own, DeliverySettings(transport=house.tray, build=build), lambda: house.now)

    threads = [threading.Thread(target=work, args=(own,)) for own in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for own in others:
        own.close()

    assert house.slots == ["2026-11-16"]
    assert set(house.told.values()) == {1}
