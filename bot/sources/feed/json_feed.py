"""JSON Feed 1 and 1.1 (https://www.jsonfeed.org/version/1.1/)."""

import json
from typing import Any

from bot.core.source.document import Document, Parsed
from bot.core.text import sanitize
from bot.errors import SourceError
from bot.sources.feed.bounds import MAX_ENTRIES
from bot.sources.feed.entries import Entry, listings
from bot.sources.formats.dates import stated_day


def read(text: str, document: Document) -> Parsed:
    """The items of a feed. Raises SourceError for JSON of another kind and for a damaged document."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise SourceError("the answer is JSON that is damaged or cut off") from None
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
    base = sanitize.web_address(data.get("home_page_url")) or document.location
    people = _people(data)
    some = [item for item in items[:MAX_ENTRIES] if isinstance(item, dict)]
    found, warnings = listings([_entry(item, base, people) for item in some], base)
    if len(items) > MAX_ENTRIES:
        warnings = (*warnings, f"the feed has {len(items)} entries; only the first {MAX_ENTRIES} were read")
    if not found:
        raise SourceError(f"none of the feed's {len(items)} entries has a title or text")
    return Parsed(listings=found, warnings=warnings)


def _entry(item: dict[str, Any], base: str, people: list[str]) -> Entry:
    guid = sanitize.line(item.get("id"), 2_000)
    link = sanitize.web_address(item.get("url"), base) or sanitize.web_address(item.get("external_url"), base)
    tags = item.get("tags")
    attachments = item.get("attachments")
    return Entry(
        title=_text(item.get("title")),
        link=link or sanitize.web_address(guid),
        guid=guid,
        summary=_text(item.get("summary")),
        content=_text(item.get("content_html")) or _text(item.get("content_text")),
        people=_people(item) or people,
        categories=[tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else [],
        day=stated_day(_text(item.get("date_published"))) or stated_day(_text(item.get("date_modified"))),
        identifiers=[_text(item.get("external_url"))],
        pdf=next(
            (
                _text(part.get("url"))
                for part in (attachments if isinstance(attachments, list) else [])
                if isinstance(part, dict) and part.get("mime_type") == "application/pdf"
            ),
            "",
        ),
    )


def _people(table: dict[str, Any]) -> list[str]:
    """`authors` of version 1.1, or `author` of version 1."""
    authors = table.get("authors") if isinstance(table.get("authors"), list) else [table.get("author")]
    return [_text(author.get("name")) for author in authors or [] if isinstance(author, dict) and author.get("name")]


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else ""
