"""Which papers a taste puts into a letter: the best, and a few further off by a lot that is always the same."""

from bot.core.edition.picks import Like, Picks, PickSection
from bot.pipeline.compose.tastes import choose, ordered, share_of_taste

LIKED = [Like(number, f"Title {number}", ("a", "b", "c")) for number in range(100, 140)]


def test_a_few_places_go_to_what_is_further_off() -> None:
    chosen = choose(LIKED, 10, 7, "2026-11-20")
    shares = {slot: [one.paper_id for one in choose(LIKED, 10, 7, slot)] for slot in ("2026-11-21", "2026-11-22")}

    assert [one.paper_id for one in chosen[:8]] == list(range(100, 108))
    assert len({one.paper_id for one in chosen}) == 10
    assert all(108 <= one.paper_id < 140 for one in chosen[8:])
    assert chosen == choose(LIKED, 10, 7, "2026-11-20"), "however often a letter is made"
    assert len({tuple(ids[8:]) for ids in (*shares.values(), [one.paper_id for one in chosen])}) > 1
    assert choose(LIKED[:4], 4, 7, "2026-11-20") == LIKED[:4], "of few places none"
    assert choose(LIKED[:6], 6, 7, "2026-11-20") == LIKED[:6], "nothing is left out that fits"
    for places in range(5, 11):
        explored = sum(
            one not in LIKED[:places] or one not in choose(LIKED[:places], places, 1, "x")
            for one in choose(LIKED, places, 3, "2026-11-20")
        )
        assert explored <= 0.2 * places + 1


def test_it_leaves_the_profiles_three_quarters_of_a_letter() -> None:
    assert share_of_taste(LIKED, 20, has_profiles=True) == 5
    assert share_of_taste(LIKED, 20, has_profiles=False) == 10
    assert share_of_taste(LIKED, 2, has_profiles=True) == 1
    assert share_of_taste([], 20, has_profiles=True) == 0


def test_an_order_counts_both() -> None:
    assert ordered([1, 2, 3, 4], [4, 3]) == [3, 4, 1, 2]
    assert ordered([1, 2, 3], []) == [1, 2, 3]
    assert ordered([], [1]) == []


def test_why_a_paper_is_there_is_part_of_the_edition() -> None:
    section = PickSection(kind="taste", name="", ids=(1, 2), likes=(Like(1, "Mine", ("a",)), Like(2, "Mine", ("b",))))
    picks = Picks(sections=(section,))
    again = Picks.from_json(picks.to_json())

    assert again == picks
    assert again.sections[0].like_of(2) == Like(2, "Mine", ("b",))
    assert again.sections[0].like_of(3) is None
    halved = picks.halved()
    assert halved is not None
    assert halved.sections[0].ids == (1,)
