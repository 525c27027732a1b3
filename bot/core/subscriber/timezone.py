"""Time zones by name, and what to write instead of a name that is none. Pure."""

import re
from difflib import get_close_matches
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from bot.core.subscriber.validation import as_in_file
from bot.core.text.translatable import Translatable

_NO_PLACE = ("localtime", "posixrules", "Factory")  # files of the zone database that name no zone
_OFFSET = re.compile(r"(?:UTC|GMT|Z)?\s*([+\-−])\s*([0-9]{1,2})(?::?([0-9]{2}))?", re.IGNORECASE)
# What people call their clock by, and a city that keeps it. Several places share most of these letters: a guess to be
# looked at, never taken by itself.
_ABBREVIATIONS = {
    **dict.fromkeys(("EST", "EDT", "ET"), "America/New_York"),
    **dict.fromkeys(("CST", "CDT", "CT"), "America/Chicago"),
    **dict.fromkeys(("MST", "MDT", "MT"), "America/Denver"),
    **dict.fromkeys(("PST", "PDT", "PT"), "America/Los_Angeles"),
    **dict.fromkeys(("AKST", "AKDT"), "America/Anchorage"),
    **dict.fromkeys(("AST", "ADT"), "America/Halifax"),
    "BST": "Europe/London",
    "WEST": "Europe/Lisbon",
    **dict.fromkeys(("CEST", "MEZ", "MESZ"), "Europe/Berlin"),
    "EEST": "Europe/Athens",
    "MSK": "Europe/Moscow",
    "IST": "Asia/Kolkata",
    "SGT": "Asia/Singapore",
    "HKT": "Asia/Hong_Kong",
    "JST": "Asia/Tokyo",
    "KST": "Asia/Seoul",
    **dict.fromkeys(("AEST", "AEDT"), "Australia/Sydney"),
    **dict.fromkeys(("NZST", "NZDT"), "Pacific/Auckland"),
    "BRT": "America/Sao_Paulo",
    "SAST": "Africa/Johannesburg",
}


@lru_cache(maxsize=1024)
def timezone_named(name: str) -> str:
    """The name of a time zone, if it is one. Raises ValueError with what to write."""
    try:
        if name not in _NO_PLACE and not name.startswith(("posix/", "right/")):
            ZoneInfo(name)
            return name
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        pass
    raise ValueError(_not_a_zone(name))


def timezone_doubt(name: str) -> str:
    """Why a time zone that there is may not be the one that was meant; "" where nothing speaks for that."""
    if name in ("EST", "MST"):
        return f'"{name}" has no summer time: for a clock that has one write "{_ABBREVIATIONS[name]}"'
    if name.startswith("Etc/GMT") and name[7:8] in ("+", "-") and name[8:] != "0":
        return (
            f'"{name}" is UTC{"-" if name[7] == "+" else "+"}{name[8:]}, for its sign is turned round: is that meant?'
        )
    return ""


def _not_a_zone(name: str) -> Translatable:
    given = as_in_file(name)
    found = _OFFSET.fullmatch(name.strip())
    if found:
        sign, hours, minutes = found[1], int(found[2]), int(found[3] or 0)
        if minutes == 0 and 1 <= hours <= (14 if sign == "+" else 12):
            zone = f"Etc/GMT{'-' if sign == '+' else '+'}{hours}"
            return Translatable(
                '{given} is no time zone: write the city as in "Europe/London", or "UTC"; a clock that never changes '
                'would be "{zone}", with the sign turned round',
                given=given,
                zone=zone,
            )
    elif near := _ABBREVIATIONS.get(name.strip().upper()):
        return Translatable(
            '{given} is no time zone; did you mean "{zone}"? Else write the city as in "Europe/London", or "UTC"',
            given=given,
            zone=near,
        )
    elif name not in _NO_PLACE and (near := _near(name)):
        return Translatable('{given} is no time zone; did you mean "{zone}"?', given=given, zone=near)
    return Translatable('{given} is no time zone: write the city as in "Europe/London", or "UTC"', given=given)


def _near(name: str) -> str:
    zones, cities = _places()
    wanted = name.strip().casefold().replace(" ", "_")
    if wanted in zones:
        return zones[wanted]
    if (city := wanted.rpartition("/")[2]) in cities:
        return cities[city]
    if re.fullmatch("[A-Z]{2,5}", name.strip()):
        return ""  # an abbreviation resembles only words it has nothing to do with
    close = get_close_matches(wanted, [*zones, *cities], n=1, cutoff=0.6)
    return (zones.get(close[0]) or cities[close[0]]) if close else ""


@cache
def _places() -> tuple[dict[str, str], dict[str, str]]:
    """Zones and the cities in their names, folded. Without Etc/: the signs of its offsets are turned round."""
    names = sorted(name for name in available_timezones() if "/" in name or name == "UTC")
    zones = {name.casefold(): name for name in names if not name.startswith("Etc/")}
    cities = {zone.rpartition("/")[2]: name for zone, name in zones.items() if not zone.startswith("us/")}
    return zones, cities
