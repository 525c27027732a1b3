"""Which of the papers found are shown, and under which heading. Pure.

How good a paper is for a profile belongs to the matcher, how hot it is to `trending`.
"""

from collections.abc import Callable, Mapping, Sequence

from bot.core.edition.edition import Pick, Section
from bot.core.edition.picks import Picks
from bot.core.papers import Paper


def allot(wanted: Sequence[Sequence[int]], limit: int) -> list[list[int]]:
    """Share `limit` places among lists of papers, each list best first; every paper is given once.

    The lists take turns, in their order, each taking its best paper not yet taken, until no place or no paper is left:
    max-min fairness (water-filling) with equal weights, so a list that wants little leaves its places to the others.
    Returns what each list got, best first.
    """
    if len(wanted) == 1:
        return [list(dict.fromkeys(wanted[0]))[: max(limit, 0)]]
    given: list[list[int]] = [[] for _ in wanted]
    taken: set[int] = set()
    turns = [(iter(papers), share) for papers, share in zip(wanted, given, strict=True)]
    while turns and len(taken) < limit:
        still = []
        for turn in turns:
            papers, share = turn
            for paper in papers:
                if paper not in taken:
                    taken.add(paper)
                    share.append(paper)
                    still.append(turn)
                    break
            if len(taken) >= limit:
                break
        turns = still
    return given


def sections(picks: Picks, papers: Mapping[int, Paper], pick: Callable[[int, Paper], Pick]) -> tuple[Section, ...]:
    """The sections of a stored decision, with the papers put in. `pick` dresses one paper: reasons, rise, news.

    A paper no longer in the store is left out; a section with nothing shown and nothing left over falls away.
    """
    built = []
    for part in picks.sections:
        shown = tuple(pick(paper_id, papers[paper_id]) for paper_id in part.ids if paper_id in papers)
        named = tuple(papers[paper_id] for paper_id in part.more_ids if paper_id in papers)
        if shown or part.more:
            built.append(Section(kind=part.kind, name=part.name, picks=shown, more=part.more, more_papers=named))
    return tuple(built)
