"""A list of papers as an Atom feed (RFC 4287) and as a JSON Feed (1.1), from one model. Pure.

An entry is a paper, under an id that never changes; a new version of it is a newer date, not another entry.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from xml.etree import ElementTree

from bot.core.letter.paper_view import name_of
from bot.core.papers import Paper
from bot.web.shown_paper import clean, shown_paper

MOST_ENTRIES = 100
MOST_BYTES = 512 * 1024
RESERVED = 4_000  # bytes, for what is around the entries
MOST_TEXT = 2_000  # characters of an abstract in a feed
ATOM = "http://www.w3.org/2005/Atom"
TYPES = {"atom": "application/atom+xml; charset=utf-8", "json": "application/feed+json; charset=utf-8"}
_XML_CHARACTERS = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """One paper in a feed."""

    id: str  # tag: URI (RFC 4151)
    title: str
    url: str
    updated: datetime
    summary: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A whole feed. `entries` are the newest first."""

    id: str
    title: str
    url: str  # its own address
    home: str
    updated: datetime
    entries: tuple[FeedEntry, ...]


def entries_of(told: Iterable[tuple[datetime, Paper]], domain: str) -> tuple[FeedEntry, ...]:
    """Papers and when they were told, the newest first; each once, as it was told last."""
    found: dict[str, FeedEntry] = {}
    for moment, paper in told:
        if paper.key not in found:
            found[paper.key] = _entry(moment, paper, domain)
        if len(found) == MOST_ENTRIES:
            break
    return tuple(found.values())


def _entry(moment: datetime, paper: Paper, domain: str) -> FeedEntry:
    view = shown_paper(paper)
    text = view.summary or view.abstract
    return FeedEntry(
        id=f"tag:{domain},2026:paper/{quote(paper.key, safe=':.-_')}"[:1000],
        title=view.title,
        url=view.url,
        updated=moment,
        summary=text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…",
        authors=tuple(name for name in (name_of(clean(author)) for author in paper.authors[:50]) if name),
        categories=tuple(name_of(category, 40) for category in paper.categories[:10]),
    )


def to_atom(feed: Feed) -> bytes:
    """As Atom, within the size."""
    root = ElementTree.Element("feed", xmlns=ATOM)
    _say(root, "id", feed.id)
    _say(root, "title", feed.title)
    _say(root, "updated", _moment(feed.updated))
    ElementTree.SubElement(root, "link", rel="self", type="application/atom+xml", href=feed.url)
    ElementTree.SubElement(root, "link", rel="alternate", type="text/html", href=feed.home)
    _say(ElementTree.SubElement(root, "author"), "name", "Paperlark")
    room = MOST_BYTES - RESERVED
    for entry in feed.entries:
        made = _atom_entry(entry)
        room -= len(ElementTree.tostring(made, "utf-8"))
        if room < 0:
            break
        root.append(made)
    body: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return body


def _atom_entry(entry: FeedEntry) -> ElementTree.Element:
    made = ElementTree.Element("entry")
    _say(made, "id", entry.id)
    _say(made, "title", entry.title)
    _say(made, "updated", _moment(entry.updated))
    for name in entry.authors:
        _say(ElementTree.SubElement(made, "author"), "name", name)
    if entry.url:
        ElementTree.SubElement(made, "link", rel="alternate", type="text/html", href=entry.url)
    for category in entry.categories:
        ElementTree.SubElement(made, "category", term=_xml(category))
    _say(made, "summary", entry.summary or entry.title)
    return made


def _say(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = _xml(text)


def _xml(text: str) -> str:
    return _XML_CHARACTERS.sub("", text)


def to_json(feed: Feed) -> bytes:
    """As JSON Feed, within the size."""
    items: list[dict[str, object]] = []
    room = MOST_BYTES - RESERVED
    for entry in feed.entries:
        item = _json_item(entry)
        room -= len(json.dumps(item, ensure_ascii=False).encode()) + 2
        if room < 0:
            break
        items.append(item)
    whole = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.home,
        "feed_url": feed.url,
        "authors": [{"name": "Paperlark"}],
        "items": items,
    }
    return json.dumps(whole, ensure_ascii=False).encode()


def _json_item(entry: FeedEntry) -> dict[str, object]:
    item: dict[str, object] = {
        "id": entry.id,
        "title": entry.title,
        "content_text": entry.summary or entry.title,
        "date_published": _moment(entry.updated),
    }
    if entry.url:
        item["url"] = entry.url
    if entry.authors:
        item["authors"] = [{"name": name} for name in entry.authors]
    if entry.categories:
        item["tags"] = list(entry.categories)
    return item


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
