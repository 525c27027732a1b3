"""Who is written to, and what they said."""

from datetime import date, datetime
from typing import Literal, get_args

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from bot.store.tables.row import BIG, LONG, Row, as_table, identity, one_of

Status = Literal["unconfirmed", "active", "paused", "removed", "unsubscribed", "bounced", "complained"]
SUBSCRIBER_STATES: tuple[Status, ...] = get_args(Status)
ACTIVE = text("status = 'active'")
PAUSED = text("paused_until IS NOT NULL")
ALERTS = text("alerts AND NOT left_alerts")


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


SUBSCRIBERS = as_table(SubscriberRow)
MAIL_REQUESTS = as_table(MailRequestRow)
CONSENTS = as_table(ConsentRow)
THUMBS = as_table(ThumbRow)
