"""Leaving by a link, through a real server: GET only asks, POST acts, twice is once, rubbish does nothing."""

import http.client
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli.web import application
from bot.cli.wiring import App, State
from bot.mail import tokens
from bot.store import subscribers

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
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PARTS = {"Content-Type": "multipart/form-data; boundary=x"}
ONE_CLICK = "List-Unsubscribe=One-Click"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    (tmp_path / "config.toml").write_text(CONFIG)
    made = App(State(config_path=tmp_path / "config.toml"))
    made.sync(datetime(2026, 11, 20, tzinfo=UTC))
    yield made
    made.database.close()


@pytest.fixture
def server(app: App) -> Iterator[http.client.HTTPConnection]:
    waitress = pytest.importorskip("waitress")
    made = waitress.create_server(application(app), host="127.0.0.1", port=0)
    stop = threading.Event()

    def serve() -> None:  # as `made.run` does; but its sockets must not be closed while it looks at them
        while not stop.is_set():
            made.asyncore.loop(timeout=0.05, map=made._map, count=1)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", made.effective_port, timeout=10)
    yield connection
    connection.close()
    stop.set()
    thread.join(5)
    made.task_dispatcher.shutdown()
    made.asyncore.close_all(made._map)


def ask(
    server: http.client.HTTPConnection, method: str, path: str, body: str = "", headers: dict[str, str] | None = None
) -> tuple[int, str]:
    server.request(method, path, body or None, headers or {})
    response = server.getresponse()
    return response.status, response.read().decode()


def status(app: App) -> str:
    with app.database.read() as tx:
        (ada,) = subscribers.everyone(tx)
    return ada.status + (" without alerts" if ada.left_alerts else "")


def link(purpose: tokens.Purpose = "unsubscribe digest") -> str:
    return "/u/" + tokens.seal("a secret nobody can guess", purpose, 1, 7)


def test_opening_the_link_changes_nothing(app: App, server: http.client.HTTPConnection) -> None:
    for method in ("GET", "HEAD", "GET"):
        code, page = ask(server, method, link())
        assert code == 200
    assert '<form method="post">' in page
    assert status(app) == "active"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (FORM, ONE_CLICK),
        (PARTS, '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'),
        ({}, ""),
        (FORM, "whatever=else"),
    ],
)
def test_posting_acts_at_once_and_again_says_the_same(
    app: App, server: http.client.HTTPConnection, headers: dict[str, str], body: str
) -> None:
    first = ask(server, "POST", link(), body, headers)
    second = ask(server, "POST", link().upper().replace("/U/", "/u/"), body, headers)

    assert first == second
    assert first[0] == 200
    assert status(app) == "unsubscribed"


def test_leaving_alerts_leaves_the_digest(app: App, server: http.client.HTTPConnection) -> None:
    assert ask(server, "POST", link("unsubscribe alert"), ONE_CLICK, FORM)[0] == 200
    assert status(app) == "active without alerts"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/u/",
        "/u/aaaa",
        "/u/" + "a" * 47,
        "/u/" + tokens.seal("another secret altogether", "unsubscribe digest", 1),
        "/u/" + tokens.seal("a secret nobody can guess", "bounce", 1),
        "/u/../../etc/passwd",
    ],
)
def test_what_is_not_our_link_does_nothing(app: App, server: http.client.HTTPConnection, path: str) -> None:
    assert ask(server, "GET", path)[0] == 404
    assert ask(server, "POST", path, ONE_CLICK, FORM)[0] == 404
    assert status(app) == "active"


def test_metrics(server: http.client.HTTPConnection) -> None:
    code, text = ask(server, "GET", "/metrics")

    assert code == 200
    assert 'paperlark_matches{fate="delivered"} 0' in text
    assert "paperlark_unaccounted 0" in text


def test_health(server: http.client.HTTPConnection) -> None:
    assert ask(server, "GET", "/health") == (200, '{"ok": true, "waiting": 0}')
    assert ask(server, "PUT", "/health")[0] == 405
