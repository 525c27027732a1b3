"""The same in the worker, with its own clock and with jobs that many workers share."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.store import Database
from bot.store.tables.subscriber_rows import SUBSCRIBERS
from tests.cli.test_cli import mails, text_of
from tests.conftest import new_postgres_database
from tests.summaries.conftest import Model, completion, plain_sentence

ROOT = Path(__file__).resolve().parents[2]


def paperlark(place: Path, *words: str) -> list[str]:
    command = [sys.executable, "-m", "bot", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(params=["embedded", "procrastinate"])
def place(request: pytest.FixtureRequest, write_config: Callable[..., Path]) -> Path:
    """A folder whose subscribers are due now, and the papers there."""
    folder = write_config('timeout = "25s"')
    url = "sqlite:///paperlark.db"
    if request.param == "procrastinate":
        url = new_postgres_database(request.getfixturevalue("postgres")).replace("postgresql+psycopg", "postgresql")
    config = folder / "config.toml"
    head = f'database = "{url}"\nengine = "{request.param}"\n'
    config.write_text(config.read_text().replace('database = "sqlite:///paperlark.db"\n', head))
    for step in ("migrate", "collect", "compose"):
        paperlark(folder, step)
    database = Database(url if "postgresql" in url else f"sqlite:///{folder / 'paperlark.db'}")
    with database.write() as tx:
        tx.execute(SUBSCRIBERS.update().values(next_due=datetime.now(UTC) - timedelta(minutes=1)))
    database.close()
    return folder


def test_the_worker_waits_for_sentences_a_little_and_works_on_meanwhile(place: Path, model: Model) -> None:
    def think(number: int, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        time.sleep(0.5)
        return 200, {}, completion(plain_sentence(body))

    model.behave = think
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (place / "log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "bot", "--verbose", "run"], cwd=place, env=environment, stderr=log
        )
    try:
        until = time.monotonic() + 60
        while not ((place / "mail").is_dir() and len(mails(place)) == 2) and time.monotonic() < until:
            assert worker.poll() is None, (place / "log").read_text()
            time.sleep(0.3)
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
    found = [" ".join(text_of(mail).split()) for mail in mails(place)]

    assert len(found) == 2, (place / "log").read_text()
    assert all("(by finch-2b, not the authors)" in text for text in found)
    assert len(model.asked) == 3
    assert "Traceback" not in (place / "log").read_text()
