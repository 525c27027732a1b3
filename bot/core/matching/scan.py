"""Finds the leaves of a table in a batch of papers, for all papers at once. What queries make of them is in `shapes`.

Every paper of a batch is one bit; a leaf becomes a row of bits. The papers' words lie in one row (`tokens`), and the
table's automaton walks all of them together, one array operation a step.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bot.core.matching.arrays import Ints, spread
from bot.core.matching.proximity import WordPairs, joined_words, near_leaves, word_pairs
from bot.core.matching.term_index import LeafTable
from bot.core.matching.tokens import EXACT, FOLDED, NAME, Tokens
from bot.core.papers import Paper
from bot.core.query.ast import Number
from bot.core.query.words import fold_value, singular

Bits: TypeAlias = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Hits:
    """Where leaves begin in titles, abstracts and names, each place once, sorted by leaf."""

    leaf: Ints
    paper: Ints  # bit of the paper
    field: Ints  # TITLE, ABSTRACT, ...


@dataclass(frozen=True, slots=True)
class Scan:
    """What a batch of papers holds: a row of bits for every leaf that is in some paper; row 0 is empty."""

    row: NDArray[np.intp]  # leaf -> row
    bits: Bits  # [rows, words]
    hits: Callable[[], Hits]
    lengths: Callable[[], Ints]  # words in title and abstract, by bit


class Texts:
    """Papers read for matching, once for any number of matchers. None is a paper without anything."""

    def __init__(self, papers: Iterable[Paper | None]) -> None:
        self.papers = tuple(papers)
        self._whole = False
        self._read: dict[tuple[bool, bool, bool], tuple[Tokens, WordPairs]] = {}

    def prepare(self) -> None:
        """Read them whole, once and for all: whatever is asked later is found in that reading."""
        self._whole = True
        self.read(LeafTable())

    def read(self, table: LeafTable) -> tuple[Tokens, WordPairs]:
        """The words of the papers, as far as a table asks for them."""
        wanted = (True,) * 3 if self._whole else (table.has_exact, table.has_names, table.has_exact_names)
        if wanted not in self._read:
            tokens = Tokens(self.papers, *wanted)
            self._read[wanted] = tokens, word_pairs(*tokens.reading(FOLDED))
        return self._read[wanted]


def scan(table: LeafTable, texts: Texts, order: Ints | None = None) -> Scan:
    """Looks for every leaf of the table in the papers. Paper order[i], or without an order paper i, gets bit i."""
    tokens, pairs = texts.read(table)
    count = len(texts.papers)
    bit_of = np.arange(count)
    if order is not None:
        bit_of[order] = np.arange(count)
    leaf, place = _found(table, tokens, pairs)
    told = (np.array(table.fields, np.int64)[leaf] & tokens.field[place]) != 0
    leaf, place = leaf[told], place[told]
    other_leaf, other_paper = _values_and_counts(table, texts.papers)

    def hits() -> Hits:
        both = np.unique(leaf << 32 | place)
        places = both & 0xFFFFFFFF
        return Hits(both >> 32, bit_of[tokens.paper[places]], tokens.field[places])

    def lengths() -> Ints:
        by_paper = np.bincount(tokens.paper[tokens.reading(FOLDED)[1] > 0], minlength=count)
        return by_paper if order is None else by_paper[order]

    present = np.zeros(table.count, bool)
    present[leaf] = True
    present[other_leaf] = True
    used = np.flatnonzero(present)
    row = np.zeros(table.count, np.intp)
    row[used] = np.arange(1, len(used) + 1)
    bits = np.zeros((len(used) + 1, max(1, (count + 63) // 64)), np.uint64)
    for leaves, papers in ((leaf, tokens.paper[place]), (other_leaf, other_paper)):
        set_bits(bits, row[leaves], bit_of[papers])
    return Scan(row, bits, hits, lengths)


def set_bits(bits: Bits, row: Ints, bit: Ints) -> None:
    """Sets a bit in a row, for each pair of the two."""
    cell = row * bits.shape[1] + (bit >> 6)
    np.bitwise_or.at(bits.reshape(-1), cell, np.uint64(1) << (bit & 63).astype(np.uint64))


def set_places(bits: Bits) -> Ints:
    """The numbers of all set bits, row after row; a row has 64 times as many as it has words."""
    octets = bits.reshape(-1).view(np.uint8)
    used = np.flatnonzero(octets != 0)  # most are 0: only the others are looked at bit by bit
    within = np.flatnonzero(np.unpackbits(octets.take(used), bitorder="little").view(bool))
    return used.take(within >> 3) << 3 | within & 7


def _found(table: LeafTable, tokens: Tokens, pairs: WordPairs) -> tuple[Ints, Ints]:
    """Every leaf found in texts and names, with the token it begins at; some more than once."""
    folded, token = tokens.reading(FOLDED)
    get = table.labels.get
    plain = np.array(list(map(get, map(singular, folded), repeat(-1))), np.int64)
    live = np.flatnonzero((label := plain[token]) >= 0)
    edges = [(live, label[live])]
    if table.prefix_lengths:
        edges.append(_everywhere(token, [_starred(table, word) for word in folded]))
    if table.has_exact:
        typed, typed_token = tokens.reading(EXACT)
        edges.append(_everywhere(typed_token, [_known(table, "=" + word) for word in typed]))
    if table.has_names:
        names, name_token = tokens.reading(FOLDED, NAME)
        edges.append(_everywhere(name_token, [_name(table, word) for word in names]))
    if table.has_exact_names:
        names, name_token = tokens.reading(EXACT, NAME)
        edges.append(_everywhere(name_token, [_known(table, "@=" + word) for word in names]))
    place, label = (np.concatenate(parts) for parts in zip(*edges, strict=True))
    near = near_leaves(table, tokens.text, place, label)
    pair_place, pair_label = joined_words(table, folded, token, plain, pairs)
    width = np.repeat([1, 2], [len(place), len(pair_place)])
    paths = _walk(table, np.concatenate([place, pair_place]), np.concatenate([label, pair_label]), width, len(tokens))
    leaves, places = zip(near, *paths, strict=True)
    return np.concatenate(leaves), np.concatenate(places)


def _known(table: LeafTable, spelling: str) -> list[int]:
    return [found] if (found := table.labels.get(spelling)) is not None else []


def _starred(table: LeafTable, word: str) -> list[int]:
    get = table.labels.get
    return [found for n in table.prefix_lengths if (found := get(word[:n] + "*")) is not None and n <= len(word)]


def _name(table: LeafTable, word: str) -> list[int]:
    spellings = [f"@{word}", *(f"@{word[:n]}*" for n in table.name_prefix_lengths if n <= len(word))]
    return [found for spelling in spellings if (found := table.labels.get(spelling)) is not None]


def _everywhere(token: Ints, labels: list[list[int]]) -> tuple[Ints, Ints]:
    """The places of labels, from the labels of each distinct word."""
    counts = np.array([len(found) for found in labels], np.int64)
    flat = np.array([label for found in labels for label in found], np.int64)
    live = np.flatnonzero(counts[token])
    word = token[live]
    place, at = spread(live, (np.cumsum(counts) - counts)[word], counts[word])
    return place, flat[at]


def _walk(table: LeafTable, place: Ints, label: Ints, width: Ints, size: int) -> Iterator[tuple[Ints, Ints]]:
    """All paths of the automaton through labels that stand at places and are so many tokens wide.

    Yields leaves and the places where their paths begin.
    """
    first, grows, ends = (np.array(part, np.int64) for part in (table.first, table.grows, table.ends))
    end_leaf, end_next = np.array(table.end_leaf, np.int64), np.array(table.end_next, np.int64)
    order = np.argsort(place, kind="stable")
    place, label, width = place[order], label[order], width[order]
    labels_from = np.concatenate([[0], np.cumsum(np.bincount(place, minlength=size))])
    state = first[label]
    start, after = place, place + width
    while True:
        end, here = ends[state], start
        while len(done := np.flatnonzero(end)):
            end, here = end[done], here[done]
            yield end_leaf[end], here
            end = end_next[end]
        alive = np.flatnonzero(grows[state])
        if not len(alive):
            return
        begin = labels_from[after[alive]]
        source, edge = spread(alive, begin, labels_from[after[alive] + 1] - begin)
        index, state = table.steps.find(state[source] << 32 | label[edge])
        start, after = start[source[index]], after[source[index]] + width[edge[index]]


def _values_and_counts(table: LeafTable, papers: Sequence[Paper | None]) -> tuple[Ints, Ints]:
    """Leaves that ask for categories, sources and numbers, with the papers that have them."""
    found: list[tuple[int, int]] = []
    if table.values:
        for bit, paper in enumerate(papers):
            for field, values in (("category", paper.categories), ("source", paper.sources)) if paper else ():
                for value in values or ():
                    folded = fold_value(value)
                    keys = [folded, *(folded[: i + 1] + "*" for i, c in enumerate(folded) if c == ".")]
                    found += [(leaf, bit) for key in keys if (leaf := table.values.get((field, key)))]
    bits, leaves = [bit for _, bit in found], [leaf for leaf, _ in found]
    for name in {condition.name for condition, _ in table.conditions}:
        counted = sorted((c, bit) for bit, p in enumerate(papers) if p and (c := getattr(p, name)) is not None)
        counts, owners = [count for count, _ in counted], [bit for _, bit in counted]
        for condition, leaf in table.conditions:
            if condition.name == name:
                begin, end = _range(condition, counts)
                bits += owners[begin:end]
                leaves += [leaf] * (end - begin)
    return np.array(leaves, np.int64), np.array(bits, np.int64)


def _range(condition: Number, counts: list[int]) -> tuple[int, int]:
    """Which of the ascending counts hold the condition: from, to."""
    below, above = bisect_left(counts, condition.value), bisect_right(counts, condition.value)
    return {
        ">=": (below, len(counts)),
        ">": (above, len(counts)),
        "<=": (0, above),
        "<": (0, below),
        "=": (below, above),
    }[condition.comparison]
