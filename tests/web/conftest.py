"""A real web process for tests: its server on a loopback port, its database on disk."""

import http.client
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

pytest.importorskip("flask")
pytest.importorskip("waitress")

from bot.cli.options import GlobalOptions
from bot.cli.people import sync_file
from bot.cli.web import site as site_of
from bot.cli.wiring import App
from bot.store import Database, subscribers
from bot.web.app import create_app
from bot.web.server import create_server
from bot.web.site import Site

SECRET = "a secret nobody can guess"
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)  # a Friday
CONFIG = """
secret = "a secret nobody can guess"
public_url = "https://papers.example.org"
[mail]
from = "Paperlark <digest@example.org>"
[[sources]]
name = "saved"
type = "page"
location = "pages/*.txt"
[[subscribers]]
email = "ada@example.org"
"""
FORM = "application/x-www-form-urlencoded"


@dataclass
class Answer:
    """One answer of the server."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def words(self) -> str:
        """What a person reads, on one line."""
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", self.text)).split())


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Web:
    """A web process and a visitor in front of it."""

    app: App
    site: Site
    clock: Clock
    port: int
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        return self.app.database

    def ask(
        self, method: str, path: str, body: str | dict[str, Any] = "", headers: dict[str, str] | None = None
    ) -> Answer:
        headers = dict(headers or {})
        if isinstance(body, dict):
            body = urlencode(body, doseq=True)
            headers.setdefault("Content-Type", FORM)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path.removeprefix(self.site.base), body or None, headers)
            response = connection.getresponse()
            text = response.read().decode()
            return Answer(response.status, text, {name.lower(): value for name, value in response.getheaders()})
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path: str, form: dict[str, Any] | None = None, **headers: str) -> Answer:
        return self.ask("POST", path, form or {}, {name.replace("_", "-"): value for name, value in headers.items()})

    def subscriber(self, email: str = "ada@example.org") -> subscribers.StoredSubscriber | None:
        with self.database.read() as tx:
            return subscribers.by_email(tx, email)


Start = Callable[..., Web]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start a web process with a configuration and settings of [web]."""
    stops: list[Callable[[], None]] = []

    def begin(config: str = CONFIG, **settings: Any) -> Web:
        (tmp_path / "config.toml").write_text(config)
        app = App(GlobalOptions(config_path=tmp_path / "config.toml"))
        clock = Clock()
        sync_file(app, clock())
        site = site_of(app)
        site.clock = clock
        site.takes_mail = lambda domain: True  # tests never ask the DNS
        site.settings = type(site.settings)(**settings)
        server = create_server(create_app(site), host="127.0.0.1", port=0)
        stop = threading.Event()

        def work() -> None:  # as `server.run` does; but its sockets must not be closed while it looks at them
            while not stop.is_set():
                server.asyncore.loop(timeout=0.02, map=server._map, count=1, use_poll=True)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()

        def end() -> None:
            stop.set()
            thread.join(5)
            server.task_dispatcher.shutdown()
            server.asyncore.close_all(server._map)
            app.database.close()

        stops.append(end)
        return Web(app, site, clock, server.effective_port)

    yield begin
    for end in stops:
        end()


@pytest.fixture
def web(start: Start) -> Web:
    return start()
