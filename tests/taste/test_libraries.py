"""Libraries on the web, served by a server that refuses, asks for patience, changes its mind, or sends what hangs."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.fetch import Fetcher
from bot.pipeline.libraries import Libraries, ReadLibraries
from bot.pipeline.parse_process import ParserPool
from bot.store import Database
from bot.store.sources import DatabasePoliteness
from tests.taste.test_taste import GRASPING, bibtex

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
KEY = "zot-0123456789"
Reply = tuple[int, dict[str, str], bytes]


@dataclass
class Zotero:
    """A stand-in for Zotero's web API, with a clock beside it."""

    items: list[dict[str, Any]] = field(default_factory=list)
    page: int = 100
    instead: Callable[[int], Reply | None] = lambda start: None  # what else to answer for a page
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    url: str = ""
    now: datetime = START

    def answer(self, path: str) -> Reply:
        start = int(parse_qs(urlsplit(path).query).get("start", ["0"])[0])
        self.asked.append(start)
        page = self.items[start : start + self.page]
        return self.instead(start) or (200, self.headers, json.dumps(page).encode())


@pytest.fixture
def zotero() -> Iterator[Zotero]:
    world = Zotero(items=[item(number) for number in range(250)])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = world.answer(self.path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    world.url = f"http://127.0.0.1:{server.server_port}/users/4711/items?key={KEY}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield world
    server.shutdown()
    server.server_close()


def item(number: int) -> dict[str, Any]:
    return {"key": f"K{number}", "version": 1, "data": {"itemType": "journalArticle", "title": f"Paper {number}"}}


@pytest.fixture
def read(tmp_path: Path, zotero: Zotero) -> Iterator[Callable[..., ReadLibraries]]:
    """Read a library after so many hours more, as a run does that knows nothing but the database."""
    database = Database(f"sqlite:///{tmp_path / 'paperlark.db'}", durable=False)
    database.migrate()

    def read(hours: float = 0, place: str = "", cpu_seconds: int = 10) -> ReadLibraries:
        zotero.now += timedelta(hours=hours)
        manners = DatabasePoliteness(database)
        with (
            Fetcher(manners, clock=lambda: zotero.now, sleep=lambda seconds: None) as fetcher,
            ParserPool(cpu_seconds=cpu_seconds) as parsers,
        ):
            libraries = Libraries(database, fetcher, parsers, tmp_path)
            return libraries.read((place or zotero.url,), zotero.now, private=True)

    yield read
    database.close()


def refusal(status: int, **headers: str) -> Callable[[int], Reply]:
    return lambda start: (status, {name.replace("_", "-"): value for name, value in headers.items()}, b"Forbidden")


def test_all_pages_are_read_and_a_changed_library_is_another(
    zotero: Zotero, read: Callable[..., ReadLibraries]
) -> None:
    first = read()
    same = read(25)
    zotero.items.insert(0, item(999))
    before_a_day = read(1)
    changed = read(24)

    assert (len(first.papers), first.problems) == (250, ())
    assert zotero.asked[:4] == [0, 100, 200, 250]
    assert first.digest == same.digest == before_a_day.digest != changed.digest
    assert len(changed.papers) == 251


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_is_said_without_it_and_nothing_is_lost(
    zotero: Zotero, read: Callable[..., ReadLibraries], status: int
) -> None:
    known = read()
    zotero.instead = refusal(status)
    refused = read(25)
    zotero.instead = lambda start: None

    (problem,) = refused.problems
    assert "Zotero does not show this library to us: check the key" in problem
    assert KEY not in problem
    assert (refused.papers, refused.digest) == (known.papers, known.digest)
    assert read(1.1).problems == (), "asked again in an hour"


def test_retry_after_is_obeyed(zotero: Zotero, read: Callable[..., ReadLibraries]) -> None:
    known = read()
    zotero.instead = refusal(429, Retry_After="10800")
    refused = read(25)
    asked = len(zotero.asked)
    read(2)

    assert "wants us back at 2026-11-21 13:00" in refused.problems[0]
    assert refused.papers == known.papers
    assert len(zotero.asked) == asked, "not within the three hours"
    zotero.instead = lambda start: None
    assert read(1.1).problems == ()


def test_a_server_that_wants_fewer_questions_is_left_alone_and_known_papers_stay(
    zotero: Zotero, read: Callable[..., ReadLibraries]
) -> None:
    read()
    zotero.headers = {"Backoff": "600"}
    zotero.items.insert(0, item(999))
    zotero.asked.clear()
    partly = read(25)

    assert zotero.asked == [0]
    assert len(partly.papers) == 251, "the new one, and those that were known"
    assert "only its newest 100 items were read" in partly.problems[0]
    zotero.headers = {}
    assert (len(read(1.1).papers), zotero.asked) == (251, [0, 0, 100, 200, 251])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html><title>Log in</title>", "no list of items"),
        (b"[" * 1_000_000, "no list of items"),
        (b'{"error": "x"}', "no list of items"),
        (json.dumps([5, None, "x", {"key": 7, "data": []}]).encode(), "is no entry"),
        (b"[" + b"5," * 9_000_000 + b"5]", "larger than 16 MB"),
    ],
    ids=["page", "deep", "object", "items", "huge"],
)
def test_what_is_no_library_is_said_and_nothing_is_lost(
    zotero: Zotero, read: Callable[..., ReadLibraries], body: bytes, said: str
) -> None:
    known = read()
    zotero.instead = lambda start: (200, {}, body)
    broken = read(25)

    assert any(said in problem for problem in broken.problems), broken.problems
    assert all(len(problem) < 300 for problem in broken.problems)
    assert broken.papers == known.papers


def test_an_emptied_library_is_empty(zotero: Zotero, read: Callable[..., ReadLibraries]) -> None:
    read()
    zotero.items.clear()

    assert read(25)[:2] == ((), ())


def test_a_file_that_hangs_its_parser_is_given_up_and_nothing_is_lost(
    zotero: Zotero, read: Callable[..., ReadLibraries]
) -> None:
    """Sixteen megabytes of this take a library's parser minutes, in which nothing else of a process would run."""
    place = zotero.url.partition("/users")[0] + "/my.bib"
    zotero.instead = lambda start: (200, {}, bibtex(GRASPING).encode())
    known = read(0, place)
    zotero.instead = lambda start: (200, {}, b'@string{a="b"}\n' * 900_000)
    hangs = read(25, place, 1)

    assert len(known.papers) == len(GRASPING)
    assert "took longer than 1 s, given up" in hangs.problems[0]
    assert hangs.papers == known.papers


def test_a_file_of_ones_own_that_hangs_is_a_problem_in_words(
    tmp_path: Path, zotero: Zotero, read: Callable[..., ReadLibraries]
) -> None:
    (tmp_path / "slow.bib").write_bytes(b'@string{a="b"}\n' * 900_000)
    (tmp_path / "mine.bib").write_text(bibtex(GRASPING))
    found = read(0, "*.bib", 1)

    assert len(found.papers) == len(GRASPING), "the other file is read"
    assert "slow.bib: reading the answer took longer than 1 s" in found.problems[0]
