"""A feed cut to size before a parser reads it.

feedparser's time grows with the square of several lengths (one author's characters, an entry's categories, elements
within one another), so each is bounded here, in one pass over the text that takes the damaged like the well-formed:
entries, elements, depth, and the characters of every field."""

import re
from collections import Counter
from dataclasses import dataclass, field

from bot.core.text import markup
from bot.errors import SourceError
from bot.sources.formats import names

MAX_ENTRIES = 2_000
MAX_ELEMENTS = 80_000  # feedparser takes some 12 µs for each: an entry with all its extensions has 20
MAX_DEPTH = 1_000
MAX_CATEGORIES = 100  # of an entry
MAX_ATTRIBUTES = 100_000  # characters of one tag's
MAX_TEXT = 40_000  # characters of a field that holds prose, fewer where there are very many entries
ALL_TEXT = 8_000_000  # characters of prose in all entries
MAX_FIELD = 5_000  # of any other
MAX_WORDS = 300  # of those that are split or looked up: dates, keywords
MAX_STEPS = 400_000  # pieces of markup looked at
MAX_LINES = 100_000  # of all text: feedparser is called for each
MAX_IDENTIFIERS = 20  # of an entry
MAX_PEOPLE = 100_000  # of one that holds names: a collaboration's 3,000 are often one string
_PROSE = frozenset(
    {"description", "summary", "content", "encoded", "abstract", "body", "fulltext", "subtitle", "tagline"}
)
_PEOPLE = frozenset({"author", "creator", "contributor", "name", "email", "managingeditor", "publisher", "webmaster"})
_WORDS = frozenset(
    """pubdate published updated date created issued modified lastbuilddate publicationdate coverdate coverdisplaydate
    keywords""".split()
)
_CATEGORY = frozenset({"category", "subject", "keywords", "tag"})
_ENTRY = frozenset({"item", "entry"})
_ENTRY_START = re.compile(r"<(?:[\w-]{1,40}:)?(?:item|entry)[\s/>]", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([A-Za-z_][\w.-]{0,60}(?::[\w.-]{1,60})?)([^<>]*)>")
_MARKUP = re.compile(r"<(?=[A-Za-z_/!?])")  # another "<" is a less-than sign that should have been escaped
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[<>]*(?:\[[^\]]*\]\s*)?>", re.IGNORECASE)
_NESTED_ENTITY = re.compile(r"<!ENTITY[^>&]{0,200}&[A-Za-z]", re.IGNORECASE)
UNBROKEN = re.compile(r"\S{200,}")
_CUT_ENTITY = re.compile(r"&[^;&\s]{0,31}$")
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(slots=True)
class BoundedFeed:
    """What a parser may read."""

    text: str
    found: int = 0  # in the whole feed
    stopped: bool = False  # before its end
    identifiers: list[list[str]] = field(default_factory=list)  # every dc:identifier of each entry kept


def bounded(text: str) -> BoundedFeed:
    """The feed's first entries, each of them and all of them cut to what a parser reads in a second or so.

    Text with entities, HTML's as well as XML's, becomes CDATA: it is well-formed then whatever stands in it, and read
    in one piece. Comments, processing instructions and declarations fall away. Raises SourceError for what is no feed
    anybody would write.
    """
    return _Cutter(text, count_entries(text)).cut()


def count_entries(text: str) -> int:
    return sum(1 for _ in _ENTRY_START.finditer(text))


