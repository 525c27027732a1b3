"""Whose turn it is: at a host that is asked, at a relay that is given mail."""

from datetime import date, datetime

from sqlmodel import Field

from bot.store.tables.row import LONG, Row, as_table


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


LIMITS = as_table(RateLimitRow)
QUOTAS = as_table(DailyQuotaRow)
