"""Names of sending threads, from which other processes on this machine can tell that one is dead."""

import itertools
import os
import platform
import uuid
from pathlib import Path

_count = itertools.count(1)
_token = uuid.uuid4().hex[:8]  # tells a process from a later one with the same number


def new_name() -> str:
    """host:pid:start:token:n"""
    return f"{platform.node()}:{os.getpid()}:{_started(os.getpid())}:{_token}:{next(_count)}"


def is_dead(name: str) -> bool:
    """Whether the process of that name is known not to run any more. Of other machines nothing is known."""
    parts = name.split(":")
    if len(parts) != 5 or parts[0] != platform.node():
        return False
    pid, started, token = int(parts[1]), parts[2], parts[3]
    if pid == os.getpid():
        return token != _token
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return started != _started(pid)


def _started(pid: int) -> str:
    """When a process began, in the kernel's own count; "" where the system does not say."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
