"""Sending processes that are killed, and what they send to: each in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@contextmanager
def sending_processes(*words: str) -> Iterator[Callable[..., int]]:
    """Starts sending processes; returns their numbers."""
    command = [sys.executable, str(HERE / "sending_process.py"), *words]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None

    def start(**how: Any) -> int:
        process.stdin.write(json.dumps(how) + "\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        return int(process.stdout.readline())  # type: ignore[union-attr]

    yield start
    process.stdin.close()
    process.stdout.close()
    process.wait(10)


class Listener:
    """A server that is a process of its own, and the file of what it accepted."""

    def __init__(self, program: str, file: Path) -> None:
        self.command = [sys.executable, str(HERE / program), str(file)]
        self.file = file
        self.port = 0
        self.start()

    def start(self) -> None:
        """At the port it had before."""
        words = [str(self.port)] if self.port else []
        self.process = subprocess.Popen([*self.command, *words], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def kill(self) -> None:
        assert self.process.stdout is not None
        self.process.kill()
        self.process.stdout.close()
        self.process.wait(10)

    def lines(self) -> list[str]:
        return self.file.read_text().splitlines()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def kill(pid: int) -> bool:
    """Whether it was still there to be killed."""
    if not is_alive(pid):
        return False
    os.kill(pid, signal.SIGKILL)
    return True


def wait_for(pids: list[int], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while any(map(is_alive, pids)):
        assert time.monotonic() < end, "a sending process does not end"
        time.sleep(0.005)
