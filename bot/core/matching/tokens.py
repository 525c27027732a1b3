"""The texts of a batch of papers as one row of numbered words, text behind text.

Looking for terms among them does not belong here (see `scan`); what a word is is said in `text`.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import count

import numpy as np

from bot.core.matching.arrays import Ints
from bot.core.papers import Paper
from bot.core.query.words import exact_words, words

TITLE, ABSTRACT, AUTHOR, ORG = 1, 2, 4, 8  # fields

FOLDED, EXACT, BOTH, NAME = 1, 2, 3, 4  # what a word may be read as. ASCII is kept as typed: folding it is lower()
_KINDS = (FOLDED, EXACT, BOTH, NAME | FOLDED, NAME | EXACT, NAME | BOTH)
_SPACED = "".join(chr(c) if chr(c).isalnum() else " " for c in range(128))


class Tokens:
    """Every word of the papers, in order, with an empty token behind each text.

    Papers are numbered as they come; None is a paper without anything. A text outside ASCII is there twice where its
    words are also wanted as typed (`exact`, `exact_names`): once for each reading.
    """

    def __init__(self, papers: Sequence[Paper | None], exact: bool, names: bool, exact_names: bool) -> None:
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
        self.text = np.repeat(np.arange(len(self._sizes)), self._sizes)  # token -> text
        self.paper = np.array(self._owner, np.int64)[self.text]
        self.field = np.array(self._field, np.int64)[self.text]
        self._bases, base = np.zeros(1 + max(_KINDS), np.int64), 0
        for kind, lexicon in self._lexicons.items():
            self._bases[kind], base = base, base + len(lexicon)
        local = np.array(self._numbers, np.int64)
        self._number = np.where(local > 0, local + self._bases[np.array(self._kind, np.int64)][self.text], 0)
        self._size = base + 1
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
        number_of = np.zeros(self._size, np.int64)
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
            self._add(paper, field, name | BOTH, text.translate(_SPACED).split())
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
