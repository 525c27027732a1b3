"""JSON others make of arXiv's announcements: an object with a list of papers under "papers"."""

from datetime import date
from typing import Any

from bot.core.papers import Listing
from bot.core.source.document import Parsed
from bot.core.text import sanitize, tex
from bot.errors import SourceError
from bot.sources.formats import arxiv, calendars

MAX_PAPERS = 2_500  # a day has some hundreds
MAX_AUTHORS = 5_000


def read(data: object) -> Parsed:
    """The papers of {"date": …, "papers": [{"arxiv_id": …, "title": …}]}. Raises SourceError for other JSON."""
    papers = data.get("papers") if isinstance(data, dict) else data
    if not isinstance(papers, list) or not all(isinstance(paper, dict) for paper in papers):
        raise SourceError("the answer is JSON, but not of a kind that holds arXiv papers")
    table: dict[str, Any] = data if isinstance(data, dict) else {}
    day = sanitize.iso_day(table.get("date"))
    found = [_listing(paper, day) for paper in papers[:MAX_PAPERS]]
    listings = tuple(listing for listing in found if listing is not None)
    if papers and not listings:
        raise SourceError(f"none of the {len(papers)} entries is a paper of arXiv")
    warnings = []
    if len(papers) > MAX_PAPERS:
        warnings.append(f"the document holds {len(papers)} papers; only the first {MAX_PAPERS} were read")
    if len(listings) < len(found):
        warnings.append(f"{len(found) - len(listings)} entries have no arXiv identifier or no title")
    if isinstance(table.get("count"), int) and table["count"] != len(papers):
        warnings.append(f"the document counts {table['count']} papers and holds {len(papers)}")
    quiet = calendars.quiet(day) if day and not papers else ""
    stale = "" if papers or quiet else "the list is empty"
    return Parsed(listings=listings, warnings=tuple(warnings), quiet=quiet, stale=stale)


def _listing(paper: dict[str, Any], day: date | None) -> Listing | None:
    authors, subjects = paper.get("authors"), paper.get("categories")
    return arxiv.listing(
        sanitize.line(paper.get("arxiv_id") or paper.get("id"), 100),
        sanitize.line(paper.get("title")),
        abstract=sanitize.line(paper.get("abstract") or paper.get("summary")),
        authors=tuple(tex.readable(sanitize.line(name, 300)) for name in authors[:MAX_AUTHORS])
        if isinstance(authors, list)
        else (),
        subjects=[
            sanitize.line(paper.get("primary_category"), 60),
            *(sanitize.line(item, 60) for item in (subjects[:50] if isinstance(subjects, list) else [])),
        ],
        listed=day,
        announce_type=sanitize.line(paper.get("announce_type"), 40).lower(),
        note=sanitize.line(paper.get("comment")),
        doi=sanitize.line(paper.get("doi"), 300),
        journal=sanitize.line(paper.get("journal_ref"), 500),
    )
