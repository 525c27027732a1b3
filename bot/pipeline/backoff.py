"""When to try again. Pure: jitter comes from the message's number, not from chance."""

from datetime import datetime, timedelta

FIRST = timedelta(minutes=1)
LONGEST = timedelta(hours=1)


def next_attempt(now: datetime, attempts: int, number: int) -> datetime:
    """After `attempts` tries: doubling from a minute to an hour, spread by a quarter so that messages put off together
    do not come back together."""
    pause: timedelta = min(FIRST * 2 ** min(attempts - 1, 10), LONGEST)
    return now + pause + pause / 4 * ((number * 2654435761 % 1000) / 1000)
