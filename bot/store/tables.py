"""The rows. Private to `bot.store`: plain values go in and out of it, rows stay inside.

Everything the program knows is here, under unique keys; what may be lost or doubled (scheduled jobs) is not.
Times are plain `datetime` fields: SQLModel stores them as UTC and refuses naive ones on both databases.
"""

from datetime import date, datetime
from typing import Any, Literal, get_args

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, Table, Text, UniqueConstraint, text
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

MailKind = Literal["service", "alert", "digest"]  # service: what a visitor waits for, no edition of papers
EditionState = Literal["waiting", "leased", "sending", "sent", "failed", "suppressed", "expired", "unknown"]
EDITION_STATES: tuple[EditionState, ...] = get_args(EditionState)
OPEN_STATES: tuple[EditionState, ...] = ("waiting", "leased", "sending")
Status = Literal["unconfirmed", "active", "paused", "removed", "unsubscribed", "bounced", "complained"]
SUBSCRIBER_STATES: tuple[Status, ...] = get_args(Status)


def identity() -> Any:
    return Field(default=None, primary_key=True, sa_type=BIG)


def one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


# Written out, not bound: the databases use a partial index only for a condition they can read. Below they are named for
# SQLite alone; for PostgreSQL they stand in the migrations, since a word of it here makes SQLAlchemy load all of its
# drivers (a tenth of a second and 3 MB at every start).
OPEN = text(one_of("state", OPEN_STATES))
UNTOLD = text("state = 'expired' AND folded_into IS NULL")
ACTIVE = text("status = 'active'")
PAUSED = text("paused_until IS NOT NULL")
ALERTS = text("alerts AND NOT left_alerts")


class Row(SQLModel):
    """What all tables are. Nothing validates a row, so no validator is built for it."""

    model_config = {"defer_build": True}


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
    __table_args__ = {"sqlite_autoincrement": True}  # a number that was another paper's has a history already

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


class SettingRow(Row, table=True):
    """What the installation decided once for itself, such as its secret."""

    __tablename__ = "setting"

    name: str = Field(primary_key=True)
    value: str = Field(sa_type=LONG)


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


class RateLimitRow(Row, table=True):
    """The next moment anybody may ask a host, or hand a message to a relay or for a domain."""

    __tablename__ = "rate_limit"

    name: str = Field(primary_key=True)
    next_free: datetime
    held_until: datetime | None = None
    reason: str = Field(default="", sa_type=LONG)
    # Of mail only:
    gap: float = Field(
        default=0, sa_column_kwargs={"server_default": "0"}
    )  # seconds between messages that the other side's complaints have taught us
    trips: int = Field(default=0, sa_column_kwargs={"server_default": "0"})  # how often in a row it had to be held
    told_operator: datetime | None = None


class DailyQuotaRow(Row, table=True):
    """How many messages a relay was given on a day (UTC): what warming up is counted by."""

    __tablename__ = "daily_quota"

    relay: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    count: int = 0


