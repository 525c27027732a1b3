"""collect: web -> database. Every source by itself: one that fails, hangs or lies never delays another."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.papers import Listing, merge
from bot.core.source import health
from bot.core.source.document import Progress
from bot.core.source.state import SourceStateName
from bot.errors import SourceError
from bot.fetch import Fetcher
from bot.pipeline.collect.gather import (
    CollectedDocuments,
    ConfiguredSource,
    fetch_all,
    first_line,
    source_crashed,
    with_identity,
)
from bot.store import Connection, Database, papers, sources
from bot.store.sources import SourceRecord

__all__ = ["CollectReport", "ConfiguredSource", "SourceReport", "collect"]

log = logging.getLogger(__name__)

MOST_WARNINGS = 20
AT_ONCE = 8
FIRST_PAUSE = timedelta(minutes=5)  # after a failure, doubled with each, up to `every` or a day
AHEAD = timedelta(hours=1)  # a last try that lies further in the future is a clock's mistake
LONGEST_PAUSE = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """What one source brought."""

    state: SourceStateName
    new: int = 0  # papers nobody had brought before
    old: int = 0  # of these: what was old when the source was first read, and is no news
    changed: int = 0
    error: str = ""
    warnings: tuple[str, ...] = ()


CollectReport = dict[str, SourceReport]


def collect(
    database: Database,
    fetcher: Fetcher,
    configured: Sequence[ConfiguredSource],
    now: datetime,
    *,
    due_only: bool = False,
    progress: Callable[[str], None] = lambda name: None,
) -> CollectReport:
    """Ask the sources (with `due_only` those whose time has come) and record what they list. Never raises for one of
    them: the report and the database say how each is doing."""
    asked, report = [], {}
    with database.write() as tx:
        sources.forget(tx, {source.name: source.digest for source in configured})
        known = sources.records(tx)
        for source in configured:
            record = _record_of(source, known.get(source.name), now)
            if _may_ask(record, now, due_only):
                asked.append(source)
                continue
            judged = _judge_again(source, record, now)
            if judged != record:
                sources.save(tx, judged)
            report[source.name] = _report(judged)

    def one(source: ConfiguredSource) -> SourceReport:
        result = _collect_one(database, fetcher, source, now)
        progress(source.name)
        return result

    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="collect") as pool:
        report.update(zip([source.name for source in asked], pool.map(one, asked), strict=True))
    return {source.name: report[source.name] for source in configured}


def _record_of(source: ConfiguredSource, known: SourceRecord | None, now: datetime) -> SourceRecord:
    """What is known of a source. New settings are a new start: waits and refusals were the old address's, and its
    whole list will be new (but it is still known up to when the days were read)."""
    fresh = SourceRecord(name=source.name, since=now, settings=source.digest)
    record = known or fresh
    if record.settings == source.digest:
        return record
    return replace(fresh, last_try=record.last_try, last_success=record.last_success, last_new=record.last_new)


def _may_ask(record: SourceRecord, now: datetime, due_only: bool) -> bool:
    if record.stopped:
        return False
    if record.next_try is None or record.next_try <= now:
        return True
    if record.last_try is not None and record.last_try > now + AHEAD:
        return True  # a clock that ran ahead wrote that; it may have written "next year"
    # The other side asked us to wait: a person's impatience does not change that.
    return not due_only and record.state != "waiting"


def _collect_one(database: Database, fetcher: Fetcher, source: ConfiguredSource, now: datetime) -> SourceReport:
    with database.read() as tx:
        record = _record_of(source, sources.of(tx, source.name), now)
    collected = CollectedDocuments()
    try:
        fetch_all(database, fetcher, source, Progress(last_success=record.last_success), collected, now)
    except SourceError as error:
        collected.failure = error
    except Exception as crash:  # a source module of somebody else's may raise anything
        log.debug("%s: %r", source.name, crash, exc_info=True)
        collected.failure = source_crashed(crash)
    listings = with_identity(source, collected)
    try:
        with database.record() as tx:
            return _store(tx, source, collected, listings, now)
    except Exception as crash:
        # What cannot be written must not stay unsaid. If the database itself is at fault, this fails as well.
        log.debug("%s: %r", source.name, crash, exc_info=True)
        collected.failure = SourceError(
            f"what it lists could not be recorded ({type(crash).__name__}: {first_line(crash)})"
        )
        with database.record() as tx:
            return _store(tx, source, collected, [], now)


def _store(
    tx: Connection,
    source: ConfiguredSource,
    collected: CollectedDocuments,
    listings: Sequence[Listing],
    now: datetime,
) -> SourceReport:
    """The items, what to remember of their URLs, and how the source is doing: in one transaction."""
    # Read again: another process may have collected it, or told the operator, meanwhile.
    known = sources.of(tx, source.name)
    before = _record_of(source, known, now)
    recorded = papers.record(tx, source.name, listings, now, first=before.read_since is None)
    notes = []
    if recorded.old:
        age = merge.BACKLOG_AGE.days
        notes.append(f"{recorded.old} were older than {age} days when it was first read: no letter calls them new")
    if recorded.new and known is not None and known.settings != source.digest and known.read_since is not None:
        notes.append("its settings are new: what it lists now is told in digests, not by alerts")
    lost = health.missing(before.fields, listings)
    if lost:
        collected.warnings.append(f"no listing carries {', '.join(lost)} any more: has the format changed?")
    after = replace(
        _settle(source, before, collected, recorded.came, now),
        fields=health.carried(listings, before.fields),
        rhythm=health.rhythm(listings) or before.rhythm,
        warnings="\n".join(dict.fromkeys(collected.warnings[:MOST_WARNINGS]))
        if collected.documents
        else before.warnings,
    )
    sources.save(tx, after)
    if collected.failure is None and not collected.stale:
        sources.remember_urls(tx, collected.url_states)
    if after.warnings != before.warnings:
        for warning in after.warnings.splitlines():
            log.warning("%s: %s", source.name, warning)
    report = _report(after)
    return replace(
        report,
        new=recorded.new,
        changed=recorded.changed + recorded.voted,
        old=recorded.old,
        warnings=(*report.warnings, *notes),
    )


def _report(record: SourceRecord) -> SourceReport:
    failure = record.reason if record.state in ("failing", "waiting", "stale") else ""
    return SourceReport(state=record.state, error=failure, warnings=tuple(record.warnings.splitlines()))


def _settle(
    source: ConfiguredSource, before: SourceRecord, collected: CollectedDocuments, came: int, now: datetime
) -> SourceRecord:
    """The source's record after this collection."""
    before = replace(before, last_try=now, last_new=now if came else before.last_new)
    failure = collected.failure
    if failure is not None:
        failures = before.failures + 1
        pause = min(FIRST_PAUSE * 2 ** min(failures - 1, 10), max(source.every, FIRST_PAUSE), LONGEST_PAUSE)
        waits = failure.retry_at is not None and failure.retry_at > now
        next_try = None if failure.gone else failure.retry_at if waits else now + pause
        state: SourceStateName = "waiting" if waits and not failure.gone else "failing"
        # One affliction, whether the source refuses to answer or asks us to wait: it began when it began.
        since = before.since if before.failures and before.state in ("waiting", "failing") else now
        return replace(
            before, state=state, since=since, next_try=next_try, failures=failures, reason=first_line(failure)
        )
    state, reason = _state(source, before, came, "" if collected.listings else collected.quiet, now)
    if collected.stale and not collected.listings:
        state, reason = "stale", collected.stale
    # An empty list that should not be empty may fill later: what it held must be caught up with.
    complete = collected.asked_all and not collected.stale
    return replace(
        before,
        state=state,
        since=before.since if before.state == state else now,
        last_success=now if complete else before.last_success,
        read_since=before.read_since or now,
        next_try=health.welcome(
            now + max(source.every, collected.poll_after), collected.skip_days, collected.skip_hours
        ),
        failures=0,
        reason=reason,
        told_operator=before.told_operator if state == "stale" else None,
    )


