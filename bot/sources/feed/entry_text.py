"""What an entry's text says besides the abstract: publishers write authors, dates, journal and DOI into it, and put
their own phrases before and after. Their words are known by their form, not by their address."""

import re
from dataclasses import dataclass, field
from datetime import date

from bot.core.papers import identity
from bot.core.text import sanitize
from bot.sources.formats import names, typesetting
from bot.sources.formats.dates import stated_day

MAX_PARAGRAPHS = 200
_LABELS = {  # what stands before a colon, or alone on its line -> what follows it
    word: kind
    for kind, words in {
        "abstract": ("abstract", "summary", "résumé", "zusammenfassung", "resumen", "resumo", "摘要"),
        "people": ("author", "authors", "author(s)", "by", "creators", "作者"),
        "identifier": ("doi", "arxiv", "pmid"),
        "organization": (
            "institution", "institutions", "affiliation", "affiliations", "organization", "机构", "单位"
        ),
        "day": (
            "publication date", "published", "published online", "available online", "date", "发表时间", "日期"
        ),
        "journal": ("source", "journal", "published in", "来源"),
        "dropped": (
            "keywords", "category", "categories", "subjects", "comments", "upvotes", "votes", "link", "links",
            "url", "pdf", "关键词"
        ),
    }.items()
    for word in words
}  # fmt: skip
_LABEL = re.compile(
    rf" ?[^\w\s]{{0,3}} ?({'|'.join(sorted(map(re.escape, _LABELS), key=len, reverse=True))}) ?(?:[:：]|$) ?",
    re.IGNORECASE,
)
_JOINED_LABELS = re.compile(r"\s(?=(?:Source|Author\(s\)|Authors): )|\s\|\s")  # labelled parts on one line
_BRACKETS = re.compile(r"【([^【】]{1,12})】[:：]?")
_NO_ABSTRACT = re.compile(
    r"\W*(?:n/?a|none|null|publishaheadofprint|read more|comments?|"
    r"(?:no abstract|not available|abstract (?:is )?(?:not available|unavailable)).{0,30})?\W*",
    re.IGNORECASE,
)
_PAGES = r"(?:,? (?:pages?|pp?\.?|article) ?[\w.:-]{1,30}(?: ?[-–] ?[\w.:]{1,30})?)?"
_MONTH_YEAR = r"(?:,? [A-Za-z/– -]{0,30}\d{4})?"
# "Taxon, Volume 70, Issue 6, Page 1197-1209, December 2021.", "Larks, EarlyView.", "Volume 5, Issue 3-4, May 2021"
_CITATION = re.compile(
    r"(?P<name>[^,]{0,150}?)(?:^|,) ?"
    r"(?:vol(?:ume|\.) (?P<volume>[\w.-]{1,20})(?:,? (?:issue|number|no\.|iss\.) (?P<issue>[\w./-]{1,20}?))?"
    r"|early ?view|(?:accepted|early view) articles?|ahead of print|just accepted|online first|articles in press)"
    rf"{_PAGES}{_MONTH_YEAR}{_PAGES}[.\s]*",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r".{0,300}?\bdoi:? ?(?:https?://(?:dx\.)?doi\.org/)?10\.\S+.{0,100}", re.IGNORECASE)
_DOI_OF_CARD = re.compile(r"\bdoi: ?(\S{5,200})", re.IGNORECASE)
_CARD = "add to selected citations"  # a button of HighWire's lists
# WordPress, in its languages.
_FIRST_ON = (
    "appeared first on", "erschien zuerst auf", "est apparu en premier sur", "se publicó primero en",
    "apareció primero en", "apareceu primeiro em", "proviene da", "sembra essere il primo su", "verscheen eerst op",
    "dök först upp på", "pochodzi z serwisu",
)  # fmt: skip
_POSTED = re.compile(
    r"(?:the post|der beitrag|l[’']article|cet article|la entrada|l[’']articolo|o post|het bericht|inlägget|artykuł) "
    rf".{{1,300}}?\b(?:{'|'.join(_FIRST_ON)}) .{{1,200}}",
    re.IGNORECASE,
)
_LEADING = r"(?P<cut>(?:\s|…|\.{3}|\[…\]|\[\.{3}\]|\(){0,6})"
_MORE = re.compile(
    rf"{_LEADING}(?:continue reading|read (?:the )?(?:more|rest|full (?:article|post|story)))\b[^.!?]{{0,100}}$",
    re.IGNORECASE,
)
_WORDS_FOR_MORE = (
    "weiterlesen", "mehr lesen", "lire la suite", "lire plus", "en savoir plus", "leer más", "seguir leyendo",
    "continuar leyendo", "leggi tutto", "continua a leggere", "leia mais", "continue lendo", "lees meer", "läs mer",
    "les mer", "læs mere", "czytaj dalej", "czytaj więcej", "читать далее", "続きを読む", "阅读全文", "继续阅读",
)  # fmt: skip
_MORE_ELSEWHERE = re.compile(
    rf"(?:^|(?<=[.!?…\])]))\s?(?P<cut>(?:…|\[…\])?)\s?(?:{'|'.join(_WORDS_FOR_MORE)})\W{{0,10}}$", re.IGNORECASE
)
_CHINESE_NAMES = re.compile(r"(?:[\u3400-\u9fff·]{2,12}[;；] ?){1,40}")
_DATE_LINE = re.compile(r"[A-Za-z &-]{0,30}\d{1,2} [A-Z][a-z]{2,8} \d{4}")
_BUTTONS = frozenset({"html", "xml", "pdf", "epub", "full text", "download pdf", "view pdf", "abstract", "comments"})


