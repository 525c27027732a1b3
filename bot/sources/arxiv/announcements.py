"""arXiv's announcement feeds (https://info.arxiv.org/help/rss_specifications.html): Atom, RSS 2.0 and the old RDF.

One feed is one batch. Its dates are those of the serving, not of the papers."""

from xml.etree.ElementTree import Element

from bot.core.papers import Listing, merge
from bot.core.source.document import Document, Parsed
from bot.core.text import markup, sanitize
from bot.errors import SourceError
from bot.sources.formats import arxiv, calendars, xml
from bot.sources.formats.dates import WEEKDAYS, stated_day

FULL = 2_000  # entries; the service cuts off what is beyond
MAX_ENTRIES = 2_500  # looked at


def read(root: Element, document: Document) -> Parsed:
    """The batch of a feed. Raises SourceError for arXiv's error feed."""
    channel = xml.child(root, "channel")
    head = channel if channel is not None else root
    title = sanitize.line(xml.text_of(head, "title"), 300)
    if title.lower().startswith("feed error"):
        reason = sanitize.line(xml.text_of(head, "description") or xml.text_of(head, "subtitle"), 300)
        raise SourceError(f"arXiv refused the query ({title}{': ' + reason if reason else ''}): check the categories")
    entries = [*xml.children(root, "entry", "item"), *xml.children(channel, "item")]
    warnings: list[str] = []
    listings: list[Listing] = []
    for number, entry in enumerate(entries[:MAX_ENTRIES], 1):
        found = _listing(entry, warnings)
        if found is None:
            warnings.append(f"entry {number} has no arXiv identifier or no title")
        else:
            listings.append(found)
    if entries and not listings:
        raise SourceError(f"none of the {len(entries)} entries is a paper of arXiv: is this arXiv's feed?")
    if len(entries) >= FULL:
        warnings.append(f"the feed is full ({len(entries)} entries) and may be cut off: set a smaller per_feed")
    quiet = "" if entries else _why_empty(head, document)
    skipped = [sanitize.line(day.text, 20).lower() for days in xml.children(head, "skipDays") for day in days]
    return Parsed(
        listings=merge.combine(listings),
        quiet=quiet,
        stale="" if entries or quiet else "no announcement in the feed, though this is a working day of arXiv's",
        warnings=tuple(warnings[:10]),
        skip_days=frozenset(WEEKDAYS.index(day) for day in skipped if day in WEEKDAYS),
    )


def _listing(entry: Element, warnings: list[str]) -> Listing | None:
    summary = xml.text_of(entry, "summary") or xml.text_of(entry, "description")
    announced = arxiv.announcement(summary)
    kind = sanitize.line(xml.text_of(entry, "announce_type"), 40).lower()
    identifier = xml.text_of(entry, "guid") or xml.text_of(entry, "id") or _link(entry)
    abstract = markup.to_text(summary) if "<p>" in summary[:10] else summary
    if announced:
        identifier, kind, abstract = announced[0], kind or announced[1], announced[2]
    if kind and not arxiv.known_type(kind):
        warnings.append(f"unknown announce type {kind!r}")
    return arxiv.listing(
        sanitize.line(identifier, 300),
        xml.text_of(entry, "title"),
        abstract=abstract,
        authors=_authors(entry),
        subjects=[item.get("term") or item.text or "" for item in xml.children(entry, "category")],
        listed=stated_day(xml.text_of(entry, "published") or xml.text_of(entry, "pubDate")),
        announce_type=kind,
        doi=xml.text_of(entry, "DOI") or xml.text_of(entry, "doi"),
        journal=xml.text_of(entry, "journal_reference") or xml.text_of(entry, "journal_ref"),
    )


def _authors(entry: Element) -> tuple[str, ...]:
    names = [markup.to_text(item.text or "") for item in xml.children(entry, "creator")]
    if not names:
        names = [xml.text_of(item, "name") for item in xml.children(entry, "author")]
    return tuple(name for text in names for name in arxiv.people(text))


def _link(entry: Element) -> str:
    return next((item.get("href") or item.text or "" for item in xml.children(entry, "link")), "")


def _why_empty(head: Element, document: Document) -> str:
    """An empty feed is in order at a weekend or holiday: of the day it states if it was saved, else of today."""
    stated = stated_day(
        xml.text_of(head, "pubDate") or xml.text_of(head, "updated") or xml.text_of(head, "lastBuildDate")
    )
    today = calendars.feed_day(document.fetched)
    day = stated if stated and (document.saved or abs((today - stated).days) <= 1) else today
    return calendars.quiet(day)
