"""The elements of a simple feed, each to what feedparser makes of it, under feedparser's names.

A handler adds what an element says to its entry; it raises NotSimpleError where feedparser would do more than that.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from bot.sources.feed import bounds
from bot.sources.formats import names

_QUERY = re.compile(r"&([A-Za-z0-9_]+);")
_HTML_TYPES = ("text/html", "application/xhtml+xml")
_TYPES = {"": "", "text": "text/plain", "plain": "text/plain", "html": "text/html"}
_TYPES |= {kind: kind for kind in ("text/plain", "text/html")}
BASES = {"{http://www.w3.org/XML/1998/namespace}base", "base", "mode", "lastmod"}


class NotSimpleError(Exception):
    """feedparser knows better."""


@dataclass(slots=True)
class EntryState:
    """An entry while its elements are read."""

    prose_room: int  # characters a text may have
    has_content: bool = False
    categories: int = 0


def no_base(element: Element) -> None:
    if element.attrib.keys() & BASES:
        raise NotSimpleError


def limited(text: str, limit: int) -> str:
    if len(text) > limit:
        raise NotSimpleError
    return text


def element_text(element: Element, limit: int) -> str:
    """An element's text, put right where it was encoded twice."""
    text = limited(element.text or "", limit).strip()
    if text.isascii():
        return text
    try:
        return text.encode("iso-8859-1").decode("utf-8")
    except UnicodeError:
        return text


def _kind(element: Element, default: str) -> str:
    """The type of a text construct; only plain text and escaped HTML are simple."""
    kind = _TYPES.get(element.get("type", "").lower())
    if kind is None:
        raise NotSimpleError
    return kind or default


def read_link(element: Element, context: dict[str, Any]) -> None:
    attributes = {name.lower(): value for name, value in element.attrib.items()}
    if len(element) or attributes.keys() & {"url", "uri", *BASES}:
        raise NotSimpleError
    for name in ("rel", "type"):
        if name in attributes:
            attributes[name] = attributes[name].lower()
    relation = attributes.setdefault("rel", "alternate")
    kind = attributes.setdefault("type", "application/atom+xml" if relation == "self" else "text/html")
    links = context.setdefault("links", [])
    links.append(attributes)
    if "href" in attributes:
        limited(attributes["href"], bounds.MAX_FIELD)
        if ":///" in attributes["href"]:
            raise NotSimpleError
        if relation == "alternate" and (kind in _HTML_TYPES or kind in ("html", "xhtml")):
            context["link"] = attributes["href"]
        return
    address = _QUERY.sub(r"&\g<1>", element_text(element, bounds.MAX_FIELD).replace("&amp;", "&"))
    if ":///" in address:
        raise NotSimpleError
    context["link"] = address
    if address:
        attributes["href"] = address


def _entry_link(element: Element, entry: dict[str, Any], state: EntryState) -> None:
    read_link(element, entry)


def _guid(element: Element, entry: dict[str, Any], state: EntryState) -> None:
    permanent = {name.lower(): value for name, value in element.attrib.items()}.get("ispermalink", "true") == "true"
    entry["id"] = element_text(element, bounds.MAX_FIELD)
    if permanent:
        if ":///" in entry["id"]:
            raise NotSimpleError
        entry.setdefault("link", entry["id"])


def _title(element: Element, entry: dict[str, Any], state: EntryState) -> None:
    kind, text = _kind(element, "text/plain"), element_text(element, bounds.MAX_FIELD)
    if not entry.get("title"):
        entry["title"], entry["title_detail"] = text, {"type": kind}


def _summary(element: Element, entry: dict[str, Any], state: EntryState, default: str = "text/plain") -> None:
    if "summary" in entry and not state.has_content:
        raise NotSimpleError  # the second one is the content
    kind = _kind(element, default)
    entry["summary"], entry["summary_detail"] = element_text(element, state.prose_room), {"type": kind}


