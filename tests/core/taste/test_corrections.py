"""What readers correct in a taste: it holds over whatever is learnt, and what is no word is refused in a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.papers import Paper
from bot.core.query import parse
from bot.core.taste.corrections import CorrectionError, Corrections, TasteEdit, corrected, own_words
from bot.core.taste.learn import MAX_WORDS, Taste, TasteWord, words_of

LEARNT = Taste(
    (
        TasteWord("grasping", 9.0, ("Mine", "Other"), 6),
        TasteWord("grippers", 6.0, ("Mine",), 4),
        TasteWord("soft", 2.0, ("Other",), 2),
    ),
    liked=6,
    least=9.3,
)


def weights(taste: Taste | None) -> dict[str, float]:
    return {one.word: one.weight for one in taste.words} if taste else {}


def test_weights_removals_and_own_words_lie_over_what_is_learnt() -> None:
    own = Corrections().edited(TasteEdit({"soft": 8.5, "tactile": 4.0}, removed=["gripper"]), LEARNT)
    taste = corrected(LEARNT, own)
    again = corrected(Taste((TasteWord("gripper", 9.0, ("New",), 5), TasteWord("cable", 1.0, ("New",), 2)), 7), own)

    assert taste is not None
    assert weights(taste) == {"grasping": 9.0, "soft": 8.5, "tactile": 4.0}
    assert [one.word for one in taste.words if one.is_own] == ["soft", "tactile"]
    assert taste.words[1].titles == ("Other",), "why a word is there is still known"
    assert parse(taste.text) == taste.query
    assert weights(again) == {"soft": 8.5, "tactile": 4.0, "cable": 1.0}, "in any form of the word"


def test_every_correction_is_taken_back() -> None:
    own = Corrections().edited(TasteEdit({"soft": 8.5, "tactile": 4.0}, removed=["grasping"]), LEARNT)

    assert weights(corrected(LEARNT, own.edited(TasteEdit(as_learnt=["softs", "grasping"]), LEARNT))) == {
        "grasping": 9.0,
        "grippers": 6.0,
        "tactile": 4.0,
        "soft": 2.0,
    }
    assert own.edited(TasteEdit(removed=["tactile"]), LEARNT).removed == ("grasping",), "an own word is just gone"
    assert own.edited(TasteEdit({"grasping": 1.0}), LEARNT).removed == ()
    assert corrected(LEARNT, Corrections()) is LEARNT


def test_own_words_stay_when_a_query_is_full() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    full = Taste(tuple(TasteWord(f"x{a}{b}", 5.0, ("T",), 2) for a in letters[:8] for b in letters[:8]), liked=9)
    taste = corrected(full, Corrections({"tactile": 0.1, "slip": 9.0}))

    assert taste is not None
    assert len(taste.words) == MAX_WORDS
    assert {"tactile", "slip"} <= {one.word for one in taste.words}
    assert taste.query


def test_with_every_word_removed_there_is_none() -> None:
    assert corrected(LEARNT, Corrections(removed=("grasping", "gripper", "softs"))) is None


def test_what_is_like_them_follows_the_weights() -> None:
    def is_liked(taste: Taste | None, title: str) -> bool:
        assert taste is not None
        return taste.likeness(words_of(Paper(key=title, title=title))).weight >= taste.least

    assert is_liked(LEARNT, "Grasping with a gripper")
    assert not is_liked(LEARNT, "Grasping alone"), "never one word alone"
    without = corrected(LEARNT, Corrections(removed=("grasping",)))
    assert is_liked(without, "A soft gripper"), "the strongest word is gone, and others are enough"
    assert not is_liked(without, "A gripper")
    assert is_liked(corrected(LEARNT, Corrections({"C++": 3.0, "c++": 3.0})), "Grasping in C++"), "any word of theirs"
    only = corrected(LEARNT, Corrections({"tactile": 4.0}, ("grasping", "gripper", "soft")))
    assert is_liked(only, "Tactile skin"), "of one word, that one"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("tactile^6, Gripper\nŁukasiewicz^0.1; C++^2.25", {"tactile": 6, "gripper": 1, "lukasiewicz": 0.1, "c++": 2.2}),
        (" ,\n,, ", {}),
        ("3DGS^9、AI^2，α", {"3dgs": 9, "ai": 2, "alpha": 1}),
    ],
)
def test_own_words_are_read_as_the_profile_language_is(text: str, found: dict[str, float]) -> None:
    assert own_words(text) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tactile^0", "a weight should be over 0"),
        ("tactile^0.01", "a weight is from 0.1 to 9"),
        ("tactile^9.5", "a weight is from 0.1 to 9"),
        ("tactile^-3", "a number should follow"),
        ("tactile^nan", "a number should follow"),
        ("tactile^1e9", "a weight ends here"),
        ("robot, tactile^2, robots^3", "“robots^3”: this word is there twice"),
        ('"sparse attention"^3', "write a profile for a phrase"),
        ("sparse attention", "a profile can ask for anything else"),
        ("pre-training", "write a profile for a phrase"),
        ("强化", "write a profile for a phrase"),
        ("title:tactile", "a profile can ask for anything else"),
        ("=RAG", "a profile can ask for anything else"),
        ("tacti*", "a profile can ask for anything else"),
        ("upvotes>=3", "a profile can ask for anything else"),
        ("NOT tactile", "“NOT tactile”"),
        ("the", "tells none from another"),
        ("(((", "“(((”"),
        ("\x00\u202e^", "“"),
        ("x" * 61, "too long for a word"),
        ("x" * 10_240, "10,240 characters are too many"),
        (", ".join(f"w{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(65)), "65 words; 64 are the most"),
    ],
)
def test_what_is_no_word_of_a_taste_is_refused_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(CorrectionError) as caught:
        own_words(text)

    assert any(said in problem for problem in caught.value.problems), caught.value.problems
    assert all(len(problem) < 200 and problem.isprintable() for problem in caught.value.problems)


def test_there_are_no_more_corrections_than_a_query_has_terms() -> None:
    names = [f"w{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(65)]
    with pytest.raises(CorrectionError, match="64 are the most"):
        Corrections().edited(TasteEdit(dict.fromkeys(names, 1.0)), LEARNT)


@given(st.text(max_size=60))
def test_any_text_is_words_or_refused(text: str) -> None:
    try:
        found = own_words(text)
    except CorrectionError:
        return
    taste = corrected(LEARNT, Corrections(found))
    assert taste is not None
    assert parse(str(taste.query)) == taste.query
    assert own_words(", ".join(f"{word}^{weight:g}" for word, weight in found.items())) == found
