"""What kind of document came in answer to asking for a feed: one of the feeds we read, or what else it is."""

import re

from bot.core.source.document import Document, Parsed
from bot.core.text import markup, sanitize
from bot.errors import SourceError
from bot.sources.feed import json_feed, syndication
from bot.sources.formats import xml

MAX_FEED = 16_000_000  # bytes
_FEEDS = frozenset({"rss", "feed", "rdf", "channel", "rss2", "entry"})
_START = re.compile(r"<(?P<name>rss|feed|rdf:RDF)[\s>]")
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{1,200})", re.IGNORECASE)
_LINK = re.compile(r"<link\b[^>]{0,600}>", re.IGNORECASE)


def read(document: Document) -> Parsed:
    """The entries of a feed. Raises SourceError for what is none, or is damaged before its first entry."""
    if len(document.body) > MAX_FEED:
        raise SourceError(f"the feed has more than {MAX_FEED // 1_000_000} MB")
    text = sanitize.decode(document.body, document.content_type).lstrip()
    if not text:
        raise SourceError("the answer is empty")
    if text.startswith(("{", "[")):
        return json_feed.read(text, document)
    name = xml.root_name(text)
    if name not in _FEEDS and (start := _START.search(text, 0, 20_000)):
        end = text.rfind(f"</{start['name']}>")  # a server's warnings stand before it, or a page around it
        text = text[start.start() : end + len(start["name"]) + 3 if end > 0 else None]
        name = xml.root_name(text)
    if name in _FEEDS:
        return syndication.read(text, document)
    if name in {"html", "head", "body", "title", "script", "div", "meta"} or "<html" in text[:2_000].lower():
        raise SourceError(_about_page(text, document.location))
    what = f"XML of another kind (<{name}>)" if name else f"it begins with {sanitize.line(text, 60)!r}"
    raise SourceError(f"the answer is no feed: {what}")


def _about_page(text: str, location: str) -> str:
    """What to say of a web page in a feed's place: its title, and the feed it names if it does."""
    title = _TITLE.search(text, 0, 50_000)
    named = f" ({sanitize.line(markup.to_text(title[1]), 80)!r})" if title else ""
    for link in _LINK.findall(text[:100_000]):
        kind = re.search(r"application/(?:rss|atom|feed)\+(?:xml|json)", link, re.IGNORECASE)
        target = re.search(r"""href\s*=\s*["']?([^"'\s>]+)""", link, re.IGNORECASE)
        if kind and target and (address := sanitize.web_address(markup.to_text(target[1]), location)):
            return f"the answer is a web page{named}, not a feed; the page names this feed: {address}"
    return f"the answer is a web page{named}, not a feed: has the feed moved, or does it want a login?"
