"""What a query would have brought from papers gone by, and what to change in it. For `backtest` and `check`.

Which papers those are is the caller's affair; so is showing the answer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias, TypedDict

import numpy as np
from numpy.typing import NDArray

from bot.core.matching.arrays import Bits
from bot.core.matching.matcher import Matcher
from bot.core.matching.plans import compiled, plan_of
from bot.core.matching.texts import Texts
from bot.core.papers import Paper
from bot.core.papers.notice import notice_words
from bot.core.query.ast import Leaf, Query, required, written
from bot.core.query.evaluate import asks_for

Truth: TypeAlias = NDArray[np.bool_]

FLOOD = 0.1  # a query that matches more than this share of all papers is hardly a wish
NEARLY_ALL = 0.9
ENOUGH = 20  # papers before a share says anything


@dataclass(frozen=True, slots=True)
class TermCount:
    """What one term of a query brought."""

    term: str
    papers: int  # papers the term is true of
    hits: int  # papers the query is true of, among them
    wanted: bool  # False: behind NOT
    required: bool  # True: without it nothing matches, as without any term of `a AND b`


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A paper that one term keeps away."""

    paper: Paper
    term: str  # were it the other way round, the query would be true
    missing: bool  # True: the term is not true of the paper; False: it is, and excludes it


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a query would have brought."""

    papers: int  # in the window
    matched: int
    days: tuple[tuple[date, int], ...]  # hits of every day with papers, oldest first
    best: tuple[Paper, ...]
    terms: tuple[TermCount, ...]
    near_misses: tuple[NearMiss, ...]

    @property
    def idle(self) -> tuple[str, ...]:
        """Wanted terms that are true of no paper."""
        return tuple(term.term for term in self.terms if term.wanted and not term.papers)

    @property
    def dominant(self) -> tuple[str, ...]:
        """Wanted terms that bring nearly everything: what stands beside them makes little difference, or they do.

        An alternative is one if nearly all the hits have it; any term if nearly all papers do.
        """
        wanted = [term for term in self.terms if term.wanted]
        if len(wanted) < 2:
            return ()
        return tuple(
            term.term
            for term in wanted
            if (self.papers >= ENOUGH and term.papers >= NEARLY_ALL * self.papers)
            or (not term.required and self.matched >= ENOUGH // 2 and term.hits >= NEARLY_ALL * self.matched)
        )


class Day(TypedDict):
    """One day, for JSON."""

    day: str
    hits: int


def backtest(query: Query, papers: Iterable[Paper] | Texts, best: int = 5, near_misses: int = 5) -> Backtest:
    """Tries a query on papers gone by, read already or not.

    A paper's day is the day of its list, else the day we first saw it.
    """
    texts = papers if isinstance(papers, Texts) else Texts(papers)
    window = texts.known
    leaves = list(dict.fromkeys(query.leaves()))
    wanted, needed = set(query.wanted()), required(query)
    matcher = Matcher([query, *(Query(leaf) for leaf in leaves)])
    found = matcher.match(texts, prior=texts.upvotes)
    rows, columns = found.pairs()
    truth = np.zeros((len(leaves) + 1, len(window)), bool)
    truth[rows, columns] = True
    hits = truth[0]
    unasked = _unasked_notices(query, window, hits)
    hits[unasked] = False
    top = [i for i in found.top(best + len(unasked))[0][0].tolist() if i >= 0 and hits[i]][:best]
    counts = tuple(
        TermCount(written(leaf), int(row.sum()), int((row & hits).sum()), leaf in wanted, leaf in needed)
        for leaf, row in zip(leaves, truth[1:], strict=True)
    )
    return Backtest(
        papers=len(window),
        matched=int(hits.sum()),
        days=_per_day(texts, hits),
        best=tuple(window[i] for i in top),
        terms=counts,
        near_misses=tuple(_near_misses(query, leaves, truth, window, near_misses)),
    )


def _unasked_notices(query: Query, window: Sequence[Paper], hits: Truth) -> list[int]:
    """Corrections, front matter and the like that a query is true of and does not ask for: letters leave them out."""
    return [i for i in np.flatnonzero(hits).tolist() if window[i].kind and not asks_for(query, notice_words(window[i]))]


def _per_day(texts: Texts, hits: NDArray[np.bool_]) -> tuple[tuple[date, int], ...]:
    days, place = texts.days
    counted = np.bincount(place[hits & (place >= 0)], minlength=len(days)).tolist()
    return tuple(zip(days, counted, strict=True))


def as_days(found: Backtest) -> list[Day]:
    """The days for JSON."""
    return [{"day": day.isoformat(), "hits": hits} for day, hits in found.days]


def warnings(queries: Sequence[Query], papers: Sequence[Paper]) -> list[str]:
    """What `check` has to say of each query that matches far too much or nothing of a month of papers; "" is fine."""
    if len(papers) < ENOUGH:
        return [""] * len(queries)
    return [_warning(count, len(papers)) for count in Matcher(queries).match(papers).counts().tolist()]


def _warning(matched: int, papers: int) -> str:
    if not matched:
        return f"matches none of the {papers} papers of the last month; `paperlark backtest` tells which came near"
    if matched > FLOOD * papers:
        return f"matches {matched} of the {papers} papers of the last month; narrow it with AND, a phrase or title:"
    return ""


def _near_misses(
    query: Query,
    leaves: list[Leaf],
    truth: Truth,
    window: list[Paper],
    most: int,
) -> list[NearMiss]:
    """Papers for which one term the other way round makes the query true; those with the most true terms first.

    A query of alternatives is one term away from every paper, so for such a one nothing is near: at least one wanted
    term has to be true already.
    """
    rows = dict(zip(leaves, truth[1:], strict=True))
    speaking = np.sum([rows[leaf] for leaf in query.wanted()], axis=0)
    turned = _with_one_turned(query, leaves, truth[1:])
    near = np.flatnonzero(~truth[0] & (speaking > 0) & turned.any(axis=0))
    near = near[np.argsort(-speaking[near], kind="stable")][:most]
    return [
        NearMiss(window[paper], written(leaves[which]), not truth[which + 1, paper])
        for paper, which in zip(near.tolist(), turned[:, near].argmax(axis=0).tolist(), strict=True)
    ]


def _with_one_turned(query: Query, leaves: list[Leaf], truth: Truth) -> Truth:
    """[terms, papers]: whether the query is true of a paper if one term were the other way round."""
    plan, slots = plan_of(query)
    number = {leaf: place for place, leaf in enumerate(leaves)}
    octets = np.packbits(truth, axis=1, bitorder="little")
    rows = np.pad(octets, ((0, 0), (0, -octets.shape[1] % 8))).view(np.uint64)

    def take(slot: int, out: Bits) -> None:
        turned = number[slots[slot]]
        out[...] = rows[turned]
        out[turned] = ~rows[turned]

    result = np.empty_like(rows)
    compiled(plan).evaluate(take, result)
    return np.unpackbits(result.view(np.uint8), axis=1, bitorder="little")[:, : truth.shape[1]].view(bool)
