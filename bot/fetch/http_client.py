"""One hop: its turn at the host, its headers, retries, and obedience to what the reply asks for.
Redirects, and what is remembered from visit to visit, are `fetcher`'s; sockets are `transport`'s."""

import base64
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import SystemRandom

import httpx

from bot.core.source.document import Request, UrlState
from bot.core.source.redact import redacted
from bot.errors import SourceError
from bot.fetch import body, http_cache
from bot.fetch.errors import (
    Declined,
    FetchError,
    NotFound,
    Refused,
    ServerFailed,
    Unsent,
    in_bytes,
    server_words,
    status_words,
    utc_minute,
)
from bot.fetch.limits import Budget, Limits
from bot.fetch.politeness import PolitenessStore, host_policy
from bot.fetch.transport import HttpTransport, Resolve
from bot.fetch.urls import WebAddress

_DEFAULT_HOLD = timedelta(minutes=5)  # after a 429 without a word on how long
_JITTER = SystemRandom()


log = logging.getLogger(__name__)


@dataclass(slots=True)
class FetchJob:
    """One fetch under way, over all its hops and attempts."""

    request: Request
    private: bool
    budget: Budget
    home: WebAddress  # whose login and secret headers these are
    scope: str
    trusted: bool = True  # no hop has left home yet: secrets may be sent
    requests_made: int = 0

    def key(self, here: WebAddress) -> str:
        """Under which name a hop's state is remembered: the first one's location as it was given, without a login."""
        given = here == self.home and not self.home.login
        return self.scope + (self.request.location if given else here.url)


@dataclass(slots=True, frozen=True)
class HttpReply:
    status: int
    headers: httpx.Headers
    content: bytes = field(repr=False)


