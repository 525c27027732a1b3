"""Many standing queries against many papers at once. Agrees with `evaluate` and `ranking`, which define the answers.

A paper is a bit, a term a row of bits, and queries of one shape are evaluated together, as many at a step as fit the
processor's cache. How terms are found is in `scan`, how shapes are evaluated in `shapes`, ranking in `best`.
"""

import threading
import weakref
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.core.matching import snapshot
from bot.core.matching.batches import STEP, Block, Group, evaluate
from bot.core.matching.bm25 import trend_order
from bot.core.matching.plans import Bits, alternatives, outline
from bot.core.matching.scan import Scan, Texts, scan
from bot.core.matching.term_index import LeafTable
from bot.core.matching.top_k import Statistics, best
from bot.core.papers import Paper
from bot.core.query.ast import Group as QueryGroup
from bot.core.query.ast import Leaf, Node, Number, Query

Indexes = NDArray[np.int64]

REMOVED = -1


class Matches:
    """Which papers which queries are true of.

    `bits`: uint64 [queries, words], a bit for every paper, as many set in a row as papers match. Row r is query
    number `queries[r]`; which bit is which paper: `papers_by_bit`. Why a pair is one, in the paper's words:
    `evaluate.quotes` gives the matched terms with their fields and spans, `evaluate.explain` the whole tree.
    """

    def __init__(
        self, bits: Bits, queries: Indexes, papers_by_bit: Indexes, scanned: Scan, blocks: list[Block],
        prior: NDArray[np.float64], matcher: "Matcher",
    ) -> None:  # fmt: skip
        self.bits = bits
        self.queries = queries
        self.papers_by_bit = papers_by_bit
        self._scan = scanned
        self._blocks = blocks
        self._prior = prior
        self._table = matcher.table

    def counts(self) -> Indexes:
        """How many papers match, for each row."""
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
            queries.append(self.queries[low + row])
            papers.append(np.flatnonzero(part.reshape(-1).view(bool)) - row * width)
        query, paper = (np.concatenate([np.empty(0, np.int64), *found]) for found in (queries, papers))
        if bool(np.all(self.queries[:-1] <= self.queries[1:])):
            return query, paper
        order = np.argsort(query, kind="stable")
        return query[order], paper[order]

    def top(self, k: int, statistics: Statistics | None = None) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """(papers, scores), int32 [queries, k]: the best first, as `ranking` defines; -1 and 0 where there are fewer.

        `statistics` of a window of papers (`Matcher.survey`) say what is rare; without, the matched papers themselves.
        """
        return best(self.bits, self.papers_by_bit, self._prior, self._scan, self._table, self._blocks, k, statistics)


