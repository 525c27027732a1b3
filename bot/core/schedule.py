"""When a reader's digest is due: from "weekdays 07:30" to slots. Pure: no clock, `moment` is an argument.

A slot is a *local date*. So a clock that is set forward or back gives exactly one digest, and a date that a zone skips
altogether gives none.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

Cadence = Literal["daily", "weekdays", "weekly", "monthly", "off"]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PERIODS: dict[Cadence, timedelta] = {
    "daily": timedelta(days=1),
    "weekdays": timedelta(days=3),  # Monday's looks back over the weekend
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=31),
    "off": timedelta(days=1),
}
EXAMPLES = '"daily 07:30", "weekdays 07:30", "weekly mon 08:00", "monthly 1 08:00" or "off"'
FURTHEST = 70  # days to look for a slot: two months, the longest wait there is, and a little more


class Slot(NamedTuple):
    """One due digest: named by its local date, due at a moment (UTC)."""

    name: str
    due: datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """When digests go out. `day` is the weekday (0 = Monday) of "weekly", the day of the month of "monthly"."""

    cadence: Cadence
    at: time = time(0)
    day: int = 0

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """Raises ValueError with a sentence that says what would work."""
        words = text.strip().lower().split()
        if words == ["off"]:
            return cls("off")
        match words:
            case ["daily", clock]:
                return cls("daily", _time(clock))
            case ["weekdays", clock]:
                return cls("weekdays", _time(clock))
            case ["weekly", day, clock]:
                if day[:3] not in DAYS or not DAY_NAMES[DAYS.index(day[:3])].lower().startswith(day):
                    raise ValueError(f"{day!r} is not a weekday: use {', '.join(DAYS)}")
                return cls("weekly", _time(clock), DAYS.index(day[:3]))
            case ["monthly", day, clock]:
                if not day.isascii() or not day.isdigit() or not 1 <= int(day) <= 31:
                    raise ValueError(f"{day!r} is not a day of the month: use 1 to 31")
                return cls("monthly", _time(clock), int(day))
        raise ValueError(f"{text!r} is not a schedule: use {EXAMPLES}")

    def __str__(self) -> str:
        clock = f"{self.at:%H:%M}"
        match self.cadence:
            case "off":
                return "off"
            case "weekly":
                return f"weekly {DAYS[self.day]} {clock}"
            case "monthly":
                return f"monthly {self.day} {clock}"
        return f"{self.cadence} {clock}"

    @property
    def period(self) -> timedelta:
        """How far a first edition looks back."""
        return PERIODS[self.cadence]

    def in_words(self, timezone: str) -> str:
        """For the reader: "on weekdays at 07:30 (Europe/London)"."""
        clock = f"at {self.at:%H:%M} ({timezone})"
        match self.cadence:
            case "daily":
                return f"every day {clock}"
            case "weekdays":
                return f"on weekdays {clock}"
            case "weekly":
                return f"every {DAY_NAMES[self.day]} {clock}"
            case "monthly":
                return f"on day {self.day} of every month {clock}"
        return "never"

    def next_after(self, moment: datetime, timezone: str) -> Slot | None:
        """The first slot due after a moment; None when the schedule is off."""
        return self._search(moment, timezone, 1)

    def latest_at_or_before(self, moment: datetime, timezone: str) -> Slot | None:
        """The last slot due by a moment; None when the schedule is off."""
        return self._search(moment, timezone, -1)

    def _search(self, moment: datetime, timezone: str, step: int) -> Slot | None:
        if self.cadence == "off":
            return None
        # A slot moved over midnight by a gap is due on the next local date: begin a day early.
        day = moment.astimezone(_zone(timezone)).date() - timedelta(days=step)
        for _ in range(FURTHEST):
            if self._falls_on(day):
                due = _instant(day, self.at, timezone)
                if due is not None and ((due > moment) if step > 0 else (due <= moment)):
                    return Slot(day.isoformat(), due)
            day += timedelta(days=step)
        return None

    def _falls_on(self, day: date) -> bool:
        match self.cadence:
            case "weekdays":
                return day.weekday() < 5
            case "weekly":
                return day.weekday() == self.day
            case "monthly":
                if day.day == self.day:
                    return True
                return day.day < self.day and (day + timedelta(days=1)).month != day.month  # the month's last day
        return True


def _time(text: str) -> time:
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", text, re.ASCII)
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise ValueError(f"{text!r} is not a time of day: write it like 07:30")
    return time(int(match[1]), int(match[2]))


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=65_536)
def _instant(day: date, at: time, timezone: str) -> datetime | None:
    """The moment (UTC) a wall clock in a zone shows this time on this date. Shown twice, the first counts. Not shown
    because the clock is set forward over it, it is as much later as the clock was set (02:30 is 03:30), by the rule of
    PEP 495 for times in a gap. None for a date the zone skips as a whole."""
    zone = _zone(timezone)
    instant = datetime.combine(day, at, zone).astimezone(UTC)
    return instant if instant.astimezone(zone).date() == day else None
