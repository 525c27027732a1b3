"""What the program is about: a listing (a paper as one source shows it at one moment) and the paper itself.

Only values here. Keys are made in `identity`, which listings are one paper is decided in `dedup`, how they merge in
`merge`.
"""

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Literal, get_args

# How a list announces a paper, in arXiv's words, strongest first; "" where a list does not say.
AnnounceType = Literal["new", "cross", "replace", "replace-cross", ""]
ANNOUNCE_TYPES: tuple[AnnounceType, ...] = get_args(AnnounceType)
# What a text is beside an article, where that can be told ("" is an article): kept out of letters unless asked for.
PaperKind = Literal["", "correction", "retraction", "front matter", "book review"]


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper, merged from all its listings. What is unknown is None, "" or ()."""

    key: str  # the identity, e.g. "arxiv:2401.12345", "doi:10.1/x", "url:https://…", "title:…"
    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()  # names of the sources that listed it, first one first
    organization: str = ""
    upvotes: int | None = None
    comments: int | None = None
    stars: int | None = None
    published: date | None = None  # by its authors (arXiv: v1)
    url: str = ""  # its own page; http(s) or ""
    listed: date | None = None  # the latest day a list carried it
    first_seen: datetime | None = None  # by us, UTC
    author_count: int | None = None  # where a source gives only the number
    version: int | None = None
    withdrawn: bool = False
    late: bool = False  # found by catching up on a missed day
    summary: str = ""  # one line, by the source
    keywords: tuple[str, ...] = ()  # given by the source
    doi: str = ""  # bare, "10.…"
    journal: str = ""  # reference of the published version
    note: str = ""  # the authors' comment ("12 pages, accepted at …")
    submitter: str = ""  # who put it on the list
    pdf_url: str = ""
    hf_url: str = ""
    code_url: str = ""
    project_url: str = ""
    thumbnail_url: str = ""  # a small picture of it
    kind: PaperKind = ""

    def __hash__(self) -> int:
        """Of what tells papers apart: cards are looked up by their papers, and going through all fields takes longer
        than the rest of that."""
        return hash((self.key, self.title, self.upvotes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One paper as one source shows it at one moment. `keys` are all its identities, strongest first."""

    title: str
    keys: tuple[str, ...] = ()
    guid: str = ""  # the entry's own identifier, where its document gives each entry one; means nothing elsewhere
    abstract: str = ""
    authors: tuple[str, ...] = ()
    author_count: int | None = None
    categories: tuple[str, ...] = ()
    organization: str = ""
    upvotes: int | None = None
    comments: int | None = None
    stars: int | None = None
    published: date | None = None
    listed: date | None = None  # the day of the list or announcement
    url: str = ""
    source: str = ""  # the configured name of the source; the pipeline fills it in
    version: int | None = None
    announce_type: AnnounceType = ""
    withdrawn: bool = False
    late: bool = False
    summary: str = ""
    keywords: tuple[str, ...] = ()
    doi: str = ""
    journal: str = ""
    note: str = ""
    submitter: str = ""
    pdf_url: str = ""
    hf_url: str = ""
    code_url: str = ""
    project_url: str = ""
    thumbnail_url: str = ""
    kind: PaperKind = ""

    @property
    def key(self) -> str:
        """The strongest identity."""
        return self.keys[0]


def plain(value: Paper | Listing) -> dict[str, Any]:
    """A paper or listing as JSON types: dates in ISO 8601, tuples as lists. A listing also has `key` and `sources`."""
    table: dict[str, Any] = {}
    for field in fields(value):
        item = getattr(value, field.name)
        if isinstance(item, date):
            item = item.isoformat()
        table[field.name] = list(item) if isinstance(item, tuple) else item
    if isinstance(value, Listing):
        table = {"key": value.keys[0] if value.keys else "", **table, "sources": [value.source] if value.source else []}
    return table


def paper_from(table: dict[str, Any]) -> Paper:
    """The inverse of `plain` for a Paper. Unknown names are ignored, so an older program reads a newer row."""
    known = {field.name: table[field.name] for field in fields(Paper) if field.name in table}
    for name, item in known.items():
        if isinstance(item, list):
            known[name] = tuple(item)
    for name in ("published", "listed"):
        if known.get(name):
            known[name] = date.fromisoformat(known[name])
    if known.get("first_seen"):
        known["first_seen"] = datetime.fromisoformat(known["first_seen"])
    return Paper(**known)
