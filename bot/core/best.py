"""The best papers for each of many queries, as `ranking` defines them: points are added up bit by bit, for all papers.

Which papers match does not belong here (see `matcher`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.core.groups import Block
from bot.core.leaves import LeafTable
from bot.core.ranking import MOST, MOST_WEIGHTED, TITLE_MENTION, Corpus, points, relevance, trend_points
from bot.core.scan import Scan, set_bits, set_places
from bot.core.shapes import Bits, shape
from bot.core.tokens import ABSTRACT, TITLE

Ints = NDArray[np.int64]
STEP = 8192  # 64-bit words of one array in a step: smaller than in matching, for many more arrays share the cache


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
    trend = [_plane(trend_points(prior)[papers_by_bit] >> level & 1, bits.shape[1]) for level in (0, 1)]
    step = max(64, STEP // bits.shape[1])
    for block in blocks:
        form = shape(block.shape)
        for low in range(0, len(block.rows), step):
            rows = block.rows[low : low + step]
            matched = bits[rows]
            counts = np.bitwise_count(matched).sum(axis=1, dtype=np.int64)
            some = np.flatnonzero(counts)
            if not len(some):
                continue
            rows, matched, counts = rows[some], matched[some], counts[some]
            leaves = block.leaves[low : low + step][some]
            weights = block.weights[low : low + step][some] if form.weighted else None
            planes = _added(told, leaves, weights, form.scored, trend, matched)
            many = np.flatnonzero(counts > k)
            if len(many):
                matched[many] = _highest(matched[many], [plane[many] for plane in planes], k)
            _write(rows, matched, np.minimum(counts, k), planes, papers_by_bit, papers, scores)
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

    def weighted(self, rows: Ints, weights: NDArray[np.float64]) -> list[Bits]:
        """The planes of some leaves' rows with a weight for each."""
        pairs, inverse = np.unique(np.stack([rows.astype(np.float64), weights]), axis=1, return_inverse=True)
        distinct = pairs[0].astype(np.int64)
        many = self.row_from[distinct + 1] - self.row_from[distinct]
        owner = np.repeat(np.arange(len(distinct)), many)
        cell = np.repeat(self.row_from[distinct] - (np.cumsum(many) - many), many) + np.arange(int(many.sum()))
        whole = points(self.relevance[cell], pairs[1][owner])
        return [
            self.spread(owner, self.paper[cell], whole >> level & 1, len(distinct))[inverse.reshape(-1)]
            for level in range(MOST_WEIGHTED.bit_length())
        ]


def _plane(bit: Ints, width: int) -> Bits:
    """One row of bits, for papers in their order."""
    packed = np.zeros(width * 8, np.uint8)
    octets = np.packbits(bit.astype(bool), bitorder="little")
    packed[: len(octets)] = octets
    return packed.view(np.uint64)


def _added(
    told: _Points,
    leaves: NDArray[np.int32],
    weights: NDArray[np.float64] | None,
    scored: tuple[int, ...],
    trend: list[Bits],
    like: Bits,
) -> list[Bits]:
    """The planes of the sums: the points of all scored slots and of the trend."""
    planes = [np.empty_like(like) for _ in trend]
    for plane, bits in zip(planes, trend, strict=True):
        plane[...] = bits
    largest = 3
    for slot in scored:
        rows = told.found.row.take(leaves[:, slot])
        if weights is None:
            added = [plane.take(rows, axis=0, mode="clip") for plane in told.planes]
        else:
            added = told.weighted(rows, weights[:, slot])
        largest += MOST if weights is None else MOST_WEIGHTED
        _add(planes, added, largest.bit_length())
    return planes


def _add(planes: list[Bits], added: list[Bits], levels: int) -> None:
    """Adds one number to every sum, with carry; the sums have so many levels afterwards."""
    carry: Bits | None = None
    for level in range(levels):
        term = added[level] if level < len(added) else None
        operands = [bits for bits in (term, carry) if bits is not None]
        if level == len(planes):
            if not operands:
                return
            planes.append(np.zeros_like(planes[0]))
        plane = planes[level]
        if not operands:
            return
        if len(operands) == 1:
            carry = plane & operands[0]
            plane ^= operands[0]
        else:
            half = plane ^ operands[0]
            carry = (plane & operands[0]) | (half & operands[1])
            np.bitwise_xor(half, operands[1], out=plane)


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


def _write(
    rows: Ints,
    chosen: Bits,
    sizes: Ints,
    planes: list[Bits],
    papers_by_bit: Ints,
    papers: NDArray[np.int32],
    scores: NDArray[np.int32],
) -> None:
    """Writes the chosen papers of every row, so many as `sizes` says, the highest sum first."""
    width = chosen.shape[1] * 64
    cell = set_places(chosen)
    word, within = cell >> 6, (cell & 63).astype(np.uint64)
    score = np.zeros(len(cell), np.uint64)
    for level, plane in enumerate(planes):
        score |= (plane.reshape(-1).take(word) >> within & np.uint64(1)) << np.uint64(level)
    row = np.repeat(np.arange(len(rows)), sizes)
    bits, highest = (width - 1).bit_length(), (1 << len(planes)) - 1
    narrow = (len(rows) - 1).bit_length() + len(planes) + bits <= 32  # half as wide is sorted twice as fast
    key = (row << len(planes) | highest - score.view(np.int64)) << bits | cell - row * width
    key = np.sort(key.astype(np.uint32) if narrow else key)
    place = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    target = rows[row] * papers.shape[1] + place
    papers.reshape(-1)[target] = papers_by_bit[key & ((1 << bits) - 1)]
    scores.reshape(-1)[target] = highest - (key >> bits & highest).astype(np.int64)
