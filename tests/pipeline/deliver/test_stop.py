"""SIGTERM while a relay keeps us waiting: the process ends in time, and nothing is lost or doubled by that."""

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
    end = time.monotonic() + 60
    while "DATA" not in server.commands and time.monotonic() < end:
        time.sleep(0.05)
    worker.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert worker.wait(60) == 0
    assert GRACE * 0.5 < time.monotonic() - began < GRACE + 8
    stalls = False
    assert paperlark("deliver").wait(60) == 0
    assert server.recipients == ["ada@example.org"]
