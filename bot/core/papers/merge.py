"""Listings become papers: how a new listing changes a paper, how two papers become one, and what to call the change.

All pure and deterministic; merging the same listing again changes nothing. Which listing is of which paper is decided
in `dedup`."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from bot.core.papers import identity
from bot.core.papers.paper import ANNOUNCE_TYPES, Listing, Paper

BACKLOG_AGE = timedelta(days=31)  # the longest period of an edition
_IN_BOTH = tuple(name for name in Paper.__dataclass_fields__ if name in Listing.__dataclass_fields__)
_told = attrgetter(*_IN_BOTH)


# --- How does it change the paper? ------------------------------------------------------------------------------------


def introduces(listing: Listing) -> bool:
    """Whether a listing of an unknown paper is news: a replacement announced of an old paper is not."""
    return not listing.announce_type.startswith("replace")


def is_backlog(paper: Paper, now: datetime) -> bool:
    """Whether a paper was old already when its source was first read: published longer ago than any edition looks
    back, and on no list of a recent day."""
    return paper.listed is None and paper.published is not None and paper.published < (now - BACKLOG_AGE).date()


def new_paper(listing: Listing, now: datetime) -> Paper:
    """A paper as its first listing tells it; `now` (UTC) is when we first saw it."""
    told: dict[str, Any] = dict(zip(_IN_BOTH, _told(listing), strict=True))
    told["categories"] = tuple(dict.fromkeys(listing.categories))
    sources = (listing.source,) if listing.source else ()
    return Paper(key=listing.key, sources=sources, first_seen=now, **told)


def merge(paper: Paper | None, listing: Listing, now: datetime) -> Paper:
    """The paper as it is after this listing; `now` (UTC) is when we first saw a new one.

    Text comes from arXiv's newest version where there is one, else from the first source, which may correct itself.
    What only Hugging Face knows comes from there. Numbers are the newest, unless an older list repeats old ones.
    A source that lacks a field never erases it. Key and first_seen never change.
    """
    if paper is None:
        return new_paper(listing, now)
    version, known = listing.version, paper.version
    newer = version is not None and (known is None or version > known)
    older = version is not None and known is not None and version < known
    first = not paper.sources or paper.sources[0] == listing.source
    writes = newer or (not older and first and (known is None or version is not None))  # may replace text
    current = listing.listed is None or paper.listed is None or listing.listed >= paper.listed
    hub = bool(listing.hf_url)

    def text(name: str, authority: bool) -> str:
        old, new = str(getattr(paper, name)), str(getattr(listing, name))
        return new if new and (authority or not old) else old

    def words(name: str, authority: bool) -> tuple[str, ...]:
        old: tuple[str, ...] = getattr(paper, name)
        new: tuple[str, ...] = getattr(listing, name)
        return new if new and (authority or not old) else old

    def number(name: str) -> int | None:
        old: int | None = getattr(paper, name)
        new: int | None = getattr(listing, name)
        counts = current and (hub or not paper.hf_url)  # a saved page repeats old numbers for ever
        return new if new is not None and (counts or old is None) else old

    gone = listing.withdrawn and bool(paper.abstract)  # "this paper has been withdrawn" is no abstract
    return replace(
        paper,
        title=text("title", writes),
        abstract=text("abstract", writes and not gone),
        authors=words("authors", writes),
        categories=tuple(dict.fromkeys((*listing.categories, *paper.categories)))
        if version is not None and not older
        else tuple(dict.fromkeys((*paper.categories, *listing.categories))),
        sources=tuple(dict.fromkeys((*paper.sources, *([listing.source] if listing.source else [])))),
        organization=text("organization", hub),
        upvotes=number("upvotes"),
        comments=number("comments"),
        stars=number("stars"),
        author_count=number("author_count"),
        published=min(filter(None, (paper.published, listing.published)), default=None),
        listed=max(filter(None, (paper.listed, listing.listed)), default=None),
        url=text("url", version is not None),
        version=version if newer else known,
        withdrawn=listing.withdrawn if newer else paper.withdrawn or (listing.withdrawn and not older),
        summary=text("summary", hub),
        keywords=words("keywords", hub),
        doi=text("doi", not older and (first or version is not None)),
        journal=text("journal", not older and (first or version is not None)),
        note=text("note", writes),
        submitter=text("submitter", False),
        pdf_url=text("pdf_url", version is not None),
        hf_url=text("hf_url", hub),
        code_url=text("code_url", hub),
        project_url=text("project_url", hub),
        thumbnail_url=text("thumbnail_url", hub),
        kind=listing.kind if writes else paper.kind,
    )


def combine(listings: Iterable[Listing]) -> tuple[Listing, ...]:
    """Each paper once, in order: of several announcements of one paper in a batch, the strongest type and all fields.

    To be used within one source, whose listings of one key are of one paper.
    """
    found: dict[tuple[str, str, str], Listing] = {}
    for listing in listings:
        key = (listing.key, *((listing.abstract, listing.guid) if identity.is_weak(listing.key) else ("", "")))
        other = found.get(key)
        found[key] = listing if other is None else _combined(other, listing)
    return tuple(found.values())


def _combined(first: Listing, second: Listing) -> Listing:
    """The newer version's fields, filled from the other; the stronger announcement; late only if both are."""
    if (second.version or 0) > (first.version or 0):
        first, second = second, first
    filled = {
        name: getattr(second, name)
        for name in Listing.__dataclass_fields__
        if getattr(first, name) in (None, "", ()) and getattr(second, name) not in (None, "", ())
    }
    filled["announce_type"] = min(first.announce_type, second.announce_type, key=ANNOUNCE_TYPES.index)
    filled["late"] = first.late and second.late
    filled["keys"] = (*first.keys[:-1], *(key for key in second.keys[:-1] if key not in first.keys), first.keys[-1])
    return replace(first, **filled)


