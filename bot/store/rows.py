"""Small things every table module needs: chunks of values, papers as text, inserts that skip what is there."""

import json
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite

from bot.core.papers import Paper, paper_from

OPTIONAL = tuple(name for name in Paper.__dataclass_fields__ if name not in ("key", "title"))
ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
CHUNK = 500  # values in one IN (...): far below every database's limit

T = TypeVar("T")


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def insert_or_ignore(tx: Connection, table: Table) -> Any:
    """INSERT ... ON CONFLICT DO NOTHING in the connection's dialect."""
    if tx.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects import postgresql  # memory nobody with SQLite should pay for

    return postgresql.insert(table).on_conflict_do_nothing()


def load(data: str) -> Paper:
    return paper_from(json.loads(data))


def dump(paper: Paper) -> str:
    """Only what is known: most fields of most papers are empty, and `load` gives them their defaults."""
    table: dict[str, Any] = {"key": paper.key, "title": paper.title}
    for name in OPTIONAL:
        value = getattr(paper, name)
        if value is None or value is False or value in ("", ()):
            continue
        table[name] = value.isoformat() if isinstance(value, date) else value
    return ENCODE(table)
