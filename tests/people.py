"""Subscribers, as tests bring them into the store."""

from collections.abc import Iterable
from datetime import datetime

from bot.store import Connection
from bot.store.file_sync import carry_out, planned_changes
from bot.store.subscribers import SubscriberRecord


def sync(tx: Connection, records: Iterable[SubscriberRecord], now: datetime) -> None:
    """Make the stored subscribers equal to a file's."""
    carry_out(tx, planned_changes(tx, records, now), now)
