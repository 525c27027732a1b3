"""From a form's fields to a query and what it would have brought. Decisions only; no request is seen here."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from bot.core.letter.paper_view import best_link, links_of, title_of
from bot.core.matching.texts import day_seen
from bot.core.papers import Paper
from bot.core.query import Query, QueryError, profile_query
from bot.pipeline.recent_papers import DAYS, Tried

LONGEST = 4_000  # characters of a field
MOST_KEYWORDS = 64
FLOOD = 50  # papers a day that nobody reads
Per = Literal["day", "week", "month", ""]
_ENTRY = re.compile(r'(?:"[^"\n]*"|[^,\n])+')


@dataclass(frozen=True, slots=True)
class TypedKeyword:
    """A keyword as it was typed, and where its line has it."""

    text: str
    column: int  # of its first character in its line, from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FormError:
    """What is wrong with a query, for whoever typed it."""

    column: int
    message: str
    pointer: str  # the text and under it a caret


def entries(text: str) -> list[TypedKeyword]:
    """The keywords of a field: one a line, or several with commas; a comma in quotes belongs to its phrase."""
    found = []
    for line in text[:LONGEST].splitlines():
        for match in _ENTRY.finditer(line):
            word = match[0].strip()
            if word:
                start = match.start() + len(match[0]) - len(match[0].lstrip())
                found.append(TypedKeyword(word, start + 1))
    return found[: MOST_KEYWORDS + 1]


def keywords_of(text: str) -> list[str]:
    """The same without places, each once."""
    return list(dict.fromkeys(entry.text for entry in entries(text)))


def read_query_form(keywords: str, query: str) -> Query | FormError:
    """What the fields ask for."""
    asked = entries(keywords)
    query = " ".join(query[:LONGEST].split())
    try:
        return profile_query([entry.text for entry in asked], (), query)
    except QueryError as error:
        key, _, number = error.where.partition(", entry ")
        column = error.column
        if key == "keywords" and number.isdecimal():
            column += asked[int(number) - 1].column - 1
        pointer = error.pointer() if error.query.strip() else ""
        return FormError(column=column, message=error.reason, pointer=pointer)


def preview_json(tried: Tried | FormError) -> dict[str, Any]:
    """The answer of /preview for programs."""
    if isinstance(tried, FormError):
        error = {"column": tried.column, "message": tried.message}
        empty: dict[str, Any] = {"papers": 0, "matched": 0, "per_day": 0, "best": [], "idle": [], "dominant": []}
        return {**empty, "suggestions": [], "error": error}
    found = tried.found
    return {
        "papers": found.papers,
        "matched": found.matched,
        "per_day": round(tried.per_day, 2),
        "best": [_shown(paper) for paper in found.best],
        "idle": list(found.idle),
        "dominant": list(found.dominant),
        "suggestions": [
            {"kind": one.kind, "term": one.term, "add": one.add, "papers": one.papers} for one in tried.suggestions
        ],
        "error": None,
    }


def _shown(paper: Paper) -> dict[str, str]:
    day = day_seen(paper)
    return {"title": title_of(paper.title), "url": best_link(links_of(paper)), "day": day.isoformat() if day else ""}


@dataclass(frozen=True, slots=True)
class FoundPaper:
    """One of the best papers of a preview."""

    title: str
    url: str
    day: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewView:
    """The same for the page."""

    papers: int
    matched: int
    number: int  # "about 4 a day": 4
    per: Per
    flood: bool
    days: int
    best: list[FoundPaper]
    idle: list[str]
    dominant: list[str]
    near: list[dict[str, Any]]
    suggestions: list[str]  # "quantized (3)"


def view(tried: Tried) -> PreviewView:
    found = tried.found
    number, per = rate(tried.per_day)
    return PreviewView(
        papers=found.papers,
        matched=found.matched,
        number=number,
        per=per,
        flood=tried.per_day > FLOOD,
        days=min(DAYS, round(tried.days)),
        best=[FoundPaper(title_of(one.title), best_link(links_of(one)), day_seen(one)) for one in found.best],
        idle=list(found.idle),
        dominant=list(found.dominant),
        near=[
            {"title": title_of(miss.paper.title), "term": miss.term, "missing": miss.missing}
            for miss in found.near_misses[:3]
        ],
        suggestions=[f"{one.add} ({one.papers})" for one in tried.suggestions],
    )


def rate(per_day: float) -> tuple[int, Per]:
    """How much that is, as one thinks of it: so many a day, or a week, about one a month, or nothing."""
    if per_day >= 0.75:
        return max(1, round(per_day)), "day"
    if per_day * 7 >= 0.75:
        return max(1, round(per_day * 7)), "week"
    return (1, "month") if per_day else (0, "")
