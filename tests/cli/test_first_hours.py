"""The first hours of somebody new, and of somebody who made a mistake: what is said, shown, and left as it is."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.cli import main
from bot.cli.collect import log_collected
from bot.pipeline.collect.collect import SourceReport

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "pages"
NOW = ("--now", "2026-11-20T12:00Z")
HEAD = """
database = "sqlite:///paperlark.db"
[mail]
from = "Paperlark <digest@example.org>"
url = "outbox:outbox"
[[sources]]
name = "saved"
type = "page"
location = "pages/*.txt"
"""
ADA = """
[[subscribers]]
email = "ada@example.org"
digest = "daily 07:30"
trending = 0
[[subscribers.profiles]]
name = "Attention"
keywords = ["sparse attention"]
"""

Run = Callable[..., tuple[int, str, str]]


def people(number: int) -> str:
    return "".join(ADA.replace("ada@", f"p{one}@") for one in range(number))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["paperlark", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, said = capsys.readouterr()
        assert "Traceback" not in out + said
        return int(ended.value.code or 0), out, said

    return run


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration and one saved page, and us in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pages").mkdir()
    shutil.copy(EXAMPLES / "2026-11-20.txt", tmp_path / "pages")
    (tmp_path / "config.toml").write_text(HEAD + ADA)
    return tmp_path


def rows(place: Path) -> list[str]:
    """All that is in the database, as SQL."""
    connection = sqlite3.connect(place / "paperlark.db")
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def test_a_reader_that_has_had_enough_is_no_failure(place: Path) -> None:
    command = f"{sys.executable} -m bot backtest attention --json"
    shell = ["bash", "-c", f"{command} | true; echo ${{PIPESTATUS[0]}}"]
    subprocess.run([sys.executable, "-m", "bot", "collect", *NOW], cwd=place, check=True, capture_output=True)

    ended = subprocess.run(shell, check=False, cwd=place, capture_output=True, text=True)

    assert ended.stdout == "0\n", ended.stderr
    assert "Broken" not in ended.stderr


# --- preview ----------------------------------------------------------------------------------------------------------


def test_a_preview_names_collect_where_nothing_was_collected(place: Path, run: Run) -> None:
    code, _, said = run("preview", "ada@example.org", *NOW)

    assert code == 2
    assert "paperlark collect" in said


def test_a_preview_says_why_no_source_has_brought_anything(place: Path, run: Run) -> None:
    (place / "pages" / "2026-11-20.txt").write_text("nothing that could be read")
    run("collect", *NOW)

    code, _, said = run("preview", "ada@example.org", *NOW)

    assert code == 2
    assert "Nothing has been collected" not in said
    assert " is failing: " in said


def test_a_changed_profile_can_be_seen_at_once(place: Path, run: Run) -> None:
    run("once", "--force", *NOW)
    (place / "config.toml").write_text(HEAD + ADA.replace("sparse attention", "language models"))
    before = rows(place)

    _, checked, _ = run("check", "--now", "2026-11-20T12:04Z")
    code, _, said = run("preview", "ADA@example.org", *NOW)
    page = (place / "preview" / "ada@example.org.html").read_text()
    _, coming, _ = run("preview", "ada@example.org", "--next", *NOW)

    assert code == 0
    assert "As if new" in said
    assert "Language Models" in page
    assert "nothing new for ada@example.org" in coming
    assert "Attention: would have brought" in checked
    assert rows(place) == before
    _, out, _ = run("once", "--force", "--now", "2026-11-20T12:05Z")
    assert "paperlark preview ada@example.org" in out


def test_a_preview_looks_back_as_far_as_it_is_told(place: Path, run: Run) -> None:
    run("collect", *NOW)
    later = ("--now", "2026-11-27T12:00Z")

    code, out, _ = run("preview", "ada@example.org", *later)
    assert (code, "--days" in out) == (0, True)
    code, out, _ = run("preview", "ada@example.org", "--days", "10", *later)
    assert (code, len(out.split())) == (0, 3)
    assert run("preview", "ada@example.org", "--days", "10", "--next", *later)[0] == 2


def test_the_next_preview_is_what_the_next_run_sends(place: Path, run: Run) -> None:
    run("once", "--force", *NOW)
    shutil.copy(EXAMPLES / "2026-11-21.txt", place / "pages")
    run("collect", "--now", "2026-11-21T06:00Z")

    run("preview", "ada@example.org", "--next", "--now", "2026-11-21T06:10Z")
    run("once", "--now", "2026-11-21T07:31Z")

    subject = next(
        line for line in (place / "preview/ada@example.org.eml").read_text().split("\n") if "Subject" in line
    )
    letters = [path.read_text() for path in (place / "outbox").glob("*.eml")]
    assert len(letters) == 2
    assert any(subject in letter for letter in letters)


# --- Looking never writes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "verb",
    [
        ("subscribers", "list"),
        ("subscribers", "list", "--json"),
        ("explain", "p1@example.org", "https://huggingface.co/papers/2611.00001"),
        ("check",),
        ("status",),
        ("status", "--json"),
        ("preview", "p1@example.org"),
    ],
)
def test_looking_never_writes(place: Path, run: Run, verb: tuple[str, ...]) -> None:
    (place / "config.toml").write_text(HEAD + people(3))
    run("once", *NOW)
    (place / "config.toml").write_text(HEAD + ADA)
    before = rows(place)

    run(*verb, *NOW)

    assert rows(place) == before


LOOKING = [
    *(("check",), ("status",), ("status", "--json"), ("health",), ("preview", "ada@example.org")),
    *(("explain", "ada@example.org", "x"), ("who", "x"), ("why", "<x@example.org>"), ("backtest", "lattice")),
    *(("suggest", "lattice"), ("taste", "ada@example.org")),
    *(("subscribers", "list"), ("subscribers", "export"), ("subscribers", "consents")),
]


@pytest.mark.parametrize("verb", LOOKING, ids=" ".join)
def test_looking_makes_no_database_where_there_is_none(place: Path, run: Run, verb: tuple[str, ...]) -> None:
    before = sorted(place.rglob("*"))
    code, out, said = run(*verb)

    assert sorted(place.rglob("*")) == before
    assert code in (0, 1, 2)
    assert out or said or verb[1:] in (("export",), ("consents",))


def test_health_is_for_what_watches_processes(place: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """0 while somebody works, 1 and why where nobody does."""
    code, out, _ = run("health")
    assert (code, out) == (1, "no worker has run yet\n")
    assert run("once", *NOW)[0] == 0
    assert run("health", *NOW)[:2] == (0, "ok\n")
    assert run("--quiet", "health", *NOW)[:2] == (0, "")
    code, out, _ = run("health", "--now", "2026-11-22T12:00Z", "--json")
    assert code == 1
    assert "should have run by now" in json.loads(out)["reason"]
    (place / "other.db").write_bytes(b"no database at all" * 100)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{place}/other.db")
    code, out, _ = run("health")
    assert code == 1
    assert "cannot be used" in out


def test_the_list_shows_everybody_as_the_next_run_would_find_them(place: Path, run: Run) -> None:
    (place / "config.toml").write_text(HEAD + people(2))
    run("once", *NOW)
    run("subscribers", "add", "kept@example.org", *NOW)
    (place / "config.toml").write_text(HEAD + people(1) + ADA)

    _, out, _ = run("subscribers", "list", "--json", *NOW)
    _, status, _ = run("status", "--json", *NOW)

    found = {one["email"]: (one["status"], one["origin"]) for one in json.loads(out)}
    assert found == {
        "p0@example.org": ("active", "file"),
        "p1@example.org": ("removed", "file"),
        "kept@example.org": ("active", "database"),
        "ada@example.org": ("active", "file"),
    }
    assert {one["email"]: one["status"] for one in json.loads(status)["subscribers"]} == {
        email: state for email, (state, _) in found.items()
    }


# --- Removing many ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["once", "compose"])
def test_removing_many_wants_a_word(place: Path, run: Run, verb: str) -> None:
    (place / "config.toml").write_text(HEAD + people(4))
    run("once", *NOW)
    (place / "config.toml").write_text(HEAD + people(2))
    before = rows(place)

    code, _, said = run(verb, *NOW)
    _, checked, _ = run("check", *NOW)
    assert code == 2
    assert "--yes" in said
    assert "p2@example.org, p3@example.org" in said
    assert "--yes" in checked
    assert rows(place) == before

    assert run(verb, "--yes", *NOW)[0] == 0
    _, out, _ = run("subscribers", "list", "--json", *NOW)
    assert [one["status"] for one in json.loads(out)] == ["active", "active", "removed", "removed"]


def test_removing_one_of_three_is_a_wish(place: Path, run: Run) -> None:
    (place / "config.toml").write_text(HEAD + people(3))
    run("once", *NOW)
    (place / "config.toml").write_text(HEAD + people(2))

    assert run("once", *NOW)[0] == 0


# --- What is said -----------------------------------------------------------------------------------------------------


def test_where_the_letters_are(place: Path, run: Run) -> None:
    _, out, _ = run("once", "--force", *NOW)

    latest = place / "outbox" / "latest.html"
    assert str(latest) in out
    (letter,) = [page for page in (place / "outbox").glob("*.html") if page != latest]
    assert latest.read_bytes() == letter.read_bytes()


def test_a_relay_that_is_not_there_is_named_with_what_to_do(place: Path, run: Run) -> None:
    (place / "config.toml").write_text(HEAD.replace("outbox:outbox", "smtp://127.0.0.1:9") + ADA)

    code, out, _ = run("once", "--force", *NOW)
    _, status, _ = run("status", *NOW)

    assert code == 1
    for said in (out, status):
        assert "refused" in said
        assert "paperlark doctor" in said
    assert "The next try is at 2026-11-20 12:0" in run("once", *NOW)[1]  # nothing is tried yet: it waits for its time


def test_what_was_hardly_meant_is_noted(place: Path, run: Run) -> None:
    (place / "config.toml").write_text(HEAD + ADA.replace('keywords = ["sparse attention"]', 'query = "author=hinton"'))
    assert "write author:hinton" in run("check", *NOW)[2]

    (place / "config.toml").write_text("")
    assert "paperlark init" in run("check", *NOW)[2]


def test_an_own_template_is_named_by_its_file(place: Path, run: Run) -> None:
    (place / "mine").mkdir()
    (place / "mine" / "digest.txt").write_text("{{ nope.x }}")
    (place / "config.toml").write_text('templates_dir = "mine"\n' + HEAD + ADA)

    assert f"{place / 'mine' / 'digest.txt'} line 1: 'nope' is undefined" in run("check", *NOW)[2]
    code, _, said = run("once", "--force", *NOW)
    assert (code, "digest.txt line 1: 'nope' is undefined" in said) == (1, True)
    code, out, said = run("preview", "ada@example.org", *NOW)
    assert (code, out, "digest.txt line 1: 'nope' is undefined" in said) == (2, "", True)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", '{"email": "a@example.org", "max_papers": ' + "9" * 5_000 + "}", "line 1 is not JSON"),
        ("a.jsonl", "[" * 100_000, "nested too deeply"),
        ("a.jsonl", "5", "expected a table of keys, got 5"),
        ("a.jsonl", "", "names no subscribers"),
        ("a.toml", "subscribers = 5", "no list of tables"),
        ("a.toml", "a = 1", "names no subscribers"),
        ("a.toml", ".".join(["a"] * 5_000) + " = 1", "names no subscribers"),
        ("a.toml", "x = " + "9" * 5_000, "is not TOML"),
        ("a.toml", "x = " + "[" * 100_000, "nested too deeply"),
        ("a.jsonl", "\udcff", "is not UTF-8"),
    ],
)
def test_what_cannot_be_imported(place: Path, run: Run, name: str, content: str, said: str) -> None:
    (place / name).write_text(content, errors="surrogateescape")

    code, out, err = run("subscribers", "import", name, *NOW)

    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) <= 3


def test_a_line_separator_inside_json_is_no_end_of_a_line(place: Path, run: Run) -> None:
    (place / "a.jsonl").write_text('{"email": "a@example.org", "profiles": [{"query": "a\u2028b"}]}\n')

    assert run("subscribers", "import", "a.jsonl", *NOW)[:2] == (0, "Imported 1 subscriber.\n")


@pytest.mark.parametrize(
    "verb", [("init", "file/x"), ("preview", "ada@example.org", "--out", "file/x"), ("demo", "--out", "file/x")]
)
def test_a_place_that_cannot_be_written_to_is_one_line(place: Path, run: Run, verb: tuple[str, ...]) -> None:
    (place / "file").write_text("in the way")
    run("collect", *NOW)

    code, _, said = run(*verb, *(NOW if verb[0] == "preview" else ()))

    assert code == 2
    assert said.splitlines()[-1].startswith("file")


# --- The worker -------------------------------------------------------------------------------------------------------


def work_for_a_while(place: Path, until: str, *, config: str = "config.toml") -> str:
    """What `run` writes to stderr until a line holds that text, and while it stops."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bot", "--config", config, "run"]
    said = place / "said.txt"
    with said.open("w") as stream:
        worker = subprocess.Popen(command, cwd=place, env=environment, stderr=stream, stdout=stream)
        try:
            deadline = time.monotonic() + 40
            while until not in said.read_text() and time.monotonic() < deadline:
                time.sleep(0.1)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(timeout=30) == 0
        finally:
            worker.kill()
    assert "not everything finished" not in said.read_text()  # nothing here takes long
    return said.read_text()


