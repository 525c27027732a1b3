"""The words of a taste on the preferences page: changed, taken back, and what is no word refused."""

import json

import pytest

from bot.cli.people import sync_file
from bot.core.papers import Listing
from bot.core.taste.corrections import Corrections
from bot.core.taste.learn import Taste, TasteWord
from bot.pipeline import preferences
from bot.store import papers, taste, thumbs
from bot.store.taste import StoredTaste
from tests.web.conftest import NOW, Answer, Start, Web
from tests.web.test_preferences import FILE, form, link, stored_of

WORDS = (
    TasteWord("grasping", 9.0, ("A kept paper", "Mine & <b>yours</b>"), 5),
    TasteWord("gripper", 4.5, ("Mine & <b>yours</b>",), 2),
    TasteWord("robots", 2.0, ("A kept paper",), 2),
)
LEARNT = Taste(WORDS, liked=6, least=9.3)


@pytest.fixture
def web(start: Start) -> Web:
    made = start()
    with made.database.record() as tx:
        listing = Listing(title="A kept paper", keys=("arxiv:2611.00001",), source="saved")
        papers.record(tx, "saved", [listing], NOW, first=False)
    learn(made, LEARNT)
    return made


def learn(web: Web, learnt: Taste | None, learnt_from: str = "x") -> None:
    with web.database.write() as tx:
        taste.learnt(tx, FILE, learnt, learnt_from, (), NOW)


def kept(web: Web) -> StoredTaste:
    with web.database.read() as tx:
        return taste.of_subscribers(tx, [FILE])[FILE]


def rows(*changes: dict[str, str], **fields: str) -> dict[str, str]:
    """The form as the page has it, where each row may be changed."""
    sent = {"do": "words", **fields}
    for number, word in enumerate(WORDS):
        change = changes[number] if number < len(changes) else {}
        row = {"word": word.word, "was": f"{word.weight:g}", "weight": f"{word.weight:g}", **change}
        sent |= {f"w{number}_{name}": value for name, value in row.items()}
    return sent


def change(web: Web, sent: dict[str, str]) -> Answer:
    return web.post(link(web, FILE), sent)


def test_every_word_has_its_weight_and_the_papers_it_comes_from(web: Web) -> None:
    with web.database.write() as tx:
        thumbs.give(tx, FILE, 1, "more", NOW)
    page = web.get(link(web, FILE))

    assert "Learnt from 6 papers." in page.words
    assert "grasping “A kept paper” (more like this) · “Mine & <b>yours</b>” and 3 more papers" in page.words
    assert 'aria-label="Weight of gripper"' in page.text
    assert "<b>" not in page.text
    assert "grasping" not in web.get(link(web, FILE, "letter", 1)).text, "a letter may have been forwarded"


def test_weights_removals_and_own_words_are_kept_as_corrections(web: Web) -> None:
    before = kept(web)
    answer = change(web, rows({"weight": "3.5"}, {"pin": "1"}, {"gone": "1"}, own_words="tactile^6\nslip"))
    after = kept(web)

    assert (answer.status, "The words are saved." in answer.words) == (200, True)
    assert after.corrections == Corrections({"grasping": 3.5, "gripper": 4.5, "tactile": 6.0, "slip": 1.0}, ("robots",))
    assert after.taste is not None
    assert after.taste.text == "tactile^6, gripper^4.5, grasping^3.5, slip"
    assert "Your weight; learnt was 9." in answer.words
    assert "Bring back robots" in answer.words
    assert (after.version, after.learnt_from, after.at) == (before.version + 1, before.learnt_from, before.at)


def test_a_form_that_is_sent_as_it_was_changes_nothing(web: Web) -> None:
    before = kept(web)
    learn(web, Taste((TasteWord("grasping", 7.0, ("New",), 5), *WORDS[1:]), 7))  # since the page was made
    change(web, rows())

    assert kept(web).corrections == Corrections()
    assert kept(web).version == before.version + 1, "it was learnt again, and not corrected"


