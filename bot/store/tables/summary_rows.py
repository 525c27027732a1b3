"""A model's sentences about papers, and what they cost."""

from datetime import date, datetime

from sqlmodel import Field

from bot.store.tables.row import BIG, LONG, Row, as_table


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


SUMMARIES = as_table(SummaryRow)
MODEL_SPEND = as_table(ModelSpendRow)
