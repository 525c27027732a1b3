"""The matcher gives the answers of the plain evaluation: every construct of the language, invented and real papers."""

import json
import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.core.matching import Matcher, Matches
from bot.core.matching.texts import Texts
from bot.core.papers import Paper
from bot.core.query import Query, parse
from bot.core.query.evaluate import Reading, matches
from tests.core.matching.by_definition import best_by_definition

FIXTURES = Path(__file__).resolve().parents[3].parent / "shared" / "fixtures"
MARKS = '"“”(),:^*~=<>'

Random = random.Random
Pairs = set[tuple[int, int]]


def truth(asked: list[Query], papers: list[Paper]) -> Pairs:
    readings = [Reading(paper) for paper in papers]
    return {(q, p) for q, query in enumerate(asked) for p, reading in enumerate(readings) if reading.true(query.root)}


def pairs(found: Matches) -> Pairs:
    query, paper = (numbers.tolist() for numbers in found.pairs())
    listed = list(zip(query, paper, strict=True))
    assert listed == sorted(listed)
    return set(listed)


def check_top(found: Matches, asked: list[Query], papers: list[Paper], k: int, prior: Any = None) -> None:
    top, scores = found.top(k)
    assert top.shape == scores.shape == (len(asked), k)
    for q, query in enumerate(asked):
        expected = best_by_definition(query, papers, k, prior)
        got = [(p, s) for p, s in zip(top[q].tolist(), scores[q].tolist(), strict=True) if p >= 0]
        assert got == expected, str(query)
        assert set(top[q, len(got) :].tolist()) <= {-1}
        assert not scores[q, len(got) :].any()


@pytest.mark.parametrize("seed", range(6))
def test_pairs_of_every_construct(seed: int, invented: Any) -> None:
    rng = Random(seed)
    asked, papers = invented.queries(rng, 150), [invented.paper(rng) for _ in range(rng.choice([1, 63, 64, 70]))]
    found = Matcher(asked).match(papers)
    expected = truth(asked, papers)
    wrong = pairs(found) ^ expected
    assert not wrong, [(str(asked[q]), papers[p]) for q, p in sorted(wrong)[:3]]
    assert 0.01 < len(expected) / (len(asked) * len(papers)) < 0.6
    assert found.counts().tolist() == [sum(q == query for q, _ in expected) for query in range(len(asked))]
    assert int(np.bitwise_count(found.bits).sum()) == len(expected)


@pytest.mark.parametrize("seed", range(3))
def test_the_best_of_every_construct(seed: int, invented: Any) -> None:
    rng = Random(100 + seed)
    asked, papers = invented.queries(rng, 25), [invented.paper(rng) for _ in range(70)]
    prior = None if seed == 0 else np.array([rng.choice([0.0, 0.5, rng.random()]) for _ in papers])
    found = Matcher(asked).match(papers, prior=prior)
    assert pairs(found) == truth(asked, papers)
    for k in (1, 4, 100):
        check_top(found, asked, papers, k, prior)


def test_many_equal_papers_are_told_in_their_order() -> None:
    papers = [Paper(str(i), "Sparse models") for i in range(300)]
    found = Matcher([parse("sparse OR model"), parse("sparse NOT model")]).match(papers)
    top, scores = found.top(7)
    assert top.tolist() == [[0, 1, 2, 3, 4, 5, 6], [-1] * 7]
    assert len(set(scores[0].tolist())) == 1
    warm = Matcher([parse("sparse")]).match(papers, prior=[float(i % 2) for i in range(300)])
    assert warm.top(3)[0].tolist() == [[1, 3, 5]]


def test_sums_of_many_heavy_terms() -> None:
    rng = Random(5)
    vocabulary = [f"w{i}" for i in range(60)]
    papers = [
        Paper(str(i), " ".join(rng.sample(vocabulary, 9)), " ".join(rng.sample(vocabulary, 9))) for i in range(20)
    ]
    asked = [parse(" OR ".join(f"{w}^{rng.choice([1, 3, 100, 0.01])}" for w in vocabulary))]
    asked += [parse(", ".join(vocabulary)), parse(f"6 of ({', '.join(vocabulary)})"), parse("w1^0.001")]
    found = Matcher(asked).match(papers)
    assert pairs(found) == truth(asked, papers)
    check_top(found, asked, papers, 12)


