"""How the places of a letter are shared among what was found. Pure.

How good a paper is for a profile belongs to the matcher, how hot it is to `trending`.
"""

from collections.abc import Sequence


def allot(wanted: Sequence[Sequence[int]], limit: int) -> list[list[int]]:
    """Share `limit` places among lists of papers, each list best first; every paper is given once.

    The lists take turns, in their order, each taking its best paper not yet taken, until no place or no paper is left:
    max-min fairness (water-filling) with equal weights, so a list that wants little leaves its places to the others.
    Returns what each list got, best first.
    """
    if len(wanted) == 1:
        first = wanted[0][: max(limit, 0)]
        is_each_once = len(set(first)) == len(first)
        return [list(first if is_each_once else dict.fromkeys(wanted[0]))[: max(limit, 0)]]
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
