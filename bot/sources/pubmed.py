"""`pubmed`: a saved PubMed search, through NCBI's E-utilities (https://www.ncbi.nlm.nih.gov/books/NBK25499/).

First the search answers with numbers (esearch), then the articles are fetched by number (efetch)."""

import json
import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from urllib.parse import urlencode
from xml.etree.ElementTree import Element

from bot.core.papers import Listing, identity
from bot.core.source.document import Document, Parsed, Progress, Request
from bot.core.source.redact import require_address
from bot.core.text import sanitize
from bot.core.text.tex_notation import script
from bot.errors import SourceError
from bot.sources.formats import dates, xml

API = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
OVERLAP = timedelta(days=2)  # an article may be searchable a day after it was entered
BATCH = 200  # articles fetched in one request
MAX_FOUND = 2_000
MAX_KEYWORDS = 200
MAX_AUTHORS = 5_000


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
        return _found(_json_answer(text), document.request)
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
        return _found(_xml_answer(root), document.request)
    if name == "esummaryresult":
        raise SourceError("this answer (esummary) has no abstracts: ask for efetch with retmode=xml")
    articles = [root] if name == "pubmedarticle" else list(xml.children(root, "PubmedArticle", "PubmedBookArticle"))
    found = [_listing(article) for article in articles[:MAX_FOUND]]
    listings = tuple(listing for listing in found if listing is not None)
    if not listings:
        raise SourceError(
            f"none of the {len(articles)} articles has a title" if articles else "the answer holds no article"
        )
    lost = min(len(articles), MAX_FOUND) - len(listings)
    return Parsed(listings=listings, warnings=(f"{lost} articles have no title",) if lost else ())


# --- The search -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What a search found, and which of its words PubMed did not understand."""

    numbers: tuple[str, ...]
    count: int
    unknown: tuple[str, ...]  # phrases and fields it does not know: nothing is found for them
    loosened: tuple[str, ...]  # quoted phrases it does not know and searches word by word, words it passed over
    messages: tuple[str, ...] = ()


def _json_answer(text: str) -> _Answer:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise SourceError("the answer is JSON that is damaged or cut off") from None
    result = data.get("esearchresult") if isinstance(data, dict) else None
    problem = (
        sanitize.line(data.get("error") or (result or {}).get("ERROR"), 300)
        if isinstance(data, dict) and isinstance(result, (dict, type(None)))
        else ""
    )
    if problem or not isinstance(result, dict):
        raise SourceError(
            f"PubMed answered: {problem}" if problem else "the answer is JSON, but not of a PubMed search"
        )
    errors, warnings = _table(result.get("errorlist")), _table(result.get("warninglist"))
    return _Answer(
        numbers=_words(result.get("idlist"), MAX_FOUND),
        count=_integer(result.get("count")),
        unknown=(*_words(errors.get("phrasesnotfound")), *_fields(_words(errors.get("fieldsnotfound")))),
        loosened=(*_words(warnings.get("quotedphrasesnotfound")), *_words(warnings.get("phrasesignored"))),
        messages=_words(warnings.get("outputmessages")),
    )


def _xml_answer(root: Element) -> _Answer:
    errors, warnings = xml.child(root, "ErrorList"), xml.child(root, "WarningList")

    def words(part: Element | None, *names: str) -> tuple[str, ...]:
        return _words([xml.text_of(item) for item in xml.children(part, *names)])

    return _Answer(
        numbers=_words([item.text for item in xml.children(xml.child(root, "IdList"), "Id")], MAX_FOUND),
        count=_integer(xml.text_of(root, "Count")),
        unknown=(*words(errors, "PhraseNotFound"), *_fields(words(errors, "FieldNotFound"))),
        loosened=words(warnings, "QuotedPhraseNotFound", "PhraseIgnored"),
        messages=words(warnings, "OutputMessage"),
    )


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _words(value: object, most: int = 20) -> tuple[str, ...]:
    items = value[:most] if isinstance(value, list) else []
    return tuple(word for item in items if (word := sanitize.line(item, 200)))


def _fields(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"[{name.strip('[]')}]" for name in names)


def _found(answer: _Answer, request: Request) -> Parsed:
    """What to ask next. Raises SourceError for a search that found nothing because PubMed did not understand it: its
    silence would look like that of a search nothing new matches."""
    numbers = [number for number in dict.fromkeys(answer.numbers) if re.fullmatch(r"[1-9]\d{0,8}", number)]
    if not numbers:
        if answer.unknown:
            raise SourceError(f"PubMed does not know {_listed(answer.unknown)}: correct term, for nothing can match it")
        if answer.count:
            raise SourceError(f"PubMed counts {answer.count} articles but names none")
        return Parsed(quiet="nothing new matches the search", warnings=_doubts(answer))
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
        (f"the search finds {answer.count} articles; the newest {len(numbers)} were read: narrow it",)
        if answer.count > len(numbers)
        else ()
    )
    return Parsed(follow=follow, warnings=(*many, *_doubts(answer)), quiet="the articles follow")


def _doubts(answer: _Answer) -> tuple[str, ...]:
    """What an operator should know of a search that was only half understood."""
    doubts = []
    if answer.unknown:
        doubts.append(f"PubMed does not know {_listed(answer.unknown)}: correct term")
    if answer.loosened:
        doubts.append(f"PubMed does not know {_listed(answer.loosened)} and searches without it or word by word")
    doubts += [f"PubMed says: {text}" for text in answer.messages if text.rstrip(".").lower() != "no items found"]
    return tuple(doubts)


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(repr(word) for word in words[:5])


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
    title = _title(body)
    if not title or not number.isdecimal():
        return None
    doi = _doi(body, data)
    kinds = {
        sanitize.line(item.text, 100).lower()
        for item in xml.children(xml.child(body, "PublicationTypeList"), "PublicationType")
    }
    groups = xml.children(citation, "KeywordList")
    words = [_plain(word) for group in groups for word in islice(xml.children(group, "Keyword"), MAX_KEYWORDS)]
    return Listing(
        title=title,
        keys=identity.keys_for(title, identifiers=[doi, f"pmid:{number}"]),
        abstract=_abstract(body),
        authors=_authors(body),
        published=_published(body, data),
        listed=_history(data, "entrez") or _history(data, "pubmed"),
        url=f"https://pubmed.ncbi.nlm.nih.gov/{number}/",
        withdrawn="retracted publication" in kinds or _is_retracted(citation),
        keywords=tuple(dict.fromkeys(word for word in words if word)),
        doi="" if doi.startswith("10.48550/arxiv.") else doi,
        journal=_journal(body),
    )


def _title(body: Element | None) -> str:
    """The title, or the one in the language of the article where there is no other."""
    for path in (("ArticleTitle",), ("VernacularTitle",), ("Book", "BookTitle")):
        title = _plain(xml.child(body, *path)).strip()
        title = re.sub(r"^\[(.+)\]\.?$", r"\1", title)  # brackets mark a translation
        if title.rstrip(".").lower() in {"", "not available", "in process citation"}:
            continue
        abbreviation = "." in title.rpartition(" ")[2][:-1]  # "in the U.S."
        return title if abbreviation else title.removesuffix(".")
    return ""


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
    medline = re.match(r"(\d{4})(?:\s+([A-Za-z]{3}))?", sanitize.line(xml.text_of(element, "MedlineDate"), 60))
    if medline and not year:
        year, month = medline[1], medline[2] or ""
    number = _integer(month) or dates.month(month)
    return dates.read_day(year, number, _integer(day) or 1) if number and year.isdecimal() else None
