"""Where a term stands in a text: a title, an abstract or a name. Pure.

What a whole query is true of belongs to `evaluate`.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from typing import NamedTuple

from bot.core.query.ast import Term
from bot.core.query.plurals import fixed_end, keys, singular
from bot.core.query.words import (
    SMALL_WORDS,
    Word,
    exact_word_spans,
    is_blankless,
    is_hangul,
    is_number,
    places_of_words,
    prefix_of,
    units,
    without_plus,
    words,
)


class _Known(NamedTuple):
    """What there is to know of a word of a title or abstract, wherever it stands."""

    word: str
    keys: tuple[str, ...]
    begins: bool  # it may be the first of two that are read as one (`joins`)
    script: int
    is_number: bool
    end: str | None  # `fixed_end`; None also where the two are to be looked at as a whole


OTHER, HANGUL, BLANKLESS = 0, 1, 2  # scripts


@lru_cache(maxsize=1 << 15)  # papers share most of their words
def _known(word: str) -> _Known:
    script = BLANKLESS if is_blankless(word) else HANGUL if is_hangul(word) else OTHER
    begins = word not in SMALL_WORDS and script != BLANKLESS
    return _Known(word, keys(word), begins, script, is_number(word), None if word[-1] == "+" else fixed_end(word))


class Text:
    """A title, an abstract, or one name. Names know neither plurals nor compounds."""

    def __init__(self, text: str, is_name: bool = False) -> None:
        self.text = text
        self.is_name = is_name

    @cached_property
    def folded(self) -> list[str]:
        """The words, without their places in the text: those are asked for only where something was found."""
        return words(self.text)

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        return places_of_words(self.text)

    @cached_property
    def exact_words(self) -> list[Word]:
        return exact_word_spans(self.text)

    def find(self, term: Term) -> tuple[int, int] | None:
        """Where a term stands in the text, [start, end); (-1, -1) if it does, but the place cannot be told."""
        place = self.find_words(term)
        if place is None:
            return None
        spans = [(start, end) for _, start, end in self.exact_words] if term.exact else self.spans
        return spans[place[0]][0], spans[place[1] - 1][1]

    def find_words(self, term: Term) -> tuple[int, int] | None:
        """The words of the text [start, end) where a term stands first; of words near each other the closest ones."""
        if term.near:
            return self._near(term)
        if term.exact:
            start = next(self._exact_starts(term), None)
            return None if start is None else (start, start + len(term.words))
        if len(term.words) == 1 and prefix_of(term.words[0]) is None:
            return self._word(self._same(term.words[0]))
        return next((place for i in self._starts(term) if (place := self._stands(term, i))), None)

    def first_word(self, term: Term) -> int | None:
        """The word of the text at which a term begins first."""
        if term.near:
            return self._first_near(term)
        place = self.find_words(term)
        return None if place is None else place[0]

    def count(self, term: Term) -> int:
        """At how many places a term begins; words near each other count once."""
        if term.near:
            return int(self._near(term) is not None)
        if term.exact:
            return sum(1 for _ in self._exact_starts(term))
        return sum(self._stands(term, i) is not None for i in self._starts(term))

    def _exact_starts(self, term: Term) -> Iterator[int]:
        words = [word.word for word in self.exact_words]
        return (i for i in range(len(words)) if tuple(words[i : i + len(term.words)]) == term.words)

    def _word(self, wanted: str) -> tuple[int, int] | None:
        """The first word, or two words read as one, that a term of a single word stands for."""
        start = next(iter(self.places.get(wanted, ())), None)
        if start is None:
            return None
        return start, start + (1 if wanted in self._keys(self.folded[start]) else 2)

    def _starts(self, term: Term) -> Iterable[int]:
        """The words of the text a reading of the term may begin with; most terms are not there at all."""
        firsts = [wanted for wanted, _ in self._units(term.words, 0)]
        if any(prefix_of(wanted) is not None for wanted in firsts):
            return range(len(self.folded))
        return sorted(set().union(*(self.places.get(self._same(wanted), ()) for wanted in firsts)))

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """Where each unit of the text's readings begins."""
        places: dict[str, list[int]] = {}
        if self.is_name:
            for i, word in enumerate(self.folded):
                for key in self._keys(word):
                    places.setdefault(key, []).append(i)
            return places
        known = list(map(_known, self.folded))
        for i, first in enumerate(known):
            for key in first.keys:
                places.setdefault(key, []).append(i)
            second = known[i + 1] if i + 1 < len(known) else None
            if second is None or not (first.begins and first.script == second.script) or second.script == BLANKLESS:
                continue
            if first.is_number and second.is_number:
                continue
            if second.end is not None:
                places.setdefault(first.word + second.end, []).append(i)
            else:
                for key in keys(first.word + second.word):
                    places.setdefault(key, []).append(i)
        return places

    def _stands(self, term: Term, start: int) -> tuple[int, int] | None:
        """The words [start, end) of the text that some reading of the term's words begins and ends with."""
        seen, waiting = set(), [(0, start)]  # the term's words before the first number are found before the second
        while waiting:
            here = waiting.pop()
            if here[0] == len(term.words):
                return start, here[1]
            if here in seen:
                continue
            seen.add(here)
            followers = [
                (after, end)
                for wanted, after in self._units(term.words, here[0])
                for unit, end in self._units(self.folded[here[1] : here[1] + 2], 0)
                if self._agree(wanted, unit, self.folded[here[1]] if end == 2 else "")
            ]
            waiting += sorted(((after, here[1] + end) for after, end in followers), reverse=True)
        return None

    def _units(self, words: "list[str] | tuple[str, ...]", i: int) -> Iterator[tuple[str, int]]:
        return units(words, i, joined=not self.is_name)

    def _agree(self, wanted: str, unit: str, first: str) -> bool:
        """Whether a unit of the term stands for a unit of the text; `first` is the first word of a joined pair."""
        prefix = prefix_of(wanted)
        if prefix is None:
            return self._same(wanted) in self._keys(unit)
        return unit.startswith(prefix) and len(prefix) > len(first)

    def _same(self, word: str) -> str:
        return word if self.is_name else singular(word)

    def _keys(self, unit: str) -> tuple[str, ...]:
        """What a unit of the text is found by."""
        if not self.is_name:
            return keys(unit)
        plain = without_plus(unit) if unit[-1] == "+" else ""
        return (unit, plain) if plain else (unit,)

    def _near(self, term: Term) -> tuple[int, int] | None:
        """The tightest run of words [start, end) with a place of its own for each of the term's words."""
        best: tuple[int, int] | None = None
        for start in sorted(set().union(*(places := self._near_places(term)))):
            reach = start + term.near if best is None else min(start + term.near, start + best[1] - best[0] - 2)
            end = last_place(within(places, start, reach))
            if end is not None:
                best = start, end + 1
        return best

    def _first_near(self, term: Term) -> int | None:
        """The first word from which on a term's words are near each other."""
        places = self._near_places(term)
        starts = sorted(set().union(*places))
        return next((at for at in starts if last_place(within(places, at, at + term.near)) is not None), None)

    def _near_places(self, term: Term) -> list[list[int]]:
        """The places of each of the term's words; none of any where one has none."""
        places = [[i for i, word in enumerate(self.folded) if self._agree(w, word, "")] for w in term.words]
        return places if all(places) else [[]]


def within(places: list[list[int]], start: int, end: int) -> list[list[int]]:
    """The places from start to end, both included, of every row."""
    return [[place for place in row if start <= place <= end] for row in places]


def last_place(places: list[list[int]]) -> int | None:
    """The least last place when every row gets a place of its own; None if they cannot all have one.

    Kuhn's matching (1955), the places given out from the first to the last.
    """
    holder: dict[int, int] = {}

    def settle(row: int, last: int, asked: set[int]) -> bool:
        for place in places[row]:
            if place <= last and place not in asked:
                asked.add(place)
                if place not in holder or settle(holder[place], last, asked):
                    holder[place] = row
                    return True
        return False

    if not all(places):
        return None
    settled: set[int] = set()
    for last in sorted(set().union(*places)):
        for row in range(len(places)):
            if row not in settled and settle(row, last, set()):
                settled.add(row)
        if len(settled) == len(places):
            return last
    return None
