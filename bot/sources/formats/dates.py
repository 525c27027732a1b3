"""Dates as feeds write them, in the order, the words and the language of whoever wrote the program that made the feed.

Only what a text states is taken: a day of which the year, the month or the day is missing or unclear is none."""

import re
import unicodedata
from datetime import UTC, date, datetime
from functools import cache

MAX_DATE = 100  # characters looked at
YEARS = range(1600, 2201)  # others are of another calendar, or no years
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ISO = re.compile(r"(?<!\d)(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d)")
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:[T ]?(?:\d{4}|\d{6})(?:Z|[+-]\d\d:?\d\d)?)?$")
_ORDINAL = re.compile(r"(\d{4})-(\d{3})(?:T.*)?$", re.DOTALL)
_EAST_ASIAN = re.compile(r"(\d{4}) ?[年년] ?(\d{1,2}) ?[月월] ?(\d{1,2}) ?[日일]")
_EPOCH = re.compile(r"(\d{9,10})(\d{3})?(?:\.\d+)?$")
_YEAR_LAST = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?!\d)")
_WORD = r"([^\W\d_]{3,12})\.?"
_ENDING = r"(?:st|nd|rd|th|er|\.|º|ª)?"
_DAY_MONTH_YEAR = re.compile(
    rf"(?<!\d)(\d{{1,2}}){_ENDING}[\s-]+(?:de |of |di )?{_WORD}[\s,-]+(?:de |del )?'?(\d{{4}}|\d\d)(?![\d:])",
    re.IGNORECASE,
)
_MONTH_DAY_YEAR = re.compile(
    rf"{_WORD}[\s-]+(\d{{1,2}}){_ENDING},?[\s-]+(?:\d\d?:\d\d(?::\d\d)?\s+(?:[A-Z]{{1,5}}\s+)?)?(\d{{4}})(?!\d)",
    re.IGNORECASE,
)
_YEAR_MONTH_DAY = re.compile(rf"(\d{{4}})[\s-]+{_WORD}[\s-]+(\d{{1,2}})(?!\d)", re.IGNORECASE)
_ENGLISH = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_LANGUAGES = "de fr es pt it nl sv da nb fi pl cs hu ro tr id ru uk el".split()


def stated_day(text: str) -> date | None:
    """The day a date states, in its own time zone; None if it states none, or none that can be read with certainty.

    ISO 8601, RFC 822 and 2822 (years of two digits as there: 50 to 99 are of the last century), asctime, seconds or
    milliseconds since 1970 (their day in UTC), names of months in some twenty languages, Chinese, Japanese and Korean.
    "10/08/2014" is one day in Boston and another in Paris: only "25/12/2014" is read, and "8.10.2014", which has the
    day first wherever it is written.
    """
    text = " ".join(text[:MAX_DATE].split())
    if not any(char.isdigit() for char in text):
        return None
    if found := _ISO.search(text) or _COMPACT.match(text) or _EAST_ASIAN.search(text):
        parts = found.groups()
        return read_day(parts[0], parts[-2], parts[-1])
    if found := _ORDINAL.match(text):
        try:
            return datetime.strptime(f"{found[1]}-{found[2]}", "%Y-%j").date()  # noqa: DTZ007
        except ValueError:
            return None
    if found := _EPOCH.match(text):
        return datetime.fromtimestamp(int(found[1]), UTC).date()
    if found := _YEAR_LAST.match(text):
        first, dot, second, year = int(found[1]), found[2] == ".", int(found[3]), found[4]
        if dot or first > 12:
            return read_day(year, second, first)
        return read_day(year, first, second) if second > 12 or first == second else None
    for pattern, year_at, month_at, day_at in (
        (_DAY_MONTH_YEAR, 3, 2, 1),
        (_MONTH_DAY_YEAR, 3, 1, 2),
        (_YEAR_MONTH_DAY, 1, 2, 3),
    ):
        for found in pattern.finditer(text):
            if number := month(found[month_at]):
                return read_day(_century(found[year_at]), number, found[day_at])
    return None


def read_day(year: str | int, month: str | int, day: str | int) -> date | None:
    """The day of these numbers, None if there is no such day or the year is none of this calendar's."""
    try:
        return date(int(year), int(month), int(day)) if int(year) in YEARS else None
    except (ValueError, OverflowError):
        return None


def month(name: str) -> int:
    """The number of a month by its name or what is common as its abbreviation; 0 for other words."""
    word = name.lower()
    for number, whole in enumerate(_ENGLISH, 1):
        if word == whole or word == whole[:3] or word == whole[:4]:
            return number
    names = _names()
    return names.get(word) or names.get(_folded(word), 0)


def _century(year: str) -> int:
    number = int(year)
    return number if len(year) == 4 else number + (1900 if number >= 50 else 2000)  # RFC 2822, 4.3


@cache
def _names() -> dict[str, int]:
    """The months' names in other languages, folded. A name of two months, depending on the language, is none."""
    from babel.dates import get_month_names  # here: most feeds write English, and it takes its time

    names: dict[str, int] = {}
    for language in _LANGUAGES:
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                for number, name in get_month_names(width, context, language).items():
                    plain = name.casefold().rstrip(".")
                    for word in {plain, plain[:3], _folded(plain), _folded(plain)[:3]}:  # "mär" is not "mar"
                        if len(word) >= 3:
                            names[word] = number if names.get(word, number) == number else 0
    return names


def _folded(word: str) -> str:
    """Without case and accents: "Févr" is "fevr"."""
    return "".join(char for char in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(char))
