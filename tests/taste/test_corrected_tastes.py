"""A taste that its reader has corrected: letters, preview and explain use it, learning leaves it alone."""

from pathlib import Path

from tests.cli.test_cli import run  # noqa: F401  (a fixture)
from tests.taste.test_taste import GRASPING, Run, Served, bibtex, configure, letter, once, place, served, version  # noqa: F401

ADA, NOW = "ada@example.org", "2026-11-20T09:05Z"


def test_the_verb_corrects_words_and_says_which_are_the_readers(place: Path, run: Run) -> None:  # noqa: F811
    once(run)
    shown = run("taste", ADA, "--set", "slip^7, Attention^0.5", "--remove", "gripper", "--now", NOW)
    again = run("taste", ADA, "--json", "--now", NOW).json

    assert shown.code == 0
    assert "     7  slip                 a weight of their own; " in shown.out
    assert "   0.5  attention            a word of their own" in shown.out
    assert "removed: gripper" in shown.out
    words = {one["word"]: one for one in again["words"]}
    assert (words["slip"]["weight"], words["slip"]["own"], words["grasping"]["own"]) == (7, True, False)
    assert again["removed"] == ["gripper"]
    assert again["version"] == 2
    assert "gripper" not in again["query"]
    run("taste", ADA, "--undo", "gripper", "--now", NOW)
    assert run("taste", ADA, "--json", "--now", NOW).json["removed"] == []
    run("taste", ADA, "--undo-all", "--now", NOW)
    assert not any(one["own"] for one in run("taste", ADA, "--json", "--now", NOW).json["words"])


def test_what_is_no_word_is_one_clear_line(place: Path, run: Run) -> None:  # noqa: F811
    once(run)
    for given, said in (("slip^0", "over 0"), ('"two words"', "write a profile"), ("a, slip", "tells none")):
        refused = run("taste", ADA, "--set", given, "--now", NOW)
        assert refused.code == 2
        assert said in refused.err
    assert version(place) == 1


def test_letters_preview_and_explain_use_it_and_nothing_is_learnt_for_it(place: Path, run: Run) -> None:  # noqa: F811
    run("once", "--json", "--now", "2026-11-20T06:00Z")
    run("taste", ADA, "--set", "theorems^9, prove^9, models^4", "--remove", "grasping, gripper", "--now", NOW)
    corrected = version(place)
    run("preview", ADA, "--out", "out", "--days", "2", "--now", NOW)
    previewed = " ".join((place / "out" / f"{ADA}.txt").read_text().split())
    explained = run("explain", ADA, "2611.20004", "--now", NOW).out
    run("collect", "--now", "2026-11-20T10:00Z")

    assert "Language models that prove theorems" in previewed
    assert "prove, theorems, models" in previewed, "its words, for no paper of theirs holds them"
    assert "Like your “”" not in previewed
    assert "Taste: is like the papers they keep: it holds prove, theorems, models (weight 22" in explained
    assert version(place) == corrected
    (place / "papers.bib").write_text(bibtex((*GRASPING, "Grasping with suction cups")))
    once(run, "2026-11-20T11:00Z")
    query = run("taste", ADA, "--json", "--now", "2026-11-20T11:05Z").json["query"]
    assert version(place) == corrected + 1
    assert query.startswith("prove^9, theorems^9")
    assert "grasping" not in query


def test_with_every_word_removed_the_letter_goes_without(place: Path, served: Served, run: Run) -> None:  # noqa: F811
    configure(place, served, 'library = "papers.bib"', trending=3)
    run("collect", "--now", "2026-11-20T08:00Z")
    run("once", "--now", "2026-11-20T08:00Z")
    words = run("taste", ADA, "--json", "--now", NOW).json["words"]
    removed = run("taste", ADA, "--remove", ",".join(one["word"] for one in words), "--now", NOW)
    once(run, "2026-11-20T09:30Z")

    assert removed.code == 2
    assert "Every word of the taste is removed" in removed.err
    assert "--undo-all" in removed.err
    assert "Like the papers you keep" not in letter(place)
