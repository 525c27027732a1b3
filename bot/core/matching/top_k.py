"""The best papers for each of many queries, as `ranking` defines them: points are added up bit by bit, for all papers.

Which papers match does not belong here (see `matcher`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.core.matching.batches import STEP, Block
from bot.core.matching.bm25 import MOST, MOST_WEIGHTED, TITLE_MENTION, Corpus, points, relevance, trend_points
from bot.core.matching.plans import Bits, Shape, shape
from bot.core.matching.scan import Scan, set_bits, set_places
from bot.core.matching.term_index import LeafTable
from bot.core.matching.tokens import ABSTRACT, TITLE

Ints = NDArray[np.int64]
LISTED = 2  # up to so many times k papers are put in order as they are: faster than choosing the highest k before


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is usual in a window of papers, for one matcher."""

    corpus: Corpus
    holders: Ints  # leaf -> how many papers of the window have it

    @classmethod
    def of(cls, found: Scan, leaves: int) -> "Statistics":
        """What a scan says of its own papers."""
        lengths = found.lengths()
        holders = np.zeros(leaves, np.int64)
        used = np.flatnonzero(found.row)
        holders[used] = np.bitwise_count(found.bits[found.row[used]]).sum(axis=1)
        return cls(Corpus(len(lengths), int(lengths.sum())), holders)

    def __add__(self, other: "Statistics") -> "Statistics":
        """The two windows together; the later one may know more leaves."""
        holders = np.zeros(max(len(self.holders), len(other.holders)), np.int64)
        for part in (self, other):
            holders[: len(part.holders)] += part.holders
        corpus = Corpus(self.corpus.papers + other.corpus.papers, self.corpus.words + other.corpus.words)
        return Statistics(corpus, holders)


