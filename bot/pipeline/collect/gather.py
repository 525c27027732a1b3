"""What the documents of one source hold: fetched and read until none leads to another. Nothing is written here:
what becomes of it is decided in `collect`."""

import hashlib
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from bot.core.papers import Listing, identity
from bot.core.source import health
from bot.core.source.document import Document, Parsed, Progress, Request, UrlState
from bot.core.source.redact import redacted
from bot.errors import SourceError
from bot.fetch import Fetcher
from bot.pipeline.parse_process import ParserPool
from bot.sources import Source as SourceModule
from bot.store import Database, papers, unparsed
from bot.store.sources import scope

MOST_DOCUMENTS = 200  # of one source in one collection: pages that lead to pages must end
MOST_LISTINGS = 20_000
FAILURES_IN_A_ROW = 5  # requests that fail one after the other: the rest would, too, and each takes its time


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredSource:
    """A configured source."""

    name: str
    module: SourceModule
    settings: Any = field(repr=False)  # the module's own Settings; an address in them may hold a password
    every: timedelta
    private: bool = False  # may live on a private or loopback address

    @property
    def digest(self) -> str:
        """Changes when the settings do."""
        return hashlib.sha256(repr(self.settings).encode()).hexdigest()[:16]


@dataclass(slots=True)
class CollectedDocuments:
    """What the documents of one source held."""

    source: ConfiguredSource
    listings: list[Listing] = field(default_factory=list)
    url_states: list[UrlState] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    quiet: str = ""
    stale: str = ""
    poll_after: timedelta = timedelta(0)
    skip_days: frozenset[int] = frozenset()
    skip_hours: frozenset[int] = frozenset()
    documents: int = 0
    asked_all: bool = True  # nothing was taken for granted because an earlier answer is still valid
    unread: list[Document] = field(default_factory=list)  # those that could not be read
    failure: SourceError | None = None

    @property
    def unchanged(self) -> bool:
        """Whether all there is to write down is that it was asked and nothing had changed."""
        return not (self.documents or self.failure)


def fetch_all(
    database: Database,
    fetcher: Fetcher,
    parsers: ParserPool,
    progress: Progress,
    collected: CollectedDocuments,
    now: datetime,
) -> None:
    """Fetch and read documents until none leads to another. What was read before a failure is kept."""
    source = collected.source
    queue = deque(source.module.requests(source.settings, progress, now))
    if not queue:
        collected.quiet = "nothing to ask for"
    failures = 0
    while queue and failures < FAILURES_IN_A_ROW:
        request = queue.popleft()
        try:
            result = fetcher.fetch(request, private=source.private, scope=scope(source.name, source.digest))
            collected.url_states += result.url_states
            collected.asked_all &= bool(result.documents or result.requests_made or result.bytes_read)
            for document in result.documents:
                collected.documents += 1
                queue.extend(_read(database, parsers, document, collected, now))
            failures = 0
        except SourceError as error:
            failures += 1
            collected.failure = _graver(collected.failure, error)
        if collected.documents > MOST_DOCUMENTS and queue:
            collected.failure = SourceError(f"more than {MOST_DOCUMENTS} documents in one collection: stopped there")
            break


def _graver(first: SourceError | None, second: SourceError) -> SourceError:
    """What to tell of two failures: the first, unless the other side said what to do about the second."""
    if first is None or (second.gone and not first.gone):
        return second
    if second.retry_at and not first.gone and (first.retry_at is None or first.retry_at < second.retry_at):
        return second
    return first


def _read(
    database: Database, parsers: ParserPool, document: Document, collected: CollectedDocuments, now: datetime
) -> Iterable[Request]:
    """Add what one document holds; returns the requests it leads to."""
    source = collected.source
    try:
        parsed = parsers.parse(source.module, document, source.settings)
        if not (parsed.listings or parsed.quiet or parsed.stale or parsed.follow):
            raise SourceError("it was read, but no paper was found in it")
    except SourceError as error:
        collected.unread = [*collected.unread, document][-unparsed.PER_SOURCE :]
        if document.location == document.request.location:
            raise
        where = redacted(document.location)
        raise SourceError(f"{where}: {error}", retry_at=error.retry_at, gone=error.gone) from error
    if day := _repeats(database, source, parsed):
        # Nothing in it is new, and its date is wrong: it is left out, and the day stays to be caught up with.
        words = f"repeats the batch of {day}: today's is still to come"
        quiet = source.module.quiet(source.settings, now)
        parsed = replace(parsed, listings=(), stale="" if quiet else words, quiet=quiet)
        if collected.listings and not quiet:
            collected.warnings.append(f"{redacted(document.location)} {words}")
    collected.listings += parsed.listings
    collected.warnings += parsed.warnings
    collected.quiet = collected.quiet or parsed.quiet
    collected.stale = collected.stale or parsed.stale
    collected.poll_after = max(collected.poll_after, parsed.poll_after or timedelta(0))
    collected.skip_days |= parsed.skip_days
    collected.skip_hours |= parsed.skip_hours
    return parsed.follow


def _repeats(database: Database, source: ConfiguredSource, parsed: Parsed) -> date | None:
    """The earlier day whose batch a document of announcements repeats."""
    announced = [one.key for one in parsed.listings if one.announce_type == "new" and one.listed and one.keys]
    if not announced:
        return None
    with database.read() as tx:
        return health.repeated_batch(parsed.listings, papers.listed_on(tx, source.name, announced))


def add_identities(collected: CollectedDocuments) -> None:
    """Put the listings under the source's configured name, each with its keys, not more than we can take.

    A guid becomes a key within this source, before the title; one that several entries share says nothing.
    """
    source = collected.source
    if len(collected.listings) > MOST_LISTINGS:
        count = len(collected.listings)
        collected.warnings.append(f"{count} papers are listed; only the first {MOST_LISTINGS} were taken")
    taken = collected.listings[:MOST_LISTINGS]
    shared = Counter(listing.guid for listing in taken if listing.guid)
    kept = []
    for listing in taken:
        keys = listing.keys or identity.keys_for(
            listing.title,
            identifiers=[listing.doi, listing.url],
            url=listing.url,
            abstract=listing.abstract,
            features=(listing.authors, str(listing.published)),
        )
        guid = listing.guid if shared[listing.guid] == 1 else ""
        if guid and not (guid.startswith("http") and f"url:{identity.canonical_url(guid)}" in keys):
            at = next((at for at, key in enumerate(keys) if identity.space(key) == "title"), len(keys))
            keys = (*keys[:at], identity.guid_key(source.name, guid), *keys[at:])
        kept.append(replace(listing, source=source.name, keys=keys, guid=guid))
    collected.listings = kept
