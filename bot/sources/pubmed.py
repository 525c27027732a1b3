"""`pubmed`: a saved PubMed search, through NCBI's E-utilities (https://www.ncbi.nlm.nih.gov/books/NBK25499/).

First the search answers with numbers (esearch), then the articles are fetched by number (efetch)."""

import json
import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from xml.etree.ElementTree import Element

from bot.core.papers import Listing, identity
from bot.core.source.document import Document, Parsed, Progress, Request
from bot.core.source.redact import require_address
from bot.core.text import sanitize, tex
from bot.errors import SourceError
from bot.sources.formats import xml

API = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
OVERLAP = timedelta(days=2)  # an article may be searchable a day after it was entered
BATCH = 200  # articles fetched in one request
MAX_FOUND = 2_000
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The search."""

    term: str = field(default="", metadata={"help": "the search, as in PubMed's search box"})
    url: str = field(default=API, metadata={"help": "the E-utilities' folder, a mirror of it, or a recorded answer"})
    days: int = field(default=7, metadata={"help": "how many days the first search looks back"})
    catch_up: int = field(default=60, metadata={"help": "how many days a search looks back after an outage"})

    def __post_init__(self) -> None:
        require_address("url", self.url)
        if not self.term.strip() and self.url.endswith("/"):
            raise ValueError('term is empty: give a search, such as term = "crispr[Title] AND humans[MeSH]"')
        if not 1 <= self.days <= 365 or not 1 <= self.catch_up <= 365:
            raise ValueError("days and catch_up must be 1 to 365")


def requests(settings: Settings, progress: Progress, now: datetime) -> list[Request]:
    """The search, for what was entered since shortly before the last success; a recording is asked for as it is."""
    if not settings.url.endswith("/"):
        return [Request(location=settings.url, kind="recording")]
    since = now - timedelta(days=settings.days)
    if progress.last_success is not None:
        since = max(progress.last_success - OVERLAP, now - timedelta(days=settings.catch_up))
    parameters = {
        "db": "pubmed",
        "term": settings.term,
        "datetype": "edat",
        "mindate": f"{since:%Y/%m/%d}",
        "maxdate": f"{now + timedelta(days=1):%Y/%m/%d}",
        "retmax": str(MAX_FOUND),
        "retmode": "json",
        "tool": "paperlark",
    }
    return [Request(location=f"{settings.url}esearch.fcgi?{urlencode(parameters)}", kind="search")]


def quiet(settings: Settings, now: datetime) -> str:
    """How often a search finds something is its own affair."""
    return "a search may find nothing new"


def parse(document: Document, settings: Settings) -> Parsed:
    """The articles of an efetch answer, or, for a search, the requests for what it found. Raises SourceError."""
    text = sanitize.decode(document.body, document.content_type).strip()
    if not text:
        raise SourceError("the answer is empty")
    if text.startswith("{"):
        return _found(*_json_numbers(text), document.request)
    name = xml.root_name(text)
    if name == "html":
        raise SourceError("the answer is a web page, not an answer of the E-utilities")
    if name not in {"esearchresult", "pubmedarticleset", "pubmedarticle", "pubmedbookarticleset", "esummaryresult"}:
        what = f"<{name}>" if name else repr(sanitize.line(text, 60))
        raise SourceError(f"the answer is no list of PubMed articles: it begins with {what}")
    try:
        root = xml.tree(text)
    except ValueError as problem:
        raise SourceError(str(problem)) from None
    error = sanitize.line(xml.text_of(root, "ERROR"), 300)
    if error:
        raise SourceError(f"PubMed answered: {error}")
    if name == "esearchresult":
        numbers = [sanitize.line(item.text, 20) for item in xml.children(xml.child(root, "IdList"), "Id")]
        return _found(numbers, _integer(xml.text_of(root, "Count")), document.request)
    if name == "esummaryresult":
        raise SourceError("this answer (esummary) has no abstracts: ask for efetch with retmode=xml")
    articles = [root] if name == "pubmedarticle" else list(xml.children(root, "PubmedArticle", "PubmedBookArticle"))
    found = [_listing(article) for article in articles]
    listings = tuple(listing for listing in found if listing is not None)
    if not listings:
        raise SourceError(
            f"none of the {len(articles)} articles has a title" if articles else "the answer holds no article"
        )
    lost = len(articles) - len(listings)
    return Parsed(listings=listings, warnings=(f"{lost} articles have no title",) if lost else ())


# --- The search -------------------------------------------------------------------------------------------------------


def _json_numbers(text: str) -> tuple[list[str], int]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise SourceError("the answer is JSON that is damaged or cut off") from None
    result = data.get("esearchresult") if isinstance(data, dict) else None
    problem = (
        sanitize.line(data.get("error") or (result or {}).get("ERROR"), 300)
        if isinstance(result, (dict, type(None)))
        else ""
    )
    if problem or not isinstance(result, dict):
        raise SourceError(
            f"PubMed answered: {problem}" if problem else "the answer is JSON, but not of a PubMed search"
        )
    numbers = result.get("idlist")
    return [sanitize.line(n, 20) for n in (numbers if isinstance(numbers, list) else [])], _integer(result.get("count"))


def _found(numbers: list[str], count: int, request: Request) -> Parsed:
    numbers = [number for number in dict.fromkeys(numbers) if re.fullmatch(r"[1-9]\d{0,8}", number)]
    if not numbers:
        if count:
            raise SourceError(f"PubMed counts {count} articles but names none")
        return Parsed(quiet="nothing new matches the search")
    if request.kind != "search":
        raise SourceError(
            "a search answer holds only numbers, no articles: let url be the E-utilities' folder, or efetch"
        )
    folder = request.location.partition("esearch.fcgi")[0]
    batches = [numbers[at : at + BATCH] for at in range(0, len(numbers), BATCH)]
    follow = tuple(
        Request(
            location=f"{folder}efetch.fcgi?db=pubmed&retmode=xml&tool=paperlark&id={','.join(batch)}", kind="articles"
        )
        for batch in batches
    )
    many = (
        (f"the search finds {count} articles; the newest {len(numbers)} were read: narrow it",)
        if count > len(numbers)
        else ()
    )
    return Parsed(follow=follow, warnings=many, quiet="the articles follow")


def _integer(value: object) -> int:
    text = sanitize.line(value, 20)
    return int(text) if text.isdecimal() else 0


# --- An article -------------------------------------------------------------------------------------------------------


def _listing(article: Element) -> Listing | None:
    citation = xml.child(article, "MedlineCitation")
    body = xml.child(citation, "Article") if citation is not None else xml.child(article, "BookDocument")
    data = xml.child(article, "PubmedData")
    if data is None:
        data = xml.child(article, "PubmedBookData")
    number = sanitize.line(xml.text_of(citation if citation is not None else body, "PMID"), 20)
    title = _plain(xml.child(body, "ArticleTitle")) or _plain(xml.child(body, "VernacularTitle"))
    title = title or _plain(xml.child(body, "Book", "BookTitle"))
    title = re.sub(r"^\[(.+)\]\.?$", r"\1", title).removesuffix(".")  # brackets mark a translated title
    if not title or not number.isdecimal():
        return None
    doi = _doi(body, data)
    kinds = {
        sanitize.line(item.text, 100).lower()
        for item in xml.children(xml.child(body, "PublicationTypeList"), "PublicationType")
    }
    words = [_plain(word) for group in xml.children(citation, "KeywordList") for word in xml.children(group, "Keyword")]
    return Listing(
        title=title,
        keys=identity.keys_for(title, identifiers=[doi, f"pmid:{number}"]),
        abstract=_abstract(body),
        authors=_authors(body),
        published=_published(body, data),
        listed=_history(data, "entrez") or _history(data, "pubmed"),
        url=f"https://pubmed.ncbi.nlm.nih.gov/{number}/",
        withdrawn=bool(kinds & {"retracted publication", "retraction of publication"}),
        keywords=tuple(dict.fromkeys(word for word in words if word)),
        doi="" if doi.startswith("10.48550/arxiv.") else doi,
        journal=_journal(body),
    )


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
            return tex.script("^" if name == "sup" else "_", inner)
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
        for author in xml.children(group, "Author"):
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
    """Year, month (number or name) and day; what is missing is the first. "1998 Dec-1999 Jan" begins in December."""
    if element is None:
        return None
    year, month, day = (sanitize.line(xml.text_of(element, part), 20) for part in ("Year", "Month", "Day"))
    medline = re.match(r"(\d{4})(?:\s+([A-Za-z]{3}))?", sanitize.line(xml.text_of(element, "MedlineDate"), 60))
    if medline and not year:
        year, month = medline[1], medline[2] or ""
    number = _MONTHS.index(month[:3].lower()) + 1 if month[:3].lower() in _MONTHS else _integer(month)
    try:
        return date(int(year), number or 1, _integer(day) or 1)
    except ValueError:
        return None
