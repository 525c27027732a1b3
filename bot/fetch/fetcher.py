"""One request, from location to answer: turns, validators, redirects, retries, and the words when it fails.
Sockets are `wire`'s, bodies `body`'s, the reading of headers `hints`'."""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from secrets import SystemRandom
from types import TracebackType
from typing import Self

import httpx

from bot import __version__
from bot.core.documents import Answer, Document, Request, UrlState
from bot.errors import SourceError
from bot.fetch import body, files, hints
from bot.fetch.ledger import Ledger, Memory, manners
from bot.fetch.limits import Budget, Limits
from bot.fetch.locations import Address, is_url, redirect_target, web_address
from bot.fetch.wire import Resolve, Wire, system_resolver
from bot.fetch.words import Trouble, answered, moment, redacted, said, size

_DEFAULT_HOLD = timedelta(minutes=5)  # after a 429 without a word on how long
_JITTER = SystemRandom()


@dataclass(slots=True)
class _Errand:
    """One fetch under way, over all its hops and attempts."""

    request: Request
    private: bool
    budget: Budget
    home: Address  # whose login and secret headers these are
    trusted: bool = True  # no hop has left home yet: secrets may be sent
    requests_made: int = 0


@dataclass(slots=True, frozen=True)
class _Reply:
    status: int
    headers: httpx.Headers
    content: bytes = field(repr=False)