class SubscriberRow(Row, table=True):
    """A subscriber, from the configuration file or kept here."""

    __tablename__ = "subscriber"
    __table_args__ = (
        CheckConstraint(one_of("status", SUBSCRIBER_STATES), name="status"),
        Index("ix_subscriber_due", "next_due", sqlite_where=ACTIVE),
        Index("ix_subscriber_alerts", "alert_cursor", sqlite_where=ALERTS),
        Index("ix_subscriber_paused", "paused_until", sqlite_where=PAUSED),
    )

    id: int | None = identity()
    email: str = Field(unique=True)
    # "file" | "database" | "web" | "deleted": all that was known is gone, `email` is a keyed hash. Such a row stays, so
    # that no list brings the person back, and nobody else is ever given the number in their letters' links.
    origin: str = "file"
    data: str = Field(sa_type=LONG)  # the subscriber's table as in config.toml, as JSON
    status: str = "active"
    status_since: datetime
    status_reason: str = Field(default="", sa_type=LONG)
    paused_until: datetime | None = None
    alerts: bool = False  # has a profile that alerts
    left_alerts: bool = False  # asked for no more of them
    schedule: str = ""  # schedule and time zone `next_due` was computed from
    next_due: datetime | None = None
    digest_cursor: int | None = Field(default=None, sa_type=BIG)  # the last digest told all up to here
    told_at: datetime | None = None
    trending_ids: str = Field(
        default="", sa_type=LONG, sa_column_kwargs={"server_default": ""}
    )  # "12,15": told of late, trending or near a profile
    alert_cursor: int | None = Field(default=None, sa_type=BIG)  # alerts looked at all up to here
    alert_after: datetime | None = None  # the rest of a burst waits until then
    alert_day: date | None = None
    alerts_sent: int = 0  # on alert_day
    overflow: int = 0  # papers over the ceiling, for the next digest to mention
    bounces: int = 0
    bounces_since: datetime | None = None
    bounced_on: date | None = None  # the day (UTC) of the last that was counted
    epoch: int = Field(default=0, sa_column_kwargs={"server_default": "0"})  # of their links: renewing counts on
    # What they chose by a link, as a table like `data`: it wins over the file, whose author may not know of it.
    chosen: str = Field(default="", sa_type=LONG, sa_column_kwargs={"server_default": ""})


class MailRequestRow(Row, table=True):
    """Something a visitor of the web pages asked for that is answered by mail. Limits are counted by these rows."""

    __tablename__ = "mail_request"

    id: int | None = identity()
    at: datetime = Field(index=True)
    subscriber_id: int = Field(index=True, sa_type=BIG)
    kind: str  # "confirm" | "manage" | "export" | "delete" | "address"
    network: str = ""  # the visitor's, shortened: "192.0.2.0/24"
    data: str = Field(default="", sa_type=LONG)  # confirm: the subscriber's table as asked for; address: the new one
    done_at: datetime | None = None  # the link was used


class ConsentRow(Row, table=True):
    """What somebody agreed to, or took back, and how. Rows are only added."""

    __tablename__ = "consent"

    id: int | None = identity()
    subscriber_id: int = Field(index=True, sa_type=BIG)
    at: datetime
    act: str  # "asked" | "confirmed" | "left" ...
    wording: str = ""  # version of the text that was agreed to
    form: str = ""  # where: the page
    network: str = ""


class ThumbRow(Row, table=True):
    """What a subscriber said of a paper."""

    __tablename__ = "thumb"

    subscriber_id: int = Field(primary_key=True, sa_type=BIG)
    paper_id: int = Field(primary_key=True, sa_type=BIG)
    kind: str = Field(primary_key=True)  # "more" | "less" | "save"
    at: datetime


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


class SummaryRow(Row, table=True):
    """A sentence by a language model about one version of a paper, for all subscribers; or that one was asked for."""

    __tablename__ = "summary"

    paper_id: int = Field(primary_key=True, sa_type=BIG, sa_column_kwargs={"autoincrement": False})
    version: str = Field(primary_key=True)  # a digest of the title and abstract that it is about
    language: str = Field(primary_key=True)
    model: str
    at: datetime = Field(index=True)
    sentence: str = Field(default="", sa_type=LONG)  # "": none may be shown, or none has come yet
    objection: str = Field(default="", sa_type=LONG)  # why what came may not be shown


class ModelSpendRow(Row, table=True):
    """What a language model was asked on a day (UTC), counted before it is asked, and what came of it."""

    __tablename__ = "model_spend"

    day: date = Field(primary_key=True)
    calls: int = 0
    tokens: int = Field(default=0, sa_type=BIG)
    written: int = 0
    thrown_away: int = 0
    failed: int = 0


class TickRow(Row, table=True):
    """When a step of the worker last ran, and by when it must have run again to be called alive."""

    __tablename__ = "tick"

    step: str = Field(primary_key=True)  # "collect" | "compose" | "deliver"
    at: datetime
    due_by: datetime


