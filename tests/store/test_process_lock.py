"""Whether a process lives, told by a lock that the kernel ends with it: real processes, also in spaces of their own."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.store.process_lock import is_locked, locked_byte

pytest.importorskip("fcntl", reason="this system has no such locks")

HOLD = """
import pathlib, sys, time
from bot.store.process_lock import locked_byte
with locked_byte(pathlib.Path(sys.argv[1])) as place:
    print(place, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    running: list[subprocess.Popen[str]] = []

    def run(*before: str) -> tuple[subprocess.Popen[str], int]:
        words = [*before, sys.executable, "-c", HOLD, str(tmp_path / "p.db")]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."})
        running.append(process)
        return process, int(process.stdout.readline())  # type: ignore[union-attr]

    yield run
    for process in running:
        process.kill()
        process.wait(10)
        process.stdout.close()  # type: ignore[union-attr]


def test_the_lock_lives_as_long_as_its_process(tmp_path: Path, start: Any) -> None:
    database = tmp_path / "p.db"
    (first, mine), (second, theirs) = start(), start()
    assert is_locked(database, mine)
    first.send_signal(signal.SIGSTOP)
    assert is_locked(database, mine)  # it stands still and may go on

    began = time.monotonic()
    first.kill()
    first.wait(10)
    while is_locked(database, mine):
        assert time.monotonic() - began < 2
    assert is_locked(database, theirs)
    second.terminate()
    second.wait(10)
    assert not is_locked(database, theirs)
    assert (tmp_path / "p.db-lock").stat().st_size == 0


@pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run(["unshare", "-p", "-f", "true"], capture_output=True, check=False).returncode != 0,
    reason="this system lets nobody make namespaces",
)
def test_two_containers_with_one_host_name_and_process_number_one(tmp_path: Path, start: Any) -> None:
    """Which is all that names and numbers would say of them."""
    database, space = tmp_path / "p.db", ("unshare", "-p", "-f", "--kill-child")
    (first, mine), (_, theirs) = start(*space), start(*space)
    assert is_locked(database, mine)
    first.kill()
    first.wait(10)
    until = time.monotonic() + 5
    while is_locked(database, mine) and time.monotonic() < until:
        time.sleep(0.01)
    assert (is_locked(database, mine), is_locked(database, theirs)) == (False, True)


def test_a_process_keeps_its_lock_while_it_asks_for_others_and_works_twice(tmp_path: Path, start: Any) -> None:
    database = tmp_path / "p.db"
    look = "import pathlib, sys\nfrom bot.store.process_lock import is_locked\n"
    look += f"print(is_locked(pathlib.Path({str(database)!r}), int(sys.argv[1])))"

    def seen_from_outside(place: int | None) -> bool:
        done = subprocess.run([sys.executable, "-c", look, str(place)], capture_output=True, text=True, check=True)
        return done.stdout.strip() == "True"

    _, another = start()
    with locked_byte(database) as mine:
        assert is_locked(database, another)
        with locked_byte(database) as second:
            assert seen_from_outside(second)
        assert not seen_from_outside(second)
        assert seen_from_outside(mine)
    assert not seen_from_outside(mine)


def test_where_no_lock_can_be_had_nobody_is_called_dead(tmp_path: Path) -> None:
    folder = tmp_path / "missing" / "p.db"
    with locked_byte(folder) as place:
        assert place is None
    assert is_locked(folder, 17)
