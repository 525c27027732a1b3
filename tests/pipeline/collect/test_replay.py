"""Eleven days replayed with a virtual clock: weekends, a holiday, an outage of ours and one of theirs, lists that grow,
refusals, a second version, one paper on all three sources. Every paper is told exactly once."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
import pytest

from bot.core.letter.renderer import LetterRenderer, environment
from bot.core.papers import Paper
from bot.core.subscriber.subscriber import subscriber_from
from bot.mail.message.mailbox import mailbox
from bot.mail.transport.from_url import transport
from bot.pipeline.build_message import MessageBuilder
from bot.pipeline.compose.compose import compose
from bot.pipeline.deliver.deliver import DeliverySettings, deliver
from bot.pipeline.sender_identity import Identity
from bot.pipeline.subscribers import record_for
from bot.resources import shipped
from bot.sources.formats import calendars
from bot.store import history
from tests.people import sync

FIRST, LAST = date(2026, 11, 20), date(2026, 12, 1)  # a Friday to a Tuesday, with Thanksgiving between
PER_DAY = 4
AWAY = (date(2026, 11, 24), date(2026, 11, 25))  # our machine was off


HUB, LAB = 70000, 50000  # from here on papers that only the hub, only the lab has


def title(number: int) -> str:
    return f"Lattice {number:05} and what became of it"


def days() -> list[date]:
    return [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]


def number_of(day: date) -> int:
    """100 for the first day, 200 for the second, …: its papers are 101, 102, …"""
    return 100 * ((day - FIRST).days + 1)


@dataclass
class World:
    """What is out there at any moment."""

    now: datetime
    down: set[str] = field(default_factory=set)
    refusing: set[str] = field(default_factory=set)

    def announced(self, day: date) -> list[int]:
        if calendars.quiet(day):
            return []
        return [number_of(day) + number for number in range(1, PER_DAY + 1)]

    @property
    def all_announced(self) -> list[int]:
        return [number for day in days() if day <= calendars.feed_day(self.now) for number in self.announced(day)]

    def hub_list(self, day: date) -> list[int]:
        """What is on the hub's list of a day by now: half of it by noon, all by evening, nothing at weekends. It lists
        what arXiv announced, and one paper a day of its own."""
        if day.weekday() >= 5 or day > self.now.date():
            return []
        names = [*self.announced(day)[:2], HUB + number_of(day)]
        return names if day < self.now.date() or self.now.hour >= 17 else names[:1] if self.now.hour >= 11 else []

    def guarded(self, name: str, page: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def served(asked: Any) -> Any:
            if name in self.refusing:
                return 429, {"Retry-After": "10000"}, b""
            return (503, {}, b"") if name in self.down else page(asked)

        return served

    def atom(self, asked: Any) -> Any:
        day = calendars.feed_day(self.now)
        entries = [self.entry(number, "new", 1) for number in self.announced(day)]
        if day == date(2026, 11, 30):
            entries.append(self.entry(101, "replace", 2))
            entries.append(self.entry(90001, "replace", 3))  # of a paper from long ago: no news
        head = f"<id>x</id><title>cs.CL updates on arXiv.org</title><updated>{day}T00:00:00-05:00</updated>"
        tag = f'"{day}"'
        if asked.headers.get("if-none-match") == tag:
            return 304, {}, b""
        body = f'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom">{head}'
        return 200, {"ETag": tag}, (body + "".join(entries) + "</feed>").encode()

    def entry(self, number: int, kind: str, version: int) -> str:
        identifier = f"2611.{number:05}v{version}"
        return (
            f"<entry><id>oai:arXiv.org:{identifier}</id><title>{title(number)}</title>"
            f"<summary>arXiv:{identifier} Announce Type: {kind} Abstract: On lattice {number}, version {version}."
            f"</summary><category term='cs.CL'/><arxiv:announce_type>{kind}</arxiv:announce_type></entry>"
        )

    def api(self, asked: Any) -> Any:
        """Submitted between two moments: everything is submitted in the morning of the working day before."""
        start, end = re.findall(r"\d{12}", asked.query["search_query"][0])
        found = []
        for number in self.all_announced:
            day = FIRST + timedelta(days=number // 100 - 1)
            day -= timedelta(days=3 if day.weekday() == 0 else 1)
            if start <= f"{day:%Y%m%d}1500" <= end:
                found.append(number)
        found = found[int(asked.query["start"][0]) :]
        entries = "".join(
            f"<entry><id>http://arxiv.org/abs/2611.{number:05}v1</id><title>{title(number)}</title>"
            f"<summary>On lattice {number}, version 1.</summary><published>2026-11-19T15:00:00Z</published></entry>"
            for number in found
        )
        return (
            '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">'
            f"<opensearch:totalResults>{len(found)}</opensearch:totalResults>"
            f"<opensearch:startIndex>0</opensearch:startIndex>{entries}</feed>"
        ).encode()

    def hub(self, asked: Any) -> Any:
        asked_for = asked.query.get("date")
        newest = (day for day in reversed(days()) if self.hub_list(day))
        day = date.fromisoformat(asked_for[0]) if asked_for else next(newest, FIRST)
        rows = [
            {
                "paper": {
                    "id": f"2611.{number:05}",
                    "title": title(number),
                    "upvotes": self.now.hour,
                    "submittedOnDailyAt": f"{day}T06:00:00.000Z",
                }
            }
            for number in self.hub_list(day)
        ]
        return 200, {"Content-Type": "application/json"}, json.dumps(rows).encode()

    def lab(self, asked: Any) -> Any:
        """The newest five posts; on the 23rd one on a paper that arXiv and the hub had on the 20th."""
        seen = [day for day in reversed(days()) if day <= self.now.date() and day.day % 4 == 0]
        posts = [(title(LAB + number_of(day)), f"https://lab.example/{day}") for day in seen]
        if self.now.date() >= date(2026, 11, 23):
            posts.insert(0, (title(101), "https://arxiv.org/abs/2611.00101"))
        items = "".join(f"<item><title>{name}</title><link>{link}</link></item>" for name, link in posts[:5])
        return f"<rss version='2.0'><channel><title>Lab</title><ttl>60</ttl>{items}</channel></rss>".encode()


class Post:
    """Subscribers, the press and an outbox folder."""

    def __init__(self, place: Any, folder: Path) -> None:
        self.place = place
        self.folder = folder
        loader = jinja2.FileSystemLoader(shipped("templates"))
        self.press = MessageBuilder(
            place.database,
            lambda: LetterRenderer(environment(loader)),
            Identity(sender=mailbox("Paperlark <digest@example.org>"), secret="not a secret, for tests only"),
        )
        self.sending = DeliverySettings(transport=transport(f"outbox:{folder}"), build=self.press.build)

    def subscribe(self, *tables: dict[str, Any]) -> None:
        entries = [record_for(subscriber_from(table), self.place.now) for table in tables]
        with self.place.database.write() as tx:
            sync(tx, entries, self.place.now)

    def round(self) -> None:
        compose(self.place.database, self.place.now, self.press.identity.message_id)
        report = deliver(self.place.database, self.sending, lambda: self.place.now)
        assert (report.failed, report.trouble) == (0, "")

    def told(self, email: str) -> Counter[str]:
        """How often each title stood in a subscriber's mail."""
        return Counter(re.findall(r"(?<=\* )Lattice \d+", self.text(email)))

    def text(self, email: str) -> str:
        name = quote(email, safe="@").partition("@")[0]
        files = self.folder.glob(f"*{name}*.txt")
        return " ".join(word for file in files for word in file.read_text("utf-8").split())


