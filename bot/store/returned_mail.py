"""Messages that were taken and came back, kept beside the tries of their edition: what came back of one round of
sending is judged together."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, func, insert, select, update

from bot.store.tables.edition_rows import ATTEMPTS, EDITIONS
from bot.store.tables.subscriber_rows import SUBSCRIBERS

BOUNCED = "bounced"
OURS = "bounced, about us"
ROUND = timedelta(hours=12)  # sent no further apart belong together: digests follow each subscriber's clock ...
NEAR = 5_000  # ... if they were composed no further apart: looking through a million of them takes seconds
MOST = 300  # bounces of one round that are compared; of more, the newest


class Bounce(NamedTuple):
    """One message that came back."""

    edition_id: int
    subscriber_id: int
    email: str
    words: str


def note_return(tx: Connection, edition_id: int, at: datetime, words: str) -> None:
    """Write down that an edition came back; nothing where that is known, or the edition is gone already."""
    known = select(ATTEMPTS.c.id).where(ATTEMPTS.c.edition_id == edition_id, ATTEMPTS.c.outcome.in_((BOUNCED, OURS)))
    there = select(EDITIONS.c.id).where(EDITIONS.c.id == edition_id)
    if tx.execute(known).first() is None and tx.execute(there).first() is not None:
        tx.execute(insert(ATTEMPTS).values(edition_id=edition_id, at=at, outcome=BOUNCED, words=words))


def of_round(tx: Connection, edition_id: int) -> list[Bounce]:
    """What came back of the messages that were sent about when this one was, itself included."""
    rows = (
        _round(tx, edition_id, EDITIONS.c.id, EDITIONS.c.subscriber_id, SUBSCRIBERS.c.email, ATTEMPTS.c.words)
        .join(SUBSCRIBERS, SUBSCRIBERS.c.id == EDITIONS.c.subscriber_id)
        .join(ATTEMPTS, ATTEMPTS.c.edition_id == EDITIONS.c.id)
        .where(ATTEMPTS.c.outcome.in_((BOUNCED, OURS)))
        .order_by(ATTEMPTS.c.id.desc())
        .limit(MOST)
    )
    return [Bounce._make(row) for row in tx.execute(rows)]


def taken_in_round(tx: Connection, edition_id: int) -> int:
    """For how many people a relay took a message then, those included to whom it came back."""
    sent = _round(tx, edition_id, EDITIONS.c.subscriber_id).where(EDITIONS.c.state == "sent").distinct()
    return tx.execute(select(func.count()).select_from(sent.subquery())).scalar_one()


def are_ours(tx: Connection, edition_id: int) -> bool:
    """What came back says nothing about its subscriber. Returns whether that is new."""
    mine = and_(ATTEMPTS.c.edition_id == edition_id, ATTEMPTS.c.outcome == BOUNCED)
    return tx.execute(update(ATTEMPTS).where(mine).values(outcome=OURS)).rowcount > 0


def _round(tx: Connection, edition_id: int, *columns: Any) -> Select[Any]:
    """Editions that were sent about when this one was."""
    sent = tx.execute(select(EDITIONS.c.sent_at).where(EDITIONS.c.id == edition_id)).scalar()
    if sent is None:  # what became of it was never known: it stands alone
        return select(*columns).select_from(EDITIONS).where(EDITIONS.c.id == edition_id)
    return (
        select(*columns)
        .select_from(EDITIONS)
        .where(
            EDITIONS.c.id.between(edition_id - NEAR, edition_id + NEAR),
            EDITIONS.c.sent_at.between(sent - ROUND, sent + ROUND),
        )
    )
