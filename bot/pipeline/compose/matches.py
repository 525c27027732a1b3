"""Matching changed papers with subscribers' queries, in bulk. Kept apart because it brings numpy: a worker with nothing
new to match never loads it."""

from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bot.core.matching import Matcher, Matches
from bot.core.matching.bm25 import PLACE_WORTH
from bot.core.matching.texts import Texts
from bot.core.papers import Paper
from bot.core.papers.notice import notice_words
from bot.core.query import Query
from bot.core.query.evaluate import asks_for


class PaperBatch:
    """Papers as they are and, where `before` has them, as they were; read once for any number of subscribers."""

    def __init__(self, papers: Iterable[tuple[int, Paper]], before: dict[int, Paper] | None = None) -> None:
        pairs = list(papers)
        self.ids = np.fromiter((paper_id for paper_id, _ in pairs), dtype=np.int64, count=len(pairs))
        self.notices = [(paper_id, words) for paper_id, paper in pairs if (words := notice_words(paper))]
        self.after = Texts(paper for _, paper in pairs)
        self.before = Texts(before.get(paper_id) for paper_id, _ in pairs) if before else None

    def __len__(self) -> int:
        return len(self.ids)


class QueryHits:
    """Which papers each query of a batch matched. How many is counted at once; which ones, of which there are hundreds
    of thousands, is read from the matcher's bits where somebody looks."""

    def __init__(self, matches: Matches, ids: NDArray[np.int64]) -> None:
        self._matches = matches
        self._ids = ids
        self.counts: list[int] = matches.counts().tolist()
        self._bit_of = dict(zip(ids[matches.papers_by_bit].tolist(), range(len(ids)), strict=True))
        self._queries_with: dict[int, bytes] = {}

    @cached_property
    def lists(self) -> list[Sequence[int]]:
        """The papers of each query."""
        query_of, paper_of = self._matches.pairs()
        ends = np.searchsorted(query_of, np.arange(len(self.counts) + 1)).tolist()
        hits = array("q", self._ids[paper_of].tobytes())
        return [hits[start:end] for start, end in pairwise(ends)]

    def queries_with(self, paper: int) -> bytes:
        """For each query 1 if it matched a paper, else 0. Many subscribers ask for the same few papers that trend."""
        found = self._queries_with.get(paper)
        if found is None:
            bit = self._bit_of.get(paper)
            found = bytes(len(self.counts))
            if bit is not None:
                column = self._matches.bits[:, bit >> 6] >> np.uint64(bit & 63) & np.uint64(1)
                found = column.astype(np.uint8).tobytes()
            self._queries_with[paper] = found
        return found


class MatchedIds(Collection[int]):
    """The papers one query matched."""

    __slots__ = ("_hits", "_query")

    def __init__(self, hits: QueryHits, query: int) -> None:
        self._hits = hits
        self._query = query

    def __len__(self) -> int:
        return self._hits.counts[self._query]

    def __iter__(self) -> Iterator[int]:
        return iter(self._hits.lists[self._query])

    def __contains__(self, paper: object) -> bool:
        return isinstance(paper, int) and self._hits.queries_with(paper)[self._query] == 1


class BatchMatcher:
    """The queries of many subscribers, ready for several batches of papers. Papers go by their ids."""

    def __init__(self, queries: Sequence[Sequence[Query]]) -> None:
        self._queries = [query for own in queries for query in own]
        self._matcher = Matcher(self._queries)
        self._subscribers = len(queries)
        self._subscriber_of = np.repeat(np.arange(len(queries)), [len(own) for own in queries]).tolist()

    def new_matches(
        self, papers: PaperBatch, others: PaperBatch, heat: dict[int, float], most: int
    ) -> tuple[list[list[int]], list[Collection[int]]]:
        """What is true now and was not before: for every query the best `most` papers in order, and all of them; of
        corrections, front matter and the like only those a query asks for.

        `others`: what some papers also were before, when each was several.
        """
        ids = papers.ids
        prior = [heat.get(paper_id, 0.0) for paper_id in ids.tolist()]
        matches = self._matcher.match(papers.after, papers.before, prior=prior)
        ranked, _scores = matches.top(min(most, len(ids)))
        hits = QueryHits(matches, ids)
        best = [row[:count] for row, count in zip(ids[ranked].tolist(), hits.counts, strict=True)]
        every: list[Collection[int]] = [MatchedIds(hits, query) for query in range(len(best))]
        for query, paper in (*self._pairs(others), *self._unasked_notices(papers, hits)):
            every[query] = [one for one in every[query] if one != paper]
            best[query] = [one for one in best[query] if one != paper]
        return best, every

    def _unasked_notices(self, papers: PaperBatch, hits: QueryHits) -> Iterator[tuple[int, int]]:
        """(query's index, paper id) for every notice that a query matched without asking for such."""
        for paper, words in papers.notices:
            matched = np.flatnonzero(np.frombuffer(hits.queries_with(paper), np.uint8)).tolist()
            yield from ((query, paper) for query in matched if not asks_for(self._queries[query], words))

    def best(self, papers: PaperBatch, heat: dict[int, float], most: int) -> list[list[list[int]]]:
        """For each subscriber and each of their queries the best `most` papers it is true of, in order."""
        if not len(papers):
            return self._by_subscriber([[] for _ in self._subscriber_of])
        prior = [heat.get(paper_id, 0.0) for paper_id in papers.ids.tolist()]
        matches = self._matcher.match(papers.after, prior=prior)
        ranked, _scores = matches.top(min(most, len(papers)))
        counts = matches.counts().tolist()
        return self._by_subscriber(
            [row[:count] for row, count in zip(papers.ids[ranked].tolist(), counts, strict=True)]
        )

    def most_relevant(self, papers: PaperBatch, most: int) -> list[list[list[int]]]:
        """The same in the order of relevance alone, wherever a paper mentions what is asked for."""
        if not len(papers):
            return self._by_subscriber([[] for _ in self._subscriber_of])
        ranked, scores = self._matcher.match(papers.after).top(min(most, len(papers)))
        points = np.where(ranked >= 0, scores % PLACE_WORTH, -1)
        order = np.argsort(-points, axis=1, kind="stable")
        ranked = np.take_along_axis(ranked, order, axis=1)
        counts = (ranked >= 0).sum(axis=1).tolist()
        return self._by_subscriber(
            [row[:count] for row, count in zip(papers.ids[ranked].tolist(), counts, strict=True)]
        )

    def _by_subscriber(self, lists: Sequence[list[int]]) -> list[list[list[int]]]:
        grouped: list[list[list[int]]] = [[] for _ in range(self._subscribers)]
        for subscriber, one in zip(self._subscriber_of, lists, strict=True):
            grouped[subscriber].append(one)
        return grouped

    def pairs(self, papers: PaperBatch) -> Iterable[tuple[int, int]]:
        """(subscriber's index, paper id) for every paper some query of the subscriber is true of."""
        return ((self._subscriber_of[query], paper) for query, paper in self._pairs(papers))

    def _pairs(self, papers: PaperBatch) -> Iterable[tuple[int, int]]:
        """(query's index, paper id) for every query that is true of a paper."""
        if not len(papers):
            return ()
        query_of, paper_of = self._matcher.match(papers.after).pairs()
        return zip(query_of.tolist(), papers.ids[paper_of].tolist(), strict=True)
