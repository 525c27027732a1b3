"""A subscriber's taste: learnt from their library and their thumbs, with what the store knows of those papers, and kept
as a row until one of them changes."""

import hashlib
import logging
import threading
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property

from bot.core.papers import Paper, identity
from bot.core.subscriber.subscriber import Subscriber, stored_subscriber
from bot.core.taste import Background, Taste, learn
from bot.errors import PaperlarkError
from bot.pipeline.libraries import Libraries, ReadLibraries
from bot.store import Database, history, taste, thumbs
from bot.store.subscribers import StoredSubscriber
from bot.store.taste import ThumbsSoFar

log = logging.getLogger(__name__)

BACKGROUND_DAYS = 30
BACKGROUND_PAPERS = 2_000
MANY = 500  # papers, among which somebody's own do not matter
THUMB_WEIGHT = 3.0  # a thumb is about this letter, a library about years
PAGE = 500  # subscribers looked at together
KEPT = timedelta(days=90)  # a library on the web that nobody names any more
LEARNER = 2  # another number has all tastes learnt again


class TasteLearner:
    """Learns tastes from what is known at one moment."""

    def __init__(self, database: Database, libraries: Libraries, now: datetime) -> None:
        self._database = database
        self._libraries = libraries
        self._now = now

    def learn_all(self, stop: threading.Event | None = None) -> int:
        """Learn again whatever taste has become another; returns how many. One library that cannot be read is a line
        in the log, and keeps nobody else waiting."""
        number, after = 0, 0
        while stop is None or not stop.is_set():
            with self._database.read() as tx:
                page = taste.with_taste(tx, after, PAGE)
                ids = [stored.id for stored in page]
                known = taste.of_subscribers(tx, ids)
                given = taste.thumbs_so_far(tx, ids)
            if not page:
                break
            after = page[-1].id
            for stored in page:
                subscriber = stored_subscriber(stored.data)
                if subscriber.taste == "off":
                    continue
                before = known[stored.id].learnt_from if stored.id in known else ""
                try:
                    number += self._learn_one(stored, subscriber, given.get(stored.id), before)
                except PaperlarkError as error:
                    log.warning("the taste of subscriber %d is not learnt: %s", stored.id, error)
        with self._database.write() as tx:
            taste.forget_libraries(tx, self._now - KEPT)
        return number

    def _learn_one(
        self, stored: StoredSubscriber, subscriber: Subscriber, given: ThumbsSoFar | None, before: str
    ) -> bool:
        places, private = subscriber.libraries, subscriber.private
        digest = self._libraries.digest(places, self._now, private=private) if places else ""
        learnt_from = hashlib.blake2b(f"{LEARNER} {digest} {given}".encode(), digest_size=16).hexdigest()
        if learnt_from == before:
            return False
        library = self.read(places, private=private) if places else None
        found = self.taste_of(stored.id, library.papers if library else ())
        with self._database.write() as tx:
            taste.learnt(tx, stored.id, found, learnt_from, library.problems if library else (), self._now)
        return True

    def read(self, places: Sequence[str], *, private: bool) -> ReadLibraries:
        """What these libraries hold."""
        return self._libraries.read(places, self._now, private=private)

    def taste_of(self, subscriber_id: int | None, library: Sequence[Paper]) -> Taste | None:
        """What is learnt from thumbs and a library, beside the papers of the last month; None where that is too little.

        A paper of the library that the store knows has its abstract from there.
        """
        with self._database.read() as tx:
            given = thumbs.of_subscriber(tx, subscriber_id) if subscriber_id else []
            revision = history.latest_revision(tx)
            rated = history.as_of(tx, [thumb.paper_id for thumb in given], revision.id if revision else 0)
            names = {paper.key: (paper.key, identity.title_key(paper.title)) for paper in library if not paper.abstract}
            known = history.by_keys(tx, {name for both in names.values() for name in both if name})
        liked = {
            thumb.paper_id: rated[thumb.paper_id] for thumb in given if thumb.kind != "less" and thumb.paper_id in rated
        }
        disliked = [rated[thumb.paper_id] for thumb in given if thumb.kind == "less" and thumb.paper_id in rated]
        papers = [*liked.values()]
        for paper in library:
            same = next((known[name] for name in names.get(paper.key, ()) if name in known), None)
            papers.append(replace(paper, abstract=same.abstract) if same else paper)
        weights = [THUMB_WEIGHT] * len(liked) + [1.0] * len(library)
        return learn(papers, self._background_without({paper.key for paper in papers}), disliked, weights)

    def _background_without(self, liked: Collection[str]) -> Background:
        """What is usual. Of few papers those that are liked are a good part, and say nothing of what is usual."""
        if len(self._recent) >= MANY:
            return self._background
        return Background(paper for paper in self._recent if paper.key not in liked)

    @cached_property
    def _background(self) -> Background:
        return Background(self._recent)

    @cached_property
    def _recent(self) -> list[Paper]:
        with self._database.read() as tx:
            seen = history.seen_since(tx, self._now - timedelta(days=BACKGROUND_DAYS))
        return list(seen.values())[-BACKGROUND_PAPERS:]
