"""Terms that can never bring a paper."""

import random
from typing import Any

import pytest

from bot.core.papers import Paper
from bot.core.query import parse, profile_query
from bot.core.query.ast import written
from bot.core.query.evaluate import Reading
from bot.core.query.impossible import implies, never_matching


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("diffusion -survey", []),
        ('"diffusion model" NOT diffusion', ['"diffusion model"']),
        ('(robot OR "diffusion models") NOT (diffusion OR tea)', ['"diffusion models"']),
        ('"data set" NOT set', []),  # dataset is one
        ('"data set" NOT dataset', ['"data set"']),
        ("title:tea NOT tea", ["title:tea"]),
        ("tea NOT title:tea", []),
        ("abstract:tea title:tea NOT title:tea", ["abstract:tea", "title:tea"]),
        ("quantized NOT quantiz*", ["quantized"]),
        ("quantiz* NOT quantized", []),
        ("=RAG NOT rag", ["=RAG"]),
        ("rag NOT =RAG", []),
        ("viruses NOT virus", ["viruses"]),
        ("CD4+ NOT CD4", ["cd4+"]),
        ("CD4 NOT CD4+", []),
        ('"graph reasoning"~3 NOT graph', ['"graph reasoning"~3']),
        ('"graph reasoning"~3 NOT "graph reasoning"~5', ['"graph reasoning"~3']),
        ('"graph reasoning"~5 NOT "graph reasoning"~3', []),
        ('"graph reasoning"~3 NOT "graph reasoning"', []),
        ('author:"wei zhang" NOT author:zhang', ['author:"wei zhang"']),
        ("author:zhang NOT zhang", []),
        ("cat:cs.LG NOT cat:cs.*", ["category:cs.lg"]),
        ("cat:cs.* NOT cat:cs.LG", []),
        ("tea upvotes<0", ["tea", "upvotes<0"]),
        ("tea upvotes>=50 NOT upvotes>=20", ["tea", "upvotes>=50"]),
        ("tea upvotes>=50 upvotes<20", ["tea", "upvotes>=50", "upvotes<20"]),
        ("tea upvotes>=20 upvotes<50", []),
        ("2 of (tea, coffee, milk) NOT tea", ["tea"]),
        ("2 of (tea, coffee) NOT tea", ["tea", "coffee"]),
        ("强化学习 NOT 学习", ["强化学习"]),
        ("언어모델 NOT 언어", ["언어모델"]),
    ],
)
def test_terms_that_are_excluded(text: str, never: list[str]) -> None:
    query = parse(text)
    expected = [written(leaf) for leaf in query.wanted() if written(leaf) in [str(parse(one)) for one in never]]
    assert [written(leaf) for leaf in never_matching(query)] == expected
    assert len(expected) == len(never)


def test_keywords_that_an_exclusion_swallows() -> None:
    query = profile_query(["sparse attention", "diffusion models"], ["diffusion"])
    assert [written(leaf) for leaf in never_matching(query)] == ['"diffusion models"']


@pytest.mark.parametrize("seed", range(3))
def test_what_follows_does_follow(seed: int, invented: Any) -> None:
    rng = random.Random(seed)
    papers = [Reading(invented.paper(rng)) for _ in range(60)]
    leaves = list(dict.fromkeys(leaf for query in invented.queries(rng, 60) for leaf in query.leaves()))[:120]
    told = {leaf: [reading.true(leaf) for reading in papers] for leaf in leaves}
    followed = wrong = 0
    for one in leaves:
        for other in leaves:
            if one != other and implies(one, other):
                followed += any(told[one])
                wrong += not all(b or not a for a, b in zip(told[one], told[other], strict=True))
    assert followed > 20
    assert wrong <= followed // 20  # phrases written as one word where nobody would


@pytest.mark.parametrize("seed", range(2))
def test_what_never_matches_never_does(seed: int, invented: Any) -> None:
    rng = random.Random(50 + seed)
    papers = [invented.paper(rng) for _ in range(40)] + [Paper("k", "x")]
    found = 0
    for query in invented.queries(rng, 200):
        useless = never_matching(query)
        found += bool(useless)
        for reading in map(Reading, papers):
            if useless and reading.true(query.root):
                assert any(reading.true(leaf) for leaf in query.wanted() if leaf not in useless)
    assert found
