"""Weighted words that tell papers somebody likes from all others.

Rocchio's method (1971; Manning, Raghavan & Schütze 2008, section 9.1.1) on TF-IDF vectors of length one: the mean of
the liked papers, less a part of the mean of the disliked ones, less the mean of the background. The 64 strongest words
stay, as many as a query may have: on simulated readers that is as good as all words, and as logistic regression.

    liked: 12 papers on robot grasping     grasping   0.31  ->  ^9      grasping^9, robot^4.2, tactile^3.8, ...
    background: 2,000 recent papers        robot      0.14  ->  ^4.2
                                           model     -0.02  ->  left out
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import log, sqrt
from statistics import median
from typing import NamedTuple

from bot.core.papers import Paper
from bot.core.query import Query, parse
from bot.core.query.plurals import singular
from bot.core.query.words import SMALL_WORDS, words

MIN_LIKED = 5
MAX_LIKED = 120  # the first so many: enough for a taste, and learnt within 50 ms
MAX_WORDS = 64  # a query's most terms
TITLE_MENTIONS = 3  # a word of the title counts like three of the abstract, as in ranking
STRONGEST = 9.0  # the weight of the strongest word: 7 points of relevance times 9 are the most a term can bring
LEAST_WEIGHT = 0.3  # below this a word seldom brings a whole point
DISLIKED_SHARE = 0.5
FEW = 50  # papers of the background: so many count half, for what they have in common may be chance
MENTIONED_IN = 2  # liked papers that must hold a word: one paper's own coinage is no taste
TITLES = 3  # liked papers named with a word
NAMED_WORDS = 3  # of a paper that is like them
LIKED_AT_ALL = 0.4  # of what half of the liked papers weigh: what weighs less is not like them
# Words of every field's papers: where few papers are known to tell what is usual, these are.
EVERYDAY = frozenset(
    "paper papers study studies result results method methods approach approaches propose proposed present presented "
    "introduce show shown shows demonstrate demonstrates using used use based new novel work works however also two "
    "three several many different various first further well high low large small best better improve improved "
    "improves performance existing recent recently state art task tasks problem problems challenge challenges "
    "experiment experiments experimental evaluate evaluation extensive significantly effective efficient important "
    "across while due such provide provides enable enables allow address achieve achieves achieved outperform "
    "outperforms compared set sets given found find findings into over our their its which both between within "
    "through without can may these those where when they has have been were was are not more most than only other "
    "each all one via per under still yet make makes often from with that this and the for about towards toward how "
    "what why will able".split()
)

WordCounts = dict[str, int]
Vector = dict[str, float]
_singular = lru_cache(maxsize=65_536)(singular)  # the same few thousand words again and again
_SAYS_NOTHING = EVERYDAY | SMALL_WORDS


@dataclass(frozen=True, slots=True)
class TasteWord:
    """One word of a taste, its weight in the query, the titles of the liked papers it comes from most, and how many of
    them hold it. `is_own`: the subscriber gave the weight, or the word itself, which then has no papers."""

    word: str
    weight: float
    titles: tuple[str, ...]
    papers: int = 0
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class Taste:
    """What was learnt: words, strongest first, from how many papers."""

    words: tuple[TasteWord, ...]
    liked: int
    disliked: int = 0
    least: float = 0  # what a paper must weigh to be like the liked ones (see `likeness`)

    @property
    def text(self) -> str:
        """The taste as a query to read, edit and paste: `grasping^9, robot^4.2`."""
        return ", ".join(one.word if one.weight == 1 else f"{one.word}^{one.weight:g}" for one in self.words)

    @property
    def query(self) -> Query:
        return parse(self.text)

    def likeness(self, paper_words: Collection[str]) -> "Likeness":
        """How much a paper, given by its `words_of`, is like the liked ones, and why."""
        held = [one for one in self.words if _singular(one.word) in paper_words]
        weighed: dict[str, float] = {}
        for one in held:
            for place, title in enumerate(one.titles):
                weighed[title] = weighed.get(title, 0.0) + one.weight / (place + 1)
        title = max(weighed, key=lambda title: weighed[title], default="")
        return Likeness(sum(one.weight for one in held), title, tuple(one.word for one in held[:NAMED_WORDS]))


class Likeness(NamedTuple):
    """What speaks for a paper: the weights of the words it holds, the liked paper it shares most of them with, and the
    strongest of them."""

    weight: float
    title: str
    words: tuple[str, ...]


class Background:
    """What is usual: how many of the papers hold a word, and their mean vector. Made once for all subscribers."""

    def __init__(self, papers: Iterable[Paper]) -> None:
        counts = [counted(paper) for paper in papers]
        self.papers = len(counts)
        self.holders = Counter(word for count in counts for word in count)
        self.mean = _mean([self.vector(count) for count in counts], [1.0] * len(counts))

    def vector(self, counts: WordCounts) -> Vector:
        """TF-IDF of one paper, of length one."""
        holders, rarest = self.holders, log(1 + self.papers) + 1
        values = {word: (1 + log(count)) * (rarest - log(1 + holders[word])) for word, count in counts.items()}
        length = sqrt(sum(value * value for value in values.values())) or 1.0
        return {word: value / length for word, value in values.items()}


def learn(
    liked: Sequence[Paper],
    background: Background,
    disliked: Sequence[Paper] = (),
    weights: Sequence[float] = (),
) -> Taste | None:
    """What the liked papers have and the others lack; None for fewer than five liked papers, or without a common word.

    `weights` says how much each liked paper counts (1 each, if left out). Deterministic.
    """
    liked = liked[:MAX_LIKED]
    if len(liked) < MIN_LIKED:
        return None
    spoken = [_spoken(paper) for paper in liked]
    vectors = [background.vector(_folded(one)) for one in spoken]
    centre = _mean(vectors, list(weights[: len(liked)]) or [1.0] * len(liked))
    against = [background.vector(counted(paper)) for paper in disliked[:MAX_LIKED]]
    known = background.papers / (background.papers + FEW)
    for mean, share in ((background.mean, known), (_mean(against, [1.0] * len(against)), DISLIKED_SHARE)):
        for word in centre.keys() & mean.keys():
            centre[word] -= share * mean[word]
    holders = Counter(word for vector in vectors for word in vector)
    best = sorted((word for word in centre if holders[word] >= MENTIONED_IN), key=lambda word: (-centre[word], word))
    if not best or centre[best[0]] <= 0:
        return None
    scale = STRONGEST / centre[best[0]]
    written = _as_written(spoken)
    found = tuple(
        TasteWord(written[word], round(centre[word] * scale, 1), _titles(word, vectors, liked), holders[word])
        for word in best[:MAX_WORDS]
        if centre[word] * scale >= LEAST_WEIGHT
    )
    taste = Taste(found, len(liked), len(disliked))
    usual = median(taste.likeness(one.keys()).weight for one in vectors)
    # Never one word alone: papers known only by their titles hold few, and most papers hold one of these.
    return replace(taste, least=max(LIKED_AT_ALL * usual, STRONGEST + LEAST_WEIGHT))


def words_of(paper: Paper) -> frozenset[str]:
    """The words of a paper as `Taste.likeness` compares them: all of them, for a subscriber's own may be any."""
    return frozenset(map(_singular, words(f"{paper.title} {paper.abstract} {' '.join(paper.keywords)}")))