def test_corrections_outlast_learning_and_the_file(web: Web) -> None:
    change(web, rows({"weight": "3.5"}, {"gone": "1"}, own_words="tactile^6"))
    learn(web, Taste((*WORDS, TasteWord("cable", 1.0, ("New",), 2)), 7), "y")
    sync_file(web.app, web.clock())
    web.post(link(web, FILE), form())

    now = kept(web).taste
    assert now is not None
    assert now.text == "tactile^6, grasping^3.5, robots^2, cable"
    learn(web, None)
    assert kept(web).taste is None
    assert kept(web).corrections.weights == {"grasping": 3.5, "tactile": 6.0}


def test_each_is_taken_back_or_all_together(web: Web) -> None:
    change(web, rows({"weight": "3.5"}, {"gone": "1"}, own_words="tactile^6"))
    own = {"w0_word": "grasping", "w0_was": "3.5", "w0_weight": "3.5", "w0_own": "1"}
    change(web, {"do": "words", **own, "r0_word": "gripper", "r0_back": "1"})
    assert kept(web).corrections == Corrections({"tactile": 6.0})

    answer = change(web, {"do": "as-learnt"})
    version = kept(web).version
    change(web, {"do": "as-learnt"})
    assert "All words are as they were learnt." in answer.words
    assert kept(web).taste == LEARNT
    assert kept(web).version == version, "twice is once"


def test_with_every_word_removed_they_can_be_brought_back(web: Web) -> None:
    answer = change(web, rows(*[{"gone": "1"}] * 3))

    assert kept(web).taste is None
    assert "Bring back grasping" in answer.words
    change(web, {"do": "words", "r0_word": "grasping", "r0_back": "1"})
    assert kept(web).taste is not None


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (rows({"weight": "0"}), "“grasping^0”: a weight should be over 0"),
        (rows({"weight": "-1"}), "“grasping^-1”: a number should follow"),
        (rows({"weight": "nan"}), "“grasping^nan”"),
        (rows({"weight": ""}), "“grasping^”: a number should follow"),
        (rows({"weight": "99"}), "a weight is from 0.1 to 9"),
        (rows({"word": "<b>x"}), "“<b>x^9”"),
        (rows(own_words="tactile^2, tactile"), "this word is there twice"),
        (rows(own_words='"sparse attention"'), "write a profile for a phrase"),
        (rows(own_words="x" * 10_240), "10,240 characters are too many"),
    ],
)
def test_what_is_no_word_is_said_and_changes_nothing(web: Web, sent: dict[str, str], said: str) -> None:
    before = kept(web)
    answer = change(web, sent)

    assert answer.status == 422
    assert said in answer.words
    assert "<b>" not in answer.text
    assert kept(web) == before
    if len(typed := sent.get("own_words", "")) < 100:
        assert typed.replace('"', "&#34;") in answer.text, "what was typed can be mended"


def test_what_was_typed_stands_there_to_be_mended(web: Web) -> None:
    answer = change(web, rows({"weight": "99<"}, {"gone": "1"}, {"pin": "1"}, own_words="slip^0"))
    page = answer.text.replace("\n", " ")

    assert answer.status == 422
    assert 'value="99&lt;" aria-label="Weight of grasping"' in page
    assert 'name="w0_was" value="9"' in page
    assert 'checked aria-label="Remove: gripper"' in page
    assert 'checked aria-label="Keep this weight: robots"' in page
    assert ">slip^0</textarea>" in page
    assert kept(web).corrections == Corrections()


def test_the_link_of_a_letter_changes_no_word(web: Web) -> None:
    before = kept(web)
    for wish in ("words", "as-learnt"):
        assert web.post(link(web, FILE, "letter", 1), {**rows({"gone": "1"}), "do": wish}).status == 404
    assert kept(web) == before


def test_an_export_has_them_and_who_is_erased_leaves_none(web: Web) -> None:
    change(web, rows({"weight": "3.5"}, {"gone": "1"}))
    exported = preferences.export(web.database, stored_of(web, FILE))
    assert json.loads(json.dumps(exported))["taste"] == {
        "learnt": "grasping^9, gripper^4.5, robots^2",
        "weights": {"grasping": 3.5},
        "removed": ["gripper"],
    }
    preferences.erase(web.database, "secret", FILE, NOW)
    with web.database.read() as tx:
        assert taste.of_subscribers(tx, [FILE]) == {}
