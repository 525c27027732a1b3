"""What a letter shows of one paper: clean, cut, linked. Values for the templates; how they look is theirs. Pure.

What one subscriber's profiles add to it belongs to `matched_words`.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from urllib.parse import quote, urlsplit

from bot.core.edition.edition import Pick
from bot.core.letter import excerpts, one_line
from bot.core.papers import Paper
from bot.core.text import tex
from bot.core.text.sanitize import line, shortened, web_address

MAX_TITLE = 400
MAX_NAME = 80  # of a person, an organisation, a profile
MAX_ADDRESS = 1_000  # longer links are left out: they are not links of a paper
FULL = 4_000  # characters of an abstract
LINES: "dict[Form, int]" = {"lead": 260, "card": 200, "compact": 95}  # characters of the one line
BEST_LINK = ("abs", "hf", "doi", "pdf", "project", "code")  # where the title leads
SITES = {
    "arxiv.org": "arXiv",
    "biorxiv.org": "bioRxiv",
    "doi.org": "DOI",
    "huggingface.co": "HF",
    "medrxiv.org": "medRxiv",
    "openreview.net": "OpenReview",
    "pubmed.ncbi.nlm.nih.gov": "PubMed",
    "semanticscholar.org": "Semantic Scholar",
}
RISING = 0.5  # a paper rises when it gained half again over what it had
OLD = timedelta(days=60)  # between a paper's publication and its list: worth saying

Form = Literal["lead", "card", "compact"]
LinkKind = Literal["abs", "pdf", "hf", "code", "project", "doi"]


class Link(NamedTuple):
    """One way to a paper."""

    kind: LinkKind
    url: str
    site: str  # "arXiv", or the name of the host
    stars: int | None = None


class Authors(NamedTuple):
    """`first` are at most four, `last` is "" when all are named, `more` are not named; `total` is 0 when unknown."""

    first: tuple[str, ...]
    last: str
    more: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperView:
    """One paper as the templates see it: one-line strings without control or direction characters, http(s) links."""

    form: Form
    title: str
    url: str
    authors: Authors
    organization: str
    day: date | None  # it came to the list
    place: str  # where: "HF", "arXiv"
    published: date | None  # only where that was long before
    categories: tuple[str, ...]
    upvotes: int | None
    rise: int | None  # only when > 0
    rise_over: timedelta | None
    rising: bool
    entered_top: bool
    comments: int | None
    stars: int | None
    line: str  # the one line on it
    line_by: str  # the model that wrote it; "" for what people wrote
    abstract: str  # "" but where the subscriber wants it
    note: str
    journal: str
    saved_by: int
    news: str
    withdrawn: bool
    late: bool
    sources: tuple[str, ...]
    links: tuple[Link, ...]
    thumbnail: str
    has_why: bool
    actions: tuple[str, ...]  # of "more", "less", "save": those that have a link, slot("more_url") and so on


class CardKey(NamedTuple):
    """All that decides how a paper's card looks, but for words and links of one subscriber: equal keys are one card."""

    paper: Paper
    form: Form
    abstract: int  # characters of it
    own_line: bool  # the authors' own sentence may stand for a missing summary
    rise: int | None = None
    rise_over: timedelta | None = None
    entered_top: bool = False
    saved_by: int = 0
    news: str = ""
    summary: str = ""  # a model's
    summary_by: str = ""
    has_picture: bool = False
    has_why: bool = False
    actions: tuple[str, ...] = ()


@lru_cache(maxsize=16_384)
def title_of(title: str) -> str:
    """A title as it is shown: one line, TeX turned readable."""
    return line(tex.readable(line(title)), MAX_TITLE) or "(no title)"


@lru_cache(maxsize=16_384)
def name_of(name: str, limit: int = MAX_NAME) -> str:
    """A name (of a person, a profile, a source) as it is shown."""
    return line(name, limit)


def card_key(pick: Pick, form: Form, abstract: int, *, own_line: bool, pictures: bool) -> CardKey:
    """The key of a pick's card, before it is known whether there is more to say."""
    return CardKey(
        paper=pick.paper,
        form=form,
        abstract=abstract,
        own_line=own_line,
        rise=pick.rise,
        rise_over=pick.rise_over,
        entered_top=pick.entered_top,
        saved_by=pick.saved_by,
        news=pick.news,
        summary=pick.summary,
        summary_by=pick.summary_by,
        has_picture=pictures and form == "lead",
        actions=() if form == "compact" else tuple(action_links(pick)),
    )