def best(
    bits: Bits,
    papers_by_bit: Ints,
    prior: NDArray[np.float64],
    found: Scan,
    table: LeafTable,
    blocks: Sequence[Block],
    k: int,
    statistics: Statistics | None,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """See `Matches.top`."""
    papers = np.full((len(bits), k), -1, np.int32)
    scores = np.zeros((len(bits), k), np.int32)
    if not k or not len(papers_by_bit):
        return papers, scores
    told = _Points(found, table, statistics or Statistics.of(found, len(found.row)))
    step = max(64, STEP // bits.shape[1])
    paper_of_bit = papers_by_bit.astype(np.int32)
    trending = trend_points(prior)[papers_by_bit]
    trend = [np.tile(_plane(trending >> level & 1, bits.shape[1]), (step, 1)) for level in (0, 1)]
    for block in blocks:
        form = shape(block.shape)
        for low in range(0, len(block.rows), step):
            part = slice(low, low + step)
            rows, leaves, weights = block.rows[part], block.leaves[part], block.weights[part]
            matched = bits.take(rows, axis=0)
            counts = np.bitwise_count(matched).sum(axis=1, dtype=np.int64)
            if not counts.all():
                some = np.flatnonzero(counts)
                rows, leaves, weights = rows[some], leaves[some], weights[some]
                matched, counts = matched[some], counts[some]
            if not len(rows):
                continue
            planes = _sums(told, leaves, weights, form, trend)
            many = np.flatnonzero(counts > LISTED * k)
            if len(many):
                matched[many] = _highest(matched[many], [plane[many] for plane in planes], k)
                counts[many] = k
            ordered, sums = _ordered(matched, counts, planes, paper_of_bit, k)
            papers[rows, : ordered.shape[1]], scores[rows, : ordered.shape[1]] = ordered, sums
    return papers, scores


class _Points:
    """The points every leaf brings to every paper, as planes of bits: plane i holds bit i of the points."""

    def __init__(self, found: Scan, table: LeafTable, statistics: Statistics) -> None:
        self.found = found
        self.shape = found.bits.shape
        row = np.repeat(np.arange(self.shape[0]), np.bitwise_count(found.bits).sum(axis=1, dtype=np.int64))
        paper = set_places(found.bits) - row * (self.shape[1] * 64)
        leaf_of_row = np.zeros(self.shape[0], np.int64)
        used = np.flatnonzero(found.row)
        leaf_of_row[found.row[used]] = used
        leaf = leaf_of_row[row]
        hits = found.hits()
        mentioned = np.searchsorted(cells := row << 32 | paper, found.row[hits.leaf] << 32 | hits.paper)
        worth = np.where(hits.field == TITLE, TITLE_MENTION, 1)
        mentions = np.bincount(mentioned, worth, len(cells))
        neutral = (np.array(table.fields, np.int64)[leaf] & (TITLE | ABSTRACT)) == 0
        holders = np.zeros(len(found.row), np.int64)
        known = statistics.holders[: len(holders)]
        holders[: len(known)] = known
        self.row, self.paper = row, paper
        self.row_from = np.searchsorted(row, np.arange(self.shape[0] + 1))
        self.relevance = relevance(mentions, found.lengths()[paper], holders[leaf], statistics.corpus, neutral)
        whole = points(self.relevance)
        self.planes = [self.spread(row, paper, whole >> level & 1, self.shape[0]) for level in range(MOST.bit_length())]

    def spread(self, row: Ints, paper: Ints, bit: Ints, rows: int) -> Bits:
        """One plane, from the bits of its cells."""
        plane = np.zeros((rows, self.shape[1]), np.uint64)
        set_bits(plane, row[bit != 0], paper[bit != 0])
        return plane

    def weighted(self, rows: Ints, weights: NDArray[np.float64]) -> tuple[list[Bits], Ints]:
        """The planes of some leaves' rows with a weight for each: planes of the different ones, and which is whose."""
        pairs, inverse = np.unique(np.stack([rows.astype(np.float64), weights]), axis=1, return_inverse=True)
        distinct = pairs[0].astype(np.int64)
        many = self.row_from[distinct + 1] - self.row_from[distinct]
        owner = np.repeat(np.arange(len(distinct)), many)
        cell = np.repeat(self.row_from[distinct] - (np.cumsum(many) - many), many) + np.arange(int(many.sum()))
        whole = points(self.relevance[cell], pairs[1][owner])
        planes = [
            self.spread(owner, self.paper[cell], whole >> level & 1, len(distinct))
            for level in range(MOST_WEIGHTED.bit_length())
        ]
        return planes, inverse.reshape(-1)


def _plane(bit: Ints, width: int) -> Bits:
    """One row of bits, for papers in their order."""
    packed = np.zeros(width * 8, np.uint8)
    octets = np.packbits(bit.astype(bool), bitorder="little")
    packed[: len(octets)] = octets
    return packed.view(np.uint64)


def _sums(
    told: _Points, leaves: NDArray[np.int32], weights: NDArray[np.float64], form: Shape, trend: list[Bits]
) -> list[Bits]:
    """The planes of the sums: the points of all scored slots and of the trend."""
    rows = told.found.row.take(leaves.T)
    if form.weighted:
        numbers = [told.weighted(rows[slot], weights[:, slot]) for slot in form.scored]
    else:
        numbers = [(told.planes, rows[slot]) for slot in form.scored]
    largest = 3 + len(numbers) * (MOST_WEIGHTED if form.weighted else MOST)
    sums: list[Bits] = []
    carried: list[Bits] = []
    for level in range(largest.bit_length()):
        column = [*carried, *(plane[: len(leaves)] for plane in trend[level : level + 1])]
        column += [planes[level].take(at, axis=0, mode="clip") for planes, at in numbers if level < len(planes)]
        plane, carried = _added(column)
        sums.append(plane)
    return sums


def _added(column: list[Bits]) -> tuple[Bits, list[Bits]]:
    """The lowest bit of the sums of some bits, and what is carried, in bits worth twice as much.

    Three bits at a time become one and a carry (carry-save, Wallace 1964): fewer steps than one number after another.
    """
    carried = []
    while len(column) > 2:
        a, b, c = column.pop(), column.pop(), column.pop()
        half = a ^ b
        carried.append((a & b) | (half & c))
        column.append(half ^ c)
    if len(column) == 2:
        a, b = column
        return a ^ b, [*carried, a & b]
    return column[0], carried


def _highest(matched: Bits, planes: list[Bits], k: int) -> Bits:
    """The k papers with the highest sums in every row; among equals the first bits. Every row has more than k."""
    chosen, open_ = np.zeros_like(matched), matched.copy()
    missing = np.full(len(matched), k, np.int64)
    for plane in reversed(planes):
        high = open_ & plane
        count = np.bitwise_count(high).sum(axis=1, dtype=np.int64)
        enough = (count >= missing)[:, None]
        chosen |= np.where(enough, np.uint64(0), high)
        open_ = np.where(enough, high, open_ & ~plane)
        missing -= np.where(enough[:, 0], 0, count)
    return chosen | _first_bits(open_, missing)


def _first_bits(bits: Bits, missing: Ints) -> Bits:
    """The first so many set bits of every row."""
    within = np.bitwise_count(bits).astype(np.int64)
    upto = np.cumsum(within, axis=1)
    kept = np.where(upto <= missing[:, None], bits, np.uint64(0))
    row = np.flatnonzero(upto[:, -1] > missing)
    word = (upto[row] > missing[row, None]).argmax(axis=1)  # the word that is taken in part
    left = missing[row] - (upto[row, word] - within[row, word])
    rest = bits[row, word]
    while len(row := row[alive := left > 0]):
        word, left, rest = word[alive], left[alive] - 1, rest[alive]
        lowest = rest & (~rest + np.uint64(1))
        kept[row, word] |= lowest
        rest ^= lowest
    return kept


def _ordered(
    chosen: Bits, sizes: Ints, planes: list[Bits], paper_of_bit: NDArray[np.int32], k: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The papers of every row, the highest sum first, and their sums: k of them, or as many as the fullest row has.

    `sizes` says how many are set in each row; behind the last of a row is -1 and 0.
    """
    cell = set_places(chosen)
    octet, mask = cell >> 3, np.left_shift(np.uint8(1), cell.astype(np.uint8) & 7)
    missed = np.zeros(len(cell), np.min_scalar_type((1 << len(planes)) - 1))  # the sum with all bits turned over
    for plane in reversed(planes):
        missed += missed
        missed += (plane.view(np.uint8).reshape(-1).take(octet) & mask == 0).view(np.uint8)
    low = (chosen.size * 64 - 1).bit_length()
    kind: type[np.integer[Any]] = np.uint32 if len(planes) + low <= 32 else np.int64  # half as wide, sorted faster
    here = np.arange(int(sizes.max())) < sizes[:, None]
    keys = np.full(here.shape, np.iinfo(kind).max, kind)  # one row for each of `chosen`: short rows are sorted fastest
    keys[here] = missed.astype(kind) << low | cell.astype(kind)
    keys.sort(axis=1)
    keys, here = keys[:, :k], here[:, :k]
    bit = (keys & ((1 << low) - 1)).astype(np.int64) - np.arange(len(chosen))[:, None] * (chosen.shape[1] * 64)
    papers = np.where(here, paper_of_bit.take(bit, mode="clip"), np.int32(-1))
    scores = np.where(here, ((1 << len(planes)) - 1) - (keys >> low).astype(np.int32), np.int32(0))
    return papers, scores
