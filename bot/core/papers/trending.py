"""How hot a paper is, from our own snapshots of its votes and stars. Pure.

A paper is as hot as the votes it will have in the end, as far as one can tell by now:

    score   = heat + w · to come              w = 2 over a day, 1.5 over a week or a month
    heat    = Σ gain · 2^(-age of the gain / 60 days)
    to come = (1 - s) · (10 + heat) / (0.2 + s)
    s       = (hours on the lists + 2) / (hours on the lists + 20)

s is the share of the final votes that is in by now: on Hugging Face's Daily Papers 13 % are in after 1.5 hours, 40 %
after 7, 69 % after 20 and 87 % after 62. (10 + heat) / (0.2 + s) is the final number expected of a paper that has heat
of them at s: the mean of a Poisson rate under a gamma prior (Gelman et al., Bayesian Data Analysis, 2.6). The prior
keeps three votes of the first hour from weighing as thirty, and lets a paper of this morning compete with one of last
Monday by what it will have. What is to come counts more than once: of two papers that will end alike, the one on its
way up is the news. The half-life lets old successes fade.

A gain is counted over what the paper ever had, and a star is a twentieth of a vote: people star software, not papers.
Comments say nothing (in the morning four of five papers have exactly one). Of the first snapshot nobody knows when its
votes were given: they are dated halfway between the paper's listing and that snapshot. Its stars may be years old, so
only their order of magnitude counts: log10(1 + stars). Of a paper whose votes nobody counts one is expected, not ten,
so that it ranks by its age, after those that are voted on.

Measured, with the formulas that did worse, in docs/letters.md; `benchmarks/relevance.py` measures again.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Literal, TypeAlias

from bot.core.papers.paper import Paper

Snapshot: TypeAlias = tuple[datetime, int | None, int | None, int | None]  # moment, upvotes, comments, stars
Span = Literal["day", "week", "month"]  # over which time papers are ranked

HALF_LIFE = timedelta(days=60)
OLDEST: dict[Span, timedelta] = {"day": timedelta(days=3), "week": timedelta(days=7), "month": timedelta(days=31)}
TO_COME: dict[Span, float] = {"day": 2, "week": 1.5, "month": 1.5}  # w above
STARS = 20  # for one vote
EXPECTED, UNCOUNTED = 10, 1  # votes before any is in, where they are counted and where not
HOUR = timedelta(hours=1)


def score(snapshots: Sequence[Snapshot], paper: Paper, now: datetime, over: Span = "day") -> float:
    """The heat of a paper at a moment; always > 0. `snapshots` are its numbers, each holding until the next, oldest
    first; those after `now` do not count."""
    listed = listing_moment(paper, now)
    snapshots = [snapshot for snapshot in snapshots if snapshot[0] <= now]
    if not snapshots and (paper.upvotes or paper.stars):
        snapshots = [(now, paper.upvotes, paper.comments, paper.stars)]
    heat = 0.0
    votes_before: int | None = None
    stars_before: int | None = None
    for moment, votes, _comments, stars in snapshots:
        is_first = votes_before is None and stars_before is None
        given = moment - max(moment - listed, timedelta(0)) / 2 if is_first else moment
        worth = _gain(votes_before, votes)
        worth += math.log10(1 + (stars or 0)) if stars_before is None else _gain(stars_before, stars) / STARS
        heat += worth * 0.5 ** ((now - given) / HALF_LIFE)
        votes_before, stars_before = _most(votes_before, votes), _most(stars_before, stars)
    hours = max((now - listed) / HOUR, 0.0)
    share = (hours + 2) / (hours + 20)
    expected = UNCOUNTED if votes_before is None else EXPECTED
    return float(heat + TO_COME[over] * (1 - share) * (expected + heat) / (0.2 + share))


def rank(
    papers: Iterable[Paper], snapshots: Mapping[str, Sequence[Snapshot]], now: datetime, over: Span = "day"
) -> list[Paper]:
    """Papers, the hottest first; ties by key, so that the order never depends on the order they came in.
    `snapshots` by key: (moment, upvotes, comments, stars), oldest first."""
    scored = [(-score(snapshots.get(paper.key, ()), paper, now, over), paper.key, paper) for paper in papers]
    return [paper for _score, _key, paper in sorted(scored, key=lambda entry: entry[:2])]


def is_recent(paper: Paper, now: datetime, over: Span = "day") -> bool:
    """Whether a paper was listed within the days that a letter's trending section looks back: three over a day, those
    of the week or the month else. Whole days (UTC) count: a Monday's letter knows Friday's papers."""
    return now.date() - listing_moment(paper, now).date() <= OLDEST[over]


def listing_moment(paper: Paper, now: datetime) -> datetime:
    """Since when a paper is on the lists (UTC): the beginning of the day of the list where it is told, else of the day
    we first saw it, else of its publication. Not the hour we first saw it: who asks once a day finds votes that came
    before."""
    first_seen = paper.first_seen.astimezone(UTC).date() if paper.first_seen else None
    day = paper.listed or first_seen or paper.published or now.astimezone(UTC).date()
    return min(datetime.combine(day, time(), UTC), now)


def _gain(before: int | None, after: int | None) -> float:
    """What came on top; a number never told before counts from nothing."""
    return float(max((after or 0) - (before or 0), 0)) if after is not None else 0.0


def _most(before: int | None, after: int | None) -> int | None:
    """The most a number ever was."""
    return before if after is None else max(before or 0, after)
