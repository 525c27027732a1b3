"""collect: web -> database. Every source by itself: one that fails, hangs or lies never delays another."""

import itertools
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.papers import merge
from bot.core.source import health
from bot.core.source.document import Progress
from bot.core.source.health import SourceStateName
from bot.errors import SourceError, UserError
from bot.fetch import Fetcher
from bot.pipeline.collect.gather import CollectedDocuments, ConfiguredSource, add_identities, fetch_all
from bot.pipeline.collect.judge import judge_again, may_ask, record_of, settle
from bot.pipeline.parse_process import ParserPool, first_line, source_crashed
from bot.store import Connection, Database, papers, sources, unparsed
from bot.store.sources import SourceRecord

__all__ = ["CollectReport", "ConfiguredSource", "SourceReport", "collect"]

log = logging.getLogger(__name__)

MOST_WARNINGS = 20
AT_ONCE = 4  # sources asked at once, or waiting to be written: what they list is in memory
STOPPING_SECONDS = 10.0  # half of what a worker has to stop in
LISTINGS_AT_ONCE = 500  # written in one transaction


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


def due_sources(database: Database, configured: Sequence[ConfiguredSource], now: datetime) -> list[str]:
    """The names of those whose time has come. The others are judged by the calendar alone."""
    asked, _ = _look_around(database, configured, now, due_only=True)
    return [source.name for source, _ in asked]


def collect(
    database: Database,
    fetcher: Fetcher,
    configured: Sequence[ConfiguredSource],
    now: datetime,
    *,
    only: Collection[str] | None = None,
    due_only: bool = False,
    progress: Callable[[str], None] = lambda name: None,
    stop: threading.Event | None = None,
) -> CollectReport:
    """Ask the sources (`only` those of these names; with `due_only` those whose time has come) and record what they
    list. Never raises for one of them: the report and the database say how each is doing. Raises UserError when the
    database cannot be used.

    After `stop` no other source is asked; those under way get `STOPPING_SECONDS`, then they are broken off, and the
    report and the database know nothing of them.

    Threads ask and read; what they bring is written here, by one, several sources in one transaction where they come
    at once, and all those that said "as it was" in a last one.
    """
    asked, report = _look_around(database, configured, now, due_only=due_only)
    if only is not None:
        asked = [one for one in asked if one[0].name in only]

    unchanged: list[CollectedDocuments] = []
    waiting = iter(asked)
    with ParserPool() as parsers, ThreadPoolExecutor(AT_ONCE, thread_name_prefix="collect") as threads:
        running: set[Future[CollectedDocuments]] = set()
        broken_off = 0.0  # when those under way will be
        try:
            while True:
                if stop is not None and stop.is_set():
                    broken_off = broken_off or time.monotonic() + STOPPING_SECONDS
                else:
                    for source, reached in itertools.islice(waiting, AT_ONCE - len(running)):
                        running.add(threads.submit(_gather, database, fetcher, parsers, source, reached, now))
                if not running:
                    break
                if broken_off and time.monotonic() > broken_off:
                    fetcher.close()
                    parsers.kill()
                    break
                finished, running = wait(running, 1.0 if stop is not None else None, FIRST_COMPLETED)
                brought = [future.result() for future in finished]
                unchanged += [one for one in brought if one.unchanged]
                for batch in _batches([one for one in brought if not one.unchanged]):
                    report.update(_record(database, batch, now))
                for one in brought:
                    progress(one.source.name)
                    one.listings = []  # they are written; what is asked for next needs the memory
            report.update(_record(database, unchanged, now))
        finally:
            threads.shutdown(cancel_futures=True)
    return {source.name: report[source.name] for source in configured if source.name in report}


def _look_around(
    database: Database, configured: Sequence[ConfiguredSource], now: datetime, *, due_only: bool
) -> tuple[list[tuple[ConfiguredSource, Progress]], CollectReport]:
    """Whom to ask, and how the others are doing; what is known of sources that are configured no more is dropped."""
    asked, report = [], {}
    with database.write() as tx:
        sources.forget(tx, {source.name: source.digest for source in configured})
        known = sources.records(tx)
        judged = []
        for source in configured:
            record = record_of(source, known.get(source.name), now)
            if may_ask(record, now, due_only):
                asked.append((source, Progress(last_success=record.last_success, read_since=record.read_since)))
                continue
            after = judge_again(source, record, now)
            if after != record:
                judged.append(after)
            report[source.name] = _report(after)
        sources.save(tx, judged)
    return asked, report


