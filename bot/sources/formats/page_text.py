"""The text of a saved huggingface.co/papers page to papers, whatever its layout: structure only, no meaning of dates.

A page is a run of lines: a title is short, an abstract is prose, details have a form of their own. Three layouts are
known (blank lines between all; with a block of authors or organisation, a dot, date and comments; dense, no blank
lines, "Subscribe" glued to the first title); they are not told apart, each line is."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

LineKind = Literal["title", "prose", "authors", "organization", "dot", "date", "details", "header"]

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DATE = rf"{_MONTH}\.?\s+(?P<day>\d{{1,2}})(?:\s*,\s*(?P<year>\d{{4}}))?(?:\s+(?P<comments>\d{{1,6}}))?"
_DATE_LINE = re.compile(rf"(?:[·•∙⋅]\s*)?{_DATE}", re.IGNORECASE)
_AUTHORS = r"[•·∙⋅*-]?\s*(?P<count>\d{1,6})\s+authors?"
_AUTHORS_LINE = re.compile(_AUTHORS, re.IGNORECASE)
_DETAILS_LINE = re.compile(rf"(?:{_AUTHORS}|(?P<name>\S.{{0,200}}?))\s*[·•∙⋅]\s*{_DATE}", re.IGNORECASE)
_DOT_LINE = re.compile(r"[·•∙⋅]")
_HEADER = re.compile(
    r"new|daily papers|subscribe|(?:get )?trending papers in your email inbox(?: once a day)?\s*!?|"
    r"by\s*ak and the research community",
    re.IGNORECASE,
)
_SIGN = re.compile(
    r"(?:get )?trending papers in your email inbox.{0,40}|by\s*ak and the research community|daily papers",
    re.IGNORECASE,
)
_INBOX = re.compile(r"(?i:(?:get )?trending papers in your email inbox(?: once a day)?\s*!\s*)")
_GLUED = re.compile(rf"(?:{_INBOX.pattern})*(?i:subscribe)(?=[^\sa-z])|(?:{_INBOX.pattern})+(?=\S)")
_GLUED_LOOSELY = re.compile(rf"(?:{_INBOX.pattern})*(?i:subscribe) (?=[A-Z\d])")
_FOOTER = re.compile(
    r"previous|next|load more|company|tos|terms(?: of service)?|privacy|about|careers|website|models|datasets|spaces|"
    r"pricing|docs|system theme|©.*|hugging face|log ?in|sign ?up|back to top",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]}]*$")
_INNER_END = re.compile(r"[a-z0-9)\]%}][.!?][\"'”’)]* [A-Z\"“(`\\$]")
LONG = 300  # characters: no title has so many (arXiv's longest have about 250)


@dataclass(slots=True)
class Block:
    """One paper as the page shows it. `date` is (month, day, year or 0)."""

    title: str
    at: int  # line number, from 1
    abstract: str = ""
    author_count: int | None = None
    organization: str = ""
    date: tuple[int, int, int] | None = None
    comments: int | None = None
    page_date: tuple[int, int, int] | None = None
    detailed: bool = False  # something of its details block was there
    prose: bool = False  # its abstract is unmistakably one


@dataclass(slots=True)
class Page:
    blocks: list[Block] = field(default_factory=list)
    orphans: list[int] = field(default_factory=list)  # lines of prose that no title stands over
    signed: bool = False  # something on it says that it is a papers page

    @property
    def convincing(self) -> bool:
        """Whether this is a listing and not just any text with headings: it says so, or keeps strictly to the form."""
        whole = sum(bool(block.abstract) for block in self.blocks)
        if self.signed or sum(block.detailed for block in self.blocks) * 2 > len(self.blocks):
            return whole * 2 > len(self.blocks) and len(self.orphans) <= whole
        prose = sum(block.prose for block in self.blocks)
        odd = len(self.orphans) + len(self.blocks) - prose
        marked = sum(not block.title[:1].isalnum() and block.title[:1] not in "\"'“‘([$" for block in self.blocks)
        return prose >= 2 and odd * 10 <= prose and marked * 10 <= prose


@dataclass(slots=True)
class _Line:
    at: int
    text: str
    kind: LineKind
    found: re.Match[str] | None = None
    sure: bool = False  # a title without doubt: the page's header was glued to it


def read(text: str) -> Page:
    """The papers of a page. Never raises; text that is no page gives a Page that is not `convincing`."""
    lines = [(at, line.strip()) for at, line in enumerate(re.split(r"\r\n|\r|\n", text), 1)]
    page = Page(signed=any(_SIGN.fullmatch(line) or _GLUED.match(line) for _, line in lines[:200] if len(line) < LONG))
    kinds = list(_kinds(_unwrapped(lines) if page.signed else [line for line in lines if line[1]]))
    start, page_date = _header(kinds)
    _assemble(page, kinds, start, page_date)
    return page


def _unwrapped(lines: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Lines that are not blank; an abstract broken into many touching lines becomes one again."""
    run: list[tuple[int, str]] = []
    for at, line in [*lines, (0, "")]:
        if line:
            run.append((at, line))
            continue
        plain = all(_kind(text)[0] == "title" and len(text) <= 160 for _, text in run)
        if len(run) >= 4 and plain and sum(len(text) for _, text in run) >= LONG:
            yield run[0][0], " ".join(text for _, text in run)
        else:
            yield from run
        run = []


