"""Real servers on loopback, polite and hostile, and a clock that moves only when somebody sleeps."""

import contextlib
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.source.document import FetchResult, Request
from bot.fetch import Fetcher, Limits, MemoryPoliteness

SATURDAY = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass
class Asked:
    """A request as the server saw it; header names in lower case."""

    path: str
    headers: dict[str, str]
    line: str
    count: Counter = field(default_factory=Counter)  # how often each header was sent


Route = Callable[[Asked], "bytes | Iterator[bytes]"]


@dataclass
class Server:
    """Plain sockets, so that it can misbehave: a route returns the raw bytes of the reply, or an iterator of them.
    After an iterator, or with `Connection: close` in the reply, the connection is closed."""

    routes: dict[str, Route] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    address: str = "127.0.0.1"
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    at_once: int = 0
    most_at_once: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._listening = socket.create_server((self.address, 0))
        self.port = self._listening.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def url(self, path: str = "/", host: str = "") -> str:
        return f"http{'s' if self.tls else ''}://{host or self.address}:{self.port}{path}"

    def stop(self) -> None:
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def pause(self, seconds: float) -> None:
        """A pause inside a route that ends when the server does."""
        self._stopped.wait(seconds)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._lock:
                self.connections += 1
                self._open.add(connection)
            self._threads.append(thread)
            thread.start()

    def _serve(self, raw: socket.socket) -> None:
        connection = raw
        try:
            with raw:
                if self.tls:
                    connection = self.tls.wrap_socket(raw, server_side=True)
                with connection, connection.makefile("rb") as incoming:
                    while self._one(connection, incoming):
                        pass
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(raw)

    def _one(self, connection: socket.socket, incoming) -> bool:
        line = incoming.readline().decode("latin-1").strip()
        if not line:
            return False
        headers, count = {}, Counter()
        while (header := incoming.readline().decode("latin-1").strip()) != "":
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
            count[name.lower()] += 1
        incoming.read(int(headers.get("content-length", "0")))
        asked = Asked(line.split()[1], headers, line, count)
        with self._lock:
            self.asked.append(asked)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            route = self.routes.get(asked.path) or self.routes.get("*")
            answer = route(asked) if route else reply(404, b"nothing here")
        finally:
            with self._lock:  # before the last byte leaves: whoever has it may come with the next request at once
                self.at_once -= 1
        if isinstance(answer, bytes):
            connection.sendall(answer)
            return b"connection: close" not in answer.partition(b"\r\n\r\n")[0].lower()
        for piece in answer:
            connection.sendall(piece)
        return False


def reply(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """A well-formed reply; keyword `cache_control` becomes the header `cache-control`."""
    lines = [f"HTTP/1.1 {status} Whatever"] + [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if status not in (204, 304) and "content_length" not in headers:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Clock:
    """Stands still but for `sleep`, which returns at once and moves it."""

    def __init__(self) -> None:
        self.now = SATURDAY
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.now += timedelta(seconds=seconds)

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Visitor:
    """A Fetcher with its clock and politeness, and a caller that stores what it is told to store."""

    fetcher: Fetcher
    clock: Clock
    politeness: MemoryPoliteness

    def get(self, location: str, *, private: bool = True, save: bool = True, **request) -> FetchResult:
        answer = self.fetcher.fetch(Request(location=location, **request), private=private)
        if save:
            self.politeness.save(answer.url_states)
        return answer

    def body(self, location: str, **options) -> bytes:
        (document,) = self.get(location, **options).documents
        return document.body


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "request_method"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def serve():
    """serve({path: route}, tls=..., address=...) -> Server; a route may also be the bytes of its reply."""
    servers = []

    def start(routes: "dict[str, Route | bytes] | None" = None, **options) -> Server:
        ready = {path: (lambda _, r=r: r) if isinstance(r, bytes) else r for path, r in (routes or {}).items()}
        servers.append(Server(ready, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def raw():
    """raw(status, body, **headers) -> the bytes of a well-formed reply."""
    return reply


@pytest.fixture
def visit(names):
    """visit(limits=..., **options of Fetcher) -> Visitor; without limits, ones fit for a hurried test."""
    made = []

    def start(limits: Limits | None = None, **options) -> Visitor:
        clock, politeness = Clock(), options.pop("politeness", None) or MemoryPoliteness()
        options.setdefault("resolve", names(localhost="127.0.0.1"))  # no test asks the real DNS
        limits = limits or Limits(seconds=20, silence=10, connect=5, body=1024 * 1024)
        made.append(Fetcher(politeness, clock=clock, sleep=clock.sleep, limits=limits, **options))
        return Visitor(made[-1], clock, politeness)

    yield start
    for fetcher in made:
        fetcher.close()


@pytest.fixture
def names():
    """names(feeds="127.0.0.1") -> a resolver that knows feeds.example and nothing else; `asked` lists its callers."""

    def make(**known: "str | list[str]"):
        def resolve(host: str, port: int) -> list[str]:
            resolve.asked.append(host)
            found = known.get(host.removesuffix(".example"), known.get(host.replace(".", "_")))
            if found is None:
                raise socket.gaierror(socket.EAI_NONAME, "unknown")
            return [found] if isinstance(found, str) else found

        resolve.asked = []
        return resolve

    return make
