"""Templates drawn once for many letters, with blanks left for what each letter says in its own words. Pure.

What is left blank, and what goes there, belongs to `plates`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any, NamedTuple, NoReturn, cast

from bot.core.letter.excerpts import Run
from bot.core.letter.letter import Own
from bot.core.text.sanitize import harmless

# Blanks are marked with control characters: `clean.line` leaves none in anything from outside, so no title can hold or
# forge one. What is filled in is not looked at for marks again.
_WORDS, _PUT_OFF, _THEN, _END = "\x01\x02\x03\x04"
_PLACES = re.compile(
    "\x01wW(?P<words>\\d+)\x01"
    "|\x01wW(?P<runs>\\d+)a\x01(?P<before>[^\x01-\x04]*)\x01wW(?P=runs)b\x01(?P<after>[^\x01-\x04]*)"
    "\x01wW(?P=runs)c\x01"
    "|\x02(?P<name>\\w+)\x03(?P<text>[^\x02-\x04]*)(?P<given>(?:\x03[^\x01-\x04]*)*)\x04"
)
_MARK = re.compile("[\x01-\x04]")
_TAG = re.compile(r'<[^">]*(?:"[^"]*"[^">]*)*>')
_VALUE = re.compile('="[^"]*"')

TINY = 120  # characters that are not worth being a chunk of their own

# What these filters do to a blank, they would do to the words: nothing, or something that can be put off.
KEEPING = frozenset("d default e escape first forceescape join last list map reject safe select string trim".split())  # noqa: SIM905


class Unfit(Exception):
    """A template asks something of a blank that only the words can answer: it has to be drawn for each letter."""


class Blank:
    """Words that are there, but not known yet. They can be shown, wrapped, and told from other blanks."""

    __slots__ = ("mark",)

    def __init__(self, number: int, run: str = "") -> None:
        self.mark = f"{_WORDS}wW{number}{run}{_WORDS}"  # a template that changes the case spoils it

    def __str__(self) -> str:
        return self.mark

    def __html__(self) -> str:
        return self.mark

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Blank):
            return self.mark == other.mark
        return False if other == "" else self._unknown()

    def __hash__(self) -> int:
        return hash(self.mark)

    def __getattr__(self, name: str) -> NoReturn:
        self._unknown()

    def _unknown(self, *_: object) -> NoReturn:
        raise Unfit

    __len__ = __iter__ = __getitem__ = __contains__ = __lt__ = __gt__ = __le__ = __ge__ = _unknown
    __add__ = __radd__ = __mul__ = __mod__ = __rmod__ = _unknown

    def __bool__(self) -> bool:
        return True


class BlankRuns:
    """A blank for a text with matched words in it, nobody knows how many: the template shows how it marks one."""

    def __init__(self, number: int) -> None:
        self._runs = (Blank(number, "a"), False), (Blank(number, "b"), True), (Blank(number, "c"), False)

    def __iter__(self) -> Iterator[Run]:
        return (Run(cast("str", text), hit) for text, hit in self._runs)


def blanked(value: Any, own: dict[str, int]) -> Any:
    """A value with blanks for the words in it that are `Own`, numbered in `own`. Looks into tuples alone."""
    if isinstance(value, Own):
        return Blank(own.setdefault(value, len(own))) if value else ""
    if not isinstance(value, tuple):
        return value
    parts = [blanked(part, own) for part in value]
    return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)


def has_blank(text: object) -> bool:
    """Whether a value is, or a text holds, a blank."""
    return isinstance(text, Blank) or (isinstance(text, str) and _MARK.search(text) is not None)


def put_off(name: str, text: object, *given: object) -> str:
    """A text with blanks in it, for the filter `name` when they are filled: of the text, and of `given` as strings."""
    return _PUT_OFF + _THEN.join(map(str, (name, text, *given))) + _END


def line(text: str) -> str:
    """`clean.line` for a text with blanks in it; what is filled in is such a line itself."""
    if _PUT_OFF in text:
        raise Unfit
    return " ".join(text.split())


def guarded(filter_: Callable[..., Any]) -> Callable[..., Any]:
    """A filter of the templates that is not asked what it makes of a blank."""

    @wraps(filter_)
    def checked(*given: Any, **named: Any) -> Any:
        if any(map(has_blank, given)):
            raise Unfit
        return filter_(*given, **named)

    return checked


class Said(NamedTuple):
    """What goes into a blank: words, where in them matches are marked, and whether only this letter has them."""

    text: str
    hits: tuple[tuple[int, int], ...] = ()
    own: bool = False


class _Place(NamedTuple):
    number: int
    shown: Callable[[str], str]
    before: str = ""  # a hit
    after: str = ""


class _Later(NamedTuple):
    work: Callable[..., str]
    given: tuple[str, ...]
    parts: "tuple[str | _Place, ...]"


_Part = str | _Place | _Later
_Line = tuple[tuple[_Part, ...], tuple[int, ...]]  # its parts, and the blanks in it


class Form:
    """A finished template with blanks: HTML with its styles inline, or text. Raises Unfit where a blank stands in a
    tag but for its values, or where a mark has been pulled to pieces. `filters` are those that can be put off."""

    def __init__(self, drawn: str, filters: Mapping[str, Callable[..., str]], *, html: bool) -> None:
        self._filters = filters
        self._pieces: list[str | _Line] = []
        line: list[_Part] = []
        end = 0
        tags = [tag for tag in _TAG.finditer(drawn) if _MARK.search(tag[0])] if html else []
        for place in _PLACES.finditer(drawn):
            self._add(drawn[end : place.start()], line)
            tag = next((tag for tag in tags if tag.start() < place.start() < tag.end()), None)
            line.append(self._part(place, (_shown_in(tag, place) if tag else escaped) if html else str))
            end = place.end()
        self._add(drawn[end:], line)
        self._close(line)

    def filled(self, said: Sequence[Said]) -> tuple[str, ...]:
        """The chunks of a letter: those without blanks are the same objects every time."""
        chunks: list[str] = []
        for piece in self._pieces:
            if isinstance(piece, str):
                chunks.append(piece)
                continue
            parts, blanks = piece
            text = self._text(parts, said)
            chunks.append(Own(text) if any(said[blank].own for blank in blanks) else text)
        return tuple(chunks)

    def _text(self, parts: Sequence[_Part], said: Sequence[Said]) -> str:
        found: list[str] = []
        for part in parts:
            if isinstance(part, str):
                found.append(part)
            elif isinstance(part, _Later):
                found.append(part.work(self._text(part.parts, said), *part.given))
            else:
                text, hits, _ = said[part.number]
                if not hits:
                    found.append(part.shown(text))
                    continue
                at = 0
                for start, stop in hits:
                    found += (part.shown(text[at:start]), part.before, part.shown(text[start:stop]), part.after)
                    at = stop
                found.append(part.shown(text[at:]))
        return "".join(found)

    def _part(self, place: re.Match[str], shown: Callable[[str], str]) -> _Part:
        if place["words"]:
            return _Place(int(place["words"]), shown)
        if place["runs"]:
            return _Place(int(place["runs"]), shown, harmless(place["before"]), harmless(place["after"]))
        if shown is not str:
            raise Unfit
        pieces = re.split("\x01wW(\\d+)\x01", place["text"])
        parts = [_Place(int(one), shown) if number % 2 else _plain(one) for number, one in enumerate(pieces)]
        return _Later(self._filters[place["name"]], tuple(place["given"].split(_THEN)[1:]), tuple(parts))

    def _add(self, text: str, line: list[_Part]) -> None:
        """What stands between blanks: whole lines are chunks, the rest belongs to a line with blanks."""
        text = _plain(text)
        if line:
            head, feed, rest = text.partition("\n")
            if len(rest) < TINY:
                line.append(text)
                return
            line.append(head + feed)
            self._close(line)
            text = rest
        whole, feed, tail = text.rpartition("\n")
        if len(whole) < TINY:
            line.append(text)
        else:
            self._pieces.append(whole + feed)
            line.append(tail)

    def _close(self, line: list[_Part]) -> None:
        places = [p for part in line for p in (part.parts if isinstance(part, _Later) else (part,))]
        if blanks := {place.number for place in places if isinstance(place, _Place)}:
            self._pieces.append((tuple(line), tuple(blanks)))
        elif text := "".join(map(str, line)):
            self._pieces.append(text)
        line.clear()


def escaped(text: str) -> str:
    """A text in HTML, as the writer of inlined HTML spells it."""
    if "&" in text:
        text = text.replace("&", "&amp;")
    return text.replace("<", "&lt;").replace(">", "&gt;").replace("\xa0", "&nbsp;")


def _in_value(text: str) -> str:
    """The same in the value of an attribute."""
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("\xa0", "&nbsp;")


def _shown_in(tag: re.Match[str], place: re.Match[str]) -> Callable[[str], str]:
    for value in _VALUE.finditer(tag[0]):
        if value.start() < place.start() - tag.start() < value.end():
            return _in_value
    raise Unfit


def _plain(text: str) -> str:
    if _MARK.search(text):
        raise Unfit
    return harmless(text)
