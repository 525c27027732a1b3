"""Papers in the database: what a collection changes, and what was true of a paper at any revision.

Which listings are one paper, and how they merge, is decided in `core`; here it is looked up and written down.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from bot.core import identity, merging
from bot.core.papers import Listing, Paper
from bot.store.rows import chunks, dump, insert_or_ignore, load
from bot.store.tables import (
    LISTINGS,
    PAPER_KEYS,
    PAPER_STATES,
    PAPERS,
    REVISIONS,
    VOTES,
)

NUMBERS = ("upvotes", "comments", "stars")
ALWAYS_MOVING = (*NUMBERS, "first_seen")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a collection changed."""

    revision: int | None  # None: nothing at all
    new: int = 0
    changed: int = 0  # papers known before, of which anything but numbers changed
    voted: int = 0  # papers of which only numbers changed


@dataclass(slots=True)
class _Known:
    """A paper while its listings of one collection are merged into it."""

    id: int | None
    stored: Paper | None
    paper: Paper
    keys: set[str]


def record(tx: Connection, source: str, listings: Sequence[Listing], now: datetime, *, first: bool) -> Recorded:
    """Merge a collection's listings into the papers. Recording the same listings again changes nothing.

    `tx` must come from `Database.record()`. `first` marks the first collection of a source.
    """
    known = _KnownPapers(tx, listings)
    for listing in listings:
        known.add(listing, now)
    met = known.met()
    fresh = [one for one in met if one.id is None]
    moved = [one for one in met if one.id is not None and one.paper != one.stored]
    if not fresh and not moved and not known.joined:
        _write_listings(tx, source, known.listed, now)
        _write_keys(tx, met)
        return Recorded(None)

    revision = tx.execute(
        insert(REVISIONS).values(at=now, source=source, first=first).returning(REVISIONS.c.id)
    ).scalar_one()
    assert revision is not None
    for one in fresh:
        one.paper = replace(one.paper, first_seen=now)
    _insert_papers(tx, fresh, revision, now)
    changed = _update_papers(tx, moved, revision)
    _write_history(tx, fresh, moved, revision, now)
    for loser, winner in known.joined:
        _join(tx, loser, winner)
    _write_keys(tx, met)
    _write_listings(tx, source, known.listed, now)
    return Recorded(revision, new=len(fresh), changed=changed, voted=len(moved) - changed)


class _KnownPapers:
    """The papers a batch of listings may belong to, looked up in bulk."""

    def __init__(self, tx: Connection, listings: Sequence[Listing]) -> None:
        keys = sorted({key for listing in listings for key in listing.keys})
        ids: dict[str, int] = {}
        for part in chunks(keys):
            rows = tx.execute(select(PAPER_KEYS.c.key, PAPER_KEYS.c.paper_id).where(PAPER_KEYS.c.key.in_(part)))
            ids.update({key: paper_id for key, paper_id in rows})
        papers: dict[int, _Known] = {}
        for part in chunks(sorted(set(ids.values()))):
            for paper_id, data in tx.execute(select(PAPERS.c.id, PAPERS.c.data).where(PAPERS.c.id.in_(part))):
                paper = load(data)
                papers[paper_id] = _Known(paper_id, paper, paper, set())
        self._by_key = {key: papers[paper_id] for key, paper_id in ids.items() if paper_id in papers}
        self._met: dict[int, _Known] = {}
        self.listed: list[tuple[_Known, Listing]] = []
        self.joined: list[tuple[_Known, _Known]] = []  # (loser, winner)

    def add(self, listing: Listing, now: datetime) -> None:
        one = self._find(listing)
        if one is None:
            one = _Known(None, None, merging.merge(None, listing, now), set())
        else:
            one.paper = merging.merge(one.paper, listing, now)
        for key in listing.keys:
            if self._by_key.setdefault(key, one) is one:
                one.keys.add(key)
        self._met[id(one)] = one
        self.listed.append((one, listing))

    def met(self) -> list[_Known]:
        losers = {id(loser) for loser, _ in self.joined}
        return [one for one in self._met.values() if id(one) not in losers]

    def _find(self, listing: Listing) -> _Known | None:
        strong = [key for key in listing.keys if not identity.is_weak(key)]
        found: list[_Known] = []
        for key in strong:
            one = self._by_key.get(key)
            if one is not None and all(one is not other for other in found):
                found.append(one)
        if not found:
            for key in listing.keys:
                one = self._by_key.get(key)
                if identity.is_weak(key) and one is not None and identity.same_paper(one.paper, listing):
                    return one
            return None
        winner = min(found, key=lambda one: (one.id is None, one.id or 0))
        for loser in found:
            if loser is not winner:
                self._absorb(loser, winner)
        return winner

    def _absorb(self, loser: _Known, winner: _Known) -> None:
        """A listing shows that two papers known apart are one."""
        for key, one in list(self._by_key.items()):
            if one is loser:
                self._by_key[key] = winner
                winner.keys.add(key)
        self.listed = [(winner if one is loser else one, listing) for one, listing in self.listed]
        winner.paper = merging.join(winner.paper, loser.paper)
        self._met[id(winner)] = winner
        self.joined.append((loser, winner))


