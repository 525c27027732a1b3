"""Lengths of time as people write them: "7d", "1h30m". Pure."""

import re
from datetime import timedelta

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_DURATION = re.compile(r"(?:[0-9]{1,6}[wdhms])+")


def duration(text: str) -> timedelta:
    """ "7d", "1h", "30m", "1h30m", "2w" as a length of time. Raises ValueError with what to write."""
    compact = "".join(text.lower().split())
    if not _DURATION.fullmatch(compact):
        raise ValueError(f'{text[:40]!r} is no length of time: write "30m", "1h" or "7d"')
    parts = re.findall(r"([0-9]{1,6})([wdhms])", compact)
    return sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta(0))


def in_short(length: timedelta) -> str:
    """A length of time in the longest unit that measures it: "7d"."""
    seconds = int(length.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
