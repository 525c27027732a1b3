"""The verbs that explain what happened: explain, why, who. What a query would bring: see `backtest`."""

from typing import Annotated, Any

import typer

from bot.cli.console import format_time, out, plural, print_json
from bot.cli.options import Json, Now, moment_of
from bot.cli.people import find_subscriber
from bot.cli.wiring import App, app_that_looks
from bot.core.edition.edition import SectionKind
from bot.core.edition.picks import Picks
from bot.core.papers import Paper, identity
from bot.core.papers.notice import notice_words
from bot.core.query import Query
from bot.core.query.ast import NUMBERS, excluding, true, turning, written
from bot.core.query.evaluate import Explained, Reading, asks_for, explain, matches, terms
from bot.core.query.near import near_query
from bot.core.subscriber.subscriber import Subscriber, stored_subscriber
from bot.errors import UserError
from bot.mail import tokens
from bot.store import edition_reports, history, taste
from bot.store.subscribers import StoredSubscriber

# The sections that are not of a profile, as one says where a paper is.
_WHERE: dict[SectionKind, str] = {
    "taste": "as like the papers they keep ",
    "near": "as near the profiles ",
    "trending": "among the trending papers ",
    "revisions": "as news of a paper told before ",
}


def register(app: typer.Typer) -> None:
    app.command("explain")(explain_command)
    app.command("why")(why)
    app.command("who")(who)


