"""A subscriber and their profiles: one model for the table in config.toml and the same table in the database. Pure.

Which subscribers there are belongs to `bot.config` and `bot.store`; what a subscriber gets, to `bot.pipeline`.
"""

import json
import logging
import re
from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property, lru_cache
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    model_validator,
)

from bot.core.query import Query, QueryError, profile_errors, profile_query
from bot.core.subscriber.address import normal_address
from bot.core.subscriber.channel import MAIL, MAIL_SCHEMES, channel_list, channel_name, scheme_of
from bot.core.subscriber.duration import in_short
from bot.core.subscriber.schedule import DAYS, Schedule
from bot.core.subscriber.timezone import timezone_named
from bot.core.subscriber.validation import (
    Expected,
    Line,
    ManyTexts,
    Path,
    Problem,
    Short,
    TableError,
    TableModel,
    as_error,
    as_in_file,
    as_tuple,
    problems_of,
    said,
    span,
    text_from,
)
from bot.core.text.translatable import Translatable

log = logging.getLogger(__name__)

Abstract = Literal["short", "full", "none"]
TasteUse = Literal["order", "profile", "off"]

MOST_PAPERS = 200
MOST_TRENDING = 100
MOST_PROFILES = 100
MOST_LIBRARIES = 10
NO_TIME = timedelta(0)
DAILY = Schedule.parse("daily 07:30")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?")


class Profile(TableModel):
    """A standing query."""

    hints: ClassVar = dict.fromkeys(
        ("timezone", "digest", "max_papers", "trending", "email"), "it belongs to the subscriber, above their profiles"
    )

    given_name: Short = Field("", alias="name")
    keywords: ManyTexts = ()
    exclude: ManyTexts = ()
    query_text: str = Field("", alias="query")
    alert: bool = False  # also mailed at once, not only in the digest
    colleagues: bool = False  # its papers say how many others with this profile saved them; of shared profiles

    @cached_property
    def query(self) -> Query:
        return profile_query(self.keywords, self.exclude, self.query_text)

    @property
    def name(self) -> str:
        """The given name, else what is asked for."""
        return self.given_name or name_from(self.keywords, self.query_text)

    @model_validator(mode="after")
    def _parsed(self) -> Self:
        try:
            # Where `cached_property` would keep it, without the lock that it takes in Python 3.11.
            self.__dict__["query"] = profile_query(self.keywords, self.exclude, self.query_text)
        except QueryError:
            errors = profile_errors(self.keywords, self.exclude, self.query_text)
            raise as_error([Problem(_place(error.where), _with_pointer(error)) for error in errors]) from None
        return self


def name_from(keywords: Sequence[str], query: str) -> str:
    """What a profile without a name is called."""
    return ", ".join(keywords)[:80] or " ".join(query.split())[:80]


def _schedule(value: Any) -> Schedule:
    return value if isinstance(value, Schedule) else Schedule.parse(text_from(value))


def language_tag(text: str) -> str:
    """A language as "de" or "zh-Hans" (BCP 47). Raises ValueError with what to write."""
    tag = text.replace("_", "-")
    if not _LANGUAGE.fullmatch(tag):
        raise ValueError(Translatable('{given} is no language: write "en", "de" or "zh-Hans"', given=as_in_file(text)))
    return tag


def _quiet_days(value: Any) -> frozenset[int]:
    """Names of weekdays as their numbers."""
    if isinstance(value, frozenset):
        return value
    if not isinstance(value, list | tuple):
        raise ValueError(f'expected a list such as quiet_days = ["sat", "sun"], got {as_in_file(value)}')
    days, problems = set(), []
    for number, text in enumerate(value):
        if not isinstance(text, str):
            problems.append(Problem((number,), f"expected text in quotes, got {as_in_file(text)}"))
        elif (day := text.strip().lower()[:3]) in DAYS:
            days.add(DAYS.index(day))
        else:
            problems.append(Problem((number,), f"{as_in_file(text)} is no weekday: write {', '.join(DAYS)}"))
    if len(days) == len(DAYS):
        problems.append(Problem((), 'every day is quiet: for no mail at all write digest = "off"'))
    if problems:
        raise as_error(problems)
    return frozenset(days)


def _day_names(days: frozenset[int]) -> list[str]:
    return [DAYS[day] for day in sorted(days)]


