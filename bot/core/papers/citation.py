"""Papers as reference managers read them: BibTeX and RIS, authors in their order. Pure.

Titles and names come as they are shown (`core.text.sanitize` makes them so); what would be a command of TeX is escaped.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date

from bot.core.papers.paper import Paper

Clean = Callable[[str], str]

_TEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
    }
)
_ARXIV = re.compile(r"^arxiv:([a-z-]+(?:\.[A-Za-z-]+)?/\d{7}|\d{4}\.\d{4,5})$", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{4,}")


def to_bibtex(papers: Iterable[Paper], clean: Clean) -> str:
    """An entry for each paper, UTF-8; keys are unique within the file."""
    used: set[str] = set()
    return "\n".join(_bibtex_entry(paper, _key(paper, used, clean), clean) for paper in papers)


def to_ris(papers: Iterable[Paper], clean: Clean) -> str:
    """A record for each paper; lines end in CRLF, as the format was written for."""
    return "".join("".join(f"{tag}  - {value}\r\n" for tag, value in _ris_lines(paper, clean)) for paper in papers)


def _bibtex_entry(paper: Paper, key: str, clean: Clean) -> str:
    day = _day(paper)
    arxiv = _ARXIV.match(paper.key)
    fields = {
        "title": f"{{{_escaped(clean(paper.title))}}}",
        "author": " and ".join(_bibtex_name(_escaped(clean(name))) for name in paper.authors),
        "year": str(day.year) if day else "",
        "month": str(day.month) if day else "",
        "journal": _escaped(clean(paper.journal)),
        "doi": _address(paper.doi),
        "eprint": arxiv[1] if arxiv else "",
        "archiveprefix": "arXiv" if arxiv else "",
        "primaryclass": _escaped(clean(paper.categories[0])) if arxiv and paper.categories else "",
        "url": _address(paper.url),
        "abstract": _escaped(clean(paper.abstract)),
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    return "@{}{{{},\n{}\n}}\n".format("article" if paper.journal else "misc", key, ",\n".join(lines))


def _escaped(text: str) -> str:
    return text.translate(_TEX)


def _address(text: str) -> str:
    """An address is read as it stands; what could end its field is written in percent."""
    return "".join(text.split()).replace("{", "%7B").replace("}", "%7D").replace("\\", "%5C")


def _bibtex_name(name: str) -> str:
    """A name that holds " and " would be two."""
    return f"{{{name}}}" if " and " in f" {name} ".lower() else name


def _key(paper: Paper, used: set[str], clean: Clean) -> str:
    """ "vaswani2017attention", and a letter behind it where that is taken."""
    family = clean(paper.authors[0]).split()[-1:] if paper.authors else []
    day = _day(paper)
    word = _WORD.search(clean(paper.title))
    whole = f"{family[0] if family else 'paper'}{day.year if day else ''}{word[0] if word else ''}".lower()
    base = re.sub(r"[^a-z0-9]", "", whole) or "paper"
    key, number = base, 1
    while key in used:
        number += 1
        key = f"{base}-{number}"
    used.add(key)
    return key


def _ris_lines(paper: Paper, clean: Clean) -> Iterator[tuple[str, str]]:
    day = _day(paper)
    yield "TY", "JOUR" if paper.journal else "UNPB"
    yield "TI", clean(paper.title)
    for name in paper.authors:
        yield "AU", _family_first(clean(name))
    if day:
        yield "PY", str(day.year)
        yield "DA", f"{day:%Y/%m/%d}/"
    for tag, value in (("JO", clean(paper.journal)), ("DO", "".join(paper.doi.split()))):
        if value:
            yield tag, value
    for category in paper.categories:
        yield "KW", clean(category)
    if paper.abstract:
        yield "AB", clean(paper.abstract)
    if paper.url:
        yield "UR", "".join(paper.url.split())
    yield "ER", ""


def _family_first(name: str) -> str:
    """ "Vaswani, Ashish". Names in scripts without blanks, and those with a comma already, stay."""
    given, _, family = name.rpartition(" ")
    return f"{family}, {given}" if given and "," not in name else name


def _day(paper: Paper) -> date | None:
    return paper.published or paper.listed or (paper.first_seen.date() if paper.first_seen else None)
