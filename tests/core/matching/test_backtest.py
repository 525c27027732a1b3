"""What a query would have brought from papers gone by."""

from datetime import UTC, date, datetime

import pytest

from bot.core.matching.backtest import as_days, backtest, warnings
from bot.core.papers import Paper
from bot.core.query import Query, parse
from bot.core.query.ast import turning, written
from bot.core.query.evaluate import matches

DAY = date(2026, 11, 18)


def window() -> list[Paper]:
    made = [
        Paper("1", "Sparse attention", listed=DAY, upvotes=3),
        Paper("2", "Attention, sparse", listed=DAY, upvotes=90),
        Paper("3", "Sparse models", listed=date(2026, 11, 19), upvotes=1),
        Paper("4", "Attention survey: sparse", first_seen=datetime(2026, 11, 20, 23, 30, tzinfo=UTC)),
        Paper("5", "Nothing of it"),
    ]
    return made + [Paper(f"x{i}", "Robots", listed=DAY) for i in range(20)]


def test_hits_days_and_terms() -> None:
    found = backtest(parse("sparse attention (code OR sparse) NOT survey"), window())
    assert (found.papers, found.matched) == (25, 2)
    assert found.days == ((DAY, 2), (date(2026, 11, 19), 0), (date(2026, 11, 20), 0))
    assert as_days(found)[0] == {"day": "2026-11-18", "hits": 2}
    assert [paper.key for paper in found.best] == ["2", "1"]
    assert [(term.term, term.papers, term.hits, term.wanted) for term in found.terms] == [
        ("sparse", 4, 2, True),
        ("attention", 3, 2, True),
        ("code", 0, 0, True),
        ("survey", 1, 0, False),
    ]
    assert found.idle == ("code",)


def test_near_misses_are_one_term_away() -> None:
    found = backtest(parse("sparse attention NOT survey"), window())
    assert [(miss.paper.key, miss.term, miss.missing) for miss in found.near_misses] == [
        ("4", "survey", False),
        ("3", "attention", True),
    ]
    assert backtest(parse("2 of (sparse, models, cells)"), window()).near_misses[0].paper.key == "1"


@pytest.mark.parametrize(
    "text",
    [
        "sparse attention NOT survey",
        "(models attention), 3 of (robot, sparse, -survey, upvotes>=80)",
        "2 of (sparse, models NOT attention, upvotes>80) -(survey, robot)",
        "(robot OR sparse) (upvotes>=1 OR -attention) sparse",
    ],
)
def test_near_misses_are_those_of_the_plain_evaluation(text: str) -> None:
    query = parse(text)
    expected = {}
    for paper in window():
        answers = {leaf: matches(Query(leaf), paper) for leaf in query.leaves()}
        near = not matches(query, paper) and any(answers[leaf] for leaf in query.wanted())
        if near and (turned := [written(leaf) for leaf in turning(query, answers)]):
            expected[paper.key] = turned[0]
    found = backtest(query, window(), near_misses=100).near_misses
    assert {miss.paper.key: miss.term for miss in found} == expected
    assert expected


def test_a_term_that_brings_nearly_everything() -> None:
    papers = [Paper(str(i), "models " + ("cells" if i == 7 else "")) for i in range(40)]
    found = backtest(parse("model OR cell"), papers)
    assert found.dominant == ("model",)
    assert found.days == ()
    assert backtest(parse("cell"), papers).dominant == ()
    assert backtest(parse("model cell"), papers).dominant == ("model",)  # it keeps nothing away


def test_that_every_hit_has_what_is_required_is_no_news() -> None:
    papers = [Paper(str(i), "models of cells" if i < 15 else "tea") for i in range(40)]
    found = backtest(parse("model cell"), papers)
    assert found.matched == 15
    assert found.dominant == ()
    assert [term.required for term in backtest(parse("a1 (b1 OR c1) 1 of (d1) 1 of (e1, f1) -g1"), []).terms] == [
        True, False, False, True, False, False, False
    ]  # fmt: skip


def test_warnings() -> None:
    papers = window()
    none, flood, fine = warnings([parse("unheard"), parse("robot"), parse("survey")], papers)
    assert "none of the 25" in none
    assert "matches 20 of the 25" in flood
    assert fine == ""
    assert warnings([parse("robot")], papers[:10]) == [""]


def test_an_empty_window() -> None:
    found = backtest(parse("a OR b"), [])
    assert (found.papers, found.matched, found.best, found.near_misses) == (0, 0, (), ())


def test_notices_count_for_who_asks_for_them() -> None:
    papers = [
        Paper("a", "Correction: Attention in larks", kind="correction", listed=date(2026, 11, 20)),
        Paper("b", "Attention in owls", listed=date(2026, 11, 20)),
    ]
    found = backtest(parse("attention"), papers)
    assert (found.matched, [one.key for one in found.best], found.days) == (1, ["b"], ((date(2026, 11, 20), 1),))
    assert backtest(parse("attention correction"), papers).matched == 1
    assert backtest(parse("attention OR correction"), papers).matched == 2
