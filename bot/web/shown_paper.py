"""What the pages and feeds show of a paper: clean lines, http(s) links, nothing else. Pure."""

from dataclasses import dataclass
from datetime import date

from bot.core.edition.edition import Pick
from bot.core.letter import one_line
from bot.core.letter.paper_view import FULL, authors, best_link, links_of, name_of, title_of
from bot.core.papers import Paper
from bot.core.text import tex
from bot.core.text.sanitize import line


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPaper:
    """One paper for a template."""

    title: str
    url: str
    authors: str
    author_count: int  # where `authors` does not name all of them, else 0
    day: date | None
    where: str  # "arXiv, hf"
    votes: int | None
    summary: str
    line: str  # the summary, else the authors' own sentence
    abstract: str
    links: tuple[tuple[str, str], ...]  # (what it is, address)
    more_url: str = ""
    less_url: str = ""
    save_url: str = ""


def clean(text: str) -> str:
    """Foreign text as one readable line."""
    return line(tex.readable(line(text)), FULL)


def shown_paper(paper: Paper, pick: Pick | None = None) -> ShownPaper:
    """A paper, with its signed links where there are some."""
    links = links_of(paper)
    names, count = authors_line(paper)
    title, summary, abstract = title_of(paper.title), clean(paper.summary), clean(paper.abstract)
    return ShownPaper(
        title=title,
        url=best_link(links),
        authors=names,
        author_count=count,
        day=paper.listed or (paper.first_seen.date() if paper.first_seen else paper.published),
        where=", ".join(name_of(source, 40) for source in paper.sources[:6]),
        votes=paper.upvotes,
        summary=summary,
        line=summary or one_line.sentence(abstract, title),
        abstract=abstract,
        links=tuple((link.site if link.kind != "pdf" else "PDF", link.url) for link in links),
        more_url=pick.more_url if pick else "",
        less_url=pick.less_url if pick else "",
        save_url=pick.save_url if pick else "",
    )


def authors_line(paper: Paper) -> tuple[str, int]:
    """ "A, B, C … Z", and how many there are if that is not all."""
    who = authors(paper)
    text = ", ".join(who.first)
    if who.last:
        text += f" … {who.last}"
    return text, (who.total or 0) if who.more > 0 else 0
