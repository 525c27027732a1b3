"""Papers in the database: what a collection changes. What was true of a paper at any revision is `history`'s.

Which listings are one paper, and how they merge, is decided in `core`; here it is looked up and written down.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from bot.core.papers import Listing, Paper, merge
from bot.core.papers.dedup import KnownPaper, PaperIndex, identities, survivor_of
from bot.store.sql import among, dump_paper, insert_rows, load_paper
from bot.store.tables.paper_rows import LISTINGS, MERGERS, METRICS, PAPER_KEYS, PAPER_STATES, PAPERS, REVISIONS

NUMBERS = ("upvotes", "comments", "stars")
BEFORE_ALL = 0  # a revision before the first: what has it was always known
ALWAYS_MOVING = (*NUMBERS, "first_seen")
CONTENT = tuple(name for name in Paper.__dataclass_fields__ if name not in ALWAYS_MOVING)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a collection changed."""

    revision: int | None  # None: nothing at all
    new: int = 0  # papers no source had brought before
    changed: int = 0  # papers known before, of which anything but numbers changed
    voted: int = 0  # papers of which only numbers changed
    came: int = 0  # papers this source had not listed before, whoever else had
    old: int = 0  # of the new ones: what was old when the source was first read, and is no news


def record(tx: Connection, source: str, listings: Sequence[Listing], now: datetime, *, first: bool) -> Recorded:
    """Merge a collection's listings into the papers. Recording the same listings again changes nothing.

    `tx` must come from `Database.record()`. `first` marks the first collection of a source: what was old by then is
    written down as if it had always been known, and first seen on the day it was published. So no edition takes it for
    news, neither one that asks what changed nor a first one that looks back.
    """
    if not listings:
        return Recorded(None)
    combined = [(listing, identities(listing)) for listing in merge.combine(listings)]
    known_papers = _known(tx, {key for _, keys in combined for key in keys})
    known_keys = {known.id: frozenset(known.keys) for known in known_papers}
    index = PaperIndex(known_papers)
    for listing, keys in combined:
        index.add(listing, now, keys)
    met = index.met
    backlog: list[KnownPaper] = []
    fresh: list[KnownPaper] = []
    for known in met:
        if known.id is None:
            old = first and merge.is_backlog(known.paper, now)
            (backlog if old else fresh).append(known)
            if old and known.paper.published:
                published = datetime.combine(known.paper.published, time(), UTC)
                known.paper = replace(known.paper, first_seen=published)
    moved = [known for known in met if known.id is not None and known.paper != known.stored]
    changed = sum(map(_content_changed, moved))
    revision = None
    if backlog:
        written = {id(known): dump_paper(known.paper) for known in backlog}
        _insert_papers(tx, backlog, BEFORE_ALL, written)
        _write_history(tx, backlog, [], BEFORE_ALL, now, written)
    if fresh or moved or index.joined:
        revision = tx.execute(
            insert(REVISIONS).values(at=now, source=source, first=first).returning(REVISIONS.c.id)
        ).scalar_one()
        written = {id(known): dump_paper(known.paper) for known in (*fresh, *moved)}
        _insert_papers(tx, fresh, revision, written)
        _update_papers(tx, moved, revision, written)
        _write_history(tx, fresh, moved, revision, now, written)
        for loser, winner in index.joined:
            if loser.id is not None:
                _join(tx, loser.id, survivor_of(winner), revision)
                known_keys[survivor_of(winner).id] = (
                    known_keys.get(survivor_of(winner).id, frozenset()) | known_keys[loser.id]
                )
    _write_keys(tx, met, known_keys)
    listed = [(survivor_of(known), listing) for known, listing in index.listed]
    came = _write_listings(tx, source, listed, now, {known.id for known in (*fresh, *backlog)})
    return Recorded(
        revision,
        new=len(fresh) + len(backlog),
        changed=changed,
        voted=len(moved) - changed,
        came=came,
        old=len(backlog),
    )


def listed_on(tx: Connection, source: str, keys: Iterable[str]) -> dict[str, date]:
    """Of these keys those whose papers a source has listed on a known day: key -> that day."""
    rows = tx.execute(
        select(PAPER_KEYS.c.key, LISTINGS.c.listed)
        .join(LISTINGS, LISTINGS.c.paper_id == PAPER_KEYS.c.paper_id)
        .where(among(tx, PAPER_KEYS.c.key, set(keys)), LISTINGS.c.source == source, LISTINGS.c.listed.is_not(None))
    )
    return {key: day for key, day in rows}


