"""The articles PubMed hands out by number (efetch): MEDLINE citations and books, as XML."""

import re
from datetime import date
from itertools import islice
from xml.etree.ElementTree import Element

from bot.core.papers import Listing, identity
from bot.core.papers.notice import notice_of
from bot.core.papers.paper import PaperKind
from bot.core.text import sanitize
from bot.core.text.tex_notation import script
from bot.sources.formats import dates, xml

MAX_KEYWORDS = 200
# Publication types (https://www.nlm.nih.gov/mesh/pubtypes.html) that are no articles.
_NOTICES: dict[str, PaperKind] = {
    "published erratum": "correction",
    "retraction of publication": "retraction",
    "expression of concern": "retraction",
}
# What stands where there is no title in English.
_NO_TITLE = frozenset({"", "not available", "in process citation", "no title available", "title not available"})
MAX_AUTHORS = 5_000


def listing(article: Element) -> Listing | None:
    """One article; None without a title or a number."""
    citation = xml.child(article, "MedlineCitation")
    body = xml.child(citation, "Article") if citation is not None else xml.child(article, "BookDocument")
    data = xml.child(article, "PubmedData")
    if data is None:
        data = xml.child(article, "PubmedBookData")
    number = sanitize.line(xml.text_of(citation if citation is not None else body, "PMID"), 20)
    title = _title(body)
    if not title or not number.isdecimal():
        return None
    doi, abstract = _doi(body, data), _abstract(body)
    kinds = {
        sanitize.line(item.text, 100).lower()
        for item in xml.children(xml.child(body, "PublicationTypeList"), "PublicationType")
    }
    groups = xml.children(citation, "KeywordList")
    words = [_plain(word) for group in groups for word in islice(xml.children(group, "Keyword"), MAX_KEYWORDS)]
    return Listing(
        title=title,
        keys=identity.keys_for(title, identifiers=[doi, f"pmid:{number}"]),
        abstract=abstract,
        authors=_authors(body),
        published=_published(body, data),
        listed=_history(data, "entrez") or _history(data, "pubmed"),
        url=f"https://pubmed.ncbi.nlm.nih.gov/{number}/",
        withdrawn="retracted publication" in kinds or _is_retracted(citation),
        kind=next((kind for name, kind in _NOTICES.items() if name in kinds), notice_of(title, abstract).kind),
        keywords=tuple(dict.fromkeys(word for word in words if word)),
        doi=identity.published_doi(doi),
        journal=_journal(body),
    )


def _title(body: Element | None) -> str:
    """The title, or the one in the language of the article where there is no other."""
    for path in (("ArticleTitle",), ("VernacularTitle",), ("Book", "BookTitle")):
        title = _plain(xml.child(body, *path)).strip()
        title = _untranslated(title)
        if title.rstrip(".").lower() in _NO_TITLE or title.lower().startswith("article in "):
            continue
        abbreviation = "." in title.rpartition(" ")[2][:-1]  # "in the U.S."
        return title if abbreviation else title.removesuffix(".")
    return ""


def _untranslated(title: str) -> str:
    """Without the brackets that mark a translation: "[Larks of the north]."; "[A] and [B]" has none."""
    bare = title.rstrip(".")
    if not (bare.startswith("[") and bare.endswith("]")):
        return title
    depth = 0
    for char in bare[:-1]:
        depth += (char == "[") - (char == "]")
        if depth == 0:
            return title
    return bare[1:-1]


def _is_retracted(citation: Element | None) -> bool:
    notes = xml.children(xml.child(citation, "CommentsCorrectionsList"), "CommentsCorrections")
    return any(note.get("RefType") == "RetractionIn" for note in notes)


def _plain(element: Element | None) -> str:
    """The text of an element with its sub- and superscripts in Unicode where they are simple."""
    if element is None:
        return ""

    def pieces(item: Element, depth: int) -> str:
        inner = (
            (item.text or "") + "".join(pieces(part, depth + 1) + (part.tail or "") for part in item)
            if depth < 20
            else ""
        )
        name = xml.local(item)
        if name in {"sup", "sub"} and re.fullmatch(r"[\d+\-−()niT]{1,4}", inner):
            return script("^" if name == "sup" else "_", inner)
        return inner

    return sanitize.line(pieces(element, 0))


def _abstract(body: Element | None) -> str:
    parts = []
    for part in xml.children(xml.child(body, "Abstract"), "AbstractText"):
        label = sanitize.line(part.get("Label"), 60)
        text = _plain(part)
        if text:
            parts.append(f"{label}: {text}" if label and label.upper() != "UNLABELLED" else text)
    return sanitize.line(" ".join(parts))


def _authors(body: Element | None) -> tuple[str, ...]:
    found = []
    for group in xml.children(body, "AuthorList"):
        if group.get("Type") == "editors":
            continue
        for author in islice(xml.children(group, "Author"), MAX_AUTHORS):
            given = _plain(xml.child(author, "ForeName")) or _plain(xml.child(author, "Initials"))
            parts = (given, _plain(xml.child(author, "LastName")), _plain(xml.child(author, "Suffix")))
            name = " ".join(part for part in parts if part) or _plain(xml.child(author, "CollectiveName"))
            if name:
                found.append(sanitize.line(name, 300))
    return tuple(found)


def _doi(body: Element | None, data: Element | None) -> str:
    for item in xml.children(body, "ELocationID"):
        if item.get("EIdType") == "doi" and item.get("ValidYN", "Y") == "Y" and (doi := identity.doi(item.text or "")):
            return doi
    for item in xml.children(xml.child(data, "ArticleIdList"), "ArticleId"):
        if item.get("IdType") == "doi" and (doi := identity.doi(item.text or "")):
            return doi
    return ""


def _journal(body: Element | None) -> str:
    """ "EJNMMI Res 16(1): 92", as far as it is known."""
    journal = xml.child(body, "Journal")
    name = _plain(xml.child(journal, "ISOAbbreviation")) or _plain(xml.child(journal, "Title"))
    issue = xml.child(journal, "JournalIssue")
    volume, number = _plain(xml.child(issue, "Volume")), _plain(xml.child(issue, "Issue"))
    pages = _plain(xml.child(body, "Pagination", "MedlinePgn"))
    if not name or not volume:
        return name
    return f"{name} {volume}{f'({number})' if number else ''}{f': {pages}' if pages else ''}"


def _published(body: Element | None, data: Element | None) -> date | None:
    printed = xml.child(body, "Journal", "JournalIssue", "PubDate")
    return _date(xml.child(body, "ArticleDate")) or _date(printed) or _history(data, "pubmed")


def _history(data: Element | None, status: str) -> date | None:
    for item in xml.children(xml.child(data, "History"), "PubMedPubDate"):
        if item.get("PubStatus") == status:
            return _date(item)
    return None


def _date(element: Element | None) -> date | None:
    """Year, month (number or name) and day. A month without a day is its first day ("1998 Dec-1999 Jan" begins in
    December); a year alone, or with a season, is no day."""
    if element is None:
        return None
    year, month, day = (sanitize.line(xml.text_of(element, part), 20) for part in ("Year", "Month", "Day"))
    period = sanitize.line(xml.text_of(element, "MedlineDate"), 60)
    medline = re.match(r"(\d{4})(?:\s+([A-Za-z]{3})(?:\s+(\d{1,2})\b)?)?", period)
    if medline and not year:
        year, month, day = medline[1], medline[2] or "", medline[3] or ""
    number = int(month) if month.isdecimal() else dates.month(month)
    first = int(day) if day.isdecimal() else 0
    return dates.read_day(year, number, first or 1) if number and year.isdecimal() else None
