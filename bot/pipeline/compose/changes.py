"""What changed between two revisions, and who wants it: shared by all subscribers whose last edition was the same."""

from collections.abc import Collection, Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from bot.core.papers import Paper, trending
from bot.core.papers.trending import Span
from bot.core.query import Query
from bot.store import Database, history
from bot.store.history import Revision

if TYPE_CHECKING:
    from bot.pipeline.compose.matches import PaperBatch

TREND_WINDOW = timedelta(days=32)  # papers first seen longer ago no longer trend
POOL = 200  # of the recent papers, so many can be in the trending section of who has profiles

NEAR_DEPTH = 100  # papers looked at for what is near one profile
MOST_OF_PAST = 5_000  # papers of the past that compete for `per_week`


@dataclass(slots=True)
class SubscriberMatches:
    """What one subscriber's profiles matched, a list for each profile. All are paper ids."""

    best: list[list[int]]  # best first, not all of them
    every: list[Collection[int]]
    told_before: set[int] = field(default_factory=set)  # hot papers some profile matched at the last edition already
    still: set[int] = field(default_factory=set)  # changed papers some profile matches now as it did then


class Trend(NamedTuple):
    """The hottest papers over a span of time, by id."""

    places: dict[int, int]  # from 1
    recent: dict[int, datetime | None]  # those a trending section may hold, the hottest first: when first seen


