"""Channels beside mail: told once, tried again, written down; a service that fails, stalls or dies delays no mail and
hears no secret of another. Real Apprise and real webhooks into a server on loopback."""

import base64
import hashlib
import hmac
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
SECRET = "T0PS3CR3T"
pytest.importorskip("apprise")


class Service:
    """What came to a server whose paths say how it behaves."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        self.open = threading.Event()  # until then /stall does not answer
        service = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None: ...

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                service.posts.append((self.path, headers, body))
                if self.path.startswith("/drop"):
                    self.connection.close()
                    return
                if self.path.startswith("/stall"):
                    service.open.wait(30)
                if self.path.startswith("/inside"):
                    self.send_response(302)
                    self.send_header("location", "http://169.254.169.254/latest/meta-data")
                    self.end_headers()
                    return
                wanted = re.match(r"/(\d{3})", self.path)
                self.send_response(int(wanted[1]) if wanted else 200)
                self.send_header("content-length", "0")
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def at(self, path: str) -> list[tuple[dict[str, str], bytes]]:
        return [(headers, body) for where, headers, body in self.posts if where.startswith(path)]


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.open.set()
    made.server.shutdown()
    made.server.server_close()


class Home:
    """A folder with a configuration, and the program run in it."""

    def __init__(self, folder: Path, service: Service) -> None:
        self.folder, self.service = folder, service

    def configure(self, *subscribers: tuple[str, list[str]], private: bool = True) -> None:
        people = "".join(
            f"[[subscribers]]\nemail = {json.dumps(email)}\nto = {json.dumps(to)}\n" for email, to in subscribers
        )
        (self.folder / "config.toml").write_text(
            f"""database = "sqlite:///paperlark.db"
