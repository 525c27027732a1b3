"""The verb taste: a profile learnt from a library and from thumbs, as a query to read, edit and paste."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.backtest import papers_of_days
from bot.cli.console import out, plural, print_json
from bot.cli.wiring import App, Json, Now, app_that_looks, moment_of
from bot.core.papers import Paper
from bot.core.taste import Taste, read_library
from bot.core.taste.bibliography import MAX_BYTES
from bot.core.taste.learn import MIN_LIKED
from bot.errors import UserError
from bot.pipeline.taste import taste_of

DAYS = 30
SHOWN_WORDS = 15
SHOWN_PAPERS = 5


def register(app: typer.Typer) -> None:
    app.command("taste")(taste)


def taste(
    context: typer.Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="A subscriber's address.")],
    library: Annotated[
        Path | None, typer.Option("--library", help="An export as BibTeX, RIS or CSL-JSON (Zotero, JabRef, Mendeley).")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=36_500, help="How many days to look back.")] = DAYS,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """The profile learnt from a library and thumbs, why each word is in it, and what it would have brought."""
    app = app_that_looks(context)
    moment = moment_of(now)
    stored = app.subscriber(email, moment)
    papers, problems = _library(library)
    learnt = taste_of(app.database, stored.id, papers, moment, days)
    best = _best(app, learnt, now, days) if learnt else []
    if as_json:
        print_json(
            {
                "query": learnt.text if learnt else "",
                "liked": learnt.liked if learnt else len(papers),
                "disliked": learnt.disliked if learnt else 0,
                "words": [
                    {"word": one.word, "weight": one.weight, "from": list(one.titles)}
                    for one in (learnt.words if learnt else ())
                ],
                "best": [{"title": paper.title, "url": paper.url, "key": paper.key} for paper in best],
                "problems": problems,
            }
        )
        return
    for problem in problems:
        out.print(f"{library}: {problem}")
    if learnt is None:
        hint = f"give `--library FILE` with {MIN_LIKED} papers or more on one subject, or press thumbs in letters"
        raise UserError(f"Too little to learn a taste from: {plural(len(papers), 'paper')} in the library.", [hint])
    _say(learnt, best, days)


def _library(file: Path | None) -> tuple[tuple[Paper, ...], list[str]]:
    if file is None:
        return (), []
    try:
        with file.open("rb") as stream:
            body = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UserError(
            f"The library {file} cannot be read: {error.strerror}", ["name an export of your papers"]
        ) from error
    try:
        found = read_library(body)
    except ModuleNotFoundError as error:
        raise UserError("Reading a library needs two more packages.", ["pip install 'paperlark[library]'"]) from error
    return found.papers, list(found.problems)


def _best(app: App, learnt: Taste, now: str | None, days: int) -> list[Paper]:
    from bot.core.matching import Matcher  # brings numpy

    papers = papers_of_days(app.database, moment_of(now), days)
    if not papers:
        return []
    ranked, _scores = Matcher([learnt.query]).match(papers).top(min(SHOWN_PAPERS, len(papers)))
    return [papers[number] for number in ranked[0].tolist() if number >= 0]


def _say(learnt: Taste, best: list[Paper], days: int) -> None:
    disliked = f", against {plural(learnt.disliked, 'paper')} they want less of" if learnt.disliked else ""
    out.print(f"Learnt from {plural(learnt.liked, 'paper')}{disliked}:")
    for one in learnt.words[:SHOWN_WORDS]:
        out.print(f"  {one.weight:>4g}  {one.word:<20} {one.titles[0][:80]}")
    if len(learnt.words) > SHOWN_WORDS:
        out.print(f"        and {len(learnt.words) - SHOWN_WORDS} more")
    out.print("")
    if best:
        out.print(f"The best of the last {plural(days, 'day')}:")
        for paper in best:
            out.print(f"  {paper.title}")
    else:
        out.print(f"No papers of the last {plural(days, 'day')} are here to try it on.")
    out.print("\nAs a profile, to edit and paste into config.toml:\n")
    out.print("[[subscribers.profiles]]")
    out.print('name = "My taste"')
    out.print(f'query = "{learnt.text}"')
