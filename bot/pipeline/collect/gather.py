"""What the documents of one source hold: fetched and read until none leads to another. Nothing is recorded here but
answers that could not be read; what becomes of the rest is `collect`'s."""

import hashlib
import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot.core.papers import Listing, identity
from bot.core.source.document import Document, Parsed, Progress, Request, UrlState
from bot.errors import SourceError
from bot.fetch import Fetcher
from bot.sources import Source as SourceModule
from bot.store import Database, unparsed
from bot.store.sources import scope

log = logging.getLogger(__name__)

MOST_DOCUMENTS = 200  # of one source in one collection: pages that lead to pages must end
MOST_LISTINGS = 20_000
FAILURES_IN_A_ROW = 5  # requests that fail one after the other: the rest would, too, and each takes its time


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A configured source."""

    name: str
    module: SourceModule
    settings: Any  # the module's own Settings
    every: timedelta
    private: bool = False  # may live on a private or loopback address

    @property
    def digest(self) -> str:
        """Changes when the settings do."""
        return hashlib.sha256(repr(self.settings).encode()).hexdigest()[:16]


@dataclass(slots=True)
class Harvest:
    """What the documents of one source held."""

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
    trouble: SourceError | None = None


def gather(
    database: Database, fetcher: Fetcher, source: Source, progress: Progress, harvest: Harvest, now: datetime
) -> None:
    """Fetch and read documents until none leads to another. What was read before a failure is kept."""
    queue = deque(source.module.requests(source.settings, progress, now))
    if not queue:
        harvest.quiet = "nothing to ask for"
    failures = 0
    while queue and failures < FAILURES_IN_A_ROW:
        request = queue.popleft()
        try:
            answer = fetcher.fetch(request, private=source.private, scope=scope(source.name, source.digest))
            harvest.url_states += answer.url_states
            harvest.asked_all &= bool(answer.documents or answer.requests_made or answer.bytes_read)
            for document in answer.documents:
                harvest.documents += 1
                queue.extend(_read(database, source, document, harvest, now))
            failures = 0
        except SourceError as error:
            failures += 1
            harvest.trouble = _graver(harvest.trouble, error)
        if harvest.documents > MOST_DOCUMENTS and queue:
            harvest.trouble = SourceError(f"more than {MOST_DOCUMENTS} documents in one collection: stopped there")
            break


def _graver(first: SourceError | None, second: SourceError) -> SourceError:
    """What to tell of two troubles: the first, unless the other side said what to do about the second."""
    if first is None or (second.gone and not first.gone):
        return second
    if second.retry_at and not first.gone and (first.retry_at is None or first.retry_at < second.retry_at):
        return second
    return first


def _read(database: Database, source: Source, document: Document, harvest: Harvest, now: datetime) -> Iterable[Request]:
    """One document into the harvest; returns the requests it leads to."""
    try:
        try:
            parsed: Parsed = source.module.parse(document, source.settings)
        except (SourceError, MemoryError):
            raise
        except Exception as crash:  # likewise
            log.debug("%s: %r", source.name, crash, exc_info=True)
            raise stumbled(crash) from crash
        if not (parsed.listings or parsed.quiet or parsed.stale or parsed.follow):
            raise SourceError("it was read, but no paper was found in it")
    except SourceError as error:
        with database.write() as tx:
            unparsed.keep(tx, source.name, document, now)
        if document.location == document.request.location:
            raise
        raise SourceError(f"{document.location}: {error}", retry_at=error.retry_at, gone=error.gone) from error
    harvest.listings += parsed.listings
    harvest.warnings += parsed.warnings
    harvest.quiet = harvest.quiet or parsed.quiet
    harvest.stale = harvest.stale or parsed.stale
    harvest.poll_after = max(harvest.poll_after, parsed.poll_after or timedelta(0))
    harvest.skip_days |= parsed.skip_days
    harvest.skip_hours |= parsed.skip_hours
    return parsed.follow


def named(source: Source, harvest: Harvest) -> list[Listing]:
    """The listings under the source's configured name, each with an identity, not more than we can take."""
    if len(harvest.listings) > MOST_LISTINGS:
        harvest.warnings.append(f"{len(harvest.listings)} papers are listed; only the first {MOST_LISTINGS} were taken")
    kept = []
    for listing in harvest.listings[:MOST_LISTINGS]:
        keys = listing.keys or identity.keys_for(
            listing.title,
            identifiers=[listing.doi, listing.url],
            url=listing.url,
            abstract=listing.abstract,
            features=(listing.authors, str(listing.published)),
        )
        kept.append(replace(listing, source=source.name, keys=keys))
    return kept


def stumbled(crash: Exception) -> SourceError:
    return SourceError(f"the source stumbled over an answer ({type(crash).__name__}: {first_line(crash)})")


def first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:500]
