"""Queries tried on the papers of the store: the verb backtest, and what check has to say of profiles.

What became of papers already told is for `explain`."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.console import out, plural, print_json
from bot.cli.options import Json, Now, moment_of
from bot.cli.wiring import app_that_looks
from bot.core.papers import Paper, plain
from bot.core.query import Query, QueryError, parse, seems_a_query
from bot.core.query.ast import written
from bot.core.query.impossible import never_matching
from bot.core.subscriber.subscriber import Profile
from bot.errors import UserError
from bot.store import Database, history

if TYPE_CHECKING:
    from bot.core.matching.backtest import Backtest
    from bot.core.matching.suggest import Suggestion

OwnedProfile = tuple[str, Profile]  # with whose it is, for messages

_EQUALS = re.compile(
    r"(?<![\w:>=<])(title|abstract|author|category|source|org|ti|abs|au|cat)=(\w[\w.*-]*)", re.IGNORECASE
)


def register(app: typer.Typer) -> None:
    # a query may begin with "-"
    app.command("backtest", context_settings={"ignore_unknown_options": True})(backtest_command)


def papers_of_days(database: Database, now: datetime, days: int) -> list[Paper]:
    """The papers first seen in the days before that moment."""
    with database.read() as tx:
        seen = history.seen_since(tx, now - timedelta(days=days)).values()
    return [paper for paper in seen if paper.first_seen is None or paper.first_seen <= now]


def profile_warnings(profiles: Sequence[OwnedProfile], papers: Sequence[Paper]) -> list[str]:
    """Profiles that match more than a tenth of these papers, or none."""
    from bot.core.matching.backtest import warnings

    found = warnings([profile.query for _, profile in profiles], papers)
    return [
        f"{whose}, {profile.name!r} {words}" for (whose, profile), words in zip(profiles, found, strict=True) if words
    ]


def hopeless_terms(profiles: Sequence[OwnedProfile]) -> list[str]:
    """Keywords and terms of profiles that can never bring a paper."""
    found = []
    for whose, profile in profiles:
        if useless := never_matching(profile.query):
            whole = len(useless) == len(profile.query.wanted())
            what = "it" if whole else ", ".join(map(written, useless))
            why = "what it asks for is excluded, or contradicts itself"
            found.append(f"{whose}, {profile.name!r}: {what} can never bring a paper: {why}")
    return found


def slips_of_the_pen(profiles: Sequence[OwnedProfile]) -> list[str]:
    """What can be read, but hardly as it was meant: "author=hinton", and phrases that look like queries."""
    found = []
    for whose, profile in profiles:
        for text in (*profile.keywords, *profile.exclude, profile.query_text):
            for name, value in _EQUALS.findall(text):
                found.append(
                    f"{whose}, {profile.name!r}: {name}={value} looks for these words; "
                    f"for the field write {name.lower()}:{value}"
                )
    return found + [
        f"{whose}, {key} {entry!r} is looked for word for word; a query with operators goes into query"
        for whose, profile in profiles
        for key, entries in (("keywords", profile.keywords), ("exclude", profile.exclude))
        for entry in entries
        if seems_a_query(entry)
    ]


def backtest_command(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="A query, e.g. '\"sparse attention\" OR =MoE'.")],
    days: Annotated[int, typer.Option(min=1, max=36_500, help="How many days to look back.")] = 30,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """What a query would have brought, per day, with the best hits."""
    app = app_that_looks(context)
    from bot.core.matching.backtest import as_days, backtest  # brings numpy
    from bot.core.matching.suggest import Window, in_words, suggestions

    parsed = query_from(query)
    window = Window(papers_of_days(app.database, moment_of(now), days))
    papers = window.texts.papers
    result = backtest(parsed, window.texts)
    more = suggestions(parsed, window)
    if as_json:
        print_json(
            {
                "papers": result.papers,
                "matched": result.matched,
                "days": as_days(result),
                "best": [plain(paper) for paper in result.best],
                "terms": [asdict(term) for term in result.terms],
                "near_misses": [
                    {"title": miss.paper.title, "key": miss.paper.key, "term": miss.term, "missing": miss.missing}
                    for miss in result.near_misses
                ],
                "suggestions": [as_json_of(one) for one in more],
            }
        )
        return
    if not papers:
        say_no_papers(days)
        return
    _say_backtest(result, len(papers), days, in_words(more, days))


def say_no_papers(days: int) -> None:
    out.print(f"No paper came in the last {plural(days, 'day')}: run `paperlark collect`, or give more --days.")


def as_json_of(suggestion: "Suggestion") -> dict[str, Any]:
    """A suggestion for `backtest` and `suggest`."""
    return {
        "kind": suggestion.kind,
        "term": suggestion.term,
        "add": suggestion.add,
        "papers": suggestion.papers,
        "examples": [{"key": paper.key, "title": paper.title, "url": paper.url} for paper in suggestion.examples],
    }


def query_from(text: str) -> Query:
    """The query of an argument. Raises UserError."""
    try:
        return parse(text)
    except QueryError as error:
        raise UserError(str(error), error.pointer().splitlines()) from error


def _say_backtest(result: "Backtest", papers: int, days: int, more: list[str]) -> None:
    out.print(f"{plural(result.matched, 'hit')} in {plural(papers, 'paper')} of the last {plural(days, 'day')}")
    most = max((count for _, count in result.days), default=0)
    for day, count in result.days:
        bar = "█" * round(30 * count / most) if most else ""
        out.print(f"  {day}  {count:4}  {bar}".rstrip())
    best = [paper.title + (f"\n    {paper.url}" if paper.url else "") for paper in result.best]
    dominant = [
        f"{term.term} (in {plural(term.papers, 'paper')}, {plural(term.hits, 'hit')})"
        for term in result.terms
        if term.term in result.dominant
    ]
    near = [f"{miss.paper.title} ({'lacks' if miss.missing else 'has'} {miss.term})" for miss in result.near_misses]
    for heading, lines in (
        ("Best", best),
        ("Terms that brought nothing", result.idle),
        ("Terms that bring nearly everything", dominant),
        ("One term away", near),
        ("What would have brought more", more),
    ):
        if lines:
            out.print(f"\n{heading}")
            for line in lines:
                out.print(f"  {line}")
