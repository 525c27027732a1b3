"""One hop: its turn at the host, its headers, retries, and obedience to what the reply asks for.
Redirects, and what is remembered from visit to visit, are `fetcher`'s; sockets are `wire`'s."""

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import SystemRandom

import httpx

from bot.core.source.document import Request, UrlState
from bot.errors import SourceError
from bot.fetch import body, http_cache
from bot.fetch.errors import Trouble, answered, moment, redacted, said, size
from bot.fetch.limits import Budget, Limits
from bot.fetch.politeness import Ledger, manners
from bot.fetch.transport import Resolve, Wire
from bot.fetch.urls import Address

_DEFAULT_HOLD = timedelta(minutes=5)  # after a 429 without a word on how long
_JITTER = SystemRandom()


@dataclass(slots=True)
class Errand:
    """One fetch under way, over all its hops and attempts."""

    request: Request
    private: bool
    budget: Budget
    home: Address  # whose login and secret headers these are
    scope: str
    trusted: bool = True  # no hop has left home yet: secrets may be sent
    requests_made: int = 0

    def key(self, here: Address) -> str:
        """Under which name a hop's state is remembered: the first one's location as it was given."""
        return self.scope + (self.request.location if here == self.home else here.url)


@dataclass(slots=True, frozen=True)
class Reply:
    status: int
    headers: httpx.Headers
    content: bytes = field(repr=False)