def _profiles(value: Any) -> Any:
    """No more than there may be. What is wrong with each is said by itself."""
    if isinstance(value, list) and len(value) > MOST_PROFILES:
        raise ValueError(f"{len(value)} profiles; {MOST_PROFILES} are the most one subscriber can have")
    return as_tuple(value)


def _of_different_names(profiles: tuple[Profile, ...]) -> tuple[Profile, ...]:
    if len(profiles) < 2:
        return profiles
    names: set[str] = set()
    problems = []
    for number, profile in enumerate(profiles):
        if profile.name in names:
            taken = Translatable("another profile is called {name} already", name=as_in_file(profile.name))
            problems.append(Problem((number, "name"), taken))
        names.add(profile.name)
    if problems:
        raise as_error(problems)
    return profiles


def _libraries(value: Any) -> Any:
    """One place or several."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list | tuple) and len(value) > MOST_LIBRARIES:
        raise ValueError(f"{len(value)} libraries; {MOST_LIBRARIES} are the most: a place may be a glob")
    return as_tuple(value)


_heartbeat = span(timedelta(days=1), timedelta(days=366))
InShort = PlainSerializer(in_short)


class Subscriber(TableModel):
    """A subscriber as configured. `table` gives what `subscriber_from` makes an equal one of."""

    hints: ClassVar = {
        **dict.fromkeys(("schedule", "cadence", "when"), 'the schedule is called "digest"'),
        **dict.fromkeys(("tz", "time_zone", "zone"), 'the time zone is called "timezone"'),
        **dict.fromkeys(("address", "mail"), 'the address is called "email"'),
        **dict.fromkeys(("keywords", "query", "exclude", "alert"), "it belongs into [[subscribers.profiles]] below"),
        "profile": "write [[subscribers.profiles]]",
        "shared": "only subscribers of the configuration file share [[profiles]]: write them out in `profiles`",
    }

    email: Annotated[Line, AfterValidator(normal_address)] = Field(description=Translatable("the subscriber's address"))
    name: Short = ""
    timezone: Annotated[Line, AfterValidator(timezone_named)] = "UTC"
    schedule: Annotated[Schedule, PlainValidator(_schedule), PlainSerializer(str)] = Field(DAILY, alias="digest")
    max_papers: Annotated[int, Field(ge=1, le=MOST_PAPERS)] = 20
    trending: Annotated[int, Field(ge=0, le=MOST_TRENDING)] = 5
    abstract: Abstract = "short"
    language: Annotated[Short, AfterValidator(language_tag)] = ""  # of the letter's words; "": the configuration's
    near: Annotated[int, Field(ge=0, le=20)] = 0  # places for papers near the profiles that match none
    per_week: Annotated[int, Field(ge=0, le=1000)] = 0  # only the best so many of a week; 0: all
    # Where papers they keep are exported to: files, globs, URLs, or Zotero's API. It may hold a key.
    libraries: Annotated[
        tuple[Annotated[Line, Field(min_length=1)], ...],
        Expected('a file, a URL or a list of them, such as "papers.bib"'),
        BeforeValidator(_libraries),
    ] = Field((), alias="library", repr=False)
    given_taste: TasteUse = Field("off", alias="taste")  # what the taste learnt from it and from thumbs is for
    private: bool = False  # what they name may live on a private or loopback address
    pictures: bool = False  # the lead paper's thumbnail
    # Where letters go; nothing: by mail. The addresses hold secrets.
    to: Annotated[tuple[str, ...], PlainValidator(channel_list)] = Field((), repr=False)
    revisions: bool = False  # also tell what became of papers told before
    # After so long without news, a mail that says so; None ("off"): never.
    heartbeat: Annotated[
        timedelta | None,
        PlainValidator(lambda value: None if value == "off" else _heartbeat(value)),
        PlainSerializer(lambda length: in_short(length) if length else "off"),
    ] = None
    # Between two alerts; what comes within is in the second.
    alert_every: Annotated[timedelta, PlainValidator(span(NO_TIME, timedelta(days=7))), InShort] = timedelta(minutes=15)
    alert_limit: Annotated[int, Field(ge=1, le=1000)] = 10  # alerts a local day; the rest is in the digest
    # Weekdays (0 = Monday) without any mail; what is missed comes after.
    quiet_days: Annotated[frozenset[int], PlainValidator(_quiet_days), PlainSerializer(_day_names)] = frozenset()
    profiles: Annotated[
        tuple[Profile, ...],
        Expected("tables, each headed [[subscribers.profiles]]"),
        AfterValidator(_of_different_names),
        BeforeValidator(_profiles),
    ] = ()

    @model_validator(mode="after")
    def _mail_is_theirs(self) -> Self:
        if not self.to:
            return self
        wrong = [
            Problem(("to", number), f'mail goes to their own address alone: write "{MAIL}"')
            for number, address in enumerate(self.to)
            if scheme_of(address) in MAIL_SCHEMES and address.lower() not in (MAIL, f"{MAIL}{self.email.lower()}")
        ]
        if wrong:
            raise as_error(wrong)
        return self

    @property
    def teams(self) -> frozenset[str]:
        """The names of profiles whose readers are told how many of the others saved a paper."""
        return frozenset(profile.name for profile in self.profiles if profile.colleagues)

    @property
    def by_mail(self) -> bool:
        return not self.to or any(scheme_of(address) in MAIL_SCHEMES for address in self.to)

    @cached_property
    def channels(self) -> dict[str, str]:
        """By name, the addresses of the channels that are not mail."""
        return {channel_name(address): address for address in self.to if scheme_of(address) not in MAIL_SCHEMES}

    @property
    def taste(self) -> TasteUse:
        """What their taste is for: who names a library wants to be told of papers like it."""
        if "given_taste" in self.model_fields_set:
            return self.given_taste
        return "profile" if self.libraries else "off"

    @property
    def table(self) -> dict[str, Any]:
        """The plain table with the keys that were given, each in its one spelling."""
        return self.model_dump(by_alias=True, exclude_unset=True)


def subscriber_from(table: Any) -> Subscriber:
    """A subscriber from their table. Raises TableError with every problem."""
    try:
        return Subscriber.model_validate(table)
    except ValidationError as error:
        problems = problems_of(error, Subscriber)
    email = table.get("email") if isinstance(table, dict) else None
    who = as_in_file(email) if isinstance(email, str) else "this subscriber"
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    raise TableError(f"{count} with {who}", problems, table)


@lru_cache(maxsize=1_000)
def stored_subscriber(data: str) -> Subscriber:
    """A subscriber from the JSON of their stored table, as quick as without checks. What another version of this
    program stored and this one does not understand, such as a query in an older language, is left out and logged: it
    must not keep anybody else from their mail."""
    try:
        return Subscriber.model_validate_json(data, extra="ignore")
    except ValidationError as error:
        problems = problems_of(error, Subscriber)
    table = json.loads(data)
    for problem in problems:
        log.error("a stored subscriber is read without what is wrong: %s", said(problem, table).splitlines()[0])
    paths = {problem.path for problem in problems}
    profiles = [_without(one, number, paths) for number, one in enumerate(table.get("profiles", []))]
    kept = {key: value for key, value in table.items() if (key,) not in {path[:1] for path in paths}}
    return Subscriber.model_validate(kept | {"profiles": [one for one in profiles if one]}, extra="ignore")


def _without(profile: dict[str, Any], number: int, paths: set[Path]) -> dict[str, Any]:
    """A profile without the keywords and exclusions that are wrong; empty if more is wrong, or nothing is left."""
    own = {path[2:] for path in paths if path[:2] == ("profiles", number)}
    if any(len(path) != 2 or path[0] not in ("keywords", "exclude") for path in own):
        return {}
    lists = {
        key: [entry for place, entry in enumerate(profile[key]) if (key, place) not in own]
        for key in ("keywords", "exclude")
        if key in profile
    }
    return profile | lists if lists.get("keywords") or profile.get("query") else {}


def _place(where: str) -> Path:
    """Where in a profile's table an error is: the language says "keywords, entry 2" or "query"."""
    key, _, entry = where.partition(", entry ")
    if key not in ("keywords", "exclude", "query"):
        return ()
    return (key, int(entry) - 1) if entry.isdecimal() else (key,)


def _with_pointer(error: QueryError) -> str:
    if not error.query.strip():
        return error.reason
    pointer = "".join(f"\n    {line}" for line in error.pointer().splitlines())
    return Translatable("column {column}: {reason}{pointer}", column=error.column, reason=error.reason, pointer=pointer)
