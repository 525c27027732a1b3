"""What a feed's entry says, whatever the feed's format, to listings: text, people, dates, identifiers."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from bot.core.papers import Listing, identity, merge
from bot.core.papers.notice import Notice, notice_of
from bot.core.papers.paper import AnnounceType
from bot.core.text import markup, sanitize, tex
from bot.sources.feed import entry_text
from bot.sources.formats import arxiv, names, typesetting

MAX_TITLE = 5_000  # characters, markup included
MAX_ABSTRACT = 5_000  # characters; a blog's entry may be the whole article
_BLANK_BEFORE = re.compile(r"(?<=[^\W_]) (?=[,.](?:\s|$))")  # "gen. nov ., sp. nov ." of some typesetters
TELLING = 200  # characters of a summary that need no help from the entry's full text


@dataclass(kw_only=True)
class Entry:
    """An entry as the feed gives it, unread: text may be HTML, people one string, dates in any form."""

    title: str = ""
    title_is_text: bool = False  # declared to be text, not HTML; the same for the next two
    summary_is_text: bool = False
    content_is_text: bool = False
    link: str = ""
    guid: str = ""
    summary: str = ""
    content: str = ""
    people: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    day: date | None = None
    identifiers: list[str] = field(default_factory=list)
    journal: str = ""
    pdf: str = ""


def listings(entries: Sequence[Entry], home: str) -> tuple[tuple[Listing, ...], tuple[str, ...]]:
    """The listings of a feed's entries, each paper once, and what is worth a warning. `home` is the feed's own page.

    An address that several entries share, or that is the feed's home, tells nothing apart and is no identity. An entry
    that is there twice shares nothing with another.
    """
    texts = {(identity.canonical_url(entry.link), entry.title, entry.summary, entry.content) for entry in entries}
    shared = Counter(address for address, *_ in texts if address)
    shared[identity.canonical_url(home)] += 2
    found: list[Listing] = []
    nameless = 0
    for entry in entries:
        own = shared[identity.canonical_url(entry.link)] < 2 and identity.canonical_url(entry.link).count("/") > 2
        listing = _listing(entry, own)
        if listing is None:
            nameless += 1
        else:
            found.append(listing)
    warnings = []
    if nameless:
        warnings.append(f"{nameless} of {len(entries)} entries have neither title nor text")
    return merge.combine(found), tuple(warnings)


def _listing(entry: Entry, link_is_own: bool) -> Listing | None:
    title = entry.title if entry.title_is_text else markup.to_text(entry.title[:MAX_TITLE], prose=False)
    title = typesetting.without_typesetting(_readable(title))
    authors = tuple(name for text in entry.people for name in names.people(markup.to_text(text, prose=False)))
    summary = entry.summary if entry.summary_is_text else markup.to_text(entry.summary)
    announced = arxiv.announcement(summary)
    version = None
    announce_type: AnnounceType = ""
    identifiers = [entry.guid, entry.link, *entry.identifiers]
    if announced:  # arXiv's own words; a link to a version in somebody's post has no say in what the paper is
        identifiers.append(announced[0])
        version = (identity.arxiv_id(announced[0]) or ("", None))[1]
        announce_type = arxiv.known_type(announced[1])
        text = entry_text.EntryText(abstract=announced[2])
    else:
        text = _text(entry, summary, title, authors)
        identifiers += text.identifiers
    if len(text.people) > len(authors) and set(authors) <= set(text.people):
        authors = tuple(text.people)  # some feeds name only the first of them
    abstract = _readable(text.abstract)
    if not title and (title := sanitize.shortened(abstract, 100)) == abstract:
        abstract = ""
    if not title:
        return None
    day = entry.day or text.day
    found_doi = next((doi for text in identifiers if (doi := identity.doi(text))), "")
    arxiv_id = next((spelled[0] for text in identifiers if (spelled := identity.arxiv_id(text))), "")
    title = arxiv.bare_title(title) if arxiv_id else title
    notice = Notice() if arxiv_id else notice_of(title, abstract)
    return Listing(
        title=title,
        keys=identity.keys_for(
            title,
            identifiers=identifiers,
            url=entry.link if link_is_own else "",
            abstract=abstract,
            features=(entry.link, entry.guid, str(day)),
        ),
        guid=sanitize.line(entry.guid, 2_000),
        abstract=sanitize.shortened(abstract, MAX_ABSTRACT),
        authors=tuple(dict.fromkeys(tex.readable(name) for name in authors)),
        categories=tuple(dict.fromkeys(word for item in entry.categories[:50] if (word := sanitize.line(item, 100)))),
        organization=text.organization,
        published=None if announced else day,
        listed=day if announced else None,
        url=sanitize.web_address(entry.link) or (f"https://arxiv.org/abs/{arxiv_id}" if arxiv_id else ""),
        version=version,
        announce_type=announce_type,
        withdrawn=arxiv.withdrawn(abstract, "") if arxiv_id else notice.is_retracted,
        kind=notice.kind,
        doi=identity.published_doi(found_doi),
        journal=_readable(entry.journal or text.journal)[:500],
        pdf_url=sanitize.web_address(entry.pdf) or (f"https://arxiv.org/pdf/{arxiv_id}" if arxiv_id else ""),
    )


def _text(entry: Entry, summary: str, title: str, authors: tuple[str, ...]) -> entry_text.EntryText:
    """What the summary says, or where that says little the whole content."""
    text = entry_text.read(summary, title, authors)
    if not entry.content or (len(text.abstract) >= TELLING and not text.abstract.endswith(("...", "…"))):
        return text
    content = entry.content if entry.content_is_text else markup.to_text(entry.content)
    whole = entry_text.read(content, title, authors)
    says_little = not text.abstract or len(text.abstract) < TELLING < len(whole.abstract)
    if says_little or _goes_on(text.abstract, whole.abstract):
        text.abstract = whole.abstract
    text.people = text.people or whole.people
    text.identifiers += whole.identifiers
    text.organization = text.organization or whole.organization
    text.journal = text.journal or whole.journal
    text.day = text.day or whole.day
    return text


def _goes_on(cut: str, whole: str) -> bool:
    """Whether a text that was cut off with dots is the beginning of the other, which is as short as an abstract."""
    if not cut.endswith(("...", "…")) or not len(cut) < len(whole) <= MAX_ABSTRACT:
        return False
    return identity.folded(whole).startswith(identity.folded(cut)[:300])


def _readable(text: str) -> str:
    return _BLANK_BEFORE.sub("", tex.readable(sanitize.line(text, 2 * MAX_ABSTRACT)))
