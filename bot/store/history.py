"""What is true of papers now, and what was true at any revision. Only questions; `papers` writes the answers down."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from bot.core.papers import Paper
from bot.store.sql import chunks, load_paper
from bot.store.tables.paper_rows import MERGERS, METRICS, PAPER_KEYS, PAPER_STATES, PAPERS, REVISIONS


class Revision(NamedTuple):
    """A point in the history of all papers."""

    id: int
    at: datetime


class MetricSnapshot(NamedTuple):
    """A paper's numbers from a moment on."""

    at: datetime
    upvotes: int | None
    comments: int | None
    stars: int | None


def latest_revision(tx: Connection) -> Revision | None:
    """The newest revision; None in an empty store."""
    row = tx.execute(select(REVISIONS.c.id, REVISIONS.c.at).order_by(REVISIONS.c.id.desc()).limit(1)).first()
    return Revision(*row) if row else None


def revision_at(tx: Connection, revision: int) -> datetime | None:
    return tx.execute(select(REVISIONS.c.at).where(REVISIONS.c.id == revision)).scalar()


def _select(tx: Connection, where: ColumnElement[bool]) -> dict[int, Paper]:
    rows = tx.execute(select(PAPERS.c.id, PAPERS.c.data).where(where).order_by(PAPERS.c.id))
    return {paper_id: load_paper(data) for paper_id, data in rows}


def changed_since(tx: Connection, revision: int, until: int) -> dict[int, Paper]:
    """Papers of which anything changed after `revision`, as they were at `until`.

    Some that changed only after `until` may be among them, as they were before: a diff finds nothing in them.
    """
    return _at(tx, PAPERS.c.revision > revision, until) | _swallowed(tx, revision, until)


def seen_since(tx: Connection, moment: datetime, until: int | None = None) -> dict[int, Paper]:
    """Papers first seen after that moment, as they were at a revision (now, if none is given)."""
    found: dict[int, Paper] = {}
    for part in seen_since_in_parts(tx, moment, until):
        found |= part
    return dict(sorted(found.items()))


def seen_since_in_parts(tx: Connection, moment: datetime, until: int | None = None) -> Iterator[dict[int, Paper]]:
    """The same, some hundred at a time: for who needs to look at each of a month's papers but to keep none."""
    ids = tx.execute(select(PAPERS.c.id).where(PAPERS.c.first_seen > moment).order_by(PAPERS.c.id)).scalars().all()
    for part in chunks(ids):
        where = PAPERS.c.id.in_(part)
        yield _select(tx, where) if until is None else _at(tx, where, until)
    if until is not None:
        swallowed = as_of(tx, tx.execute(select(MERGERS.c.loser).where(MERGERS.c.revision > until)).scalars(), until)
        yield {number: paper for number, paper in swallowed.items() if paper.first_seen and paper.first_seen > moment}


def _at(tx: Connection, where: ColumnElement[bool], until: int) -> dict[int, Paper]:
    """Papers as they were at a revision: as they are, mostly, for nobody recorded anything since."""
    papers: dict[int, Paper] = {}
    moved_on: list[int] = []
    rows = tx.execute(select(PAPERS.c.id, PAPERS.c.revision, PAPERS.c.data).where(where).order_by(PAPERS.c.id))
    for paper_id, revision, data in rows:
        if revision <= until:
            papers[paper_id] = load_paper(data)
        else:
            moved_on.append(paper_id)
    return papers | as_of(tx, moved_on, until) if moved_on else papers


def _swallowed(tx: Connection, revision: int, until: int) -> dict[int, Paper]:
    """Papers that changed between two revisions and turned out to be others only later."""
    losers = set(tx.execute(select(MERGERS.c.loser).where(MERGERS.c.revision > until)).scalars())
    changed: set[int] = set()
    for part in chunks(sorted(losers)):
        for table in (PAPER_STATES, METRICS):
            window = (table.c.revision > revision, table.c.revision <= until)
            changed.update(tx.execute(select(table.c.paper_id).where(table.c.paper_id.in_(part), *window)).scalars())
    return as_of(tx, changed, until)


