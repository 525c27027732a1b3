"""OAI-PMH answers in arXiv's own metadata formats, arXiv and arXivRaw: recordings of harvests."""

from itertools import islice
from xml.etree.ElementTree import Element

from bot.core.source.document import Parsed
from bot.core.text import sanitize, tex
from bot.errors import SourceError
from bot.sources.formats import arxiv, xml

MAX_RECORDS = 2_500  # of one answer; the service sends 1,000


def read(root: Element) -> Parsed:
    """The records of an answer. Raises SourceError for an error answer."""
    error = xml.child(root, "error")
    if error is not None:
        if error.get("code") == "noRecordsMatch":
            return Parsed(quiet="no records match")
        raise SourceError(f"arXiv's OAI service refused: {sanitize.line(error.text, 200) or error.get('code', '')}")
    listings = []
    warnings = []
    records = list(islice(xml.descendants(root, "record"), MAX_RECORDS))
    deleted = 0
    for record in records:
        header, data = xml.child(record, "header"), next(iter(xml.child(record, "metadata") or ()), None)
        if header is not None and header.get("status") == "deleted":
            deleted += 1
            continue
        versions = [item.get("version", "") for item in xml.children(data, "version")]
        number = xml.text_of(data, "id") or xml.text_of(header, "identifier")
        found = arxiv.listing(
            sanitize.line(number, 100) + (versions[-1] if versions else ""),
            xml.text_of(data, "title"),
            abstract=xml.text_of(data, "abstract"),
            authors=_authors(data),
            subjects=[xml.text_of(data, "categories")],
            published=sanitize.iso_day(xml.text_of(data, "created").strip()),
            note=xml.text_of(data, "comments"),
            doi=xml.text_of(data, "doi"),
            journal=xml.text_of(data, "journal-ref"),
        )
        if found is None:
            warnings.append(f"a record has no arXiv identifier or no title: {sanitize.line(number, 60)!r}")
        else:
            listings.append(found)
    if not records or (not listings and deleted < len(records)):
        raise SourceError("the OAI answer holds no record of arXiv")
    return Parsed(listings=tuple(listings), warnings=tuple(warnings[:10]), quiet="" if listings else "only deletions")


def _authors(data: Element | None) -> tuple[str, ...]:
    people = xml.child(data, "authors")
    if people is None:
        return ()
    names = [
        sanitize.line(" ".join(xml.text_of(person, part) for part in ("forenames", "keyname", "suffix")), 300)
        for person in xml.children(people, "author")
    ]
    if not names:  # arXivRaw: one string
        return arxiv.people(xml.text_of(people))
    return tuple(tex.readable(name) for name in names if any(char.isalpha() for char in name))
