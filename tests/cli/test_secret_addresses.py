"""A source's address may hold a password or a key: it works, and is shown nowhere."""

import base64
import sqlite3
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bot.cli import main

FEED = b"<rss version='2.0'><channel><title>Lab</title><item><title>A lattice</title></item></channel></rss>"
SECRETS = ("s3cret", "k3y-value")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    asked: list[tuple[str, str]]

    def address(self, path: str) -> str:
        return f"http://ada:s3cret@127.0.0.1:{self.server_port}{path}?format=rss&api_key=k3y-value"


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        server: Server

        def do_GET(self) -> None:
            self.server.asked.append((self.path, self.headers.get("Authorization", "")))
            body = {"/good": FEED, "/odd": b"<html><title>Sign in</title></html>"}.get(urlsplit(self.path).path)
            self.send_response(200 if body else 404)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: Any) -> None:
            pass

    running = Server(("127.0.0.1", 0), Handler)
    running.asked = []
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["paperlark", "--verbose", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), "".join(capsys.readouterr())

    return run


def test_a_login_and_a_key_are_used_and_never_shown(server: Server, run: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    sources = "".join(
        f'[[sources]]\nname = "{name}"\ntype = "feed"\nurl = "{server.address("/" + name)}"\nprivate = true\n'
        for name in ("good", "odd", "lost")
    )
    Path("config.toml").write_text(
        f'database = "sqlite:///p.db"\n[mail]\nfrom = "bot@example.org"\nurl = "outbox:out"\n{sources}'
    )
    said = {
        "check": run("check")[1],
        "collect": run("collect")[1],
        "status": run("status")[1],
        "status --json": run("status", "--json")[1],
        "read good": run("read", "feed", server.address("/good"), "--json")[1],
        "read odd": run("read", "feed", server.address("/odd"))[1],
        "read lost": run("read", "feed", server.address("/lost"))[1],
    }
    for verb, text in said.items():
        assert not any(secret in text for secret in SECRETS), (verb, text)
        assert "Traceback" not in text
    assert "/good?format=rss&api_key=***: answered 200" in said["collect"]  # --verbose tells every request
    login = "Basic " + base64.b64encode(b"ada:s3cret").decode()
    assert ("/good?format=rss&api_key=k3y-value", login) in server.asked
    assert {authorization for _, authorization in server.asked} == {login}
    assert "A lattice" in said["read good"]
    assert "recording:1 of odd" in said["status"]
    assert "format=rss&api_key=***" in said["status"]
    with sqlite3.connect("p.db") as database:
        assert not any("s3cret" in row for row in database.iterdump())


@pytest.mark.parametrize("url", ["ftp://ada:s3cret@lab.example/", "https://ada:s3cret@", "https://ada:s3/cret@x.org"])
def test_what_is_no_address_is_refused_without_its_password(
    url: str, run: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.toml").write_text(
        f'database = "sqlite:///p.db"\n[mail]\nfrom = "bot@example.org"\nurl = "outbox:out"\n'
        f'[[sources]]\nname = "lab"\ntype = "feed"\nurl = "{url}"\n'
    )
    code, text = run("check")
    assert code == 2
    assert "http(s) address" in text
    assert "s3" not in text.replace(str(tmp_path), "")
