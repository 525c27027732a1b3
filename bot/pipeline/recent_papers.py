"""The papers of the last month, read for matching once and kept: a query is tried on them while it is typed.

Memory is bounded by the number of papers; they are read again as papers come, in the background where that takes long.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.core.papers import Paper
from bot.core.query import Query
from bot.store import Database, history

if TYPE_CHECKING:
    from bot.core.matching.backtest import Backtest
    from bot.core.matching.suggest import Suggestion, Window

DAYS = 30
MOST_PAPERS = 20_000  # the newest
READ_AGAIN = timedelta(hours=1)  # a month moves on, even where nothing comes
QUICK = 0.3  # seconds: what takes longer to read is read in the background
ANSWERS_KEPT = 500
MATCHING_AT_ONCE = 2  # queries
BEST, NEAR_MISSES, SUGGESTED = 5, 5, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a query would have brought."""

    found: "Backtest"
    suggestions: "Sequence[Suggestion]"
    days: float  # how many the papers cover: fewer than DAYS in a new installation

    @property
    def per_day(self) -> float:
        return self.found.matched / self.days


class _Window:
    """The papers as they were at one revision, and the answers already given about them."""

    def __init__(self, revision: int, at: datetime, papers: list[Paper], read: "Window", took: float) -> None:
        self.revision = revision
        self.at = at
        self.read = read
        self.took = took
        oldest = min((paper.first_seen for paper in papers if paper.first_seen), default=at)
        self.days = min(float(DAYS), max(1.0, (at - oldest) / timedelta(days=1)))
        self.answers: OrderedDict[str, Tried] = OrderedDict()


class RecentPapers:
    """Tries queries on them. Thread-safe; one per process."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._window: _Window | None = None
        self._reading = threading.Lock()
        self._answers = threading.Lock()
        # A few threads of their own: each that handles large arrays keeps some of their memory for good, and more would
        # only wait for each other's processor.
        self._matching = ThreadPoolExecutor(MATCHING_AT_ONCE, thread_name_prefix="preview")

    def read_ahead(self, now: datetime) -> None:
        """Read them now, in the background, so that the first visitor does not wait."""
        threading.Thread(target=self._current, args=(now,), name="recent papers", daemon=True).start()

    def try_query(self, query: Query, now: datetime) -> Tried:
        """What a query would have brought in the last 30 days."""
        window = self._current(now)
        key = str(query)
        with self._answers:
            if (known := window.answers.get(key)) is not None:
                window.answers.move_to_end(key)
                return known
        tried = self._matching.submit(_try, window, query).result()
        with self._answers:
            window.answers[key] = tried
            while len(window.answers) > ANSWERS_KEPT:
                window.answers.popitem(last=False)
        return tried

    def _current(self, now: datetime) -> _Window:
        """The papers as they are; for a moment as they were, where reading them takes long."""
        window = self._window
        with self.database.read() as tx:
            newest = history.latest_revision(tx)
        revision = newest.id if newest else 0
        if window is not None and window.revision == revision and now - window.at < READ_AGAIN:
            return window
        if window is None or window.took < QUICK:
            with self._reading:
                if self._window is window:
                    self._window = self._read(revision, now)
                return self._window or self._read(revision, now)
        if self._reading.acquire(blocking=False):
            threading.Thread(target=self._renew, args=(revision, now), name="recent papers", daemon=True).start()
        return window

    def _renew(self, revision: int, now: datetime) -> None:
        try:
            self._window = self._read(revision, now)
        finally:
            self._reading.release()

    def _read(self, revision: int, now: datetime) -> _Window:
        from bot.core.matching.suggest import Window
        from bot.core.matching.texts import Texts

        began = time.monotonic()
        with self.database.read() as tx:
            seen = history.seen_since(tx, now - timedelta(days=DAYS))
        papers = [paper for paper in seen.values() if paper.first_seen is None or paper.first_seen <= now]
        papers = papers[-MOST_PAPERS:]
        texts = Texts(papers)
        texts.prepare()
        read = Window(texts)
        read.prepare()
        return _Window(revision, now, papers, read, time.monotonic() - began)


def _try(window: _Window, query: Query) -> Tried:
    from bot.core.matching.backtest import backtest  # brings numpy
    from bot.core.matching.suggest import suggestions

    return Tried(
        found=backtest(query, window.read.texts, BEST, NEAR_MISSES),
        suggestions=suggestions(query, window.read, SUGGESTED, neighbours=False),
        days=window.days,
    )
