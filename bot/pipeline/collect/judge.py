"""What becomes of a source: whether it may be asked now, and how it is doing after it was. Pure.

The rules of silence are `bot.core.source.health`'s; here they meet a source's settings and its past."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.core.source import health
from bot.core.source.health import SourceStateName
from bot.pipeline.collect.gather import CollectedDocuments, ConfiguredSource
from bot.pipeline.parse_process import first_line
from bot.store.sources import SourceRecord

FIRST_PAUSE = timedelta(minutes=5)  # after a failure, doubled with each, up to `every` or a day
AHEAD = timedelta(hours=1)  # a last try that lies further in the future is a clock's mistake
LONGEST_PAUSE = timedelta(days=1)


def record_of(source: ConfiguredSource, known: SourceRecord | None, now: datetime) -> SourceRecord:
    """What is known of a source. New settings are a new start: waits and refusals were the old address's, and its
    whole list will be new (but it is still known up to when the days were read)."""
    fresh = SourceRecord(name=source.name, since=now, settings=source.digest)
    record = known or fresh
    if record.settings == source.digest:
        return record
    return replace(fresh, last_try=record.last_try, last_success=record.last_success, last_new=record.last_new)


def may_ask(record: SourceRecord, now: datetime, due_only: bool) -> bool:
    if record.stopped:
        return False
    if record.next_try is None or record.next_try <= now:
        return True
    if record.last_try is not None and record.last_try > now + AHEAD:
        return True  # a clock that ran ahead wrote that; it may have written "next year"
    # The other side asked us to wait: a person's impatience does not change that.
    return not due_only and record.state != "waiting"


def settle(collected: CollectedDocuments, before: SourceRecord, came: int, now: datetime) -> SourceRecord:
    """The source's record after this collection."""
    source = collected.source
    before = replace(before, last_try=now, last_new=now if came else before.last_new)
    failure = collected.failure
    if failure is not None:
        failures = before.failures + 1
        pause = min(FIRST_PAUSE * 2 ** min(failures - 1, 10), max(source.every, FIRST_PAUSE), LONGEST_PAUSE)
        waits = failure.retry_at is not None and failure.retry_at > now
        next_try = None if failure.gone else failure.retry_at if waits else now + pause
        state: SourceStateName = "waiting" if waits and not failure.gone else "failing"
        # The same trouble, whether the source refuses to answer or asks us to wait: it began when the first did.
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
    # After a time in which we did not ask, one look is not enough to call a source stale.
    heard = start is not None and record.last_success is not None and record.last_success > start
    return health.judge_health(
        came=came,
        quiet=calendar(now) or quiet,
        silent=health.silence(start, now, calendar) if start and heard else timedelta(),
        patience=max(health.patience(record.rhythm, now, calendar), 2 * source.every),
        last_new=record.last_new,
    )


def judge_again(source: ConfiguredSource, record: SourceRecord, now: datetime) -> SourceRecord:
    """A source that is not asked now: a weekend may have begun, or its silence become too long."""
    if record.state not in ("fresh", "quiet") or record.last_new is None:
        return record
    asked = [moment for moment in (record.since, record.last_try) if moment]
    by_calendar = record.reason in [source.module.quiet(source.settings, moment) for moment in asked]
    known = "" if by_calendar else record.reason  # "the feed has no entries" holds until it is asked again
    state, reason = _state(source, record, 0, known, now)
    return record if state == record.state else replace(record, state=state, since=now, reason=reason)
