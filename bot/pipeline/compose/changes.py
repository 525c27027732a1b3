"""What changed between two revisions, and who wants it: shared by all subscribers whose last edition was the same."""

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
    from bot.pipeline.compose.matches import PaperBatch

Pace = Literal["day", "week"]  # over which time papers are ranked

TREND_DEPTH = 100  # places that are written down


@dataclass(slots=True)
class SubscriberMatches:
    """What one subscriber's profiles matched, a list for each profile. All are paper ids."""

    best: list[list[int]]  # best first, not all of them
    every: list[Collection[int]]
    told_before: set[int] = field(default_factory=set)  # hot papers some profile matched at the last edition already
    still: set[int] = field(default_factory=set)  # changed papers some profile matches now as it did then


class Ranking(NamedTuple):
    """The hottest papers, by id: place, from 1."""

    day: dict[int, int]
    week: dict[int, int]


class RevisionView:
    """Everything known at one revision: what changed before it, and what was hot."""

    def __init__(self, database: Database, revision: Revision, rank: Callable[[], Ranking], notes: str) -> None:
        self.database = database
        self.revision = revision
        self._rank = rank
        self.notes = notes  # the sources' states, as JSON
        self.changes_since = lru_cache(maxsize=4)(self._changes_since)
        self.alert_changes = lru_cache(maxsize=4)(self._alert_changes)
        self.first_changes = lru_cache(maxsize=4)(self._first_changes)
        self.entered = lru_cache(maxsize=256)(self._entered)

    @cached_property
    def ranking(self) -> Ranking:
        """Computed only when there are papers to rank: it looks at those of a month."""
        return self._rank()

    def _changes_since(self, base: int) -> "Changes":
        """What changed after a revision."""
        with self.database.read() as tx:
            after = history.changed_since(tx, base, self.revision.id)
        return Changes(self, base, after, self.earlier_state(after, base))

    def earlier_state(self, ids: Iterable[int], base: int) -> "EarlierState":
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
        return EarlierState(papers, others)

    def _alert_changes(self, base: int) -> "Changes":
        """What changed after a revision, without the papers a source brought with its first collection."""
        changes = self.changes_since(base)
        with self.database.read() as tx:
            unborn = [paper_id for paper_id in changes.after if paper_id not in changes.before.papers]
            first = history.born_first(tx, unborn)
        after = {paper_id: paper for paper_id, paper in changes.after.items() if paper_id not in first}
        return Changes(self, base, after, changes.before)

    def _first_changes(self, moment: datetime) -> "Changes":
        """Papers first seen after a moment: what a first edition tells."""
        with self.database.read() as tx:
            after = history.seen_since(tx, moment, self.revision.id)
            base = history.revision_before(tx, moment)
        return Changes(self, base, after, EarlierState())

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
        """Replace, in sets of paper ids by subscriber, papers that turned out to be others by those others."""
        with self.database.read() as tx:
            became = history.current(tx, set().union(*told.values()), self.revision.id)
        if became:
            for subscriber_id, ids in told.items():
                told[subscriber_id] = {became.get(paper_id, paper_id) for paper_id in ids}


@dataclass(frozen=True, slots=True)
class EarlierState:
    """Papers as they were. One that was several then, and turned out to be one since, was told if any of them was."""

    papers: dict[int, Paper] = field(default_factory=dict)
    others: list[tuple[int, Paper]] = field(default_factory=list)  # what else a paper was then

    def among(self, ids: Iterable[int]) -> list[tuple[int, Paper]]:
        """All that was true of these papers."""
        wanted = set(ids)
        return [(paper_id, paper) for paper_id, paper in (*self.papers.items(), *self.others) if paper_id in wanted]


class Changes:
    """Papers that changed, as they are and as they were; ready to be matched."""

    def __init__(self, view: RevisionView, base: int, after: dict[int, Paper], before: EarlierState) -> None:
        self.view = view
        self.base = base
        self.after = after
        self.before = before

    def revised(self, among: set[int]) -> list[int]:
        """Those of the papers whose content changed in a way that has a name ("v2"), the hottest first."""
        return [paper for paper in self._revised if paper in among] if among else []

    @cached_property
    def _revised(self) -> list[int]:
        with self.view.database.read() as tx:
            words = history.changes_since(tx, self.before.papers, self.base, until=self.view.revision.id)
        return self.view.hottest_first(words, "day")

    def match(
        self, queries: Sequence[Sequence[Query]], *, most: int, pace: Pace = "day", revisions: bool = False
    ) -> list[SubscriberMatches]:
        """For each subscriber, given their queries: what is true now and was not before, the best `most` of each query
        in order. With `revisions` also what is true now as it was before, of papers that changed."""
        found = [SubscriberMatches([[] for _ in own], [[] for _ in own]) for own in queries]
        if not any(queries) or not (self.after or self._hot_as_it_was):
            return found
        from bot.pipeline.compose.matches import BatchMatcher  # brings numpy

        matcher = BatchMatcher(queries)
        if self.after:
            heat = {paper_id: 1.0 / place for paper_id, place in getattr(self.view.ranking, pace).items()}
            ranked, hits = matcher.new_matches(self._changed, self._also_were, heat, most)
            by_query = zip(ranked, hits, strict=True)
            for one in found:
                for profile in range(len(one.best)):
                    one.best[profile], one.every[profile] = next(by_query)
        for subscriber, paper in matcher.pairs(self._hot_before):
            found[subscriber].told_before.add(paper)
        if revisions:
            before = set(matcher.pairs(self._before))
            for subscriber, paper in matcher.pairs(self._known):
                if (subscriber, paper) in before:
                    found[subscriber].still.add(paper)
        return found

    # Papers read for matching, once for all batches of subscribers.

    @cached_property
    def _changed(self) -> "PaperBatch":
        return _batch(self.after.items(), self.before.papers)

    @cached_property
    def _also_were(self) -> "PaperBatch":
        """What else changed papers were before, when each was several."""
        return _batch((paper_id, paper) for paper_id, paper in self.before.others if paper_id in self.after)

    @cached_property
    def _known(self) -> "PaperBatch":
        """Changed papers that were there before, as they are."""
        return _batch((paper_id, paper) for paper_id, paper in self.after.items() if paper_id in self.before.papers)

    @cached_property
    def _before(self) -> "PaperBatch":
        """The same papers as they were."""
        return _batch(self.before.among(self.after))

    @cached_property
    def _hot_before(self) -> "PaperBatch":
        return _batch(self._hot_as_it_was)

    @cached_property
    def _hot_as_it_was(self) -> list[tuple[int, Paper]]:
        """Papers that trend now, as they were."""
        hot = self.view.entered(self.base, TREND_DEPTH, "day")
        return self.view.earlier_state(hot, self.base).among(hot)


def _batch(papers: Iterable[tuple[int, Paper]], before: dict[int, Paper] | None = None) -> "PaperBatch":
    from bot.pipeline.compose.matches import PaperBatch  # brings numpy

    return PaperBatch(papers, before)
