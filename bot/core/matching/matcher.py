"""Many standing queries against many papers at once. Agrees with `evaluate` and `bm25`, which define the answers.

A paper is a bit, a term a row of bits, and queries of one plan are evaluated together, as many at a step as fit the
processor's cache:

    papers          0 1 2 3                 queries of the plan ("or", WANTED, WANTED)
    "sparse"        1 0 1 0                 sparse OR robot      1 0 1 1
    "robot"         0 0 0 1                 robot OR attention   0 1 0 1
    "attention"     0 1 0 0                 ...                  one operation on rows for all of them

How terms are found is in `scan`, how plans are evaluated in `plans`, ranking in `top_k`.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.core.matching.arrays import Bits
from bot.core.matching.bm25 import trend_order
from bot.core.matching.plans import Plan, Take, alternatives, compiled, plan_of
from bot.core.matching.scan import Scan, scan
from bot.core.matching.term_index import TermIndex
from bot.core.matching.texts import Texts
from bot.core.matching.top_k import STEP, best
from bot.core.papers import Paper
from bot.core.query.ast import Group, Leaf, Node, Number, Query

Indexes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PlanGroup:
    """All queries of one plan side by side."""

    plan: Plan
    terms: NDArray[np.int32]  # [queries, slots]
    weights: NDArray[np.float64]  # [queries, slots], or [queries, 0] where no slot has a weight
    rows: Indexes  # which queries they are


class Matches:
    """Which papers which queries are true of.

    `bits`: uint64 [queries, words], a bit for every paper, as many set in a row as papers match; which bit is which
    paper: `papers_by_bit`. Why a pair is one, in the paper's words, tell `evaluate.quotes` and `evaluate.explain`.
    """

    def __init__(
        self, bits: Bits, papers_by_bit: Indexes, found: Scan, matcher: "Matcher", prior: NDArray[np.float64]
    ) -> None:
        self.bits = bits
        self.papers_by_bit = papers_by_bit
        self._scan = found
        self._matcher = matcher
        self._prior = prior

    def counts(self) -> Indexes:
        """How many papers match, for each query."""
        counted: Indexes = np.bitwise_count(self.bits).sum(axis=1, dtype=np.int64)
        return counted

    def pairs(self) -> tuple[Indexes, Indexes]:
        """(query_index, paper_index) of every match, sorted by query, then paper."""
        paper_count, width = len(self.papers_by_bit), self.bits.shape[1] * 64
        counts = self.counts()
        straight = bool(np.all(self.papers_by_bit[:-1] < self.papers_by_bit[1:]))
        queries: list[Indexes] = []
        papers: list[Indexes] = []
        step = max(1, STEP * 4 // self.bits.shape[1])
        for low in range(0, len(self.bits), step):
            part = np.unpackbits(self.bits[low : low + step].view(np.uint8), axis=1, bitorder="little")
            if not straight:
                part[:, self.papers_by_bit] = part[:, :paper_count].copy()
            row = np.repeat(np.arange(len(part)), counts[low : low + step])
            queries.append(low + row)
            papers.append(np.flatnonzero(part.reshape(-1).view(bool)) - row * width)
        query, paper = (np.concatenate([np.empty(0, np.int64), *found]) for found in (queries, papers))
        return query, paper

    def top(self, k: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """(papers, scores), int32 [queries, k]: the best first, as `bm25` defines; -1 and 0 where there are fewer."""
        index, groups = self._matcher.index, self._matcher.groups
        return best(self.bits, self.papers_by_bit, self._prior, self._scan, index, groups, k)


class Matcher:
    """Standing queries, numbered as they come; not changed afterwards. Many threads may match at once."""

    def __init__(self, queries: Iterable[Query] = ()) -> None:
        self.index = TermIndex()
        self.groups: list[PlanGroup] = []
        self.count = 0
        self._enter(queries)
        self.index.finish()

    def __len__(self) -> int:
        """How many queries there are."""
        return self.count

    def _enter(self, queries: Iterable[Query]) -> None:
        known: dict[Leaf, int] = {}
        columns: dict[Plan, tuple[array[int], array[float], array[int]]] = {}
        for number, query in enumerate(queries):
            terms = self._alternatives(query.root, known)
            parts: list[Leaf] = []
            if terms:
                plan = alternatives(len(terms))
            else:
                plan, parts = plan_of(query)
                terms = [self._known(leaf, known) for leaf in parts]
            group = columns.get(plan)
            if group is None:
                group = columns[plan] = array("i"), array("d"), array("q")
            group[0].extend(terms)
            group[2].append(number)
            if parts and compiled(plan).weighted:
                group[1].extend(map(_weight, parts))
            self.count += 1
        for plan, (slots, weights, rows) in columns.items():
            count = len(rows)
            self.groups.append(
                PlanGroup(
                    plan,
                    np.array(slots, np.int32).reshape(count, -1),
                    np.array(weights, np.float64).reshape(count, -1),
                    np.array(rows, np.int64),
                )
            )

    def _alternatives(self, root: Node, known: dict[Leaf, int]) -> list[int]:
        """The terms of a query that is only different terms with OR between them, as most are; [] of others."""
        if not isinstance(root, Group) or root.kind != "or":
            return []
        numbers = []
        for part in root.parts:
            number = known.get(part)  # type: ignore[arg-type]
            if number is None:
                if isinstance(part, Group) or _weight(part) != 1:
                    return []
                number = self._known(part, known)
            numbers.append(number)
        return numbers if len(set(numbers)) == len(numbers) else []

    def _known(self, leaf: Leaf, known: dict[Leaf, int]) -> int:
        """The number of a term, remembered if it has no weight: of many terms a few are most of what is asked."""
        number = known.get(leaf)
        if number is None:
            number = self.index.number(leaf)
            if _weight(leaf) == 1:
                if len(known) == 1 << 16:
                    known.clear()
                known[leaf] = number
        return number

    def match(
        self,
        papers: Iterable[Paper] | Texts,
        before: Iterable[Paper | None] | Texts | None = None,
        *,
        prior: Sequence[float] | NDArray[np.float64] | None = None,
    ) -> Matches:
        """Which of the papers the queries are true of; with `before`, only what was not true before.

        Args:
            papers: any number; their order gives the paper indexes. `Texts` of them serve several matchers.
            before: for each paper what it was when the subscriber last heard of it; None: there was no such paper.
            prior: the trend of each paper, for ranking; higher is hotter.
        """
        now = papers if isinstance(papers, Texts) else Texts(papers)
        count = len(now.papers)
        trend = np.zeros(count) if prior is None else np.asarray(prior, np.float64)
        if trend.shape != (count,):
            raise ValueError(f"prior has the shape {trend.shape}, there are {count} papers")
        order = trend_order(trend)
        earlier = before if before is None or isinstance(before, Texts) else Texts(before)
        if earlier is not None and len(earlier.papers) != count:
            raise ValueError(f"before has {len(earlier.papers)} papers, there are {count}")
        found = scan(self.index, now, order)
        past = None
        if earlier is not None and any(paper is not None for paper in earlier.papers):
            past = scan(self.index, earlier, order)
        bits = np.empty((self.count, found.bits.shape[1]), np.uint64)
        for group in self.groups:
            _evaluate(group, found, past, bits)
        return Matches(bits, order, found, self, trend)


def _evaluate(group: PlanGroup, found: Scan, past: Scan | None, out: Bits) -> None:
    """Writes the rows of one plan's queries."""
    evaluate = compiled(group.plan).evaluate
    width = out.shape[1]
    step = max(64, STEP // width)
    buffer = np.empty((min(step, len(group.rows)), width), np.uint64)
    for low in range(0, len(group.rows), step):
        terms = group.terms[low : low + step]
        result = buffer[: len(terms)]
        evaluate(_taker(found, terms), result)
        if past is not None:
            earlier = np.empty_like(result)
            evaluate(_taker(past, terms), earlier)
            result &= ~earlier
        out[group.rows[low : low + step]] = result


def _taker(found: Scan, terms: NDArray[np.int32]) -> Take:
    rows = found.row.take(terms.T)

    def take(slot: int, out: Bits) -> None:
        found.bits.take(rows[slot], axis=0, out=out, mode="clip")

    return take


def _weight(leaf: Leaf) -> float:
    return 1.0 if isinstance(leaf, Number) else leaf.weight
