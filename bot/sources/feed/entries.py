"""What a feed's entry says, whatever the feed's format, to listings: text, people, dates, identifiers."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from bot.core.papers import Listing, identity, merge
from bot.core.text import markup, sanitize, tex
from bot.sources.formats import arxiv, names

MAX_ENTRIES = 2_000
MAX_ABSTRACT = 5_000  # characters; a blog's entry may be the whole article
_LABEL = re.compile(r"\s*(abstract|summary|author\(s\)|authors?|doi|publication date|source)\s*:?\s*", re.IGNORECASE)
_LABELLED = re.compile(rf"^{_LABEL.pattern}", re.IGNORECASE | re.MULTILINE)
_NO_ABSTRACT = re.compile(
    r"\W*(?:n/?a|none|null|comments?|no abstract.{0,30}|read more|volume \d+, .{0,120})?\W*", re.IGNORECASE
)
_CITATION = re.compile(r".{0,300}?\bdoi:? ?10\.\S+.{0,60}", re.IGNORECASE)


@dataclass(kw_only=True)
class Entry:
    """An entry as the feed gives it, unread: text may be HTML, people one string, dates in any form."""

    title: str = ""
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

    An address that several entries share, or that is the feed's home, tells nothing apart and is no identity.
    """
    shared = Counter(identity.canonical_url(entry.link) for entry in entries if entry.link)
    shared[identity.canonical_url(home)] += 2
    found: list[Listing] = []
    nameless = 0
    for entry in entries[:MAX_ENTRIES]:
        own = shared[identity.canonical_url(entry.link)] < 2 and identity.canonical_url(entry.link).count("/") > 2
        listing = _listing(entry, own)
        if listing is None:
            nameless += 1
        else:
            found.append(listing)
    warnings = []
    if nameless:
        warnings.append(f"{nameless} of {len(entries)} entries have neither title nor text")
    if len(entries) > MAX_ENTRIES:
        warnings.append(f"the feed has {len(entries)} entries; only the first {MAX_ENTRIES} were read")
    return merge.combine(found), tuple(warnings)


def _listing(entry: Entry, link_is_own: bool) -> Listing | None:
    summary = markup.to_text(entry.summary)
    announced = arxiv.announcement(summary)
    summary, people, labelled = ("", "", []) if announced else _sections(summary)
    content, more_people, _ = _sections(markup.to_text(entry.content)) if entry.content else ("", "", [])
    identifiers = [entry.guid, entry.link, *entry.identifiers, *labelled]
    version, announce_type = None, ""
    if announced:  # arXiv's own words; a link to a version in somebody's post has no say in what the paper is
        identifiers.append(announced[0])
        version = (identity.arxiv_id(announced[0]) or ("", None))[1]
        announce_type, summary = announced[1] if announced[1] in arxiv.STRENGTH else "", announced[2]
    abstract = _readable(content if not summary or len(summary) < 200 < len(content) else summary)
    title = _readable(markup.to_text(entry.title)) or sanitize.shortened(abstract, 100)
    if not title:
        return None
    if _NO_ABSTRACT.fullmatch(abstract) or _repeats(title, abstract):
        abstract = ""
    authors = [name for text in entry.people for name in names.people(markup.to_text(text))]
    authors = authors or list(names.people(people or more_people))
    found_doi = next((doi for text in identifiers if (doi := identity.doi(text))), "")
    arxiv_id = next((spelled[0] for text in identifiers if (spelled := identity.arxiv_id(text))), "")
    return Listing(
        title=title,
        keys=identity.keys_for(
            title,
            identifiers=identifiers,
            url=entry.link if link_is_own else "",
            abstract=abstract,
            features=(entry.link, entry.guid, str(entry.day)),
        ),
        guid=sanitize.line(entry.guid, 2_000),
        abstract=sanitize.shortened(abstract, MAX_ABSTRACT),
        authors=tuple(dict.fromkeys(tex.readable(name) for name in authors)),
        categories=tuple(dict.fromkeys(word for item in entry.categories[:50] if (word := sanitize.line(item, 100)))),
        published=None if announced else entry.day,
        listed=entry.day if announced else None,
        url=sanitize.web_address(entry.link) or (f"https://arxiv.org/abs/{arxiv_id}" if arxiv_id else ""),
        version=version,
        announce_type=announce_type,
        withdrawn=bool(arxiv_id) and arxiv.withdrawn(abstract, ""),
        doi="" if found_doi.startswith("10.48550/arxiv.") else found_doi,
        journal=_readable(entry.journal)[:500],
        pdf_url=sanitize.web_address(entry.pdf) or (f"https://arxiv.org/pdf/{arxiv_id}" if arxiv_id else ""),
    )


def _repeats(title: str, abstract: str) -> bool:
    return len(abstract) < 2 * len(title) + 20 and identity.folded(abstract) == identity.folded(title)


def _readable(text: str) -> str:
    return tex.readable(sanitize.line(text, 3 * MAX_ABSTRACT))


def _sections(text: str) -> tuple[str, str, list[str]]:
    """Abstract, people and identifiers of a text whose paragraphs are labelled ("Author(s): …", "DOI: …",
    "Abstract: …"), as publishers write them; of other text all of it."""
    if not _LABELLED.search(text):
        return text, "", []
    paragraphs = [line for part in text.split("\n") if (line := sanitize.line(part))]
    if not paragraphs or len(paragraphs) > 200:
        return text, "", []
    labels = [_LABEL.match(line) for line in paragraphs]
    if not any(
        label and (":" in label[0] or label.end() == len(line)) for label, line in zip(labels, paragraphs, strict=True)
    ):
        return text, "", []
    people, found, kept = "", [], []
    for line, label in zip(paragraphs, labels, strict=True):
        if label is None or not (":" in label[0] or label.end() == len(line)):
            kept.append(line)
            continue
        name, value = label[1].lower(), line[label.end() :]
        if name.startswith("author"):
            people = people or value
        elif name == "doi":
            found.append(value)
        elif name in {"abstract", "summary"}:
            kept = [value] if value else []  # what stood before it was about the paper
    if kept and len(kept) > 1 and _CITATION.fullmatch(kept[0]):
        del kept[0]
    return " ".join(kept), people, found
