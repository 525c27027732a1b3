"""Templates drawn once for many letters. What only some letters say is left open and filled in for each. Pure.

A template is rendered with placeholders in it and its styles put inline, which is slow, and remembered; filling it is
joining strings:

    drawn     <h3 style="…"><a href="https://…">«title»</a></h3>
    filled    <h3 style="…"><a href="https://…"><b class="hit">Sparse</b> Attention &amp; Co</a></h3>

A placeholder is a name between control characters (written « » above). No text from outside can hold or forge one:
`sanitize.line` leaves no control character in it, and what is filled in is not looked at again.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from functools import wraps
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from bot.core.letter.letter import PersonalText
from bot.core.text.sanitize import harmless

_SLOT, _FILTER, _NEXT, _END = "\x01\x02\x03\x04"
_PLACES = re.compile(
    "\x01Slot:(?P<name>\\w+)\x01"  # in two cases: a template that changes the case spoils it, and is told so
    "|\x02(?P<filter>\\w+)\x03(?P<text>[^\x02-\x04]*)(?P<given>(?:\x03[^\x01-\x04]*)*)\x04"
)
_NAMES = re.compile("\x01Slot:(\\w+)\x01")
_MARK = re.compile("[\x01-\x04]")
_TAG = re.compile(r'<[^"<>]*(?:"[^"]*"[^"<>]*)*>')
_VALUE = re.compile('="[^"]*"')

SMALLEST = 120  # characters: a shorter chunk between two that are filled in is not worth being one of its own
# Filters that leave a placeholder whole. The others would be asked what they make of words nobody knows yet.
KEEPING = frozenset("d default e escape first forceescape join last list map reject safe select string trim".split())


class NeedsValue(Exception):
    """A template asks of words what only the words can answer: their length, their beginning, their case."""


Place = tuple[int, int]


class Fill(NamedTuple):
    """What goes into a placeholder: the words, where in them matches are marked, and whether few letters have them."""

    text: str
    hits: tuple[Place, ...] = ()
    is_personal: bool = False


def placeholder(name: str) -> str:
    """What a template shows where words will be filled in."""
    return f"{_SLOT}Slot:{name}{_SLOT}"


def has_placeholder(value: object) -> bool:
    return isinstance(value, str) and _MARK.search(value) is not None


def defer_filter(name: str, text: str, *given: object) -> str:
    """A text with placeholders, for the filter `name` to be applied when they are filled."""
    return _FILTER + _NEXT.join(map(str, (name, text, *given))) + _END


def single_line(text: str) -> str:
    """`sanitize.line` for a text with placeholders."""
    if _FILTER in text:
        raise NeedsValue
    return " ".join(text.split())


def guarded(filter_: Callable[..., Any]) -> Callable[..., Any]:
    """A filter of the templates that refuses placeholders. Raises NeedsValue."""

    @wraps(filter_)
    def checked(*given: Any, **named: Any) -> Any:
        if any(map(has_placeholder, given)):
            raise NeedsValue
        return filter_(*given, **named)

    return checked


def opened(value: Any, personal: dict[str, str]) -> Any:
    """A value with a placeholder for each PersonalText in it; `personal` gets the words by name, equal words one name.
    Looks into tuples alone."""
    kind = type(value)
    if kind is PersonalText:
        return placeholder(personal.setdefault(value, f"text{len(personal)}")) if value else ""
    if kind is str or not isinstance(value, tuple):
        return value
    parts = [opened(part, personal) for part in value]
    return tuple(parts) if kind is tuple else kind(*parts)


class _Open(NamedTuple):
    """A place to be filled in."""

    name: str
    escape: Callable[[str], str]


class _Deferred(NamedTuple):
    """A filter that waits for the words."""

    work: Callable[..., str]
    given: tuple[str, ...]
    parts: "tuple[str | _Open, ...]"


_Part = str | _Open | _Deferred


class _Lines(NamedTuple):
    """Lines with placeholders in them: `template` has a %s for each of `places`."""

    template: str
    places: tuple[_Open | _Deferred, ...]
    names: frozenset[str]


class PartialTemplate:
    """A template as it is drawn: HTML with its styles inline, or text. `hit` stands before and after a matched word.

    Raises NeedsValue where a placeholder stands in a tag but for the values of its attributes, or is spoilt.
    """

    def __init__(
        self,
        drawn: str,
        filters: Mapping[str, Callable[..., str]],
        *,
        html: bool,
        hit: tuple[str, str] = ("", ""),
    ) -> None:
        self._hit = hit
        parts = _parts(drawn, filters, html=html) if _MARK.search(drawn) else iter([harmless(drawn)])
        self._chunks: list[str | _Lines] = [_closed(lines) for lines in _grouped(parts)]

    def filled(self, fills: Mapping[str, Fill]) -> tuple[str, ...]:
        """The chunks of a letter. Those without placeholders are the same objects every time."""
        return tuple([chunk if isinstance(chunk, str) else self._lines(chunk, fills) for chunk in self._chunks])

    def having(self, fills: Mapping[str, Fill]) -> "PartialTemplate":
        """The same template with all lines filled that need no more than these."""
        closer = copy(self)
        closer._chunks = [
            self._lines(chunk, fills) if isinstance(chunk, _Lines) and chunk.names <= fills.keys() else chunk
            for chunk in self._chunks
        ]
        return closer

    def _lines(self, lines: _Lines, fills: Mapping[str, Fill]) -> str:
        text = lines.template % tuple([self._shown(place, fills) for place in lines.places])
        for name in lines.names:
            if fills[name].is_personal:
                return PersonalText(text)
        return text

    def _shown(self, place: _Open | _Deferred, fills: Mapping[str, Fill]) -> str:
        if isinstance(place, _Deferred):
            parts = [one if isinstance(one, str) else self._shown(one, fills) for one in place.parts]
            return place.work("".join(parts), *place.given)
        name, escape = place
        text, hits, _ = fills[name]
        if not hits:
            return escape(text)
        before, after = self._hit
        found: list[str] = []
        at = 0
        for start, stop in hits:
            found += (escape(text[at:start]), before, escape(text[start:stop]), after)
            at = stop
        found.append(escape(text[at:]))
        return "".join(found)


def _parts(drawn: str, filters: Mapping[str, Callable[..., str]], *, html: bool) -> Iterator[_Part]:
    """What is drawn, taken apart at its placeholders."""
    tags = [tag for tag in _TAG.finditer(drawn) if _MARK.search(tag[0])] if html else []
    end = 0
    for place in _PLACES.finditer(drawn):
        yield _literal(drawn[end : place.start()])
        tag = next((tag for tag in tags if tag.start() < place.start() < tag.end()), None)
        escape = _escape_in(tag, place) if tag else escaped if html else str
        if place["name"]:
            yield _Open(place["name"], escape)
        elif html:
            raise NeedsValue
        else:
            pieces = _NAMES.split(place["text"])
            parts = [_Open(one, str) if number % 2 else _literal(one) for number, one in enumerate(pieces)]
            yield _Deferred(filters[place["filter"]], tuple(place["given"].split(_NEXT)[1:]), tuple(parts))
        end = place.end()
    yield _literal(drawn[end:])


def _grouped(parts: Iterator[_Part]) -> Iterator[list[_Part]]:
    """Whole lines, apart by what is to be filled in: those without placeholders are what all letters share, those with
    the same ones are filled together. A little between two groups is no group of its own."""
    group: list[_Part] = []
    of_group: frozenset[str] = frozenset()
    for names, runs in groupby(((_names(run), run) for run in _runs(parts)), key=itemgetter(0)):
        lines = [part for _, run in runs for part in run]
        if group and names != of_group and not (_is_small(group) or _is_small(lines)):
            yield group
            group = []
        group += lines
        of_group = _names(group)
    if group:
        yield group


def _runs(parts: Iterator[_Part]) -> Iterator[list[_Part]]:
    """A line with placeholders in it, or the lines before the next such one."""
    line: list[_Part] = []
    for part in parts:
        if not isinstance(part, str):
            line.append(part)
            continue
        end = part.find("\n") + 1
        if not end:
            line.append(part)
            continue
        yield [*line, part[:end]]
        start = part.rfind("\n") + 1
        if start > end:
            yield [part[end:start]]
        line = [part[start:]]
    if any(line):
        yield line


def _names(parts: Sequence[_Part]) -> frozenset[str]:
    """What is to be filled in."""
    names: set[str] = set()
    for part in parts:
        if isinstance(part, _Open):
            names.add(part.name)
        elif isinstance(part, _Deferred):
            names.update(one.name for one in part.parts if isinstance(one, _Open))
    return frozenset(names)


def _is_small(parts: Sequence[_Part]) -> bool:
    return all(isinstance(part, str) for part in parts) and sum(map(len, map(str, parts))) < SMALLEST


def _closed(group: Sequence[_Part]) -> "str | _Lines":
    """A group that can be filled; a plain string where nothing in it is to be filled."""
    places = tuple(part for part in group if not isinstance(part, str))
    if not places:
        return "".join(map(str, group))
    template = "".join(part.replace("%", "%%") if isinstance(part, str) else "%s" for part in group)
    return _Lines(template, places, _names(group))


def _literal(text: str) -> str:
    if _MARK.search(text):
        raise NeedsValue
    return harmless(text)


def escaped(text: str) -> str:
    """A text in HTML, as the writer of inlined HTML spells it."""
    if "&" in text:
        text = text.replace("&", "&amp;")
    return text.replace("<", "&lt;").replace(">", "&gt;").replace("\xa0", "&nbsp;")


def _escaped_value(text: str) -> str:
    """The same in the value of an attribute."""
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("\xa0", "&nbsp;")


def _escape_in(tag: re.Match[str], place: re.Match[str]) -> Callable[[str], str]:
    for value in _VALUE.finditer(tag[0]):
        if value.start() < place.start() - tag.start() < value.end():
            return _escaped_value
    raise NeedsValue
