"""arXiv's search API (https://info.arxiv.org/help/api/user-manual.html): what was submitted on days that were missed.

Its dates are of submission, not of announcement, so the caller asks for more days than were missed."""

from dataclasses import replace
from datetime import datetime
from itertools import islice
from urllib.parse import urlencode
from xml.etree.ElementTree import Element

from bot.core.source.document import Document, Parsed, Request
from bot.core.text import sanitize
from bot.errors import SourceError
from bot.sources.formats import arxiv, xml
from bot.sources.formats.addresses import with_parameters

PAGE = 500
MAX_ENTRIES = 2_000  # of one page; the API sends no more
MAX_RESULTS = 10_000  # looked at for one outage; arXiv serves 30,000


def query(source: str, categories: list[str], start: datetime, end: datetime) -> Request:
    """The first page of what was submitted to these categories between two moments (UTC)."""
    wanted = " OR ".join(f"cat:{name}" if "." in name or "-" in name else f"cat:{name}.*" for name in categories)
    search = f"({wanted}) AND submittedDate:[{start:%Y%m%d%H%M} TO {end:%Y%m%d%H%M}]"
    parameters = {
        "search_query": search,
        "sortBy": "submittedDate",
        "sortOrder": "ascending",
        "start": "0",
        "max_results": str(PAGE),
    }
    joint = "&" if "?" in source else "?"
    return Request(location=f"{source}{joint}{urlencode(parameters)}", kind="api", late=True)


def read(root: Element, document: Document) -> Parsed:
    """The papers of one page of results, and the request for the next one.

    Raises SourceError for the API's error entry, and for a page that is empty although the API counts more.
    """
    request = document.request
    total, start = _number(root, "totalResults"), _number(root, "startIndex")
    entries = list(islice(xml.children(root, "entry"), MAX_ENTRIES))
    warnings = []
    listings = []
    for entry in entries:
        identifier = sanitize.line(xml.text_of(entry, "id"), 300)
        if "/api/errors" in identifier:
            reason = sanitize.line(xml.text_of(entry, "summary"), 200)
            raise SourceError(f"arXiv's API refused the query: {reason or 'no reason given'}")
        primary = xml.child(entry, "primary_category")
        found = arxiv.listing(
            identifier,
            xml.text_of(entry, "title"),
            abstract=xml.text_of(entry, "summary"),
            authors=_authors(entry),
            subjects=[
                primary.get("term", "") if primary is not None else "",
                *(item.get("term", "") for item in xml.children(entry, "category")),
            ],
            published=sanitize.iso_day(xml.text_of(entry, "published").strip()),
            note=xml.text_of(entry, "comment"),
            doi=xml.text_of(entry, "doi"),
            journal=xml.text_of(entry, "journal_ref"),
            late=request.late,
        )
        if found is None:
            warnings.append(f"an entry has no arXiv identifier or no title: {identifier!r}")
        else:
            listings.append(found)
    if not entries:
        return _empty(request, total, start)
    if not listings:
        raise SourceError(f"none of the {len(entries)} entries is a paper: arXiv's API has changed")
    seen = start + len(entries)
    if not request.kind.startswith("api") or seen >= total:
        return Parsed(listings=tuple(listings), warnings=tuple(warnings[:10]))
    if seen >= MAX_RESULTS:
        warnings.append(f"{total} papers were submitted on the missed days; only the first {seen} were fetched")
        return Parsed(listings=tuple(listings), warnings=tuple(warnings[:10]))
    following = replace(
        request, kind="api", location=with_parameters(request.location, start=str(seen), max_results=str(PAGE))
    )
    return Parsed(listings=tuple(listings), warnings=tuple(warnings[:10]), follow=(following,))


def _empty(request: Request, total: int, start: int) -> Parsed:
    """The API is known to answer falsely with nothing: it is asked once more, in other words, before it is believed."""
    if request.kind == "api":
        again = replace(
            request, kind="api-again", location=with_parameters(request.location, max_results=str(PAGE - 1))
        )
        return Parsed(follow=(again,), quiet="asked again")
    if total > start:
        raise SourceError(f"arXiv's API counts {total} papers but sent none from number {start} on: try later")
    return Parsed(quiet="nothing was submitted on the missed days" if request.kind else "the query found nothing")


def _authors(entry: Element) -> tuple[str, ...]:
    names = (arxiv.people(xml.text_of(item, "name")) for item in xml.children(entry, "author"))
    return tuple(", ".join(name) for name in names if name)


def _number(root: Element, name: str) -> int:
    text = xml.text_of(root, name).strip()
    return int(text) if text.isdecimal() and len(text) < 10 else 0
