"""Papers in the database: what a collection changes, and what was true of a paper at any revision.

Which listings are one paper, and how they merge, is decided in `core`; here it is looked up and written down.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from bot.core import merging
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


@dataclass(slots=True, eq=False)
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
    listings = merging.combine(listings)
    known = _KnownPapers(tx, listings)
    for listing in listings:
        known.add(listing, now)
    met = known.met()
    fresh = [one for one in met if one.id is None]
    moved = [one for one in met if one.id is not None and one.paper != one.stored]
    if not (fresh or moved or known.joined):
        _write_keys(tx, met)
        _write_listings(tx, source, known.listed, now)
        return Recorded(None)

    revision = tx.execute(
        insert(REVISIONS).values(at=now, source=source, first=first).returning(REVISIONS.c.id)
    ).scalar_one()
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
        ids: list[tuple[str, int]] = []
        for names in chunks(keys):
            rows = tx.execute(select(PAPER_KEYS.c.key, PAPER_KEYS.c.paper_id).where(PAPER_KEYS.c.key.in_(names)))
            ids += [(key, paper_id) for key, paper_id in rows]
        papers: dict[int, _Known] = {}
        for part in chunks(sorted({paper_id for _, paper_id in ids})):
            for paper_id, data in tx.execute(select(PAPERS.c.id, PAPERS.c.data).where(PAPERS.c.id.in_(part))):
                paper = load(data)
                papers[paper_id] = _Known(paper_id, paper, paper, set())
        self._by_key: dict[str, list[_Known]] = {}
        for key, paper_id in sorted(ids):
            if paper_id in papers:
                self._by_key.setdefault(key, []).append(papers[paper_id])
        self._met: dict[int, _Known] = {}
        self.listed: list[tuple[_Known, Listing]] = []
        self.joined: list[tuple[_Known, _Known]] = []  # (loser, winner)

    def add(self, listing: Listing, now: datetime) -> None:
        """Merge one listing into its paper, a new one if none is known."""
        one = self._find(listing)
        keys = set(listing.keys)
        if one is not None:
            one.paper = merging.merge(one.paper, listing, now)
        elif merging.introduces(listing):
            paper = merging.merge(None, listing, now)
            if self._by_key.get(paper.key):  # another paper has this title
                paper = replace(paper, key=merging.own_key(listing))
                keys.add(paper.key)
            one = _Known(None, None, paper, set())
        else:
            return
        for key in sorted(keys - one.keys):
            owners = self._by_key.setdefault(key, [])
            if not any(owner is one for owner in owners) and (merging.is_weak(key) or not owners):
                owners.append(one)
                one.keys.add(key)
        self._met[id(one)] = one
        self.listed.append((one, listing))

    def met(self) -> list[_Known]:
        """The papers the batch was about."""
        losers = {id(loser) for loser, _ in self.joined}
        return [one for one in self._met.values() if id(one) not in losers]

    def _find(self, listing: Listing) -> _Known | None:
        found: list[_Known] = []
        for key in listing.keys:
            for one in self._by_key.get(key, ()) if not merging.is_weak(key) else ():
                if all(one is not other for other in found):
                    found.append(one)
        if len(found) > 1:
            return self._unite(found)
        if found:
            return found[0]
        candidates = [one for key in listing.keys if merging.is_weak(key) for one in self._by_key.get(key, ())]
        paper = merging.match(listing, [one.paper for one in candidates])
        return next((one for one in candidates if one.paper is paper), None)

    def _unite(self, found: list[_Known]) -> _Known:
        """A listing shows that papers known apart are one."""
        united = merging.unite([one.paper for one in found])
        winner = next(one for one in found if one.paper.key == united.key)
        winner.paper = united
        losers = [one for one in found if one is not winner]
        for key, owners in self._by_key.items():
            if any(owner is loser for owner in owners for loser in losers):
                self._by_key[key] = [owner for owner in owners if all(owner is not loser for loser in losers)]
                if winner not in self._by_key[key]:
                    self._by_key[key].append(winner)
                winner.keys.add(key)
        self.listed = [(winner if one in losers else one, listing) for one, listing in self.listed]
        self._met[id(winner)] = winner
        self.joined += [(loser, winner) for loser in losers]
        return winner


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
    mine = select(PAPER_KEYS.c.key).where(PAPER_KEYS.c.paper_id == winner.id)
    tx.execute(delete(PAPER_KEYS).where(PAPER_KEYS.c.paper_id == loser.id, PAPER_KEYS.c.key.in_(mine)))
    tx.execute(update(PAPER_KEYS).where(PAPER_KEYS.c.paper_id == loser.id).values(paper_id=winner.id))
    already = select(LISTINGS.c.source).where(LISTINGS.c.paper_id == winner.id)
    tx.execute(delete(LISTINGS).where(LISTINGS.c.paper_id == loser.id, LISTINGS.c.source.in_(already)))
    tx.execute(update(LISTINGS).where(LISTINGS.c.paper_id == loser.id).values(paper_id=winner.id))
    tx.execute(delete(PAPERS).where(PAPERS.c.id == loser.id))