# --- Two known papers turn out to be one ------------------------------------------------------------------------------


def unite(papers: Sequence[Paper]) -> Paper:
    """One paper of several that a listing showed to be the same: the survivor, filled from the others.

    It keeps its key: the strongest identity, then the one seen first. The others' keys become aliases of it.
    """
    survivor, *others = sorted(papers, key=precedence)
    for other in others:
        filled = {
            name: getattr(other, name)
            for name in Paper.__dataclass_fields__
            if getattr(survivor, name) in (None, "", ()) and getattr(other, name) not in (None, "", ())
        }
        filled |= {
            "sources": tuple(dict.fromkeys((*survivor.sources, *other.sources))),
            "categories": tuple(dict.fromkeys((*survivor.categories, *other.categories))),
            "published": min(filter(None, (survivor.published, other.published)), default=None),
            "listed": max(filter(None, (survivor.listed, other.listed)), default=None),
            "first_seen": min(filter(None, (survivor.first_seen, other.first_seen)), default=None),
            "withdrawn": survivor.withdrawn or other.withdrawn,
            "late": survivor.late and other.late,
        }
        survivor = replace(survivor, **filled)
    return survivor


def precedence(paper: Paper) -> tuple[int, float, str]:
    """What orders papers that may be one: the strongest identity first, then the one seen first."""
    seen = paper.first_seen.timestamp() if paper.first_seen else 0.0
    space = identity.space(paper.key)
    return identity.SPACES.index(space) if space in identity.SPACES else len(identity.SPACES), seen, paper.key


# --- What to call a change --------------------------------------------------------------------------------------------


def changes(before: Paper, after: Paper) -> tuple[str, ...]:
    """What a subscriber who was told of `before` should know now: "v2", "withdrawn", "title", "abstract",
    "now published in …"; () if nothing of that kind changed."""
    found = []
    if after.withdrawn and not before.withdrawn:
        found.append("withdrawn")
    if before.withdrawn and not after.withdrawn:
        found.append("no longer withdrawn")
    if before.version is not None and after.version is not None and after.version > before.version:
        found.append(f"v{after.version}")
    if identity.folded(before.title) != identity.folded(after.title):
        found.append("title")
    if before.abstract and before.abstract != after.abstract:
        found.append("abstract")
    if after.journal and after.journal != before.journal:
        found.append(f"now published in {after.journal}")
    elif after.doi != before.doi and (before.doi or before.key.startswith("arxiv:")):
        found.append(f"now published as doi:{after.doi}")
    return tuple(found)