class HttpClient:
    """Requests to hosts and their replies, for all threads of a Fetcher."""

    def __init__(
        self,
        politeness: PolitenessStore,
        limits: Limits,
        user_agent: str,
        clock: Callable[[], datetime],
        sleep: Callable[[float], object] | None,
        resolve: Resolve,
    ) -> None:
        self._politeness = politeness
        self._limits = limits
        self._user_agent = user_agent
        self._clock = clock
        self._closing = threading.Event()
        self._sleep = sleep or self._closing.wait
        self._transport = HttpTransport(limits, resolve)
        self._lock = threading.Lock()
        self._alone: dict[str, threading.Lock] = {}
        self._not_before: dict[str, datetime] = {}

    def close(self) -> None:
        self._closing.set()
        self._transport.close()

    def ask(self, job: FetchJob, here: WebAddress, state: UrlState | None) -> HttpReply:
        """One hop, tried again with growing pauses while there is hope and time. Raises SourceError and FetchError."""
        attempt = 1
        while True:
            try:
                with self._turn(job, here) as alone:
                    return self._once(job, here, state, alone)
            except FetchError as error:
                pause = self._limits.backoff * 3 ** (attempt - 1) * _JITTER.uniform(0.5, 1.5)
                if not error.retryable or attempt >= self._limits.attempts or pause >= job.budget.left():
                    raise type(error)(f"{here.host}: {error}") from error
                self._sleep(pause)
                attempt += 1

    @contextmanager
    def _turn(self, job: FetchJob, here: WebAddress) -> Iterator[bool]:
        """Waits for our turn at a host, alone where it wants that. Too far off, it is a SourceError with `retry_at`."""
        key, gap, alone = host_policy(here.host, here.port, self._limits.gap)
        longest = min(self._limits.wait, job.budget.left())
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
                turn = self._politeness.reserve(key, gap, now)
                far = (turn - now).total_seconds() > longest
            if far:
                self._not_before[key] = turn
                raise SourceError(f"{here.host}: not to be asked before {utc_minute(turn)}: later", retry_at=turn)
            if turn > now:
                self._sleep((turn - now).total_seconds())
            yield alone
        finally:
            if lock:
                lock.release()

    def _alone_at(self, key: str) -> threading.Lock:
        with self._lock:
            return self._alone.setdefault(key, threading.Lock())

    def _headers(self, job: FetchJob, here: WebAddress, state: UrlState | None, alone: bool) -> httpx.Headers:
        headers = httpx.Headers(
            {
                "User-Agent": self._user_agent,
                "Accept": job.request.accept,
                "Accept-Encoding": body.ACCEPTED,
                "Connection": "close" if alone else "keep-alive",
            }
        )
        headers.update(job.request.headers)
        if job.trusted:
            if job.home.login:
                headers["Authorization"] = "Basic " + base64.b64encode(job.home.login.encode()).decode()
            headers.update(job.request.secret_headers)
        if state is not None and state.etag:
            headers["If-None-Match"] = state.etag
        if state is not None and state.last_modified:
            headers["If-Modified-Since"] = state.last_modified
        return headers

    def _once(self, job: FetchJob, here: WebAddress, state: UrlState | None, alone: bool) -> HttpReply:
        """One request and its reply: 200 (or 203; any 2xx of a POST), 304 or a redirect.
        Raises SourceError or FetchError for others."""
        try:
            headers = self._headers(job, here, state, alone)
            method = "GET" if job.request.content is None else "POST"
            request = httpx.Request(method, here.url, headers=headers, content=job.request.content)
        except (UnicodeError, ValueError, TypeError):
            raise Unsent("the request could not be written: check this source's headers and address") from None
        job.requests_made += 1
        with self._transport.ask(request, job.budget, private=job.private) as response:
            status, received = response.status_code, response.headers
            if log.isEnabledFor(logging.DEBUG):
                log.debug("asked %s: answered %d", redacted(here.url), status)
            if sum(len(name) + len(value) + 4 for name, value in received.raw) > self._limits.head:
                raise Refused(f"sent more than {in_bytes(self._limits.head)} of headers, given up")
            self._obey(here, status, received)
            if status in (200, 203) or (method == "POST" and 200 <= status < 300):
                self._check_length(received)
                encoding = received.get("content-encoding", "")
                return HttpReply(status, received, body.read_body(response.iter_raw(), encoding, self._limits.body))
            asked = "If-None-Match" in headers or "If-Modified-Since" in headers
            if (status == 304 and asked) or status in (301, 302, 303, 307, 308):
                if status == 304:
                    response.read()  # nothing: leaves the connection fit for the next request
                return HttpReply(status, received, b"")
            words = status_words(status, self._said(response))
        if status == 410:
            raise SourceError(f"{here.host}: {words}", gone=True)
        if status == 404:
            words += f" ({redacted(here.url)})"
        raise (NotFound if status == 404 else ServerFailed if status >= 500 else Declined)(words)

    def exchange(self, request: httpx.Request, budget: Budget, *, private: bool) -> tuple[HttpReply, bool]:
        """One request as somebody else has written it, asked once: the answer, whatever its status, and whether its
        body is whole. Raises FetchError where none comes."""
        request.headers.update({"Accept-Encoding": body.ACCEPTED, "Connection": "close"})
        with self._transport.ask(request, budget, private=private) as response:
            status, received, limit = response.status_code, response.headers, self._limits.body
            try:
                self._check_length(received)
                content = body.read_body(response.iter_raw(), received.get("content-encoding", ""), limit)
            except FetchError:
                return HttpReply(status, received, b""), False
            return HttpReply(status, received, content), True

    def _obey(self, here: WebAddress, status: int, headers: httpx.Headers) -> None:
        """Keeps everybody away from a host that has had enough of us. Raises SourceError if that cost us the answer."""
        now = self._clock()
        until = (
            http_cache.retry_after(headers, now)
            if status == 429 or status >= 500
            else http_cache.quota_back(headers, now)
        )
        if status == 429 and until is None:
            until = now + _DEFAULT_HOLD
        if until is None:
            return
        self._politeness.hold(host_policy(here.host, here.port, 0).key, until)
        if status == 429 or status >= 500:
            raise SourceError(
                f"{here.host}: {status_words(status)}; it wants us back at {utc_minute(until)}", retry_at=until
            )

    def _check_length(self, headers: httpx.Headers) -> None:
        announced = headers.get("content-length", "")
        if announced.isdecimal() and (len(announced) > 15 or int(announced) > self._limits.body):
            raise Refused(f"announces a document larger than {in_bytes(self._limits.body)}, not fetched")

    def _said(self, response: httpx.Response) -> str:
        """What the body of a refusal says, if it is short and comes easily."""
        try:
            start = body.read_body(
                _first(response.iter_raw(), 16 * 1024), response.headers.get("content-encoding", ""), 64 * 1024
            )
        except FetchError:
            return ""
        return server_words(start, response.headers.get("content-type", ""))


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
