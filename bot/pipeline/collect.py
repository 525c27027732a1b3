"""collect: web -> database. Every source by itself: one that fails, hangs or lies never delays another."""

import hashlib
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot.core import health
from bot.core.documents import Document, Progress, Request, UrlState
from bot.core.editions import SourceStateName
from bot.core.papers import Listing
from bot.errors import SourceError
from bot.fetch import Fetcher
from bot.sources import Source as SourceModule
from bot.store import Database, papers, recordings, sources

log = logging.getLogger(__name__)

MOST_DOCUMENTS = 200  # of one source in one collection: pages that lead to pages must end
MOST_LISTINGS = 20_000
AT_ONCE = 8
FIRST_PAUSE = timedelta(minutes=5)  # after a failure, doubled with each, up to `every` or a day
LONGEST_PAUSE = timedelta(days=1)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """What one source brought."""

    state: SourceStateName
    new: int = 0
    changed: int = 0
    error: str = ""
    warnings: tuple[str, ...] = ()


CollectReport = dict[str, SourceReport]


@dataclass(slots=True)
class _Harvest:
    """What the documents of one source held."""

    listings: list[Listing] = field(default_factory=list)
    url_states: list[UrlState] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    quiet: str = ""
    poll_after: timedelta = timedelta(0)
    documents: int = 0
    trouble: SourceError | None = None


def collect(
    database: Database,
    fetcher: Fetcher,
    configured: Sequence[Source],
    now: datetime,
    *,
    due_only: bool = False,
    progress: Callable[[str], None] = lambda name: None,
) -> CollectReport:
    """Ask the sources (with `due_only` those whose time has come) and record what they list. Never raises for one of
    them: the report and the database say how each is doing."""
    configured_now = {source.name: source.digest for source in configured}
    with database.write() as tx:
        sources.forget(tx, configured_now)
        known = {name: record for name, record in sources.records(tx).items() if name in configured_now}
        for name, record in known.items():
            if record.settings != configured_now[name]:  # a new address, a new start: 410 and waits were the old one's
                known[name] = replace(record, next_try=None, state="waiting", reason="", settings=configured_now[name])
    asked = [source for source in configured if _may_ask(known.get(source.name), now, due_only)]
    report: CollectReport = {
        source.name: SourceReport(state=known[source.name].state, error=known[source.name].reason)
        for source in configured
        if source not in asked
    }

    def one(source: Source) -> SourceReport:
        before = known.get(source.name) or sources.SourceRecord(name=source.name, since=now, settings=source.digest)
        result = _collect_one(database, fetcher, source, before, now)
        progress(source.name)
        return result

    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="collect") as pool:
        report.update(zip([source.name for source in asked], pool.map(one, asked), strict=True))
    return {source.name: report[source.name] for source in configured}


def _may_ask(record: sources.SourceRecord | None, now: datetime, due_only: bool) -> bool:
    if record is None or record.next_try is None:
        return True
    if record.state == "waiting":  # the other side asked us to wait: a person's impatience does not change that
        return record.next_try <= now
    return not due_only or record.next_try <= now


def _collect_one(
    database: Database, fetcher: Fetcher, source: Source, before: sources.SourceRecord, now: datetime
) -> SourceReport:
    harvest = _Harvest()
    try:
        progress = Progress(last_success=before.last_success)
        harvest = _gather(database, fetcher, source, source.module.requests(source.settings, progress, now), now)
    except SourceError as error:
        harvest.trouble = error
    except Exception as crash:  # a source module of somebody else's may raise anything
        log.debug("%s: %r", source.name, crash, exc_info=True)
        harvest.trouble = SourceError(f"the source stumbled over an answer ({type(crash).__name__}: {crash})")
    listings = [replace(listing, source=source.name) for listing in harvest.listings[:MOST_LISTINGS]]
    lost = health.missing(before.fields, listings)
    if lost:
        harvest.warnings.append(f"no listing carries {', '.join(lost)} any more: has the format changed?")

    with database.record() as tx:
        first = before.last_success is None
        recorded = papers.record(tx, source.name, listings, now, first=first)
        after = _settle(source, before, harvest, recorded.new, len(listings), now)
        after = replace(after, fields=health.carried(listings) or before.fields)
        sources.save(tx, after)
        if harvest.trouble is None:
            sources.remember_urls(tx, harvest.url_states)
    for warning in harvest.warnings:
        log.warning("%s: %s", source.name, warning)
    trouble = after.reason if after.state in ("failing", "waiting", "stale") else ""
    return SourceReport(
        state=after.state,
        new=recorded.new,
        changed=recorded.changed + recorded.voted,
        error=trouble,
        warnings=tuple(harvest.warnings),
    )


