"""RSS 0.9x to 2.0, RDF and Atom, through feedparser.

feedparser is given clean UTF-8 in memory, never a path or an address, and is kept from touching text: its sanitiser and
its resolver of relative addresses lose what stands between a "<" and the next ">"."""

import html
import io
import re
from datetime import date, timedelta
from typing import Any
from xml.parsers import expat

from bot.core.source.document import Document, Parsed
from bot.core.text import sanitize
from bot.errors import SourceError
from bot.sources.feed.entries import MAX_ENTRIES, Entry, listings
from bot.sources.formats import xml
from bot.sources.formats.dates import stated_day

MAX_DAMAGED = 1_500_000  # characters of a feed that is not well-formed: the tolerant parser is slow
MAX_DEPTH = 5_000  # elements left open; feedparser's time grows with its square
_PROLOG = re.compile(r"\s*<\?xml[^>]*\?>")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_LOOSE = re.compile(r"&(?:(?!(?:amp|lt|gt|quot|apos);)[A-Za-z][A-Za-z0-9]{1,30};|(?!#?\w{1,31};))")
_ENTRY = re.compile(r"<(?:[\w-]+:)?(?:item|entry)[\s>]", re.IGNORECASE)
_ENTRY_END = re.compile(r"</(?:[\w-]+:)?(?:item|entry)\s*>", re.IGNORECASE)
_TAG = re.compile(r"<(/?)[A-Za-z][^<>]*?(/?)>")
_SKIPPED = re.compile(r"<skip(?:Days|Hours)>.{0,2000}?</skip(?:Days|Hours)>", re.IGNORECASE | re.DOTALL)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_PERIODS = {"hourly": 60, "daily": 1_440, "weekly": 10_080, "monthly": 43_200, "yearly": 525_600}
MAX_WAIT = timedelta(days=7)


def read(text: str, document: Document) -> Parsed:
    """The entries of a feed. Raises SourceError where the damage comes before the first one."""
    text, count = _cut(_CONTROL.sub("", _PROLOG.sub("", text, count=1)))
    if _too_deep(text):
        raise SourceError(f"the feed is damaged: more than {MAX_DEPTH} elements within one another")
    if xml.overgrown(text):
        raise SourceError("the feed is damaged: a tag never ends")
    text = '<?xml version="1.0" encoding="utf-8"?>\n' + _mended(text)
    if len(text) > MAX_DAMAGED and (problem := _problem(text)):
        raise SourceError(
            f"the feed is not well-formed ({problem}) and too large to guess at ({len(text):,} characters)"
        )
    parsed = _parse(text)
    feed = parsed.feed
    home = sanitize.web_address(feed.get("link"), document.location)
    entries = [_entry(dict(entry), document.location) for entry in parsed.entries]  # plain: its own type guesses
    damage = sanitize.line(str(parsed.get("bozo_exception", "")), 120) if parsed.get("bozo") else ""
    if not entries:
        if damage or not (feed.get("title") or feed.get("link") or feed.get("id") or feed.get("subtitle")):
            raise SourceError(f"the feed holds no entries and is damaged or cut off ({damage or 'no title, no link'})")
        return Parsed(quiet="the feed has no entries", **_wishes(text, feed))
    found, warnings = listings(entries, home)
    if not found:
        raise SourceError(f"none of the feed's {len(entries)} entries has a title or text")
    if count > MAX_ENTRIES:
        warnings = (*warnings, f"the feed has {count} entries; only the first {MAX_ENTRIES} were read")
    if damage:
        warnings = (*warnings, f"the feed is not well-formed ({damage}); {len(entries)} entries were read all the same")
    return Parsed(listings=found, warnings=warnings, **_wishes(text, feed))


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


def _mended(text: str) -> str:
    """HTML's entities as characters and a bare "&" as one, outside CDATA: so the strict parser can read on."""
    kept: list[str] = []
    at = 0
    while (start := text.find("<![CDATA[", at)) >= 0 and (end := text.find("]]>", start)) >= 0:
        kept += [_LOOSE.sub(_character, text[at:start]), text[start : end + 3]]
        at = end + 3
    return "".join([*kept, _LOOSE.sub(_character, text[at:])])


def _character(found: re.Match[str]) -> str:
    if found[0] == "&":
        return "&amp;"
    char = html.unescape(found[0])
    return "&amp;" + found[0][1:] if char == found[0] else char.replace("&", "&amp;").replace("<", "&lt;")


def _cut(text: str) -> tuple[str, int]:
    """The feed with at most MAX_ENTRIES entries, what follows the last one kept, and how many there were."""
    starts = [found.start() for found in _ENTRY.finditer(text)]
    if len(starts) <= MAX_ENTRIES:
        return text, len(starts)
    last = None
    for last in _ENTRY_END.finditer(text, starts[-1]):  # noqa: B007
        pass
    return text[: starts[MAX_ENTRIES]] + (text[last.end() :] if last else ""), len(starts)


def _too_deep(text: str) -> bool:
    depth = 0
    for closing, alone in _TAG.findall(text):
        depth = max(depth + (0 if alone else -1 if closing else 1), 0)
        if depth > MAX_DEPTH:
            return True
    return False


def _entry(entry: dict[str, Any], location: str) -> Entry:
    links = [link for link in entry.get("links", []) if isinstance(link, dict)]
    guid = str(entry.get("id", ""))
    link = str(entry.get("feedburner_origlink") or entry.get("link") or entry.get("prism_url") or "")
    contents = sorted((str(part.get("value", "")) for part in entry.get("content", [])), key=len)
    return Entry(
        title=str(entry.get("title", "")),
        link=sanitize.web_address(link, location) or sanitize.web_address(guid),
        guid=guid,
        summary=str(entry.get("summary", "")),
        content=contents[-1] if contents else "",
        people=[str(author.get("name") or author.get("email") or "") for author in entry.get("authors", [])],
        categories=[str(tag.get("label") or tag.get("term") or "") for tag in entry.get("tags", [])],
        day=_day(entry),
        identifiers=[
            str(entry[name])
            for name in ("prism_doi", "dc_identifier", "arxiv_doi", "prism_url", "citation_doi")
            if entry.get(name)
        ],
        journal=_journal(entry),
        pdf=next((str(link.get("href", "")) for link in links if link.get("type") == "application/pdf"), ""),
    )


# The day it appeared online comes before the one on the cover of its issue, which may lie months later.
_DATES = ("published", "prism_publicationdate", "created", "updated", "prism_coverdate")


def _day(entry: dict[str, Any]) -> date | None:
    return next((day for name in _DATES if (day := stated_day(str(entry.get(name, ""))))), None)


def _journal(entry: dict[str, Any]) -> str:
    """ "ZooKeys 1068(2): 189-201", of what PRISM and Dublin Core tell."""
    title = str(entry.get("title", ""))
    name = next(
        (
            text
            for key in ("prism_publicationname", "dc_source", "arxiv_journal_reference")
            if (text := sanitize.line(entry.get(key))) and text != sanitize.line(title) and "://" not in text
        ),
        "",
    )
    volume, number, first, last = (
        sanitize.line(entry.get(f"prism_{part}"), 40) for part in ("volume", "number", "startingpage", "endingpage")
    )
    if not name:
        return ""
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
        "skip_days": frozenset(_DAYS.index(word) for word in words if word in _DAYS),
        "skip_hours": frozenset(int(word) % 24 for word in words if word.isdecimal() and int(word) <= 24),
    }
