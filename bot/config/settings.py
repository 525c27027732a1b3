"""A source's own keys: from its table to an instance of the `Settings` its module defines, whatever that holds.

The keys every source has are read in `sections`.
"""

import types
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from datetime import date, datetime, timedelta
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from bot.core.subscriber.table import Path, Table

LONGEST = timedelta(days=366)


def settings_from(kind: type[Any], table: Table) -> Any:
    """An instance of the dataclass `kind`, with defaults for what is not in the table; None if there were problems."""
    before = len(table.problems)
    hints = get_type_hints(kind)
    values = {}
    for field in fields(kind):
        if not field.init:
            continue
        if field.name in table.values:
            values[field.name] = _value(table, field.name, hints[field.name])
            continue
        table.asked.append(field.name)
        if field.default is MISSING and field.default_factory is MISSING:
            table.problem((), f"{field.name} is missing: {_help(field)}")
    table.finish()
    if len(table.problems) > before:
        return None
    try:
        return kind(**values)
    except ValueError as error:
        table.problem(*_place(str(error), table))
        return None


def _place(message: str, table: Table) -> tuple[Path, str]:
    """The key a module's complaint is about, if it begins with it ("url is …") or with a value ("'cs.XY' is …")."""
    key = message.partition(" ")[0].strip(":")
    if key in table.asked:
        return (key,), message.removeprefix(key).lstrip(" :")
    for name, value in table.values.items():
        for number, item in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(item, str) and message.startswith(repr(item)):
                return ((name, number) if isinstance(value, list) else (name,)), message
    return (), message


def _help(field: Field[Any]) -> str:
    return str(field.metadata.get("help", "this source needs it"))


def _value(table: Table, key: str, hint: Any) -> Any:
    """One value as the hint wants it; what it is when there was a problem does not matter."""
    origin, options = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _value(table, key, next(option for option in options if option is not type(None)))
    if origin is Literal:
        return table.choice(key, "", [str(option) for option in options])
    if origin is tuple:
        return table.texts(key)
    reader = _READERS.get(hint)
    if reader is None:
        raise TypeError(f"a source's settings cannot have a {hint}: {key}")
    return reader(table, key)


def _text(table: Table, key: str) -> str:
    text = table.text(key, longest=4000)
    if (key == "url" or key.endswith("_url")) and text and not _is_web(text):
        table.problem(key, f"{text[:80]!r} is no http(s) address")
    return text


def _is_web(text: str) -> bool:
    try:
        return urlsplit(text).scheme in ("http", "https")
    except ValueError:
        return False


def _float(table: Table, key: str) -> float:
    value = table.get(key, (int, float), "a number")
    return float(value) if value is not None else 0.0


def _date(table: Table, key: str) -> date | None:
    value = table.get(key, (date, str), "a day such as 2026-11-21")
    try:
        if isinstance(value, str):
            return date.fromisoformat(value)
    except ValueError:
        table.problem(key, f"{value[:40]!r} is no day: write it like 2026-11-21")
    return value.date() if isinstance(value, datetime) else value if isinstance(value, date) else None


_READERS: dict[Any, Callable[[Table, str], Any]] = {
    str: _text,
    bool: lambda table, key: table.flag(key),
    int: lambda table, key: table.get(key, int, "a whole number"),
    float: _float,
    date: _date,
    timedelta: lambda table, key: table.span(key, timedelta(0), timedelta(0), LONGEST),
}
