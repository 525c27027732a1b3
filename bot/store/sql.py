"""Small things every table module needs: chunks of values, papers as text, inserts in bulk or only of what is new."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from operator import attrgetter, methodcaller
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Table, cast, func, select, type_coerce
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import NullType

from bot.core.papers import Paper, paper_from

OPTIONAL = tuple(name for name in Paper.__dataclass_fields__ if name not in ("key", "title"))
_optional = attrgetter(*OPTIONAL)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=methodcaller("isoformat"))
_NUMBERS = (int, float)
CHUNK = 500  # values in one IN (...): far below every database's limit

T = TypeVar("T")


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def among(tx: Connection, column: ColumnElement[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """`column IN (values)` for any number of texts or integers, sent as one parameter: writing out a thousand of them
    takes SQLAlchemy longer than the database needs to find them."""
    if tx.dialect.name == "sqlite":
        return column.in_(select(func.json_each(json.dumps(list(values))).table_valued("value").c.value))
    from sqlalchemy.dialects import postgresql  # memory nobody with SQLite should pay for

    return column == func.any(cast(list(values), postgresql.ARRAY(column.type)))


def insert_or_ignore(tx: Connection, table: Table) -> Any:
    """INSERT ... ON CONFLICT DO NOTHING in the connection's dialect."""
    if tx.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects import postgresql  # memory nobody with SQLite should pay for

    return postgresql.insert(table).on_conflict_do_nothing()


def insert_or_update(tx: Connection, table: Table, unique: str) -> Any:
    """INSERT, or UPDATE of all columns where a row of the same value in the column `unique` is there already."""
    if tx.dialect.name == "sqlite":
        statement: Any = sqlite.insert(table)
    else:
        from sqlalchemy.dialects import postgresql  # memory nobody with SQLite should pay for

        statement = postgresql.insert(table)
    values = {column.name: statement.excluded[column.name] for column in table.c if column.name != unique}
    return statement.on_conflict_do_update(index_elements=[unique], set_=values)


def insert_rows(
    tx: Connection, table: Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]], *, unless: Sequence[str]
) -> int:
    """INSERT very many rows, each a tuple of values in the order of `names`; a row whose values of `unless` (a unique
    constraint) are there already is left out. Returns how many were inserted.

    The values go to the driver as they are: turning them into statements of SQLAlchemy's takes longer than the database
    does. Those that need turning (moments, dates) should be few different ones: each is turned once.
    """
    if not rows:
        return 0
    marks = ", ".join([_mark(tx)] * len(names))
    statement = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608
    statement += f" ON CONFLICT ({', '.join(unless)}) DO NOTHING"
    turned = _turns(tx, table, names)
    return tx.exec_driver_sql(statement, _turned(rows, turned), {"preserve_rowcount": True}).rowcount


def update_rows(tx: Connection, table: Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """UPDATE very many rows one by one, each given as a tuple: the values of the columns `names`, then its id. The
    values go to the driver as in `insert_rows`."""
    if not rows:
        return
    mark = _mark(tx)
    statement = f"UPDATE {table.name} SET {', '.join(f'{name} = {mark}' for name in names)} WHERE id = {mark}"  # noqa: S608
    turned = _turns(tx, table, names)
    tx.exec_driver_sql(statement, _turned(rows, turned))


def _mark(tx: Connection) -> str:
    return "?" if tx.dialect.paramstyle == "qmark" else "%s"


def _turns(tx: Connection, table: Table, names: Sequence[str]) -> list[tuple[int, Callable[[Any], Any]]]:
    """The places of values that the database stores otherwise than Python does, and how each is turned, once."""
    turned: list[tuple[int, Callable[[Any], Any]]] = []
    for place, name in enumerate(names):
        turn = table.c[name].type.dialect_impl(tx.dialect).bind_processor(tx.dialect)
        if turn is not None:
            turned.append((place, cache(turn)))
    return turned


def _turned(
    rows: Sequence[tuple[Any, ...]], turned: Sequence[tuple[int, Callable[[Any], Any]]]
) -> list[tuple[Any, ...]]:
    """The rows with these places turned: column by column, which takes a fraction of what row by row does."""
    if not turned:
        return list(rows)
    columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
    for place, turn in turned:
        columns[place] = map(turn, columns[place])
    return list(zip(*columns, strict=True))


def as_driver_gives(columns: Iterable[Column[Any]]) -> list[ColumnElement[Any]]:
    """These columns for a SELECT of very many rows, to be read by `turned_back`: moments as texts, for instance, where
    the database has no others."""
    return [type_coerce(column, NullType()) for column in columns]


def turned_back(
    tx: Connection, columns: Sequence[Column[Any]], rows: Sequence[Sequence[Any]]
) -> Iterable[tuple[Any, ...]]:
    """Rows of `as_driver_gives` as values of Python. Of very many subscribers most are due at the same few moments:
    each is turned once, which takes a tenth of turning every one."""
    values: list[Iterable[Any]] = list(zip(*rows, strict=True))
    for place, column in enumerate(columns if rows else ()):
        turn = column.type.dialect_impl(tx.dialect).result_processor(tx.dialect, None)
        if turn is not None:
            values[place] = map(cache(turn), values[place])
    return zip(*values, strict=True)


def load_paper(data: str) -> Paper:
    return paper_from(json.loads(data))


def dump_paper(paper: Paper) -> str:
    """Only what is known: most fields of most papers are empty, and `load_paper` gives them their defaults."""
    table: dict[str, Any] = {"key": paper.key, "title": paper.title}
    table |= {
        name: value
        for name, value in zip(OPTIONAL, _optional(paper), strict=True)
        if value or type(value) in _NUMBERS  # zero votes are known to be none
    }
    return _ENCODER.encode(table)
