"""Matching the news with readers' queries, in bulk. Kept apart because it brings numpy: a worker with nothing new to
match never loads it."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from bot.core.matcher import Matcher
from bot.core.papers import Paper
from bot.core.query import Query
from bot.core.scan import Texts


class Hits(Collection[int]):
    """The papers a query hit, by id: counted at once, listed only if somebody asks."""

    __slots__ = ("_ids",)

    def __init__(self, ids: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> None:
        self._ids = ids

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[int]:
        return iter(self._ids.tolist())

    def __contains__(self, paper: object) -> bool:
        return bool((self._ids == paper).any())


class Pile:
    """Papers as they are and as they were, read once however many batches of readers they are matched with."""

    def __init__(self, after: dict[int, Paper], before: dict[int, Paper], others: Sequence[tuple[int, Paper]]) -> None:
        self.ids = np.fromiter(after, dtype=np.int64, count=len(after))
        self.after = Texts(after.values())
        self.before = Texts(before.get(paper_id) for paper_id in after) if before else None
        self.others = others  # what some of them also were, when each was several


class Hitlist:
    """The queries of many readers, ready for several piles of papers. Papers go by their ids."""

    def __init__(self, queries: Sequence[Sequence[Query]]) -> None:
        self._matcher = Matcher(query for own in queries for query in own)
        self._reader_of = np.repeat(np.arange(len(queries)), [len(own) for own in queries]).tolist()

    def news(self, pile: Pile, heat: dict[int, float], most: int) -> tuple[list[list[int]], list[Collection[int]]]:
        """What is true now and was not before: for every query the best `most` hits in order, and all hits."""
        ids = pile.ids
        prior = [heat.get(paper_id, 0.0) for paper_id in ids.tolist()]
        matches = self._matcher.match(pile.after, pile.before, prior=prior)
        ranked, _scores = matches.top(min(most, len(ids)))
        query_of, paper_of = matches.pairs()
        ends = np.searchsorted(query_of, np.arange(len(ranked) + 1)).tolist()
        hits = ids[paper_of]
        lengths = (ranked >= 0).sum(axis=1).tolist()
        best = [row[:length] for row, length in zip(ids[ranked].tolist(), lengths, strict=True)]
        every: list[Collection[int]] = [Hits(hits[start:end]) for start, end in pairwise(ends)]
        for query, paper in self._pairs(pile.others):
            every[query] = set(every[query]) - {paper}
            best[query] = [one for one in best[query] if one != paper]
        return best, every

    def pairs(self, papers: Sequence[tuple[int, Paper]]) -> Iterable[tuple[int, int]]:
        """(reader, paper id) for every paper some query of the reader is true of."""
        return ((self._reader_of[query], paper) for query, paper in self._pairs(papers))

    def _pairs(self, papers: Sequence[tuple[int, Paper]]) -> Iterable[tuple[int, int]]:
        """(query, paper id) for every query that is true of a paper."""
        if not papers:
            return ()
        query_of, paper_of = self._matcher.match([paper for _, paper in papers]).pairs()
        return zip(query_of.tolist(), (papers[index][0] for index in paper_of.tolist()), strict=True)
