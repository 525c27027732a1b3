"""The best papers for each of many queries, as `bm25` defines them. Which papers match is found by `matcher`.

Numbers are kept as *bit planes*: plane i holds bit i of every number, 64 papers to a machine word, so that one
operation adds or compares 64 papers of a query at once. Three papers and two terms:

    points of "sparse"   3 0 1      plane 0 (ones)  1 0 1    plane 1 (twos)  1 0 0
    points of "robot"    1 2 1      plane 0         1 0 1    plane 1         0 1 0
    their sums           4 2 2      plane 0         0 0 0    plane 1         0 1 1    plane 2 (fours)  1 0 0

The sum of the ones is `a ^ b`, what is carried to the twos `a & b`. The best papers are then found from the highest
plane down: first all with the highest bit, and so on, until there are k. Above the planes of the points, three hold the
place of the first mention. A byte for each number instead takes 16 us more for every subscriber, eight times as long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bot.core.matching.arrays import Bits, Ints, repeat_each
from bot.core.matching.bm25 import (
    IN_TITLE,
    MOST,
    MOST_WEIGHTED,
    PLACE_OF_SIXTH,
    PLACE_WORTH,
    TITLE_MENTION,
    Corpus,
    points,
    relevance,
    trend_points,
)
from bot.core.matching.plans import QueryPlan, compiled
from bot.core.matching.scan import Scan, set_bits, set_places
from bot.core.matching.term_index import TermIndex
from bot.core.matching.texts import ABSTRACT, TITLE

if TYPE_CHECKING:
    from bot.core.matching.matcher import PlanGroup

STEP = 32768  # 64-bit words of one array in a step: a handful of them stay in the cache of a core
LISTED = 2  # up to so many times k papers are put in order as they are: faster than choosing the highest k before


def best(
    bits: Bits,
    papers_by_bit: Ints,
    prior: NDArray[np.float64],
    found: Scan,
    index: TermIndex,
    groups: "Sequence[PlanGroup]",
    k: int,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """See `Matches.top`."""
    papers = np.full((len(bits), k), -1, np.int32)
    scores = np.zeros((len(bits), k), np.int32)
    if not k or not len(papers_by_bit):
        return papers, scores
    told = _TermPoints(found, index)
    step = max(64, STEP // bits.shape[1])
    paper_of_bit = papers_by_bit.astype(np.int32)
    trending = trend_points(prior)[papers_by_bit]
    trend = [np.tile(_plane(trending >> level & 1, bits.shape[1]), (step, 1)) for level in (0, 1)]
    for group in groups:
        plan = compiled(group.plan)
        for low in range(0, len(group.rows), step):
            part = slice(low, low + step)
            rows, terms, weights = group.rows[part], group.terms[part], group.weights[part]
            matched = bits.take(rows, axis=0)
            counts = np.bitwise_count(matched).sum(axis=1, dtype=np.int64)
            if not counts.all():
                some = np.flatnonzero(counts)
                rows, terms, weights = rows[some], terms[some], weights[some]
                matched, counts = matched[some], counts[some]
            if not len(rows):
                continue
            sums = _sums(told, terms, weights, plan, trend)
            planes = sums + _places(told, terms, plan)
            many = np.flatnonzero(counts > LISTED * k)
            if len(many):
                matched[many] = _highest(matched[many], [plane[many] for plane in planes], k)
                counts[many] = k
            ordered, whole = _ordered(matched, counts, planes, paper_of_bit, k)
            papers[rows, : ordered.shape[1]] = ordered
            place, sum_ = whole >> len(sums), whole & ((1 << len(sums)) - 1)
            scores[rows, : ordered.shape[1]] = place * PLACE_WORTH + sum_
    return papers, scores


@dataclass(frozen=True, slots=True)
class _Cells:
    """Every term of a batch with every paper that has it."""

    row: Ints
    paper: Ints
    relevance: NDArray[np.float64]
    place: Ints


class _TermPoints:
    """The points every term brings to every paper, and the place where it first stands, as planes of bits."""

    def __init__(self, found: Scan, index: TermIndex) -> None:
        self.found = found
        self.shape = found.bits.shape
        self.cells = _cells(found, index)
        self.row_from = np.searchsorted(self.cells.row, np.arange(self.shape[0] + 1))
        whole, place = points(self.cells.relevance), self.cells.place
        row, paper = self.cells.row, self.cells.paper
        self.planes = [
            self._spread(row, paper, whole >> level & 1, self.shape[0]) for level in range(MOST.bit_length())
        ]
        self.from_place = [self._spread(row, paper, place >= least, self.shape[0]) for least in range(1, IN_TITLE + 1)]

    def _spread(self, row: Ints, paper: Ints, bit: NDArray[Any], rows: int) -> Bits:
        """One plane, from the bits of its cells."""
        plane = np.zeros((rows, self.shape[1]), np.uint64)
        set_bits(plane, row[bit != 0], paper[bit != 0])
        return plane

    def weighted(self, rows: Ints, weights: NDArray[np.float64]) -> tuple[list[Bits], Ints]:
        """The planes of some terms' rows with a weight for each: planes of the different ones, and which is whose."""
        pairs, inverse = np.unique(np.stack([rows.astype(np.float64), weights]), axis=1, return_inverse=True)
        distinct = pairs[0].astype(np.int64)
        many = self.row_from[distinct + 1] - self.row_from[distinct]
        owner, cell = repeat_each(np.arange(len(distinct)), self.row_from[distinct], many)
        whole = points(self.cells.relevance[cell], pairs[1][owner])
        planes = [
            self._spread(owner, self.cells.paper[cell], whole >> level & 1, len(distinct))
            for level in range(MOST_WEIGHTED.bit_length())
        ]
        return planes, inverse.reshape(-1)


