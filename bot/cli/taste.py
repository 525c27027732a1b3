"""The verb taste: a profile learnt from a library and from thumbs, as a query to read, edit and paste."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.backtest import papers_of_days
from bot.cli.console import out, plural, print_json
from bot.cli.options import Json, Now, clock_from, moment_of
from bot.cli.wiring import App, app_that_looks
from bot.core.papers import Paper
from bot.core.subscriber.subscriber import Subscriber, TasteUse, stored_subscriber
from bot.core.taste import Taste
from bot.core.taste.learn import MIN_LIKED, words_of
from bot.errors import UserError
from bot.pipeline.libraries import ReadLibraries, files_of, is_on_the_web
from bot.store import taste as tastes

DAYS = 30
SHOWN_WORDS = 15
SHOWN_PAPERS = 5
USES: dict[TasteUse, str] = {
    "profile": "the best of what is like them has a section of its own in the digest",
    "order": "it orders what the profiles bring",
    "off": 'it is not used: set taste = "profile" or "order"',
}


def register(app: typer.Typer) -> None:
    app.command("taste")(taste)


def taste(
    context: typer.Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="A subscriber's address.")],
    library: Annotated[
        str,
        typer.Option(
            "--library",
            metavar="PLACE",
            help="Instead of the configured one: a file, glob or URL (BibTeX, RIS, CSL-JSON), or Zotero's API.",
        ),
    ] = "",
    days: Annotated[int, typer.Option(min=1, max=36_500, help="How many days to look back.")] = DAYS,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """The profile learnt from a library and thumbs, why each word is in it, and what it would have brought."""
    app = app_that_looks(context)
    moment = moment_of(now)
    stored = app.subscriber(email, moment)
    subscriber = stored_subscriber(stored.data)
    places = (_given(app, library),) if library else subscriber.libraries
    with app.fetcher(clock_from(now)) as fetcher:
        learner = app.learner(fetcher, moment)
        read = learner.read(places, private=subscriber.private) if places else ReadLibraries((), (), "")
        learnt = learner.taste_of(stored.id, read.papers)
    with app.database.read() as tx:
        kept = tastes.of_subscribers(tx, [stored.id]).get(stored.id)
    best = _best(app, learnt, now, days) if learnt else []
    if as_json:
        print_json(
            {
                "use": subscriber.taste,
                "version": kept.version if kept else None,
                "learnt_at": kept.at if kept else None,
                "query": learnt.text if learnt else "",
                "library": len(read.papers),
                "liked": learnt.liked if learnt else len(read.papers),
                "disliked": learnt.disliked if learnt else 0,
                "words": [
                    {"word": one.word, "weight": one.weight, "from": list(one.titles)}
                    for one in (learnt.words if learnt else ())
                ],
                "best": [
                    {"title": paper.title, "url": paper.url, "key": paper.key, "like": like, "words": list(words)}
                    for paper, like, words in best
                ],
                "problems": list(read.problems),
            }
        )
        return
    for problem in read.problems:
        out.print(problem)
    if learnt is None:
        hint = f"give `--library FILE` with {MIN_LIKED} papers or more on one subject, or press thumbs in letters"
        raise UserError(
            f"Too little to learn a taste from: {plural(len(read.papers), 'paper')} in the library.", [hint]
        )
    _say(learnt, best, days)
    _say_use(subscriber, library)


def _given(app: App, place: str) -> str:
    """A place from the command line; a path begins where the user is, or else in the configuration's folder. Raises
    UserError for one that leads nowhere."""
    if is_on_the_web(place):
        return place
    if files_of(place, Path.cwd()):
        return str(Path.cwd() / place)
    if not files_of(place, app.config.folder):
        why = "No such file or directory"
        raise UserError(f"The library {place} cannot be read: {why}", ["name an export of your papers"])
    return place


def _best(app: App, learnt: Taste, now: str | None, days: int) -> list[tuple[Paper, str, tuple[str, ...]]]:
    """The best papers of the last days, each with the liked paper it is like and the words that speak for it."""
    from bot.core.matching import Matcher  # brings numpy

    papers = papers_of_days(app.database, moment_of(now), days)
    if not papers:
        return []
    ranked, _scores = Matcher([learnt.query]).match(papers).top(min(SHOWN_PAPERS, len(papers)))
    best = [papers[number] for number in ranked[0].tolist() if number >= 0]
    likenesses = [learnt.likeness(words_of(paper)) for paper in best]
    return [
        (paper, like.title, like.words)
        for paper, like in zip(best, likenesses, strict=True)
        if like.weight >= learnt.least
    ]


def _say(learnt: Taste, best: Sequence[tuple[Paper, str, tuple[str, ...]]], days: int) -> None:
    disliked = f", against {plural(learnt.disliked, 'paper')} they want less of" if learnt.disliked else ""
    out.print(f"Learnt from {plural(learnt.liked, 'paper')}{disliked}:")
    for one in learnt.words[:SHOWN_WORDS]:
        out.print(f"  {one.weight:>4g}  {one.word:<20} {one.titles[0][:80]}")
    if len(learnt.words) > SHOWN_WORDS:
        out.print(f"        and {len(learnt.words) - SHOWN_WORDS} more")
    out.print("")
    if best:
        out.print(f"The best of the last {plural(days, 'day')}:")
        for paper, like, words in best:
            out.print(f"  {paper.title}")
            out.print(f"      like {like[:70]}: {', '.join(words)}")
    else:
        out.print(f"Nothing like it came in the last {plural(days, 'day')}.")
    out.print("\nAs a profile, to edit and paste into config.toml:\n")
    out.print("[[subscribers.profiles]]")
    out.print('name = "My taste"')
    out.print(f'query = "{learnt.text}"')


def _say_use(subscriber: Subscriber, library: str) -> None:
    if library and library not in subscriber.libraries:
        out.print(f'\nTo have it learnt and used by itself: library = "{library}" for {subscriber.email}.')
    else:
        out.print(f'\nIn letters (taste = "{subscriber.taste}") {USES[subscriber.taste]}.')
