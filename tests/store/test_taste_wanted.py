"""The question after every collection, on both kinds of database."""

from datetime import datetime
from typing import Any

import pytest

from bot.store import Database, taste
from bot.store.subscribers import SubscriberRecord
from bot.store.taste_wanted import taste_wanted
from tests import people


@pytest.mark.parametrize(
    ("data", "wanted"),
    [({"library": "mine.bib"}, True), ({"taste": "order"}, True), ({"name": "library of taste"}, False), ({}, False)],
)
def test_it_is_wanted_where_learning_would_find_somebody(
    database: Database, now: datetime, data: dict[str, Any], wanted: bool
) -> None:
    ada = SubscriberRecord(
        email="ada@example.org",
        data={"email": "ada@example.org", **data},
        alerts=False,
        schedule="daily 07:30",
        next_due=None,
    )
    with database.write() as tx:
        people.sync(tx, [ada], now)

    with database.read() as tx:
        assert taste_wanted(tx) == bool(taste.with_taste(tx, 0, 1)) == wanted


def test_nobody_who_left_is_asked_for(database: Database, now: datetime) -> None:
    ada = SubscriberRecord(
        email="ada@example.org", data={"taste": "order"}, alerts=False, schedule="daily 07:30", next_due=None
    )
    with database.write() as tx:
        people.sync(tx, [ada], now)
        people.sync(tx, [], now)

    with database.read() as tx:
        assert not taste_wanted(tx)
