"""How text becomes words, against the definition read literally."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.query import plurals
from bot.core.query.plurals import fixed_end, singular
from bot.core.query.scripts import BLANKLESS as BLANKLESS_RANGES
from bot.core.query.scripts import DIGIT
from bot.core.query.words import exact_word_spans, exact_words, fold_value, joins, word_spans, words
from bot.core.text.letters import SPELLED

BLANKLESS_CLASS = f"[{BLANKLESS_RANGES}]"
QUOTES = "\"'`“”„‟‘’‚‛«»‹›「」『』〝〞〟"


def script(c: str) -> str:
    name = unicodedata.name(c, "")
    return "blankless" if re.match(BLANKLESS_CLASS, c) else "hangul" if name.startswith("HANGUL") else "other"


def words_by_definition(text: str, *, folded: bool) -> list[str]:
    """Character by character, as the language's section 7 says."""
    if folded:
        kept = [c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c) not in ("Mn", "Cf")]
        text = unicodedata.normalize("NFC", "".join(kept).casefold().translate(SPELLED))
    else:
        text = unicodedata.normalize("NFKC", text)
    text = "".join(c for c in text if c.isalnum() or script(c) != "blankless")
    found: list[str] = []
    at = 0
    while at < len(text):
        begin = at
        if (
            text[at] == "."
            and (at == 0 or text[at - 1].isspace() or text[at - 1] in "([{" + QUOTES)
            and text[at + 1 : at + 2].isalpha()
            and script(text[at + 1]) != "blankless"
        ):
            at += 1
        if not text[at].isalnum():
            at += 1
            continue
        kind = script(text[at])
        if kind == "blankless":
            found.append(text[at])
            at += 1
            continue
        while at < len(text):
            between = text[at] in ".," and text[at - 1].isdigit() and text[at + 1 : at + 2].isdigit()
            between = between and script(text[at + 1]) == kind == "other"
            if not between and not (text[at].isalnum() and script(text[at]) == kind):
                break
            at += 1
        word = text[begin:at]
        signs = re.match(r"[+#]*", text[at:])
        assert signs is not None
        following = text[at + signs.end() : at + signs.end() + 1]
        if any(map(str.isalpha, word)) and not (following.isalpha() and script(following) == "other"):
            word += signs[0]
            at += signs.end()
        found.append(word)
    return found


LETTERS = st.one_of(
    st.characters(exclude_categories=["Cs"]),
    st.sampled_from("aZ_-'’ \u00ad\u0301\u0345\u200b\u1161\u11a8ÅİΐΣςßﬁ½ﾞ가深++##..,,1234 (“程ကာ។ๆกぬーｶﾞ\u1112ㅎㅏ²µłŁ"),
)
TEXTS = st.lists(LETTERS, max_size=40).map("".join)


@given(TEXTS)
def test_words_are_those_of_the_definition(text: str) -> None:
    assert words(text) == words_by_definition(text, folded=True)
    assert [word.word for word in word_spans(text)] == words(text)
    assert words(" ".join(words(text))) == words(text)


@given(TEXTS)
def test_words_as_typed(text: str) -> None:
    assert exact_words(text) == words_by_definition(text, folded=False)
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
/ movies movy / movie movy / llms llm / bias bias / biases bias / news news / gas gas / toes toe / virus virus / eies
ey / taxes tax / tax tax / class class / sees see / axe axe / networks network / aies ay / ties ty / tie tie / taxis
taxi / apis api / areas area / formulas formula / menus menu / gpus gpu / opus opus / oasis oasis / this thi / base
base / uses use / causes cause / houses house / refuses refuse / muses muse / excuses excuse / phases phase / kinases
kinase / databases database / doses dose / poses pose / encloses enclose / glucoses glucose / cheeses cheese /
promises promise / shoes shoe / canoes canoe / does doe / sizes size / bronzes bronze / genes gene / phobias phobia /
data data / media media
"""
MEET = """
virus viruses / coronavirus coronaviruses / atlas atlases / canvas canvases / status statuses / focus focuses foci /
campus campuses / potato potatoes / hero heroes / echo echoes / quiz quizzes / buzz buzzes / blitz blitzes / gas gases
/ bus buses / lens lenses / alias aliases / pancreas pancreases / analysis analyses / metaanalysis metaanalyses /
hypothesis hypotheses / thesis theses / synthesis syntheses / crisis crises / axis axes / basis bases / oasis oases /
diagnosis diagnoses / metastasis metastases / iris irises / praxis praxes / matrix matrices matrixes / index indices
indexes / vertex vertices vertexes / appendix appendices appendixes / corpus corpora corpuses / genus genera /
criterion criteria / phenomenon phenomena / bacterium bacteria / spectrum spectra spectrums / stimulus stimuli /
nucleus nuclei / locus loci / fungus fungi funguses / radius radii / formula formulae formulas / vertebra vertebrae /
larva larvae / leaf leaves / mouse mice / foot feet / tooth teeth / child children / woman women / man men / quantum
quanta / automaton automata / bureau bureaux bureaus / alga algae / mitochondrion mitochondria / life lives / wolf
wolves / hippocampus hippocampi
"""


@pytest.mark.parametrize(
    ("word", "folded"), [pair.split() for pair in PLURALS.replace("\n", " ").split("/") if pair.strip()]
)
def test_plurals(word: str, folded: str) -> None:
    assert singular(word) == folded


@pytest.mark.parametrize("forms", [line for line in MEET.replace("\n", " ").split("/") if line.strip()])
def test_both_numbers_meet(forms: str) -> None:
    assert len(set(map(singular, forms.split()))) == 1


def test_what_has_to_stay_apart() -> None:
    for pair in ("base basis", "axe axis", "len lens", "gene genesis", "dose dosis", "cau causes", "pha phases"):
        assert len(set(map(singular, pair.split()))) == 2


@given(st.text("aeiosuxyhzn", min_size=1, max_size=8), st.text("aeiosuxyhzncl", min_size=1, max_size=8))
def test_what_a_joined_word_ends_with(other: str, word: str) -> None:
    assert fixed_end(word) is None or singular(other + word) == other + fixed_end(word)


def test_what_the_words_of_the_lists_end_with() -> None:
    lists = [value for value in vars(plurals).values() if isinstance(value, frozenset | dict)]
    listed = {word for one in lists for word in one if isinstance(word, str) and word.isalpha()}
    for word in {*listed, *(word + "s" for word in listed), *(word + "es" for word in listed)}:
        for cut in range(1, len(word)):
            end = fixed_end(word[cut:])
            assert end is None or singular(word) == word[:cut] + end, word


def test_digits_are_those_of_python() -> None:
    every = "".join(map(chr, range(0x110000)))
    assert set(re.findall(f"[{DIGIT}]", every)) == set(filter(str.isdigit, every))


def test_neighbours_that_may_be_one_word() -> None:
    assert joins("data", "sets")
    assert joins("gpt", "4")
    assert not joins("in", "variance")
    assert not joins("3", "5")
    assert not joins("3.5", "1,000")
    assert joins("gpt", "4.5")
    assert not joins("bert", "를")
    assert not joins("强", "化")