[mail]
from = "Paperlark <digest@example.org>"
url = "outbox:outbox"
[channels]
private = {str(private).lower()}
[[sources]]
name = "saved"
type = "page"
location = "{ROOT}/examples/pages/*.txt"
{people}"""
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "bot", "--config", "config.toml", *words]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.folder, stdout=pipe, stderr=pipe, text=True, env=environment)

    def run(self, *words: str) -> tuple[int, str]:
        """Exit code, and everything that was said."""
        process = self.start(*words)
        said, complaints = process.communicate(timeout=120)
        return process.returncode, said + complaints

    def status(self) -> dict[str, Any]:
        process = self.start("status", "--json")
        said, _ = process.communicate(timeout=60)
        found: dict[str, Any] = json.loads(said)
        return found

    def mails(self) -> list[Path]:
        return list((self.folder / "outbox").glob("*.eml"))

    def webhook(self, path: str = "/hook") -> str:
        return f"webhook+http://127.0.0.1:{self.service.port}{path}#{SECRET}"

    def chat(self, path: str) -> str:
        return f"json://127.0.0.1:{self.service.port}/{path}?+X-Key={SECRET}"


@pytest.fixture
def home(tmp_path: Path, service: Service) -> Home:
    return Home(tmp_path, service)


def test_mail_a_service_and_a_webhook_are_each_told_once(home: Home, service: Service) -> None:
    home.configure(("ada@example.org", ["mailto:", home.chat("chat"), home.webhook()]))
    code, said = home.run("once", "--force")
    assert code == 0, said
    home.run("deliver")
    home.run("once")

    assert len(home.mails()) == 1
    [(_, chat)] = service.at("/chat")
    [(headers, hook)] = service.at("/hook")
    table, shown = json.loads(hook), json.loads(chat)
    assert table["type"] == "digest"
    titles = [paper["title"] for section in table["sections"] for paper in section["papers"]]
    assert titles
    assert titles[0] in shown["message"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + hook
    mark = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{mark}"
    books = home.status()["accounts"]
    assert books["matched"] == books["delivered"] == 3 * len(titles)


def test_instead_of_mail_nothing_goes_by_mail(home: Home, service: Service) -> None:
    home.configure(("ada@example.org", [home.webhook("/204")]))
    code, said = home.run("once", "--force")

    assert code == 0, said
    assert not home.mails()
    assert len(service.at("/204")) == 1


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("429", "slow down"),
        ("404", "still exist"),
        ("503", "503"),
        ("drop", "without an answer"),
    ],
)
def test_a_channel_that_fails_is_tried_again_and_costs_no_mail(
    home: Home, service: Service, path: str, words: str
) -> None:
    home.configure(("ada@example.org", ["mailto:", home.chat(path), home.webhook(f"/{path}")]))
    code, said = home.run("once", "--force")
    found = home.status()

    assert code == 1
    assert len(home.mails()) == 1
    assert any(words in one["words"] for one in found["unsent"])
    assert {one["channel"].partition(":")[0] for one in found["unsent"]} == {"json", "webhook+http"}
    books = found["accounts"]
    assert books["waiting"] == 2 * books["delivered"]
    assert SECRET not in said + json.dumps(found)


def test_private_addresses_are_refused_and_redirects_not_followed(home: Home, service: Service) -> None:
    home.configure(("ada@example.org", ["mailto:", home.chat("chat"), home.webhook()]), private=False)
    code, _ = home.run("once", "--force")
    assert code == 1
    assert not service.posts
    words = " ".join(one["words"] for one in home.status()["unsent"])
    assert "private = true in [channels]" in words
    assert len(home.mails()) == 1

    home.configure(("grace@example.org", [home.chat("inside")]))
    home.run("once", "--force", "--yes")
    assert "answered 302" in " ".join(one["words"] for one in home.status()["unsent"])


def test_a_channel_that_stalls_delays_no_mail(home: Home, service: Service) -> None:
    home.configure(("ada@example.org", ["mailto:", home.chat("stall?rto=60")]), ("grace@example.org", ["mailto:"]))
    home.run("collect")
    home.run("compose", "--force")
    worker = home.start("run")
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not (service.at("/stall") and len(home.mails()) == 2):
            time.sleep(0.1)
        assert service.at("/stall")
        assert len(home.mails()) == 2
        assert home.status()["accounts"]["waiting"], "the post has its answer"
        service.open.set()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=28) == 0
    finally:
        worker.kill()
        worker.communicate()


def test_a_relay_that_stalls_delays_no_channel(home: Home, service: Service) -> None:
    home.configure(("ada@example.org", ["mailto:", home.chat("chat"), home.webhook()]))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        file = home.folder / "config.toml"
        file.write_text(file.read_text().replace("outbox:outbox", f"smtp://127.0.0.1:{silent.getsockname()[1]}"))
        process = home.start("once", "--force")
        try:
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline and not (service.at("/chat") and service.at("/hook")):
                time.sleep(0.1)
            assert process.poll() is None, "the relay has not even greeted"
            assert service.at("/chat")
            assert service.at("/hook")
        finally:
            process.kill()
            process.communicate()


def test_a_channel_taken_off_the_list_gets_nothing_more(home: Home, service: Service) -> None:
    home.configure(("ada@example.org", ["mailto:", home.chat("503")]))
    home.run("once", "--force")
    before = len(service.posts)
    home.configure(("ada@example.org", ["mailto:"]))
    home.run("compose")
    home.run("deliver", "--now", "2100-01-01T00:00")

    assert len(service.posts) == before
    books = home.status()["accounts"]
    assert books["waiting"] == 0
    assert books["suppressed"] + books["expired"] == books["delivered"]


def test_what_an_address_that_has_changed_never_got_comes_by_the_new_one(home: Home, service: Service) -> None:
    home.configure(("ada@example.org", [home.chat("404")]))
    home.run("once", "--force")
    assert not service.at("/new")
    home.configure(("ada@example.org", [home.chat("new")]))
    _, said = home.run("once", "--force", "--yes")

    [(_, old)] = service.at("/404")
    [(_, new)] = service.at("/new")
    titles = [set(re.findall("• .*", json.loads(body)["message"])) for body in (old, new)]
    assert titles[0]
    assert titles[0] == titles[1], said
    books = home.status()["accounts"]
    assert books["waiting"] == 0


def test_killed_at_any_time_nothing_is_lost(home: Home, service: Service) -> None:
    people = [(f"p{number}@example.org", ["mailto:", home.webhook(f"/hook/{number}")]) for number in range(12)]
    home.configure(*people)
    home.run("collect")
    home.run("compose", "--force")
    kills = 0
    for wait in (1.0, 1.5, 2.0):
        process = home.start("deliver")
        try:
            process.wait(timeout=wait)
        except subprocess.TimeoutExpired:
            process.kill()
            kills += 1
        process.communicate()
    deadline = time.monotonic() + 60
    while home.status()["accounts"]["waiting"] and time.monotonic() < deadline:
        home.run("deliver")
        time.sleep(1)

    posts = Counter(headers["webhook-id"] for headers, _ in service.at("/hook"))
    assert len(posts) == len(people)
    assert sum(posts.values()) - len(posts) <= kills * 4
    assert len({path.name.partition(".d.")[0] for path in home.mails()}) == len(people)
