"""`pubmed`: a saved PubMed search, through NCBI's E-utilities (https://www.ncbi.nlm.nih.gov/books/NBK25499/).

First the search answers with numbers (esearch), then the articles are fetched by number (efetch); each answer is read
in a module of its own here."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from bot.core.source.document import Document, Parsed, Progress, Request
from bot.core.source.redact import require_address
from bot.core.text import sanitize
from bot.errors import SourceError
from bot.sources.formats import xml
from bot.sources.pubmed import article, search

API = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
OVERLAP = timedelta(days=2)  # an article may be searchable a day after it was entered


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
        "retmax": str(search.MAX_FOUND),
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
        return search.requests_for(search.json_answer(text), document.request)
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
        return search.requests_for(search.xml_answer(root), document.request)
    if name == "esummaryresult":
        raise SourceError("this answer (esummary) has no abstracts: ask for efetch with retmode=xml")
    articles = [root] if name == "pubmedarticle" else list(xml.children(root, "PubmedArticle", "PubmedBookArticle"))
    found = [article.listing(one) for one in articles[: search.MAX_FOUND]]
    listings = tuple(listing for listing in found if listing is not None)
    if not listings:
        raise SourceError(
            f"none of the {len(articles)} articles has a title" if articles else "the answer holds no article"
        )
    lost = min(len(articles), search.MAX_FOUND) - len(listings)
    return Parsed(listings=listings, warnings=(f"{lost} articles have no title",) if lost else ())