@dataclass(slots=True)
class EntryText:
    """A text taken apart. What it does not say is empty."""

    abstract: str = ""
    people: list[str] = field(default_factory=list)
    identifiers: list[str] = field(default_factory=list)
    organization: str = ""
    journal: str = ""
    day: date | None = None


def read(text: str, title: str, authors: tuple[str, ...] = ()) -> EntryText:
    """The text of an entry taken apart, given the title and the authors it has elsewhere."""
    found = EntryText()
    parts = _BRACKETS.sub(r"\n\1: ", text).split("\n", 20 * MAX_PARAGRAPHS)
    paragraphs = _trimmed([line for part in parts if (line := sanitize.line(part))])
    if len(paragraphs) > MAX_PARAGRAPHS:
        found.abstract = " ".join(paragraphs)
        return found
    if any(line.lower().endswith(_CARD) for line in paragraphs):
        found.identifiers = [doi for line in paragraphs for doi in _DOI_OF_CARD.findall(line)]
        return found
    paragraphs, before = _labelled(paragraphs, found)
    paragraphs = _without_citation(paragraphs, found)
    if len(paragraphs) > 1 and _same(paragraphs[0], title):
        paragraphs = _card(paragraphs[1:], found)
    if not authors and not found.people:
        found.people = next((list(names.people(line)) for line in before if _are_names(line)), [])
    paragraphs = _without_people(paragraphs, found, authors)
    abstract = typesetting.cleaned_abstract(" ".join(paragraphs))
    if not _NO_ABSTRACT.fullmatch(abstract[:200]) and not (
        len(abstract) < 2 * len(title) + 20 and _same(abstract, title)
    ):
        found.abstract = abstract
    return found


def _same(text: str, title: str) -> bool:
    return len(text) < 2 * len(title) + 20 and identity.folded(text) == identity.folded(title)


def _trimmed(paragraphs: list[str]) -> list[str]:
    """Without what blogs and journals put after every entry ("The post … appeared first on …", "Read more…", buttons),
    and without what has no letter before and after the text."""
    while paragraphs and not any(map(str.isalnum, paragraphs[0])):
        paragraphs = paragraphs[1:]
    while paragraphs:
        last = paragraphs[-1]
        tail = last[-600:]
        words = tail.lower()
        if any(phrase in words for phrase in _FIRST_ON):
            tail = _POSTED.sub("", tail)
        if "read" in words:
            tail = _MORE.sub(_still_cut, tail)
        if any(phrase in words for phrase in _WORDS_FOR_MORE):
            tail = _MORE_ELSEWHERE.sub(_still_cut, tail)
        rest = last if tail == last[-600:] else (last[:-600] + tail).rstrip()
        if rest == last and any(map(str.isalnum, last)) and last.lower() not in _BUTTONS:
            break
        paragraphs = [*paragraphs[:-1], rest] if any(map(str.isalnum, rest)) and rest != last else paragraphs[:-1]
    return paragraphs


def _still_cut(more: re.Match[str]) -> str:
    """What shows that a text was cut stays, where the button for the rest goes."""
    return "…" if "…" in more["cut"] or "..." in more["cut"] else ""


def _card(paragraphs: list[str], found: EntryText) -> list[str]:
    """Of a search result's card (below its title: a sentence, authors line by line, "Article 19 Jan 2026") the rest."""
    if not paragraphs or not _DATE_LINE.fullmatch(paragraphs[-1]):
        return paragraphs
    found.day = found.day or stated_day(paragraphs.pop())
    people: list[str] = []
    while paragraphs and 2 <= len(paragraphs[-1].split()) <= 5 and not paragraphs[-1].endswith((".", "?", "!")):
        people.insert(0, paragraphs.pop())
    found.people = found.people or people
    return paragraphs


