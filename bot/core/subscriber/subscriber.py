"""A subscriber and their profiles, from the plain table that stands in config.toml and, the same, in the database.
Pure.

Which subscribers there are belongs to `bot.config` and `bot.store`; what a subscriber gets, to `bot.pipeline`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Literal, cast, get_args
from zoneinfo import ZoneInfo, available_timezones

from bot.core.query import Query, QueryError, profile_errors, profile_query
from bot.core.subscriber.address import address
from bot.core.subscriber.schedule import DAYS, Schedule
from bot.core.subscriber.table import Path, Problem, Table, TableError, duration, shown

Abstract = Literal["short", "full", "none"]

MOST_PAPERS = 200
MOST_TRENDING = 100
MOST_PROFILES = 100
NO_TIME = timedelta(0)
DAILY = Schedule.parse("daily 07:30")

_SUBSCRIBER_HINTS = {
    **dict.fromkeys(("schedule", "cadence", "when"), 'the schedule is called "digest"'),
    **dict.fromkeys(("tz", "time_zone", "zone"), 'the time zone is called "timezone"'),
    **dict.fromkeys(("address", "mail", "to"), 'the address is called "email"'),
    **dict.fromkeys(("keywords", "query", "exclude", "alert"), "it belongs into [[subscribers.profiles]] below"),
    "profile": "write [[subscribers.profiles]]",
}
# For `stored_subscriber`: the keys whose values are taken as they stand, and those that are spans of time.
_PLAIN = ("email", "name", "timezone", "max_papers", "trending", "abstract", "revisions", "alert_limit")
_SPANS = ("heartbeat", "alert_every")
_PROFILE_HINTS = {
    **dict.fromkeys(("timezone", "digest", "max_papers", "trending", "email"), "it belongs above the profiles"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A standing query."""

    name: str
    query: Query
    alert: bool = False  # also mailed at once, not only in the digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A subscriber as configured. `table` is what they were made from: `subscriber_from(table)` makes an equal one."""

    email: str
    name: str = ""
    timezone: str = "UTC"
    schedule: Schedule = DAILY
    max_papers: int = 20
    trending: int = 5
    abstract: Abstract = "short"
    revisions: bool = False  # also tell what became of papers told before
    heartbeat: timedelta | None = None  # after so long without news, a mail that says so
    alert_every: timedelta = timedelta(minutes=15)  # between two alerts; what comes within is in the second
    alert_limit: int = 10  # alerts a local day; the rest is in the digest
    quiet_days: frozenset[int] = frozenset()  # weekdays (0 = Monday) without any mail; what is missed comes after
    profiles: tuple[Profile, ...] = ()
    table: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


def subscriber_from(table: Mapping[str, Any]) -> Subscriber:
    """A subscriber from their table. Raises TableError with every problem."""
    problems: list[Problem] = []
    subscriber = read_subscriber(table, (), problems)
    if subscriber is None or problems:
        email = table.get("email") if isinstance(table, Mapping) else None
        who = shown(email) if isinstance(email, str) else "this subscriber"
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise TableError(f"{count} with {who}", problems, table)
    return subscriber


def stored_subscriber(table: Mapping[str, Any]) -> Subscriber:
    """The same as `subscriber_from` for a table that was checked when it was stored: many times faster, because it
    trusts. Raises QueryError or ValueError where a later version understands a stored text no more."""
    values: dict[str, Any] = {name: table[name] for name in _PLAIN if name in table}
    values |= {name: duration(table[name]) for name in _SPANS if table.get(name, "off") != "off"}
    if "quiet_days" in table:
        values["quiet_days"] = frozenset(DAYS.index(day.strip().lower()[:3]) for day in table["quiet_days"])
    profiles = tuple([_stored_profile(one) for one in table.get("profiles", ())])
    return Subscriber(
        schedule=Schedule.parse(table.get("digest", "daily 07:30")), profiles=profiles, table=table, **values
    )


def _stored_profile(table: Mapping[str, Any]) -> Profile:
    keywords, exclude, query = (table.get("keywords", ()), table.get("exclude", ()), table.get("query", ""))
    return Profile(
        name=_profile_name(str(table.get("name", "")).strip(), keywords, query),
        query=profile_query(keywords, exclude, query),
        alert=table.get("alert", False),
    )


def _profile_name(name: str, keywords: Sequence[str], query: str) -> str:
    return name or ", ".join(keywords)[:80] or " ".join(query.split())[:80]