def _description(element: Element, entry: dict[str, Any], state: EntryState) -> None:
    _summary(element, entry, state, "text/html")


def _content(element: Element, entry: dict[str, Any], state: EntryState, default: str = "text/plain") -> None:
    state.has_content = True
    kind, text = _kind(element, default), element_text(element, state.prose_room)
    entry.setdefault("content", []).append({"type": kind, "value": text})
    entry.setdefault("summary", text)


def _encoded(element: Element, entry: dict[str, Any], state: EntryState) -> None:
    _content(element, entry, state, "text/html")


def read_person(element: Element, entry: dict[str, Any], state: EntryState) -> None:
    text = element_text(element, bounds.MAX_PEOPLE)
    if len(text) > bounds.MAX_WORDS and ("@" in text or bounds.UNBROKEN.search(text)):
        raise NotSimpleError
    name = names.without_addresses(text).strip() if "@" in text else text
    entry.setdefault("authors", []).append({"name": name} if name else {})


def _category(element: Element, entry: dict[str, Any], state: EntryState) -> None:
    state.categories += 1
    get = element.attrib.get
    tags = entry.setdefault("tags", [])
    tag = {"term": get("term"), "scheme": get("scheme", get("domain")), "label": get("label")}
    if any(tag.values()) and tag not in tags:
        tags.append(tag)
    if value := element_text(element, bounds.MAX_WORDS):
        if tags and not tags[-1]["term"]:
            tags[-1]["term"] = value
        else:
            tag = {"term": value, "scheme": None, "label": None}
            if tag not in tags:
                tags.append(tag)


def _enclosure(element: Element, entry: dict[str, Any], state: EntryState) -> None:
    attributes = {name.lower(): value for name, value in element.attrib.items()}
    href = attributes.pop("url", None) or attributes.pop("uri", None) or attributes.get("href", "")
    kind = attributes.get("type", "").lower()
    entry.setdefault("links", []).append({**attributes, "href": href, "type": kind, "rel": "enclosure"})


def _date(key: str) -> "_Handler":
    def handle(element: Element, entry: dict[str, Any], state: EntryState) -> None:
        entry[key] = element_text(element, bounds.MAX_WORDS)

    return handle


_Handler = Callable[[Element, dict[str, Any], EntryState], None]
HANDLERS: dict[str, _Handler] = {
    "title": _title,
    "dc_title": _title,
    "link": _entry_link,
    "guid": _guid,
    "id": _guid,
    "description": _description,
    "dc_description": _description,
    "abstract": _summary,
    "summary": _summary,
    "content": _content,
    "content_encoded": _encoded,
    "dc_creator": read_person,
    "dc_author": read_person,
    "category": _category,
    "keywords": _category,
    "dc_subject": _category,
    "enclosure": _enclosure,
} | {
    name: _date(key)
    for key, names in {
        "published": ("published", "pubdate", "issued", "dcterms_issued"),
        "updated": ("updated", "modified", "lastbuilddate", "dc_date", "dcterms_modified"),
        "created": ("created", "dcterms_created"),
    }.items()
    for name in names
}
SHORT = frozenset(
    {"prism_publicationdate", "prism_coverdate", "prism_coverdisplaydate", "dc_keywords", "prism_keyword"}
)
# Nothing that `syndication` asks for.
SKIPPED = frozenset(
    {"contributor", "dc_contributor", "source", "rights", "copyright", "dc_rights", "language", "dc_language"}
    | {"dc_publisher", "webmaster", "expirationdate", "generator", "comments", "slash_comments", "thr_total"}
)
# feedparser reads these in ways of its own.
OWN_RULES = frozenset(
    {"item", "entry", "image", "textinput", "body", "fullitem", "tags", "name", "url", "uri", "email", "homepage"}
    | {
        "managingeditor",
        "subtitle",
        "tagline",
        "info",
        "newlocation",
        "cloud",
        "dcterms_valid",
        "feedburner_browserfriendly",
    }
)
