"""The first papers of a query, reckoned one by one from the definitions: what the matcher has to agree with."""

import numpy as np
from numpy.typing import NDArray

from bot.core.matching.bm25 import (
    PLACE_WORTH,
    Corpus,
    first_mention,
    is_neutral,
    length,
    mentions,
    points,
    relevance,
    trend_order,
    trend_points,
)
from bot.core.papers import Paper
from bot.core.query.ast import Query, Term
from bot.core.query.evaluate import Reading


def best_by_definition(
    query: Query, papers: list[Paper], k: int, prior: NDArray[np.float64] | None = None
) -> list[tuple[int, int]]:
    """The first k papers a query is true of, and their scores: what `Matches.top` has to say, too."""
    prior = np.zeros(len(papers)) if prior is None else prior
    readings = [Reading(paper) for paper in papers]
    corpus = Corpus(len(papers), sum(length(reading) for reading in readings))
    trend = trend_points(prior)
    score = {i: int(trend[i]) for i, reading in enumerate(readings) if reading.true(query.root)}
    places = dict.fromkeys(score, 0)
    for leaf in query.wanted():
        holders = sum(reading.true(leaf) for reading in readings)
        weight = leaf.weight if isinstance(leaf, Term) else 1.0
        for i in score:
            if count := mentions(leaf, readings[i]):
                relevant = relevance([count], [length(readings[i])], [holders], corpus, [is_neutral(leaf)])
                score[i] += int(points(relevant, weight)[0])
                places[i] = max(places[i], first_mention(leaf, readings[i]))
    score = {i: sum_ + PLACE_WORTH * places[i] for i, sum_ in score.items()}
    rank = {int(paper): i for i, paper in enumerate(trend_order(prior))}
    ranked = sorted(score, key=lambda i: (-score[i], rank[i]))
    return [(i, score[i]) for i in ranked[:k]]
