"""Silence explained: what state a source is in, and why. Pure; the pipeline asks after every collection.

fresh    brings news, as often as it is known to
quiet    says nothing, and that is in order: a weekend, a holiday, a list that is still empty
stale    answers, but has been silent for longer than it should
waiting  asked us to come later
failing  does not answer, or not so that it could be read
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Literal

from bot.core.papers import Listing

SourceStateName = Literal["fresh", "waiting", "quiet", "stale", "failing"]

# How long a silence may last. Where the source knows its weekends and holidays those do not count.
DAILY = timedelta(hours=36)  # of one with a calendar: it has news on every working day
SHORTEST = timedelta(days=4)  # of any other: a long weekend is not yet a fault
UNKNOWN = timedelta(days=30)  # of one whose rhythm nobody knows yet
STEP = timedelta(hours=3)  # the grain a calendar is read with
LOOK_BACK = timedelta(days=90)
SAMPLE = 20  # days with news that tell a rhythm
SLOWEST = 180  # days

ENOUGH = 10  # listings before their fields say anything about drift
WATCHED = ("abstract", "authors", "published", "listed", "upvotes", "url", "categories")

Calendar = Callable[[datetime], str]  # why no news is expected at a moment, or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNote:
    """The state of one source, for the subscriber and for `status`."""

    name: str
    state: SourceStateName
    since: datetime | None = None  # UTC: in this state since
    last_new: datetime | None = None  # UTC: when it last brought a new paper
    next_try: datetime | None = None
    reason: str = ""


def judge_health(
    *, came: int, quiet: str, silent: timedelta, patience: timedelta, last_new: datetime | None
) -> tuple[SourceStateName, str]:
    """The state of a source whose documents were all read, and the reason in words ("" when fresh).

    `came` counts papers it had not listed before, whoever else had; `quiet` is its explanation for having none;
    `silent` is how long that has lasted (see `silence`), `patience` how long it may (see `patience`).
    """
    if came:
        return "fresh", ""
    if silent > patience:
        return "stale", f"answers, but nothing new since {last_new:%Y-%m-%d}" if last_new else "has never brought news"
    if quiet:
        return "quiet", quiet
    return ("fresh", "") if last_new else ("quiet", "nothing new on the list yet")


def silence(start: datetime, now: datetime, calendar: Calendar) -> timedelta:
    """How long there was nothing, not counting the hours when nothing was expected."""
    moment = max(start, now - LOOK_BACK)
    total = timedelta()
    while moment < now:
        step = min(STEP, now - moment)
        total += timedelta() if calendar(moment) else step
        moment += step
    return total


def patience(rhythm: int | None, now: datetime, calendar: Calendar) -> timedelta:
    """How long a silence is in order. A source with a calendar of its own has news whenever that says nothing."""
    week = [bool(calendar(now - hours * STEP)) for hours in range(int(timedelta(days=7) / STEP))]
    if any(week) and not all(week):
        return DAILY
    return UNKNOWN if rhythm is None else max(SHORTEST, 2 * timedelta(days=rhythm))


def rhythm(listings: Iterable[Listing]) -> int | None:
    """The longest pause, in days, between the last days these listings are of; None if they tell too little."""
    dated = sorted({day for one in listings if (day := one.published or one.listed)})[-SAMPLE:]
    gaps = [(after - before).days for before, after in pairwise(dated)]
    return min(max(gaps), SLOWEST) if len(gaps) >= 3 else None


def carried(listings: Sequence[Listing], before: str = "") -> str:
    """The fields every one of these listings carries, for `missing` to compare with next time: "abstract,authors".

    What got lost is kept in mind until it comes back.
    """
    if len(listings) < ENOUGH:
        return before
    lost = missing(before, listings)
    return ",".join(name for name in WATCHED if name in lost or all(_has(listing, name) for listing in listings))


def missing(before: str, listings: Sequence[Listing]) -> tuple[str, ...]:
    """Fields that were always there (`before`, from `carried`) and that no listing carries now: the format drifted."""
    if len(listings) < ENOUGH or not before:
        return ()
    return tuple(name for name in before.split(",") if not any(_has(listing, name) for listing in listings))


def welcome(target: datetime, skip_days: frozenset[int], skip_hours: frozenset[int]) -> datetime:
    """The first moment from `target` on that is not among the days and hours (UTC) a source asks us to skip; within a
    week, for a source cannot ask for ever."""
    for hours in range(24 * 7):
        moment = target + timedelta(hours=hours)
        if moment.weekday() not in skip_days and moment.hour not in skip_hours:
            return moment if hours == 0 else moment.replace(minute=0, second=0, microsecond=0)
    return target


def repeated_batch(listings: Iterable[Listing], known: Mapping[str, date]) -> date | None:
    """The day whose batch of announcements this is, if everything it announces as new was announced on an earlier day
    than it states; None for a batch of its own day. arXiv's feeds are known to serve yesterday's batch under today's
    date. `known`: key -> the day the source listed it."""
    announced = [listing for listing in listings if listing.announce_type == "new" and listing.listed and listing.keys]
    days = {day for listing in announced if (day := known.get(listing.key)) and listing.listed and day < listing.listed}
    told = [known.get(listing.key) in days for listing in announced]
    return max(days) if days and all(told) else None


def _has(listing: Listing, name: str) -> bool:
    return getattr(listing, name) not in (None, "", ())


assert set(WATCHED) <= {field.name for field in fields(Listing)}
