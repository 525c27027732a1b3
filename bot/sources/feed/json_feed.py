"""JSON Feed 1 and 1.1 (https://www.jsonfeed.org/version/1.1/)."""

from typing import Any

from bot.core.source.document import Document, Parsed
from bot.core.text import sanitize
from bot.errors import SourceError
from bot.sources.feed.bounds import MAX_CATEGORIES, MAX_ENTRIES, MAX_FIELD, MAX_PEOPLE, prose_room
from bot.sources.feed.entries import Entry, listings
from bot.sources.formats import json_text
from bot.sources.formats.dates import stated_day

MAX_AUTHORS = 5_000


def read(text: str, document: Document) -> Parsed:
    """The items of a feed. Raises SourceError for JSON of another kind and for a damaged document."""
    data = json_text.decoded(text)
    version = sanitize.line(data.get("version"), 100) if isinstance(data, dict) else ""
    if not isinstance(data, dict) or "jsonfeed.org/version/1" not in version:
        raise SourceError(
            f"the answer is JSON, but no JSON Feed{f' of a known version ({version})' if version else ''}"
        )
    items = data.get("items")
    if not isinstance(items, list):
        items = []
    if not items:
        return Parsed(quiet="the feed has no entries")
    base = sanitize.web_address(data.get("home_page_url")) or sanitize.web_address(data.get("feed_url"))
    base = base or document.location
    people = _people(data)
    room = prose_room(len(items))
    some = [item for item in items[:MAX_ENTRIES] if isinstance(item, dict)]
    found, warnings = listings([_entry(item, base, people, room) for item in some], base)
    if len(items) > MAX_ENTRIES:
        warnings = (*warnings, f"the feed has {len(items)} entries; only the first {MAX_ENTRIES} were read")
    if not found:
        raise SourceError(f"none of the feed's {len(items)} entries has a title or text")
    return Parsed(listings=found, warnings=warnings)


def _entry(item: dict[str, Any], base: str, people: list[str], room: int) -> Entry:
    guid = sanitize.line(item.get("id"), 2_000)
    link = sanitize.web_address(item.get("url"), base) or sanitize.web_address(item.get("external_url"), base)
    tags, attachments = _list(item.get("tags")), _list(item.get("attachments"))
    return Entry(
        title=_text(item.get("title"))[:MAX_FIELD],
        title_is_text=True,
        link=link or sanitize.web_address(guid),
        guid=guid,
        summary=_text(item.get("summary"))[:room],
        content=(_text(item.get("content_html")) or _text(item.get("content_text")))[:room],
        content_is_text=not _text(item.get("content_html")),
        people=_people(item) or people,
        categories=[tag for tag in tags[:MAX_CATEGORIES] if isinstance(tag, str)],
        day=stated_day(_text(item.get("date_published"))) or stated_day(_text(item.get("date_modified"))),
        identifiers=[_text(item.get("external_url"))],
        pdf=next(
            (
                _text(part.get("url"))
                for part in attachments[:MAX_CATEGORIES]
                if isinstance(part, dict) and part.get("mime_type") == "application/pdf"
            ),
            "",
        ),
    )


def _people(table: dict[str, Any]) -> list[str]:
    """`authors` of version 1.1, or `author` of version 1; some write mere names."""
    authors = table.get("authors") or table.get("author")
    found = authors[:MAX_AUTHORS] if isinstance(authors, list) else [authors]
    names = [_text(author.get("name") if isinstance(author, dict) else author) for author in found]
    return [name[:MAX_PEOPLE] for name in names if name]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    """A string, or a number as one; true and false say nothing."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return str(value)
