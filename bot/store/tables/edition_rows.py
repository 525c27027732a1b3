"""What each subscriber is told, and what became of it."""

from datetime import date, datetime
from typing import Literal, get_args

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from bot.store.tables.row import BIG, LONG, Row, as_table, identity, one_of

MailKind = Literal["service", "alert", "digest"]  # service: what a visitor waits for, no edition of papers
EditionState = Literal["waiting", "leased", "sending", "sent", "failed", "suppressed", "expired", "unknown"]
EDITION_STATES: tuple[EditionState, ...] = get_args(EditionState)
OPEN_STATES: tuple[EditionState, ...] = ("waiting", "leased", "sending")
OPEN = text(one_of("state", OPEN_STATES))
UNTOLD = text("state = 'expired' AND folded_into IS NULL")


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


COMPOSES = as_table(ComposeRow)
EDITIONS = as_table(EditionRow)
ATTEMPTS = as_table(AttemptRow)
ACCOUNTS = as_table(AccountRow)
