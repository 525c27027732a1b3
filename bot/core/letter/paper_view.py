"""What a letter shows of one paper: clean, cut, linked. Values for the templates; how they look is theirs. Pure."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from urllib.parse import quote, urlsplit

from bot.core.edition.edition import Reason
from bot.core.letter import excerpts
from bot.core.letter.excerpts import Extract, Passage
from bot.core.letter.letter import PersonalText
from bot.core.papers import Paper
from bot.core.query.quote import Quote
from bot.core.text import tex
from bot.core.text.sanitize import line, shortened, web_address

MAX_TITLE = 400
MAX_SUMMARY = 300
MAX_NAME = 80  # of a person, an organisation, a profile
MAX_ADDRESS = 1_000  # longer links are left out: they are not links of a paper
SHORT = 360  # characters of a short abstract
FULL = 4_000  # of a full one
SHOWN_QUOTES = 5
QUOTED = ("title", "abstract", "author", "category", "org", "source")  # fields with words; the others have numbers
BEST_LINK = ("abs", "hf", "doi", "pdf", "project", "code")  # where the title leads
SITES = {
    "arxiv.org": "arXiv",
    "biorxiv.org": "bioRxiv",
    "doi.org": "DOI",
    "huggingface.co": "Hugging Face",
    "medrxiv.org": "medRxiv",
    "openreview.net": "OpenReview",
    "pubmed.ncbi.nlm.nih.gov": "PubMed",
    "semanticscholar.org": "Semantic Scholar",
}
RISING = 0.5  # a paper rises when it gained half again over what it had


class Link(NamedTuple):
    """One way to a paper. `kind` is "abs" | "pdf" | "hf" | "code" | "project" | "doi"."""

    kind: Literal["abs", "pdf", "hf", "code", "project", "doi"]
    url: str
    site: str  # "arXiv", or the name of the host
    stars: int | None = None


class Authors(NamedTuple):
    """`first` are at most four, `last` is "" when all are named, `more` are not named; `total` is 0 when unknown."""

    first: tuple[str, ...]
    last: str
    more: int
    total: int


class Why(NamedTuple):
    """One profile that asked for the paper, and the words that answered: (words, fields they stand in).
    A condition on a number ("upvotes>=20") stands in no field."""

    profile: PersonalText
    words: tuple[tuple[PersonalText, tuple[str, ...]], ...]
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperView:
    """One paper as the templates see it: one-line strings without control or direction characters, http(s) links."""

    title: str
    url: str
    authors: Authors
    organization: str
    published: date | None
    listed: date | None
    categories: tuple[str, ...]
    upvotes: int | None
    rise: int | None  # only when > 0
    rise_over: timedelta | None
    rising: bool
    entered_top: bool
    comments: int | None
    stars: int | None
    summary: str
    abstract: str
    note: str
    journal: str
    news: str
    withdrawn: bool
    late: bool
    sources: tuple[str, ...]
    links: tuple[Link, ...]


@lru_cache(maxsize=16_384)
def title_of(title: str) -> str:
    """A title as it is shown: one line, TeX turned readable."""
    return line(tex.readable(line(title)), MAX_TITLE) or "(no title)"


@lru_cache(maxsize=16_384)
def name_of(name: str, limit: int = MAX_NAME) -> str:
    """A name (of a person, a profile, a source) as it is shown."""
    return line(name, limit)


class CardKey(NamedTuple):
    """All that decides how a paper's card looks, but for the matched words: equal keys are one card."""

    paper: Paper
    rise: int | None
    rise_over: timedelta | None
    entered_top: bool
    news: str


class Highlights(NamedTuple):
    """What of a paper answered a subscriber's profiles: the words to mark in it, and why it is here."""

    title_hits: tuple[str, ...]
    abstract_hits: tuple[str, ...]
    whys: tuple[Why, ...]


def highlights(reasons: tuple[Reason, ...]) -> Highlights:
    """Per profile the words that answered, each named once with all the fields it stands in."""
    quotes = [quote for reason in reasons for quote in reason.quotes]
    whys = tuple([Why(PersonalText(name_of(reason.profile)), *_words(reason.quotes)) for reason in reasons])
    return Highlights(excerpts.quoted(quotes, "title"), excerpts.quoted(quotes, "abstract"), whys)


