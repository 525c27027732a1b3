"""summarize: database -> model -> database. One sentence about each paper that a letter is about to show.

    prepare   a moment after composing: which papers lack a sentence, and which letters wait for them
    write     ask the model about them, one after the other, and let the letters go

Nothing depends on it. A letter waits no longer than `timeout` from when it was composed, whatever becomes of the model
and of this process: it is put off by a moment in its row. One that was composed earlier, one that was tried before, and
an alert never wait. Every call is counted in a transaction of its own before it is made, so a budget holds whenever the
process dies; a paper is asked about once for all subscribers.
"""

import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.edition.picks import Picks
from bot.core.letter.model_summary import objection
from bot.core.papers import Paper
from bot.errors import SourceError
from bot.fetch import Fetcher
from bot.pipeline.summarize.endpoint import Answer, Endpoint, Question, ask_model, question, wants_to_reason
from bot.store import Database, history, summaries
from bot.store.summaries import DailyBudget, Fresh, Version, version_of

log = logging.getLogger(__name__)

MOST_LETTERS = 20_000  # looked at after one composing; further ones do not wait
SHORTEST_ABSTRACT = 200  # characters: of less there is nothing to sum up
ATTEMPTS = 2  # of one question
FAILURES = 3  # in a row, of one question after the other, before the model is left alone
LEFT_ALONE = timedelta(minutes=30)
GIVEN_UP = timedelta(seconds=10)  # beyond `timeout`: a process that asked so long ago has died
A_MOMENT = 0.5  # seconds that are too few for a call

MakeFetcher = Callable[[float], Fetcher]  # given the seconds that one question may take


@dataclass(frozen=True, slots=True, kw_only=True)
class SummarySettings:
    """From the configuration."""

    endpoint: Endpoint
    language: str = "en"
    budget: DailyBudget


@dataclass(frozen=True, slots=True)
class WaitingLetters:
    """Letters put off for their sentences, and the papers to ask about, those in most letters first."""

    letters: tuple[int, ...] = ()
    papers: tuple[tuple[int, Paper], ...] = ()
    others: tuple[int, ...] = ()  # papers that another process asks about at this moment
    until: datetime | None = None

    def __bool__(self) -> bool:
        return bool(self.letters)


def wants_sentence(paper: Paper) -> bool:
    """Whether letters would show a model's sentence: the source has none of its own, and there is something to read."""
    return not paper.summary and len(paper.abstract) >= SHORTEST_ABSTRACT


