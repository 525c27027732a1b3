"""The verbs that explain: backtest, explain, why, who."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.parts import Json, Now, Parts, moment_of, one_of_the_readers, parts_of
from bot.cli.say import many, moment, out, print_json
from bot.core import identity
from bot.core.evaluate import Explained, explain, terms
from bot.core.papers import Paper, plain
from bot.core.query import Query, QueryError, parse
from bot.core.readers import Subscriber
from bot.errors import UserError
from bot.mail import tokens
from bot.pipeline.subscribers import subscriber_of
from bot.store import Database, editions, history
from bot.store.readers import Reader

if TYPE_CHECKING:
    from bot.core.backtest import Backtest


def register(app: typer.Typer) -> None:
    app.command("backtest")(backtest_command)
    app.command("explain")(explain_command)
    app.command("why")(why)
    app.command("who")(who)


def last_days(database: Database, now: datetime, days: int) -> list[Paper]:
    """The papers first seen in the last days."""
    with database.read() as tx:
        return list(history.seen_since(tx, now - timedelta(days=days)).values())


def profile_warnings(subscribers: Sequence[Subscriber], papers: Sequence[Paper]) -> list[str]:
    """Profiles that match more than a tenth of these papers, or none."""
    from bot.core.backtest import warning

    return [
        f"{subscriber.email}, {profile.name!r} {words} (of the last month)"
        for subscriber in subscribers
        for profile in subscriber.profiles
        if (words := warning(profile.query, papers))
    ]


def backtest_command(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="A query, e.g. '\"sparse attention\" OR =MoE'.")],
    days: Annotated[int, typer.Option(min=1, help="How far to look back.")] = 30,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """What a query would have brought, per day, with the best hits."""
    parts = parts_of(context)
    from bot.core.backtest import as_days, backtest  # brings numpy

    parsed = _query(query)
    papers = last_days(parts.database, moment_of(now), days)
    result = backtest(parsed, papers)
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
            }
        )
        return
    if not papers:
        out.print("There are no papers in the store yet: run `paperlark collect`.", markup=False)
        return
    _say_backtest(result, len(papers), days)


def _query(text: str) -> Query:
    try:
        return parse(text)
    except QueryError as error:
        raise UserError(str(error), error.pointer().splitlines()) from error


def _say_backtest(result: "Backtest", papers: int, days: int) -> None:
    out.print(f"{many(result.matched, 'hit')} in {many(papers, 'paper')} of the last {many(days, 'day')}", markup=False)
    most = max((count for _, count in result.days), default=0)
    for day, count in result.days:
        bar = "█" * round(30 * count / most) if most else ""
        out.print(f"  {day}  {count:4}  {bar}", markup=False)
    if result.best:
        out.print("\nBest", markup=False)
        for paper in result.best:
            out.print(f"  {paper.title}" + (f"\n    {paper.url}" if paper.url else ""), markup=False)
    near = [f"{miss.paper.title} ({'lacks' if miss.missing else 'has'} {miss.term})" for miss in result.near_misses]
    for heading, lines in (
        ("Terms that brought nothing", result.idle),
        ("Terms nearly every hit has", result.dominant),
        ("One term away", near),
    ):
        if lines:
            out.print(f"\n{heading}", markup=False)
            for line in lines:
                out.print(f"  {line}", markup=False)


def explain_command(
    context: typer.Context,
    email: Annotated[str, typer.Argument(help="The reader's address.")],
    paper: Annotated[str, typer.Argument(help="An arXiv id, DOI, URL or exact title.")],
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Why this paper did or did not reach this reader, clause by clause."""
    parts = parts_of(context)
    start = moment_of(now)
    parts.sync(start)
    reader = one_of_the_readers(parts, email)
    paper_id, found = find_paper(parts, paper)
    subscriber = subscriber_of(reader.data)
    fates = _fates(parts, reader, paper_id)
    explained = [(profile, explain(profile.query, found)) for profile in subscriber.profiles]
    if as_json:
        print_json(
            {
                "email": reader.email,
                "paper": found.key,
                "matched": any(tree.true for _, tree in explained),
                "terms": [term for _, tree in explained for term in terms(tree)],
                "profiles": [
                    {"name": profile.name, "query": str(profile.query), "matched": tree.true, "terms": terms(tree)}
                    for profile, tree in explained
                ],
                "told": fates,
            }
        )
        return
    out.print(f"{found.title}\n{found.url}".rstrip() + "\n", markup=False)
    for profile, tree in explained:
        out.print(f"{profile.name}: {'matches' if tree.true else 'does not match'}", markup=False)
        _say_tree(tree, 1)
    if not subscriber.profiles:
        out.print("This reader has no profile: they get the trending papers.", markup=False)
    out.print("", markup=False)
    for fate in fates or [_not_told(reader, subscriber, found, any(tree.true for _, tree in explained))]:
        out.print(fate, markup=False)


