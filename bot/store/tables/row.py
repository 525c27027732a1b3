"""What all tables are. Times are plain `datetime` fields: SQLModel stores them as UTC and refuses naive ones on both
databases."""

from typing import Any

from sqlalchemy import BigInteger, Integer, Table, Text
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

BIG = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows itself only in an INTEGER column
LONG = Text()


class Row(SQLModel):
    """What all tables are. Nothing validates a row, so no validator is built for it."""

    model_config = {"defer_build": True}


def identity() -> Any:
    return Field(default=None, primary_key=True, sa_type=BIG)


def one_of(column: str, values: tuple[str, ...]) -> str:
    """A condition for partial indexes and checks, written out, not bound: the databases use a partial index only for a
    condition they can read. These indexes are named for SQLite alone; for PostgreSQL they stand in the migrations,
    since a word of it here makes SQLAlchemy load all of its drivers (a tenth of a second and 3 MB at every start).
    """
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def as_table(row: type[SQLModel]) -> Table:
    """The queries speak to the tables themselves: plain rows in bulk, many times faster than objects one by one."""
    table: Table = row.__table__  # type: ignore[attr-defined]
    return table
