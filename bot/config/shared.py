"""[[profiles]]: profiles for many. A subscriber names them in `shared`, and from the configuration on is a subscriber
like any other, with these profiles after their own: so each gets them on their own clock, and a change of one is a
change of a profile for everybody who shares it."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import Field

from bot.core.subscriber.subscriber import MOST_PROFILES, Profile, Subscriber, name_from
from bot.core.subscriber.validation import ManyTexts, Path, Problem, as_in_file, did_you_mean

NAMED = 10  # of the profiles there are, where a name is none of them


class SubscriberConfig(Subscriber):
    """A subscriber of the file. `shared` is no part of their table: the profiles it names are."""

    hints: ClassVar = {**Subscriber.hints, **dict.fromkeys(("share", "shares", "team"), 'write shared = ["…"]')}

    shared: ManyTexts = Field((), exclude=True)

    @property
    def shares(self) -> frozenset[str]:
        """The names of the profiles they share."""
        return frozenset(name.strip() for name in self.shared)

    @property
    def own_profiles(self) -> tuple[Profile, ...]:
        """Once the shared ones were put after them."""
        return self.profiles[: len(self.profiles) - len(self.shared)]


def with_shared(subscriber: SubscriberConfig, shared: Mapping[str, Profile]) -> SubscriberConfig:
    """The subscriber with the shared profiles they name after their own. Each is parsed once for all of them."""
    if not subscriber.shared:
        return subscriber
    profiles = (*subscriber.profiles, *(shared[name.strip()] for name in subscriber.shared))
    return subscriber.model_copy(update={"profiles": profiles})


def problems_of_sharing(profiles: Any, subscribers: Any) -> Iterator[Problem]:
    """What is wrong with the names by which subscribers refer to shared profiles, in tables that are otherwise right or
    not: a shared profile with a mistake is there all the same, and the mistake is said once, at its own line."""
    tables = profiles if isinstance(profiles, list) else []
    for number, table in enumerate(tables):
        name = table.get("name", "") if isinstance(table, Mapping) else None
        if isinstance(name, str) and not name.strip():
            path: Path = ("profiles", number, "name") if "name" in table else ("profiles", number)
            yield Problem(path, "name is missing: what `shared` of a subscriber calls it")
    known = list(dict.fromkeys(name for table in tables if (name := _given_name(table))))
    for number, table in enumerate(subscribers if isinstance(subscribers, list) else []):
        if isinstance(table, Mapping) and isinstance(table.get("shared"), list):
            for place, message in _of_one(table, known):
                yield Problem(("subscribers", number, "shared", *place), message)


def _of_one(table: Mapping[str, Any], known: list[str]) -> Iterator[tuple[Path, str]]:
    """What is wrong with the names in `shared` of a subscriber's table: where in it, and what."""
    own = table.get("profiles")
    own = own if isinstance(own, list) else []
    taken = dict.fromkeys(map(_name, own), "one of their own profiles is called {}: give one of the two another name")
    for number, entry in enumerate(table["shared"]):
        if not isinstance(entry, str):
            continue  # said by its kind
        name, shown = entry.strip(), as_in_file(entry)
        if name not in known:
            there = f"; known are {', '.join(map(as_in_file, known[:NAMED]))}" if known else ""
            yield (number,), f"no [[profiles]] is called {shown}{did_you_mean(name, known) or there}"
        elif name in taken:
            yield (number,), taken[name].format(shown)
        taken.setdefault(name, "{} is there already")
    if len(own) <= MOST_PROFILES < (count := len(own) + len(table["shared"])):
        yield (), f"{count} profiles with their own; {MOST_PROFILES} are the most one subscriber can have"


def _given_name(table: Any) -> str:
    name = table.get("name") if isinstance(table, Mapping) else None
    return name.strip() if isinstance(name, str) else ""


def _name(table: Any) -> str:
    """The name of a profile that may hold mistakes."""
    if not isinstance(table, Mapping):
        return ""
    keywords, query = table.get("keywords", []), table.get("query", "")
    fine = isinstance(keywords, list) and all(isinstance(one, str) for one in keywords) and isinstance(query, str)
    return _given_name(table) or (name_from(keywords, query) if fine else "")