def forebears(tx: Connection, ids: Iterable[int], revision: int) -> dict[int, set[int]]:
    """For papers that swallowed others after a revision: which. Those were papers of their own then."""
    found: dict[int, set[int]] = {}
    winners = {paper_id: paper_id for paper_id in ids}  # any of them, or a loser: whose it is in the end
    asked = sorted(winners)
    while asked:
        losers = []
        for part in chunks(asked):
            rows = tx.execute(
                select(MERGERS.c.loser, MERGERS.c.winner).where(
                    MERGERS.c.winner.in_(part), MERGERS.c.revision > revision
                )
            )
            for loser, winner in rows:
                winners[loser] = winners[winner]
                found.setdefault(winners[winner], set()).add(loser)
                losers.append(loser)
        asked = sorted(losers)
    return found


def current(tx: Connection, ids: Iterable[int], until: int) -> dict[int, int]:
    """What became of papers that turned out to be others up to a revision: old number -> new one."""
    became: dict[int, int] = {}
    asked = sorted(set(ids))
    while asked:
        step: dict[int, int] = {}
        for part in chunks(asked):
            rows = tx.execute(
                select(MERGERS.c.loser, MERGERS.c.winner).where(MERGERS.c.loser.in_(part), MERGERS.c.revision <= until)
            )
            step.update({loser: winner for loser, winner in rows})
        became = {old: step.get(new, new) for old, new in became.items()} | {
            old: new for old, new in step.items() if old not in became
        }
        asked = sorted(set(step.values()))
    return became


def find(tx: Connection, words: str) -> tuple[int, Paper] | None:
    """One paper by any of its keys."""
    paper_id = tx.execute(select(PAPER_KEYS.c.paper_id).where(PAPER_KEYS.c.key == words)).scalar()
    if paper_id is None:
        return None
    return next(iter(_select(tx, PAPERS.c.id == paper_id).items()), None)


def as_of(tx: Connection, ids: Iterable[int], revision: int) -> dict[int, Paper]:
    """Papers as they were at a revision; those not yet known then are missing."""
    return {paper_id: paper for paper_id, (paper, _) in with_numbers(tx, ids, revision).items()}


def with_numbers(
    tx: Connection, ids: Iterable[int], revision: int
) -> dict[int, tuple[Paper, Sequence[MetricSnapshot]]]:
    """Papers as they were at a revision, each with its numbers up to then, oldest first; those not yet known then are
    missing."""
    found: dict[int, tuple[Paper, Sequence[MetricSnapshot]]] = {}
    for part in chunks(sorted(set(ids))):
        newest = (
            select(PAPER_STATES.c.paper_id, func.max(PAPER_STATES.c.revision).label("revision"))
            .where(PAPER_STATES.c.paper_id.in_(part), PAPER_STATES.c.revision <= revision)
            .group_by(PAPER_STATES.c.paper_id)
            .subquery()
        )
        states = tx.execute(
            select(PAPER_STATES.c.paper_id, PAPER_STATES.c.data).join(
                newest,
                (PAPER_STATES.c.paper_id == newest.c.paper_id) & (PAPER_STATES.c.revision == newest.c.revision),
            )
        ).all()
        numbers = snapshots(tx, part, until=revision)
        for paper_id, data in states:
            paper, history = load_paper(data), numbers.get(paper_id, ())
            if history:
                last = history[-1]
                paper = replace(paper, upvotes=last.upvotes, comments=last.comments, stars=last.stars)
            found[paper_id] = (paper, history)
    return found


