"""Where a query was found in a paper, and why it is true or not."""

import random
from typing import Any

import pytest

from bot.core.papers import Paper
from bot.core.query import parse
from bot.core.query.evaluate import Explained, Quoter, explain, matches, quotes, terms
from bot.core.query.places import last_place
from bot.core.query.quote import Quote

PAPER = Paper(
    "k",
    "Pre-Training Ｌarge Language\u00adModels: a naïve view",
    "We revisit pretraining. Large models (LLMs) of language, graphs of many thoughts and reasoning; graph reasoning.",
    authors=("Wei-Li Zhang", "Anna Müller"),
    categories=("cs.LG", "stat.ML"),
    sources=("hf",),
    organization="Google DeepMind",
    upvotes=20,
)


@pytest.mark.parametrize(
    ("query", "field", "text"),
    [
        ("pretraining", "title", "Pre-Training"),
        ("abs:pretraining", "abstract", "pretraining"),
        ("large", "title", "Ｌarge"),
        ("naive", "title", "naïve"),
        ('"large language"', "", ""),  # the soft hyphen makes one word of "LanguageModels"
        ('"large languagemodel"', "title", "Ｌarge Language\u00adModels"),
        ("=LLMs", "abstract", "LLMs"),
        ("llm", "abstract", "LLMs"),
        ("view", "title", "view"),
        ('"graph reasoning"~5', "abstract", "reasoning; graph"),  # the tightest place
        ('"graph thought reasoning"~5', "abstract", "thoughts and reasoning; graph"),
        ("grap*", "abstract", "graphs"),
        ("author:zhang", "author", "Zhang"),
        ('au:"wei li"', "author", "Wei-Li"),
        ("author:muller", "author", "Müller"),
        ("org:deepmind", "org", "DeepMind"),
        ("cat:stat.*", "category", "stat.ML"),
        ("source:HF", "source", "hf"),
        ("upvotes>=20", "upvotes", "20"),
        ("upvotes<20", "", ""),
        ("stars>=0", "", ""),
    ],
)
def test_a_quote_is_what_stands_in_the_paper(query: str, field: str, text: str) -> None:
    found = quotes(parse(query), PAPER)
    assert [(quote.field, quote.text) for quote in found] == ([(field, text)] if field else [])
    for quote in found:
        assert quote.term == str(parse(query))
        if quote.field in ("title", "abstract"):
            assert getattr(PAPER, quote.field)[quote.start : quote.end] == text
        else:
            assert (quote.start, quote.end) == (-1, -1)


def test_only_what_speaks_for_the_paper_is_quoted_and_once() -> None:
    query = parse("(large^3 OR missing OR large^3) NOT survey NOT (NOT view)")
    assert [(quote.term, quote.text) for quote in quotes(query, PAPER)] == [("large", "Ｌarge"), ("view", "view")]


@pytest.mark.parametrize(
    ("title", "query", "text"),
    [
        ("e\u0301tude et repos", "etude", "e\u0301tude"),
        ("cafe\u0301 au lait", "=café", "cafe\u0301"),
        ("한국어 모델", "=한국어", "한국어"),
        ("\u1112\u1161\u11ab\u1100\u116e\u11a8 model", "=한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8"),
        ("deep 深層学習 nets", "深層学習", "深層学習"),
        ("ﬁne tuning", '"fine tuning"', "ﬁne tuning"),
        ("x½y", '"x1 2y"', "x½y"),
        ("zero\u200bshot", "zeroshot", "zero\u200bshot"),
    ],
)
def test_quotes_of_letters_beyond_ascii(title: str, query: str, text: str) -> None:
    (quote,) = quotes(parse(query), Paper("k", title))
    assert quote.text == text


@pytest.mark.parametrize("seed", range(4))
def test_every_quote_is_found_again_by_its_term(seed: int, invented: Any) -> None:
    rng = random.Random(seed)
    quoter = Quoter(papers=8)
    papers = [invented.paper(rng) for _ in range(30)]
    checked = 0
    for query in invented.queries(rng, 60):
        for paper in papers:
            found = quotes(query, paper)
            assert quoter.answer(query, paper) == (found if matches(query, paper) else None)
            for quote in found:
                if quote.field in ("title", "abstract"):
                    assert getattr(paper, quote.field)[quote.start : quote.end] == quote.text
                    assert matches(parse(quote.term), Paper("k", **{"title": "", quote.field: quote.text}))
                    checked += 1
    assert checked > 150


def test_a_quoter_tells_papers_apart_that_changed() -> None:
    quoter = Quoter()
    query = parse("sparse")
    assert quoter.answer(query, Paper("k", "dense")) is None
    assert quoter.answer(query, Paper("k", "Sparse")) == (
        Quote(term="sparse", field="title", text="Sparse", start=0, end=6),
    )


def test_an_explanation_is_the_query_as_a_tree() -> None:
    found = explain(parse("(large OR missing^2) NOT (survey, cat:q-bio.*) 2 of (upvotes>=20, stars>=1, llm)"), PAPER)
    assert (found.kind, found.true) == ("and", True)
    either, without, some = found.parts
    assert (either.kind, either.true, without.kind, without.true, some.kind, some.true) == (
        ("or", True, "not", True, "of", True)
    )  # fmt: skip
    assert either.parts == (
        Explained("term", "large", True, "title", "Ｌarge"),
        Explained("term", "missing^2", False, "", ""),
    )
    assert [(node.text, node.true) for node in without.parts] == [("survey OR category:q-bio.*", False)]
    assert some.text == "2 of (upvotes>=20, stars>=1, llm)"
    assert [(term["term"], term["true"], term["field"], term["text"]) for term in terms(found)] == [
        ("large", True, "title", "Ｌarge"),
        ("missing^2", False, "", ""),
        ("survey", False, "", ""),
        ("category:q-bio.*", False, "category", ""),
        ("upvotes>=20", True, "upvotes", "20"),
        ("stars>=1", False, "stars", ""),
        ("llm", True, "abstract", "LLMs"),
    ]


@pytest.mark.parametrize("seed", range(3))
def test_an_explanation_agrees_with_the_answer(seed: int, invented: Any) -> None:
    rng = random.Random(seed)
    for query in invented.queries(rng, 60):
        paper = invented.paper(rng)
        found = explain(query, paper)
        assert found.true is matches(query, paper)
        assert [term["term"] for term in terms(found)] == [str(type(query)(leaf)) for leaf in query.leaves()]


def test_places_of_their_own() -> None:
    """Against trying all ways."""

    def tried(rows: list[list[int]], taken: tuple[int, ...] = ()) -> int | None:
        if not rows:
            return max(taken)
        ends = [tried(rows[1:], (*taken, place)) for place in rows[0] if place not in taken]
        return min((end for end in ends if end is not None), default=None)

    rng = random.Random(3)
    outcomes = set()
    for _ in range(3000):
        rows = [sorted(rng.sample(range(6), rng.randint(0, 3))) for _ in range(rng.randint(1, 5))]
        assert last_place(rows) == tried(rows)
        outcomes.add(last_place(rows))
    assert outcomes == {None, 0, 1, 2, 3, 4, 5}


def test_hostile_queries_are_answered_soon() -> None:
    many = " ".join(["aaa*"] * 16)
    text = "aaaa " * 15 + "b " * 120
    assert not matches(parse(f'"{many}"~100'), Paper("k", "x", text * 20))
    assert matches(parse(f'"{many}"~100'), Paper("k", "x", text * 20 + "aaa " * 16))
    assert not matches(parse('"' + "x " * 15 + 'y"'), Paper("k", "x", "x " * 3000))