def counted(paper: Paper) -> WordCounts:
    """How often a paper mentions each word, without plural endings; the title counts three times."""
    return _folded(_spoken(paper))


def _spoken(paper: Paper) -> WordCounts:
    """The words of a paper as they are written, those of the title and keywords three times."""
    spoken = Counter(words(paper.abstract))
    for word in words(f"{paper.title} {' '.join(paper.keywords)}"):
        spoken[word] += TITLE_MENTIONS
    return {word: count for word, count in spoken.items() if _says_something(word)}


@lru_cache(maxsize=65_536)
def _says_something(word: str) -> bool:
    return len(word) > 2 and word not in _SAYS_NOTHING and not word[0].isdigit() and word.isalnum()


def _folded(spoken: WordCounts) -> WordCounts:
    folded: WordCounts = {}
    for word, count in spoken.items():
        same = _singular(word)
        folded[same] = folded.get(same, 0) + count
    return folded


def _mean(vectors: Sequence[Vector], weights: Sequence[float]) -> Vector:
    total: Vector = {}
    for vector, weight in zip(vectors, weights, strict=True):
        for word, value in vector.items():
            total[word] = total.get(word, 0.0) + weight * value
    whole = sum(weights) or 1.0
    return {word: value / whole for word, value in total.items()}


def _as_written(spoken: Iterable[WordCounts]) -> dict[str, str]:
    """Folded word -> the form it has most often: "synthesis", not the "synthesi" it is compared by."""
    total: Counter[str] = Counter()
    for one in spoken:
        total.update(one)
    best: dict[str, str] = {}
    for word in sorted(total, key=lambda word: (-total[word], word)):
        best.setdefault(_singular(word), word)
    return best


def _titles(word: str, vectors: Sequence[Vector], liked: Sequence[Paper]) -> tuple[str, ...]:
    """The liked papers a word comes from most."""
    holding = [number for number, vector in enumerate(vectors) if word in vector]
    return tuple(liked[number].title for number in sorted(holding, key=lambda n: (-vectors[n][word], n))[:TITLES])