def _insert_papers(tx: Connection, fresh: list[_Known], revision: int, now: datetime) -> None:
    for part in chunks(fresh):
        rows = [
            {
                "key": one.paper.key,
                "first_seen": now,
                "born": revision,
                "revision": revision,
                "data": dump(one.paper),
            }
            for one in part
        ]
        tx.execute(insert(PAPERS), rows)
        ids = {
            key: paper_id
            for paper_id, key in tx.execute(
                select(PAPERS.c.id, PAPERS.c.key).where(PAPERS.c.key.in_([row["key"] for row in rows]))
            )
        }
        for one in part:
            one.id = ids[one.paper.key]


def _update_papers(tx: Connection, moved: list[_Known], revision: int) -> int:
    changed = 0
    for one in moved:
        tx.execute(update(PAPERS).where(PAPERS.c.id == one.id).values(revision=revision, data=dump(one.paper)))
        changed += _content_changed(one)
    return changed


def _content_changed(one: _Known) -> bool:
    assert one.stored is not None
    return any(
        getattr(one.paper, name) != getattr(one.stored, name)
        for name in one.paper.__slots__
        if name not in ALWAYS_MOVING
    )


def _write_history(tx: Connection, fresh: list[_Known], moved: list[_Known], revision: int, now: datetime) -> None:
    states = [
        {
            "paper_id": one.id,
            "revision": revision,
            "changes": ", ".join(merging.changes(one.stored, one.paper)) if one.stored else "",
            "data": dump(one.paper),
        }
        for one in (*fresh, *(one for one in moved if _content_changed(one)))
    ]
    votes = [
        {"paper_id": one.id, "revision": revision, "at": now, **{name: getattr(one.paper, name) for name in NUMBERS}}
        for one in (*fresh, *moved)
        if _numbers(one.paper) != (_numbers(one.stored) if one.stored else (None, None, None))
    ]
    if states:
        tx.execute(insert(PAPER_STATES), states)
    if votes:
        tx.execute(insert(VOTES), votes)


def _numbers(paper: Paper) -> tuple[int | None, ...]:
    return (paper.upvotes, paper.comments, paper.stars)


def _write_keys(tx: Connection, met: list[_Known]) -> None:
    rows = [{"key": key, "paper_id": one.id} for one in met for key in sorted(one.keys)]
    if rows:
        tx.execute(insert_or_ignore(tx, PAPER_KEYS), rows)


def _write_listings(tx: Connection, source: str, listed: list[tuple[_Known, Listing]], now: datetime) -> None:
    rows = {
        one.id: {
            "source": source,
            "paper_id": one.id,
            "first_seen": now,
            "listed": listing.listed,
            "announce_type": listing.announce_type,
            "late": listing.late,
        }
        for one, listing in reversed(listed)
    }
    if rows:
        tx.execute(insert_or_ignore(tx, LISTINGS), list(rows.values()))


def _join(tx: Connection, loser: _Known, winner: _Known) -> None:
    """The loser's past stays for the editions that told it; everything new belongs to the winner."""
    if loser.id is None:
        return
    tx.execute(update(PAPER_KEYS).where(PAPER_KEYS.c.paper_id == loser.id).values(paper_id=winner.id))
    already = select(LISTINGS.c.source).where(LISTINGS.c.paper_id == winner.id)
    tx.execute(delete(LISTINGS).where(LISTINGS.c.paper_id == loser.id, LISTINGS.c.source.in_(already)))
    tx.execute(update(LISTINGS).where(LISTINGS.c.paper_id == loser.id).values(paper_id=winner.id))
    tx.execute(delete(PAPERS).where(PAPERS.c.id == loser.id))