def _cells(found: Scan, index: TermIndex) -> _Cells:
    rows, width = found.bits.shape
    row = np.repeat(np.arange(rows), np.bitwise_count(found.bits).sum(axis=1, dtype=np.int64))
    paper = set_places(found.bits) - row * (width * 64)
    term_of_row = np.zeros(rows, np.int64)
    used = np.flatnonzero(found.row)
    term_of_row[found.row[used]] = used
    hits, lengths = found.hits(), found.lengths()
    cell = np.searchsorted(row << 32 | paper, found.row[hits.term] << 32 | hits.paper)  # of each hit
    mentions = np.bincount(cell, np.where(hits.field == TITLE, TITLE_MENTION, 1), len(row))
    place = np.zeros(len(row), np.int64)
    np.maximum.at(place, cell, np.where(hits.field == ABSTRACT, np.array(PLACE_OF_SIXTH)[hits.sixth], IN_TITLE))
    neutral = (index.field_bits[term_of_row[row]] & (TITLE | ABSTRACT)) == 0
    holders = np.bincount(row, minlength=rows)[row]
    corpus = Corpus(len(lengths), int(lengths.sum()))
    return _Cells(row, paper, relevance(mentions, lengths[paper], holders, corpus, neutral), place)


def _places(told: _TermPoints, terms: NDArray[np.int32], plan: QueryPlan) -> list[Bits]:
    """The three planes of the place where some term of the query first stands: 0 to 4."""
    rows = told.found.row.take(terms.T)
    reached = []
    for plane in told.from_place:
        some = np.zeros((len(terms), plane.shape[1]), np.uint64)
        other = np.empty_like(some)
        for slot in plan.scored:
            plane.take(rows[slot], axis=0, out=other, mode="clip")
            np.bitwise_or(some, other, out=some)
        reached.append(some)
    one, two, three, four = reached  # the papers whose place is at least so high
    return [(one & ~two) | (three & ~four), two & ~four, four]


def _plane(bit: Ints, width: int) -> Bits:
    """One row of bits, for papers in their order."""
    packed = np.zeros(width * 8, np.uint8)
    octets = np.packbits(bit.astype(bool), bitorder="little")
    packed[: len(octets)] = octets
    return packed.view(np.uint64)


def _sums(
    told: _TermPoints, terms: NDArray[np.int32], weights: NDArray[np.float64], plan: QueryPlan, trend: list[Bits]
) -> list[Bits]:
    """The planes of the sums: the points of all scored slots and of the trend."""
    rows = told.found.row.take(terms.T)
    if plan.weighted:
        numbers = [told.weighted(rows[slot], weights[:, slot]) for slot in plan.scored]
    else:
        numbers = [(told.planes, rows[slot]) for slot in plan.scored]
    largest = 3 + len(numbers) * (MOST_WEIGHTED if plan.weighted else MOST)
    sums: list[Bits] = []
    carried: list[Bits] = []
    for level in range(largest.bit_length()):
        column = [*carried, *(plane[: len(terms)] for plane in trend[level : level + 1])]
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
