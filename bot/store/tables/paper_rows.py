"""What is known of papers, and what was true of them at each revision."""

from datetime import date, datetime
from typing import ClassVar

from sqlmodel import Field

from bot.store.tables.row import BIG, LONG, Row, as_table, identity


class RevisionRow(Row, table=True):
    """One transaction that changed papers. Its number orders all that happened, whatever the clocks say."""

    __tablename__ = "revision"

    id: int | None = identity()
    at: datetime
    source: str
    first: bool  # the first collection of this source: told in digests, never by alerts


class PaperRow(Row, table=True):
    """A paper as it is now."""

    __tablename__ = "paper"
    # A number that was another paper's has a history already.
    __table_args__: ClassVar[dict[str, bool]] = {"sqlite_autoincrement": True}

    id: int | None = identity()
    key: str = Field(unique=True, sa_type=LONG)
    first_seen: datetime = Field(index=True)
    born: int = Field(sa_type=BIG)  # revision that brought it
    revision: int = Field(index=True, sa_type=BIG)  # latest revision that changed it
    data: str = Field(sa_type=LONG)  # as `sql.dump_paper` writes it


class PaperKeyRow(Row, table=True):
    """Every identity a paper is known by. A strong one belongs to one paper; a title may be several papers'."""

    __tablename__ = "paper_key"

    key: str = Field(primary_key=True, sa_type=LONG)
    paper_id: int = Field(primary_key=True, index=True, sa_type=BIG)


class PaperStateRow(Row, table=True):
    """What was true of a paper from this revision on (all but the numbers that move every hour)."""

    __tablename__ = "paper_state"

    paper_id: int = Field(primary_key=True, sa_type=BIG)
    revision: int = Field(primary_key=True, sa_type=BIG)
    changes: str = ""  # in words: "v2, title"
    data: str = Field(sa_type=LONG)


class MergerRow(Row, table=True):
    """A paper that turned out to be another one. Its row is gone, its history stays under its own number."""

    __tablename__ = "merger"

    loser: int = Field(primary_key=True, sa_type=BIG, sa_column_kwargs={"autoincrement": False})
    winner: int = Field(index=True, sa_type=BIG)
    revision: int = Field(sa_type=BIG)


class MetricSnapshotRow(Row, table=True):
    """A paper's numbers from this revision on."""

    __tablename__ = "metric_snapshot"

    paper_id: int = Field(primary_key=True, sa_type=BIG)
    revision: int = Field(primary_key=True, sa_type=BIG)
    at: datetime
    upvotes: int | None = None
    comments: int | None = None
    stars: int | None = None


class ListingRow(Row, table=True):
    """One paper in one source: when it came there, and how the source announces it."""

    __tablename__ = "listing"

    source: str = Field(primary_key=True)
    paper_id: int = Field(primary_key=True, sa_type=BIG)
    first_seen: datetime
    listed: date | None = None
    announce_type: str = ""
    late: bool = False


REVISIONS = as_table(RevisionRow)
PAPERS = as_table(PaperRow)
PAPER_KEYS = as_table(PaperKeyRow)
PAPER_STATES = as_table(PaperStateRow)
MERGERS = as_table(MergerRow)
METRICS = as_table(MetricSnapshotRow)
LISTINGS = as_table(ListingRow)
