"""When a subscriber's digest is due: "weekdays 07:30" and a time zone to slots, one for each local date that has one.
Pure.

What a slot is filled with, and which slots have been used, does not belong here (see `bot.pipeline.compose`).
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from bot.core.text.translatable import Translatable

Cadence = Literal["daily", "weekdays", "weekly", "monthly", "feed", "off"]

DAY = timedelta(days=1)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# How far a first edition looks back. A Monday's "weekdays" edition covers the weekend; a month is never longer than 31.
PERIODS: dict[Cadence, timedelta] = {
    "daily": DAY,
    "weekdays": 3 * DAY,
    "weekly": 7 * DAY,
    "monthly": 31 * DAY,
    "feed": DAY,
    "off": DAY,
}
FORMS = ("daily 07:30", "weekdays 07:30", "weekly mon 08:00", "monthly 1 08:00")
_zone = lru_cache(maxsize=1024)(ZoneInfo)


class DueSlot(NamedTuple):
    """One digest's place in time."""

    name: str  # the local date, "2026-11-21": unique for a subscriber
    due: datetime  # UTC


@dataclass(frozen=True, slots=True)
class Schedule:
    """On which local dates a digest is due, and at what local time. `str` gives the canonical text.

    - A day the month lacks is its last day: "monthly 31" is 28 February.
    - A time the night lacks is later by what the night lacks: where 02:00 becomes 03:00, "02:30" is 03:30.
    - A time the night has twice is its first occurrence.
    - A date a zone never had (Apia, 2011-12-30) has no slot.
    """

    cadence: Cadence
    at: time = time()
    day: int = 0  # weekly: 0 = Monday; monthly: 1 to 31

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """The schedule a text stands for. Raises ValueError with one sentence that says what to write."""
        return _parsed(text)

    def __str__(self) -> str:
        if self.cadence in ("off", "feed"):
            return self.cadence
        day = {"weekly": f" {DAYS[self.day % 7]}", "monthly": f" {self.day}"}.get(self.cadence, "")
        return f"{self.cadence}{day} {self.at:%H:%M}"

    @property
    def period(self) -> timedelta:
        """How far a first edition looks back; nothing for "off"."""
        return PERIODS[self.cadence]

    def in_words(self, timezone: str) -> str:
        """For the subscriber: "on weekdays at 07:30 (Europe/London)"."""
        last = ", or its last," if self.day > 28 else ""
        when = {
            "daily": "every day",
            "weekdays": "on weekdays",
            "weekly": f"every {DAY_NAMES[self.day % 7]}",
            "monthly": f"on day {self.day} of every month{last}",
        }.get(self.cadence)
        if self.cadence == "feed":
            return "in a feed, no mail"
        return f"{when} at {self.at:%H:%M} ({timezone})" if when else "alerts only, no digest"

    def next_after(self, moment: datetime, timezone: str) -> DueSlot | None:
        """The first slot due after a moment (aware); None for "off" and at the end of the calendar."""
        if self.cadence == "off":
            return None
        zone = _zone(timezone)
        try:
            day = self._on_or_after(
                moment.astimezone(zone).date() - DAY
            )  # a gap may have moved a slot into the next day
            while True:
                due = self._due(day, zone)
                if due is not None and due > moment:
                    return DueSlot(day.isoformat(), due)
                day = self._on_or_after(day + DAY)
        except OverflowError:
            return None

    def latest_at_or_before(self, moment: datetime, timezone: str) -> DueSlot | None:
        """The last slot due at or before a moment (aware); None for "off" and at the calendar's beginning."""
        if self.cadence == "off":
            return None
        zone = _zone(timezone)
        try:
            # Midnight may come twice in a night.
            day = self._on_or_before(moment.astimezone(zone).date() + DAY)
            while True:
                due = self._due(day, zone)
                if due is not None and due <= moment:
                    return DueSlot(day.isoformat(), due)
                day = self._on_or_before(day - DAY)
        except OverflowError:
            return None

    def _due(self, day: date, zone: ZoneInfo) -> datetime | None:
        """The instant of a local date's slot; None for a date the zone skipped."""
        # fold=0 is the first of two, and in a gap the offset before it: what PEP 495 makes of a missing time is later
        # by the length of the gap.
        due = datetime.combine(day, self.at, zone).astimezone(UTC)
        if due.astimezone(zone).date() != day and not _exists(day, zone):
            return None
        return due

    def _on_or_after(self, day: date) -> date:
        if self.cadence == "weekdays" and day.weekday() > 4:
            return day + (7 - day.weekday()) * DAY
        if self.cadence == "weekly":
            return day + (self.day - day.weekday()) % 7 * DAY
        if self.cadence == "monthly":
            this = self._in_month(day)
            return this if this >= day else self._in_month(day.replace(day=28) + 4 * DAY)
        return day

    def _on_or_before(self, day: date) -> date:
        if self.cadence == "weekdays" and day.weekday() > 4:
            return day - (day.weekday() - 4) * DAY
        if self.cadence == "weekly":
            return day - (day.weekday() - self.day) % 7 * DAY
        if self.cadence == "monthly":
            this = self._in_month(day)
            return this if this <= day else self._in_month(day.replace(day=1) - DAY)
        return day

    def _in_month(self, day: date) -> date:
        return day.replace(day=min(self.day, monthrange(day.year, day.month)[1]))


def _exists(day: date, zone: ZoneInfo) -> bool:
    """Whether a zone ever had this local date: its first or its last second falls on it."""
    return any(
        datetime.combine(day, at, zone).astimezone(UTC).astimezone(zone).date() == day
        for at in (time(), time(23, 59, 59))
    )


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Schedule:
    match text.lower().split():
        case [("off" | "feed") as cadence]:
            return Schedule(cadence)
        case ["daily", clock]:
            return Schedule("daily", _time(clock))
        case ["weekdays", clock]:
            return Schedule("weekdays", _time(clock))
        case ["weekly", day, clock]:
            return Schedule("weekly", _time(clock), _weekday(day))
        case ["monthly", day, clock]:
            if not re.fullmatch("[0-9]{1,2}", day) or not 1 <= int(day) <= 31:
                raise ValueError(Translatable("{given!r} is not a day of the month: give 1 to 31", given=day[:20]))
            return Schedule("monthly", _time(clock), int(day))
        case [("daily" | "weekdays" | "weekly" | "monthly") as cadence, *_]:
            form = next(form for form in FORMS if form.startswith(cadence))
            raise ValueError(
                Translatable('{given!r} is not a schedule: write it like "{form}"', given=text[:40], form=form)
            )
    forms = ", ".join(f'"{form}"' for form in FORMS)
    raise ValueError(
        Translatable('{given!r} is not a schedule: write {forms}, "feed" or "off"', given=text[:40], forms=forms)
    )


def _weekday(word: str) -> int:
    number = DAYS.index(word[:3]) if word[:3] in DAYS else -1
    if number < 0 or not DAY_NAMES[number].lower().startswith(word):
        raise ValueError(
            Translatable("{given!r} is not a day of the week: use {days}", given=word[:20], days=", ".join(DAYS))
        )
    return number


def _time(text: str) -> time:
    found = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", text)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise ValueError(Translatable("{given!r} is not a time of day: write it like 07:30", given=text[:20]))
    return time(int(found[1]), int(found[2]))
