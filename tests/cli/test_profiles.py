"""What a person learns of their queries at the command line: backtest, explain, and what check has to say."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.cli import main

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "pages"
NOW = ("--now", "2026-11-20T12:00Z")
BORN = "Do Language Models Know When They Were Born?"
LARKSPUR = "Larkspur: Sparse Attention That Remembers Where It Looked"
CONFIG = """
database = "sqlite:///paperlark.db"
[mail]
from = "Paperlark <digest@example.org>"
url = "maildir:mail"
[[sources]]
name = "saved"
type = "page"
location = "pages/*.txt"
[[subscribers]]
email = "ada@example.org"
trending = 0
[[subscribers.profiles]]
name = "Attention"
query = "2 of (sparse, attention, upvotes>=1000) NOT (diagnostic, larkspur)"
[[subscribers.profiles]]
name = "Old models"
keywords = ["birthday"]
exclude = ["RAG"]
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["paperlark", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, said = capsys.readouterr()
        assert "Traceback" not in out + said
        return int(ended.value.code or 0), out, said

    return run


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Path:
    """A folder with a configuration, its papers collected, and us in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "first.txt").write_bytes((EXAMPLES / "2026-11-20.txt").read_bytes())
    (tmp_path / "config.toml").write_text(CONFIG)
    assert run("collect", "--now", "2026-11-20T08:00Z")[0] == 0
    return tmp_path


def table(answer: tuple[int, str, str]) -> Any:
    assert answer[0] == 0, answer[2]
    return json.loads(answer[1])


def test_a_query_tried_on_papers_gone_by(place: Path, run: Run) -> None:
    _, out, _ = run("backtest", "attention OR quokka", *NOW)
    assert LARKSPUR in out
    assert "Terms that brought nothing\n  quokka" in out
    assert "Terms that bring nearly everything" not in out
    assert f"One term away\n  {LARKSPUR} (has larkspur)" in run("backtest", "sparse -larkspur", *NOW)[1]


def test_a_query_may_begin_with_a_minus(place: Path, run: Run) -> None:
    assert table(run("backtest", "-larkspur attention", "--json", *NOW))["matched"] > 0
    code, _, said = run("backtest", "-larkspur")
    assert (code, said.splitlines()[0].startswith("column 1: only NOT")) == (2, True)
    assert said.splitlines()[1:3] == ["  -larkspur", "  ^"]


def test_only_papers_of_the_days_before_the_moment_count(place: Path, run: Run) -> None:
    assert table(run("backtest", "attention", "--json", *NOW))["papers"] > 0
    assert table(run("backtest", "attention", "--json", "--now", "2026-11-19T12:00Z"))["papers"] == 0
    assert table(run("backtest", "attention", "--json", "--days", "2", "--now", "2026-11-23T12:00Z"))["papers"] == 0


def test_the_tree_and_what_keeps_a_paper_away(place: Path, run: Run) -> None:
    _, out, _ = run("explain", "ada@example.org", LARKSPUR, *NOW)
    assert "Attention: does not match, excluded by diagnostic, larkspur" in out
    assert "    ✓ 2 OF" in out
    assert '      ✓ sparse  ("Sparse" in title)' in out
    assert "      ✗ upvotes>=1000  (it has no such number)" in out
    assert "Old models: does not match\n" in out
    told = table(run("explain", "ada@example.org", LARKSPUR, "--json", *NOW))
    assert told["not_told"].startswith("Not told: no profile matches it (Attention does not, excluded by diagnostic")
    assert [one["obstacle"] for one in told["profiles"]] == ["excluded by diagnostic, larkspur", ""]


def test_only_what_is_one_term_away_lacks_it(place: Path, run: Run) -> None:
    text = CONFIG.replace('"birthday"', '"cake", "pie"').replace("sparse, attention", "language, attention")
    (place / "config.toml").write_text(text)
    _, out, _ = run("explain", "ada@example.org", BORN, *NOW)
    assert "Attention: does not match\n" in out  # either of the two others would do
    assert "Old models: does not match\n" in out
    (place / "config.toml").write_text(text.replace(", upvotes>=1000", ""))
    assert "Attention: does not match, lacks only attention\n" in run("explain", "ada@example.org", BORN, *NOW)[1]


def test_a_window_without_papers(place: Path, run: Run) -> None:
    code, out, _ = run("backtest", "attention", "--days", "2", "--now", "2026-11-25T12:00Z")
    assert (code, out) == (0, "No paper came in the last 2 days: run `paperlark collect`, or give more --days.\n")
    assert run("backtest", "attention", "--days", "9" * 9)[0] == 2


def test_check_looks_at_the_month_before_its_moment(place: Path, run: Run) -> None:
    with (place / "pages" / "more.txt").open("w", encoding="utf-8") as page:
        for i in range(30):
            page.write(f"Birthday cakes, part {i} of many of them\n\n{'A cake is a cake. ' * 20}\n\n")
    assert run("collect", "--now", "2026-11-20T11:00Z")[0] == 0
    notes = table(run("check", "--json", *NOW))["warnings"]
    assert any("'Old models' matches 30 of the" in note for note in notes), notes
    assert any("'Attention' matches none of the" in note for note in notes), notes
    assert table(run("check", "--json", "--now", "2027-03-01T12:00Z"))["warnings"] == [
        note for note in notes if "matches" not in note
    ]


def test_check_tells_of_phrases_that_look_like_queries(place: Path, run: Run) -> None:
    text = CONFIG.replace(
        '"birthday"', '"cake OR pie", "black and white", "-pie chart", "2-D pie", "title:cake of pie"'
    )
    (place / "config.toml").write_text(text)
    notes = [note for note in table(run("check", "--json", *NOW))["warnings"] if "word for word" in note]
    assert len(notes) == 3
    assert "keywords 'cake OR pie'" in notes[0]


def test_every_mistake_of_a_profile_is_reported(place: Path, run: Run) -> None:
    text = CONFIG.replace('"birthday"', '"birthday", "ab*", "x)"').replace('["RAG"]', '["-RAG"]\nquery = "a and b"')
    (place / "config.toml").write_text(text)
    code, out, said = run("check")
    assert (code, out) == (2, "")
    assert "config.toml: 4 problems" in said
    for part in ("keywords[2]: column 3", "keywords[3]: column 2", "exclude[1]: column 1: write the word without “-”"):
        assert f"profiles[Old models].{part}" in said
    assert "      a and b\n        ^" in said


def test_what_the_limit_kept_away_and_what_came_too_early(place: Path, run: Run) -> None:
    head = (EXAMPLES / "2026-11-20.txt").read_text().partition("Larkspur")[0]
    titles = [f"The {place} of Quokkas in Their Natural Lattices" for place in ("First", "Second", "Third", "Fourth")]
    titles += [f"A {number}th Note on Quokkas and Their Lattices" for number in range(5, 9)]
    pages = [
        f"{title}\n\nWe look at quokkas. {'They are small and round. ' * 9}\n\nA Lab\n·\nNov 19 3\n" for title in titles
    ]
    (place / "pages" / "first.txt").write_text(head + "\n".join(pages))
    wanting = '[[subscribers.profiles]]\nname = "Animals"\nquery = "quokka"\n'
    subscribers = CONFIG.partition("[[subscribers.profiles]]")[0] + "max_papers = 1\n" + wanting
    (place / "config.toml").write_text(subscribers)
    assert run("collect", "--now", "2026-11-20T10:00Z")[0] == 0
    assert run("compose", "--force", *NOW)[0] == 0
    later = ("--now", "2026-11-23T12:00Z")
    said = [table(run("explain", "ada@example.org", title, "--json", *later)) for title in titles]
    assert [bool(one["told"]) for one in said].count(True) == 6  # one shown, five named
    over = [one["not_told"] for one in said if not one["told"]]
    assert len(over) == 2
    assert all(one.startswith("Not told: over the limit of 1 paper in the digest 2026-11-20") for one in over)
    assert all(one.endswith("which counted 7 more papers for Animals.") for one in over)

    (place / "config.toml").write_text(subscribers + '[[subscribers]]\nemail = "bob@example.org"\n' + wanting)
    assert run("compose", "--force", *later)[0] == 0
    early = table(run("explain", "bob@example.org", titles[0], "--json", *later))["not_told"]
    assert early.startswith("Not told: it came 2026-11-20 10:00 UTC, long before this subscriber, who is active")

    (place / "config.toml").write_text(subscribers.replace('"quokka"', '"larkspur"').replace("Animals", "Birds"))
    changed = table(run("explain", "ada@example.org", LARKSPUR, "--json", *later))["not_told"]
    assert changed.endswith("did not match then; the profile or the paper has changed since.")


def test_explain_names_what_is_near_and_what_only_the_best_left_out(place: Path, run: Run) -> None:
    head = (EXAMPLES / "2026-11-20.txt").read_text().partition("Larkspur")[0]
    body = "Small and round. " * 9
    titles = [f"Quokka lattices, the {place} part of them" for place in ("first", "second", "third")]
    near = [f"A lattice that is not of a quokka but of {place}" for place in ("wombats", "bilbies")]
    pages = "\n".join(f"{title}\n\n{body}\n\nA Lab\n·\nNov 19 3\n" for title in [*titles, *near])
    (place / "pages" / "first.txt").write_text(head + pages)
    wanting = CONFIG.partition("[[subscribers.profiles]]")[0]
    profiles = [
        "per_week = 1\nnear = 4",
        '[[subscribers.profiles]]\nname = "Animals"\nkeywords = ["quokka lattices"]',
        '[[subscribers]]\nemail = "bob@example.org"\ntrending = 0\nnear = 1',
        '[[subscribers.profiles]]\nname = "Birds"\nkeywords = ["lattice quokkas"]',
        '[[subscribers]]\nemail = "cy@example.org"',
    ]
    (place / "config.toml").write_text(wanting + "\n".join(profiles))
    assert run("collect", "--now", "2026-11-20T10:00Z")[0] == 0
    assert run("compose", "--force", *NOW)[0] == 0
    later = ("--now", "2026-11-23T12:00Z")

    def explained(email: str, title: str) -> Any:
        return table(run("explain", email, title, "--json", *later))

    of_profile = [line for title in titles for line in explained("ada@example.org", title)["told"]]
    assert sum(line.startswith("Told in the digest ") for line in of_profile) == 1
    kept_out = "Over the limit of 1 paper a week (per_week: the best of the last four weeks) in the digest "
    assert sum(line.startswith(kept_out) for line in of_profile) == 2
    for title in near:
        (told,) = explained("ada@example.org", title)["told"]
        assert told.startswith("Told as near the profiles in the digest 2026-11-20"), told
    for_bob = [explained("bob@example.org", title) for title in [*titles, *near]]
    assert all(one["profiles"][0]["near"] for one in for_bob)
    assert [bool(one["told"]) for one in for_bob].count(True) == 1
    for one in for_bob:
        told = (
            one["told"] or "It is near Birds, but others were nearer, or the profile brought 1 paper" in one["not_told"]
        )
        assert told, one
    said = run("explain", "bob@example.org", near[0], *later)[1]
    assert "Birds: does not match, but it is near: it holds two words of a phrase\n" in said
    trending = [line for title in titles for line in explained("cy@example.org", title)["told"]]
    assert trending
    assert all(line.startswith("Told among the trending papers in the digest ") for line in trending)


def test_what_profiles_and_queries_miss(place: Path, run: Run) -> None:
    with (place / "pages" / "more.txt").open("w", encoding="utf-8") as page:
        for i in range(6):
            page.write(f"Birthday {'cakes' if i % 2 else 'baking and bakery'}, part {i}\n\n")
            page.write(
                f"{'A mixture of crumbs (MOC) is baked.' if i < 3 else 'The MOC is for bakery.'}{' Tea.' * 40}\n\n"
            )
    (place / "config.toml").write_text(CONFIG.replace('"birthday"', '"baking", "mixture of crumbs"'))
    assert run("collect", "--now", "2026-11-20T11:00Z")[0] == 0
    _, out, _ = run("suggest", '"mixture of crumbs"', *NOW)
    assert '  "mixture of crumbs": also moc, 3 more in 30 days\n' in out
    told = table(run("suggest", "Ada@Example.org", "--json", *NOW))
    assert [profile["name"] for profile in told["profiles"]] == ["Attention", "Old models"]
    (moc,) = [one for one in told["profiles"][1]["suggestions"] if one["kind"] == "abbreviation"]
    assert (moc["add"], moc["papers"], len(moc["examples"])) == ("moc", 2, 2)  # baking has the third already
    assert any("also moc, 2 more" in line for line in table(run("check", "--json", *NOW))["suggestions"])
    assert "What would have brought more\n" in run("backtest", '"mixture of crumbs"', *NOW)[1]
    assert table(run("backtest", '"mixture of crumbs"', "--json", *NOW))["suggestions"][0]["add"] == "moc"


def test_suggesting_changes_nothing_and_says_what_is_wrong(place: Path, run: Run) -> None:
    before = (place / "paperlark.db").read_bytes()
    assert "nothing to add: 6 papers" in run("suggest", "attention", *NOW)[1].replace("\n", " ")
    assert run("suggest", "ada@example.org", *NOW)[0] == 0
    assert (place / "paperlark.db").read_bytes() == before
    code, _, said = run("suggest", "nobody@example.org")
    assert (code, said.splitlines()[0]) == (2, "There is no subscriber nobody@example.org.")
    assert run("suggest", "a and b")[0] == 2
    assert run("suggest", "attention", "--now", "2026-11-25T12:00Z", "--days", "2")[1].startswith("No paper came")


def test_check_warns_of_keywords_that_can_never_match(place: Path, run: Run) -> None:
    profile = 'keywords = ["diffusion models", "birthday"]\nexclude = ["diffusion"]'
    (place / "config.toml").write_text(CONFIG.replace('keywords = ["birthday"]\nexclude = ["RAG"]', profile))
    notes = table(run("check", "--json", *NOW))["warnings"]
    assert [note for note in notes if "can never" in note] == [
        "ada@example.org, 'Old models': \"diffusion models\" can never bring a paper: "
        "what it asks for is excluded, or contradicts itself"
    ]
