"""The texts of a batch of papers as one row of numbered words, text behind text; read once for any number of matchers.

How terms are found among them: see `scan`; what a word is: see `bot.core.query.words`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import chain, count
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bot.core.matching.arrays import Ints
from bot.core.papers import Paper
from bot.core.query.plurals import fixed_end, keys, singular
from bot.core.query.words import SMALL_WORDS, exact_words, is_blankless, is_hangul, is_number, split_words, words

TITLE, ABSTRACT, AUTHOR, ORG = 1, 2, 4, 8  # fields

Numbers: TypeAlias = NDArray[np.int32]  # half as large: there are millions in a month of papers
FOLDED, EXACT, BOTH, NAME = 1, 2, 3, 4  # what a word may be read as. ASCII is kept as typed: folding it is lower()
_KINDS = (FOLDED, EXACT, BOTH, NAME | FOLDED, NAME | EXACT, NAME | BOTH)


class Tokens:
    """Every word of the papers, in order, with an empty token behind each text.

    Papers are numbered as they come; None is a paper without anything. A text outside ASCII is there twice where its
    words are also wanted as typed (`exact`, `exact_names`): once for each reading.
    """

    def __init__(self, papers: Sequence[Paper | None], *, exact: bool, names: bool, exact_names: bool) -> None:
        self._lexicons = {kind: defaultdict[str, int](count(1).__next__) for kind in _KINDS}
        self._wants_exact = {0: exact, NAME: exact_names}
        self._numbers: list[int] = []
        self._sizes: list[int] = []
        self._owner: list[int] = []
        self._field: list[int] = []
        self._kind: list[int] = []
        for number, paper in enumerate(papers):
            if paper is None:
                continue
            self._text(number, TITLE, paper.title)
            self._text(number, ABSTRACT, paper.abstract)
            if names:
                for name in paper.authors or ():
                    self._text(number, AUTHOR, name, NAME)
                self._text(number, ORG, paper.organization, NAME)
        sizes = np.array(self._sizes, np.int64)
        self.begin = np.cumsum(sizes) - sizes  # text -> its first token
        self.size = sizes - 1  # text -> how many words
        self.text = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)  # token -> text
        self.paper, self.field = np.array(self._owner, np.int64), np.array(self._field, np.int64)  # of each text
        self._bases, base = np.zeros(1 + max(_KINDS), np.int64), 0
        for kind, lexicon in self._lexicons.items():
            self._bases[kind], base = base, base + len(lexicon)
        local = np.array(self._numbers, np.int32)
        base_of = self._bases.astype(np.int32)[np.array(self._kind, np.int64)]
        self._number = np.where(local > 0, local + base_of[self.text], 0)
        self._distinct = base + 1
        self._readings: dict[tuple[int, int], tuple[list[str], Numbers]] = {}

    def __len__(self) -> int:
        return len(self.text)

    def texts_of(self, papers: Ints) -> Ints:
        """The titles, abstracts and names of some papers."""
        return np.flatnonzero(np.isin(self.paper, papers))

    def reading(self, mark: int, name: int = 0) -> tuple[list[str], Numbers]:
        """The distinct words of texts, or with NAME of names, in one reading (FOLDED or EXACT), and each token's word.

        Word 0 is "", for tokens that have none in this reading.
        """
        if (mark, name) not in self._readings:
            self._readings[mark, name] = self._read(mark, name)
        return self._readings[mark, name]

    def _read(self, mark: int, name: int) -> tuple[list[str], Numbers]:
        numbers = defaultdict[str, int](count(1).__next__)
        number_of = np.zeros(self._distinct, np.int32)
        for kind, lexicon in self._lexicons.items():
            if kind & NAME == name and kind & mark:
                found = map(str.lower, lexicon) if mark == FOLDED and kind & BOTH == BOTH else lexicon
                begin = self._bases[kind] + 1
                number_of[begin : begin + len(lexicon)] = list(map(numbers.__getitem__, found))
        return ["", *numbers], number_of[self._number]

    def _text(self, paper: int, field: int, text: str | None, name: int = 0) -> None:
        if not text:
            return
        if text.isascii():
            self._add(paper, field, name | BOTH, split_words(text))
            return
        self._add(paper, field, name | FOLDED, words(text))
        if self._wants_exact[name]:
            self._add(paper, field, name | EXACT, exact_words(text))

    def _add(self, paper: int, field: int, kind: int, found: list[str]) -> None:
        if found:
            self._numbers += map(self._lexicons[kind].__getitem__, found)
            self._numbers.append(0)
            self._sizes.append(len(found) + 1)
            self._owner.append(paper)
            self._field.append(field)
            self._kind.append(kind)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Every two neighbouring words that may be read as one, by the place where the first stands.

    Joined words would be as many as words, and few of them are asked for. So they are not put together: the fingerprint
    of a joined word follows from those of its parts, and equal fingerprints are taken for equal words.

        data 100, model 7, models -> model behind any other word     data models   100 * 256 ** 5 + 7

    Where the end depends on the whole word (metaanalyses: metaanalysis), it is put together (`whole`).
    """

    place: Numbers
    prints: Ints
    whole: dict[str, list[int]]  # key -> places


PRIMES = (2_147_483_647, 2_147_483_629)