def _labelled(paragraphs: list[str], found: EntryText) -> tuple[list[str], list[str]]:
    """The paragraphs that have no label, and those that stood before "Abstract"; the others go where they belong."""
    lines: list[str] = []
    for line in paragraphs:
        lines += _JOINED_LABELS.split(line) if len(line) < 3_000 and _LABEL.match(line) else [line]
    kept: list[str] = []
    before: list[str] = []
    waiting = ""  # the label that stood alone on the line before
    kinds = set()
    for line in lines:
        label = _LABEL.match(line)
        kind, value = (_LABELS[label[1].lower()], line[label.end() :]) if label else (waiting, line)
        waiting = ""
        kinds.add(kind)
        if kind == "abstract":
            if label:
                before, kept = [*before, *kept], []  # what stood before it was about the paper
            kept += [value] if value else []
        elif not kind:
            if line.lower().startswith("available online ") and (day := stated_day(line)):
                found.day = day
            else:
                kept.append(line)
        elif not value:
            waiting = kind
        else:
            _sort_in(kind, value, found)
    if kinds.isdisjoint({"people", "day"}):
        found.journal = ""  # "Source: Lark News" of a collection of links
    return kept, before


def _sort_in(kind: str, value: str, found: EntryText) -> None:
    """A labelled part goes where it belongs; the first of each kind counts."""
    if kind == "people":
        found.people = found.people or list(names.people(value))
    elif kind == "identifier":
        found.identifiers.append(value[:500])
    elif kind == "organization":
        found.organization = found.organization or sanitize.line(value, 300)
    elif kind == "journal":
        found.journal = found.journal or _journal(value)
    elif kind == "day":
        found.day = found.day or stated_day(value)


def _journal(value: str) -> str:
    """ "Larks and Allies, Volume 167, Issue 2" -> "Larks and Allies 167(2)"."""
    if "://" in value or len(value) > 300:
        return ""
    citation = _CITATION.fullmatch(value)
    if citation is None or not citation["name"].strip():
        return value
    issue = f"({citation['issue']})" if citation["issue"] else ""
    return citation["name"].strip() + (f" {citation['volume']}{issue}" if citation["volume"] else "")


def _without_citation(paragraphs: list[str], found: EntryText) -> list[str]:
    """Without a first or only paragraph that says where the paper stands and nothing else."""
    if not paragraphs:
        return paragraphs
    if len(paragraphs[0]) < 400 and (citation := _CITATION.fullmatch(paragraphs[0])):
        found.journal = found.journal or (_journal(paragraphs[0]) if citation["name"].strip() else "")
        return paragraphs[1:]
    return paragraphs[1:] if len(paragraphs) > 1 and _REFERENCE.fullmatch(paragraphs[0][:600]) else paragraphs


def _without_people(paragraphs: list[str], found: EntryText, authors: tuple[str, ...]) -> list[str]:
    """Without the authors some put before the abstract."""
    if not paragraphs:
        return paragraphs
    first, rest = paragraphs[0], paragraphs[1:]
    if chinese := _CHINESE_NAMES.match(first):
        found.people = found.people or list(names.people(chinese[0]))
        return [line for line in (first[chinese.end() :].strip(), *rest) if line]
    if rest and len(" ".join(rest)) > (25 if _are_chinese(first) else 80) and _are_names(first):
        people = names.people(first)
        if set(authors) <= set(people):
            found.people = found.people or list(people)
            return rest
    if authors and (end := _end_of_names(first, authors)) and (rest or len(authors) > 1):
        return [line for line in (first[end:].strip(" .;:,-"), *rest) if line]
    return paragraphs


def _are_names(line: str) -> bool:
    """Whether a line is a list of names, or one with an initial in it."""
    if len(line) > 10_000 or any(map(str.isdigit, line)):
        return False
    parts = [part.strip() for part in re.split(r"[;,；，、]| and | & ", line.rstrip(" .;；")) if part.strip()]
    words = [word for part in parts for word in part.split()]
    if not parts or any(len(part.split()) > 5 or len(part) > 60 for part in parts):
        return False
    if _are_chinese(line):
        return len(parts) > 1 and all(len(part) <= 4 for part in parts)
    if len(parts) == 1:
        return 2 <= len(words) <= 4 and all(word[0].isupper() for word in words) and "." in line[:-1]
    return len(words) >= 3 and sum(not word[0].islower() for word in words) >= 0.8 * len(words)


def _are_chinese(line: str) -> bool:
    return re.fullmatch(r"[\u3400-\u9fff·;,；，、 ]{1,400}", line) is not None


def _end_of_names(text: str, authors: tuple[str, ...]) -> int:
    """Where the authors' names end, if the text begins with all of them in order; else 0."""
    at = 0
    for name in authors:
        start = text.find(name, at, at + len(name) + 12)
        if start < 0:
            return 0
        at = start + len(name)
    return at
