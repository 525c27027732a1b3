"""A web of our own on loopback, a clock that is set by hand, and everything between a source and an inbox."""

import gzip
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.core.papers import Listing
from bot.core.source.document import Document, Parsed, Progress, Request
from bot.errors import SourceError
from bot.fetch import Fetcher, Limits
from bot.pipeline.collect.collect import CollectReport, ConfiguredSource, collect
from bot.sources import SOURCES
from bot.store import Database, sources
from bot.store.sources import DatabasePoliteness, SourceRecord

Reply = tuple[int, dict[str, str], bytes]
LIMITS = Limits(connect=10, silence=10, seconds=30, attempts=1, backoff=0.01, body=1024 * 1024, wait=1)


@dataclass(frozen=True)
class Asked:
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]


class Web:
    """A server whose pages are functions of what is asked."""

    def __init__(self) -> None:
        self.pages: dict[str, Callable[[Asked], Reply | bytes | Iterator[bytes]]] = {}
        self.asked: list[Asked] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                asked = Asked(parts.path, parse_qs(parts.query), {k.lower(): v for k, v in self.headers.items()})
                web.asked.append(asked)
                page = web.pages.get(parts.path)
                answer = page(asked) if page else (404, {}, b"")
                if isinstance(answer, bytes):
                    answer = (200, {"Content-Type": "application/xml"}, answer)
                if not isinstance(answer, tuple):
                    self._drip(answer)
                    return
                status, headers, body = answer
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def _drip(self, parts: Iterator[bytes]) -> None:
                self.close_connection = True
                try:
                    for part in parts:
                        self.wfile.write(part)
                        self.wfile.flush()
                except OSError:
                    pass

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def web() -> Iterator[Web]:
    server = Web()
    yield server
    server.stop()


@dataclass
class Place:
    """A database, a fetcher and a clock: what collecting needs."""

    database: Database
    web: Web
    now: datetime = datetime(2026, 11, 17, 12, tzinfo=UTC)  # a Tuesday
    limits: Limits = LIMITS
    sources: list[ConfiguredSource] = field(default_factory=list)

    def source(self, kind: str, name: str = "", path: str = "/feed", **settings: Any) -> ConfiguredSource:
        """Add a source of ours at a path of the web."""
        every = settings.pop("every", timedelta(hours=1))
        module = SOURCES[kind]
        if kind != "page":
            settings.setdefault("url", self.web.url(path))
        return self.add(name or kind, module, module.Settings(**settings), every)

    def add(self, name: str, module: Any, settings: Any, every: timedelta = timedelta(hours=1)) -> ConfiguredSource:
        source = ConfiguredSource(name=name, module=module, settings=settings, every=every, private=True)
        self.sources = [one for one in self.sources if one.name != name] + [source]
        return source

    def later(self, **time: float) -> "Place":
        self.now += timedelta(**time)
        return self

    @contextmanager
    def fetcher(self) -> Iterator[Fetcher]:
        with Fetcher(
            DatabasePoliteness(self.database),
            clock=lambda: self.now,
            limits=self.limits,
            sleep=lambda seconds: None,
            base=Path("/nonexistent"),
        ) as fetcher:
            yield fetcher

    def collect(self, *, due_only: bool = False, only: Collection[str] | None = None) -> CollectReport:
        with self.fetcher() as fetcher:
            return collect(self.database, fetcher, self.sources, self.now, only=only, due_only=due_only)

    def record(self, name: str = "") -> SourceRecord:
        with self.database.read() as tx:
            return sources.records(tx)[name or self.sources[0].name]

    def said(self, name: str = "") -> tuple[str, str]:
        record = self.record(name)
        return record.state, record.reason


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Database]:
    """One SQLite store: what is tested here does not depend on the kind of database."""
    store = Database(f"sqlite:///{tmp_path / 'paperlark.db'}", durable=False)
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def place(lite: Database, web: Web) -> Place:
    return Place(lite, web)


class Toy:
    """A source module of somebody else's: lines of text, each the title of a paper; "!" makes it stumble."""

    @dataclass(frozen=True)
    class Settings:
        urls: tuple[str, ...] = ()
        calendar: str = ""

    progress: list[Progress]

    def __init__(self) -> None:
        self.progress = []

    def requests(self, settings: Any, progress: Progress, now: datetime) -> list[Request]:
        self.progress.append(progress)
        return [Request(location=url) for url in settings.urls]

    def parse(self, document: Document, settings: Any) -> Parsed:
        text = document.body.decode()
        if text.startswith("!"):
            raise ZeroDivisionError("a bug in\nsomebody else's code")
        if text.startswith("?"):
            raise SourceError("this is no list of titles: check the address")
        lines = [line for line in text.splitlines() if line]
        return Parsed(
            listings=tuple(Listing(title=line.strip("*"), upvotes=1 if "*" in line else None) for line in lines),
            quiet="" if lines else text and "an empty list",
        )

    def quiet(self, settings: Any, now: datetime) -> str:
        return settings.calendar if now.weekday() >= 5 else ""


@pytest.fixture
def toy() -> Toy:
    return Toy()


@pytest.fixture
def zipped() -> Callable[[bytes], bytes]:
    return lambda body: gzip.compress(body, 9)