def remainders(words: Iterable[str]) -> Ints:
    """[words, 2]: the UTF-8 of each word as one large number, modulo two primes (Karp & Rabin 1987)."""
    product, read = PRIMES[0] * PRIMES[1], int.from_bytes
    whole = np.array([read(spelled, "big") % product for spelled in map(str.encode, words)], np.int64)
    return np.stack([whole % prime for prime in PRIMES], axis=1)


def fingerprints(words: Iterable[str]) -> Ints:
    """62 bits for each word: with 300,000 terms and 1,000 papers, two words have the same once in 10^8 batches."""
    parts = remainders(words)
    prints: Ints = parts[:, 0] << 31 | parts[:, 1]
    return prints


def neighbours(folded: Sequence[str], token: Numbers) -> Neighbours:
    """The neighbours in a row of tokens; `folded` are the distinct words, word 0 is none."""
    known = folded[1:]
    kind = np.array([0, *(1 if w.isascii() else 3 if is_blankless(w) else 2 if is_hangul(w) else 1 for w in known)])
    begins = np.array([False, *(word not in SMALL_WORDS for word in known)]) & (kind < 3)
    number = np.array([False, *(word[0].isdigit() and is_number(word) for word in known)])
    left, right = token[:-1], token[1:]
    place = np.flatnonzero(begins[left] & (kind[left] == kind[right]) & ~(number[left] & number[right]))
    left, right = left[place], right[place]

    ends = ["", *("" if word[-1] == "+" else fixed_end(word) or "" for word in known)]
    fixed = np.array([end != "" for end in ends])[right]
    whole: dict[str, list[int]] = {}
    others = (part[~fixed].tolist() for part in (place, left, right))
    for at, first, second in zip(*others, strict=True):
        for key in keys(folded[first] + folded[second]):
            whole.setdefault(key, []).append(at)
    place, left, right = place[fixed], left[fixed], right[fixed]

    firsts = remainders(folded)
    seconds = firsts.copy()
    other = [number for number, (word, end) in enumerate(zip(folded, ends, strict=True)) if end != word]
    seconds[other] = remainders([ends[number] for number in other])
    size = np.array(list(map(len, map(str.encode, ends))))
    prints = np.zeros(len(place), np.int64)
    for which, prime in enumerate(PRIMES):
        powers = np.array([pow(256, n, prime) for n in range(int(size.max()) + 1)], np.int64)
        before, behind = np.ascontiguousarray(firsts[:, which]), np.ascontiguousarray(seconds[:, which])
        prints = prints << 31 | (before[left] * powers[size][right] + behind[right]) % prime
    return Neighbours(place.astype(np.int32), prints, whole)


class Texts:
    """Papers read for matching, once for any number of matchers. None is a paper without anything."""

    def __init__(self, papers: Iterable[Paper | None]) -> None:
        self.papers = tuple(papers)
        self._read: dict[tuple[bool, bool, bool], ReadTexts] = {}
        self._whole = False

    @cached_property
    def known(self) -> list[Paper]:
        """Those that are papers."""
        return [paper for paper in self.papers if paper is not None]

    @cached_property
    def upvotes(self) -> list[float]:
        """Of each of `known`."""
        return [float(paper.upvotes or 0) for paper in self.known]

    @cached_property
    def days(self) -> tuple[list[date], Ints]:
        """The days of `known`, oldest first, and for each paper the place of its day; -1: it has none."""
        given = [day_seen(paper) for paper in self.known]
        days = sorted({day for day in given if day})
        place = {day: number for number, day in enumerate(days)}
        return days, np.array([place.get(day, -1) if day else -1 for day in given], np.int64)

    def prepare(self) -> None:
        """Read them whole, once and for all: whatever is asked later is found in that reading."""
        self._whole = True
        self.read(exact=True, names=True, exact_names=True)

    def read(self, *, exact: bool, names: bool, exact_names: bool) -> "ReadTexts":
        """The words of the papers, as far as they are asked for."""
        asked = (True,) * 3 if self._whole else (exact, names, exact_names)
        if asked not in self._read:
            exact, names, exact_names = asked
            self._read[asked] = ReadTexts(Tokens(self.papers, exact=exact, names=names, exact_names=exact_names))
        return self._read[asked]


def day_seen(paper: Paper) -> date | None:
    """The day a paper counts for."""
    return paper.listed or (paper.first_seen.date() if paper.first_seen else None)


class ReadTexts:
    """Tokens, with what follows from them whoever asks."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.folded, self.token = tokens.reading(FOLDED)
        self.singulars = ["", *map(singular, self.folded[1:])]
        self.with_plus: NDArray[np.int64] = np.array(
            [number for number, word in enumerate(self.folded) if word[-1:] == "+" and len(keys(word)) > 1], np.int64
        )
        self.neighbours = neighbours(self.folded, self.token)

    @cached_property
    def lengths(self) -> Ints:
        """Words of title and abstract, by paper; papers behind the last that has any are missing."""
        counted: Ints = np.bincount(self.tokens.paper[self.tokens.text[self.token > 0]])
        return counted

    @cached_property
    def joinable(self) -> tuple[Numbers, dict[str, int]]:
        """The places of words that may be read as one with the next, and those words: word -> its number."""
        able = np.zeros(len(self.token), bool)
        able[self.neighbours.place] = True
        able[np.fromiter(chain.from_iterable(self.neighbours.whole.values()), np.int64)] = True
        places = np.flatnonzero(able)
        firsts = np.flatnonzero(np.bincount(self.token[places], minlength=len(self.folded)))
        return places.astype(np.int32), {self.folded[number]: number for number in firsts.tolist()}
