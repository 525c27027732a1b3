"""How well a paper answers a query: the definition of the score, in whole numbers, and of the order of the best.

First counts where the paper first mentions what is asked for: in the title, in the first third of the abstract (its
first half before its second), in the second, in the last. People judged 100, 83, 57 and 16 in a hundred of such papers
to be wanted (docs/letters.md). A name (author, organization) counts as the title; categories, sources and numbers say
nothing of the place.

Among papers of one place, points: a term that speaks for the paper (see `Query.wanted`) and is true of it brings points
by BM25 (Robertson & Zaragoza 2009; k1 1.2, b 0.75): more when few papers of the window have it, when the paper mentions
it often, and when it is short. A mention in the title counts as three. Terms on names, values and numbers count as one
mention in a paper of average length. Seven points are 1.5 times the worth of a term that one paper of the window
mentions once. A term brings 1 to 7 points; with a weight, the weight times as many, 0 to 63. The trend of a paper
brings up to 3 points more. Equal scores are in the order of the trend, then of the papers.

Here for one query at a time; `top_k` does the same for many.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bot.core.query.ast import VALUE_FIELDS, Leaf, Number, Term
from bot.core.query.evaluate import Reading

K1, B = 1.2, 0.75
TITLE_MENTION = 3
MOST = 7
MOST_WEIGHTED = 63
TREND_SHARES = (0.60, 0.85, 0.95)
IN_TITLE = 4
PLACE_OF_SIXTH = (3, 2, 1, 1, 0, 0)  # the places of the sixths of an abstract
PLACE_WORTH = 4096  # more points than any query brings: 64 terms of 63, and 3


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is usual in a window of papers."""

    papers: int
    words: int  # in all titles and abstracts


def relevance(
    mentions: ArrayLike, length: ArrayLike, holders: ArrayLike, corpus: Corpus, neutral: ArrayLike
) -> NDArray[np.float64]:
    """Points before rounding, at most 7, for each term and paper.

    `mentions` in the paper, whose `length` is in words; `holders` are the papers of the window that have the term;
    `neutral` says which terms count as one mention at average length.
    """
    papers = max(corpus.papers, 1)
    average = max(corpus.words, 1) / papers
    held = np.clip(np.asarray(holders, np.float64), 1, papers)
    neutral = np.asarray(neutral, bool)
    told = np.where(neutral, 1.0, np.asarray(mentions, np.float64))
    relative = np.where(neutral, 1.0, np.asarray(length, np.float64) / average)
    rarity = np.log1p((papers - held + 0.5) / (held + 0.5))
    rarest = np.log1p((papers - 0.5) / 1.5)
    worth = rarity * told * (K1 + 1) / (told + K1 * (1 - B + B * relative))
    limited: NDArray[np.float64] = np.minimum(worth * (MOST / (1.5 * rarest)), MOST)
    return limited


def points(relevant: NDArray[np.float64], weight: ArrayLike = 1.0) -> NDArray[np.int64]:
    """Whole points from `relevance`: 1 to 7, or with a weight 0 to 63."""
    weight = np.asarray(weight, np.float64)
    plain = np.maximum(np.floor(relevant + 0.5), 1)
    weighted = np.minimum(np.floor(relevant * weight + 0.5), MOST_WEIGHTED)
    return np.where(weight == 1, plain, weighted).astype(np.int64)


def trend_points(prior: NDArray[np.float64]) -> NDArray[np.int64]:
    """0 to 3 points: one for every share of the papers (60, 85, 95 in a hundred) whose trend is surpassed."""
    if not len(prior):
        return np.zeros(0, np.int64)
    surpassed: NDArray[np.int64] = np.sum([prior > np.quantile(prior, share) for share in TREND_SHARES], axis=0)
    return surpassed


def trend_order(prior: NDArray[np.float64]) -> NDArray[np.int64]:
    """The papers from the hottest to the coldest; equally hot ones as they come."""
    return np.argsort(-prior, kind="stable")


# ------------------------------------------------------------------------------- one query at a time, by the definition


def mentions(leaf: Leaf, reading: Reading) -> int:
    """How often a paper mentions a term: the places where it begins in the abstract, and thrice those in the title.

    Words near each other count once for each of the two; whatever is no text counts once.
    """
    if isinstance(leaf, Number) or is_neutral(leaf):
        return int(reading.true(leaf))
    count = 0
    for field, worth in (("title", TITLE_MENTION), ("abstract", 1)):
        if leaf.field in ("", field):
            count += worth * sum(text.count(leaf) for text in reading.texts[field])
    return count


def first_mention(leaf: Leaf, reading: Reading) -> int:
    """Where a paper first mentions a term that is true of it: in the title, or by the sixths of the abstract."""
    if isinstance(leaf, Number) or leaf.field in VALUE_FIELDS:
        return 0
    if leaf.field in ("author", "org"):
        return IN_TITLE
    if leaf.field != "abstract" and any(text.first_word(leaf) is not None for text in reading.texts["title"]):
        return IN_TITLE
    (abstract,) = reading.texts["abstract"]
    first = abstract.first_word(leaf)
    if first is None:
        return 0
    return PLACE_OF_SIXTH[6 * first // len(abstract.exact_words if leaf.exact else abstract.folded)]


def is_neutral(leaf: Leaf) -> bool:
    """Whether a term counts as one mention in a paper of average length."""
    return not isinstance(leaf, Term) or leaf.field not in ("", "title", "abstract")


def length(reading: Reading) -> int:
    """The words of a paper's title and abstract."""
    return sum(len(text.folded) for field in ("title", "abstract") for text in reading.texts[field])