def _kinds(lines: Iterable[tuple[int, str]]) -> Iterator[_Line]:
    after_inbox = False
    for number, (at, text) in enumerate(lines):
        glued = None
        if after_inbox or number < 3:
            glued = _GLUED.match(text) or (_GLUED_LOOSELY.match(text) if after_inbox else None)
        if glued and len(text) > glued.end():
            text = text[glued.end() :]
        else:
            glued = None
        after_inbox = _INBOX.match(text) is not None and len(text) < LONG
        kind, found = _kind(text)
        yield _Line(at, text, kind, found, sure=glued is not None and kind == "title")


def _kind(text: str) -> tuple[LineKind, re.Match[str] | None]:
    if len(text) >= LONG:
        return "prose", None
    if _DOT_LINE.fullmatch(text):
        return "dot", None
    if found := _AUTHORS_LINE.fullmatch(text):
        return "authors", found
    if found := _DATE_LINE.fullmatch(text):
        return "date", found
    if found := _DETAILS_LINE.fullmatch(text):
        return "details", found
    if _HEADER.fullmatch(text):
        return "header", None
    ended = _SENTENCE_END.search(text)
    if ended and (len(text) >= 180 or (len(text) >= 80 and text[ended.start()] == "." and _INNER_END.search(text))):
        return "prose", None
    return "title", None


def _header(lines: list[_Line]) -> tuple[int, tuple[int, int, int] | None]:
    """Where the papers begin, and the page's date. Whatever stands before the first title belongs to the header."""
    body = next(
        (at for at, line in enumerate(lines) if line.kind in {"prose", "authors", "dot", "details"}), len(lines)
    )
    start = next((at for at, line in enumerate(lines[:body]) if line.sure), None)
    if start is None:
        start = _first_title(lines, body)
    dates = [line for line in lines[:start] if line.kind == "date"]
    return start, _date(dates[-1].found) if dates else None


def _first_title(lines: list[_Line], body: int) -> int:
    """The line of the first title, given the first line that surely belongs to a paper."""
    known = max((at for at, line in enumerate(lines[:body]) if line.kind in {"header", "date"}), default=-1)
    start = known + 1
    if body == len(lines):  # only short abstracts: what follows the header alternates
        return start
    last = body - 1
    if lines[body].kind == "dot" and last > start:
        last -= 1  # an organisation stands over the dot
    if lines[body].kind != "prose" and last > start and _is_sentence(lines[last].text):
        last -= 1  # a short abstract over the details
    while last - 2 >= start and _is_sentence(lines[last - 1].text):
        last -= 2  # a paper with a short abstract
    if last - 1 == start and known >= 0 and lines[known].kind == "date" and _is_titular(lines[start].text):
        last -= 1  # a title whose abstract is missing
    return max(last, start) if last >= 0 else body


def _is_sentence(text: str) -> bool:
    return len(text) >= 40 and text.endswith((".", '."', ".)"))


def _is_titular(text: str) -> bool:
    return len(text) >= 30 and len(text.split()) >= 5


def _assemble(page: Page, lines: list[_Line], start: int, page_date: tuple[int, int, int] | None) -> None:
    current: Block | None = None
    for index in range(start, len(lines)):
        line = lines[index]
        following = lines[index + 1 : index + 3]
        kinds = [item.kind for item in following]
        if line.kind == "header":
            current = None
        elif line.kind == "prose":
            if current is None or current.abstract or current.detailed:
                if current and current.abstract and not current.detailed and _goes_on(current.abstract, line.text):
                    current.abstract += " " + line.text
                else:
                    page.orphans.append(line.at)
            else:
                current.abstract, current.prose = line.text, True
        elif line.kind == "title":
            if (
                current
                and kinds[:1] in (["dot"], ["date"])
                and (current.abstract or kinds[:1] == ["dot"])
                and not current.detailed
            ):
                current.organization = line.text
            elif current and not current.abstract and not current.detailed and kinds[:1] != ["prose"]:
                current.abstract = line.text  # a short one; were it a title, its own abstract would follow
            elif not _FOOTER.fullmatch(line.text):
                current = Block(line.text, line.at, page_date=page_date)
                page.blocks.append(current)
        elif line.kind == "date" and current is None:
            page_date = _date(line.found)  # pages one after the other in one file
        elif current is not None:
            _detail(current, line)


def _goes_on(abstract: str, text: str) -> bool:
    """Whether a paragraph continues an abstract that was broken in two."""
    return not _SENTENCE_END.search(abstract) and len(abstract) + len(text) < 2_500


def _detail(block: Block, line: _Line) -> None:
    block.detailed = True
    if line.found is None:
        return
    parts = line.found.groupdict()
    if parts.get("count"):
        block.author_count = int(parts["count"])
    if parts.get("name"):
        block.organization = parts["name"]
    if parts.get("month"):
        block.date = _date(line.found)
        block.comments = int(parts["comments"]) if parts["comments"] else None


def _date(found: re.Match[str] | None) -> tuple[int, int, int] | None:
    if found is None:
        return None
    return MONTHS.index(found["month"][:3].lower()) + 1, int(found["day"]), int(found["year"] or 0)
