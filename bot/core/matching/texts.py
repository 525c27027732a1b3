"""The texts of a batch of papers as one row of numbered words, text behind text; read once for any number of matchers.

How terms are found among them: see `scan`; what a word is: see `bot.core.query.words`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from operator import add

import numpy as np
from numpy.typing import NDArray

from bot.core.matching.arrays import Ints
from bot.core.papers import Paper
from bot.core.query.plurals import keys, may_end_plural, singular
from bot.core.query.words import SMALL_WORDS, cut, exact_words, is_blankless, is_hangul, is_number, words

TITLE, ABSTRACT, AUTHOR, ORG = 1, 2, 4, 8  # fields

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
        self.text = np.repeat(np.arange(len(sizes)), sizes)  # token -> text
        self.paper = np.array(self._owner, np.int64)[self.text]
        self.field = np.array(self._field, np.int64)[self.text]
        self._bases, base = np.zeros(1 + max(_KINDS), np.int64), 0
        for kind, lexicon in self._lexicons.items():
            self._bases[kind], base = base, base + len(lexicon)
        local = np.array(self._numbers, np.int64)
        self._number = np.where(local > 0, local + self._bases[np.array(self._kind, np.int64)][self.text], 0)
        self._distinct = base + 1
        self._readings: dict[tuple[int, int], tuple[list[str], Ints]] = {}

    def __len__(self) -> int:
        return len(self.text)

    def reading(self, mark: int, name: int = 0) -> tuple[list[str], Ints]:
        """The distinct words of texts, or with NAME of names, in one reading (FOLDED or EXACT), and each token's word.

        Word 0 is "", for tokens that have none in this reading.
        """
        if (mark, name) not in self._readings:
            self._readings[mark, name] = self._read(mark, name)
        return self._readings[mark, name]

    def _read(self, mark: int, name: int) -> tuple[list[str], Ints]:
        numbers = defaultdict[str, int](count(1).__next__)
        number_of = np.zeros(self._distinct, np.int64)
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
            self._add(paper, field, name | BOTH, cut(text))
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
    """Every two neighbouring words that may be read as one: where the first stands, and the hash of their key.

    Python's own 64-bit hash of a text (SipHash, its key random in every process) stands for the joined word, as there
    would be as many of those as words: equal hashes are taken for equal words. With 300,000 terms and 1,000 papers two
    different words would be taken for one in a batch of a hundred million.
    """

    place: Ints
    key_hash: Ints


def neighbours(folded: Sequence[str], token: Ints) -> Neighbours:
    """The neighbours in a row of tokens; `folded` are the distinct words, word 0 is none."""
    kind = np.array([0, *(3 if is_blankless(word) else 2 if is_hangul(word) else 1 for word in folded[1:])])
    begins = np.array([False, *(word not in SMALL_WORDS for word in folded[1:])]) & (kind < 3)
    number = np.array([False, *map(is_number, folded[1:])])
    left, right = token[:-1], token[1:]
    place = np.flatnonzero(begins[left] & (kind[left] == kind[right]) & ~(number[left] & number[right]))
    left, right = left[place], right[place]

    def joined(at: NDArray[np.bool_] | slice) -> Iterator[str]:
        firsts, seconds = left[at].tolist(), right[at].tolist()
        return map(add, map(folded.__getitem__, firsts), map(folded.__getitem__, seconds))

    ends_plural = np.array([False, *map(may_end_plural, folded[1:])])[right]
    key_hash = np.empty(len(place), np.int64)
    key_hash[~ends_plural] = list(map(hash, joined(~ends_plural)))
    key_hash[ends_plural] = list(map(hash, map(singular, joined(ends_plural))))
    signed = np.array([word[-1:] == "+" for word in folded])[right]  # "multi modal+" is `multimodal`, too
    also = [
        (i, hash(key)) for i, unit in zip(place[signed].tolist(), joined(signed), strict=True) for key in keys(unit)
    ]
    if also:
        place = np.concatenate([place, [i for i, _ in also]])
        key_hash = np.concatenate([key_hash, np.array([found for _, found in also], np.int64)])
    return Neighbours(place, key_hash)


class Texts:
    """Papers read for matching, once for any number of matchers. None is a paper without anything."""

    def __init__(self, papers: Iterable[Paper | None]) -> None:
        self.papers = tuple(papers)
        self._read: dict[tuple[bool, bool, bool], ReadTexts] = {}
        self._whole = False

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
