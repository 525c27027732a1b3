"""Which paper is each listing of a batch? Keys lead to papers, what contradicts them keeps papers apart.

Pure: `store` brings the papers a batch may be about and writes down what became of them; fields merge in `merging`."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.papers import identity, merge
from bot.core.papers.paper import Listing, Paper

NAMESAKES = 20  # papers of one title among which a title still leads to one of them
_SINGLE = ("arxiv", "pmid")  # a paper has one number there
_AGAINST = {  # different keys of these kinds overrule a shared key of this kind
    "arxiv": (),
    "doi": ("arxiv",),
    "pmid": ("arxiv",),
    "url": ("arxiv", "doi", "pmid"),
    "title": ("arxiv", "doi", "pmid", "url"),
}


@dataclass(slots=True, eq=False)
class Entry:
    """A paper while the listings of a batch are merged into it."""

    paper: Paper
    keys: set[str]  # all it is known by
    stored: Paper | None = None  # as the store has it; None: new
    id: int | None = None  # the store's
    into: "Entry | None" = None  # the paper it turned out to be


def identities(listing: Listing) -> tuple[str, ...]:
    """All keys that may lead to a listing's paper, strongest first.

    At most one arXiv and one PubMed number: a text that names another paper's is not that paper. Where the strongest
    is only a title or an address, also one made of what tells this very listing apart, so that the same listing always
    finds the same paper again.
    """
    keys: list[str] = []
    single: set[str] = set()
    for key in listing.keys:
        space = _space(key)
        if space in _SINGLE:
            if space in single:
                continue
            single.add(space)
        keys.append(key)
    first = keys[0]
    if merge.is_weak(first):
        return merge.own_key(listing), *keys
    if _space(first) == "url":
        title = keys[-1] if _space(keys[-1]) == "title" else identity.title_key(listing.title)
        return identity.distinct(first, title), *keys
    return tuple(keys)


class Catalogue:
    """The papers a batch of listings may be of, found by their keys."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        """`entries` in a fixed order, each with all its keys: the same batch must always end alike."""
        self.listed: list[tuple[Entry, Listing]] = []
        self.joined: list[tuple[Entry, Entry]] = []  # (loser, winner), in the order it turned out
        self._by_key: dict[str, list[Entry]] = {}
        self._met: dict[int, Entry] = {}
        for entry in entries:
            for key in entry.keys:
                self._by_key.setdefault(key, []).append(entry)

    def add(self, listing: Listing, now: datetime) -> Entry | None:
        """Merge one listing into its paper, a new one if none is known; None for what is no news (a replacement of a
        paper nobody here knows)."""
        keys = identities(listing)
        entry = self._find(listing, keys)
        if entry is not None:
            entry.paper = merge.merge(entry.paper, listing, now)
        elif merge.introduces(listing):
            entry = Entry(self._under_free_key(merge.merge(None, listing, now), keys), set())
        else:
            return None
        for key in keys:
            owners = self._by_key.setdefault(key, [])
            room = NAMESAKES if merge.is_weak(key) else 1
            if entry not in owners and len(owners) < room:
                owners.append(entry)
                entry.keys.add(key)
        self._met[id(entry)] = entry
        self.listed.append((entry, listing))
        return entry

    @property
    def met(self) -> list[Entry]:
        """The papers the batch was about, in the order they came."""
        return [entry for entry in self._met.values() if entry.into is None]

    def _under_free_key(self, paper: Paper, keys: Sequence[str]) -> Paper:
        """The paper under its strongest key, or under the one of its own where that belongs to another paper."""
        return replace(paper, key=keys[0]) if self._by_key.get(paper.key) else paper

    def _find(self, listing: Listing, keys: Sequence[str]) -> Entry | None:
        found: list[Entry] = []
        if keys[0] != listing.key and (known := self._by_key.get(keys[0])):
            return known[0]  # this very listing was here before
        for key in keys:
            if not merge.is_weak(key):
                found += [
                    entry
                    for entry in self._by_key.get(key, ())
                    if entry not in found and _fits(entry, key, keys, listing)
                ]
        if len(found) > 1:
            return self._unite(found)
        if found:
            return found[0]
        candidates = [entry for key in keys if merge.is_weak(key) for entry in self._by_key.get(key, ())]
        candidates = [entry for entry in candidates if not _differ(entry.keys, keys, _SINGLE)]
        paper = merge.match(listing, [entry.paper for entry in candidates])
        return next((entry for entry in candidates if entry.paper is paper), None)

    def _unite(self, found: Sequence[Entry]) -> Entry:
        """A listing shows that papers known apart are one; those that cannot be the first one stay apart."""
        same = [found[0]]
        for entry in found[1:]:
            if all(_may_be_one(entry, other) for other in same):
                same.append(entry)
        if len(same) == 1:
            return same[0]
        united = merge.unite([entry.paper for entry in same])
        winner = next(entry for entry in same if entry.paper.key == united.key)
        winner.paper = united
        for loser in same:
            if loser is winner:
                continue
            loser.into = winner
            self.joined.append((loser, winner))
            for key in loser.keys:
                owners = [entry for entry in self._by_key[key] if entry is not loser]
                if winner not in owners:
                    owners.append(winner)
                self._by_key[key] = owners
                winner.keys.add(key)
        self._met[id(winner)] = winner
        return winner


def settled(entry: Entry) -> Entry:
    """The paper an entry turned out to be."""
    while entry.into is not None:
        entry = entry.into
    return entry


def _space(key: str) -> str:
    return key.partition(":")[0]


def _of(keys: Iterable[str], space: str) -> set[str]:
    return {key for key in keys if key.startswith(f"{space}:")}


def _fits(entry: Entry, key: str, keys: Sequence[str], listing: Listing) -> bool:
    """Whether a shared key makes the listing one of this paper. A wrong DOI in somebody's metadata, or an address used
    again, must not make one of two papers."""
    space = _space(key)
    if _differ(entry.keys, keys, _AGAINST.get(space, _SINGLE)):
        return False
    if space == "title":
        return True  # made of the very text
    return (space != "url" and space == _space(listing.key)) or _alike(entry.paper, listing)


def _differ(keys: Iterable[str], others: Iterable[str], spaces: Iterable[str]) -> bool:
    """Whether both have keys in one of these spaces, and none in common."""
    for space in spaces:
        mine, theirs = _of(keys, space), _of(others, space)
        if mine and theirs and not mine & theirs:
            return True
    return False


def _may_be_one(first: Entry, second: Entry) -> bool:
    if _differ(first.keys, second.keys, _SINGLE):
        return False
    dois, others = _of(first.keys, "doi"), _of(second.keys, "doi")
    if not dois & others and {key.split("/")[0] for key in dois} & {key.split("/")[0] for key in others}:
        return False  # one house registers a paper once; a preprint's house and a journal's are two
    return _alike(first.paper, second.paper)


def _alike(first: Paper, second: Paper | Listing) -> bool:
    """Whether title, people or abstract speak for one paper, or there is nothing to compare."""
    if identity.folded(first.title) == identity.folded(second.title):
        return True
    people = _share(_last_names(first.authors), _last_names(second.authors))
    texts = _share(_words(first.abstract), _words(second.abstract))
    if (people or 0.0) >= 0.5 or (texts or 0.0) >= 0.5:
        return True
    return (_share(_words(first.title), _words(second.title)) or 0.0) >= 0.5


def _last_names(authors: Sequence[str]) -> set[str]:
    names = (name.partition(",")[0] if "," in name else name for name in authors[:200])
    return {identity.folded(words[-1]) for name in names if (words := name.split())}


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]{3,}", text[:6_000].casefold()))


def _share(first: set[str], second: set[str]) -> float | None:
    """The share of the smaller set that is in the other; None if one is empty."""
    return len(first & second) / min(len(first), len(second)) if first and second else None
