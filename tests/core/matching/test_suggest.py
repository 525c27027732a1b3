"""What a query misses, learnt from papers: forms, abbreviations, neighbours."""

import pytest

from bot.core.matching import Matcher
from bot.core.matching.suggest import Suggestion, Window, definitions, in_words, long_form, stem, suggestions
from bot.core.papers import Paper
from bot.core.query import parse


def window() -> Window:
    texts = [
        *(f"Quantization and quantized nets, number {i}" for i in range(3)),
        *(f"A quantized net of type {i}" for i in range(5)),
        *(f"On mixture of experts (MoE) in case {i}: sparse routing helps" for i in range(3)),
        *(f"MoE layers without a name, part {i}, with sparse routing" for i in range(4)),
        *(f"Sparse routing for tea {i}" for i in range(2)),
        *(f"Tokenization of tea {i}" for i in range(2)),
        *(f"A token of friendship, volume {i}" for i in range(40)),
        *(f"Artificial insight (AI) again, {i}" for i in range(4)),
    ]
    return Window([Paper(str(i), f"Tea {i}", text) for i, text in enumerate(texts)])


def adds(found: list[Suggestion], kind: str) -> dict[str, int]:
    return {one.add: one.papers for one in found if one.kind == kind}


def test_forms_stand_in_papers_with_the_keyword() -> None:
    found = suggestions(parse("quantization"), window())
    assert adds(found, "form") == {"quantized": 5}
    assert in_words(found[:1], 30) == ["quantization: also written quantized, 5 more in 30 days"]
    assert adds(suggestions(parse("tokenization"), window()), "form") == {}  # token stands in forty others


def test_forms_of_a_word_in_a_phrase_and_in_a_field() -> None:
    assert adds(suggestions(parse('"quantization and", "quantized nets"'), window()), "form") == {}
    papers = [Paper(str(i), "Medical images, medical imaging") for i in range(2)]
    papers += [Paper(f"x{i}", "Medical imaging") for i in range(3)]
    assert adds(suggestions(parse('title:"medical image"'), Window(papers)), "form") == {'title:"medical imaging"': 3}


def test_abbreviations_are_learnt_both_ways_and_never_two_letters() -> None:
    assert adds(suggestions(parse('"mixture of experts"'), window()), "abbreviation") == {"moe": 4}
    assert adds(suggestions(parse("moe NOT layers"), window()), "abbreviation") == {}
    assert adds(suggestions(parse("insight"), window()), "abbreviation") == {}
    twice = [Paper(str(i), "Large tea models (LTM)") for i in range(2)] + [Paper("x", "LTM")]
    assert suggestions(parse('"large tea model"'), Window(twice)) == []
    thrice = [*twice, Paper("y", "Large tea models (LTMs) again")]
    assert adds(suggestions(parse('"large tea model"'), Window(thrice)), "abbreviation") == {"ltm": 1}
    assert adds(suggestions(parse("=LTM"), Window(thrice)), "abbreviation") == {'"large tea models"': 1}


def test_neighbours_are_said_in_the_papers_it_finds() -> None:
    found = suggestions(parse("moe"), window())
    assert adds(found, "neighbour") == {'"sparse routing"': 2}
    (one,) = [one for one in found if one.kind == "neighbour"]
    assert [paper.abstract for paper in one.examples] == ["Sparse routing for tea 0", "Sparse routing for tea 1"]


def test_what_it_would_have_brought_is_what_the_query_does_not() -> None:
    papers = window()
    for text in ("quantization NOT hand", "quantization number, moe", "2 of (quantization, tea, number)"):
        query = parse(text)
        for one in suggestions(query, papers):
            assert one.papers > 0
            now = set(Matcher([query]).match(papers.texts).pairs()[1].tolist())
            assert not now & {int(paper.key) for paper in one.examples}


def test_nothing_is_suggested_of_nothing() -> None:
    assert suggestions(parse("quantization"), Window([])) == []
    assert suggestions(parse("author:zhang upvotes>3 cat:cs.*"), window()) == []
    assert suggestions(parse("unheard"), window()) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Retrieval-augmented generation (RAG) works", [("RAG", "Retrieval-augmented generation")]),
        ("large language models (LLMs)", [("LLM", "large language models")]),
        ("We use 3D Gaussian splatting (3DGS).", [("3DGS", "3D Gaussian splatting")]),
        ("of interest (see Figure)", []),
        ("artificial intelligence (AI)", []),
        ("tea. Mixture of (MoE)", []),
        ("(MoE)", []),
    ],
)
def test_definitions(text: str, found: list[tuple[str, str]]) -> None:
    assert list(definitions(text)) == found


def test_long_forms_are_the_shortest() -> None:
    assert long_form("HMM", "we train a hidden Markov model") == "hidden Markov model"
    assert long_form("XYZ", "we train a hidden Markov model") == ""
    assert len(long_form("A" * 12, "a " * 60).split()) == 12


def test_stems() -> None:
    assert len({stem(word) for word in ("robotics", "robotic", "robots", "robot")}) == 1
    assert len({stem(word) for word in ("quantization", "quantized", "quantizing", "quantisation")}) == 1
    assert stem("modelling") == stem("modeling")
    assert stem("behaviours") == stem("behavior")
    assert stem("tea") == "tea"
