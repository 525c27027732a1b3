"""Matching the news with subscribers' queries, in bulk. Kept apart because it brings numpy: a worker with nothing new
to match never loads it."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np

from bot.core.matching import Matcher, Matches
from bot.core.matching.scan import Texts
from bot.core.papers import Paper
from bot.core.query import Query


class Answers:
    """What a matching found, by query and paper id. What nobody asks for is never listed."""

    def __init__(self, matches: Matches, ids: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> None:
        self._matches = matches
        self._ids = ids
        self.counts: list[int] = matches.counts().tolist()
        self._bit_of = dict(zip(ids[matches.papers_by_bit].tolist(), range(len(ids)), strict=True))
        self._queries_of: dict[int, bytes] = {}

    @cached_property
    def lists(self) -> list[list[int]]:
        """The papers of each query."""
        query_of, paper_of = self._matches.pairs()
        ends = np.searchsorted(query_of, np.arange(len(self.counts) + 1)).tolist()
        hits = self._ids[paper_of].tolist()
        return [hits[start:end] for start, end in pairwise(ends)]

    def queries_of(self, paper: int) -> bytes:
        """For each query, whether it hit this paper."""
        found = self._queries_of.get(paper)
        if found is None:
            bit = self._bit_of.get(paper)
            found = bytes(len(self.counts))
            if bit is not None:
                of_this = self._matches.bits[:, bit >> 6] >> np.uint64(bit & 63) & np.uint64(1)
                found = of_this.astype(np.uint8).tobytes()
            self._queries_of[paper] = found
        return found


class Hits(Collection[int]):
    """The papers one query hit, by id."""

    __slots__ = ("_answers", "_query")

    def __init__(self, answers: Answers, query: int) -> None:
        self._answers = answers
        self._query = query

    def __len__(self) -> int:
        return self._answers.counts[self._query]

    def __iter__(self) -> Iterator[int]:
        return iter(self._answers.lists[self._query])

    def __contains__(self, paper: object) -> bool:
        return isinstance(paper, int) and self._answers.queries_of(paper)[self._query] == 1


class Pile:
    """Papers as they are and as they were, read once however many batches of subscribers they are matched with."""

    def __init__(self, after: dict[int, Paper], before: dict[int, Paper], others: Sequence[tuple[int, Paper]]) -> None:
        self.ids = np.fromiter(after, dtype=np.int64, count=len(after))
        self.after = Texts(after.values())
        self.before = Texts(before.get(paper_id) for paper_id in after) if before else None
        self.others = others  # what some of them also were, when each was several


class Hitlist:
    """The queries of many subscribers, ready for several piles of papers. Papers go by their ids."""

    def __init__(self, queries: Sequence[Sequence[Query]]) -> None:
        self._matcher = Matcher(query for own in queries for query in own)
        self._subscriber_of = np.repeat(np.arange(len(queries)), [len(own) for own in queries]).tolist()

    def news(self, pile: Pile, heat: dict[int, float], most: int) -> tuple[list[list[int]], list[Collection[int]]]:
        """What is true now and was not before: for every query the best `most` hits in order, and all hits."""
        ids = pile.ids
        prior = [heat.get(paper_id, 0.0) for paper_id in ids.tolist()]
        matches = self._matcher.match(pile.after, pile.before, prior=prior)
        ranked, _scores = matches.top(min(most, len(ids)))
        answers = Answers(matches, ids)
        best = [row[:count] for row, count in zip(ids[ranked].tolist(), answers.counts, strict=True)]
        every: list[Collection[int]] = [Hits(answers, query) for query in range(len(best))]
        for query, paper in self._pairs(pile.others):
            every[query] = set(every[query]) - {paper}
            best[query] = [one for one in best[query] if one != paper]
        return best, every

    def pairs(self, papers: Sequence[tuple[int, Paper]]) -> Iterable[tuple[int, int]]:
        """(subscriber, paper id) for every paper some query of the subscriber is true of."""
        return ((self._subscriber_of[query], paper) for query, paper in self._pairs(papers))

    def _pairs(self, papers: Sequence[tuple[int, Paper]]) -> Iterable[tuple[int, int]]:
        """(query, paper id) for every query that is true of a paper."""
        if not papers:
            return ()
        query_of, paper_of = self._matcher.match([paper for _, paper in papers]).pairs()
        return zip(query_of.tolist(), (papers[index][0] for index in paper_of.tolist()), strict=True)
