"""What happened between two revisions, and who wants it: shared by all readers whose last edition was the same."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache

import numpy as np

from bot.core.matcher import Matcher
from bot.core.papers import Paper
from bot.core.query import Query
from bot.store import Database, history
from bot.store.history import Revision

TREND_DEPTH = 100  # places that are written down
BEST = 60  # of a profile's hits, how many are ranked; the rest is counted


@dataclass(frozen=True, slots=True)
class Found:
    """One reader's hits, by profile. All are paper ids."""

    best: list[list[int]]  # best first, not all of them
    every: list[set[int]]
    told_before: set[int] = field(default_factory=set)  # hot papers some profile matched at the last edition already
    still: set[int] = field(default_factory=set)  # changed papers some profile matches now as it did then


class NewsRoom:
    """All that happened up to one revision."""

    def __init__(self, database: Database, revision: Revision, places: dict[int, int], notes: str) -> None:
        self.database = database
        self.revision = revision
        self.places = places  # trending: paper id -> place
        self.notes = notes  # the sources' states, as JSON
        self.news_since = lru_cache(maxsize=4)(self._news_since)
        self.alert_news = lru_cache(maxsize=4)(self._alert_news)
        self.first_news = lru_cache(maxsize=4)(self._first_news)
        self.entered = lru_cache(maxsize=256)(self._entered)

    def _news_since(self, base: int) -> "News":
        """What changed after a revision."""
        with self.database.read() as tx:
            after = history.changed_since(tx, base)
            before = history.as_of(tx, after, base)
        return News(self, base, after, before)

    def _alert_news(self, base: int) -> "News":
        """The same, without the papers a source brought with its first collection."""
        news = self.news_since(base)
        with self.database.read() as tx:
            unborn = [paper_id for paper_id in news.after if paper_id not in news.before]
            first = history.born_first(tx, unborn)
        return News(
            self,
            base,
            {paper_id: paper for paper_id, paper in news.after.items() if paper_id not in first},
            news.before,
        )

    def _first_news(self, moment: datetime) -> "News":
        """What was first seen after a moment: the news of a first edition."""
        with self.database.read() as tx:
            after = history.seen_since(tx, moment)
            base = history.revision_before(tx, moment)
        return News(self, base, after, {})

    def _entered(self, base: int, depth: int) -> tuple[int, ...]:
        """Papers that came among the `depth` hottest since a revision, hottest first."""
        if depth <= 0:
            return ()
        with self.database.read() as tx:
            ids = history.entered_trending(tx, base, self.revision.id, depth)
        last = len(self.places) + 1
        return tuple(sorted(ids, key=lambda paper_id: (self.places.get(paper_id, last), paper_id))[:depth])

    def papers_now(self, ids: Iterable[int]) -> dict[int, Paper]:
        """Papers as of this revision."""
        wanted = set(ids)
        if not wanted:
            return {}
        with self.database.read() as tx:
            return history.as_of(tx, wanted, self.revision.id)

    def revised(self, base: int, ids: set[int]) -> list[int]:
        """Those of the papers whose content changed in a way that has a name ("v2"), the hottest first."""
        with self.database.read() as tx:
            words = history.changes_since(tx, ids, base)
        last = len(self.places) + 1
        return sorted(words, key=lambda paper_id: (self.places.get(paper_id, last), paper_id))


class News:
    """Papers that changed, as they are and as they were; ready to be matched."""

    def __init__(self, room: NewsRoom, base: int, after: dict[int, Paper], before: dict[int, Paper]) -> None:
        self.room = room
        self.base = base
        self.after = after
        self.before = before

    @cached_property
    def _ids(self) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        return np.fromiter(self.after, dtype=np.int64, count=len(self.after))

    @cached_property
    def _hot_before(self) -> dict[int, Paper]:
        """Papers that trend now, as they were."""
        with self.room.database.read() as tx:
            return history.as_of(tx, self.room.entered(self.base, TREND_DEPTH), self.base)

    def match(self, queries: Sequence[Sequence[Query]], *, revisions: bool = False) -> list[Found]:
        """For each reader, given their queries: what is true now and was not before. With `revisions` also what is
        true now as it was before, of papers that changed."""
        flat = [query for own in queries for query in own]
        found = [Found([[] for _ in own], [set() for _ in own]) for own in queries]
        if not flat or not (self.after or self._hot_before):
            return found
        matcher = Matcher(flat)
        reader_of = np.repeat(np.arange(len(queries)), [len(own) for own in queries])
        if self.after:
            self._find_news(matcher, found)
        for reader, paper in _pairs(matcher, self._hot_before, reader_of):
            found[reader].told_before.add(paper)
        if revisions:
            known = {paper_id: paper for paper_id, paper in self.before.items() if paper_id in self.after}
            before = set(_pairs(matcher, known, reader_of))
            for reader, paper in _pairs(matcher, {paper_id: self.after[paper_id] for paper_id in known}, reader_of):
                if (reader, paper) in before:
                    found[reader].still.add(paper)
        return found

    def _find_news(self, matcher: Matcher, found: list[Found]) -> None:
        papers = list(self.after.values())
        matches = matcher.match(papers, before=[self.before.get(paper_id) for paper_id in self.after])
        ranked, _scores = matches.top(min(BEST, len(papers)))
        query_of, paper_of = matches.pairs()
        starts = np.searchsorted(query_of, np.arange(len(ranked) + 1)).tolist()
        hits = self._ids[paper_of].tolist()
        best = np.where(ranked >= 0, self._ids[ranked], -1).tolist()
        row = 0
        for one in found:
            for profile in range(len(one.best)):
                one.best[profile].extend(paper for paper in best[row] if paper >= 0)
                one.every[profile].update(hits[starts[row] : starts[row + 1]])
                row += 1


def _pairs(
    matcher: Matcher, papers: dict[int, Paper], reader_of: "np.ndarray[tuple[int], np.dtype[np.int64]]"
) -> Iterable[tuple[int, int]]:
    """(reader, paper id) for every paper some query of the reader is true of."""
    if not papers:
        return ()
    ids = list(papers)
    query_of, paper_of = matcher.match(list(papers.values())).pairs()
    return zip(reader_of[query_of].tolist(), (ids[index] for index in paper_of.tolist()), strict=True)