def read_subscriber(values: Any, path: Path, problems: list[Problem]) -> Subscriber | None:
    """The same for a table among others: notes its problems under `path`; None if there were any."""
    before = len(problems)
    table = Table(values, path, problems)
    if len(problems) > before:
        return None
    email = _checked(table, "email", address, required="the subscriber's address")
    name = table.text("name", longest=200)
    timezone = _checked(table, "timezone", timezone_named, "UTC")
    schedule = _checked(table, "digest", Schedule.parse, "daily 07:30")
    heartbeat = NO_TIME
    if table.values.get("heartbeat") == "off":
        table.asked.append("heartbeat")
    else:
        heartbeat = table.span("heartbeat", NO_TIME, timedelta(days=1), timedelta(days=366))
    max_papers = table.integer("max_papers", 20, 1, MOST_PAPERS)
    trending = table.integer("trending", 5, 0, MOST_TRENDING)
    abstract = cast("Abstract", table.choice("abstract", "short", get_args(Abstract)))
    revisions = table.flag("revisions")
    alert_every = table.span("alert_every", timedelta(minutes=15), NO_TIME, timedelta(days=7))
    alert_limit = table.integer("alert_limit", 10, 1, 1000)
    quiet_days = _quiet_days(table)
    profiles = _profiles(table)
    table.finish(_SUBSCRIBER_HINTS)
    if len(problems) > before:
        return None
    clean = {"email": email, "name": name, "timezone": timezone}  # as they are, not as they were written
    return Subscriber(
        email=email,
        name=name,
        timezone=timezone,
        schedule=schedule,
        max_papers=max_papers,
        trending=trending,
        abstract=abstract,
        revisions=revisions,
        heartbeat=heartbeat or None,
        alert_every=alert_every,
        alert_limit=alert_limit,
        quiet_days=quiet_days,
        profiles=profiles,
        table={**table.values, **{key: value for key, value in clean.items() if key in table.values}},
    )


def _quiet_days(table: Table) -> frozenset[int]:
    days = set()
    for number, text in enumerate(table.texts("quiet_days")):
        day = text.strip().lower()[:3]
        if day in DAYS:
            days.add(DAYS.index(day))
        else:
            table.problem(("quiet_days", number), f"{shown(text)} is no weekday: write {', '.join(DAYS)}")
    if len(days) == len(DAYS):
        table.problem("quiet_days", 'every day is quiet: for no mail at all write digest = "off"')
    return frozenset(days)


def _profiles(table: Table) -> tuple[Profile, ...]:
    found: list[Profile] = []
    values = table.tables("profiles", "[[subscribers.profiles]]")
    if len(values) > MOST_PROFILES:
        table.problem("profiles", f"{len(values)} profiles; {MOST_PROFILES} are the most one subscriber can have")
    names: set[str] = set()
    for number, value in enumerate(values[:MOST_PROFILES]):
        before = len(table.problems)
        one = Table(value, (*table.path, "profiles", number), table.problems)
        profile = _profile(one) if len(table.problems) == before else None
        if profile is None:
            continue
        if profile.name in names:
            table.problem(("profiles", number, "name"), f"another profile is called {shown(profile.name)} already")
        names.add(profile.name)
        found.append(profile)
    return tuple(found)


def _profile(table: Table) -> Profile | None:
    before = len(table.problems)
    name = table.text("name", longest=200)
    keywords, exclude = table.texts("keywords"), table.texts("exclude")
    query = table.get("query", str, "text in quotes") or ""
    alert = table.flag("alert")
    table.finish(_PROFILE_HINTS)
    if len(table.problems) > before:
        return None
    try:
        whole = _query(keywords, exclude, query)
    except QueryError:
        for error in profile_errors(keywords, exclude, query):
            table.problem(_place(error.where), _with_pointer(error))
        return None
    return Profile(name=_profile_name(name, keywords, query), query=whole, alert=alert)


# Subscribers of a list often ask for the same things. An error is not kept: it would hold on to its traceback.
_query = lru_cache(maxsize=4096)(profile_query)


def _place(where: str) -> Path:
    """Where in a profile's table an error is: the language says "keywords, entry 2" or "query"."""
    key, _, entry = where.partition(", entry ")
    if key not in ("keywords", "exclude", "query"):
        return ()
    return (key, int(entry) - 1) if entry.isdecimal() else (key,)


def _with_pointer(error: QueryError) -> str:
    if not error.query.strip():
        return error.reason
    lines = error.pointer().splitlines()
    return "\n".join((f"column {error.column}: {error.reason}", *(f"    {line}" for line in lines)))


def _checked(table: Table, key: str, check: Any, default: str = "", *, required: str = "") -> Any:
    """What `check` makes of a text; a ValueError of its is a problem of the key."""
    before = len(table.problems)
    text = table.text(key, default, required=required)
    if len(table.problems) > before:
        return None
    try:
        return check(text)
    except ValueError as error:
        table.problem(key, str(error))
        return None


@lru_cache(maxsize=1024)
def timezone_named(name: str) -> str:
    """The name of a time zone, if it is one. Raises ValueError with the nearest."""
    try:
        if name not in ("localtime", "posixrules", "Factory") and not name.startswith(("posix/", "right/")):
            ZoneInfo(name)
            return name
    except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        pass
    except KeyError:
        pass
    raise ValueError(f"{shown(name)} is no time zone{_near(name)}")


def _near(name: str) -> str:
    zones = {zone.casefold(): zone for zone in sorted(available_timezones()) if "/" in zone or zone == "UTC"}
    wanted = name.strip().casefold().replace(" ", "_")
    cities = {zone.rpartition("/")[2]: zone for zone in zones if not zone.startswith(("etc/", "us/"))}
    if wanted in zones:
        near = wanted
    elif wanted.rpartition("/")[2] in cities:
        near = cities[wanted.rpartition("/")[2]]
    else:
        close = get_close_matches(wanted, [*zones, *cities], n=1, cutoff=0.6)
        near = cities.get(close[0], close[0]) if close else ""
    if near:
        return f'; did you mean "{zones[near]}"?'
    return ': write the city as in "Europe/London", or "UTC"'
