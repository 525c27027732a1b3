"""Manners that outlive a request: what is remembered of a URL, and whose turn it is at a host.
The lasting politeness is the store's; `MemoryPoliteness` here serves tools that keep nothing."""

import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from bot.core.source.document import UrlState
from bot.fetch.ssrf import is_loopback

_NEVER = datetime.min.replace(tzinfo=UTC)


class PolitenessStore(Protocol):
    """Shared by all threads, and through the database by all processes."""

    def url_state(self, url: str) -> UrlState | None:
        """What is remembered of this URL."""

    def reserve(self, host: str, gap: float, now: datetime) -> datetime:
        """Atomically take the next free moment (UTC) for this host: not before `now`, at least `gap` seconds after the
        last one taken, and not before what `hold` said."""

    def hold(self, host: str, until: datetime) -> None:
        """Nobody asks this host before `until` (UTC); an earlier `until` never shortens a later one."""


class MemoryPoliteness:
    """A `PolitenessStore` that lives as long as the process."""

    def __init__(self, states: Iterable[UrlState] = ()) -> None:
        self._lock = threading.Lock()
        self._states = {state.url: state for state in states}
        self._taken: dict[str, datetime] = {}
        self._held: dict[str, datetime] = {}

    def url_state(self, url: str) -> UrlState | None:
        return self._states.get(url)

    def save(self, states: Iterable[UrlState]) -> None:
        self._states.update((state.url, state) for state in states)

    def reserve(self, host: str, gap: float, now: datetime) -> datetime:
        with self._lock:
            turn = max(now, self._held.get(host, _NEVER))
            if host in self._taken:
                turn = max(turn, self._taken[host] + timedelta(seconds=gap))
            self._taken[host] = turn
            return turn

    def hold(self, host: str, until: datetime) -> None:
        with self._lock:
            self._held[host] = max(until, self._held.get(host, _NEVER))


class HostPolicy(NamedTuple):
    """How a host is to be treated: under which name it is paced, how many seconds apart, and if one at a time."""

    key: str
    gap: float
    alone: bool


def host_policy(host: str, port: int | None, gap: float) -> HostPolicy:
    """arXiv asks for one request per 3 s over one connection, all of its machines and services together
    (arXiv API terms of use); this machine needs no manners, but its servers are told apart."""
    name = host.rstrip(".").lower()
    if name == "arxiv.org" or name.endswith(".arxiv.org"):
        return HostPolicy("arxiv.org", 3.0, alone=True)
    if is_loopback(name):
        return HostPolicy(f"{name}:{port or 80}", 0.0, alone=False)
    return HostPolicy(name, gap, alone=False)
