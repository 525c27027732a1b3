"""OAI-PMH answers in arXiv's own metadata formats, arXiv and arXivRaw: recordings of harvests."""

from xml.etree.ElementTree import Element

from bot.core import arxiv, clean, markup, tex
from bot.core.documents import Parsed
from bot.errors import SourceError


def read(root: Element) -> Parsed:
    """The records of an answer. Raises SourceError for an error answer."""
    error = markup.child(root, "error")
    if error is not None:
        if error.get("code") == "noRecordsMatch":
            return Parsed(quiet="no records match")
        raise SourceError(f"arXiv's OAI service refused: {clean.line(error.text, 200) or error.get('code', '')}")
    listings = []
    warnings = []
    records = list(markup.descendants(root, "record"))
    deleted = 0
    for record in records:
        header, data = markup.child(record, "header"), next(iter(markup.child(record, "metadata") or ()), None)
        if header is not None and header.get("status") == "deleted":
            deleted += 1
            continue
        versions = [item.get("version", "") for item in markup.children(data, "version")]
        number = markup.text_of(data, "id") or markup.text_of(header, "identifier")
        found = arxiv.listing(
            clean.line(number, 100) + (versions[-1] if versions else ""),
            markup.text_of(data, "title"),
            abstract=markup.text_of(data, "abstract"),
            authors=_authors(data),
            subjects=[markup.text_of(data, "categories")],
            published=clean.iso_day(markup.text_of(data, "created").strip()),
            note=markup.text_of(data, "comments"),
            doi=markup.text_of(data, "doi"),
            journal=markup.text_of(data, "journal-ref"),
        )
        if found is None:
            warnings.append(f"a record has no arXiv identifier or no title: {clean.line(number, 60)!r}")
        else:
            listings.append(found)
    if not records or (not listings and deleted < len(records)):
        raise SourceError("the OAI answer holds no record of arXiv")
    return Parsed(listings=tuple(listings), warnings=tuple(warnings[:10]), quiet="" if listings else "only deletions")


def _authors(data: Element | None) -> tuple[str, ...]:
    people = markup.child(data, "authors")
    if people is None:
        return ()
    names = [
        clean.line(" ".join(markup.text_of(person, part) for part in ("forenames", "keyname", "suffix")), 300)
        for person in markup.children(people, "author")
    ]
    if not names:  # arXivRaw: one string
        return arxiv.people(markup.text_of(people))
    return tuple(tex.readable(name) for name in names if any(char.isalpha() for char in name))