class Summarizer:
    """Has sentences written. One per process."""

    def __init__(
        self, database: Database, settings: SummarySettings, make_fetcher: MakeFetcher, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._settings = settings
        self._endpoint = settings.endpoint
        self._make_fetcher = make_fetcher
        self._clock = clock
        self._is_reasoning = False  # learnt from the first refusal

    def prepare(self) -> WaitingLetters:
        """Which letters are to wait, for which sentences. Where anything at all goes wrong, they do without."""
        try:
            return self._prepare()
        except Exception as error:
            log.warning("no sentences by a model this time: %r", error, exc_info=log.isEnabledFor(logging.DEBUG))
            return WaitingLetters()

    def write(self, waiting: WaitingLetters, stop: threading.Event | None = None) -> None:
        """Ask about the papers until their letters have waited long enough; then these may go."""
        try:
            if written := self._write(waiting, stop):
                log.info("%d sentences by a model", written)
        except Exception as error:
            log.warning("no further sentences by a model: %r", error, exc_info=log.isEnabledFor(logging.DEBUG))

    # -- prepare ---------------------------------------------------------------------------------------------------

    def _prepare(self) -> WaitingLetters:
        """Put off the letters that were composed within the last `timeout` and show a paper without a sentence, and let
        the others go. Nobody waits for a model that is left alone, or whose budget of the day is spent. Asks nobody
        anything."""
        now = self._clock()
        timeout = self._endpoint.timeout
        with self._database.read() as tx:
            until, _ = summaries.left_alone_until(tx, now)
            spent = summaries.spend(tx, now.date())
            fresh = summaries.fresh_digests(tx, now - timeout, now + timeout, MOST_LETTERS)
        can_ask = until is None and spent.calls < self._settings.budget.calls
        shown = {edition.id: Picks.from_json(edition.picks).ids for edition in fresh} if can_ask else {}
        papers, others = self._without_sentence(fresh, shown, now) if can_ask else ({}, set())
        lacking = papers.keys() | others
        letters = [edition for edition in fresh if lacking and not shown[edition.id].isdisjoint(lacking)]
        free = {edition.id for edition in fresh if edition.next_at > now}.difference(one.id for one in letters)
        if free:
            with self._database.write() as tx:
                summaries.set_next(tx, sorted(free), now)
        if not letters:
            return WaitingLetters()
        by_moment: dict[datetime, list[int]] = defaultdict(list)
        for edition in letters:
            by_moment[edition.composed].append(edition.id)
        with self._database.write() as tx:
            for composed, ids in by_moment.items():
                summaries.set_next(tx, ids, composed + timeout)
        number = Counter(paper_id for edition in letters for paper_id in shown[edition.id])
        order = sorted(papers, key=lambda paper_id: (-number[paper_id], paper_id))
        return WaitingLetters(
            letters=tuple(edition.id for edition in letters),
            papers=tuple((one, papers[one]) for one in order),
            others=tuple(sorted(others)),
            until=max(by_moment) + timeout,
        )

    def _without_sentence(
        self, fresh: Sequence[Fresh], shown: dict[int, set[int]], now: datetime
    ) -> tuple[dict[int, Paper], set[int]]:
        """The papers to ask about, as these letters show them; and those that somebody else asks about."""
        found: dict[int, Paper] = {}
        with self._database.read() as tx:
            for revision in sorted({edition.revision for edition in fresh}):
                ids = set().union(*(shown[edition.id] for edition in fresh if edition.revision == revision))
                papers = history.as_of(tx, ids - found.keys(), revision)
                found |= {paper_id: paper for paper_id, paper in papers.items() if wants_sentence(paper)}
            known = summaries.questions_about(tx, found, self._settings.language, now - self._given_up)
        versions = {paper_id: version_of(paper_id, paper) for paper_id, paper in found.items()}
        others = {paper_id for paper_id, version in versions.items() if version in known.open}
        unasked = {
            paper_id: paper
            for paper_id, paper in found.items()
            if paper_id not in others and versions[paper_id] not in known.answered
        }
        return unasked, others

    @property
    def _given_up(self) -> timedelta:
        return self._endpoint.timeout + GIVEN_UP

    # -- write -----------------------------------------------------------------------------------------------------

    def _write(self, waiting: WaitingLetters, stop: threading.Event | None) -> int:
        """Returns how many sentences may be shown."""
        if not waiting or waiting.until is None:
            return 0
        end = time.monotonic() + (waiting.until - self._clock()).total_seconds()
        written = 0
        try:
            for paper_id, paper in waiting.papers:
                if time.monotonic() > end - A_MOMENT or (stop is not None and stop.is_set()):
                    break
                said = self._ask_about(paper_id, paper, end)
                if said is None:
                    break
                written += said
            else:
                self._await_others(waiting.others, end, stop)
        finally:
            with self._database.write() as tx:
                summaries.set_next(tx, waiting.letters, self._clock())
        return written

    def _await_others(self, paper_ids: Sequence[int], end: float, stop: threading.Event | None) -> None:
        """Until nobody else asks about these papers any more."""
        pause = stop or threading.Event()
        while paper_ids and time.monotonic() < end - A_MOMENT and not pause.is_set():
            with self._database.read() as tx:
                since = self._clock() - self._given_up
                if not summaries.questions_about(tx, paper_ids, self._settings.language, since).open:
                    return
            pause.wait(A_MOMENT)

    def _ask_about(self, paper_id: int, paper: Paper, end: float) -> int | None:
        """1 for a sentence that may be shown, else 0; None: nothing more is to be asked now."""
        version, language, now = version_of(paper_id, paper), self._settings.language, self._clock()
        with self._database.write() as tx:
            is_ours = summaries.begin(tx, version, language, self._endpoint.model, now, self._given_up)
        if not is_ours:
            return 0
        failure: SourceError | None = None
        for _ in range(ATTEMPTS):
            left = min(end - time.monotonic(), self._endpoint.timeout.total_seconds())
            if left < A_MOMENT:
                break
            asked = question(self._endpoint, paper, language, is_reasoning=self._is_reasoning)
            if not self._take(asked):
                self._leave(version)
                return None
            try:
                with self._make_fetcher(left) as fetcher:
                    answer = ask_model(self._endpoint, fetcher, asked)
            except SourceError as error:
                failure = error
                self._failed(error)
                if error.retry_at is not None:
                    break
                self._is_reasoning = self._is_reasoning or wants_to_reason(error)
            else:
                return self._answered(version, paper, asked, answer)
        self._leave(version)
        return 0 if failure is None else self._after(failure)

    def _take(self, asked: Question) -> bool:
        """Whether the day's budget has room for a question, which is counted from now on."""
        with self._database.write() as tx:
            return summaries.take(tx, self._clock().date(), self._settings.budget, asked.most_tokens)

    def _answered(self, version: Version, paper: Paper, asked: Question, answer: Answer) -> int:
        language = self._settings.language
        no = objection(answer.sentence, paper, language)
        if self._endpoint.key and self._endpoint.key in answer.sentence:
            no = "the key"
        if no:
            log.debug("a sentence about %s is thrown away: %s", paper.key, no)
        more = 0 if answer.tokens is None else answer.tokens - asked.most_tokens
        with self._database.write() as tx:
            summaries.keep_answer(tx, version, language, sentence="" if no else answer.sentence, objection=no)
            summaries.correct(tx, self._clock().date(), tokens=more, written=0 if no else 1, thrown_away=1 if no else 0)
            summaries.note_success(tx)
        return 0 if no else 1

    def _failed(self, error: SourceError) -> None:
        log.info("no sentence: %s", error)
        with self._database.write() as tx:
            summaries.correct(tx, self._clock().date(), failed=1)

    def _leave(self, version: Version) -> None:
        """Somebody may ask about it again."""
        with self._database.write() as tx:
            summaries.keep_answer(tx, version, self._settings.language)

    def _after(self, failure: SourceError) -> int | None:
        """What a question that failed for good means for the next ones."""
        now = self._clock()
        with self._database.write() as tx:
            is_left_alone = summaries.note_failure(
                tx,
                now,
                str(failure),
                FAILURES,
                LEFT_ALONE,
                failure.retry_at or (now + LEFT_ALONE if failure.gone else None),
            )
        if not is_left_alone:
            return 0
        log.warning("the model is left alone for a while, letters go without its sentences: %s", failure)
        return None
