"""The order of the best on papers that people judged, where those lie beside the repository."""

import json
from pathlib import Path

import pytest

from bot.core.matching import Matcher
from bot.core.papers import Paper
from bot.core.query import profile_query

JUDGED = Path(__file__).resolve().parents[3].parent / "shared" / "fixtures" / "judged_keywords" / "judged.json"


def area_under_curve(higher: list[int], lower: list[int]) -> float:
    """The chance that one of the first list stands before one of the second."""
    wins = sum((a > b) + 0.5 * (a == b) for a in higher for b in lower)
    return wins / (len(higher) * len(lower))


@pytest.mark.skipif(not JUDGED.exists(), reason="the judged papers do not lie beside the repository")
def test_what_is_about_a_keyword_comes_first() -> None:
    rows = json.loads(JUDGED.read_bytes())
    profiles = sorted({row["profile"] for row in rows})
    papers = list({row["arxiv_id"]: Paper(row["arxiv_id"], row["title"], row["abstract"]) for row in rows}.values())
    top, scores = Matcher(profile_query([profile]) for profile in profiles).match(papers).top(len(papers))
    score = {
        (profile, papers[paper].key): told
        for profile, best, points in zip(profiles, top.tolist(), scores.tolist(), strict=True)
        for paper, told in zip(best, points, strict=True)
        if paper >= 0
    }
    judged = [(score[key], row["label"]) for row in rows if (key := (row["profile"], row["arxiv_id"])) in score]
    assert len(judged) > 50
    for least in (1, 2):  # glad of it; about it
        wanted = [told for told, label in judged if label >= least]
        others = [told for told, label in judged if label < least]
        assert area_under_curve(wanted, others) >= 0.85


def test_the_place_of_the_first_mention_decides() -> None:
    filler = "cells divide and rivers flow while nobody looks at them for a day "
    papers = [
        Paper("last", "Tea", filler + filler + "robots, robots, robots"),
        Paper("middle", "Tea", filler + "robots " + filler),
        Paper("first", "Tea", "robots " + filler + filler),
        Paper("soon", "Tea", filler[:30] + " robots " + filler + filler),
        Paper("title", "Of tea and of robots", filler * 9),
        Paper("author", "Tea", filler, authors=("Ada Robots",)),
        Paper("category", "Tea", filler, categories=("cs.RO",)),
    ]
    found = Matcher([profile_query(["robot"]), profile_query([], query="robot, au:robots, cat:cs.RO")]).match(papers)
    order = [[papers[paper].key for paper in row if paper >= 0] for row in found.top(7)[0].tolist()]
    assert order[0] == ["title", "first", "soon", "middle", "last"]
    assert order[1][-2:] in (["category", "last"], ["last", "category"])
    assert set(order[1][:2]) == {"title", "author"}