def _say_tree(tree: Explained, depth: int) -> None:
    mark = "✓" if tree.true else "✗"
    where = f'  ("{tree.found}" in {tree.field})' if tree.kind == "term" and tree.true and tree.found else ""
    name = tree.text if tree.kind == "term" else tree.kind.upper()
    out.print(f"{'  ' * depth}{mark} {name}{where}", markup=False)
    for part in tree.parts:
        _say_tree(part, depth + 1)


def _fates(parts: Parts, reader: Reader, paper_id: int) -> list[str]:
    """What editions did with the paper, in words."""
    lines = []
    with parts.database.read() as tx:
        for told in editions.telling(tx, paper_id, subscriber_id=reader.id):
            if told.shown:
                fate = f"went out on {moment(told.sent_at)}" if told.sent_at else f"is {told.state}"
                lines.append(f"Told in the {told.kind} {told.slot}, which {fate} ({told.message_id}).")
            else:
                lines.append(f"Over the limit of papers in the {told.kind} {told.slot}: it was named there, not shown.")
    return lines


def _not_told(reader: Reader, subscriber: Subscriber, paper: Paper, matched: bool) -> str:
    if reader.status != "active":
        return f"Not told: the reader is {reader.status} since {moment(reader.status_since)} ({reader.status_reason})."
    if not matched:
        return "Not told: no profile matches it, and it has not been among the trending papers of an edition."
    if reader.told_at is None:
        return f"Not told yet: the first digest is due {moment(reader.next_due)}."
    if paper.first_seen and paper.first_seen > reader.told_at:
        return f"Not told yet: it came after the last edition; the next is due {moment(reader.next_due)}."
    return (
        f"Not told: it matched at the last edition ({moment(reader.told_at)}) already, over its limit of "
        f"{subscriber.max_papers}, or the profile was changed since."
    )


def find_paper(parts: Parts, text: str) -> tuple[int, Paper]:
    """A paper by any spelling of its identity. Raises UserError."""
    keys = _keys(text)
    with parts.database.read() as tx:
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
    """A message's whole life: reader, slot, papers, attempts, the relay's words."""
    parts = parts_of(context)
    whole = f"<{message_id.strip().strip('<>')}>"
    with parts.database.read() as tx:
        life = editions.life(tx, whole, tokens.reader_in(parts.identity.secret, whole))
        if life is None:
            raise UserError(f"No message has the id {message_id}.")
        papers = history.as_of(tx, life.paper_ids, life.revision)
    table: dict[str, Any] = {
        "message_id": life.message_id,
        "email": life.email,
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
    out.print(f"{life.kind} {life.slot} for {life.email}: {life.state}", markup=False)
    out.print(f"  due {moment(life.due)}, composed {moment(life.made)}, sent {moment(life.sent_at)}", markup=False)
    for at, outcome, words in life.attempts:
        out.print(f"  {moment(at)}  {outcome}: {words}", markup=False)
    if life.words:
        out.print(f"  the relay's last words: {life.words}", markup=False)
    for paper in papers.values():
        out.print(
            f"  - {paper.title}\n    from {', '.join(paper.sources)}, first seen {moment(paper.first_seen)}",
            markup=False,
        )


def who(
    context: typer.Context,
    paper: Annotated[str, typer.Argument(help="An arXiv id, DOI, URL or exact title.")],
    as_json: Json = False,
) -> None:
    """Everyone a paper went to."""
    parts = parts_of(context)
    paper_id, found = find_paper(parts, paper)
    with parts.database.read() as tx:
        told = [one for one in editions.telling(tx, paper_id) if one.shown]
    if as_json:
        print_json(
            [
                {"email": one.email, "kind": one.kind, "slot": one.slot, "state": one.state, "sent_at": one.sent_at}
                for one in told
            ]
        )
        return
    out.print(found.title, markup=False)
    for one in told:
        out.print(f"  {one.email}  {one.kind} {one.slot}  {one.state}  {moment(one.sent_at, none='')}", markup=False)
    out.print(f"{many(len(told), 'edition')}", markup=False)