def action_links(pick: Pick) -> dict[str, str]:
    """The subscriber's own links to what can be done with a paper, by name; those there are."""
    links = {"more": pick.more_url, "less": pick.less_url, "save": pick.save_url}
    return {name: url for name, url in links.items() if url.startswith(("https://", "http://"))}


@lru_cache(maxsize=4_096)
def paper_view(key: CardKey) -> PaperView:
    """A paper as all letters show it whose cards have this key."""
    known, body, summary = _known(key.paper)
    rise = key.rise if key.rise is not None and key.rise > 0 else None
    had = (known.upvotes or 0) - (rise or 0)
    abstract = excerpts.shorten(body, key.abstract) if key.abstract > 0 else ""
    model = "" if summary else name_of(key.summary_by)
    by_model = line(key.summary, 1_000) if model else ""
    said = summary or by_model
    if not said and key.own_line and not abstract:
        said = one_line.sentence(body, known.title)
    if abstract and abstract.startswith(said.rstrip("….")):
        said = ""
    return replace(
        known,
        form=key.form,
        rise=rise,
        rise_over=key.rise_over,
        rising=rise is not None and rise >= 5 and rise >= had * RISING,
        entered_top=key.entered_top,
        line=excerpts.shorten(said, LINES[key.form]),
        line_by=model if by_model and said == by_model else "",
        abstract=abstract,
        saved_by=key.saved_by,
        news=name_of(key.news, 160),
        thumbnail=known.thumbnail if key.has_picture else "",
        has_why=key.has_why,
        actions=key.actions,
    )


@lru_cache(maxsize=2_048)
def _known(paper: Paper) -> tuple[PaperView, str, str]:
    """What every card of a paper has, its whole abstract, and its source's summary."""
    title = title_of(paper.title)
    links = links_of(paper)
    day = paper.listed or paper.published
    is_old = paper.listed and paper.published and paper.listed - paper.published > OLD
    blank = PaperView(
        form="card",
        title=title,
        url=best_link(links),
        authors=authors(paper),
        organization=name_of(paper.organization),
        day=day,
        place=_place(links) if day else "",
        published=paper.published if is_old else None,
        categories=tuple(name_of(category, 40) for category in paper.categories[:3]),
        upvotes=paper.upvotes,
        rise=None,
        rise_over=None,
        rising=False,
        entered_top=False,
        comments=paper.comments,
        stars=paper.stars,
        line="",
        line_by="",
        abstract="",
        note=shortened(line(tex.readable(line(paper.note))), 120),
        journal=shortened(line(paper.journal), 120),
        saved_by=0,
        news="",
        withdrawn=paper.withdrawn,
        late=paper.late,
        sources=tuple(name_of(source, 40) for source in paper.sources[:6]),
        links=links,
        thumbnail=web_address(paper.thumbnail_url) if len(paper.thumbnail_url) <= MAX_ADDRESS else "",
        has_why=False,
        actions=(),
    )
    return blank, line(tex.readable(line(paper.abstract)), FULL), line(tex.readable(line(paper.summary)), 1_000)


def authors(paper: Paper) -> Authors:
    """Who wrote it: three and the last, or all of four."""
    names = [name for name in (name_of(tex.readable(author)) for author in paper.authors) if name]
    count = max(len(names), paper.author_count or 0)
    if len(names) <= 4:
        return Authors(tuple(names), "", count - len(names), count)
    return Authors(tuple(names[:3]), names[-1], count - 4, count)


def links_of(paper: Paper) -> tuple[Link, ...]:
    """The http(s) links of a paper's record, none twice. A DOI is another name of the page, so it stands only where
    there is no page."""
    doi = f"https://doi.org/{quote(line(paper.doi), safe='/:;()._-~')}" if line(paper.doi).startswith("10.") else ""
    found: list[Link] = []
    candidates: list[tuple[LinkKind, str]] = [
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
        if kind == "doi" and any(link.kind == "abs" for link in found):
            continue
        host = (urlsplit(url).hostname or "").removeprefix("www.")
        site = SITES.get(host, name_of(host, 60))
        found.append(Link(kind, url, site, paper.stars if kind == "code" else None))
    return tuple(found)


def best_link(links: tuple[Link, ...]) -> str:
    """Where a paper's title leads; "" where it has no link."""
    return next((link.url for kind in BEST_LINK for link in links if link.kind == kind), "")


def _place(links: tuple[Link, ...]) -> str:
    """On which list a paper came; a day of Hugging Face's list is later than any other and the one to tell."""
    return next((link.site for kind in ("hf", "abs") for link in links if link.kind == kind), "")
