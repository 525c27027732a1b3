"""What happened between two revisions, and who wants it: shared by all readers whose last edition was the same."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache

from bot.core.papers import Paper
from bot.core.query import Query
from bot.store import Database, history
from bot.store.history import Revision

TREND_DEPTH = 100  # places that are written down


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
        self.heat = {paper_id: 1.0 / place for paper_id, place in places.items()}
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
    def _hot_before(self) -> dict[int, Paper]:
        """Papers that trend now, as they were."""
        with self.room.database.read() as tx:
            return history.as_of(tx, self.room.entered(self.base, TREND_DEPTH), self.base)

    def match(self, queries: Sequence[Sequence[Query]], *, revisions: bool = False) -> list[Found]:
        """For each reader, given their queries: what is true now and was not before. With `revisions` also what is
        true now as it was before, of papers that changed."""
        found = [Found([[] for _ in own], [set() for _ in own]) for own in queries]
        if not any(queries) or not (self.after or self._hot_before):
            return found
        from bot.pipeline.hits import Hitlist  # see there

        hitlist = Hitlist(queries)
        if self.after:
            ranked, hits = hitlist.news(self.after, self.before, self.room.heat)
            best, every = iter(ranked), iter(hits)
            for one in found:
                for profile in range(len(one.best)):
                    one.best[profile] = next(best)
                    one.every[profile] = next(every)
        for reader, paper in hitlist.pairs(self._hot_before):
            found[reader].told_before.add(paper)
        if revisions:
            known = {paper_id: paper for paper_id, paper in self.before.items() if paper_id in self.after}
            before = set(hitlist.pairs(known))
            for reader, paper in hitlist.pairs({paper_id: self.after[paper_id] for paper_id in known}):
                if (reader, paper) in before:
                    found[reader].still.add(paper)
        return found
