"""RSS 0.9x to 2.0, RDF and Atom, through feedparser.

feedparser is given clean UTF-8 in memory, never a path or an address, and is kept from touching text: its sanitiser and
its resolver of relative addresses lose what stands between a "<" and the next ">"."""

import io
import re
from collections.abc import Sequence
from datetime import timedelta
from itertools import repeat
from typing import Any
from urllib.parse import urlsplit
from xml.parsers import expat

from bot.core.source.document import Document, Parsed
from bot.core.text import markup, sanitize
from bot.errors import SourceError
from bot.sources.feed import bounds, simple_feed
from bot.sources.feed.entries import Entry, listings
from bot.sources.feed.simple_feed import ParsedFeed
from bot.sources.formats.dates import WEEKDAYS, stated_day

MAX_DAMAGED = 1_500_000  # characters of a feed that is not well-formed: the tolerant parser is slow
_SKIPPED = re.compile(r"<skip(?:Days|Hours)>.{0,2000}?</skip(?:Days|Hours)>", re.IGNORECASE | re.DOTALL)
_PERIODS = {"hourly": 60, "daily": 1_440, "weekly": 10_080, "monthly": 43_200, "yearly": 525_600}
MAX_WAIT = timedelta(days=7)


def read(text: str, document: Document) -> Parsed:
    """The entries of a feed. Raises SourceError where the damage comes before the first one."""
    parsed = simple_feed.read(text) or _guess(text)
    feed = parsed.feed
    home = sanitize.web_address(feed.get("link"), document.location)
    own = next((link.get("href") for link in feed.get("links", []) if link.get("rel") == "self"), "")
    base = _base(home, sanitize.web_address(own), document.location, is_atom=parsed.is_atom)
    entries = [
        _entry(entry, base, more, is_atom=parsed.is_atom)
        for entry, more in zip(parsed.entries, parsed.identifiers or repeat(()), strict=False)
    ]
    if not entries:
        if parsed.damage or not (feed.get("title") or feed.get("link") or feed.get("id") or feed.get("subtitle")):
            raise SourceError(
                f"the feed holds no entries and is damaged or cut off ({parsed.damage or 'no title, no link'})"
            )
        return Parsed(quiet="the feed has no entries", **_wishes(text, feed))
    found, warnings = listings(entries, home)
    if not found:
        raise SourceError(f"none of the feed's {len(entries)} entries has a title or text")
    if parsed.found > len(entries):
        warnings = (*warnings, f"the feed has {parsed.found} entries; only the first {len(entries)} were read")
    if parsed.damage:
        said = f"the feed is not well-formed ({parsed.damage}); {len(entries)} entries were read all the same"
        warnings = (*warnings, said)
    return Parsed(listings=found, warnings=warnings, **_wishes(text, feed))


def _base(home: str, own: str, location: str, *, is_atom: bool) -> str:
    """What relative links are relative to, where no xml:base says it: in RSS the page the feed is of (feeds are served
    from other hosts), in Atom the feed's address (RFC 4287, 2), unless that is another host's."""
    location = sanitize.web_address(location)
    same_host = urlsplit(home).hostname == urlsplit(location).hostname
    return location if is_atom and location and (same_host or not home) else home or own or location


def _guess(text: str) -> ParsedFeed:
    """A feed that is not simple, as feedparser reads it. Raises SourceError for one that cannot be read at all."""
    bounded_feed = bounds.bounded(text)
    text = '<?xml version="1.0" encoding="utf-8"?>\n' + bounded_feed.text
    if len(text) > MAX_DAMAGED and (problem := _problem(text)):
        raise SourceError(
            f"the feed is not well-formed ({problem}) and too large to guess at ({len(text):,} characters)"
        )
    parsed = _parse(text)
    identifiers = bounded_feed.identifiers
    return ParsedFeed(
        is_atom=parsed.version.startswith("atom"),
        feed=parsed.feed,
        entries=[dict(entry) for entry in parsed.entries],  # plain: feedparser's own type guesses
        identifiers=identifiers if len(identifiers) == len(parsed.entries) else [],
        found=bounded_feed.found if bounded_feed.stopped else 0,
        damage=sanitize.line(str(parsed.get("bozo_exception", "")), 120) if parsed.get("bozo") else "",
    )


def _parse(text: str) -> Any:
    import feedparser  # here: it takes a fifth of the program's start

    try:
        return feedparser.parse(
            io.BytesIO(text.encode("utf-8", "replace")),
            response_headers={"content-type": "application/xml; charset=utf-8"},
            resolve_relative_uris=False,
            sanitize_html=False,
        )
    except Exception as problem:  # its tolerant parser fails in many ways on damaged feeds
        raise SourceError(f"the feed is damaged beyond reading ({sanitize.line(str(problem), 100)})") from problem