class Extracts:
    """The title and at most `abstract` characters of the abstract, to look for matched words in."""

    def __init__(self, paper: Paper, abstract: int) -> None:
        known, body, _ = _known(paper)
        self.title = Passage(known.title)
        self.abstract = Extract(body, abstract) if abstract > 0 and body else None


def paper_view(key: CardKey, abstract: int) -> PaperView:
    """A paper as all letters show it whose cards have this key; `abstract` is the number of characters its abstract may
    have. Where matched words are marked belongs to each letter: slots of the template."""
    known, body, summary = _known(key.paper)
    shows = abstract > 0 and bool(body)
    rise = key.rise if key.rise is not None and key.rise > 0 else None
    had = (known.upvotes or 0) - (rise or 0)
    return replace(
        known,
        rise=rise,
        rise_over=key.rise_over,
        rising=rise is not None and rise >= 5 and rise >= had * RISING,
        entered_top=key.entered_top,
        summary="" if shows and body.startswith(summary.rstrip("…")) else summary,
        abstract=excerpts.cut(body, abstract) if shows else "",
        news=name_of(key.news, 160),
    )


@lru_cache(maxsize=2_048)
def _known(paper: Paper) -> tuple[PaperView, str, str]:
    """What every card of a paper has, its whole abstract, and its summary."""
    title = title_of(paper.title)
    links = links_of(paper)
    blank = PaperView(
        title=title,
        url=best_link(links),
        authors=authors(paper),
        organization=name_of(paper.organization),
        published=paper.published,
        listed=paper.listed if paper.listed != paper.published else None,
        categories=tuple(name_of(category, 40) for category in paper.categories[:6]),
        upvotes=paper.upvotes,
        rise=None,
        rise_over=None,
        rising=False,
        entered_top=False,
        comments=paper.comments,
        stars=paper.stars,
        summary="",
        abstract="",
        note=shortened(line(tex.readable(line(paper.note))), 160),
        journal=shortened(line(paper.journal), 160),
        news="",
        withdrawn=paper.withdrawn,
        late=paper.late,
        sources=tuple(name_of(source, 40) for source in paper.sources[:6]),
        links=links,
    )
    summary = excerpts.cut(line(tex.readable(line(paper.summary))), MAX_SUMMARY)
    return blank, line(tex.readable(line(paper.abstract)), FULL), summary


def authors(paper: Paper) -> Authors:
    """Who wrote it: three and the last, or all of four."""
    names = [name for name in (name_of(tex.readable(author)) for author in paper.authors) if name]
    count = max(len(names), paper.author_count or 0)
    if len(names) <= 4:
        return Authors(tuple(names), "", count - len(names), count)
    return Authors(tuple(names[:3]), names[-1], count - 4, count)


def links_of(paper: Paper) -> tuple[Link, ...]:
    """The http(s) links of a paper's record, none twice."""
    doi = f"https://doi.org/{quote(line(paper.doi), safe='/:;()._-~')}" if line(paper.doi).startswith("10.") else ""
    found: list[Link] = []
    candidates: list[tuple[Literal["abs", "pdf", "hf", "code", "project", "doi"], str]] = [
        ("abs", paper.url),
        ("pdf", paper.pdf_url),
        ("hf", paper.hf_url),
        ("code", paper.code_url),
        ("project", paper.project_url),
        ("doi", doi),
    ]
    for kind, text in candidates:
        url = web_address(text)
        if not url or len(url) > MAX_ADDRESS or any(url == link.url for link in found):
            continue
        host = (urlsplit(url).hostname or "").removeprefix("www.")
        site = SITES.get(host, name_of(host, 60))
        found.append(Link(kind, url, site, paper.stars if kind == "code" else None))
    return tuple(found)


def best_link(links: tuple[Link, ...]) -> str:
    """Where a paper's title leads; "" where it has no link."""
    return next((link.url for kind in BEST_LINK for link in links if link.kind == kind), "")


def _words(quotes: tuple[Quote, ...]) -> tuple[tuple[tuple[PersonalText, tuple[str, ...]], ...], int]:
    places: dict[str, tuple[str, list[str]]] = {}
    for one in quotes:
        quoted = one.field in QUOTED
        text = name_of(one.text if quoted else one.term)
        if text:
            fields = places.setdefault(text.casefold(), (text, []))[1]
            if quoted and one.field not in fields:
                fields.append(one.field)
    words = tuple((PersonalText(text), tuple(fields)) for text, fields in places.values())
    return words[:SHOWN_QUOTES], max(0, len(words) - SHOWN_QUOTES)
