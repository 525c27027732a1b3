"""What keeps the place in order: old rows go, people are told when a source stays broken, and returned mail is read."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.store import Database, editions, sources

log = logging.getLogger(__name__)

KEEP_EDITIONS = timedelta(days=90)
PERSISTS = timedelta(hours=24)  # before a broken source is worth a mail
PRUNE_CHUNKS = 50  # of 1,000: the rest goes at the next tick
SOFT_LIMIT = 5  # soft bounces ...
SOFT_WINDOW = timedelta(days=30)  # ... within this


def prune(database: Database, now: datetime) -> int:
    """Delete what is settled and old; the books keep the sums. Returns how many editions went."""
    gone = 0
    for _ in range(PRUNE_CHUNKS):
        with database.write() as tx:
            number = editions.prune(tx, now - KEEP_EDITIONS)
        gone += number
        if not number:
            break
    return gone


def broken_for_long(database: Database, now: datetime) -> list[sources.SourceRecord]:
    """Sources that have been failing or stale for a day and of which the operator has not been told."""
    with database.read() as tx:
        records = sources.records(tx).values()
    return [
        record
        for record in records
        if record.state in ("failing", "stale") and now - record.since >= PERSISTS and record.told_operator is None
    ]


def mark_told(database: Database, records: Iterable[sources.SourceRecord], now: datetime) -> None:
    """The operator knows of these; not again until they have recovered."""
    with database.write() as tx:
        known = sources.records(tx)
        for record in records:
            sources.save(tx, replace(known[record.name], told_operator=now))
