"""What a source asks for and what comes back: the values between `sources`, `fetch` and `pipeline`."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bot.core.papers import Listing


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a source has been read, for its module to decide what to ask next."""

    last_success: datetime | None = None  # UTC; None: never yet
    read_since: datetime | None = None  # UTC: when it was first read; what its lists held before is no news


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One document to get: an http(s) URL, or a file path or glob."""

    location: str
    kind: str = ""  # which of the source's documents this is; the module's own word, handed back in the Document
    day: date | None = None  # the list day asked for
    late: bool = False  # catching up on a missed day
    accept: str = "*/*"
    headers: tuple[tuple[str, str], ...] = ()  # never secrets that a log may show: those go in `secret_headers`
    secret_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    content: bytes | None = field(default=None, repr=False)  # to be posted (`Fetcher.post`); a source never posts


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What came back for a request: decoded from its transfer encoding, otherwise byte for byte."""

    request: Request
    location: str  # the final URL after redirects, or the file's path
    body: bytes = field(repr=False)
    fetched: datetime  # UTC
    content_type: str = ""
    saved: date | None = None  # for a file: the day it was last written


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a document held. No listings and no `quiet` means that something is wrong, and the pipeline says so."""

    listings: tuple[Listing, ...] = ()
    follow: tuple[Request, ...] = ()  # the next page, the details: asked for in the same collection
    quiet: str = ""  # why an empty document is in order: "weekend", "holiday (Thanksgiving)", "nothing on this day"
    stale: str = ""  # why a well-formed empty document is not in order: "no announcement on a working day"
    warnings: tuple[str, ...] = ()  # drift an operator should know: "page says 85 entries, parsed 80"
    poll_after: timedelta | None = None  # the document's own wish (RSS ttl): do not ask again sooner
    skip_days: frozenset[int] = frozenset()  # weekdays (0 = Monday) the document asks us not to come
    skip_hours: frozenset[int] = frozenset()  # ... and hours (UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlState:
    """What to remember of one URL between requests. Stored in the same transaction as the items it brought."""

    url: str
    etag: str = ""
    last_modified: str = ""
    fresh_until: datetime | None = None  # UTC, from Cache-Control or Expires: no need to ask before
    moved_to: str = ""  # the target of a permanent redirect
    gone: bool = False  # 410


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchResult:
    """The outcome of one request; no documents means "as it was"."""

    documents: tuple[Document, ...] = ()
    url_states: tuple[UrlState, ...] = ()
    requests_made: int = 0
    bytes_read: int = 0
