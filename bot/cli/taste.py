"""The verb taste: a profile learnt from a library and from thumbs, as a query to read, edit and paste."""

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.backtest import papers_of_days
from bot.cli.console import out, plural, print_json
from bot.cli.options import Json, Now, clock_from, moment_of
from bot.cli.people import find_stored, find_subscriber
from bot.cli.wiring import App, app_of, app_that_looks
from bot.core.papers import Paper
from bot.core.subscriber.subscriber import Subscriber, TasteUse, stored_subscriber
from bot.core.taste import Taste, TasteWord
from bot.core.taste.corrections import Corrections, TasteEdit, corrected, own_words
from bot.core.taste.learn import MIN_LIKED, words_of
from bot.errors import UserError
from bot.pipeline import preferences
from bot.pipeline.libraries import ReadLibraries, files_of, is_on_the_web
from bot.store import history, thumbs
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
    weights: Annotated[
        str, typer.Option("--set", metavar="WORDS", help="Keep these words with these weights: tactile^6, gripper^2.")
    ] = "",
    removed: Annotated[str, typer.Option("--remove", metavar="WORDS", help="Leave these words out.")] = "",
    as_learnt: Annotated[
        str, typer.Option("--undo", metavar="WORDS", help="Have these words as they are learnt again.")
    ] = "",
    reset: Annotated[bool, typer.Option("--undo-all", help="Have all words as they are learnt again.")] = False,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """The profile learnt from a library and thumbs, why each word is in it, and what it would have brought; with --set,
    --remove and --undo, other words in it."""
    moment = moment_of(now)
    if weights or removed or as_learnt or reset:
        app = app_of(context)
        edit = TasteEdit(own_words(weights), list(own_words(removed)), list(own_words(as_learnt)))
        _correct(app, email, edit, moment, reset=reset)
    else:
        app = app_that_looks(context)
    stored = find_subscriber(app, email, moment)
    subscriber = stored_subscriber(stored.data)
    places = (_given(app, library),) if library else subscriber.libraries
    with app.fetcher(clock_from(now)) as fetcher, app.learner(fetcher, moment) as learner:
        read = learner.read(places, private=subscriber.private) if places else ReadLibraries((), (), "")
        learnt = learner.taste_of(stored.id, read.papers)
    with app.database.read() as tx:
        kept = tastes.of_subscribers(tx, [stored.id]).get(stored.id)
        pressed = thumbs.of_subscriber(tx, stored.id)
        titles = {paper.title for paper in history.by_ids(tx, [one.paper_id for one in pressed]).values()}
    corrections = kept.corrections if kept else Corrections()
    enough = learnt is not None
    learnt = corrected(learnt, corrections) if learnt else None
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
                    {"word": one.word, "weight": one.weight, "own": one.is_own, "from": list(one.titles)}
                    for one in (learnt.words if learnt else ())
                ],
                "removed": list(corrections.removed),
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
    if learnt is None and enough:
        hint = f"`paperlark taste {email} --undo-all` has them back"
        raise UserError("Every word of the taste is removed: it brings nothing.", [hint])
    if learnt is None:
        hint = f"give `--library FILE` with {MIN_LIKED} papers or more on one subject, or press thumbs in letters"
        raise UserError(
            f"Too little to learn a taste from: {plural(len(read.papers), 'paper')} in the library.", [hint]
        )
    _say(learnt, corrections, titles, best, days)
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


def _say(
    learnt: Taste,
    corrections: Corrections,
    thumbed: Collection[str],
    best: Sequence[tuple[Paper, str, tuple[str, ...]]],
    days: int,
) -> None:
    """`thumbed`: the titles of papers for which a thumb was pressed."""
    disliked = f", against {plural(learnt.disliked, 'paper')} they want less of" if learnt.disliked else ""
    out.print(f"Learnt from {plural(learnt.liked, 'paper')}{disliked}:")
    for one in learnt.words[:SHOWN_WORDS]:
        out.print(f"  {one.weight:>4g}  {one.word:<20} {_origin(one, thumbed)}")
    if len(learnt.words) > SHOWN_WORDS:
        out.print(f"        and {len(learnt.words) - SHOWN_WORDS} more")
    if corrections.removed:
        out.print(f"  removed: {', '.join(corrections.removed)}")
    out.print("")
    if best:
        out.print(f"The best of the last {plural(days, 'day')}:")
        for paper, like, words in best:
            out.print(f"  {paper.title}")
            out.print(f"      like {like[:70]}: {', '.join(words)}" if like else f"      {', '.join(words)}")
    else:
        out.print(f"Nothing like it came in the last {plural(days, 'day')}.")
    out.print("\nAs a profile, to edit and paste into config.toml:\n")
    out.print("[[subscribers.profiles]]")
    out.print('name = "My taste"')
    out.print(f'query = "{learnt.text}"')


def _origin(one: TasteWord, thumbed: Collection[str]) -> str:
    """Where a word and its weight come from."""
    whose = ("a weight of their own; " if one.titles else "a word of their own") if one.is_own else ""
    title = one.titles[0] if one.titles else ""
    return f"{whose}{title[:80]}{' (a thumb)' if title in thumbed else ''}"


def _correct(app: App, email: str, edit: TasteEdit, moment: datetime, *, reset: bool) -> None:
    """Other words and weights, as the preferences page has them changed."""
    stored = find_stored(app, email)
    if reset:
        preferences.correct_taste(app.database, stored.id, None, moment)
    if edit != TasteEdit({}, [], []):
        preferences.correct_taste(app.database, stored.id, edit, moment)


def _say_use(subscriber: Subscriber, library: str) -> None:
    if library and library not in subscriber.libraries:
        out.print(f'\nTo have it learnt and used by itself: library = "{library}" for {subscriber.email}.')
    else:
        out.print(f'\nIn letters (taste = "{subscriber.taste}") {USES[subscriber.taste]}.')