def explain_command(
    context: typer.Context,
    email: Annotated[str, typer.Argument(help="The subscriber's address.")],
    paper: Annotated[str, typer.Argument(help="An arXiv id, DOI, URL or exact title.")],
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Why this paper did or did not reach this subscriber, clause by clause."""
    app = app_that_looks(context)
    start = moment_of(now)
    stored = find_subscriber(app, email, start)
    paper_id, found = find_paper(app, paper)
    subscriber = stored_subscriber(stored.data)
    fates = _fates(app, stored, subscriber, paper_id)
    explained = [(profile, explain(profile.query, found)) for profile in subscriber.profiles]
    obstacles = [_obstacle(profile.query, found) for profile in subscriber.profiles]
    matching = [profile.name for profile, tree in explained if tree.true]
    lacking = [f"{one.name} does not, {why}" for one, why in zip(subscriber.profiles, obstacles, strict=True) if why]
    near = [] if matching else _near(subscriber, found)
    liked = _likeness(app, stored, subscriber, found)
    not_told = "" if fates else _not_told(app, stored, subscriber, paper_id, found, matching, near, lacking)
    if as_json:
        print_json(
            {
                "email": stored.email,
                "paper": found.key,
                "matched": bool(matching),
                "terms": [term for _, tree in explained for term in terms(tree)],
                "profiles": [
                    {
                        "name": profile.name,
                        "query": str(profile.query),
                        "matched": tree.true,
                        "terms": terms(tree),
                        "obstacle": obstacle,
                        "near": profile.name in near,
                    }
                    for (profile, tree), obstacle in zip(explained, obstacles, strict=True)
                ],
                "taste": liked,
                "told": fates,
                "not_told": not_told,
            }
        )
        return
    out.print(f"{found.title}\n{found.url}".rstrip())
    for (profile, tree), obstacle in zip(explained, obstacles, strict=True):
        verdict = "matches" if tree.true else "does not match" + (f", {obstacle}" if obstacle else "")
        if profile.name in near:
            verdict += ", but it is near: it holds two words of a phrase"
        out.print(f"\n{profile.name}: {verdict}")
        _say_tree(tree, found, 1)
    if not subscriber.profiles:
        out.print("\nThis subscriber has no profile: they get the trending papers.")
    if liked:
        verdict = "is like the papers they keep" if liked["enough"] else "is too little like the papers they keep"
        held = f"it holds {', '.join(liked['words'])}" if liked["words"] else "it holds none of its words"
        out.print(f"\nTaste: {verdict}: {held} (weight {liked['weight']:g}, {liked['least']:g} is enough)")
    out.print("")
    for line in fates or [not_told]:
        out.print(line)


def _say_tree(tree: Explained, paper: Paper, depth: int) -> None:
    mark = "✓" if tree.true else "✗"
    name = tree.text if tree.kind == "term" else tree.kind.upper()
    where = ""
    if tree.kind == "of":
        name = f"{tree.text.partition(' ')[0]} OF"
    elif tree.kind == "term" and tree.field in NUMBERS:
        count = getattr(paper, tree.field)
        where = f"  (it has {'no such number' if count is None else count})"
    elif tree.kind == "term" and tree.true:
        where = f'  ("{tree.found}" in {tree.field})'
    out.print(f"{'  ' * depth}{mark} {name}{where}")
    for part in tree.parts:
        _say_tree(part, paper, depth + 1)


def _obstacle(query: Query, paper: Paper) -> str:
    """What alone keeps a query from being true of a paper, in words; "" if it is true, or if there is no such thing."""
    reading = Reading(paper)
    answers = {leaf: reading.true(leaf) for leaf in query.leaves()}
    if true(query.root, answers.__getitem__):
        return ""
    if excluded := excluding(query, answers):
        return f"excluded by {', '.join(map(written, excluded))}"
    if not any(answers[leaf] for leaf in query.wanted()):
        return ""  # nothing speaks for it: it lacks all there is
    alone = list(turning(query, answers))
    return f"lacks only {written(alone[0])}" if len(alone) == 1 else ""


def _near(subscriber: Subscriber, paper: Paper) -> list[str]:
    """The profiles a paper is near, where the subscriber wants such papers."""
    if not subscriber.near or paper.withdrawn:
        return []
    queries = [(profile.name, near_query(profile.query)) for profile in subscriber.profiles]
    return [name for name, query in queries if query is not None and matches(query, paper)]


def _likeness(app: App, stored: StoredSubscriber, subscriber: Subscriber, paper: Paper) -> dict[str, Any] | None:
    """What the subscriber's taste, with their corrections, says of a paper, where it has a section of its own."""
    if subscriber.taste != "profile":
        return None
    with app.database.read() as tx:
        kept = taste.of_subscribers(tx, [stored.id]).get(stored.id)
    if kept is None or kept.taste is None:
        return None
    from bot.core.taste.learn import words_of  # for those who have a taste

    like = kept.taste.likeness(words_of(paper))
    weight, least = round(like.weight, 1), round(kept.taste.least, 1)
    enough = like.weight >= kept.taste.least
    return {"like": like.title, "words": list(like.words), "weight": weight, "least": least, "enough": enough}


def _fates(app: App, stored: StoredSubscriber, subscriber: Subscriber, paper_id: int) -> list[str]:
    """What editions did with the paper, in words."""
    lines = []
    with app.database.read() as tx:
        for told in edition_reports.telling(tx, paper_id, subscriber_id=stored.id):
            if told.shown:
                where = _WHERE.get(told.section_of(paper_id).kind, "")
                fate = f"went out on {format_time(told.sent_at)}" if told.sent_at else f"is {told.state}"
                lines.append(f"Told {where}in the {told.kind} {told.slot}, which {fate} ({told.message_id}).")
            else:
                limit = _limit(subscriber, told.picks)
                lines.append(f"Over {limit} in the {told.kind} {told.slot}: it was named there, not shown.")
    return lines


def _limit(subscriber: Subscriber, picks: Picks) -> str:
    """What kept papers of a profile out of an edition, in words."""
    shown = sum(len(section.ids) for section in picks.sections if section.kind == "profile")
    if subscriber.per_week and shown < subscriber.max_papers:
        return f"the limit of {plural(subscriber.per_week, 'paper')} a week (per_week: the best of the last four weeks)"
    return f"the limit of {plural(subscriber.max_papers, 'paper')}"


def _not_told(
    app: App,
    stored: StoredSubscriber,
    subscriber: Subscriber,
    paper_id: int,
    paper: Paper,
    matching: list[str],
    near: list[str],
    lacking: list[str],
) -> str:
    """Why no edition told a paper, in words. `matching`: the profiles that match it; `near`: those it is near;
    `lacking`: why others do not match."""
    if stored.status != "active":
        since = format_time(stored.status_since)
        return f"Not told: the subscriber is {stored.status} since {since} ({stored.status_reason})."
    if not matching:
        which = f" ({'; '.join(lacking)})" if lacking else ""
        told = f"Not told: no profile matches it{which}, and it has not been among the trending papers of an edition."
        if near:
            told += (
                f" It is near {', '.join(near)}, but others were nearer, or the profile brought"
                f" {plural(subscriber.near, 'paper')} or more of its own (near = {subscriber.near})."
            )
        return told
    words = notice_words(paper)
    if words and not any(asks_for(one.query, words) for one in subscriber.profiles if one.name in matching):
        return (
            f"Not told: it is no article ({paper.kind}); a keyword that names such brings them, as {paper.kind!r} does."
        )
    if stored.told_at is None:
        return f"Not told yet: the first digest is due {format_time(stored.next_due)}."
    if paper.first_seen and paper.first_seen > stored.told_at:
        return f"Not told yet: it came after the last edition; the next is due {format_time(stored.next_due)}."
    with app.database.read() as tx:
        digests = edition_reports.digests_since(tx, stored.id, history.born(tx, paper_id))
    for slot, picks in digests:
        for section in picks.sections:
            if section.name in matching and section.more:
                told = f"the digest {slot}, which counted {plural(section.more, 'more paper')} for {section.name}"
                return f"Not told: over {_limit(subscriber, picks)} in {told}."
    if paper.first_seen and paper.first_seen < stored.status_since - subscriber.schedule.period:
        came, since = format_time(paper.first_seen), format_time(stored.status_since)
        return f"Not told: it came {came}, long before this subscriber, who is {stored.status} since {since}."
    return (
        f"Not told: it was known by the last edition ({format_time(stored.told_at)}) and did not match then; "
        "the profile or the paper has changed since."
    )


def find_paper(app: App, text: str) -> tuple[int, Paper]:
    """A paper by any spelling of its identity. Raises UserError."""
    keys = _keys(text)
    with app.database.read() as tx:
        for key in keys:
            found = history.find(tx, key)
            if found is not None:
                return found
    raise UserError(f"There is no paper {text!r} in the store.", ["give an arXiv id, DOI, URL or the exact title"])


def _keys(text: str) -> list[str]:
    """Every identity the words may mean."""
    arxiv = identity.arxiv_id(text)
    doi = identity.doi(text)
    url = identity.canonical_url(text)
    return [
        text,
        *([f"arxiv:{arxiv[0]}"] if arxiv else []),
        *([f"doi:{doi}"] if doi else []),
        *([f"url:{url}"] if url else []),
        identity.title_key(text),
    ]


def why(
    context: typer.Context,
    message_id: Annotated[str, typer.Argument(help="A Message-ID, with or without <>.")],
    as_json: Json = False,
) -> None:
    """A message's whole life: subscriber, slot, papers, attempts, the relay's words."""
    app = app_that_looks(context)
    whole = f"<{message_id.strip().strip('<>')}>"
    with app.database.read() as tx:
        life = edition_reports.life(tx, whole, tokens.subscriber_in(app.identity.secret, whole))
        if life is None:
            raise UserError(f"No message has the id {message_id}.")
        papers = history.as_of(tx, life.paper_ids, life.revision)
    table: dict[str, Any] = {
        "message_id": life.message_id,
        "email": life.email,
        "channel": life.channel,
        "kind": life.kind,
        "slot": life.slot,
        "state": life.state,
        "due": life.due,
        "composed": life.made,
        "sent_at": life.sent_at,
        "attempts": [{"at": at, "outcome": outcome, "words": words} for at, outcome, words in life.attempts],
        "words": life.words,
        "papers": [
            {"key": paper.key, "title": paper.title, "sources": list(paper.sources), "first_seen": paper.first_seen}
            for paper in papers.values()
        ],
    }
    if as_json:
        print_json(table)
        return
    where = f" by {life.channel}" if life.channel else ""
    slot = life.slot.removesuffix(f" {life.channel}")
    out.print(f"{life.kind} {slot} for {life.email}{where}: {life.state}")
    out.print(f"  due {format_time(life.due)}, composed {format_time(life.made)}, sent {format_time(life.sent_at)}")
    for at, outcome, words in life.attempts:
        out.print(f"  {format_time(at)}  {outcome}: {words}")
    if life.words:
        out.print(f"  the relay's last words: {life.words}")
    for paper in papers.values():
        out.print(f"  - {paper.title}\n    from {', '.join(paper.sources)}, first seen {format_time(paper.first_seen)}")


def who(
    context: typer.Context,
    paper: Annotated[str, typer.Argument(help="An arXiv id, DOI, URL or exact title.")],
    as_json: Json = False,
) -> None:
    """Everyone a paper went to."""
    app = app_that_looks(context)
    paper_id, found = find_paper(app, paper)
    with app.database.read() as tx:
        told = [one for one in edition_reports.telling(tx, paper_id) if one.shown]
    if as_json:
        print_json(
            [
                {"email": one.email, "kind": one.kind, "slot": one.slot, "state": one.state, "sent_at": one.sent_at}
                for one in told
            ]
        )
        return
    out.print(found.title)
    for one in told:
        out.print(f"  {one.email}  {one.kind} {one.slot}  {one.state}  {format_time(one.sent_at, none='')}")
    out.print(f"{plural(len(told), 'edition')}")
