"""Telling which processes are at work on a SQLite database: each has locked a byte of a file beside it.

The kernel ends such a lock with its process, whatever ends that (SIGKILL too). So it is right where host names, process
numbers and times of start are not: in containers that are all process 1 of one host name, after a restart, and when a
number is used again. It needs what SQLite's write-ahead log needs anyhow: all processes under one kernel. One file of
no length serves them all, nothing is left to be cleaned up, and a forked process does not inherit the lock.
"""

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ModuleNotFoundError:  # Windows: nobody is known to be dead there, and leases run out
    fcntl = None  # type: ignore[assignment]

_PLACES = 2**40  # bytes that may be locked; the file need not be as long
_opened: dict[Path, int] = {}
_users: dict[Path, int] = {}  # how many blocks of this process use the file that is open
_lock = threading.Lock()


@contextmanager
def locked_byte(database: Path) -> Iterator[int | None]:
    """The number of a byte that is locked until the end of this block, or of this process; None where the system has no
    such locks. Others ask for it by `is_locked`."""
    with _lock:
        descriptor = _open(database)
        place = secrets.randbelow(_PLACES) if descriptor is not None else None
        if descriptor is not None and not _try_lock(descriptor, place or 0):
            place = None
    try:
        yield place
    finally:
        with _lock:
            if descriptor is not None and place is not None:
                fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, place)
            _close(database, descriptor)


def is_locked(database: Path, place: int) -> bool:
    """Whether another process has locked a byte, or that cannot be known. Of our own locks it must not be asked."""
    with _lock:
        descriptor = _open(database)
        try:
            if descriptor is None or not _try_lock(descriptor, place):
                return True
            fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, place)
            return False
        finally:
            _close(database, descriptor)


def _open(database: Path) -> int | None:
    """A process loses all its locks on a file when it closes the file once, so it has each open no more than once."""
    if fcntl is None:
        return None
    if database not in _opened:
        try:
            _opened[database] = os.open(f"{database}-lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            return None
    _users[database] = _users.get(database, 0) + 1
    return _opened[database]


def _close(database: Path, descriptor: int | None) -> None:
    if descriptor is None:
        return
    _users[database] -= 1
    if not _users[database]:
        del _users[database]
        os.close(_opened.pop(database))


def _try_lock(descriptor: int, place: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
    except OSError:  # somebody has it, or this file system has no locks
        return False
    return True
