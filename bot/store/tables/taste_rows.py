"""What subscribers keep, and what was learnt from it."""

from datetime import datetime

from sqlmodel import Field

from bot.store.tables.row import BIG, LONG, Row, as_table


class TasteRow(Row, table=True):
    """What was learnt of a subscriber's library and thumbs, and what they correct in it."""

    __tablename__ = "taste"

    subscriber_id: int = Field(primary_key=True, sa_type=BIG, sa_column_kwargs={"autoincrement": False})
    version: int  # from 1, one more each time it is learnt again or corrected
    at: datetime
    learnt_from: str = ""  # digest of the library and the thumbs: another one makes a new version
    data: str = Field(default="", sa_type=LONG)  # the taste as JSON; "" where there is too little to learn from
    problems: str = Field(default="", sa_type=LONG)  # of the library, a line each
    # Of the subscriber's own, as JSON; learning leaves them alone.
    corrections: str = Field(default="", sa_type=LONG, sa_column_kwargs={"server_default": ""})


class LibraryRow(Row, table=True):
    """A library on the web, as it was last read. Those in files are read where they are."""

    __tablename__ = "library"

    place: str = Field(primary_key=True)  # digest of its address, which may hold a key
    read_at: datetime
    digest: str = ""  # of the papers
    papers: str = Field(default="", sa_type=LONG)  # as JSON
    problems: str = Field(default="", sa_type=LONG)


TASTES = as_table(TasteRow)
LIBRARIES = as_table(LibraryRow)
