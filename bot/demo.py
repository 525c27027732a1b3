"""`paperlark demo`: the whole story offline. A web server and an SMTP server on loopback, everything else for real.

A sample listing (invented, from `examples/`) is fetched over HTTP, diffed into SQLite, matched, rendered and sent by
SMTP to a sink that keeps what arrives. A second pass, a day later, shows that only what is new is told.
"""

import contextlib
import functools
import http.server
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from bot.errors import UserError
from bot.resources import shipped

CONFIG = """\
# The demo's configuration: what yours could look like.
database = "sqlite:///{folder}/paperlark.db"
secret = "only for the demo"

[mail]
from = "Paperlark <digest@example.org>"
url = "smtp://127.0.0.1:{smtp}"

[[sources]]
name = "sample-list"
type = "huggingface"
url = "http://127.0.0.1:{web}/daily_papers.json"
private = true                        # it lives on loopback

[[subscribers]]
email = "ada@example.org"
name = "Ada"
timezone = "Europe/London"
digest = "daily 07:30"
trending = 3
[[subscribers.profiles]]
name = "Efficient attention"
keywords = ["sparse attention", "linear attention", "KV cache"]
exclude = ["survey"]
[[subscribers.profiles]]
name = "Hot MoE"
query = '("mixture of experts" OR =MoE) AND upvotes>=20 NOT title:survey'

[[subscribers]]
email = "grace@example.org"
name = "Grace"
timezone = "Europe/Berlin"
digest = "weekdays 08:30"
trending = 0
[[subscribers.profiles]]
name = "Calibration"
query = 'calibrat* AND "language model"'
alert = true

[[subscribers]]
email = "newcomer@example.org"
digest = "daily 07:00"                # no profile: the trending papers
max_papers = 5
"""


@dataclass(frozen=True, slots=True)
class DemoMail:
    """A message as it arrived, and where it was put."""

    to: str
    subject: str
    eml: Path
    html: Path
    text: Path


class Sink:
    """Keeps every message it is given as .eml, .html and .txt."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.received: list[DemoMail] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        to = envelope.rcpt_tos[0]
        stem = self.folder / f"{len(self.received) + 1}-{to.partition('@')[0]}"
        eml, html, text = (stem.with_suffix(suffix) for suffix in (".eml", ".html", ".txt"))
        eml.write_bytes(envelope.content)
        for path, kind in ((html, "html"), (text, "plain")):
            body = message.get_body((kind,))
            path.write_text(body.get_content() if body else "", encoding="utf-8")
        self.received.append(DemoMail(to, str(message["Subject"]), eml, html, text))
        return "250 kept"


@contextlib.contextmanager
def web_server(folder: Path) -> Iterator[int]:
    """Serve a folder on loopback; yields the port."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def smtp_server(sink: Sink) -> Iterator[int]:
    """A real SMTP server on loopback; yields the port."""
    try:
        from aiosmtpd.controller import Controller
    except ImportError as error:
        raise UserError("The demo needs a mail server to send to.", ["pip install 'paperlark[demo]'"]) from error
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


Pass = Callable[[Path, datetime], None]  # one `once --force` with that configuration, at that moment


def demo(folder: Path, one_pass: Pass, say: Callable[[str], None]) -> None:
    """Run the story in `folder`, which is emptied first."""
    if folder.exists() and not (folder / ".paperlark-demo").exists() and any(folder.iterdir()):
        raise UserError(f"{folder} exists and was not made by the demo.", ["choose another with --out DIR"])
    shutil.rmtree(folder, ignore_errors=True)
    served, mail = folder / "web", folder / "mail"
    for path in (served, mail):
        path.mkdir(parents=True)
    (folder / ".paperlark-demo").touch()
    samples = shipped("examples") / "daily_papers"
    sink = Sink(mail)
    with web_server(served) as web, smtp_server(sink) as smtp:
        config = folder / "config.toml"
        config.write_text(CONFIG.format(folder=folder.resolve(), smtp=smtp, web=web), encoding="utf-8")
        start = datetime(2026, 11, 20, 7, 45, tzinfo=UTC)
        days = (
            ("First pass: 12 papers are on the list (all invented).", "first.json", start),
            (
                "Second pass, a day later: 3 papers have joined, votes have moved.",
                "second.json",
                start + timedelta(days=1),
            ),
            (
                "Third pass at once: nothing has changed, so nobody gets mail.",
                "second.json",
                start + timedelta(days=1, minutes=5),
            ),
        )
        for title, sample, now in days:
            say(f"\n{title}")
            shutil.copyfile(samples / sample, served / "daily_papers.json")
            before = len(sink.received)
            one_pass(config, now)
            _tell(sink.received[before:], say)
    say(f"\nThe configuration is {folder / 'config.toml'}. Yours begins with `paperlark init`.")


def _tell(received: list[DemoMail], say: Callable[[str], None]) -> None:
    for message in sorted(received, key=lambda one: one.eml):
        say(f"  {message.to} got: {message.subject}")
        for path in (message.html, message.text, message.eml):
            say(f"      {path}")
    if not received:
        say("  no mail")
