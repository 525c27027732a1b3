"""What all of arXiv's documents share: one paper's fields, as they write them, to a listing.

Which document holds them where belongs to the source `arxiv`; `feed` meets the same announcements in other feeds."""

import re
from collections.abc import Iterable
from datetime import date
from itertools import islice

from bot.core.papers import Listing, identity
from bot.core.papers.paper import ANNOUNCE_TYPES, AnnounceType
from bot.core.text import sanitize, tex

MAX_PEOPLE = 200_000  # characters of one list of names
MAX_NAMES = 10_000
_ANNOUNCED = re.compile(
    r"\s*arXiv:(?P<id>\S{5,40})\s+Announce Type:\s*(?P<type>[\w-]+)\s*(?:Abstract:\s*)?", re.IGNORECASE
)
_BETWEEN_NAMES = re.compile(r",|\sand\s|;")
_SUFFIX = re.compile(r"(?:Jr|Sr|II|III|IV)\.?")
_OLD_TITLE = re.compile(r"\.? ?\(arXiv:\S{5,40} \[[\w.-]{1,20}\](?: \w{1,20}){0,5}\)$")
_NUMBER = r"\d{4}\.\d{4,5}(?:v\d{1,2})?"
_IN_FRONT = re.compile(
    rf"(?:\[(?:arxiv:)?{_NUMBER}\]|arxiv:{_NUMBER}(?: \[[\w.-]{{1,20}}\])?|\[[a-z-]{{2,8}}\.[A-Z]{{2}}\]) ?[:—–-]? ",
    re.IGNORECASE,
)
_CATEGORY = re.compile(r"[a-z]+(?:-[a-z]+)*(?:\.[A-Za-z]{2}|\.[a-z]+(?:-[a-z]+)*)?")  # not I.2.7, not 68T50
_WITHDRAWN_NOTE = re.compile(
    r"\A\W{0,20}(?:withdrawn|retracted)\b(?! from (?!arxiv))|"
    r"\b(?:(?:has|have) been|was|is|being|is now|are) (?:withdrawn|retracted)\b|"
    r"\bwithdrawn (?:by|due|because|temporarily)\b|"
    r"\b(?:we|authors?) (?:have |hereby )?(?:withdraw|withdrew)\b (?:this|the) (?:paper|article|submission)",
    re.IGNORECASE,
)
_WITHDRAWN_ABSTRACT = re.compile(
    r"\W*(?:(?:this|the|our) (?:\w+ ){0,2}"
    r"(?:paper|article|submission|manuscript|work|preprint|version|note|report|draft)s?\b.{0,40}?"
    r"\b(?:withdrawn|retracted)\b|(?:withdrawn|retracted)\b(?! from)|paper withdrawn)",
    re.IGNORECASE | re.DOTALL,
)


def announcement(text: str) -> tuple[str, str, str] | None:
    """Identifier, type and abstract of "arXiv:2401.1v1 Announce Type: new Abstract: …"; None for other text."""
    found = _ANNOUNCED.match(text)
    return (found["id"], found["type"].lower(), text[found.end() :]) if found else None


def known_type(text: str) -> AnnounceType:
    """An announcement's type; "" for a word that is none of arXiv's."""
    return next((known for known in ANNOUNCE_TYPES if known == text), "")


def people(text: str) -> tuple[str, ...]:
    """Names out of one comma-joined string; affiliations in parentheses fall away, "Jr." stays with its name."""
    kept, depth = [], 0
    for char in text[:MAX_PEOPLE]:
        depth += (char == "(") - (char == ")" and depth > 0)
        kept.append(char if depth == 0 and char != ")" else "")
    names: list[str] = []
    parts = _BETWEEN_NAMES.split(sanitize.line("".join(kept).replace("\\,", " "), MAX_PEOPLE))  # "A.\\,B. Sample"
    for part in parts[:MAX_NAMES]:
        name = tex.readable(sanitize.line(part, 300))
        if _SUFFIX.fullmatch(name) and names:
            names[-1] += f", {name}"
        elif any(char.isalpha() for char in name):
            names.append(name)
    return tuple(names)


def bare_title(title: str) -> str:
    """A title without its paper's number or category: "[2401.12345] Larks", "Larks (arXiv:2401.12345v1 [cs.CL])"."""
    front = _IN_FRONT.match(title)
    return _OLD_TITLE.sub("", title[front.end() :] if front else title) or title


def withdrawn(abstract: str, note: str) -> bool:
    """Whether the authors' comment, or the abstract that took the place of the real one, says so."""
    return bool(_WITHDRAWN_NOTE.search(note[:2_000]) or _WITHDRAWN_ABSTRACT.match(abstract[:400]))


def categories(terms: Iterable[str]) -> tuple[str, ...]:
    """arXiv's own categories among subject codes, in order."""
    words = (word for term in islice(terms, 100) for word in term[:1_000].replace(",", " ").replace(";", " ").split())
    return tuple(dict.fromkeys(word for word in words if len(word) < 60 and _CATEGORY.fullmatch(word)))


def listing(
    identifier: str,
    title: str,
    *,
    abstract: str = "",
    authors: tuple[str, ...] = (),
    subjects: Iterable[str] = (),
    published: date | None = None,
    listed: date | None = None,
    announce_type: str = "",
    note: str = "",
    doi: str = "",
    journal: str = "",
    late: bool = False,
) -> Listing | None:
    """One paper; None if it has no identifier of arXiv or no title."""
    found = identity.arxiv_id(identifier)
    title = tex.readable(bare_title(sanitize.line(title)))
    if found is None or not title:
        return None
    number, version = found
    abstract, note = tex.readable(sanitize.line(abstract)), tex.readable(sanitize.line(note))
    bare_doi = identity.doi(doi.split()[0]) if doi.split() else ""
    return Listing(
        title=title,
        keys=identity.keys_for(title, identifiers=[number, bare_doi]),
        abstract=abstract,
        authors=authors,
        categories=categories(subjects),
        published=published,
        listed=listed,
        url=f"https://arxiv.org/abs/{number}",
        pdf_url=f"https://arxiv.org/pdf/{number}",
        version=version,
        announce_type=known_type(announce_type),
        withdrawn=withdrawn(abstract, note),
        late=late,
        note=note,
        doi=identity.published_doi(bare_doi),
        journal=tex.readable(sanitize.line(journal, 500)),
    )