def _problem(text: str) -> str:
    """What keeps a document from being well-formed XML, or ""."""
    parser = expat.ParserCreate(namespace_separator=" ")
    try:
        parser.Parse(text, True)
    except expat.ExpatError as problem:
        return sanitize.line(str(problem), 100)
    return ""


def _entry(entry: dict[str, Any], base: str, identifiers: Sequence[str], *, is_atom: bool) -> Entry:
    links = [link for link in entry.get("links", []) if isinstance(link, dict)]
    guid = str(entry.get("id", ""))
    link = str(entry.get("feedburner_origlink") or entry.get("link") or entry.get("prism_url") or "")
    content: dict[str, Any] = max(
        entry.get("content", []), key=lambda part: len(str(part.get("value", ""))), default={}
    )
    return Entry(
        title=str(entry.get("title", "")),
        title_is_text=is_atom and _is_text(entry.get("title_detail")),
        link=sanitize.web_address(link, base) or sanitize.web_address(guid),
        guid=guid,
        summary=str(entry.get("summary", "")),
        summary_is_text=is_atom and _is_text(entry.get("summary_detail")),
        content=str(content.get("value", "")),
        content_is_text=is_atom and _is_text(content),
        people=[str(author.get("name") or author.get("email") or "") for author in entry.get("authors", [])],
        categories=[str(tag.get("label") or tag.get("term") or "") for tag in entry.get("tags", [])],
        day=next((day for name in _DATES if name in entry and (day := stated_day(str(entry[name])))), None),
        identifiers=[
            *(str(entry[name]) for name in _IDENTIFIERS if entry.get(name)),
            *(markup.unescaped(text) for text in identifiers),
        ],
        journal=_journal(entry),
        pdf=next((str(link.get("href", "")) for link in links if link.get("type") == "application/pdf"), ""),
    )


def _is_text(construct: Any) -> bool:
    """Whether an Atom text construct is declared to be text, or not declared, which is the same (RFC 4287, 3.1.1)."""
    return isinstance(construct, dict) and construct.get("type") == "text/plain"


# The day it appeared online comes before the one on the cover of its issue, which may lie months later.
_DATES = ("published", "prism_publicationdate", "created", "updated", "prism_coverdate")
_JOURNALS = ("prism_publicationname", "dc_source", "arxiv_journal_reference")
_IDENTIFIERS = ("prism_doi", "dc_identifier", "arxiv_doi", "prism_url", "citation_doi")


def _journal(entry: dict[str, Any]) -> str:
    """ "ZooKeys 1068(2): 189-201", of what PRISM and Dublin Core tell."""
    said = [sanitize.line(entry[key]) for key in _JOURNALS if key in entry]
    title = sanitize.line(str(entry.get("title", ""))) if said else ""
    name = next((text for text in said if text and text != title and "://" not in text), "")
    if not name:
        return ""
    volume, number, first, last = (
        sanitize.line(entry.get(f"prism_{part}"), 40) for part in ("volume", "number", "startingpage", "endingpage")
    )
    pages = f": {first}{'-' + last if last and last != first else ''}" if first else ""
    return (
        f"{name}{' ' + volume if volume else ''}{f'({number})' if number and volume else ''}{pages if volume else ''}"
    )


def _wishes(text: str, feed: Any) -> dict[str, Any]:
    """When the feed asks to be left alone: ttl, syndication period, skipDays, skipHours."""
    skipped = [" ".join(part.split()) for part in _SKIPPED.findall(text[:50_000])]
    words = [word.lower() for part in skipped for word in re.findall(r">\s*(\w+)\s*<", part)]
    ttl = str(feed.get("ttl", "")).strip()
    minutes = int(ttl) if ttl.isdecimal() and len(ttl) < 8 else 0
    if period := _PERIODS.get(str(feed.get("sy_updateperiod", "")).strip().lower()):
        often = str(feed.get("sy_updatefrequency", "1")).strip()
        minutes = max(minutes, period // max(int(often) if often.isdecimal() and len(often) < 5 else 1, 1))
    return {
        "poll_after": min(timedelta(minutes=minutes), MAX_WAIT) if minutes else None,
        "skip_days": frozenset(WEEKDAYS.index(word) for word in words if word in WEEKDAYS),
        "skip_hours": frozenset(int(word) % 24 for word in words if word.isdecimal() and int(word) <= 24),
    }
