"""The verb suggest: what a profile or a query misses. Nothing is changed; whoever likes a suggestion writes it down."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from bot.cli.backtest import OwnedProfile, as_json_of, papers_of_days, query_from, say_no_papers
from bot.cli.console import out, plural, print_json
from bot.cli.options import Json, Now, moment_of
from bot.cli.people import find_subscriber
from bot.cli.wiring import App, app_that_looks
from bot.core.query import Query
from bot.core.subscriber.subscriber import stored_subscriber

DAYS = 30
IN_CHECK = 2  # suggestions for each profile
PROFILES_IN_CHECK = 50


def register(app: typer.Typer) -> None:
    # a query may begin with "-"
    app.command("suggest", context_settings={"ignore_unknown_options": True})(suggest)


def suggest(
    context: typer.Context,
    who_or_query: Annotated[str, typer.Argument(metavar="EMAIL or QUERY", help="A subscriber's address, or a query.")],
    days: Annotated[int, typer.Option(min=1, max=36_500, help="How many days to look back.")] = DAYS,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Other forms, abbreviations and neighbours that would bring more, and how many papers each would have brought."""
    app = app_that_looks(context)
    from bot.core.matching.suggest import Window, in_words, suggestions  # brings numpy

    asked = _queries(app, who_or_query, moment_of(now))
    window = Window(papers_of_days(app.database, moment_of(now), days))
    found = [(name, query, suggestions(query, window)) for name, query in asked]
    if as_json:
        print_json(
            {
                "papers": len(window.texts.papers),
                "days": days,
                "profiles": [
                    {"name": name, "query": str(query), "suggestions": [as_json_of(one) for one in more]}
                    for name, query, more in found
                ],
            }
        )
        return
    if not window.texts.papers:
        say_no_papers(days)
        return
    if not asked:
        out.print("This subscriber has no profile: they get the trending papers.")
    for name, query, more in found:
        out.print(f"{name or query}")
        for line in in_words(more, days):
            out.print(f"  {line}")
        if not more:
            seen = plural(len(window.texts.papers), "paper")
            out.print(f"  nothing to add: {seen} of the last {plural(days, 'day')} show no other way to say it")


def suggestions_for(profiles: Sequence[OwnedProfile], app: App, now: datetime) -> list[str]:
    """For `check`: the forms and abbreviations that profiles miss, in words."""
    from bot.core.matching.suggest import Window, in_words, suggestions

    if not profiles:
        return []
    window = Window(papers_of_days(app.database, now, DAYS))
    return [
        f"{whose}, {profile.name}: {line}"
        for whose, profile in profiles[:PROFILES_IN_CHECK]
        for line in in_words(
            [one for one in suggestions(profile.query, window) if one.kind != "neighbour"][:IN_CHECK], DAYS
        )
    ]


def _queries(app: App, text: str, now: datetime) -> list[tuple[str, Query]]:
    """The profiles of a subscriber, or a query without a name."""
    name = text.strip()
    if "@" not in name or " " in name:
        return [("", query_from(text))]
    subscriber = stored_subscriber(find_subscriber(app, name, now).data)
    return [(profile.name, profile.query) for profile in subscriber.profiles]