class ComposeRow(Row, table=True):
    """One run of `compose`: what all its editions share."""

    __tablename__ = "compose"

    id: int | None = identity()
    at: datetime
    revision: int = Field(sa_type=BIG)
    sources: str = Field(sa_type=LONG)  # the sources' states as JSON


class EditionRow(Row, table=True):
    """What one subscriber gets for one slot: the outbox. It is written before any byte is sent."""

    __tablename__ = "edition"
    __table_args__ = (
        UniqueConstraint("subscriber_id", "kind", "slot"),
        CheckConstraint(one_of("state", EDITION_STATES), name="state"),
        Index("ix_edition_open", "kind", "next_at", "id", sqlite_where=OPEN),
        Index("ix_edition_untold", "subscriber_id", sqlite_where=UNTOLD),
    )

    id: int | None = identity()
    subscriber_id: int = Field(sa_type=BIG)
    kind: str  # "digest" | "alert" | "service"
    slot: str
    compose_id: int = Field(sa_type=BIG)
    revision: int = Field(sa_type=BIG)
    since: datetime | None = None
    due: datetime  # the moment the subscriber expected it
    day: date  # the subscriber's local date
    picks: str = Field(sa_type=LONG)
    matched: int  # (subscriber, paper) matches it tells or counts
    state: str = "waiting"
    next_at: datetime
    lease_by: str = ""
    lease_until: datetime | None = None
    attempts: int = 0
    message_id: str = ""  # no index: it would be as random as they are, and its pages most of what `compose` writes
    sent_at: datetime | None = None
    words: str = Field(default="", sa_type=LONG)  # the relay's last words
    folded_into: int | None = Field(default=None, sa_type=BIG)  # the later digest that tells what expired here
    channel: str = Field(default="", sa_column_kwargs={"server_default": ""})  # "slack:3f2a9c41"; "": mail


class AttemptRow(Row, table=True):
    """A try that did not succeed."""

    __tablename__ = "attempt"

    id: int | None = identity()
    edition_id: int = Field(index=True, sa_type=BIG)
    at: datetime
    outcome: str  # as of `DeliveryError`
    words: str = Field(default="", sa_type=LONG)


class AccountRow(Row, table=True):
    """Matches per day, counted when they are made and when their editions are pruned: the books' other side."""

    __tablename__ = "account"

    day: date = Field(primary_key=True)
    state: str = Field(primary_key=True)  # "matched", or the final state of pruned editions
    count: int = 0


def _table(row: type[SQLModel]) -> Table:
    table: Table = row.__table__  # type: ignore[attr-defined]
    return table


# The queries speak to the tables themselves: plain rows in bulk, many times faster than objects one by one.
REVISIONS = _table(RevisionRow)
PAPERS = _table(PaperRow)
PAPER_KEYS = _table(PaperKeyRow)
PAPER_STATES = _table(PaperStateRow)
MERGERS = _table(MergerRow)
METRICS = _table(MetricSnapshotRow)
LISTINGS = _table(ListingRow)
SOURCES = _table(SourceRow)
UNPARSED = _table(UnparsedRow)
SETTINGS = _table(SettingRow)
URLS = _table(UrlRow)
LIMITS = _table(RateLimitRow)
QUOTAS = _table(DailyQuotaRow)
SUBSCRIBERS = _table(SubscriberRow)
COMPOSES = _table(ComposeRow)
EDITIONS = _table(EditionRow)
ATTEMPTS = _table(AttemptRow)
ACCOUNTS = _table(AccountRow)
MAIL_REQUESTS = _table(MailRequestRow)
CONSENTS = _table(ConsentRow)
THUMBS = _table(ThumbRow)
TICKS = _table(TickRow)
TASTES = _table(TasteRow)
LIBRARIES = _table(LibraryRow)
SUMMARIES = _table(SummaryRow)
MODEL_SPEND = _table(ModelSpendRow)