def _gather(
    database: Database,
    fetcher: Fetcher,
    parsers: ParserPool,
    source: ConfiguredSource,
    progress: Progress,
    now: datetime,
) -> CollectedDocuments:
    """Everything one source brings, or why it does not. Never raises for what the source does."""
    collected = CollectedDocuments(source)
    try:
        fetch_all(database, fetcher, parsers, progress, collected, now)
    except SourceError as error:
        collected.failure = error
    except UserError:
        raise  # the database, not the source
    except Exception as crash:  # a source module of somebody else's may raise anything
        log.debug("%s: %r", source.name, crash, exc_info=True)
        collected.failure = source_crashed(crash)
    add_identities(collected)
    return collected


def _batches(brought: Sequence[CollectedDocuments]) -> Iterator[list[CollectedDocuments]]:
    """What to write in one transaction: a few sources, and not more listings than are written in a moment, for
    meanwhile nobody else can write to SQLite."""
    batch: list[CollectedDocuments] = []
    count = 0
    for one in brought:
        if batch and count + len(one.listings) > LISTINGS_AT_ONCE:
            yield batch
            batch, count = [], 0
        batch.append(one)
        count += len(one.listings)
    if batch:
        yield batch


def _record(database: Database, batch: Sequence[CollectedDocuments], now: datetime) -> CollectReport:
    """Write down what some sources brought, in one transaction; if that fails, each in one of its own."""
    if not batch:
        return {}
    try:
        with database.record() as tx:
            return _store(tx, batch, now)
    except UserError:
        raise  # the database itself does not answer
    except Exception as crash:
        log.debug("%s: %r", [one.source.name for one in batch], crash, exc_info=True)
        if len(batch) > 1:
            return {name: report for one in batch for name, report in _record(database, [one], now).items()}
        # What cannot be written must not stay unsaid. If the database itself is at fault, this fails as well.
        (one,) = batch
        words = f"what it lists could not be recorded ({type(crash).__name__}: {first_line(crash)})"
        one.failure, one.listings = SourceError(words), []
        with database.record() as tx:
            return _store(tx, batch, now)


def _store(tx: Connection, batch: Sequence[CollectedDocuments], now: datetime) -> CollectReport:
    """The items, what to remember of their URLs, and how the sources are doing: in one transaction."""
    # Read again: another process may have collected them, or told the operator, meanwhile.
    known = sources.records(tx, [one.source.name for one in batch])
    report, after, url_states = {}, [], []
    for one in batch:
        name = one.source.name
        record, report[name] = _store_one(tx, one, known.get(name), now)
        after.append(record)
        if one.failure is None and not one.stale:
            url_states += one.url_states
        for document in one.unread:
            unparsed.keep(tx, name, document, now)
    sources.save(tx, after)
    sources.remember_urls(tx, url_states)
    return report


def _store_one(
    tx: Connection, one: CollectedDocuments, known: SourceRecord | None, now: datetime
) -> tuple[SourceRecord, SourceReport]:
    source = one.source
    before = record_of(source, known, now)
    recorded = papers.record(tx, source.name, one.listings, now, first=before.read_since is None)
    notes = []
    if recorded.old:
        age = merge.BACKLOG_AGE.days
        notes.append(f"{recorded.old} were older than {age} days when it was first read: no letter calls them new")
    if recorded.new and known is not None and known.settings != source.digest and known.read_since is not None:
        notes.append("its settings are new: what it lists now is told in digests, not by alerts")
    warnings = list(one.warnings)
    if lost := health.missing(before.fields, one.listings):
        warnings.append(f"no listing carries {', '.join(lost)} any more: has the format changed?")
    after = replace(
        settle(one, before, recorded.came, now),
        fields=health.carried(one.listings, before.fields),
        rhythm=health.rhythm(one.listings) or before.rhythm,
        warnings="\n".join(dict.fromkeys(warnings[:MOST_WARNINGS])) if one.documents else before.warnings,
    )
    if after.warnings != before.warnings:
        for warning in after.warnings.splitlines():
            log.warning("%s: %s", source.name, warning)
    report = _report(after)
    return after, replace(
        report,
        new=recorded.new,
        old=recorded.old,
        changed=recorded.changed + recorded.voted,
        warnings=(*report.warnings, *notes),
    )


def _report(record: SourceRecord) -> SourceReport:
    failure = record.reason if record.state in ("failing", "waiting", "stale") else ""
    return SourceReport(state=record.state, error=failure, warnings=tuple(record.warnings.splitlines()))
