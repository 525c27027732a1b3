"""What happened between two revisions, and who wants it: shared by all subscribers whose last edition was the same."""

from collections.abc import Callable, Collection, Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from bot.core.papers import Paper
from bot.core.query import Query
from bot.store import Database, history
from bot.store.history import Revision

if TYPE_CHECKING:
    from bot.pipeline.compose.matches import Pile

Pace = Literal["day", "week"]  # over which time papers are ranked

TREND_DEPTH = 100  # places that are written down


@dataclass(slots=True)
class Found:
    """One subscriber's hits, by profile. All are paper ids."""

    best: list[list[int]]  # best first, not all of them
    every: list[Collection[int]]
    told_before: set[int] = field(default_factory=set)  # hot papers some profile matched at the last edition already
    still: set[int] = field(default_factory=set)  # changed papers some profile matches now as it did then


class Ranking(NamedTuple):
    """The hottest papers, by id: place, from 1."""

    day: dict[int, int]
    week: dict[int, int]


class NewsRoom:
    """All that happened up to one revision."""

    def __init__(self, database: Database, revision: Revision, rank: Callable[[], Ranking], notes: str) -> None:
        self.database = database
        self.revision = revision
        self._rank = rank
        self.notes = notes  # the sources' states, as JSON
        self.news_since = lru_cache(maxsize=4)(self._news_since)
        self.alert_news = lru_cache(maxsize=4)(self._alert_news)
        self.first_news = lru_cache(maxsize=4)(self._first_news)
        self.entered = lru_cache(maxsize=256)(self._entered)

    @cached_property
    def ranking(self) -> Ranking:
        """Asked for only when there are papers to rank: it looks at those of a month."""
        return self._rank()

    def _news_since(self, base: int) -> "News":
        """What changed after a revision."""
        with self.database.read() as tx:
            after = history.changed_since(tx, base, self.revision.id)
        return News(self, base, after, self.past(after, base))

    def past(self, ids: Iterable[int], base: int) -> "Past":
        """What was true of papers at a revision."""
        wanted = set(ids)
        with self.database.read() as tx:
            swallowed = history.forebears(tx, wanted, base)
            known = history.as_of(tx, wanted.union(*swallowed.values()), base)
        papers = {paper_id: known[paper_id] for paper_id in wanted if paper_id in known}
        others = []
        for paper_id, losers in swallowed.items():
            for loser in sorted(losers & known.keys()):
                if paper_id in papers:
                    others.append((paper_id, known[loser]))
                else:
                    papers[paper_id] = known[loser]
        return Past(papers, others)

    def _alert_news(self, base: int) -> "News":
        """The same, without the papers a source brought with its first collection."""
        news = self.news_since(base)
        with self.database.read() as tx:
            unborn = [paper_id for paper_id in news.after if paper_id not in news.past.papers]
            first = history.born_first(tx, unborn)
        return News(
            self,
            base,
            {paper_id: paper for paper_id, paper in news.after.items() if paper_id not in first},
            news.past,
        )

    def _first_news(self, moment: datetime) -> "News":
        """What was first seen after a moment: the news of a first edition."""
        with self.database.read() as tx:
            after = history.seen_since(tx, moment, self.revision.id)
            base = history.revision_before(tx, moment)
        return News(self, base, after, Past())

    def _entered(self, base: int, depth: int, pace: Pace) -> tuple[int, ...]:
        """Papers that came among the `depth` hottest since a revision, hottest first."""
        if depth <= 0:
            return ()
        with self.database.read() as tx:
            ids = history.entered_trending(tx, base, self.revision.id, depth)
        return tuple(self.hottest_first(ids, pace)[:depth])

    def hottest_first(self, ids: Collection[int], pace: Pace) -> list[int]:
        if not ids:
            return []
        places: dict[int, int] = getattr(self.ranking, pace)
        last = len(places) + 1
        return sorted(ids, key=lambda paper_id: (places.get(paper_id, last), paper_id))

    def papers_now(self, ids: Iterable[int]) -> dict[int, Paper]:
        """Papers as of this revision."""
        wanted = set(ids)
        if not wanted:
            return {}
        with self.database.read() as tx:
            return history.as_of(tx, wanted, self.revision.id)

    def rename(self, told: MutableMapping[int, set[int]]) -> None:
        """Papers that turned out to be others since they were told go by their new numbers."""
        with self.database.read() as tx:
            became = history.current(tx, set().union(*told.values()), self.revision.id)
        if became:
            for subscriber, ids in told.items():
                told[subscriber] = {became.get(paper_id, paper_id) for paper_id in ids}


@dataclass(frozen=True, slots=True)
class Past:
    """Papers as they were. One that was several then, and turned out to be one since, was told if any of them was."""

    papers: dict[int, Paper] = field(default_factory=dict)
    others: list[tuple[int, Paper]] = field(default_factory=list)  # what else a paper was then

    def among(self, ids: Iterable[int]) -> list[tuple[int, Paper]]:
        """All that was true of these papers."""
        wanted = set(ids)
        return [(paper_id, paper) for paper_id, paper in (*self.papers.items(), *self.others) if paper_id in wanted]


class News:
    """Papers that changed, as they are and as they were; ready to be matched."""

    def __init__(self, room: NewsRoom, base: int, after: dict[int, Paper], past: Past) -> None:
        self.room = room
        self.base = base
        self.after = after
        self.past = past
        self._pile: Pile | None = None

    @cached_property
    def _hot_before(self) -> list[tuple[int, Paper]]:
        """Papers that trend now, as they were."""
        hot = self.room.entered(self.base, TREND_DEPTH, "day")
        return self.room.past(hot, self.base).among(hot)

    @cached_property
    def _revised(self) -> list[int]:
        with self.room.database.read() as tx:
            words = history.changes_since(tx, self.past.papers, self.base, until=self.room.revision.id)
        return self.room.hottest_first(words, "day")

    def revised(self, among: set[int]) -> list[int]:
        """Those of the papers whose content changed in a way that has a name ("v2"), the hottest first."""
        return [paper for paper in self._revised if paper in among] if among else []

    def match(
        self, queries: Sequence[Sequence[Query]], *, most: int, pace: Pace = "day", revisions: bool = False
    ) -> list[Found]:
        """For each subscriber, given their queries: what is true now and was not before, the best `most` of each query
        in order. With `revisions` also what is true now as it was before, of papers that changed."""
        found = [Found([[] for _ in own], [() for _ in own]) for own in queries]
        if not any(queries) or not (self.after or self._hot_before):
            return found
        from bot.pipeline.compose.matches import Hitlist, Pile  # see there

        hitlist = Hitlist(queries)
        if self.after:
            heat = {paper_id: 1.0 / place for paper_id, place in getattr(self.room.ranking, pace).items()}
            if self._pile is None:
                others = [(paper_id, paper) for paper_id, paper in self.past.others if paper_id in self.after]
                self._pile = Pile(self.after, self.past.papers, others)
            ranked, hits = hitlist.news(self._pile, heat, most)
            best, every = iter(ranked), iter(hits)
            for one in found:
                for profile in range(len(one.best)):
                    one.best[profile] = next(best)
                    one.every[profile] = next(every)
        for subscriber, paper in hitlist.pairs(self._hot_before):
            found[subscriber].told_before.add(paper)
        if revisions:
            before = set(hitlist.pairs(self.past.among(self.after)))
            known = [(paper_id, paper) for paper_id, paper in self.after.items() if paper_id in self.past.papers]
            for subscriber, paper in hitlist.pairs(known):
                if (subscriber, paper) in before:
                    found[subscriber].still.add(paper)
        return found
