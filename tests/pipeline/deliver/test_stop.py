"""A worker whose relay keeps it waiting: SIGTERM ends it in time, nothing is lost or doubled by that, and meanwhile all
others get what falls due."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.resources import shipped

CONFIG = """
database = "sqlite:///p.db"
secret = "only for this test, and long enough"
[mail]
from = "Paperlark <digest@papers.example.org>"
url = "smtp://127.0.0.1:{port}"
[[sources]]
type = "page"
every = "1s"
location = "{pages}/*.txt"
[[subscribers]]
email = "ada@example.org"
[[subscribers.profiles]]
name = "P"
keywords = ["attention"]
"""
GRACE = 1.0
PROGRAM = f"import bot.scheduler; bot.scheduler.GRACE = {GRACE}; from bot.cli import main; main()"


@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
def test_a_stalled_relay_does_not_hold_the_worker(relay: Callable[..., Any], tmp_path: Path) -> None:
    stalls = True

    def script(talk: Any, line: str) -> None:
        if line == "DATA" and stalls:
            talk.stall()

    server = relay(script)
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(port=server.port, pages=shipped("examples") / "pages"))

    def paperlark(*arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen([sys.executable, "-c", PROGRAM, "-c", str(config), *arguments], text=True)

    assert paperlark("collect").wait(60) == 0
    assert paperlark("compose", "--force").wait(60) == 0
    worker = paperlark("run")
    until(lambda: "DATA" in server.commands, 60)
    worker.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert worker.wait(60) == 0
    assert GRACE * 0.5 < time.monotonic() - began < GRACE + 8
    stalls = False
    assert paperlark("deliver").wait(60) == 0
    assert server.recipients == ["ada@example.org"]


BOB = """
[[subscribers]]
email = "bob@example.net"
digest = "off"
[[subscribers.profiles]]
name = "P"
keywords = ["self-repairing"]
alert = true
"""
# What a worker does every minute, this one does every second.
HASTY = "import bot.scheduler as clock; clock.GRACE = clock.COLLECT_EVERY = clock.COMPOSE_EVERY = 1; " + PROGRAM


def test_a_stalled_message_keeps_nobody_from_an_alert(relay: Callable[..., Any], tmp_path: Path) -> None:
    """It stalls for longer than this test; the alert is collected, composed and sent meanwhile."""
    server = relay(lambda talk, line: talk.stall(60) if line.startswith("RCPT") and "ada@" in line else None)
    pages = tmp_path / "pages"
    pages.mkdir()
    shutil.copy(shipped("examples") / "pages" / "2026-11-20.txt", pages)
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(port=server.port, pages=pages) + BOB)

    for step in (["collect"], ["compose", "--force"]):
        assert subprocess.run([sys.executable, "-m", "bot", "-c", str(config), *step], check=False).returncode == 0
    worker = subprocess.Popen([sys.executable, "-c", HASTY, "-c", str(config), "run"])
    try:
        until(lambda: any("ada@" in command for command in server.commands))
        shutil.copy(shipped("examples") / "pages" / "2026-11-21.txt", pages)
        began = time.monotonic()
        until(lambda: server.recipients == ["bob@example.net"])
        assert time.monotonic() - began < 20
    finally:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0


def until(there: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