def test_the_worker_tells_what_it_does(place: Path) -> None:
    late = ADA.replace("daily 07:30", "daily 00:00")
    dead = '[[sources]]\nname = "dead"\ntype = "feed"\nurl = "http://127.0.0.1:9/f.xml"\nprivate = true\n'
    (place / "config.toml").write_text(HEAD + dead + late)

    said = work_for_a_while(place, "saved: 6 new papers")

    for words in ("INFO Paperlark", "saved: 6 new papers", "WARNING dead is failing", "INFO stopping", "INFO stopped"):
        assert words in said
    assert said.count("dead is failing") == 1


def test_a_log_for_machines_holds_nothing_else(place: Path) -> None:
    (place / "config.toml").write_text('log = "json"\n' + HEAD.replace("outbox:outbox", "smtp://127.0.0.1:9") + ADA)

    lines = [json.loads(line) for line in work_for_a_while(place, "saved: 6 new papers").splitlines()]

    assert {line["level"] for line in lines} >= {"info"}
    assert all(set(line) >= {"time", "level", "logger", "message"} for line in lines)


def test_the_trouble_of_a_source_is_logged_once_per_change(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="bot.cli.collect")
    told: dict[str, str] = {}
    rounds = (
        SourceReport(state="failing", error="503 at 12:05"),
        SourceReport(state="failing", error="503 at 12:10"),
        SourceReport(state="failing", error="no such host"),
        SourceReport(state="fresh", new=2),
        SourceReport(state="fresh"),
    )
    for report in rounds:
        log_collected({"hf": report}, told)

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "hf is failing: 503 at 12:05"),
        ("WARNING", "hf is failing: no such host"),
        ("INFO", "hf: 2 new papers, 0 changed"),
        ("INFO", "hf is fresh again"),
    ]


def test_the_worker_never_removes_many(place: Path, run: Run) -> None:
    (place / "config.toml").write_text(HEAD + people(4))
    run("once", *NOW)
    (place / "config.toml").write_text(HEAD + people(1))

    said = work_for_a_while(place, "worker started")

    assert "Nobody is removed" in said
    connection = sqlite3.connect(place / "paperlark.db")
    try:
        assert connection.execute("SELECT count(*) FROM subscriber WHERE status = 'active'").fetchone() == (4,)
    finally:
        connection.close()