def prose_room(entries: int) -> int:
    """How many characters of prose an entry's field may have, where there are so many entries."""
    return min(MAX_TEXT, max(ALL_TEXT // max(entries, 1), 4_000))


class _Element:
    __slots__ = ("left", "name", "people", "prose", "tag")

    def __init__(self, tag: str, in_prose: bool, prose_room: int) -> None:
        self.tag = tag
        self.name = tag.rpartition(":")[2].lower()
        self.prose = in_prose or self.name in _PROSE
        self.people = not self.prose and self.name in _PEOPLE
        short = MAX_WORDS if self.name in _WORDS else MAX_FIELD
        self.left = prose_room if self.prose else MAX_PEOPLE if self.people else short  # characters it may still hold


class _Cutter:
    def __init__(self, text: str, found: int) -> None:
        self._text = text
        self._found = found
        self._prose_room = prose_room(found)
        self._out: list[str] = []
        self._open: list[_Element] = []
        self._opened: Counter[str] = Counter()  # how many of each tag are open
        self._entry_depth = 0  # of the entry being read; 0: none
        self._left_out = 0  # depth of the element that is being left out; 0: none
        self._categories = 0  # of this entry
        self._cost = 0
        self._lines = 0
        self._entries = 0
        self._whole = (0, "")  # pieces up to the end of the last entry, and what closes the feed there
        self._identifiers: list[list[str]] = []
        self._absent: set[str] = set()  # ends that do not come again: looked for once

    def cut(self) -> BoundedFeed:
        text, at, steps = self._text, 0, 0
        while found := _MARKUP.search(text, at):
            start = found.start()
            self._write(text[at:start])
            steps += 1
            if self._cost > MAX_ELEMENTS or steps > MAX_STEPS or self._entries == MAX_ENTRIES:
                return self._stopped()
            at = self._markup(start)
        self._write(text[at:])
        return BoundedFeed(text="".join(self._out), found=self._found, identifiers=self._identifiers)

    def _stopped(self) -> BoundedFeed:
        if not self._entries:
            raise SourceError(
                f"the feed is damaged: more than {MAX_ELEMENTS} elements before the end of its first entry"
            )
        pieces, closing = self._whole
        return BoundedFeed(
            text="".join(self._out[:pieces]) + closing,
            found=self._found,
            stopped=True,
            identifiers=self._identifiers[: self._entries],
        )

    def _markup(self, start: int) -> int:
        """Takes what begins with the "<" at `start`; returns where to go on."""
        text = self._text
        if tag := _TAG.match(text, start):
            self._tag(tag[1] == "/", tag[2], tag[3])
            return tag.end()
        if text.startswith("<![CDATA[", start):
            end = self._end("]]>", start + 9)
            inner = text[start + 9 : end if end >= 0 else start + 9 + MAX_TEXT]
            self._write(inner, "<![CDATA[", "]]>" if end >= 0 else "")
            return end + 3 if end >= 0 else len(text)
        for opening, closing in (("<!--", "-->"), ("<?", "?>"), ("<!", ">")):
            if text.startswith(opening, start):
                if opening == "<!" and (doctype := _DOCTYPE.match(text, start)):
                    if _NESTED_ENTITY.search(doctype[0]):
                        raise SourceError("the feed declares entities made of entities, as only an attack does")
                    return doctype.end()
                end = self._end(closing, start + len(opening))
                if end >= 0:
                    return end + len(closing)
        if self._end(">", start) < 0:
            return len(text)  # a tag cut off with the document
        self._write("<")
        return start + 1

    def _end(self, mark: str, start: int) -> int:
        end = -1 if mark in self._absent else self._text.find(mark, start)
        if end < 0:
            self._absent.add(mark)
        return end

    def _tag(self, closes: bool, tag: str, attributes: str) -> None:
        self._cost += 1 + attributes.count("=") // 4
        if closes:
            self._close(tag)
            return
        alone = attributes.endswith("/")
        if len(attributes) > MAX_ATTRIBUTES:
            attributes = "/" if alone else ""
        element = _Element(tag, bool(self._open) and self._open[-1].prose, self._prose_room)
        depth = len(self._open) + 1
        if depth > MAX_DEPTH:
            raise SourceError(f"the feed is damaged: more than {MAX_DEPTH} elements within one another")
        if element.name in _ENTRY and not self._entry_depth:
            self._entry_depth, self._categories = depth, 0
            self._identifiers.append([])
        elif element.name in _CATEGORY and self._entry_depth:
            self._categories += 1
            if self._categories > MAX_CATEGORIES and not self._left_out:
                self._left_out = depth
        if not self._left_out:
            self._out.append(f"<{tag}{attributes}>")
        self._open.append(element)
        self._opened[tag] += 1
        if alone:
            self._pop(write=False)

    def _close(self, tag: str) -> None:
        if not self._opened[tag]:
            if not self._left_out:
                self._out.append(f"</{tag}>")  # damaged: the parser is to know
            return
        while self._open[-1].tag != tag:
            self._pop(write=False)
        self._pop(write=True)

    def _pop(self, *, write: bool) -> None:
        depth = len(self._open)
        element = self._open.pop()
        self._opened[element.tag] -= 1
        if write and not self._left_out:
            self._out.append(f"</{element.tag}>")
        if self._left_out == depth:
            self._left_out = 0
        if self._entry_depth == depth:
            self._entry_depth = 0
            self._entries += 1
            self._whole = (len(self._out), "".join(f"</{outer.tag}>" for outer in reversed(self._open)))

    def _write(self, run: str, before: str = "", after: str = "") -> None:
        """Text into the element that is open, as much as it may still hold."""
        if not run or self._left_out or not self._open:
            return
        element = self._open[-1]
        if len(run) > element.left:
            run = _CUT_ENTITY.sub("", run[: element.left])
            element.left = 0
        else:
            element.left -= len(run)
        if element.people:
            run = UNBROKEN.sub(lambda found: found[0][:200], run)
        if element.name == "identifier" and self._entry_depth and len(self._identifiers[-1]) < MAX_IDENTIFIERS:
            self._identifiers[-1].append(run)
        if not before and ("&" in run or "<" in run):
            run, before, after = markup.unescaped(run).replace("]]>", "]]]]><![CDATA[>"), "<![CDATA[", "]]>"
        if element.people and "@" in run:
            run = names.without_addresses(run)  # feedparser leaves half of x@lab.science
        self._lines += run.count("\n")
        if self._lines > MAX_LINES:
            run = run.replace("\n", " ")
        self._out += (before, NOT_XML.sub("", run), after)
