"""Hugging Face's paper items, as the API and the pages of huggingface.co/papers carry them, to listings.

What to ask for and which document is which belongs to the sources."""

import ast
import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

from bot.core.papers import Listing, identity
from bot.core.source.document import Parsed
from bot.core.text import sanitize, tex
from bot.errors import SourceError

SITE = "https://huggingface.co"
MAX_ITEMS = 1_000
MAX_AUTHORS = 5_000
MAX_PAGE = 8_000_000  # characters of one tag
MAX_ELEMENTS = 100  # with properties of their own, of a page


class NotAnItem(ValueError):
    """This is not a paper item; the message says why."""


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def listing(item: object, day: date | None = None) -> Listing:
    """One item of a daily list (or the flat object of a single paper) as a listing. `day` is the day of the list.

    Raises NotAnItem. Facts of the archive 2024-2026: keys come and go with the years and are left out, never null;
    `paper.publishedAt` is arXiv's date; the day of the list is `submittedOnDailyAt` (from 2025-03-17); the outer
    `publishedAt` is the moment of listing until 2025-03-10 and a shifted copy of the inner one afterwards.
    """
    if isinstance(item, str):
        item = _from_repr(item)
    if not isinstance(item, Mapping):
        raise NotAnItem(f"is {_kind(item)}, not an object")
    inner = item.get("paper")
    if not isinstance(inner, Mapping):
        if "id" not in item:
            raise NotAnItem("has no paper in it")
        inner = item
    title = tex.readable(sanitize.line(_first(inner, item, "title")))
    if not title:
        raise NotAnItem("has no title")
    number = sanitize.line(inner.get("id"), 100)
    arxiv = identity.arxiv_id(number)
    hf_url = f"{SITE}/papers/{number}" if re.fullmatch(r"[\w./-]+", number) else ""
    abstract = tex.readable(sanitize.line(_first(inner, item, "summary")))
    authors = tuple(_authors(inner.get("authors")))
    submitted = _moment(item.get("publishedAt"))
    published = _moment(inner.get("publishedAt"))
    listed = sanitize.iso_day(inner.get("submittedOnDailyAt")) or day
    if listed is None and submitted and published and _comparable(submitted, published) and submitted > published:
        listed = (submitted + timedelta(hours=2)).date()  # the next day's list opens before midnight UTC
    submitter = _first(item, {}, "submittedBy") or _first(inner, item, "submittedOnDailyBy")
    organization = inner.get("organization") or item.get("organization") or item.get("submitterOrganization")
    identifier = arxiv[0] if arxiv else ""
    return Listing(
        title=title,
        keys=identity.keys_for(title, identifiers=[number], url="" if arxiv else hf_url, abstract=abstract),
        abstract=abstract,
        authors=authors,
        organization=_name(organization, "fullname", "name"),
        upvotes=_count(_first(inner, item, "upvotes")),
        comments=_count(_first(item, inner, "numComments")),
        stars=_count(_first(inner, item, "githubStars")),
        published=sanitize.iso_day(inner.get("publishedAt")),
        listed=listed,
        url=f"https://arxiv.org/abs/{identifier}" if identifier else hf_url,
        summary=tex.readable(sanitize.line(_first(inner, item, "ai_summary"))),
        keywords=_words(_first(inner, item, "ai_keywords")),
        submitter=_name(submitter, "fullname", "name", "user"),
        pdf_url=f"https://arxiv.org/pdf/{identifier}" if identifier else "",
        hf_url=hf_url,
        code_url=sanitize.web_address(_first(inner, item, "githubRepo")),
        project_url=sanitize.web_address(_first(inner, item, "projectPage")),
        thumbnail_url=sanitize.web_address(_first(item, inner, "thumbnail")),
    )


