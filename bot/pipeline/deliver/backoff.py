"""When to try again, and how slowly to go on. Pure: jitter comes from the message's number, not from chance."""

from datetime import datetime, timedelta

FIRST = timedelta(minutes=1)
LONGEST = timedelta(hours=1)
PAUSE = timedelta(minutes=2)  # of a relay that fails; doubled each time it fails again
OUR_FAULT_PAUSE = timedelta(minutes=15)  # where we are refused for what we are
LONGEST_PAUSE = timedelta(hours=2)
SLOW, SLOWEST = 1.0, 60.0  # seconds between messages for somebody who says that we are too fast
FURTHEST = timedelta(hours=3)  # nothing here puts anything off for longer


def next_attempt(now: datetime, attempts: int, number: int) -> datetime:
    """After `attempts` tries: doubling from a minute to an hour, spread by a quarter so that messages put off together
    do not come back together."""
    pause: timedelta = min(FIRST * 2 ** max(0, min(attempts - 1, 10)), LONGEST)
    return spread(now + pause, pause / 4, number)


def spread(moment: datetime, over: timedelta, number: int) -> datetime:
    """A moment up to `over` later, always the same one for the same number."""
    return moment + over * ((number * 2654435761 % 1000) / 1000)


def hold_time(first: timedelta, trips: int) -> timedelta:
    """How long to leave a relay or a domain alone that has been left alone `trips` times in a row already."""
    longest: timedelta = min(first * 2 ** min(trips, 10), LONGEST_PAUSE)
    return longest


def slower(gap: float) -> float:
    """Seconds between messages after a complaint about our speed."""
    return min(max(SLOW, gap * 2), SLOWEST)


def faster(gap: float) -> float:
    """Seconds between messages after one that was accepted: a tenth less, until it hardly matters."""
    return gap * 0.9 if gap > SLOW / 10 else 0.0
