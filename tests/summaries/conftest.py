"""A language model's server on loopback that does as it is told, well or badly; and a place where Paperlark uses it."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

KEY = "sk-quail-0123456789"
CONFIG = """
database = "sqlite:///paperlark.db"
[mail]
from = "Paperlark <digest@example.org>"
url = "maildir:mail"
[[sources]]
name = "hf"
type = "huggingface"
url = "{server}/papers"
private = true
catch_up = 0
[summaries]
url = "{server}/v1"
model = "finch-2b"
key = "{key}"
private = true
{more}
[[subscribers]]
email = "ada@example.org"
digest = "daily 07:30"
trending = 0
[[subscribers.profiles]]
keywords = ["attention", "agents"]
[[subscribers]]
email = "bob@example.org"
digest = "daily 07:30"
trending = 0
[[subscribers.profiles]]
keywords = ["attention"]
"""
ABSTRACT = (
    "We study {what} that keep a record of what they have seen. The record is small, is updated once a step, and lets "
    "later layers return to earlier positions without reading everything again. Experiments show that it helps on "
    "long documents and costs little elsewhere. We also look at where it fails."
)
PAPERS = {
    "2611.10001": ("Attention That Remembers", ABSTRACT.format(what="attention layers")),
    "2611.10002": ("Agents With Notebooks", ABSTRACT.format(what="agents")),
    "2611.10003": ("Attention Without Regret", ABSTRACT.format(what="attention heads")),
}


def papers() -> bytes:
    entries = [
        {
            "paper": {"id": number, "title": title, "summary": abstract, "upvotes": 3},
            "publishedAt": "2026-11-20T00:00:00.000Z",
            "title": title,
        }
        for number, (title, abstract) in PAPERS.items()
    ]
    return json.dumps(entries).encode()


def completion(text: str, tokens: Any = 77) -> bytes:
    """An answer in the form of the API."""
    return json.dumps(
        {"choices": [{"message": {"role": "assistant", "content": text}}], "usage": {"total_tokens": tokens}}
    ).encode()


def plain_sentence(body: dict[str, Any]) -> str:
    """What an honest model says."""
    what = re.search(r"We study (.*?) that", body["messages"][1]["content"])
    assert what is not None
    return f"Small records let {what[1]} return to earlier positions."


@dataclass
class Model:
    """The server. `behave` is given the request's number and body, and returns (status, headers, bytes or pieces)."""

    behave: Callable[[int, dict[str, Any]], tuple[int, dict[str, str], Any]] = field(
        default=lambda number, body: (200, {}, completion(plain_sentence(body)))
    )
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def titles(self) -> list[str]:
        """Of the papers it was asked about."""
        return [body["messages"][1]["content"].splitlines()[0].removeprefix("Title: ") for body in self.asked]


@pytest.fixture
def model() -> Iterator[Model]:
    served = Model()
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(200, {}, papers())

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            served.asked.append(body)
            served.headers.append({name.lower(): value for name, value in self.headers.items()} | {"": self.path})
            self._send(*served.behave(len(served.asked), body))

        def _send(self, status: int, headers: dict[str, str], content: Any) -> None:
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if isinstance(content, bytes):
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                    return
                self.send_header("Connection", "close")
                self.end_headers()
                for piece in content:
                    if stopped.is_set():
                        break
                    self.wfile.write(piece)
                self.close_connection = True
            except OSError:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield served
    stopped.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def write_config(tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes a configuration that uses the model, with further keys of [summaries]."""
    monkeypatch.chdir(tmp_path)

    def write(more: str = "", *, server: str = "") -> Path:
        text = CONFIG.format(server=model.url, key=KEY, more=more)
        if server:
            text = text.replace(f"{model.url}/v1", f"{server}/v1")
        (tmp_path / "config.toml").write_text(text)
        return tmp_path

    return write


def dripping(seconds: float) -> Iterator[bytes]:
    """An answer that never ends."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield b" "
        time.sleep(0.05)
