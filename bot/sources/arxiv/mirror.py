"""JSON others make of arXiv's announcements: an object with a list of papers under "papers"."""

from typing import Any

from bot.core import arxiv, clean, holidays, tex
from bot.core.documents import Parsed
from bot.core.papers import Listing
from bot.errors import SourceError


def read(data: object) -> Parsed:
    """The papers of {"date": …, "papers": [{"arxiv_id": …, "title": …}]}. Raises SourceError for other JSON."""
    papers = data.get("papers") if isinstance(data, dict) else data
    if not isinstance(papers, list) or not all(isinstance(paper, dict) for paper in papers):
        raise SourceError("the answer is JSON, but not of a kind that holds arXiv papers")
    table: dict[str, Any] = data if isinstance(data, dict) else {}
    day = clean.iso_day(table.get("date"))
    found = [_listing(paper, day) for paper in papers]
    listings = tuple(listing for listing in found if listing is not None)
    if papers and not listings:
        raise SourceError(f"none of the {len(papers)} entries is a paper of arXiv")
    warnings = []
    if len(listings) < len(papers):
        warnings.append(f"{len(papers) - len(listings)} entries have no arXiv identifier or no title")
    if isinstance(table.get("count"), int) and table["count"] != len(papers):
        warnings.append(f"the document counts {table['count']} papers and holds {len(papers)}")
    quiet = holidays.quiet(day) if day and not papers else ""
    stale = "" if papers or quiet else "the list is empty"
    return Parsed(listings=listings, warnings=tuple(warnings), quiet=quiet, stale=stale)


def _listing(paper: dict[str, Any], day: Any) -> Listing | None:
    authors, subjects = paper.get("authors"), paper.get("categories")
    return arxiv.listing(
        clean.line(paper.get("arxiv_id") or paper.get("id"), 100),
        clean.line(paper.get("title")),
        abstract=clean.line(paper.get("abstract") or paper.get("summary")),
        authors=tuple(tex.readable(clean.line(name, 300)) for name in authors) if isinstance(authors, list) else (),
        subjects=[
            clean.line(paper.get("primary_category"), 60),
            *(clean.line(item, 60) for item in (subjects if isinstance(subjects, list) else [])),
        ],
        listed=day,
        announce_type=clean.line(paper.get("announce_type"), 40).lower(),
        note=clean.line(paper.get("comment")),
        doi=clean.line(paper.get("doi"), 300),
        journal=clean.line(paper.get("journal_ref"), 500),
    )
