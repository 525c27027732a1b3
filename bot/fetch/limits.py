"""What one fetch may cost, and the running account of it.
It is enforced on sockets by `transport`, on bodies by `body`."""

import time
from dataclasses import dataclass

from bot.fetch.errors import Refused, in_bytes

MiB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The caps of every fetch; nothing from outside can stretch them."""

    body: int = 20 * MiB  # bytes of one document, both on the wire and after decompression
    head: int = 64 * 1024  # bytes of status line and headers
    files: int = 1000  # documents one glob may bring
    seconds: float = 60.0  # one fetch in all: redirects, retries, pauses and a dripping body included
    connect: float = 10.0  # seconds to reach a host, its name looked up and TLS agreed
    silence: float = 20.0  # seconds without a single byte
    wait: float = 10.0  # the longest sleep for a turn at a host; a later turn is a `retry_at`
    redirects: int = 5
    attempts: int = 3  # of one request, when the connection breaks or the server stumbles (5xx)
    backoff: float = 0.5  # seconds before the second attempt, tripled for each further one, with jitter
    gap: float = 0.5  # seconds between two requests to one host


class Budget:
    """What one fetch may still spend, in real time whatever clock the pacing goes by: hostile servers drip in real."""

    def __init__(self, seconds: float, wire: int) -> None:
        self._seconds = seconds
        self._wire = wire
        self._end = time.monotonic() + seconds
        self._of_this_reply = 0
        self.is_spoken = False  # some of a request has been written: the other side may act on it
        self.bytes_read = 0  # on the wire, all requests of the fetch together

    def new_reply(self) -> None:
        self._of_this_reply = 0

    def left(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._end - time.monotonic())

    def patience(self, wanted: float | None) -> float:
        """How long a socket may keep us waiting now. Raises Refused when the time is up."""
        left = self.left()
        if left <= 0:
            raise Refused(f"took longer than {self._seconds:g} s in all, given up")
        return left if wanted is None else min(wanted, left)

    def take(self, count: int) -> None:
        """Account for bytes that came in. Raises Refused when one reply holds more than it may."""
        self.bytes_read += count
        self._of_this_reply += count
        if self._of_this_reply > self._wire:
            raise Refused(f"sent more than {in_bytes(self._wire)}, given up")
