"""The log of consents: who agreed to what, when, and in which words. Rows are only added, and go with the person."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import Connection, delete, insert, select

from bot.store.sql import chunks
from bot.store.tables.subscriber_rows import CONSENTS, SUBSCRIBERS

Act = Literal["asked", "confirmed", "left", "left alerts", "changed address"]


class Consent(NamedTuple):
    """One line of the log."""

    email: str
    at: datetime
    act: str
    wording: str  # the version of the text agreed to
    form: str  # the page
    network: str  # the visitor's, shortened


def add(tx: Connection, subscriber_id: int, act: Act, *, at: datetime, wording: str, form: str, network: str) -> None:
    row = {"subscriber_id": subscriber_id, "at": at, "act": act, "wording": wording, "form": form, "network": network}
    tx.execute(insert(CONSENTS).values(**row))


def log(tx: Connection, subscriber_id: int | None = None) -> list[Consent]:
    """The log of one subscriber, or of all, oldest first."""
    rows = (
        select(
            SUBSCRIBERS.c.email,
            CONSENTS.c.at,
            CONSENTS.c.act,
            CONSENTS.c.wording,
            CONSENTS.c.form,
            CONSENTS.c.network,
        )
        .join(SUBSCRIBERS, SUBSCRIBERS.c.id == CONSENTS.c.subscriber_id)
        .order_by(CONSENTS.c.id)
    )
    if subscriber_id is not None:
        rows = rows.where(CONSENTS.c.subscriber_id == subscriber_id)
    return [Consent._make(row) for row in tx.execute(rows)]


def delete_of(tx: Connection, subscriber_ids: Iterable[int]) -> None:
    for part in chunks(list(subscriber_ids)):
        tx.execute(delete(CONSENTS).where(CONSENTS.c.subscriber_id.in_(part)))
