"""Only the best so many papers a week (`per_week = 20`), by a threshold that each profile's own past sets."""

from collections.abc import Sequence
from datetime import timedelta
from math import ceil

from bot.core.edition import selection
from bot.core.query import Query
from bot.core.subscriber.subscriber import Subscriber
from bot.pipeline.compose.changes import Changes

WEEK = timedelta(weeks=1)
WEEKS = 4 * WEEK  # the past that a paper has to compete with


def admitted(
    changes: Changes, queries: Sequence[Sequence[Query]], subscribers: Sequence[Subscriber]
) -> list[set[int] | None]:
    """For each subscriber, given their queries, the papers that may be shown; None: all, for they set no limit.

    Papers of the last four weeks and of now compete for four times as many places, in the order of relevance of each
    profile; profiles take turns. So what is shown is as good as the best so many of an ordinary week, and a strong day
    may bring more than a weak one. Where less than four weeks are known there are places for as long as is known, and
    at least for one letter.
    """
    asked = [number for number, one in enumerate(subscribers) if one.per_week and queries[number]]
    found: list[set[int] | None] = [None] * len(queries)
    if not asked or not changes.after:
        return found
    known = changes.time_known(WEEKS)
    places = {
        number: ceil(subscribers[number].per_week * max(known, min(subscribers[number].schedule.period, WEEKS)) / WEEK)
        for number in asked
    }
    ranked = changes.best_of(WEEKS, [queries[number] for number in asked], max(places.values()))
    for number, lists in zip(asked, ranked, strict=True):
        found[number] = {paper for share in selection.allot(lists, places[number]) for paper in share}
    return found
