"""Names under which editions are leased, and whether whoever bears one is known to be dead: then what they hold is due
at once. Of all others it is due when their leases run out, which the living renew every ten seconds.

On SQLite a name holds the number of a byte that is locked as long as its bearer is at work. On PostgreSQL the leases
alone tell: they are rows with a heartbeat, true across machines and behind any pooler. An advisory lock of a session
would not be: a pooler in transaction mode keeps it for the dead, or gives it to another, and it ends with a connection
while its process lives. (With an engine, the engine tells: see `bot.cluster`.)
"""

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from bot.store import Database
from bot.store.process_lock import is_locked, locked_byte

_NAME = re.compile(r"(?P<process>[0-9a-f]{12}):[0-9a-f]{8}:(?P<place>[0-9a-f]{0,10})")
_working: set[str] = set()
_names: dict[int, str] = {}  # of this process; a copy of it has another number, and makes a name of its own


def process_name() -> str:
    """Of this process alone, on all machines and for all time."""
    return _names.setdefault(os.getpid(), uuid.uuid4().hex[:12])


@contextmanager
def working(database: Database, holder: str = "") -> Iterator[str]:
    """Somebody is at work under that name, or a new one, until the end of this block."""
    if holder or database.file is None:
        with _at_work(holder or _new_name("")) as name:
            yield name
    else:
        with locked_byte(database.file) as place, _at_work(_new_name("" if place is None else f"{place:x}")) as name:
            yield name


@contextmanager
def _at_work(name: str) -> Iterator[str]:
    _working.add(name)
    try:
        yield name
    finally:
        _working.discard(name)


def _new_name(place: str) -> str:
    return f"{process_name()}:{uuid.uuid4().hex[:8]}:{place}"


def at_work() -> frozenset[str]:
    """Who works in this process."""
    return frozenset(_working)


def is_dead(database: Database, name: str) -> bool:
    """Whether whoever leased something under that name is known not to be at work any more: the process has ended, or
    is ours and its work has failed."""
    if name in _working:
        return False
    parts = _NAME.fullmatch(name)
    if parts is None:  # of an engine's job, or of another version
        return False
    if parts["process"] == process_name():
        return True
    return database.file is not None and parts["place"] != "" and not is_locked(database.file, int(parts["place"], 16))
