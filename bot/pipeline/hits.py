"""Matching the news with readers' queries, in bulk. Kept apart because it brings numpy: a worker with nothing new to
match never loads it."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from bot.core.matcher import Matcher
from bot.core.papers import Paper
from bot.core.query import Query

BEST = 60  # of a profile's hits, how many are ranked; the rest is counted

Hits = tuple[list[list[int]], list[set[int]]]  # by query: the best first, and all of them


class Hitlist:
    """The queries of many readers, ready for several sets of papers. Papers go by their ids."""

    def __init__(self, queries: Sequence[Sequence[Query]]) -> None:
        self._matcher = Matcher(query for own in queries for query in own)
        self._reader_of = np.repeat(np.arange(len(queries)), [len(own) for own in queries])

    def news(
        self,
        after: dict[int, Paper],
        before: dict[int, Paper],
        heat: dict[int, float],
        others: Sequence[tuple[int, Paper]] = (),
    ) -> Hits:
        """What is true now and was not before: for every query the best hits in order, and all hits. `others` is what
        some of the papers also were, when each was several."""
        papers = list(after.values())
        ids = np.fromiter(after, dtype=np.int64, count=len(after))
        matches = self._matcher.match(
            papers,
            before=[before.get(paper_id) for paper_id in after],
            prior=[heat.get(paper_id, 0.0) for paper_id in after],
        )
        ranked, _scores = matches.top(min(BEST, len(papers)))
        query_of, paper_of = matches.pairs()
        ends = np.searchsorted(query_of, np.arange(len(ranked) + 1)).tolist()
        hits = ids[paper_of].tolist()
        best = [[paper for paper in row if paper >= 0] for row in np.where(ranked >= 0, ids[ranked], -1).tolist()]
        every = [set(hits[start:end]) for start, end in pairwise(ends)]
        for query, paper in self._pairs(others):
            if paper in every[query]:
                every[query].remove(paper)
                best[query] = [one for one in best[query] if one != paper]
        return best, every

    def pairs(self, papers: Sequence[tuple[int, Paper]]) -> Iterable[tuple[int, int]]:
        """(reader, paper id) for every paper some query of the reader is true of."""
        readers = self._reader_of.tolist()
        return ((readers[query], paper) for query, paper in self._pairs(papers))

    def _pairs(self, papers: Sequence[tuple[int, Paper]]) -> Iterable[tuple[int, int]]:
        """(query, paper id) for every query that is true of a paper."""
        if not papers:
            return ()
        query_of, paper_of = self._matcher.match([paper for _, paper in papers]).pairs()
        return zip(query_of.tolist(), (papers[index][0] for index in paper_of.tolist()), strict=True)
