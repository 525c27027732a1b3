"""Templates drawn once for many letters, with blanks left for what each letter says in its own words. Pure.

What is left blank, and what goes there, belongs to `plates`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any, NamedTuple, NoReturn, cast

from bot.core.clean import harmless
from bot.core.editions import Own
from bot.core.excerpts import Run

# Blanks are marked with control characters: `clean.line` leaves none in anything from outside, so no title can hold or
# forge one. What is filled in is not looked at for marks again.
_WORDS, _PUT_OFF, _THEN, _END = "\x01\x02\x03\x04"
_PLACES = re.compile(
    "\x01wW(?P<words>\\d+)\x01"
    "|\x01wW(?P<runs>\\d+)a\x01(?P<before>[^\x01-\x04]*)\x01wW(?P=runs)b\x01(?P<after>[^\x01-\x04]*)"
    "\x01wW(?P=runs)c\x01"
    "|\x02(?P<columns>\\d+)\x03(?P<first>[^\x01-\x04]*)\x03(?P<rest>[^\x01-\x04]*)\x03(?P<text>[^\x02-\x04]*)\x04"
)
_MARK = re.compile("[\x01-\x04]")
_TAG = re.compile(r'<[^">]*(?:"[^"]*"[^">]*)*>')

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


def has_blank(text: object) -> bool:
    """Whether a value is, or a text holds, a blank."""
    return isinstance(text, Blank) or (isinstance(text, str) and _MARK.search(text) is not None)


def put_off(text: object, columns: int, first: str, rest: str) -> str:
    """A text with blanks in it, to be wrapped when they are filled."""
    return f"{_PUT_OFF}{columns}{_THEN}{first}{_THEN}{rest}{_THEN}{text!s}{_END}"


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
    before: str = ""  # a hit
    after: str = ""


class _Wrapped(NamedTuple):
    columns: int
    first: str
    rest: str
    parts: "tuple[str | _Place, ...]"


_Part = str | _Place | _Wrapped
_Line = tuple[tuple[_Part, ...], tuple[int, ...]]  # its parts, and the blanks in it


class Form:
    """A finished template with blanks: HTML with its styles inline, or text. Raises Unfit where a blank stands in a
    tag, or where a mark has been pulled to pieces."""

    def __init__(self, drawn: str, wrap: Callable[[str, int, str, str], str], *, html: bool) -> None:
        self._wrap = wrap
        self._shown: Callable[[str], str] = escaped if html else str
        self._pieces: list[str | _Line] = []
        line: list[_Part] = []
        end = 0
        tags = [tag.span() for tag in _TAG.finditer(drawn)] if html else []
        for place in _PLACES.finditer(drawn):
            if any(start < place.start() < stop for start, stop in tags) or (html and place["columns"]):
                raise Unfit
            self._add(drawn[end : place.start()], line)
            line.append(_part(place))
            end = place.end()
        self._add(drawn[end:], line)
        if line:
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
            elif isinstance(part, _Wrapped):
                text = self._text(part.parts, said)
                found.append(self._wrap(text, part.columns, part.first, part.rest))
            else:
                text, hits, _ = said[part.number]
                if not hits:
                    found.append(self._shown(text))
                    continue
                at = 0
                for start, stop in hits:
                    found += (self._shown(text[at:start]), part.before, self._shown(text[start:stop]), part.after)
                    at = stop
                found.append(self._shown(text[at:]))
        return "".join(found)

    def _add(self, text: str, line: list[_Part]) -> None:
        """What stands between blanks: whole lines are chunks, the rest belongs to a line with blanks."""
        text = _plain(text)
        if line:
            head, feed, text = text.partition("\n")
            line.append(head + feed)
            if not feed:
                return
            self._close(line)
        whole, feed, tail = text.rpartition("\n")
        if whole + feed:
            self._pieces.append(whole + feed)
        if tail:
            line.append(tail)

    def _close(self, line: list[_Part]) -> None:
        places = [p for part in line for p in (part.parts if isinstance(part, _Wrapped) else (part,))]
        self._pieces.append((tuple(line), tuple({p.number for p in places if isinstance(p, _Place)})))
        line.clear()


def escaped(text: str) -> str:
    """A text in HTML, as the writer of inlined HTML spells it."""
    if "&" in text:
        text = text.replace("&", "&amp;")
    return text.replace("<", "&lt;").replace(">", "&gt;").replace("\xa0", "&nbsp;")


def _part(place: re.Match[str]) -> _Part:
    if place["words"]:
        return _Place(int(place["words"]))
    if place["runs"]:
        return _Place(int(place["runs"]), harmless(place["before"]), harmless(place["after"]))
    parts: list[str | _Place] = []
    end = 0
    for words in re.finditer("\x01wW(\\d+)\x01", place["text"]):
        parts += (_plain(place["text"][end : words.start()]), _Place(int(words[1])))
        end = words.end()
    parts.append(_plain(place["text"][end:]))
    return _Wrapped(int(place["columns"]), place["first"], place["rest"], tuple(parts))


def _plain(text: str) -> str:
    if _MARK.search(text):
        raise Unfit
    return harmless(text)
