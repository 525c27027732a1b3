"""Names of sending threads, from which other processes on this machine can tell that one is dead."""

import itertools
import os
import platform
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_count = itertools.count(1)
_token = uuid.uuid4().hex[:8]  # tells a process from a later one with the same number
_working: set[str] = set()


def new_name() -> str:
    """host:pid namespace:pid:start:token:n"""
    return f"{_here()}:{os.getpid()}:{_started(os.getpid())}:{_token}:{next(_count)}"


@contextmanager
def working(name: str = "") -> Iterator[str]:
    """That name, or a new one, is at work until the end of this block."""
    name = name or new_name()
    _working.add(name)
    try:
        yield name
    finally:
        _working.discard(name)


def at_work() -> frozenset[str]:
    """The threads of this process that are at work."""
    return frozenset(_working)


def is_dead(name: str) -> bool:
    """Whether the thread of that name is known not to be at work any more: its process has ended, or is ours and its
    work has failed. Of other machines nothing is known, nor of other containers: two of them may well have the same
    host name and the same process number."""
    parts = name.split(":")
    if len(parts) != 6 or ":".join(parts[:2]) != _here():
        return False
    pid, started, token = int(parts[2]), parts[3], parts[4]
    if pid == os.getpid():
        return token != _token or name not in _working
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return started != _started(pid)


def _here() -> str:
    """The machine, and on Linux the space in which process numbers mean something."""
    try:
        space = str(Path("/proc/self/ns/pid").readlink()).translate({ord(mark): "" for mark in "pid:[]"})
    except OSError:
        space = ""
    return f"{platform.node()}:{space}"


def _started(pid: int) -> str:
    """When a process began, in the kernel's own count; "" where the system does not say, "dead" for what is left of
    one that nobody has waited for."""
    try:
        facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "dead" if facts[0] in "ZX" else facts[19]
    except (OSError, IndexError):
        return ""
