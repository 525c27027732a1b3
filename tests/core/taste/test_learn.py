"""A taste: what the liked papers share and others lack, as a query anybody can read."""

import time

import pytest

from bot.core.matching import Matcher
from bot.core.papers import Paper
from bot.core.query import parse
from bot.core.taste import Background, learn
from bot.core.taste.learn import MAX_WORDS, STRONGEST

GRASPING = (
    "Tactile sensing lets a gripper feel when grasping slips",
    "A gripper that learns grasping from few demonstrations",
    "Grasping transparent objects with a soft gripper",
    "Tactile grasping of deformable objects in clutter",
    "Dexterous grasping syntheses from a single view",
    "Slip detection for a tactile gripper",
)
OTHERS = (
    "Sparse attention for long documents",
    "Scaling laws of language model training",
    "A benchmark of theorem proving",
    "Diffusion models for video",
    "Retrieval augmented generation at scale",
    "Tokenizers for low-resource languages",
)


def papers(*titles: str) -> list[Paper]:
    return [Paper(key=f"title:{title}", title=title, abstract=f"We show results. {title}.") for title in titles]


BACKGROUND = Background(papers(*OTHERS, *GRASPING))


def test_the_words_are_those_the_liked_share_and_others_lack() -> None:
    taste = learn(papers(*GRASPING), BACKGROUND)

    assert taste is not None
    first = [one.word for one in taste.words[:3]]
    assert set(first) == {"grasping", "gripper", "tactile"}
    assert taste.words[0].weight == STRONGEST
    assert "result" not in taste.text
    assert "transparent" not in taste.text  # one paper's own word
    assert all(one.titles and set(one.titles) <= set(GRASPING) for one in taste.words)


def test_a_taste_is_a_query_that_finds_more_of_the_kind() -> None:
    taste = learn(papers(*GRASPING), BACKGROUND)
    new = papers("Language models that prove theorems", "A tactile gripper for grasping fruit", "Video tokenizers")
    assert taste is not None

    best, _scores = Matcher([taste.query]).match(new).top(1)

    assert parse(str(taste.query)) == taste.query
    assert best[0][0] == 1


def test_below_five_papers_there_is_no_taste() -> None:
    assert learn(papers(*GRASPING[:4]), BACKGROUND) is None
    assert learn([], BACKGROUND) is None
    strangers = [Paper(key=word, title=word) for word in ("apple", "bridge", "cello", "dragon", "ember", "fjord")]
    assert learn(strangers, BACKGROUND) is None  # nothing in common


def test_what_is_disliked_counts_against() -> None:
    soft = papers("A soft gripper", "Soft robots", "Soft grasping", "Soft skin for a gripper", "Soft and safe gripper")
    without = learn(soft, BACKGROUND)
    against = learn(soft, BACKGROUND, disliked=papers("Soft labels", "Soft prompts", "Soft targets"))
    assert without is not None
    assert against is not None

    def weight(words: list[tuple[str, float]]) -> float:
        return dict(words).get("soft", 0) / dict(words)["gripper"]

    assert weight([(one.word, one.weight) for one in against.words]) < weight(
        [(one.word, one.weight) for one in without.words]
    )


def test_a_paper_that_counts_more_says_more() -> None:
    mixed = papers(*GRASPING[:3], *OTHERS[:3])
    plain = learn(mixed, BACKGROUND)
    thumbs = learn(mixed, BACKGROUND, weights=[5, 5, 5, 1, 1, 1])
    assert plain is not None
    assert thumbs is not None
    assert thumbs.words[0].word in ("grasping", "gripper")


def test_plurals_are_one_word_and_written_as_people_write_it() -> None:
    taste = learn(papers(*(f"Robots {number} and a robot of robots" for number in range(6))), BACKGROUND)
    assert taste is not None
    assert [one.word for one in taste.words] == ["robots"]


@pytest.mark.parametrize("count", [5, 500])
def test_a_taste_fits_into_a_query_and_is_learnt_quickly(count: int) -> None:
    words = [f"word{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(400)]
    many = papers(*(" ".join(words[(7 * n + k) % 400] for k in range(150)) for n in range(count)))
    began = time.process_time()
    taste = learn(many, BACKGROUND)
    spent = time.process_time() - began

    assert taste is not None
    assert len(taste.words) <= MAX_WORDS
    assert taste.query
    assert spent < 1  # 0.05 on an idle machine
