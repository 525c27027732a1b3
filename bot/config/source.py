"""[[sources]]: the keys every source has, and a source's own: an instance of the `Settings` its module defines."""

import types
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from datetime import date, datetime, timedelta
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainValidator, ValidationError, create_model

from bot import sources
from bot.core.source.redact import redacted
from bot.core.subscriber.validation import (
    Long,
    ManyTexts,
    Path,
    Problem,
    TableModel,
    as_error,
    as_in_file,
    did_you_mean,
    on_one_line,
    problems_of,
    span,
)

LONGEST = timedelta(days=366)
# What the kinds of sources are called elsewhere.
ALSO_CALLED = {
    **dict.fromkeys(("rss", "atom", "rdf", "json", "jsonfeed", "url", "blog", "news"), "feed"),
    **dict.fromkeys(("hf", "hugging-face", "hugging_face", "daily-papers", "daily_papers"), "huggingface"),
    **dict.fromkeys(("file", "html", "text", "web", "saved"), "page"),
    **dict.fromkeys(("medrxiv", "bio"), "biorxiv"),
    **dict.fromkeys(("medline", "ncbi", "entrez"), "pubmed"),
}


class SourceTable(TableModel):
    """The keys every source has."""

    type: Annotated[str, AfterValidator(on_one_line)]
    name: Annotated[str, Field(max_length=60), AfterValidator(on_one_line)] = ""
    every: Annotated[timedelta, PlainValidator(span(timedelta(seconds=1), timedelta(days=31)))] = timedelta(hours=1)
    private: bool = False


class SourceConfig(TableModel):
    """One source: `settings` is of the class its module defines."""

    name: str
    type: str
    every: timedelta = timedelta(hours=1)
    private: bool = False
    settings: Any


def source_from(table: Any) -> SourceConfig:
    """A source from its table. Raises ValidationError with every problem, said for people."""
    kind = _kind(table) if isinstance(table, Mapping) else ""
    return _source(kind, table)


def _source(kind: str, table: Any) -> SourceConfig:
    model = _table_model(kind) if kind else SourceTable
    try:
        read = model.model_validate(table)
    except ValidationError as error:
        raise as_error(problems_of(error, model)) from None
    settings = sources.named(kind).Settings  # what is no table was refused above
    given = {name: getattr(read, name) for name in read.model_fields_set}
    common = {name: given.pop(name) for name in SourceTable.model_fields if name in given}
    try:
        own = settings(**given)
    except ValueError as error:
        path, message = _place(str(error), [field.name for field in fields(settings)], table)
        raise as_error([Problem(path, message)]) from None
    return SourceConfig(**(common | {"name": common.get("name") or kind, "type": kind, "settings": own}))


def _kind(table: Mapping[str, Any]) -> str:
    """The type of a source. Raises ValidationError if there is none of that name: its other keys mean nothing then."""
    kind = table.get("type", "")
    if isinstance(kind, str) and kind.strip() in sources.SOURCES:
        return kind.strip()
    known = list(sources.every())
    if not isinstance(kind, str):
        raise as_error([Problem(("type",), f"expected text in quotes, got {as_in_file(kind)}")])
    kind = kind.strip()
    if "type" not in table:
        for key in table.keys() - SourceTable.model_fields.keys():
            if meant := did_you_mean(key, ["type"]):
                raise as_error([Problem((key,), f"unknown key{meant}")])
    if not kind:
        path = ("type",) if "type" in table else ()
        raise as_error([Problem(path, f"type is missing: one of {', '.join(known)}")])
    if kind not in known:
        raise as_error([Problem(("type",), f"unknown source {as_in_file(kind)}{type_meant(kind, known)}")])
    return kind


def type_meant(kind: str, known: Iterable[str]) -> str:
    """For the end of a message: the type of source that was meant, else those there are."""
    called = ALSO_CALLED.get(kind.casefold())
    near = f'; did you mean "{called}"?' if called else did_you_mean(kind, known)
    return near or f"; known are {', '.join(known)}"


def _place(message: str, names: list[str], table: Mapping[str, Any]) -> tuple[Path, str]:
    """The key a module's complaint is about, if it begins with one ("url is …") or with a value ("'cs.XY' is …")."""
    key = message.partition(" ")[0].strip(":")
    if key in names:
        return (key,), message.removeprefix(key).lstrip(" :")
    for name, value in table.items():
        for number, item in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(item, str) and message.startswith(repr(item)):
                return ((name, number) if isinstance(value, list) else (name,)), message
    return (), message


@cache
def _table_model(kind: str) -> type[TableModel]:
    """The model of the whole table of a type of source: the common keys, and those of its `Settings` (a dataclass)."""
    settings = sources.named(kind).Settings
    hints = get_type_hints(settings)
    own: dict[str, Any] = {}
    for field in fields(settings):
        if field.init:
            needed = field.default is MISSING and field.default_factory is MISSING
            about = Field(... if needed else None, description=str(field.metadata.get("help", "this source needs it")))
            own[field.name] = (_annotation(field.name, hints[field.name]), about)
    return create_model(f"{settings.__module__} table", __base__=SourceTable, **own)


def _annotation(name: str, hint: Any) -> Any:
    """How a field of `Settings` is read from TOML."""
    if get_origin(hint) in (Union, types.UnionType):  # TOML has no null: what is not given keeps its default
        return _annotation(name, next(option for option in get_args(hint) if option is not types.NoneType))
    if hint is str:
        return Annotated[Long, AfterValidator(_web)] if name == "url" or name.endswith("_url") else Long
    if hint is timedelta:
        return Annotated[timedelta, PlainValidator(span(timedelta(0), LONGEST))]
    if hint is date:
        return Annotated[date, PlainValidator(_date)]
    return ManyTexts if get_origin(hint) is tuple else hint


def _web(text: str) -> str:
    try:
        fine = not text or urlsplit(text).scheme in ("http", "https")
    except ValueError:
        fine = False
    if not fine:
        raise ValueError(f"{redacted(text)[:80]!r} is no http(s) address")
    return text


def _date(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        raise ValueError(f"expected a day such as 2026-11-21, got {as_in_file(value)}")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value[:40]!r} is no day: write it like 2026-11-21") from None
