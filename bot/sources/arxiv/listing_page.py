"""arXiv's listing pages, /list/{category}/new and /recent, with their own count of what they show.

New submissions carry abstracts there; cross-lists and replacements may not."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from html.parser import HTMLParser
from itertools import islice

from bot.core.papers import Listing, merge
from bot.core.papers.paper import AnnounceType
from bot.core.source.document import Document, Parsed
from bot.core.text import sanitize
from bot.errors import SourceError
from bot.sources.formats import arxiv

MAX_PAGE = 12_000_000  # characters
MAX_TAGS = 200_000  # a page of 2,000 papers has 150,000
MAX_ATTRIBUTES = 300_000
_SHOWING = re.compile(
    r"(?:showing|continued, showing)(?: first| last)? (?P<shown>\d+) of (?P<total>\d+) entries", re.IGNORECASE
)
_DAY = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*, (\d{1,2}) ([A-Z][a-z]{2})[a-z]* (\d{4})")
_KINDS: tuple[tuple[str, AnnounceType], ...] = (
    ("replacement", "replace"),
    ("cross", "cross"),
    ("new submission", "new"),
)
_FIELDS = {
    "list-title": "title",
    "list-authors": "authors",
    "list-comments": "note",
    "list-journal-ref": "journal",
    "list-subjects": "subjects",
    "list-dateline": "ignored",
    "mathjax": "abstract",
}
_VOID = frozenset({"br", "img", "hr", "input", "meta", "link", "wbr", "area", "base", "col", "source"})


@dataclass(slots=True)
class _Entry:
    identifier: str = ""
    kind: AnnounceType = ""
    day: date | None = None
    text: dict[str, list[str]] = field(default_factory=dict)
    authors: list[str] = field(default_factory=list)


def read(text: str, document: Document) -> Parsed:
    """The papers of a listing page. Raises SourceError for another page, or one that says more than can be read."""
    page = _ListingParser()
    page.feed(_bounded(text))  # not closed: a cut-off tag stays unread
    page.flush()
    found = [_listing(entry) for entry in page.entries]
    listings = merge.combine([listing for listing in found if listing is not None])
    shown, total = sum(pair[0] for pair in page.counts), sum(pair[1] for pair in page.counts)
    if not page.entries:
        if page.is_listing and re.search(r"no updates|no new|No entries", text[:MAX_PAGE]):
            return Parsed(quiet="the page says: no updates")
        if shown:
            raise SourceError(f"the listing page says {shown} entries, but none could be read: its layout has changed")
        raise SourceError("an HTML page, but no listing of arXiv (an error or robot check?)")
    if not listings:
        raise SourceError(f"none of the {len(page.entries)} entries of the listing page could be read")
    warnings = []
    if page.counts and shown != len(page.entries):
        warnings.append(f"the page says {shown} entries, {len(page.entries)} were read")
    if total > shown:
        warnings.append(f"the page shows {shown} of {total} entries: ask for it with ?show=2000")
    return Parsed(listings=listings, warnings=tuple(warnings))


def _bounded(text: str) -> str:
    """The page up to what a parser reads in a second or so."""
    text = text[:MAX_PAGE]
    for mark, most in (("<", MAX_TAGS), ("=", MAX_ATTRIBUTES)):
        if text.count(mark) > most:
            text = text[: next(islice(re.finditer(mark, text), most, None)).start()]
    return text


def _listing(entry: _Entry) -> Listing | None:
    parts = {name: sanitize.line(" ".join(texts)) for name, texts in entry.text.items()}
    return arxiv.listing(
        entry.identifier,
        parts.get("title", ""),
        abstract=parts.get("abstract", ""),
        authors=tuple(name for text in entry.authors for name in arxiv.people(text))
        or arxiv.people(parts.get("authors", "")),
        subjects=re.findall(r"\(([\w.-]+)\)", parts.get("subjects", "")),
        listed=entry.day,
        announce_type=entry.kind,
        note=parts.get("note", ""),
        journal=parts.get("journal", ""),
    )


class _ListingParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.entries: list[_Entry] = []
        self.counts: list[tuple[int, int]] = []
        self.is_listing = False
        self._kind: AnnounceType = ""
        self._day: date | None = None
        self._entry: _Entry | None = None
        self._field = ""
        self._field_depth = 0
        self._descriptor = False
        self._in_dt = False
        self._heading: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        table = {name: value or "" for name, value in attrs}
        classes = table.get("class", "").split()
        if tag in {"h3", "h2", "h1"}:
            self._heading = []
        elif tag == "dt":
            self.flush()
            self._entry, self._in_dt = _Entry(kind=self._kind, day=self._day), True
        elif tag == "dd":
            self._in_dt = False
        elif tag == "a" and self._in_dt and self._entry and not self._entry.identifier:
            target = table.get("href", "")
            if "/abs/" in target:
                self._entry.identifier = target.partition("/abs/")[2]
        elif self._entry and not self._in_dt:
            self._inside(tag, classes)
        if tag == "a" and self._field == "authors" and self._entry:
            self._entry.authors.append("")

    def _inside(self, tag: str, classes: list[str]) -> None:
        if tag == "span" and "descriptor" in classes:
            self._descriptor = True
            return
        name = next((_FIELDS[item] for item in classes if item in _FIELDS), "")
        if name and not (self._field and name == "abstract"):
            self._field, self._field_depth = name, 0
        elif self._field and tag in {"div", "p"}:
            self._field_depth += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in {"h3", "h2", "h1"} and self._heading is not None:
            self._headed(sanitize.line(" ".join(self._heading), 500))
            self._heading = None
        elif tag == "span":
            self._descriptor = False
        elif tag in {"div", "p"} and self._field:
            if self._field_depth == 0:
                self._field = ""
            else:
                self._field_depth -= 1
        elif tag in {"dd", "dl"}:
            self.flush()

    def handle_data(self, data: str) -> None:
        if self._heading is not None:
            self._heading.append(data)
        elif self._entry and self._in_dt:
            if "replaced" in data:
                self._entry.kind = "replace-cross" if "cross-list" in data or self._entry.kind == "cross" else "replace"
            elif "cross-list" in data:
                self._entry.kind = "replace-cross" if self._entry.kind.startswith("replace") else "cross"
        elif self._entry and self._field and not self._descriptor:
            self._entry.text.setdefault(self._field, []).append(data)
            if self._field == "authors" and self._entry.authors and data.strip(" ,\n"):
                self._entry.authors[-1] += data

    def _headed(self, text: str) -> None:
        if "listings for" in text or "entries" in text:
            self.is_listing = True
        if found := _DAY.search(text):
            try:
                self._day = datetime.strptime(" ".join(found.groups()), "%d %b %Y").date()  # noqa: DTZ007
            except ValueError:
                self._day = None
        if found := _SHOWING.search(text):
            self.counts.append((int(found["shown"]), int(found["total"])))
            self._kind = next((kind for word, kind in _KINDS if word in text.lower()), "")

    def flush(self) -> None:
        """The entry being read is complete."""
        if self._entry and self._entry.identifier:
            self.entries.append(self._entry)
        self._entry, self._field, self._in_dt = None, "", False
