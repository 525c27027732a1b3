"""What the installation knows of itself."""

from datetime import datetime

from sqlmodel import Field

from bot.store.tables.row import LONG, Row, as_table


class SettingRow(Row, table=True):
    """What the installation decided once for itself, such as its secret."""

    __tablename__ = "setting"

    name: str = Field(primary_key=True)
    value: str = Field(sa_type=LONG)


class TickRow(Row, table=True):
    """When a step of the worker last ran, and by when it must have run again to be called alive."""

    __tablename__ = "tick"

    step: str = Field(primary_key=True)  # "collect" | "compose" | "deliver"
    at: datetime
    due_by: datetime


SETTINGS = as_table(SettingRow)
TICKS = as_table(TickRow)
