"""How text becomes words, against the definition read literally."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.matching.term_index import fingerprint, folds_alone, skeleton
from bot.core.query.words import exact_word_spans, exact_words, fold_value, joins, singular, word_spans, words


def words_by_definition(text: str) -> list[str]:
    kept = [c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c) not in ("Mn", "Cf")]
    return "".join(c if c.isalnum() else " " for c in "".join(kept).casefold()).split(" ")


LETTERS = st.one_of(
    st.characters(exclude_categories=["Cs"]),
    st.sampled_from("aZ_-'’ \u00ad\u0301\u0345\u200b\u1161\u11a8ÅİΐΣςßﬁ½ﾞ가深"),
)
TEXTS = st.lists(LETTERS, max_size=40).map("".join)


@given(TEXTS)
def test_words_are_those_of_the_definition(text: str) -> None:
    assert words(text) == [word for word in words_by_definition(text) if word]
    assert [word.word for word in word_spans(text)] == words(text)
    assert words(" ".join(words(text))) == words(text)


@given(TEXTS)
def test_words_as_typed(text: str) -> None:
    spelled = "".join(c if c.isalnum() else " " for c in unicodedata.normalize("NFKC", text))
    assert exact_words(text) == [word for word in spelled.split(" ") if word]
    assert [word.word for word in exact_word_spans(text)] == exact_words(text)


@given(TEXTS)
def test_places_hold_their_words(text: str) -> None:
    for word, start, end in word_spans(text):
        assert word in "".join(words(text[start:end])) or word in words(text[max(0, start - 1) : end])
        assert 0 <= start < end <= len(text)


@given(TEXTS)
def test_values_are_folded_once_and_for_all(text: str) -> None:
    assert fold_value(fold_value(text)) == fold_value(text)


PLURALS = """
models model / queries query / processes process / losses loss / patches patch / caches cach / cache cach / boxes box
movies movy / movie movy / llms llm / bias bia / biases biase / news news / gas gas / toes toe / virus virus / eies ey
taxes tax / tax tax / class class / sees see / axe axe / networks network / aies ay / ties ty / tie tie
"""


@pytest.mark.parametrize(
    ("word", "folded"), [pair.split() for pair in PLURALS.replace("\n", "/").split("/") if pair.strip()]
)
def test_plurals(word: str, folded: str) -> None:
    assert singular(word) == folded


def test_neighbours_that_may_be_one_word() -> None:
    assert joins("data", "sets")
    assert joins("gpt", "4")
    assert not joins("in", "variance")
    assert not joins("3", "5")


PIECES = st.text("abceiosuxyhns4", min_size=1, max_size=6)


@given(PIECES, PIECES)
def test_what_the_matcher_knows_of_joined_words(first: str, second: str) -> None:
    """The two shortcuts of `neighbours`: skeletons are blind to plurals, and long words fold as they do alone."""
    both = first + second
    assert skeleton(both) == skeleton(singular(both))
    core = skeleton(second)
    put_together = first + core if core else skeleton(first)
    assert skeleton(both) == put_together
    assert fingerprint(put_together) == fingerprint(skeleton(singular(both)))
    if folds_alone(second):
        assert singular(both) == first + singular(second)
