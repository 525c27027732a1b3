"""`page`: saved pages of huggingface.co/papers, as plain text in any layout or as HTML. Files, globs, URLs.

`formats.page_text` knows how the text is laid out, `formats.huggingface` what an item of an HTML page holds."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime

from bot.core.papers import Listing, identity
from bot.core.source.document import Document, Parsed, Progress, Request
from bot.core.text import sanitize
from bot.errors import SourceError
from bot.sources.formats import huggingface, page_text

MAX_PAPERS = 5_000
MAX_LINES = 200_000


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the saved pages are."""

    location: str = field(metadata={"help": "a file, a glob such as pages/*.txt, or a URL"})
    year: int = field(default=0, metadata={"help": "the year of pages that show none; 0: inferred"})

    def __post_init__(self) -> None:
        if not self.location.strip():
            raise ValueError("location is empty: give a file, a glob or a URL")
        if self.year and not 1991 <= self.year <= 2200:
            raise ValueError(f"year is {self.year}: give the year the page was shown, such as 2026")


def requests(settings: Settings, progress: Progress, now: datetime) -> list[Request]:
    """The file, the glob or the address, as it stands."""
    return [Request(location=settings.location)]


def quiet(settings: Settings, now: datetime) -> str:
    """A saved page changes when somebody saves another: its silence is always in order."""
    return "a saved page changes only when another is saved"


def parse(document: Document, settings: Settings) -> Parsed:
    """The papers of one saved page. Raises SourceError for what is no page of papers."""
    text = sanitize.decode(document.body, document.content_type)
    if not text.strip():
        raise SourceError("the file is empty: save the page again")
    start = text.lstrip()[:300].lower()
    if start.startswith(("<!doctype", "<html", "<head", "<body", "<div", "<!--", "<?xml")) or "data-props=" in text:
        return _html(text)
    if start.startswith(("{", "[")):
        raise SourceError('this is JSON, not a saved page: read it with type = "huggingface"')
    if text.count("\n") + text.count("\r") > MAX_LINES:
        raise SourceError(f"this is not a page of papers: it has more than {MAX_LINES:,} lines")
    page = page_text.read(sanitize.harmless(text))
    if not page.convincing:
        if text.lower().count("submitted by") >= 2:
            raise SourceError(
                "the page keeps only cards (titles and who submitted them), no abstracts: save it as HTML instead"
            )
        raise SourceError("this is not a page of papers: no titles with abstracts under them were found")
    today = document.saved or document.fetched.date()
    blocks = page.blocks[:MAX_PAPERS]
    years = {shown: _year(settings, page, shown, today) for shown in {block.page_date for block in blocks}}
    listings = tuple(_listing(block, years[block.page_date], today) for block in blocks)
    warnings = [f"line {line}: an abstract without a title was left out" for line in page.orphans[:5]]
    if len(page.blocks) > MAX_PAPERS:
        warnings.append(f"the page shows {len(page.blocks)} papers; only the first {MAX_PAPERS} were read")
    return Parsed(listings=listings, warnings=tuple(warnings))


def _html(text: str) -> Parsed:
    found = huggingface.items_of(huggingface.embedded(text))
    if found is None:
        raise SourceError(
            "an HTML page without a list of papers: open https://huggingface.co/papers and save the page as HTML"
        )
    return huggingface.parsed(*found)


# --- Dates: the page leaves out the year where it is its own --------------------------------------------------------


def _year(settings: Settings, page: page_text.Page, shown: tuple[int, int, int] | None, today: date) -> int:
    """The year the page was shown: as configured, as it says, or the latest that is consistent with what it says.

    Dates of other years carry their year, so the page is of none of the years named; and it is not of the future.
    """
    if settings.year:
        return settings.year
    if shown and shown[2]:
        return shown[2]
    year = today.year
    if shown and (shown[0], shown[1]) > (today.month, today.day):
        year -= 1
    named = Counter(block.date[2] for block in page.blocks if block.date and block.date[2])
    newest = max(named, default=0)
    if newest >= year:
        return newest + 1 if newest < today.year + 1 else year
    # Many papers of other years, the last of them frequent, and none at all of the year between: an old page.
    if newest < year - 1 and named[newest] >= 3 and named.total() >= 10:
        return newest + 1
    return year


def _day(parts: tuple[int, int, int] | None, year: int, latest: date) -> date | None:
    """The date on the page; without a year the last such day up to `latest` (29 February included)."""
    if parts is None:
        return None
    month, day, own = parts
    for candidate in (own,) if own else range(year, year - 9, -1):
        try:
            found = date(candidate, month, day)
        except ValueError:
            continue
        if own or found <= latest:
            return found
    return None


def _listing(block: page_text.Block, year: int, today: date) -> Listing:
    listed = _day(block.page_date, year, date(year, 12, 31))
    latest = listed or max(date(year, 1, 1), min(today, date(year, 12, 31)))
    name, _, full_name = block.organization.partition(" ")
    return Listing(
        title=block.title,
        keys=identity.keys_for(block.title, abstract=block.abstract),
        abstract=block.abstract,
        author_count=block.author_count,
        organization=full_name.strip() or name,
        comments=block.comments,
        published=_day(block.date, year, latest),
        listed=listed,
    )