class Fetcher:
    """Gets documents, politely. One per process, shared by its threads; a context manager that closes its connections.

    ledger   what is remembered of URLs and whose turn it is; in memory when not given
    clock    the present moment (UTC), for pacing and freshness; `sleep` goes with it
    contact  a mail address or page for those who run the servers, sent in the User-Agent
    base     the folder that relative file names start from
    """

    def __init__(
        self,
        ledger: Ledger | None = None,
        *,
        clock: Callable[[], datetime],
        contact: str = "",
        version: str = __version__,
        limits: Limits = Limits(),
        base: Path | str = ".",
        sleep: Callable[[float], None] = time.sleep,
        resolve: Resolve = system_resolver,
    ) -> None:
        self.ledger: Ledger = Memory() if ledger is None else ledger
        self.limits = limits
        self.user_agent = user_agent(version, contact)
        self._clock = clock
        self._sleep = sleep
        self._base = Path(base)
        self._wire = Wire(limits, resolve)
        self._lock = threading.Lock()
        self._alone: dict[str, threading.Lock] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._wire.close()

    def fetch(self, request: Request, *, private: bool = False) -> Answer:
        """The documents at `request.location`, or `unchanged`. Nothing is saved: `url_states` are for the caller to
        store, together with what the documents brought.

        Raises SourceError: one line that says what happened and what to do, with `retry_at` when the host (or its pace)
        wants us later, and `gone` when it wants us never again.
        """
        if not is_url(request.location):
            return files.read(request, self._base, self.ledger.url_state, self._clock(), self.limits)
        home = web_address(request.location)
        errand = _Errand(request, private, Budget(self.limits.seconds, self.limits.body + self.limits.head), home)
        state = self.ledger.url_state(request.location)
        if state is not None and state.gone:
            raise SourceError(f"{home.host}: {answered(410)}", gone=True)
        try:
            if state is not None and state.moved_to:
                try:
                    return self._follow(errand, web_address(state.moved_to), state)
                except Trouble as trouble:
                    if not trouble.absent:
                        raise
            return self._follow(errand, home, state)
        except Trouble as trouble:
            raise SourceError(str(trouble)) from trouble

    def _follow(self, errand: _Errand, start: Address, known: UrlState | None) -> Answer:
        """From `start` through at most `limits.redirects` hops to a document. Raises SourceError and Trouble."""
        errand.trusted = True
        here = settled = start
        permanent = True
        for _ in range(self.limits.redirects + 1):
            errand.trusted = errand.trusted and here.origin in errand.home.same_owner
            key = errand.request.location if here == errand.home else here.url
            state = known if key == errand.request.location else self.ledger.url_state(key)
            if hints.still_fresh(state, self._clock()):
                return self._answer(errand, settled, known)
            reply = self._exchange(errand, here, state)
            if reply.status == 304:
                return self._answer(errand, settled, known, self._state(key, reply, state))
            if reply.status in (200, 203):
                document = Document(
                    request=errand.request,
                    location=here.url,
                    body=reply.content,
                    fetched=self._clock(),
                    content_type=reply.headers.get("content-type", ""),
                )
                return self._answer(errand, settled, known, self._state(key, reply, state), document)
            here = redirect_target(here, reply.headers.get("location", ""))
            permanent = permanent and reply.status in (301, 308)
            settled = here if permanent else settled
        raise Trouble(f"{start.host}: more than {self.limits.redirects} redirects: check the address")

    def _state(self, key: str, reply: _Reply, before: UrlState | None) -> UrlState:
        """What to remember after a 200 or a 304; a 304 need not repeat the validators."""
        kept = before if reply.status == 304 else None
        return UrlState(
            url=key,
            etag=hints.validator(reply.headers, "etag") or (kept.etag if kept else ""),
            last_modified=hints.validator(reply.headers, "last-modified") or (kept.last_modified if kept else ""),
            fresh_until=hints.fresh_until(reply.headers, self._clock()),
        )

    def _answer(
        self,
        errand: _Errand,
        settled: Address,
        known: UrlState | None,
        state: UrlState | None = None,
        document: Document | None = None,
    ) -> Answer:
        states = [] if state is None else [state]
        location = errand.request.location
        moved_to = "" if settled == errand.home else settled.url
        if moved_to != (known.moved_to if known else "") and (state is None or state.url != location):
            states.append(UrlState(url=location, moved_to=moved_to))
        return Answer(
            documents=() if document is None else (document,),
            unchanged=document is None,
            url_states=tuple(states),
            requests_made=errand.requests_made,
            bytes_read=errand.budget.bytes_read,
        )

    def _exchange(self, errand: _Errand, here: Address, state: UrlState | None) -> _Reply:
        """One hop, tried again with growing pauses while there is hope and time. Raises SourceError and Trouble."""
        attempt = 1
        while True:
            try:
                with self._turn(errand, here) as alone:
                    return self._once(errand, here, self._headers(errand, here, state, alone))
            except Trouble as trouble:
                pause = self.limits.backoff * 3 ** (attempt - 1) * _JITTER.uniform(0.5, 1.5)
                if not trouble.again or attempt >= self.limits.attempts or pause >= errand.budget.left():
                    raise Trouble(f"{here.host}: {trouble}", absent=trouble.absent) from trouble
                self._sleep(pause)
                attempt += 1

    @contextmanager
    def _turn(self, errand: _Errand, here: Address) -> Iterator[bool]:
        """Waits for our turn at a host, alone where it wants that. Too far off, it is a SourceError with `retry_at`."""
        key, gap, alone = manners(here.host, here.port, self.limits.gap)
        longest = min(self.limits.wait, errand.budget.left())
        lock = self._alone_at(key) if alone else None
        if lock and not lock.acquire(timeout=longest):
            later = self._clock() + timedelta(seconds=gap)
            raise SourceError(f"{here.host}: others of ours are asking it, one at a time: later", retry_at=later)
        try:
            now = self._clock()
            turn = self.ledger.reserve(key, gap, now)
            pause = (turn - now).total_seconds()
            if pause > longest:
                raise SourceError(f"{here.host}: not to be asked before {moment(turn)}: later", retry_at=turn)
            if pause > 0:
                self._sleep(pause)
            yield alone
        finally:
            if lock:
                lock.release()

    def _alone_at(self, key: str) -> threading.Lock:
        with self._lock:
            return self._alone.setdefault(key, threading.Lock())

    def _headers(self, errand: _Errand, here: Address, state: UrlState | None, alone: bool) -> dict[str, str]:
        headers = {
            "User-Agent": self.user_agent,
            "Accept": errand.request.accept,
            "Accept-Encoding": body.ACCEPTED,
            "Connection": "close" if alone else "keep-alive",
        }
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

    def _once(self, errand: _Errand, here: Address, headers: dict[str, str]) -> _Reply:
        """One request and its reply: 200 (or 203), 304 or a redirect. Raises SourceError and Trouble for all others."""
        try:
            request = httpx.Request("GET", here.url, headers=headers)
        except (UnicodeError, ValueError, TypeError):
            raise Trouble("the request could not be written: check this source's headers and address") from None
        errand.requests_made += 1
        with self._wire.ask(request, errand.budget, private=errand.private) as response:
            status, received = response.status_code, response.headers
            if sum(len(name) + len(value) + 4 for name, value in received.raw) > self.limits.head:
                raise Trouble(f"sent more than {size(self.limits.head)} of headers, given up")
            self._obey(here, status, received)
            if status in (200, 203):
                self._check_length(received)
                encoding = received.get("content-encoding", "")
                return _Reply(status, received, body.read(response.iter_raw(), encoding, self.limits.body))
            asked = "If-None-Match" in headers or "If-Modified-Since" in headers
            if (status == 304 and asked) or status in (301, 302, 303, 307, 308):
                if status == 304:
                    response.read()  # nothing: leaves the connection fit for the next request
                return _Reply(status, received, b"")
            words = answered(status, self._said(response))
        if status == 410:
            raise SourceError(f"{here.host}: {words}", gone=True)
        if status == 404:
            words += f" ({redacted(here.url)})"
        raise Trouble(words, again=status >= 500, absent=status == 404)

    def _obey(self, here: Address, status: int, headers: httpx.Headers) -> None:
        """Keeps everybody away from a host that has had enough of us. Raises SourceError if that cost us the answer."""
        now = self._clock()
        until = hints.come_back(headers, now) if status == 429 or status >= 500 else hints.quota_back(headers, now)
        if status == 429 and until is None:
            until = now + _DEFAULT_HOLD
        if until is None:
            return
        self.ledger.hold(manners(here.host, here.port, 0).key, until)
        if status == 429 or status >= 500:
            raise SourceError(f"{here.host}: {answered(status)}; it wants us back at {moment(until)}", retry_at=until)

    def _check_length(self, headers: httpx.Headers) -> None:
        announced = headers.get("content-length", "")
        if announced.isdecimal() and (len(announced) > 15 or int(announced) > self.limits.body):
            raise Trouble(f"announces a document larger than {size(self.limits.body)}, not fetched")

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