def _known(tx: Connection, keys: Iterable[str]) -> list[KnownPaper]:
    """The papers known by some of these keys, each with all its keys, in the order they were first known."""
    ids = set(tx.execute(select(PAPER_KEYS.c.paper_id).where(among(tx, PAPER_KEYS.c.key, keys))).scalars())
    if not ids:
        return []
    known_papers: dict[int, KnownPaper] = {}
    rows = tx.execute(select(PAPERS.c.id, PAPERS.c.data).where(among(tx, PAPERS.c.id, ids)).order_by(PAPERS.c.id))
    for paper_id, data in rows:
        paper = load_paper(data)
        known_papers[paper_id] = KnownPaper(paper, set(), stored=paper, id=paper_id)
    named = select(PAPER_KEYS.c.key, PAPER_KEYS.c.paper_id).where(among(tx, PAPER_KEYS.c.paper_id, ids))
    for key, paper_id in tx.execute(named):
        if paper_id in known_papers:
            known_papers[paper_id].keys.add(key)
    return list(known_papers.values())


def _insert_papers(tx: Connection, fresh: list[KnownPaper], revision: int, written: dict[int, str]) -> None:
    rows = [(known.paper.key, known.paper.first_seen, revision, revision, written[id(known)]) for known in fresh]
    before = tx.execute(select(func.max(PAPERS.c.id))).scalar() or 0
    insert_rows(tx, PAPERS, ("key", "first_seen", "born", "revision", "data"), rows, unless=("key",))
    # Only one transaction at a time records papers, so these are the ones that have just been written.
    ids = {key: paper_id for key, paper_id in tx.execute(select(PAPERS.c.key, PAPERS.c.id).where(PAPERS.c.id > before))}
    for known in fresh:
        known.id = ids[known.paper.key]


def _update_papers(tx: Connection, moved: list[KnownPaper], revision: int, written: dict[int, str]) -> None:
    rows = [
        {
            "this": known.id,
            "first_seen": known.paper.first_seen,  # earlier than it was if it swallowed an older one
            "revision": revision,
            "data": written[id(known)],
        }
        for known in moved
    ]
    if rows:
        tx.execute(update(PAPERS).where(PAPERS.c.id == bindparam("this")), rows)


def _content_changed(known: KnownPaper) -> bool:
    return any(getattr(known.paper, name) != getattr(known.stored, name) for name in CONTENT)


def _write_history(
    tx: Connection,
    fresh: list[KnownPaper],
    moved: list[KnownPaper],
    revision: int,
    now: datetime,
    written: dict[int, str],
) -> None:
    states = [
        (
            known.id,
            revision,
            ", ".join(merge.changes(known.stored, known.paper)) if known.stored else "",
            written[id(known)],
        )
        for known in (*fresh, *(known for known in moved if _content_changed(known)))
    ]
    metrics = [
        (known.id, revision, now, *_numbers(known.paper))
        for known in (*fresh, *moved)
        if _numbers(known.paper) != (_numbers(known.stored) if known.stored else (None, None, None))
    ]
    place = ("paper_id", "revision")
    insert_rows(tx, PAPER_STATES, (*place, "changes", "data"), states, unless=place)
    insert_rows(tx, METRICS, (*place, "at", *NUMBERS), metrics, unless=place)


def _numbers(paper: Paper) -> tuple[int | None, ...]:
    return (paper.upvotes, paper.comments, paper.stars)


def _write_keys(tx: Connection, met: list[KnownPaper], stored: dict[int | None, frozenset[str]]) -> None:
    nothing: frozenset[str] = frozenset()
    rows = [(key, known.id) for known in met for key in sorted(known.keys - stored.get(known.id, nothing))]
    insert_rows(tx, PAPER_KEYS, ("key", "paper_id"), rows, unless=("key", "paper_id"))


def _write_listings(
    tx: Connection, source: str, listed: list[tuple[KnownPaper, Listing]], now: datetime, fresh: Collection[int | None]
) -> int:
    """Which papers this source lists from now on; returns how many. `fresh` papers nobody has listed before."""
    rows = {
        known.id: (source, known.id, now, listing.listed, listing.announce_type, listing.late)
        for known, listing in reversed(listed)
    }
    if perhaps := rows.keys() - fresh:
        before = select(LISTINGS.c.paper_id).where(LISTINGS.c.source == source, among(tx, LISTINGS.c.paper_id, perhaps))
        for paper_id in tx.execute(before).scalars():
            del rows[paper_id]
    names = ("source", "paper_id", "first_seen", "listed", "announce_type", "late")
    insert_rows(tx, LISTINGS, names, list(rows.values()), unless=("source", "paper_id"))
    return len(rows)


def _join(tx: Connection, loser: int, winner: KnownPaper, revision: int) -> None:
    """The loser's past stays, for the editions that told it and for those who ask what was true then; its names and
    whatever comes belong to the winner."""
    for table, mark in ((PAPER_KEYS, PAPER_KEYS.c.key), (LISTINGS, LISTINGS.c.source)):
        both = select(mark).where(table.c.paper_id == winner.id)
        tx.execute(delete(table).where(table.c.paper_id == loser, mark.in_(both)))
        tx.execute(update(table).where(table.c.paper_id == loser).values(paper_id=winner.id))
    tx.execute(delete(PAPERS).where(PAPERS.c.id == loser))
    tx.execute(insert(MERGERS).values(loser=loser, winner=winner.id, revision=revision))