def _gather(
    database: Database, fetcher: Fetcher, source: Source, requests: Iterable[Request], now: datetime
) -> _Harvest:
    """Fetch and read documents until none leads to another. What was read before a failure is kept."""
    harvest = _Harvest()
    queue = deque(requests)
    unchanged = 0
    while queue:
        request = queue.popleft()
        try:
            answer = fetcher.fetch(request, private=source.private, scope=f"{source.name}:{source.digest} ")
            harvest.url_states += answer.url_states
            unchanged += answer.unchanged
            for document in answer.documents:
                harvest.documents += 1
                queue.extend(_read(database, source, document, harvest, now))
        except SourceError as error:
            harvest.trouble = harvest.trouble or error
        if harvest.documents > MOST_DOCUMENTS and queue:
            harvest.trouble = SourceError(f"more than {MOST_DOCUMENTS} documents in one collection: stopped there")
            break
    if not harvest.documents and not unchanged and harvest.trouble is None:
        harvest.quiet = harvest.quiet or "nothing to ask for"
    return harvest


def _read(
    database: Database, source: Source, document: Document, harvest: _Harvest, now: datetime
) -> Sequence[Request]:
    """One document into the harvest; returns the requests it leads to."""
    try:
        parsed = source.module.parse(document, source.settings)
        if not parsed.listings and not parsed.quiet and not parsed.follow:
            raise SourceError(f"{document.location} was read, but no paper was found in it")
    except SourceError:
        with database.write() as tx:
            recordings.keep(tx, source.name, document, now)
        raise
    harvest.listings += parsed.listings
    harvest.warnings += parsed.warnings
    harvest.quiet = harvest.quiet or parsed.quiet
    harvest.poll_after = max(harvest.poll_after, parsed.poll_after or timedelta(0), _until_welcome(parsed, now))
    return parsed.follow


def _until_welcome(parsed: Any, now: datetime) -> timedelta:
    """How long the document's skipDays and skipHours ask us to stay away, counted from now; at most a week."""
    for hours in range(1, 24 * 7):
        moment = now + timedelta(hours=hours)
        if moment.weekday() not in parsed.skip_days and moment.hour not in parsed.skip_hours:
            return timedelta(hours=hours) if hours > 1 else timedelta(0)
    return timedelta(0)


def _settle(
    source: Source, before: sources.SourceRecord, harvest: _Harvest, new: int, found: int, now: datetime
) -> sources.SourceRecord:
    """The source's record after this collection."""
    last_new = now if new else before.last_new
    trouble = harvest.trouble
    if trouble is not None:
        failures = before.failures + 1
        state: SourceStateName = "waiting" if trouble.retry_at and trouble.retry_at > now else "failing"
        pause = min(FIRST_PAUSE * 2 ** min(failures - 1, 10), max(source.every, FIRST_PAUSE), LONGEST_PAUSE)
        next_try = trouble.retry_at if state == "waiting" else now + pause
        if trouble.gone:
            next_try = now + timedelta(days=3650)
        return replace(
            before,
            state=state,
            since=before.since if before.state == state else now,
            last_try=now,
            last_new=last_new,
            next_try=next_try,
            failures=failures,
            reason=str(trouble),
        )
    quiet = harvest.quiet or source.module.quiet(source.settings, now)
    state, reason = health.judge(
        now, new=new, found=found, unchanged=not harvest.documents, quiet=quiet, last_new=last_new
    )
    return replace(
        before,
        state=state,
        since=before.since if before.state == state else now,
        last_try=now,
        last_success=now,
        last_new=last_new,
        next_try=now + max(source.every, harvest.poll_after),
        failures=0,
        reason=reason,
        told_operator=before.told_operator if state == "stale" else None,
    )