class Matcher:
    """Standing queries, numbered as they come.

    Queries may be added, replaced and removed at any time, also while another thread matches: a match sees them as
    they were when it began. Terms nobody asks for any more are kept until the matcher is made anew.
    """

    def __init__(self, queries: Iterable[Query] = ()) -> None:
        self.table = LeafTable()
        self._groups: list[Group] = []
        self._group_of_shape: dict[str, int] = {}
        self._lock = threading.RLock()
        self._watching: weakref.WeakSet[Matches] = weakref.WeakSet()
        self._enter_all(queries)

    def __len__(self) -> int:
        """How many indexes were given out."""
        return self._count

    def _enter_all(self, queries: Iterable[Query]) -> None:
        known: dict[Leaf, int] = {}
        leaves: list[array[int]] = []
        weights: list[array[float]] = []
        members: list[array[int]] = []
        group_of, row_of = array("i"), array("i")
        for index, query in enumerate(queries):
            numbers = self._alternatives(query.root, known)
            parts: list[Leaf] = []
            if numbers:
                text = alternatives(len(numbers))
            else:
                text, parts = outline(query)
                numbers = [self._known(leaf, known) for leaf in parts]
            group = self._group_of_shape.get(text)
            if group is None:
                group = self._group_of_shape[text] = len(members)
                leaves.append(array("i"))
                weights.append(array("d"))
                members.append(array("q"))
            group_of.append(group)
            row_of.append(len(members[group]))
            members[group].append(index)
            leaves[group].extend(numbers)
            if "^" in text:
                weights[group].extend(map(_weight, parts))
        for text, group in self._group_of_shape.items():
            count = len(members[group])
            room = 8 + count // 16
            rows = np.zeros((count + room, len(leaves[group]) // count), np.int32)
            rows[:count].reshape(-1)[:] = leaves[group]
            heavy = np.ones((count + room, len(weights[group]) // count))
            heavy[:count].reshape(-1)[:] = weights[group]
            self._groups.append(
                Group(text, rows, np.concatenate([members[group], np.zeros(room, np.int64)]), heavy, count)
            )
            leaves[group] = array("i")
        self._count = len(group_of)
        self._group_of = np.array(group_of, np.int32)
        self._row_of = np.array(row_of, np.int32)

    def _alternatives(self, root: Node, known: dict[Leaf, int]) -> list[int]:
        """The leaves of a query that is only different terms with OR between them, as most are; [] of others."""
        if not isinstance(root, QueryGroup) or root.kind != "or":
            return []
        numbers = []
        for part in root.parts:
            number = known.get(part)  # type: ignore[arg-type]
            if number is None:
                if isinstance(part, QueryGroup) or _weight(part) != 1:
                    return []
                number = self._known(part, known)
            numbers.append(number)
        return numbers if len(set(numbers)) == len(numbers) else []

    def _known(self, leaf: Leaf, known: dict[Leaf, int]) -> int:
        """The number of a leaf, remembered if it has no weight: of many terms a few are most of what is asked."""
        number = known.get(leaf)
        if number is None:
            number = self.table.number(leaf)
            if _weight(leaf) == 1:
                if len(known) == 1 << 16:
                    known.clear()
                known[leaf] = number
        return number

    # Changes

    def add(self, query: Query) -> int:
        """Adds a query; returns its index."""
        with self._lock:
            index = self._count
            if index == len(self._group_of):
                room = np.full(max(64, index), REMOVED, np.int32)
                self._group_of = np.concatenate([self._group_of, room])
                self._row_of = np.concatenate([self._row_of, room])
            self._count += 1
            self._enter(index, query)
            return index

    def replace(self, index: int, query: Query) -> None:
        """Puts another query in place of one. Raises IndexError for an index never given out."""
        with self._lock:
            self.remove(index)
            self._enter(index, query)

    def remove(self, index: int) -> None:
        """Takes a query out: it matches nothing from now on. Raises IndexError for an index never given out."""
        with self._lock:
            if not 0 <= index < self._count:
                raise IndexError(f"there is no query {index}")
            group = int(self._group_of[index])
            if group == REMOVED:
                return
            self._part()
            row = int(self._row_of[index])
            moved = self._groups[group].remove(row)
            self._row_of[moved] = row
            self._group_of[index] = REMOVED

    def _enter(self, index: int, query: Query) -> None:
        text, parts = outline(query)
        group = self._group_of_shape.get(text)
        if group is None:
            group = self._group_of_shape[text] = len(self._groups)
            width, empty = len(parts), np.empty(0, np.int64)
            weighted = width if "^" in text else 0
            self._groups.append(Group(text, np.empty((0, width), np.int32), empty, np.empty((0, weighted)), 0))
        self._part()
        numbers = [self.table.number(leaf) for leaf in parts]
        self._group_of[index] = group
        weights = [_weight(leaf) for leaf in parts] if "^" in text else []
        self._row_of[index] = self._groups[group].append(index, numbers, weights)

    def _part(self) -> None:
        """Leaves the arrays to the matches that still look at them, and goes on with copies."""
        if self._watching:
            self._groups = [group.copy() for group in self._groups]
            self._watching = weakref.WeakSet()

    # Matching

    def match(
        self,
        papers: Iterable[Paper] | Texts,
        before: Iterable[Paper | None] | Texts | None = None,
        *,
        prior: Sequence[float] | NDArray[np.float64] | None = None,
        queries: Sequence[int] | Indexes | None = None,
        reuse: Matches | None = None,
    ) -> Matches:
        """Which of the papers the queries are true of; with `before`, only what was not true before.

        Args:
            papers: any number; their order gives the paper indexes. `Texts` of them serve several matchers.
            before: for each paper what it was when the subscriber last heard of it; None: there was no such paper.
            prior: the trend of each paper, for ranking; higher is hotter.
            queries: only these, one row each in this order; without, all.
            reuse: earlier matches nobody looks at any more; their memory is written over, which saves the time that
                new memory takes (as much as matching).
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
        with self._lock:
            blocks, rows = self._blocks(queries)
            scanned = scan(self.table, now, order)
            past = None
            if earlier is not None and any(paper is not None for paper in earlier.papers):
                past = scan(self.table, earlier, order)
            size = (len(rows), scanned.bits.shape[1])
            bits = np.zeros(size, np.uint64) if reuse is None or reuse.bits.shape != size else reuse.bits
            bits[self._group_of[rows] == REMOVED] = 0
            found = Matches(bits, rows, order, scanned, blocks, trend, self)
            self._watching.add(found)
        for block in blocks:
            evaluate(block, scanned, past, found.bits)
        return found

    def survey(self, papers: Iterable[Paper] | Texts) -> Statistics:
        """What is usual in a window of papers: for `Matches.top`. Surveys of several windows can be added up."""
        with self._lock:
            found = scan(self.table, papers if isinstance(papers, Texts) else Texts(papers))
        return Statistics.of(found, self.table.count)

    # Snapshots

    def dump(self, stamp: str) -> snapshot.Saved:
        """The matcher as named arrays, to be kept under a stamp (see `snapshot.stamp`)."""
        with self._lock:
            saved = snapshot.dump(self.table)
            saved["stamp"] = snapshot.text_array(stamp)
            saved["shapes"] = snapshot.text_array([group.shape for group in self._groups])
            saved["group_of"] = self._group_of[: self._count].copy()
            saved["row_of"] = self._row_of[: self._count].copy()
            for number, group in enumerate(self._groups):
                count = group.count
                saved[f"leaves.{number}"] = group.leaves[:count].copy()
                saved[f"members.{number}"] = group.members[:count].copy()
                saved[f"weights.{number}"] = group.weights[:count].copy()
            return saved

    @classmethod
    def load(cls, saved: Mapping[str, NDArray[Any]], stamp: str) -> "Matcher | None":
        """The matcher of a dump; None if it was made of other queries, by another version, or cannot be read."""
        try:
            if snapshot.from_text_array(saved["stamp"]) != stamp:
                return None
            matcher = cls()
            matcher.table = snapshot.load(saved)
            for number, text in enumerate(snapshot.from_text_array(saved["shapes"])):
                matcher._group_of_shape[text] = number
                leaves, members, weights = (saved[f"{name}.{number}"] for name in ("leaves", "members", "weights"))
                matcher._groups.append(Group(text, leaves, members, weights, len(members)))
            matcher._group_of, matcher._row_of = saved["group_of"].astype(np.int32), saved["row_of"].astype(np.int32)
            matcher._count = len(matcher._group_of)
        except (KeyError, ValueError, TypeError):
            return None
        return matcher

    def _blocks(self, queries: Sequence[int] | Indexes | None) -> tuple[list[Block], Indexes]:
        """The queries asked for, by shape, and the index of each row of the result."""
        if queries is None:
            blocks = [
                Block(g.shape, g.leaves[: g.count], g.weights[: g.count], g.members[: g.count])
                for g in self._groups
                if g.count
            ]
            return blocks, np.arange(self._count)
        asked = np.asarray(queries, np.int64)
        if len(asked) and (asked.min() < 0 or asked.max() >= self._count):
            raise IndexError("there is no such query")
        groups = self._group_of[asked]
        order = np.argsort(groups, kind="stable")
        begins = np.searchsorted(groups[order], np.arange(len(self._groups) + 1))
        blocks = []
        for number in np.unique(groups[groups >= 0]).tolist():
            group, rows = self._groups[number], order[begins[number] : begins[number + 1]]
            places = self._row_of[asked[rows]]
            blocks.append(Block(group.shape, group.leaves[places], group.weights[places], rows))
        return blocks, asked


def _weight(leaf: Leaf) -> float:
    return 1.0 if isinstance(leaf, Number) else leaf.weight
