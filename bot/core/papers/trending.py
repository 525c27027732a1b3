"""How hot a paper is, from our own snapshots of its votes, comments and stars. Pure.

The score is Hacker News' published ranking, (votes - 1)^0.8 / (hours + 2)^1.8, slowed down for papers, which gather
votes over days: the votes are replaced by their velocity (every gain fades with a half-life of 12 hours, as in
exponentially decayed counters), the gravity is 1.3, and a paper without votes still ranks by its age:

    score = (1 + Σ gain · 2^(-(now - moment of the gain) / half-life))^0.8 / (hours on the lists + 2)^1.3
    gain  = votes + 2 · comments + stars / 20, each counted over what the paper ever had

Of the first snapshot nobody knows when its votes were given: they are dated halfway between the paper's listing and
that snapshot. Its stars may be years old, so only their order of magnitude counts: log10(1 + stars). A paper with one
snapshot thus ranks by votes and age, one without numbers by age alone.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import TypeAlias

from bot.core.papers.paper import Paper

Snapshot: TypeAlias = tuple[datetime, int | None, int | None, int | None]  # moment, upvotes, comments, stars

HALF_LIFE = timedelta(hours=12)
GRAVITY = 1.3
COMMENT = 2.0  # votes: a comment costs more than a click
STARS = 20  # for one vote: people star software, not papers
HOUR = timedelta(hours=1)


def score(snapshots: Sequence[Snapshot], paper: Paper, now: datetime, half_life: timedelta = HALF_LIFE) -> float:
    """The heat of a paper at a moment; always > 0. `snapshots` are its numbers, each holding until the next, oldest
    first; those after `now` do not count. A longer `half_life` ranks over a longer time (a week: 84 hours)."""
    listed = listing_moment(paper, now)
    snapshots = [snapshot for snapshot in snapshots if snapshot[0] <= now]
    if not snapshots and (paper.upvotes or paper.comments or paper.stars):
        snapshots = [(now, paper.upvotes, paper.comments, paper.stars)]
    heat = 0.0
    known: list[int | None] = [None, None, None]
    for moment, *numbers in snapshots:
        votes, comments, stars = (_gain(before, after) for before, after in zip(known, numbers, strict=True))
        stars = math.log10(1 + stars) if known[2] is None else stars / STARS
        first = known == [None, None, None]
        given = moment - max(moment - listed, timedelta(0)) / 2 if first else moment
        heat += (votes + COMMENT * comments + stars) * 0.5 ** ((now - given) / half_life)
        known = [
            before if after is None else max(before or 0, after) for before, after in zip(known, numbers, strict=True)
        ]
    hours = max((now - listed) / HOUR, 0.0)
    return float((1.0 + heat) ** 0.8 / (hours + 2.0) ** GRAVITY)


def rank(
    papers: Iterable[Paper],
    snapshots: Mapping[str, Sequence[Snapshot]],
    now: datetime,
    half_life: timedelta = HALF_LIFE,
) -> list[Paper]:
    """Papers, the hottest first; ties by key, so that the order never depends on the order they came in.
    `snapshots` by key."""
    scored = [(-score(snapshots.get(paper.key, ()), paper, now, half_life), paper.key, paper) for paper in papers]
    return [paper for _score, _key, paper in sorted(scored, key=lambda entry: entry[:2])]


def rise(snapshots: Sequence[Snapshot], now: datetime, over: timedelta = timedelta(days=1)) -> int | None:
    """Votes gained in the time `over` before `now`; None where the number of votes at its beginning is not known."""
    past: int | None = None
    latest: int | None = None
    for moment, upvotes, _comments, _stars in snapshots:
        if upvotes is None or moment > now:
            continue
        if moment <= now - over:
            past = upvotes
        latest = upvotes
    return None if past is None or latest is None else latest - past


def listing_moment(paper: Paper, now: datetime) -> datetime:
    """Since when a paper is on the lists (UTC): the day of the list where it is told, else when we first saw it."""
    first_seen = paper.first_seen
    if paper.listed is None:
        return min(first_seen or now, now)
    listed = datetime.combine(paper.listed, time(), UTC)
    if first_seen is not None and first_seen - listed < timedelta(days=1):
        listed = max(listed, first_seen)  # the day it appeared: we know the hour
    return min(listed, now)


def _gain(before: int | None, after: int | None) -> float:
    """What came on top; a number never told before counts from nothing."""
    return float(max((after or 0) - (before or 0), 0)) if after is not None else 0.0
