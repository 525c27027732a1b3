"""Reading a plain table (of TOML or JSON) key by key, noting everything that is wrong with it, and where. Pure.

What the keys mean belongs to whoever reads; on which line of a file a key stands, to `bot.config`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from bot.errors import UserError

Path = tuple[str | int, ...]  # ("subscribers", 0, "digest")

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_DURATION = re.compile(r"(?:[0-9]{1,6}[wdhms])+")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one key. A message may go on over further lines (a query with a caret under it)."""

    path: Path
    message: str


class TableError(UserError):
    """A table that cannot be used. `found` has every problem with its path, `problems` the same as lines."""

    def __init__(self, summary: str, found: Sequence[Problem], root: Any = None) -> None:
        self.found = tuple(found)
        super().__init__(summary, [said(problem, root) for problem in found])


def said(problem: Problem, root: Any) -> str:
    """A problem as a line: the place, then the message."""
    place = spelled(problem.path, root)
    return f"{place}: {problem.message}" if place else problem.message


def spelled(path: Path, root: Any) -> str:
    """A path for people; an entry of a list goes by its name: `subscribers[ada@example.org].profiles[MoE].query`."""
    place = ""
    here = root
    for part in path:
        try:
            here = here[part]
        except (LookupError, TypeError):
            here = None
        if isinstance(part, str):
            place += f".{part}" if place else part
        else:
            names = [here.get(key) for key in ("name", "email")] if isinstance(here, Mapping) else []
            if isinstance(here, Mapping) and "email" in here:
                names.reverse()
            name = next((name for name in names if name and isinstance(name, str) and name.isprintable()), "")
            place += f"[{name[:60] or part + 1}]"
    return place


class Table:
    """One table being read. Every getter notes what is wrong, and then gives the default so that reading goes on."""

    __slots__ = ("asked", "path", "problems", "values")

    def __init__(self, values: Any, path: Path, problems: list[Problem]) -> None:
        self.path = path
        self.problems = problems
        self.asked: list[str] = []
        self.values: Mapping[str, Any] = {}
        if isinstance(values, Mapping):
            self.values = values
        else:
            self.problem((), f"expected a table of keys, got {shown(values)}")

    def problem(self, key: str | Path, message: str) -> None:
        self.problems.append(Problem(self.path + ((key,) if isinstance(key, str) else key), message))

    def get(self, key: str, kind: type | tuple[type, ...], expected: str) -> Any:
        """The value of a key if it is of that kind, else None."""
        self.asked.append(key)
        if key not in self.values:
            return None
        value = self.values[key]
        if isinstance(value, kind) and (value.__class__ is not bool or kind is bool):
            return value
        self.problem(key, f"expected {expected}, got {shown(value)}")
        return None

    def text(self, key: str, default: str = "", *, required: str = "", longest: int = 1000) -> str:
        """One line of text. `required` says what is needed where there must be something."""
        value = self.get(key, str, "text in quotes")
        if value is None or (required and not value.strip()):
            if required and (key not in self.values or isinstance(value, str)):
                self.problem(key if key in self.values else (), f"{key} is missing: {required}")
            return default
        if len(value) > longest:
            self.problem(key, f"is {len(value)} characters long; {longest} are enough")
        elif not value.isprintable():
            self.problem(key, "holds control characters or line breaks: write it on one line")
        return str(value).strip()

    def integer(self, key: str, default: int, least: int, most: int) -> int:
        value = self.get(key, int, "a whole number")
        if value is None:
            return default
        if not least <= value <= most:
            self.problem(key, f"{value} is out of range: give {least} to {most}")
        return int(value)

    def flag(self, key: str, default: bool = False) -> bool:
        value = self.get(key, bool, "true or false, without quotes")
        return default if value is None else bool(value)

    def choice(self, key: str, default: str, choices: Sequence[str]) -> str:
        value = self.get(key, str, "text in quotes")
        if value is None or value in choices:
            return value or default
        self.problem(key, f"{shown(value)} is none of {', '.join(choices)}{did_you_mean(value, choices)}")
        return default

    def span(self, key: str, default: timedelta, least: timedelta, most: timedelta) -> timedelta:
        """A length of time such as "1h"."""
        value = self.get(key, str, 'a length of time such as "1h"')
        if value is None:
            return default
        try:
            length = duration(value)
        except ValueError as error:
            self.problem(key, str(error))
            return default
        if not least <= length <= most:
            self.problem(key, f"{shown(value)} is out of range: give {in_short(least)} to {in_short(most)}")
        return length

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self.get(key, list | tuple, f'a list such as {key} = ["…"]')  # type: ignore[arg-type]
        if not value:
            return ()
        for number, item in enumerate(value):
            if not isinstance(item, str):
                self.problem((key, number), f"expected text in quotes, got {shown(item)}")
        return tuple([item for item in value if isinstance(item, str)])

    def tables(self, key: str, header: str) -> list[Any]:
        """A list of tables, unread."""
        return list(self.get(key, list | tuple, f"tables, each headed {header}") or ())  # type: ignore[arg-type]

    def finish(self, hints: Mapping[str, str] | None = None) -> None:
        """Refuse every key nobody asked for. `hints`: what to say of those that are often mistaken."""
        if self.values.keys() <= set(self.asked):
            return
        for key in self.values:
            if key not in self.asked:
                hint = (hints or {}).get(key)
                known = f"; {hint}" if hint else did_you_mean(key, self.asked)
                self.problem(key, f"unknown key{known or '; known are ' + ', '.join(self.asked)}")


def duration(text: str) -> timedelta:
    """ "7d", "1h", "30m", "1h30m", "2w" as a length of time. Raises ValueError with what to write."""
    compact = "".join(text.lower().split())
    if not _DURATION.fullmatch(compact):
        raise ValueError(f'{text[:40]!r} is no length of time: write "30m", "1h" or "7d"')
    parts = re.findall(r"([0-9]+)([wdhms])", compact)
    return sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta(0))


def in_short(length: timedelta) -> str:
    """A length of time in the longest unit that measures it: "7d"."""
    seconds = int(length.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """'; did you mean "digest"?', or nothing where nothing is near."""
    folded = {name.casefold(): name for name in known}
    near = get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return f'; did you mean "{folded[near[0]]}"?' if near else ""


def shown(value: Any) -> str:
    """A wrong value as the file spells it, in short."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = "".join(letter if letter.isprintable() else " " for letter in value[:60])
        return f'"{text}{"…" if len(value) > 60 else ""}"'
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:  # JSON's null
        return "nothing"
    return str(value)[:60]
