"""One request, from location to answer: redirects followed, validators remembered, failures put into words.
A single hop is `http_client`'s, files are `files`'."""

import base64
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import httpx

from bot import __version__
from bot.core.source.document import Document, FetchResult, Request, UrlState
from bot.errors import SourceError
from bot.fetch import files, http_cache
from bot.fetch.errors import FetchError, Refused, status_words
from bot.fetch.http_client import FetchJob, HttpClient, HttpReply, user_agent
from bot.fetch.limits import Budget, Limits
from bot.fetch.politeness import MemoryPoliteness, PolitenessStore
from bot.fetch.transport import Resolve, system_resolver
from bot.fetch.urls import WebAddress, is_url, parse_web_address, redirect_target


class Exchange(NamedTuple):
    """What a server answered to a request of somebody else's."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    is_whole: bool  # False: more than we take, cut short, or too slow
    retry_at: datetime | None  # when it wants us back (UTC), where it says so


class Fetcher:
    """Gets documents, politely. One per process, shared by its threads; a context manager that closes its connections.

    politeness  what is remembered of URLs and whose turn it is; in memory when not given
    clock       the present moment (UTC), for pacing and freshness; `sleep` goes with it
    contact     a mail address or page for those who run the servers, sent in the User-Agent
    base        the folder that relative file names start from
    """

    def __init__(
        self,
        politeness: PolitenessStore | None = None,
        *,
        clock: Callable[[], datetime],
        contact: str = "",
        version: str = __version__,
        limits: Limits = Limits(),
        base: Path | str = ".",
        sleep: Callable[[float], object] | None = None,
        resolve: Resolve = system_resolver,
    ) -> None:
        self.politeness: PolitenessStore = MemoryPoliteness() if politeness is None else politeness
        self.limits = limits
        self.user_agent = user_agent(version, contact)
        self._clock = clock
        self._base = Path(base)
        self._client = HttpClient(self.politeness, limits, self.user_agent, clock, sleep, resolve)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes all connections. Fetches still under way in other threads end at once, with a SourceError."""
        self._client.close()

    def fetch(self, request: Request, *, private: bool = False, scope: str = "") -> FetchResult:
        """The documents at `request.location`; none if it is as it was. Nothing is saved: `url_states` are for the
        caller to store, together with what the documents brought. What is remembered in one `scope` is unknown in
        another: two sources on one URL, or one source with new settings, each get the document.

        Raises SourceError: one line that says what happened and what to do, with `retry_at` when the host (or its pace)
        wants us later, and `gone` when it wants us never again.
        """
        if not is_url(request.location):
            return files.read_files(request, self._base, self.politeness, scope, self._clock(), self.limits)
        home = parse_web_address(request.location)
        budget = Budget(self.limits.seconds, self.limits.body + self.limits.head)
        job = FetchJob(request, private, budget, home, scope)
        state = self.politeness.url_state(job.key(home))
        if state is not None and state.gone:
            raise SourceError(f"{home.host}: {status_words(410)}", gone=True)
        try:
            if state is not None and state.moved_to:
                try:
                    return self._follow(job, parse_web_address(state.moved_to), state)
                except FetchError as error:
                    if not error.leads_nowhere:
                        raise
            return self._follow(job, home, state)
        except FetchError as error:
            raise SourceError(str(error)) from error

    def post(self, request: Request, *, private: bool = False) -> Document:
        """What `request.location` answers to `request.content`. Nothing is remembered of it, and no redirect followed:
        a POST that is sent on may be done twice, or by somebody else.

        Raises SourceError, as `fetch` does.
        """
        home = parse_web_address(request.location)
        job = FetchJob(request, private, Budget(self.limits.seconds, self.limits.body + self.limits.head), home, "")
        try:
            reply = self._client.ask(job, home, None)
            if not 200 <= reply.status < 300:
                raise Refused(f"{home.host}: redirects a POST: give the address it leads to")
        except FetchError as error:
            raise SourceError(str(error)) from error
        return Document(
            request=request,
            location=home.url,
            body=reply.content,
            fetched=self._clock(),
            content_type=reply.headers.get("content-type", ""),
        )

    def exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, *, seconds: float, private: bool
    ) -> Exchange:
        """One request that somebody else has written, under our rules: addresses looked at, TLS verified, bytes and
        seconds counted, no redirect followed. Any status is an answer, and its body may be missing.

        Raises SourceError where no answer comes, in words without the address, which may be a key.
        """
        budget = Budget(min(seconds, self.limits.seconds), self.limits.body + self.limits.head)
        try:
            here = parse_web_address(url)
            given = httpx.Headers({"User-Agent": self.user_agent, **headers})
            request = httpx.Request(method, here.url, headers=given, content=content)
            if here.login and "Authorization" not in given:
                request.headers["Authorization"] = f"Basic {base64.b64encode(here.login.encode()).decode()}"
        except (SourceError, UnicodeError, ValueError, TypeError):
            raise SourceError("the request could not be written: check the address") from None
        try:
            reply, is_whole = self._client.exchange(request, budget, private=private)
        except FetchError as error:
            raise SourceError(str(error), may_have_arrived=budget.is_spoken) from error
        told = http_cache.retry_after(reply.headers, self._clock()) if reply.status in (429, 503) else None
        return Exchange(reply.status, reply.headers, reply.content, is_whole, told)

    def _follow(self, job: FetchJob, start: WebAddress, known: UrlState | None) -> FetchResult:
        """From `start` through at most `limits.redirects` hops to a document. Raises SourceError and FetchError."""
        job.trusted = True
        here = settled = start
        permanent = True
        for _ in range(self.limits.redirects + 1):
            job.trusted = job.trusted and here.origin in job.home.same_owner
            key = job.key(here)
            state = known if here == job.home else self.politeness.url_state(key)
            if http_cache.still_fresh(state, self._clock()):
                return self._answer(job, settled, known)
            reply = self._client.ask(job, here, state)
            if reply.status == 304:
                after = self._state(key, reply, state)
                return self._answer(job, settled, known, after if after != state else None)
            if reply.status in (200, 203):
                document = Document(
                    request=job.request,
                    location=here.url,
                    body=reply.content,
                    fetched=self._clock(),
                    content_type=reply.headers.get("content-type", ""),
                )
                return self._answer(job, settled, known, self._state(key, reply, state), document)
            here = redirect_target(here, reply.headers.get("location", ""))
            permanent = permanent and reply.status in (301, 308)
            settled = here if permanent else settled
        raise Refused(f"{start.host}: more than {self.limits.redirects} redirects: check the address")

    def _state(self, key: str, reply: HttpReply, before: UrlState | None) -> UrlState:
        """What to remember after a 200 or a 304; a 304 need not repeat the validators."""
        kept = before if reply.status == 304 else None
        return UrlState(
            url=key,
            etag=http_cache.validator(reply.headers, "etag") or (kept.etag if kept else ""),
            last_modified=http_cache.validator(reply.headers, "last-modified") or (kept.last_modified if kept else ""),
            fresh_until=http_cache.fresh_until(reply.headers, self._clock()),
        )

    def _answer(
        self,
        job: FetchJob,
        settled: WebAddress,
        known: UrlState | None,
        state: UrlState | None = None,
        document: Document | None = None,
    ) -> FetchResult:
        states = [] if state is None else [state]
        home = job.key(job.home)
        moved_to = "" if settled == job.home else settled.url
        if moved_to != (known.moved_to if known else "") and (state is None or state.url != home):
            states.append(UrlState(url=home, moved_to=moved_to))
        return FetchResult(
            documents=() if document is None else (document,),
            url_states=tuple(states),
            requests_made=job.requests_made,
            bytes_read=job.budget.bytes_read,
        )