def parsed(items: list[Any], day: date | None, late: bool = False) -> Parsed:
    """A list of items: each good one a listing, each bad one a warning. Raises SourceError if all are bad."""
    listings: dict[str, Listing] = {}
    bad: list[str] = []
    for number, item in enumerate(items[:MAX_ITEMS], 1):
        try:
            found = listing(item, day)
        except NotAnItem as problem:
            bad.append(f"entry {number} {problem}")
            continue
        listings.setdefault(found.key, replace(found, late=late))
    if items and not listings:
        raise SourceError(f"none of the {len(items)} entries is a paper ({bad[0]})")
    if len(items) > MAX_ITEMS:
        bad.append(f"{len(items)} entries: only the first {MAX_ITEMS} were read")
    return Parsed(listings=tuple(listings.values()), warnings=tuple(bad[:10]))


def items_of(data: object) -> tuple[list[Any], date | None] | None:
    """The items of a decoded answer or of a page's data, and the day they are of; None if it is no list of papers."""
    if isinstance(data, list):
        return data, None
    if not isinstance(data, Mapping):
        return None
    day = sanitize.iso_day(data.get("dateString")) or sanitize.iso_day(data.get("date"))
    for name in ("dailyPapers", "papers", "data", "items"):
        if isinstance(data.get(name), list):
            return data[name], day
    if isinstance(data.get("paper"), Mapping) or ("id" in data and "title" in data):
        return [data], day
    return None


def embedded(page: str) -> Any:
    """The data a huggingface.co/papers page carries in `data-props`, decoded; None if the page has none.

    Raises SourceError when they are there but are no JSON.
    """
    at = 0
    for _ in range(MAX_ELEMENTS):
        at = page.find("data-props", at)
        if at < 0:
            break
        finder = _Finder()
        with contextlib.suppress(_Read):
            finder.feed(page[max(page.rfind("<", 0, at), 0) :][:MAX_PAGE])
        if finder.props:
            try:
                return json.loads(finder.props)
            except (ValueError, RecursionError):
                raise SourceError("the HTML page is damaged: its data-props are no JSON") from None
        at += len("data-props")
    return None


class _Read(Exception):
    """The first tag has been read; the rest need not be."""


class _Finder(HTMLParser):
    """The `data-props` of a tag, if it is the one with the list of papers or the single paper that a page shows."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.props = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        table = dict(attrs)
        if table.get("data-target") in {"DailyPapers", "PaperContent"}:
            self.props = table.get("data-props") or ""
        raise _Read


def _from_repr(text: str) -> object:
    """An item some archives saved as the text of a Python value instead of JSON."""
    if not text.lstrip().startswith("{") or len(text) > 1_000_000:
        raise NotAnItem("is text, not an object")
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        raise NotAnItem("is text, not an object") from None


def _first(table: Mapping[str, Any], other: Mapping[str, Any], name: str) -> Any:
    value = table.get(name)
    return other.get(name) if value is None or value == "" else value


def _authors(people: object) -> list[str]:
    names = []
    for person in people[:MAX_AUTHORS] if isinstance(people, list) else []:
        if isinstance(person, Mapping):
            if person.get("hidden") is not True:
                names.append(tex.readable(sanitize.line(person.get("name"), 300)))
        else:
            names.append(tex.readable(sanitize.line(person, 300)))
    return [name for name in names if name]


def _name(thing: object, *fields: str) -> str:
    if isinstance(thing, Mapping):
        return next((name for field in fields if (name := sanitize.line(thing.get(field), 300))), "")
    return sanitize.line(thing, 300)


def _words(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(dict.fromkeys(word for item in value[:100] if (word := sanitize.line(item, 200))))


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        return None
    return value


def _comparable(first: datetime, second: datetime) -> bool:
    return (first.tzinfo is None) == (second.tzinfo is None)


def _kind(value: object) -> str:
    return (
        "null"
        if value is None
        else {"list": "a list", "int": "a number", "float": "a number"}.get(type(value).__name__, "no object")
    )
