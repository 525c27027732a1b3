"""Answers that could not be read, kept (a few, bounded) so that `paperlark read TYPE recording:7` can replay them."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from bot.core.source.document import Document, Request
from bot.core.source.redact import redacted
from bot.store.tables.source_rows import UNPARSED

PER_SOURCE = 5
LARGEST = 2 * 1024 * 1024  # bytes kept of one answer


def keep(tx: Connection, source: str, document: Document, now: datetime) -> None:
    """Keep an answer, its address without secrets; the oldest ones of the source make room."""
    tx.execute(
        insert(UNPARSED).values(
            source=source,
            at=now,
            location=redacted(document.location),
            content_type=document.content_type,
            body=document.body[:LARGEST],
        )
    )
    newest = (
        select(UNPARSED.c.id)
        .where(UNPARSED.c.source == source)
        .order_by(UNPARSED.c.id.desc())
        .limit(PER_SOURCE)
        .scalar_subquery()
    )
    tx.execute(delete(UNPARSED).where(UNPARSED.c.source == source, UNPARSED.c.id.not_in(newest)))


def listed(tx: Connection) -> list[tuple[int, str, datetime, str]]:
    """What is kept: (id, source, when, location)."""
    rows = tx.execute(
        select(UNPARSED.c.id, UNPARSED.c.source, UNPARSED.c.at, UNPARSED.c.location).order_by(UNPARSED.c.id)
    )
    return [(number, source, at, location) for number, source, at, location in rows]


def replay(tx: Connection, number: int) -> Document | None:
    """A kept answer as the document it was."""
    row = tx.execute(select(UNPARSED).where(UNPARSED.c.id == number)).first()
    if row is None:
        return None
    return Document(
        request=Request(location=row.location),
        location=row.location,
        body=row.body,
        fetched=row.at,
        content_type=row.content_type,
    )