def snapshots(tx: Connection, ids: Iterable[int], *, until: int) -> dict[int, list[MetricSnapshot]]:
    """The numbers of papers over time, oldest first, up to and with a revision."""
    history: dict[int, list[MetricSnapshot]] = {}
    for part in chunks(sorted(set(ids))):
        rows = tx.execute(
            select(METRICS.c.paper_id, METRICS.c.at, METRICS.c.upvotes, METRICS.c.comments, METRICS.c.stars)
            .where(METRICS.c.paper_id.in_(part), METRICS.c.revision <= until)
            .order_by(METRICS.c.paper_id, METRICS.c.revision)
        )
        for paper_id, *numbers in rows:
            history.setdefault(paper_id, []).append(MetricSnapshot(*numbers))
    return history


def changes_since(tx: Connection, ids: Iterable[int], revision: int, *, until: int | None = None) -> dict[int, str]:
    """In words, what changed of papers after a revision (and up to another): "v2, title"."""
    words: dict[int, list[str]] = {}
    for part in chunks(sorted(set(ids))):
        rows = tx.execute(
            select(PAPER_STATES.c.paper_id, PAPER_STATES.c.changes)
            .where(
                PAPER_STATES.c.paper_id.in_(part),
                PAPER_STATES.c.revision > revision,
                *([PAPER_STATES.c.revision <= until] if until is not None else []),
                PAPER_STATES.c.changes != "",
            )
            .order_by(PAPER_STATES.c.revision)
        )
        for paper_id, changes in rows:
            words.setdefault(paper_id, []).append(changes)
    return {paper_id: ", ".join(dict.fromkeys(", ".join(parts).split(", "))) for paper_id, parts in words.items()}


def born(tx: Connection, paper_id: int) -> int:
    """The revision that brought a paper."""
    return int(tx.execute(select(PAPERS.c.born).where(PAPERS.c.id == paper_id)).scalar_one())


def born_first(tx: Connection, ids: Iterable[int]) -> set[int]:
    """Those of the papers that came with the first collection of their source."""
    found: set[int] = set()
    for part in chunks(sorted(set(ids))):
        rows = tx.execute(
            select(PAPERS.c.id)
            .join(REVISIONS, REVISIONS.c.id == PAPERS.c.born)
            .where(PAPERS.c.id.in_(part), REVISIONS.c.first)
        )
        found.update(paper_id for (paper_id,) in rows if paper_id is not None)
    return found


def revision_before(tx: Connection, moment: datetime) -> int:
    """The last revision made up to a moment; 0 where there was none."""
    return tx.execute(select(func.max(REVISIONS.c.id)).where(REVISIONS.c.at <= moment)).scalar() or 0


def days(tx: Connection, since: datetime, until: datetime) -> list[date]:
    """The days (UTC) on which anything changed, newest first."""
    moments = select(REVISIONS.c.at).where(REVISIONS.c.at > since, REVISIONS.c.at <= until)
    return sorted({at.date() for at in tx.execute(moments).scalars()}, reverse=True)


def by_ids(tx: Connection, ids: Iterable[int]) -> dict[int, Paper]:
    """Papers as they are now; those nobody knows are missing."""
    found: dict[int, Paper] = {}
    for part in chunks(sorted(set(ids))):
        found |= _select(tx, PAPERS.c.id.in_(part))
    return found


def by_keys(tx: Connection, keys: Iterable[str]) -> dict[str, Paper]:
    """Papers by any of their identities, those that are known."""
    found: dict[str, Paper] = {}
    for part in chunks(list(keys)):
        rows = tx.execute(
            select(PAPER_KEYS.c.key, PAPERS.c.data)
            .join(PAPERS, PAPERS.c.id == PAPER_KEYS.c.paper_id)
            .where(PAPER_KEYS.c.key.in_(part))
        )
        found |= {key: load_paper(data) for key, data in rows}
    return found


def count(tx: Connection) -> int:
    """How many papers there are."""
    return tx.execute(select(func.count()).select_from(PAPERS)).scalar_one()
