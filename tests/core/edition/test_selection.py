"""Places are shared fairly, and every paper is given once."""

from hypothesis import given
from hypothesis import strategies as st

from bot.core.edition import selection

LISTS = st.lists(st.lists(st.integers(0, 40), max_size=30), max_size=6)


def test_a_list_that_wants_little_leaves_its_places_to_the_others() -> None:
    assert selection.allot([[1], [2, 3, 4, 5, 6], [7, 8, 9, 10, 11]], 7) == [[1], [2, 3, 4], [7, 8, 9]]


def test_a_paper_wanted_twice_is_given_to_the_one_whose_turn_it_is() -> None:
    assert selection.allot([[1, 2, 3], [1, 2, 3]], 3) == [[1, 3], [2]]


def test_the_first_list_gets_the_odd_place() -> None:
    assert selection.allot([[1, 2, 3], [4, 5, 6]], 3) == [[1, 2], [4]]


def test_nothing_wanted_or_no_place() -> None:
    assert selection.allot([], 5) == []
    assert selection.allot([[], []], 5) == [[], []]
    assert selection.allot([[1, 2]], 0) == [[]]
    assert selection.allot([[1, 2], [3]], 0) == [[], []]
    assert selection.allot([[1, 2], [3]], -1) == [[], []]
    assert selection.allot([[1, 1, 2]], 5) == [[1, 2]]
    assert selection.allot([[1, 1, 2, 3]], 2) == [[1, 2]]


@given(LISTS, st.integers(0, 50))
def test_allot(wanted: list[list[int]], limit: int) -> None:
    given_ = selection.allot(wanted, limit)
    flat = [paper for share in given_ for paper in share]
    assert len(given_) == len(wanted)
    assert len(flat) == len(set(flat)) == min(limit, len({paper for papers in wanted for paper in papers}))
    for papers, share in zip(wanted, given_, strict=True):
        places = [papers.index(paper) for paper in share]
        assert places == sorted(places), "best first"


@given(LISTS, st.integers(0, 50))
def test_allot_is_max_min_fair(wanted: list[list[int]], limit: int) -> None:
    """Nobody has two papers more than one who still wants a paper that somebody got (or that was left)."""
    shares = selection.allot(wanted, limit)
    taken = {paper for share in shares for paper in share}
    for papers, share in zip(wanted, shares, strict=True):
        if set(papers) - taken:  # this list went away hungry
            assert all(len(other) <= len(share) + 1 for other in shares)
