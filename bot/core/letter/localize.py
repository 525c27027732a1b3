"""Dates, numbers, lists and states of sources in the subscriber's language, by Babel. Pure.

Whole sentences belong to the templates; only what Python has to decide is worded here.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property, lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO, StringIO

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date, format_skeleton, format_time
from babel.lists import format_list
from babel.numbers import format_decimal

from bot.core.source.health import SourceNote
from bot.core.subscriber.schedule import Schedule

LAST_EVERYWHERE = 28  # the last day that every month has
_CHANGE = re.compile(r"v\d+$|now published (?:in|as) ")  # of a paper, beside the fixed ones
_WORLD_ENGLISH = "en_GB"  # day before month, hours to 24: understood everywhere


def tags(locale: Locale) -> list[str]:
    """The tags a catalogue may have for a locale, the closest first: "zh-Hans-CN", "zh-Hans", "zh". A language without
    a script is in its likeliest: "zh" is "zh-Hans"."""
    parts = [part for part in (locale.language, locale.script, locale.territory) if part]
    found = ["-".join(parts[:count]) for count in range(len(parts), 0, -1)]
    if locale.script is None:
        likely = get_global("likely_subtags").get(locale.language, "").split("_")[:2]
        found.append("-".join(likely))
    return found


def translations(text: str) -> NullTranslations:
    """A catalogue from the text of a .po file, with the plural rule its header names. Raises ValueError."""
    # Imported here: a program that writes English alone does not pay for it.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import PoFileError, read_po

    try:
        catalogue = read_po(StringIO(text), abort_invalid=True)
        compiled = BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        return GNUTranslations(compiled)
    except (PoFileError, ValueError, TypeError, KeyError, IndexError) as error:
        raise ValueError(" ".join(str(error).split())) from error


class Words:
    """One language: its catalogue, and how it writes dates, numbers and lists.

    `catalogue_of` gives the text of a catalogue (a .po file) for a tag like "de" or "zh-Hans", or None. What has no
    catalogue is worded in English, with dates and numbers in the language itself. An unknown language is English.
    """

    def __init__(self, language: str = "en", catalogue_of: Callable[[str], str | None] = lambda _: None) -> None:
        try:
            locale = Locale.parse(language.replace("-", "_"))
        except (ValueError, UnknownLocaleError, TypeError):
            language, locale = "en", Locale.parse("en")
        self.language = language.replace("_", "-")
        self._locale = _WORLD_ENGLISH if str(locale) == "en" else str(locale)
        text = next((text for tag in tags(locale) if (text := catalogue_of(tag)) is not None), None)
        catalogue = translations(text) if text is not None else NullTranslations()
        self.gettext = catalogue.gettext
        self.ngettext = catalogue.ngettext

    @cached_property
    def direction(self) -> str:
        """ "ltr" or "rtl", for `dir`."""
        return "rtl" if Locale.parse(self._locale).character_order == "right-to-left" else "ltr"

    def medium_date(self, day: date) -> str:
        """ "21 Nov 2026" """
        return _date(self._locale, day, "medium")

    def full_date(self, day: date) -> str:
        """ "Saturday 21 November 2026" """
        return _date(self._locale, day, "full")

    def short_date(self, day: date) -> str:
        """ "21 Nov" """
        return _skeleton(self._locale, day, "MMMd")

    def day(self, day: date) -> str:
        """ "Sat 21 Nov" """
        return _skeleton(self._locale, day, "MMMEd")

    def month(self, day: date) -> str:
        """ "November 2026" """
        return _skeleton(self._locale, day, "yMMMM")

    def weekday(self, day: date) -> str:
        """ "Saturday" """
        return _date(self._locale, day, "EEEE")

    def time(self, moment: datetime) -> str:
        """ "07:30", of a local time"""
        return _time(self._locale, moment.time())

    def number(self, number: float) -> str:
        """ "1,234" """
        return _number(self._locale, number)

    def schedule(self, text: str, timezone: str) -> str:
        """A schedule as it is configured, in words: "on weekdays at 07:30 (Europe/London)". What is none stays."""
        _ = self.gettext
        try:
            schedule = Schedule.parse(text)
        except ValueError:
            return text
        sentence = {
            "daily": _("every day at {time} ({zone})"),
            "weekdays": _("on weekdays at {time} ({zone})"),
            "weekly": _("every {weekday} at {time} ({zone})"),
            "monthly": _("on day {day} of every month at {time} ({zone})"),
        }.get(schedule.cadence, "")
        if schedule.cadence == "monthly" and schedule.day > LAST_EVERYWHERE:
            sentence = _("on day {day} of every month, or its last, at {time} ({zone})")
        monday = date(2024, 1, 1)
        return sentence.format(
            time=_time(self._locale, schedule.at),
            zone=timezone,
            weekday=self.weekday(monday + timedelta(days=schedule.day % 7)),
            day=self.number(schedule.day),
        )

    def listed(self, items: Iterable[str], style: str = "standard") -> str:
        """ "a, b and c"; style "or": "a, b or c" """
        return format_list(list(items), style="or" if style == "or" else "standard", locale=self._locale)

    def rise(self, votes: int, over: timedelta | None) -> str:
        """ "+34 today" """
        _, gain = self.gettext, f"+{self.number(votes)}"
        days = round(over / timedelta(days=1)) if over else 1
        if days <= 1:
            return _("{gain} today").format(gain=gain)
        if days == 7:
            return _("{gain} this week").format(gain=gain)
        if 28 <= days <= 31:
            return _("{gain} this month").format(gain=gain)
        return self.ngettext("{gain} in {days} day", "{gain} in {days} days", days).format(gain=gain, days=days)

    def places(self, fields: Iterable[str]) -> str:
        """Where quoted words stand: "in the title". "" for fields that speak for themselves."""
        _ = self.gettext
        names = {
            "title": _("in the title"),
            "abstract": _("in the abstract"),
            "author": _("among the authors"),
            "category": _("as category"),
            "org": _("as organisation"),
            "source": _("as source"),
        }
        known = tuple(field for field in fields if field in names)
        if set(known) == {"title", "abstract"}:
            return _("in title and abstract")
        return self.listed(names[field] for field in known) if known else ""

    def changes(self, text: str) -> str:
        """What changed of a paper (`merge.changes`, joined by commas), in words: "v2, new title"."""
        _ = self.gettext
        known = {
            "withdrawn": _("withdrawn"),
            "no longer withdrawn": _("no longer withdrawn"),
            "title": _("new title"),
            "abstract": _("new abstract"),
        }
        found: list[str] = []
        for part in filter(None, text.split(", ")):
            if found and part not in known and not _CHANGE.match(part):
                found[-1] += f", {part}"  # of a journal's name
            else:
                found.append(part)
        shown = []
        for change in found:
            if change.startswith("now published in "):
                shown.append(_("now published in {place}").format(place=change.removeprefix("now published in ")))
            elif change.startswith("now published as "):
                shown.append(_("now published as {name}").format(name=change.removeprefix("now published as ")))
            else:
                shown.append(known.get(change, change))
        return ", ".join(shown)

    def state(self, note: SourceNote, zone: tzinfo = UTC) -> str:
        """The state of one source as a phrase: "failing since Tue 17 Nov: connection refused"."""
        _ = self.gettext
        since = self.day(note.since.astimezone(zone).date()) if note.since else ""
        if note.state == "fresh":
            words = _("fresh")
        elif note.state == "waiting":
            words = (
                _("waiting until {time}").format(time=self.time(note.next_try.astimezone(zone)))
                if note.next_try
                else _("waiting")
            )
        elif note.state == "quiet":
            words = _("quiet")
        elif note.state == "stale":
            words = _("stale since {day}").format(day=since) if since else _("stale")
        else:
            words = _("failing since {day}").format(day=since) if since else _("failing")
        reason = _as_clause(note.reason)
        if not reason or note.state == "fresh":
            return words
        return f"{words} ({reason})" if note.state in ("quiet", "waiting") else f"{words}: {reason}"


def _as_clause(reason: str) -> str:
    """A reason inside a sentence of ours: without its own full stop, and without the question it may end with, which
    is for the operator ("connection refused: is the server running, and the port right?")."""
    said, _, asked = reason.rpartition(": ")
    return (said if said and asked.endswith("?") else reason).rstrip(" .:;!。！")


@lru_cache(maxsize=4_096)
def _date(locale: str, day: date, pattern: str) -> str:
    return format_date(day, pattern, locale=locale)


@lru_cache(maxsize=4_096)
def _skeleton(locale: str, day: date, skeleton: str) -> str:
    return format_skeleton(skeleton, day, locale=locale)


@lru_cache(maxsize=4_096)
def _time(locale: str, moment: time) -> str:
    return format_time(moment, "short", locale=locale)


@lru_cache(maxsize=8_192)
def _number(locale: str, number: float) -> str:
    return format_decimal(number, locale=locale)
