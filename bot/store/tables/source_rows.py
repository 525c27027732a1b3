"""How sources are doing, and what is remembered of their addresses."""

from datetime import datetime

from sqlmodel import Field

from bot.store.tables.row import LONG, Row, as_table, identity


class SourceRow(Row, table=True):
    """How a source is doing."""

    __tablename__ = "source"

    name: str = Field(primary_key=True)
    state: str = "waiting"  # "fresh" | "waiting" | "quiet" | "stale" | "failing"
    since: datetime
    last_try: datetime | None = None
    last_success: datetime | None = None
    last_new: datetime | None = None
    next_try: datetime | None = None
    failures: int = 0
    reason: str = Field(default="", sa_type=LONG)
    told_operator: datetime | None = None
    fields: str = ""  # what its listings always carried, to notice when one goes missing
    settings: str = ""  # digest of the settings it was asked with: new ones make a new start
    read_since: datetime | None = None  # when it was first read in whole with these settings
    rhythm: int | None = None  # days between its news, at their slowest; None: not known
    warnings: str = Field(default="", sa_type=LONG)  # of the last documents, a line each


class UnparsedRow(Row, table=True):
    """An answer that could not be read, kept so that it can be replayed."""

    __tablename__ = "unparsed"

    id: int | None = identity()
    source: str = Field(index=True)
    at: datetime
    location: str = Field(sa_type=LONG)
    content_type: str = ""
    body: bytes


class UrlRow(Row, table=True):
    """What to remember of a URL between requests."""

    __tablename__ = "url"

    url: str = Field(primary_key=True, sa_type=LONG)
    etag: str = Field(default="", sa_type=LONG)
    last_modified: str = ""
    fresh_until: datetime | None = None
    moved_to: str = Field(default="", sa_type=LONG)
    gone: bool = False


SOURCES = as_table(SourceRow)
UNPARSED = as_table(UnparsedRow)
URLS = as_table(UrlRow)
