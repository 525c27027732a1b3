"""Readers between the configuration, the store and the pipeline: the same plain table everywhere."""

import json
from functools import lru_cache

from bot.core.readers import Subscriber, subscriber_from
from bot.store.readers import Reader


@lru_cache(maxsize=1_000)
def _subscriber(data: str) -> Subscriber:
    return subscriber_from(json.loads(data))


def subscriber_of(reader: Reader) -> Subscriber:
    """The reader's settings."""
    return _subscriber(reader.data)