def subscriber(email: str, digest: str, **more: Any) -> dict[str, Any]:
    profile = {"name": "All", "query": "lattice", **more}
    return {"email": email, "digest": digest, "max_papers": 200, "trending": 0, "profiles": [profile]}


@pytest.fixture
def world(place: Any) -> Iterator[World]:
    place.now = datetime(2026, 11, 20, 8, tzinfo=UTC)
    world = World(place.now)
    hub = type(place.web)()  # a host of its own: who refuses one source refuses all that ask the same host
    place.source("arxiv", path="/atom", categories=("cs.CL",), api_url=place.web.url("/api"), every=timedelta(hours=3))
    place.source("huggingface", "hf", url=hub.url("/api/daily_papers"), every=timedelta(hours=2))
    place.source("feed", "lab", "/lab", every=timedelta(hours=6))
    place.web.pages["/atom/cs.CL"] = world.guarded("arxiv", world.atom)
    place.web.pages["/api"] = world.guarded("arxiv", world.api)
    place.web.pages["/lab"] = world.lab
    hub.pages["/api/daily_papers"] = world.guarded("hf", world.hub)
    yield world
    hub.stop()


def test_every_paper_is_told_exactly_once(place: Any, world: World, tmp_path: Path) -> None:
    post = Post(place, tmp_path / "outbox")
    post.subscribe(
        subscriber("daily@example.org", "daily 20:00"),
        subscriber("weekly@example.org", "weekly mon 08:00"),
        subscriber("alerted@example.org", "daily 14:00", alert=True),
    )
    states = {}
    late: set[str] = set()
    while place.now.date() <= LAST:
        world.now, today, hour = place.now, place.now.date(), place.now.hour
        world.down = {"arxiv"} if today == date(2026, 11, 23) and hour < 16 else set()
        world.refusing = {"hf"} if today == date(2026, 11, 30) and hour < 10 else set()
        if today not in AWAY:
            place.collect(due_only=True)
            if hour in (8, 14):
                states[today.day, hour] = tuple(place.record(name).state for name in ("arxiv", "hf", "lab"))
            post.round()
        if today == date(2026, 11, 26) and hour == 20:
            late = {paper.title[:13] for paper in known(place) if paper.late}
            assert Counter(one.path for one in place.web.asked)["/api"] < 10
        place.later(hours=6)

    everything = [
        *world.all_announced,
        *(HUB + number_of(day) for day in days() if day.weekday() < 5),
        *(LAB + number_of(day) for day in days() if day.day % 4 == 0),
    ]
    assert len(everything) == 24 + 8 + 3
    for email in ("daily@example.org", "alerted@example.org"):
        assert post.told(email) == Counter(f"Lattice {number:05}" for number in everything), email
    before_monday = datetime(2026, 11, 30, 8, tzinfo=UTC)
    assert post.told("weekly@example.org") == Counter(
        paper.title[:13] for paper in known(place) if paper.first_seen and paper.first_seen <= before_monday
    )
    # The first day our machine was off was caught up with, and its papers say so. No others do: those of the second
    # were still up when it came back in the night.
    missed = [*world.announced(AWAY[0]), HUB + number_of(AWAY[0])]
    assert late == {f"Lattice {number:05}" for number in missed}
    assert 0 < post.text("daily@example.org").count("found late") <= len(missed)  # cards say it, compact rows do not
    usual, weekend = ("fresh", "fresh", "fresh"), ("quiet", "quiet", "fresh")
    assert {day: said for (day, hour), said in states.items() if hour == 14} == {
        20: usual, 21: weekend, 22: weekend, 23: ("failing", "fresh", "fresh"), 26: ("quiet", "fresh", "fresh"),
        27: ("quiet", "fresh", "fresh"), 28: weekend, 29: weekend, 30: usual, 1: usual,
    }  # fmt: skip
    assert states[30, 8] == ("fresh", "waiting", "fresh")
    paper = next(paper for paper in known(place) if paper.title == title(101))
    assert (paper.sources, paper.version) == (("arxiv", "hf", "lab"), 2)


def known(place: Any) -> list[Paper]:
    with place.database.read() as tx:
        return list(history.seen_since(tx, datetime(2026, 1, 1, tzinfo=UTC)).values())