class Exchange:
    """Requests to hosts and their replies, for all threads of a Fetcher."""

    def __init__(
        self,
        ledger: Ledger,
        limits: Limits,
        user_agent: str,
        clock: Callable[[], datetime],
        sleep: Callable[[float], object] | None,
        resolve: Resolve,
    ) -> None:
        self._ledger = ledger
        self._limits = limits
        self._user_agent = user_agent
        self._clock = clock
        self._closing = threading.Event()
        self._sleep = sleep or self._closing.wait
        self._wire = Wire(limits, resolve)
        self._lock = threading.Lock()
        self._alone: dict[str, threading.Lock] = {}
        self._not_before: dict[str, datetime] = {}

    def close(self) -> None:
        self._closing.set()
        self._wire.close()

    def ask(self, errand: Errand, here: Address, state: UrlState | None) -> Reply:
        """One hop, tried again with growing pauses while there is hope and time. Raises SourceError and Trouble."""
        attempt = 1
        while True:
            try:
                with self._turn(errand, here) as alone:
                    return self._once(errand, here, state, alone)
            except Trouble as trouble:
                pause = self._limits.backoff * 3 ** (attempt - 1) * _JITTER.uniform(0.5, 1.5)
                if not trouble.again or attempt >= self._limits.attempts or pause >= errand.budget.left():
                    raise Trouble(f"{here.host}: {trouble}", absent=trouble.absent) from trouble
                self._sleep(pause)
                attempt += 1

    @contextmanager
    def _turn(self, errand: Errand, here: Address) -> Iterator[bool]:
        """Waits for our turn at a host, alone where it wants that. Too far off, it is a SourceError with `retry_at`."""
        key, gap, alone = manners(here.host, here.port, self._limits.gap)
        longest = min(self._limits.wait, errand.budget.left())
        lock = self._alone_at(key) if alone else None
        if lock and not lock.acquire(timeout=longest):
            later = self._clock() + timedelta(seconds=gap)
            raise SourceError(f"{here.host}: others of ours are asking it, one at a time: later", retry_at=later)
        try:
            now = self._clock()
            # A turn too far off is taken all the same; asking for another one before it has come would push those of
            # everybody further and further away.
            turn = self._not_before.get(key, now)
            far = now < turn <= now + http_cache.DAY  # further than a day: a clock that was put right
            if not far:
                turn = self._ledger.reserve(key, gap, now)
                far = (turn - now).total_seconds() > longest
            if far:
                self._not_before[key] = turn
                raise SourceError(f"{here.host}: not to be asked before {moment(turn)}: later", retry_at=turn)
            if turn > now:
                self._sleep((turn - now).total_seconds())
            yield alone
        finally:
            if lock:
                lock.release()

    def _alone_at(self, key: str) -> threading.Lock:
        with self._lock:
            return self._alone.setdefault(key, threading.Lock())

    def _headers(self, errand: Errand, here: Address, state: UrlState | None, alone: bool) -> httpx.Headers:
        headers = httpx.Headers(
            {
                "User-Agent": self._user_agent,
                "Accept": errand.request.accept,
                "Accept-Encoding": body.ACCEPTED,
                "Connection": "close" if alone else "keep-alive",
            }
        )
        headers.update(errand.request.headers)
        if errand.trusted:
            if errand.home.login:
                headers["Authorization"] = "Basic " + base64.b64encode(errand.home.login.encode()).decode()
            headers.update(errand.request.secret_headers)
        if state is not None and state.etag:
            headers["If-None-Match"] = state.etag
        if state is not None and state.last_modified:
            headers["If-Modified-Since"] = state.last_modified
        return headers

    def _once(self, errand: Errand, here: Address, state: UrlState | None, alone: bool) -> Reply:
        """One request and its reply: 200 (or 203), 304 or a redirect. Raises SourceError and Trouble for all others."""
        try:
            headers = self._headers(errand, here, state, alone)
            request = httpx.Request("GET", here.url, headers=headers)
        except (UnicodeError, ValueError, TypeError):
            raise Trouble("the request could not be written: check this source's headers and address") from None
        errand.requests_made += 1
        with self._wire.ask(request, errand.budget, private=errand.private) as response:
            status, received = response.status_code, response.headers
            if sum(len(name) + len(value) + 4 for name, value in received.raw) > self._limits.head:
                raise Trouble(f"sent more than {size(self._limits.head)} of headers, given up")
            self._obey(here, status, received)
            if status in (200, 203):
                self._check_length(received)
                encoding = received.get("content-encoding", "")
                return Reply(status, received, body.read(response.iter_raw(), encoding, self._limits.body))
            asked = "If-None-Match" in headers or "If-Modified-Since" in headers
            if (status == 304 and asked) or status in (301, 302, 303, 307, 308):
                if status == 304:
                    response.read()  # nothing: leaves the connection fit for the next request
                return Reply(status, received, b"")
            words = answered(status, self._said(response))
        if status == 410:
            raise SourceError(f"{here.host}: {words}", gone=True)
        if status == 404:
            words += f" ({redacted(here.url)})"
        raise Trouble(words, again=status >= 500, absent=status == 404)

    def _obey(self, here: Address, status: int, headers: httpx.Headers) -> None:
        """Keeps everybody away from a host that has had enough of us. Raises SourceError if that cost us the answer."""
        now = self._clock()
        until = (
            http_cache.come_back(headers, now)
            if status == 429 or status >= 500
            else http_cache.quota_back(headers, now)
        )
        if status == 429 and until is None:
            until = now + _DEFAULT_HOLD
        if until is None:
            return
        self._ledger.hold(manners(here.host, here.port, 0).key, until)
        if status == 429 or status >= 500:
            raise SourceError(f"{here.host}: {answered(status)}; it wants us back at {moment(until)}", retry_at=until)

    def _check_length(self, headers: httpx.Headers) -> None:
        announced = headers.get("content-length", "")
        if announced.isdecimal() and (len(announced) > 15 or int(announced) > self._limits.body):
            raise Trouble(f"announces a document larger than {size(self._limits.body)}, not fetched")

    def _said(self, response: httpx.Response) -> str:
        """What the body of a refusal says, if it is short and comes easily."""
        try:
            start = body.read(
                _first(response.iter_raw(), 16 * 1024), response.headers.get("content-encoding", ""), 64 * 1024
            )
        except Trouble:
            return ""
        return said(start, response.headers.get("content-type", ""))


def user_agent(version: str, contact: str) -> str:
    """`Paperlark/1.2 (+mailto:me@example.org)`: who asks, and whom to write to if it is too much."""
    contact = "".join(char for char in contact if char.isascii() and char.isprintable() and char not in "()\\").strip()
    if "@" in contact and ":" not in contact:
        contact = f"mailto:{contact}"
    return f"Paperlark/{version} (+{contact})" if contact else f"Paperlark/{version}"


def _first(chunks: Iterator[bytes], count: int) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk
        count -= len(chunk)
        if count <= 0:
            return
