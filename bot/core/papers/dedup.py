"""Which paper is each listing of a batch? Keys lead to papers; what contradicts them keeps papers apart.

The order of rules for one listing:

1. The very same listing was here before (same title, text and people): its paper.
2. A strong key (arXiv, DOI, PMID, address, guid) leads to papers. One is ruled out where a stronger identifier of the
   two differs, or where nothing else speaks for one paper (`_alike`) although the key is an address, a guid, or not
   the listing's strongest.
   If several remain, the listing shows that they are one, and they are united.
3. Only the title leads to papers: the one whose abstract and people agree with the listing's (`same_titled`).
4. It is a new paper.

Wrong merges are worse than missed ones: a paper that is told twice is a nuisance, one that is swallowed is lost.

Pure: `store` brings the papers a batch may be about and writes down what became of them; fields merge in `merge`."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.core.papers import identity, merge
from bot.core.papers.identity import is_weak, space
from bot.core.papers.paper import Listing, Paper

# Shares of the smaller of two sets that the other has, too. All decisions here are made with these.
SAME = 0.5  # people, or words of titles and texts, that are the same
SAME_TEXT = 0.6  # words of two abstracts under one title: enough by itself
LIKE_TEXT = 0.3  # ... enough if the people are the same

NAMESAKES = 20  # papers of one title among which a title still leads to one of them
MOST_GUIDS = 8  # of one paper: a feed that gives its entries new guids all the time would fill the database with them
LONGEST_GAP = 3 * 366  # days between two texts of one title, of which nothing else is known
_SINGLE = ("arxiv", "pmid")  # a paper has one number there
_REUSED = ("url", "guid")  # sites put other texts under them
_AGAINST = {  # different keys of these kinds overrule a shared key of this kind
    "arxiv": (),
    "doi": ("arxiv",),
    "pmid": ("arxiv",),
    "url": ("arxiv", "doi", "pmid"),
    "guid": ("arxiv", "doi", "pmid"),
    "title": ("arxiv", "doi", "pmid", "url"),
}


@dataclass(slots=True, eq=False)
class KnownPaper:
    """A paper while the listings of a batch are merged into it."""

    paper: Paper
    keys: set[str]  # all it is known by
    stored: Paper | None = None  # as the store has it; None: new
    id: int | None = None  # the store's
    into: "KnownPaper | None" = None  # the paper it turned out to be
    guids: set[str] = field(default_factory=set)  # of the listings of this batch


def identities(listing: Listing) -> tuple[str, ...]:
    """All keys that may lead to a listing's paper, strongest first.

    At most one arXiv and one PubMed number: a text that names another paper's is not that paper. Where the strongest
    is only a title, a guid or an address, also one made of what tells this very listing apart, so that the same listing
    always finds the same paper again.
    """
    keys: list[str] = []
    single: set[str] = set()
    for key in listing.keys:
        if space(key) in _SINGLE:
            if space(key) in single:
                continue
            single.add(space(key))
        keys.append(key)
    first = keys[0]
    if (earlier := _earlier_address(listing)) and earlier not in keys:
        keys.insert(len(keys) - (space(keys[-1]) == "title"), earlier)
    if is_weak(first):
        return own_key(listing), *keys
    if space(first) in _REUSED:
        title = keys[-1] if space(keys[-1]) == "title" else identity.title_key(listing.title)
        return identity.distinct(first, title), *keys
    return tuple(keys)


def _earlier_address(listing: Listing) -> str:
    """Where a page may have been before: many feeds give an entry its first address as guid, and keep that when the
    page moves. It leads to what was known by the address, and is no address of what is new."""
    return "" if listing.guid == listing.url else identity.address_key(listing.guid)


def own_key(listing: Listing) -> str:
    """The key of a new paper whose title key belongs to another paper already: its strongest key, or one made of what
    tells it apart."""
    if not is_weak(listing.key):
        return listing.key
    return identity.distinct(listing.key, listing.abstract, listing.authors, str(listing.published or ""))


class PaperIndex:
    """The papers a batch of listings may be of, found by their keys."""

    def __init__(self, known: Iterable[KnownPaper]) -> None:
        """`known` in a fixed order, each with all its keys: the same batch must always end alike."""
        self.listed: list[tuple[KnownPaper, Listing]] = []
        self.joined: list[tuple[KnownPaper, KnownPaper]] = []  # (loser, winner), in the order it turned out
        self._by_key: dict[str, list[KnownPaper]] = {}
        self._met: dict[int, KnownPaper] = {}
        for one in known:
            for key in one.keys:
                self._by_key.setdefault(key, []).append(one)

    def add(self, listing: Listing, now: datetime, keys: Sequence[str] | None = None) -> KnownPaper | None:
        """Merge one listing into its paper, a new one if none is known; None for what is no news (a replacement of a
        paper nobody here knows). `keys`: its `identities`, where somebody has them already."""
        keys = keys or identities(listing)
        known = self._find(listing, keys)
        if known is not None:
            known.paper = merge.merge(known.paper, listing, now)
        elif merge.introduces(listing):
            known = KnownPaper(self._under_free_key(merge.new_paper(listing, now), keys), set())
        else:
            return None
        earlier = _earlier_address(listing)
        for key in keys:
            if key != earlier or key in listing.keys:
                self._lead(key, known)
        if listing.guid:
            known.guids.add(listing.guid)
        self._met[id(known)] = known
        self.listed.append((known, listing))
        return known

    def _lead(self, key: str, known: KnownPaper) -> None:
        """From now on the key leads to this paper, if there is room."""
        owners = self._by_key.get(key)
        if owners is None:
            owners = self._by_key[key] = []
        elif owners and (known in owners or len(owners) >= (NAMESAKES if is_weak(key) else 1)):
            return
        if key.startswith("guid:") and len(_of(known.keys, "guid")) >= MOST_GUIDS:
            return
        owners.append(known)
        known.keys.add(key)

    @property
    def met(self) -> list[KnownPaper]:
        """The papers the batch was about, in the order they came."""
        return [known for known in self._met.values() if known.into is None]

    def _under_free_key(self, paper: Paper, keys: Sequence[str]) -> Paper:
        """The paper under its strongest key, or under the one of its own where that belongs to another paper."""
        return replace(paper, key=keys[0]) if self._by_key.get(paper.key) else paper

    def _find(self, listing: Listing, keys: Sequence[str]) -> KnownPaper | None:
        if self._by_key.keys().isdisjoint(keys):
            return None  # rule 4, and the case of nearly every listing that is new
        if keys[0] != listing.key and (same := self._by_key.get(keys[0])):
            return same[0]  # rule 1
        found: list[KnownPaper] = []
        for key in keys:
            if not is_weak(key):
                owners = self._by_key.get(key, ())
                found += [known for known in owners if known not in found and _fits(known, key, keys, listing)]
        if found:
            return found[0] if len(found) == 1 else self._unite(found)
        namesakes = [
            known
            for key in keys
            if is_weak(key)
            for known in self._by_key.get(key, ())
            if not _differ(known.keys, keys, _SINGLE)
            # Two entries of one document, each with a guid of its own, are two, however much they look alike.
            and not (listing.guid and known.guids - {listing.guid})
        ]
        paper = same_titled(listing, [known.paper for known in namesakes])
        return next((known for known in namesakes if known.paper is paper), None)

    def _unite(self, found: Sequence[KnownPaper]) -> KnownPaper:
        """A listing shows that papers known apart are one; those that cannot be the first one stay apart."""
        same = [found[0]]
        for known in found[1:]:
            if all(_may_be_one(known, other) for other in same):
                same.append(known)
        if len(same) == 1:
            return same[0]
        united = merge.unite([known.paper for known in same])
        winner = next(known for known in same if known.paper.key == united.key)
        winner.paper = united
        for loser in same:
            if loser is winner:
                continue
            loser.into = winner
            self.joined.append((loser, winner))
            winner.guids |= loser.guids
            for key in loser.keys:
                owners = [known for known in self._by_key[key] if known is not loser]
                if winner not in owners:
                    owners.append(winner)
                self._by_key[key] = owners
                winner.keys.add(key)
        self._met[id(winner)] = winner
        return winner


def survivor_of(known: KnownPaper) -> KnownPaper:
    """The paper that one turned out to be."""
    while known.into is not None:
        known = known.into
    return known


# --- Do two texts speak of one paper? ---------------------------------------------------------------------------------


def same_titled(listing: Listing, candidates: Iterable[Paper]) -> Paper | None:
    """The paper a listing is of, among those that share its (weak) title key; None if it is a new one.

    To be called only when no strong key of the listing is known. If it says None although papers with this title are
    known, the new paper's key is `own_key(listing)`.
    """
    fitting = [paper for paper in candidates if same_paper(paper, listing)]
    return min(fitting, key=merge.precedence, default=None)


def same_paper(paper: Paper, listing: Listing) -> bool:
    """Whether a listing with the same folded title is of this paper.

    Never for a title that says nothing, nor where identifiers, authors or abstracts contradict; else if the abstracts
    agree, or if one is missing and the title is long enough to be the only one of its kind.
    """
    if identity.folded(paper.title) != identity.folded(listing.title) or identity.generic(listing.title):
        return False
    if _contradict(paper, listing):
        return False
    people = _share(_last_names(paper.authors), _last_names(listing.authors))
    if people == 0:
        return False
    same_people = people is not None and people >= SAME
    text = _share(_words(paper.abstract), _words(listing.abstract))
    if text is not None or (paper.abstract and listing.abstract):
        return text is not None and (text >= SAME_TEXT or (text >= LIKE_TEXT and same_people))
    if same_people:
        return _telling(listing.title, words=3, letters=15)
    if paper.published and listing.published and abs((paper.published - listing.published).days) > LONGEST_GAP:
        return False
    return people is None and _telling(listing.title, words=5, letters=28)


def _alike(first: Paper, second: Paper | Listing) -> bool:
    """Whether title, people or abstract speak for one paper, given that some key already does."""
    return identity.folded(first.title) == identity.folded(second.title) or any(
        (share or 0.0) >= SAME
        for share in (
            _share(_last_names(first.authors), _last_names(second.authors)),
            _share(_words(first.abstract), _words(second.abstract)),
            _share(_words(first.title), _words(second.title)),
        )
    )


def _fits(known: KnownPaper, key: str, keys: Sequence[str], listing: Listing) -> bool:
    """Whether a shared key makes the listing one of this paper. A wrong DOI in somebody's metadata, or an address used
    again, must not make one of two papers."""
    kind = space(key)
    if _differ(known.keys, keys, _AGAINST.get(kind, _SINGLE)):
        return False
    if kind == "title":
        return True  # made of the very text
    return (kind not in _REUSED and kind == space(listing.key)) or _alike(known.paper, listing)


def _may_be_one(first: KnownPaper, second: KnownPaper) -> bool:
    if _differ(first.keys, second.keys, _SINGLE):
        return False
    dois, others = _of(first.keys, "doi"), _of(second.keys, "doi")
    if not dois & others and {key.split("/")[0] for key in dois} & {key.split("/")[0] for key in others}:
        return False  # one house registers a paper once; a preprint's house and a journal's are two
    return _alike(first.paper, second.paper)


def _contradict(paper: Paper, listing: Listing) -> bool:
    """Two different identifiers of one kind. Two DOIs may be a preprint and its journal, if registered by different
    houses; and one title on two pages of one site is two texts."""
    for kind, name in _identifiers(paper):
        others = {key.removeprefix(f"{kind}:") for key in _of(listing.keys, kind)}
        if not others or name in others:
            continue
        if kind in _SINGLE:
            return True
        house = name.removeprefix("https://").split("/")[0]
        if any(other.removeprefix("https://").split("/")[0] == house for other in others):
            return True
    return False


def _identifiers(paper: Paper) -> set[tuple[str, str]]:
    found = set()
    kind, _, name = paper.key.partition(":")
    if kind in ("arxiv", "doi", "pmid", "url"):
        found.add((kind, identity.unversioned(name)))
    for text in (paper.url, paper.hf_url, paper.pdf_url):
        if arxiv := identity.arxiv_id(text):
            found.add(("arxiv", arxiv[0]))
    if paper.doi:
        found.add(("doi", identity.unversioned(paper.doi.lower())))
    return found


def _of(keys: Iterable[str], kind: str) -> set[str]:
    return {key for key in keys if key.startswith(f"{kind}:")}


def _differ(keys: Iterable[str], others: Iterable[str], kinds: Iterable[str]) -> bool:
    """Whether both have keys of one of these kinds, and none in common."""
    for kind in kinds:
        mine, theirs = _of(keys, kind), _of(others, kind)
        if mine and theirs and not mine & theirs:
            return True
    return False


def _last_names(authors: Sequence[str]) -> set[str]:
    """The last word of each name, folded: what initials and order leave alone. A comma makes it the first."""
    names = (name.partition(",")[0] if "," in name else name for name in authors[:200])
    return {identity.folded(words[-1]) for name in names if (words := name.split())}


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]{4,}", text[:6_000].casefold()))


def _share(first: set[str], second: set[str]) -> float | None:
    """The share of the smaller set that is in the other; None if one is empty."""
    return len(first & second) / min(len(first), len(second)) if first and second else None


def _telling(title: str, words: int, letters: int) -> bool:
    return len(title.split()) >= words and len(identity.folded(title)) >= letters
