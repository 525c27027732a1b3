"""What subscribers said of papers: more like this, less like this, keep it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, NamedTuple, get_args

from sqlalchemy import Connection, delete, select

from bot.store.sql import chunks, insert_or_ignore
from bot.store.tables.subscriber_rows import SUBSCRIBERS, THUMBS

ThumbKind = Literal["more", "less", "save"]
KINDS: tuple[ThumbKind, ...] = get_args(ThumbKind)
MOST_SAVERS = 2_000  # of some papers, looked at
OPPOSITE: dict[ThumbKind, ThumbKind] = {"more": "less", "less": "more"}


class Thumb(NamedTuple):
    """One opinion."""

    paper_id: int
    kind: ThumbKind
    at: datetime


def give(tx: Connection, subscriber_id: int, paper_id: int, kind: ThumbKind, now: datetime) -> None:
    """Giving it again changes nothing; the opposite is taken back."""
    if kind in OPPOSITE:
        take_back(tx, subscriber_id, paper_id, OPPOSITE[kind])
    row = {"subscriber_id": subscriber_id, "paper_id": paper_id, "kind": kind, "at": now}
    tx.execute(insert_or_ignore(tx, THUMBS), [row])


def take_back(tx: Connection, subscriber_id: int, paper_id: int, kind: ThumbKind) -> None:
    tx.execute(
        delete(THUMBS).where(
            THUMBS.c.subscriber_id == subscriber_id, THUMBS.c.paper_id == paper_id, THUMBS.c.kind == kind
        )
    )


def of_subscriber(tx: Connection, subscriber_id: int, limit: int = 1000) -> list[Thumb]:
    """The newest first."""
    rows = (
        select(THUMBS.c.paper_id, THUMBS.c.kind, THUMBS.c.at)
        .where(THUMBS.c.subscriber_id == subscriber_id)
        .order_by(THUMBS.c.at.desc(), THUMBS.c.paper_id)
        .limit(limit)
    )
    return [Thumb._make(row) for row in tx.execute(rows)]


def saved_by_others(tx: Connection, subscriber_id: int, paper_ids: Iterable[int]) -> list[tuple[int, str]]:
    """Who else saved these papers: (paper, the subscriber's table)."""
    found: list[tuple[int, str]] = []
    for part in chunks(sorted(paper_ids)):
        rows = (
            select(THUMBS.c.paper_id, SUBSCRIBERS.c.data)
            .join(SUBSCRIBERS, SUBSCRIBERS.c.id == THUMBS.c.subscriber_id)
            .where(THUMBS.c.paper_id.in_(part), THUMBS.c.kind == "save", THUMBS.c.subscriber_id != subscriber_id)
            .where(SUBSCRIBERS.c.status == "active")
            .limit(MOST_SAVERS)
        )
        found += [(paper, data) for paper, data in tx.execute(rows)]
    return found


def delete_of(tx: Connection, subscriber_ids: Iterable[int]) -> None:
    for part in chunks(list(subscriber_ids)):
        tx.execute(delete(THUMBS).where(THUMBS.c.subscriber_id.in_(part)))