class RevisionView:
    """Everything known at one revision: what changed before it, and what was hot."""

    def __init__(self, database: Database, revision: Revision, notes: str) -> None:
        self.database = database
        self.revision = revision
        self.notes = notes  # the sources' states, as JSON
        self.trend = lru_cache(maxsize=3)(self._trend)
        self.changes_since = lru_cache(maxsize=4)(self._changes_since)
        self.alert_changes = lru_cache(maxsize=4)(self._alert_changes)
        self.papers_of = lru_cache(maxsize=1)(self._papers_of)
        self.first_changes = lru_cache(maxsize=4)(self._first_changes)

    def _trend(self, over: Span) -> Trend:
        """A function of the revision alone, so that asking again, or from another process, never reshuffles. Computed
        only when there are papers to rank: it looks at those of a month."""
        at = self.revision.at
        scored: list[tuple[float, str, int, Paper]] = []
        with self.database.read() as tx:
            for papers in history.seen_since_in_parts(tx, at - TREND_WINDOW, self.revision.id):
                snapshots = history.snapshots(tx, papers, until=self.revision.id)
                for paper_id, paper in papers.items():
                    score = trending.score(snapshots.get(paper_id, ()), paper, at, over)
                    scored.append((-score, paper.key, paper_id, paper))
        scored.sort(key=lambda entry: entry[:2])
        papers_by_heat = {paper_id: paper for _, _, paper_id, paper in scored if not (paper.withdrawn or paper.kind)}
        recent = [one for one, paper in papers_by_heat.items() if trending.is_recent(paper, at, over)]
        if not recent and papers_by_heat:
            # Nothing but saved pages of another season: their own latest days are the latest there are.
            newest = max(trending.listing_moment(paper, at) for paper in papers_by_heat.values())
            recent = [one for one, paper in papers_by_heat.items() if trending.is_recent(paper, newest, over)]
        return Trend(
            places={paper_id: place for place, (_, _, paper_id, _) in enumerate(scored, 1)},
            recent={paper_id: papers_by_heat[paper_id].first_seen for paper_id in recent},
        )

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
        return Changes(self, base, after, EarlierState(), is_first=True)

    def _papers_of(self, past: timedelta) -> dict[int, Paper]:
        """Papers first seen in a time before this revision; of very many the latest."""
        with self.database.read() as tx:
            papers = history.seen_since(tx, self.revision.at - past, self.revision.id)
        return dict(list(papers.items())[-MOST_OF_PAST:])

    def hottest_first(self, ids: Collection[int]) -> list[int]:
        if not ids:
            return []
        places = self.trend("day").places
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

    def __init__(
        self, view: RevisionView, base: int, after: dict[int, Paper], before: EarlierState, *, is_first: bool = False
    ) -> None:
        self.view = view
        self.base = base
        self.after = after
        self.before = before
        self.is_first = is_first  # of a first edition: what was first seen since a moment
        self._recent: dict[Span, tuple[int, ...]] = {}
        self._hot: dict[Span, list[tuple[int, Paper]]] = {}
        self._hot_read: dict[Span, PaperBatch] = {}
        self._past_read: dict[timedelta, PaperBatch] = {}
        self._words: dict[int, frozenset[str]] = {}

    def revised(self, among: set[int]) -> list[int]:
        """Those of the papers whose content changed in a way that has a name ("v2"), the hottest first."""
        return [paper for paper in self._revised if paper in among] if among else []

    @cached_property
    def _revised(self) -> list[int]:
        with self.view.database.read() as tx:
            words = history.changes_since(tx, self.before.papers, self.base, until=self.view.revision.id)
        return self.view.hottest_first(words)

    def recent(self, over: Span) -> tuple[int, ...]:
        """What a trending section may hold, the hottest first. A first edition is of what was first seen since its
        beginning, and where nothing has happened since the last edition nothing is hot."""
        if over not in self._recent:
            recent = self.view.trend(over).recent
            if self.is_first:
                self._recent[over] = tuple(paper for paper in recent if paper in self.after)
            else:
                self._recent[over] = tuple(recent) if self.base != self.view.revision.id else ()
        return self._recent[over]

    def match(
        self,
        queries: Sequence[Sequence[Query]],
        *,
        most: int,
        over: Span | None = "day",
        trending_too: bool = False,
        revisions: bool = False,
    ) -> list[SubscriberMatches]:
        """For each subscriber, given their queries: what is true now and was not before, the best `most` of each query
        in order. With `trending_too` also which recent papers they were told by a profile before; with `revisions` also
        what is true now as it was before, of papers that changed. `over`: the span of the trend that orders what is
        equally relevant; None: no trend, which spares looking at a month's papers."""
        found = [SubscriberMatches([[] for _ in own], [[] for _ in own]) for own in queries]
        hot = self._hot_as_they_were(over) if trending_too and over and any(queries) else []
        if not any(queries) or not (self.after or hot):
            return found
        from bot.pipeline.compose.matches import BatchMatcher  # brings numpy

        matcher = BatchMatcher(queries)
        if self.after:
            places = self.view.trend(over).places if over else {}
            heat = {paper_id: 1.0 / place for paper_id, place in places.items()}
            ranked, hits = matcher.new_matches(self._changed, self._also_were, heat, most)
            by_query = zip(ranked, hits, strict=True)
            for one in found:
                for profile in range(len(one.best)):
                    one.best[profile], one.every[profile] = next(by_query)
        if hot and over:
            for subscriber, paper in matcher.pairs(self._hot_batch(over)):
                found[subscriber].told_before.add(paper)
        if revisions:
            before = set(matcher.pairs(self._before))
            for subscriber, paper in matcher.pairs(self._known):
                if (subscriber, paper) in before:
                    found[subscriber].still.add(paper)
        return found

    def most_relevant_new(self, queries: Sequence[Sequence[Query]]) -> list[list[list[int]]]:
        """For each subscriber and query, the papers that were not there before, the most relevant first."""
        from bot.pipeline.compose.matches import BatchMatcher  # brings numpy

        return BatchMatcher(queries).most_relevant(self._new, NEAR_DEPTH)

    def words_of(self, paper_id: int) -> frozenset[str]:
        """The words of a changed paper, as tastes compare them."""
        if paper_id not in self._words:
            from bot.core.taste.learn import words_of  # for those who have a taste

            self._words[paper_id] = words_of(self.after[paper_id])
        return self._words[paper_id]

    def best_of(self, past: timedelta, queries: Sequence[Sequence[Query]], most: int) -> list[list[list[int]]]:
        """For each subscriber and query, the best `most` of the changed papers and of those first seen in the time
        before, all as they are now."""
        from bot.pipeline.compose.matches import BatchMatcher  # brings numpy

        if past not in self._past_read:
            self._past_read[past] = _batch((self.view.papers_of(past) | self.after).items())
        heat = {paper_id: 1.0 / place for paper_id, place in self.view.trend("month").places.items()}
        return BatchMatcher(queries).best(self._past_read[past], heat, most)

    def time_known(self, most: timedelta) -> timedelta:
        """How long papers have been collected before this revision, up to `most`."""
        seen = [paper.first_seen for paper in self.view.papers_of(most).values() if paper.first_seen is not None]
        return min(self.view.revision.at - min(seen), most) if seen else timedelta(0)

    # Papers read for matching, once for all batches of subscribers.

    @cached_property
    def _new(self) -> "PaperBatch":
        """Papers that were not there before."""
        new = ((number, paper) for number, paper in self.after.items() if number not in self.before.papers)
        return _batch((number, paper) for number, paper in new if not (paper.withdrawn or paper.kind))

    @cached_property
    def _changed(self) -> "PaperBatch":
        return _batch(self.after.items(), self.before.papers)

    @cached_property
    def _also_were(self) -> "PaperBatch":
        """What else changed papers were before, when each was several."""
        return _batch((paper_id, paper) for paper_id, paper in self.before.others if paper_id in self.after)

    @cached_property
    def _known(self) -> "PaperBatch":
        """Changed papers that were there before, as they are; without notices, which hardly anybody was told of."""
        return _batch(
            (paper_id, paper)
            for paper_id, paper in self.after.items()
            if (before := self.before.papers.get(paper_id)) and not before.kind
        )

    @cached_property
    def _before(self) -> "PaperBatch":
        """The same papers as they were."""
        return _batch(self.before.among(self.after))

    def _hot_as_they_were(self, over: Span) -> list[tuple[int, Paper]]:
        """Papers that may stand in a trending section now, as they were at the last edition."""
        if over not in self._hot:
            hot = self.recent(over)[:POOL] if not self.is_first else ()
            self._hot[over] = self.view.earlier_state(hot, self.base).among(hot) if hot else []
        return self._hot[over]

    def _hot_batch(self, over: Span) -> "PaperBatch":
        if over not in self._hot_read:
            self._hot_read[over] = _batch(self._hot_as_they_were(over))
        return self._hot_read[over]


def _batch(papers: Iterable[tuple[int, Paper]], before: dict[int, Paper] | None = None) -> "PaperBatch":
    from bot.pipeline.compose.matches import PaperBatch  # brings numpy

    return PaperBatch(papers, before)