def real_papers() -> list[Paper]:
    found = []
    for path in sorted((FIXTURES / "hf_daily_papers_api").glob("2026*.json")):
        entries = json.loads(path.read_bytes())
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict):
                own = entry["paper"]
                names = tuple(author["name"] for author in own.get("authors", ()))
                found.append(Paper(own["id"], own["title"], own.get("summary", ""), names, upvotes=own.get("upvotes")))
    return found


@pytest.mark.skipif(not FIXTURES.exists(), reason="the fixtures do not lie beside the repository")
@pytest.mark.parametrize("seed", range(2))
def test_pairs_and_best_on_real_papers(seed: int, invented: Any) -> None:
    rng = Random(1000 + seed)
    papers = rng.sample(real_papers(), 20)
    said = " ".join(f"{paper.title} {paper.abstract}" for paper in papers).replace('"', " ").split()
    neighbours = [f"{a}{b}" for a, b in pairwise(said) if rng.random() < 0.03]
    words = [
        w for w in rng.sample(said, 400) + rng.sample(neighbours, 50) if w[0].isalnum() and not set(w) & set(MARKS)
    ]
    asked = invented.queries(rng, 90, words)
    found = Matcher(asked).match(papers)
    wrong = pairs(found) ^ truth(asked, papers)
    assert not wrong, [(str(asked[q]), papers[p].title) for q, p in sorted(wrong)[:3]]
    check_top(Matcher(asked[:8]).match(papers), asked[:8], papers, 10)


@pytest.mark.parametrize("seed", range(2))
def test_only_what_was_not_true_before(seed: int, invented: Any) -> None:
    rng = Random(200 + seed)
    asked = invented.queries(rng, 80)
    before = [invented.paper(rng) if rng.random() < 0.6 else None for _ in range(66)]
    now = [
        replace(rng.choice([old or invented.paper(rng), invented.paper(rng)]), upvotes=rng.choice(invented.counts))
        for old in before
    ]
    found = Matcher(asked).match(now, before, prior=[rng.random() for _ in now])
    expected = {
        (q, p) for q, p in truth(asked, now) if (old := before[p]) is None or not matches(asked[q], old)
    }  # fmt: skip
    assert pairs(found) == expected
    assert expected < truth(asked, now)
    everything = Matcher(asked).match(now, [None] * len(now))
    assert pairs(everything) == truth(asked, now)


def test_a_count_that_crosses_the_line_is_news_once() -> None:
    few, many = Paper("k", "x", upvotes=40), Paper("k", "x", upvotes=60)
    matcher = Matcher([parse("upvotes>=50"), parse("x")])
    assert pairs(matcher.match([many], [few])) == {(0, 0)}
    assert pairs(matcher.match([many], [many])) == set()
    assert pairs(matcher.match([many], [None])) == {(0, 0), (1, 0)}


def test_papers_read_once_serve_several_matchers(invented: Any) -> None:
    rng = Random(12)
    papers = [invented.paper(rng) for _ in range(30)]
    before = [rng.choice([None, invented.paper(rng)]) for _ in papers]
    now, then, prior = Texts(papers), Texts(before), [rng.random() for _ in papers]
    for _ in range(4):
        matcher = Matcher(invented.queries(rng, rng.choice([1, 40])))
        found = matcher.match(now, then, prior=prior)
        assert pairs(found) == pairs(matcher.match(papers, before, prior=prior))
        assert (found.top(9)[1] == matcher.match(papers, before, prior=prior).top(9)[1]).all()
        found = matcher.match(now)
        assert pairs(found) == pairs(matcher.match(papers))
        assert (found.top(9)[0] == matcher.match(papers).top(9)[0]).all()


def test_misuse_is_refused() -> None:
    matcher = Matcher([parse("a")])
    assert len(matcher) == 1
    with pytest.raises(ValueError, match="before has 1"):
        matcher.match([], [None])
    with pytest.raises(ValueError, match="prior"):
        matcher.match([], prior=[1.0])
    assert matcher.match([]).pairs()[0].tolist() == []
    assert matcher.match([]).top(3)[0].tolist() == [[-1, -1, -1]]
    assert Matcher().match([Paper("k", "x")]).pairs()[0].tolist() == []


def test_missing_fields_may_be_none() -> None:
    bare = Paper("k", "x", None, None, None, None, None)  # type: ignore[arg-type]
    found = Matcher([parse("x OR au:y OR cat:z OR source:s OR org:o OR upvotes>=0")]).match([bare])
    assert pairs(found) == {(0, 0)}
