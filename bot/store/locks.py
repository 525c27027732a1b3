"""Locks of PostgreSQL that no table has, and how long any lock is waited for. SQLite lets one writer in at a time, and
waits for that alone."""

from enum import IntEnum, unique

from sqlalchemy import Connection, text

# What is locked by another transaction is not waited for any longer: sessions of ours that stand still are ended by the
# server before that, so whose lock it is does not come from here, or is at work for very long.
LONGEST_LOCK = 40  # seconds
PLANNING_WAITS = 5  # seconds: who hands out the work comes again at the next tick
LOCK_NOT_AVAILABLE = "55P03"  # of PostgreSQL's Appendix A


@unique
class AdvisoryLock(IntEnum):
    """All locks of ours that no table has: numbers that nobody else is likely to use in this database."""

    MIGRATION = 7_270_001
    RECORD = 7_270_002
    PLANNING = 7_270_003
    SIGN_UP = 7_270_004

    def take(self, transaction: Connection) -> None:
        """Alone until the end of the transaction. SQLite has one writer at a time anyway."""
        if transaction.dialect.name != "sqlite":
            transaction.execute(text(f"SELECT pg_advisory_xact_lock({self:d})"))


def wait_for_locks(transaction: Connection, seconds: int) -> None:
    """Until the end of a transaction. SQLite waits for its one writer alone."""
    if transaction.dialect.name != "sqlite":
        transaction.execute(text(f"SET LOCAL lock_timeout = '{seconds}s'"))