def _state(
    source: ConfiguredSource, record: SourceRecord, came: int, quiet: str, now: datetime
) -> tuple[SourceStateName, str]:
    def calendar(moment: datetime) -> str:
        return source.module.quiet(source.settings, moment)

    start = record.last_new or record.read_since
    # Silence has to be heard: after an absence of ours, one look is not enough to call a source stale.
    heard = start is not None and record.last_success is not None and record.last_success > start
    return health.judge(
        came=came,
        quiet=calendar(now) or quiet,
        silent=health.silence(start, now, calendar) if start and heard else timedelta(),
        patience=max(health.patience(record.rhythm, now, calendar), 2 * source.every),
        last_new=record.last_new,
    )


def _judge_again(source: ConfiguredSource, record: SourceRecord, now: datetime) -> SourceRecord:
    """A source that is not asked now: a weekend may have begun, or its silence become too long."""
    if record.state not in ("fresh", "quiet") or record.last_new is None:
        return record
    asked = [moment for moment in (record.since, record.last_try) if moment]
    by_calendar = record.reason in [source.module.quiet(source.settings, moment) for moment in asked]
    known = "" if by_calendar else record.reason  # "the feed has no entries" holds until it is asked again
    state, reason = _state(source, record, 0, known, now)
    return record if state == record.state else replace(record, state=state, since=now, reason=reason)
