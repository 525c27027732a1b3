"""A subscriber's taste: their library and their thumbs, with what the store knows of those papers. Reads only."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.core.papers import Paper
from bot.core.taste import Background, Taste, learn
from bot.store import Database, history, thumbs

BACKGROUND_PAPERS = 2_000
THUMB_WEIGHT = 3.0  # a thumb is about this letter, a library about years


def taste_of(
    database: Database, subscriber_id: int | None, library: Sequence[Paper], now: datetime, days: int
) -> Taste | None:
    """What is learnt from thumbs and a library, beside the papers of the last days; None where that is too little.

    A paper of the library that the store knows has its abstract from there.
    """
    with database.read() as tx:
        given = thumbs.of_subscriber(tx, subscriber_id) if subscriber_id is not None else []
        revision = history.latest_revision(tx)
        upto = revision.id if revision else 0
        rated = history.as_of(tx, [thumb.paper_id for thumb in given], upto)
        known = history.by_keys(tx, [paper.key for paper in library if not paper.abstract])
        seen = history.seen_since(tx, now - timedelta(days=days))
    liked = {
        thumb.paper_id: rated[thumb.paper_id] for thumb in given if thumb.kind != "less" and thumb.paper_id in rated
    }
    disliked = [rated[thumb.paper_id] for thumb in given if thumb.kind == "less" and thumb.paper_id in rated]
    papers = [*liked.values(), *(known.get(paper.key, paper) for paper in library)]
    weights = [THUMB_WEIGHT] * len(liked) + [1.0] * len(library)
    return learn(papers, Background(list(seen.values())[-BACKGROUND_PAPERS:]), disliked, weights)
