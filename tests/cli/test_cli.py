"""The command line as its users meet it: real files, a real database, a real Maildir, exit codes and words."""

import json
import mailbox
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest

from bot.cli import main

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "pages"

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
name = "Ada"
timezone = "Europe/London"
digest = "daily 07:30"
trending = 0
[[subscribers.profiles]]
name = "Efficient attention"
keywords = ["sparse attention", "linear attention", "KV cache"]
exclude = ["survey"]
alert = true
"""
BOB = """
[[subscribers]]
email = "bob@example.org"
digest = "weekly mon 08:00"
"""


@dataclass
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration and one saved page, and us in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "first.txt").write_bytes((EXAMPLES / "2026-11-20.txt").read_bytes())
    (tmp_path / "config.toml").write_text(CONFIG + BOB)
    return tmp_path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["paperlark", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Ran(int(stopped.value.code or 0), captured.out, captured.err)

    return run


def mails(place: Path) -> list[EmailMessage]:
    """What is in the Maildir, oldest first."""
    box = mailbox.Maildir(place / "mail", create=False)
    read = BytesParser(policy=policy.default).parsebytes
    found = [read(bytes(box.get_bytes(key))) for key in box.keys()]  # noqa: SIM118
    return sorted((one for one in found if isinstance(one, EmailMessage)), key=lambda one: str(one["Message-ID"]))


def everything(database: Path) -> list[str]:
    """All that is in a database, as SQL."""
    connection = sqlite3.connect(database)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_the_right_papers_and_only_those_once(place: Path, run: Callable[..., Ran]) -> None:
    first = run("once", "--force", "--json", "--now", "2026-11-20T09:00Z")
    second = run("once", "--force", "--json", "--now", "2026-11-20T09:01Z")

    assert (first.code, first.json["digests"], first.json["delivered"]) == (0, 2, 2)
    assert first.json["sources"]["saved"] == {"state": "fresh", "new": 6, "changed": 0, "error": None, "warnings": []}
    assert (second.code, second.json["digests"], second.json["delivered"]) == (0, 0, 0)
    ada = next(one for one in mails(place) if one["Delivered-To"] == "ada@example.org")
    titles = re.findall(r"^\* (.*)", text_of(ada), re.MULTILINE)
    assert [title.split(":")[0].split(",")[0] for title in sorted(titles)] == [
        "KV Cache Compression by Forgetting Politely",
        "Larkspur",
        "Linear Attention",
    ]


def test_only_what_is_new_is_told_and_alerts_are_not_repeated(place: Path, run: Callable[..., Ran]) -> None:
    run("once", "--now", "2026-11-20T06:00Z")  # the first collection never alerts
    assert not (place / "mail").exists()
    morning = run("once", "--json", "--now", "2026-11-20T08:00Z")
    assert (morning.json["digests"], morning.json["alerts"]) == (1, 0)

    (place / "pages" / "second.txt").write_bytes((EXAMPLES / "2026-11-21.txt").read_bytes())
    alert = run("once", "--json", "--now", "2026-11-20T09:00Z")
    assert (alert.json["digests"], alert.json["alerts"], alert.json["delivered"]) == (0, 1, 1)
    next_day = run("once", "--json", "--now", "2026-11-21T08:00Z")
    assert (next_day.json["digests"], next_day.json["alerts"]) == (0, 0)  # the alert told it
    assert run("status", "--json").json["accounts"]["matched"] == 4


def test_who_leaves_the_file_gets_nothing_more_and_the_others_go_on(place: Path, run: Callable[..., Ran]) -> None:
    run("once", "--force", "--now", "2026-11-20T09:00Z")
    (place / "config.toml").write_text(CONFIG)
    (place / "pages" / "second.txt").write_bytes((EXAMPLES / "2026-11-21.txt").read_bytes())
    run("once", "--force", "--now", "2026-11-21T09:00Z")
    people = {one["email"]: one["status"] for one in run("status", "--json").json["subscribers"]}

    assert people == {"ada@example.org": "active", "bob@example.org": "removed"}
    assert sorted(one["Delivered-To"] for one in mails(place)) == [
        "ada@example.org",
        "ada@example.org",
        "bob@example.org",
    ]


def test_a_source_that_fails_is_named_and_the_rest_is_delivered(place: Path, run: Callable[..., Ran]) -> None:
    (place / "config.toml").write_text(
        CONFIG
        + '[[sources]]\nname = "dead"\ntype = "feed"\nurl = "http://127.0.0.1:9/f.xml"\nprivate = true\n'
        + '[[sources]]\nname = "lost"\ntype = "page"\nlocation = "nowhere/*.txt"\n'
    )
    ran = run("once", "--force", "--now", "2026-11-20T09:00Z")
    status = {one["name"]: one for one in run("status", "--json").json["sources"]}

    assert ran.code == 1
    assert "Delivered 1 message" in ran.out
    assert "connection refused" in ran.out
    assert (status["dead"]["state"], status["lost"]["state"], status["saved"]["state"]) == (
        "failing",
        "failing",
        "fresh",
    )
    assert "connection refused" in status["dead"]["reason"]
    assert "dead is failing" in text_of(mails(place)[0])


def test_five_mistakes_are_reported_at_once_with_their_lines(place: Path, run: Callable[..., Ran]) -> None:
    wrong = CONFIG.replace('type = "page"', 'type = "pgae"').replace("Europe/London", "Europe/Londn")
    wrong = wrong.replace('"daily 07:30"', '"dayly 07:30"').replace("trending = 0", "trendin = 0")
    wrong = wrong.replace('"KV cache"', '"KV cache OR ("').replace("exclude", "exclud")
    (place / "config.toml").write_text(wrong)
    ran = run("check")

    assert ran.code == 2
    for number, line in enumerate(wrong.splitlines(), 1):
        for mistake in ("pgae", "Londn", "dayly", "trendin =", "exclud "):
            if mistake in line:
                assert f"line {number}:" in ran.err, mistake
    assert "did you mean" in ran.err


@pytest.mark.parametrize(
    ("own", "wanted"), [("", "Freitag, 20. November"), ('language = "fr"\n', "vendredi 20 novembre")]
)
def test_letters_speak_the_subscribers_language_else_the_house_s(
    place: Path, run: Callable[..., Ran], own: str, wanted: str
) -> None:
    config = f'language = "de"{CONFIG}'.replace('timezone = "Europe/London"\n', f'timezone = "Europe/London"\n{own}')
    (place / "config.toml").write_text(config)
    run("collect", "--now", "2026-11-20T07:00Z")
    run("preview", "ada@example.org", "--out", "seen", "--now", "2026-11-20T08:00Z")
    [text] = (place / "seen").glob("*.txt")
    assert wanted in text.read_text(encoding="utf-8")


def test_checking_and_previewing_change_nothing(place: Path, run: Callable[..., Ran]) -> None:
    assert run("check").code == 0
    assert not (place / "paperlark.db").exists()
    run("collect", "--now", "2026-11-20T06:00Z")
    before = everything(place / "paperlark.db")
    preview = run("preview", "ada@example.org", "--out", "seen", "--now", "2026-11-20T08:00Z")
    check = run("check", "--json")

    assert everything(place / "paperlark.db") == before
    assert preview.code == 0
    assert sorted(path.suffix for path in (place / "seen").iterdir()) == [".eml", ".html", ".txt"]
    assert "Larkspur" in (place / "seen" / "ada@example.org.txt").read_text()
    assert check.json["changes"] == ["ada@example.org: new subscriber", "bob@example.org: new subscriber"]


def test_a_digest_goes_out_once_for_its_slot_however_often_it_is_asked_for(
    place: Path, run: Callable[..., Ran]
) -> None:
    run("once", "--now", "2026-11-20T06:00Z")
    counts = [
        run("once", "--json", "--now", moment).json["digests"]
        for moment in ("2026-11-20T07:29:30Z", "2026-11-20T07:30Z", "2026-11-20T07:30Z", "2026-11-20T23:00Z")
    ]

    assert counts == [0, 1, 0, 0]


def test_the_three_steps_alone(place: Path, run: Callable[..., Ran]) -> None:
    assert run("collect", "--json", "--now", "2026-11-20T06:00Z").json["sources"]["saved"]["new"] == 6
    assert run("compose", "--force", "--json", "--now", "2026-11-20T06:01Z").json == {"digests": 2, "alerts": 0}
    assert run("status", "--json").json["accounts"]["waiting"] == 9
    assert run("deliver", "--json", "--now", "2026-11-20T06:02Z").json["delivered"] == 2
    assert run("deliver", "--json", "--now", "2026-11-20T06:03Z").json["delivered"] == 0
    assert run("deliver", "--now", "2026-11-20T06:03Z").out.startswith("Nothing waits to be sent.\n")


def test_reading_a_source_without_any_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[..., Ran]
) -> None:
    monkeypatch.chdir(tmp_path)
    listings = run("read", "page", str(EXAMPLES / "2026-11-20.txt"), "--json")
    nothing = run("read", "page", "nowhere.txt")
    unknown = run("read", "pgae", "x")

    assert listings.code == 0
    assert len(listings.json) == 6
    assert {"key", "title", "abstract", "authors", "source", "sources", "version", "announce_type", "listed"} <= set(
        listings.json[0]
    )
    assert (nothing.code, unknown.code) == (2, 2)
    assert "page" in unknown.err


@pytest.mark.parametrize(("name", "papers"), [("000", 73), ("001", 65), ("004", 229)])
def test_the_dumps_give_exactly_the_papers_that_are_there(
    fixtures: Path, run: Callable[..., Ran], name: str, papers: int
) -> None:
    (dump,) = (fixtures / "hf_page_text").glob(f"{name}_*.txt")
    listings = run("read", "page", str(dump), "--json").json

    assert len(listings) == papers
    assert not {"new", "Subscribe", "Daily Papers"} & {one["title"] for one in listings}


def test_subscribers_kept_in_the_database(place: Path, run: Callable[..., Ran]) -> None:
    added = run("subscribers", "add", "cyd@example.org", "--keyword", "survey", "--digest", "daily 08:00")
    twice = run("subscribers", "add", "cyd@example.org")
    in_file = run("subscribers", "add", "ada@example.org")
    exported = run("subscribers", "export")
    paused = run("subscribers", "pause", "cyd@example.org", "--until", "2099-01-01")
    run("once", "--force", "--now", "2026-11-20T09:00Z")
    listed = {one["email"]: one for one in run("subscribers", "list", "--json").json}
    resumed = run("subscribers", "resume", "cyd@example.org")
    removed = run("subscribers", "remove", "cyd@example.org")
    refused = run("subscribers", "remove", "ada@example.org")

    assert [one.code for one in (added, twice, in_file, paused, resumed, removed, refused)] == [0, 2, 2, 0, 0, 0, 2]
    assert json.loads(exported.out)["email"] == "cyd@example.org"
    assert (listed["cyd@example.org"]["status"], listed["cyd@example.org"]["origin"]) == ("paused", "database")
    assert "cyd@example.org" not in [one["Delivered-To"] for one in mails(place)]


def test_importing_many_subscribers_or_none(place: Path, run: Callable[..., Ran]) -> None:
    lines = [json.dumps({"email": f"r{number}@example.org", "digest": "daily 07:30"}) for number in range(200)]
    (place / "many.jsonl").write_text("\n".join(lines))
    (place / "wrong.jsonl").write_text(lines[0] + '\n{"email": "not an address"}\n{"email": "ada@example.org"}\n')
    wrong = run("subscribers", "import", "wrong.jsonl")
    good = run("subscribers", "import", "many.jsonl")
    again = run("subscribers", "import", "many.jsonl")

    assert (wrong.code, good.code, again.code) == (2, 0, 0)
    assert "line 2" in wrong.err
    assert "nothing was imported" in wrong.err
    assert "200 subscribers" in good.out
    assert "200 were known already" in again.out


def test_init_writes_a_configuration_that_loads_and_never_overwrites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[..., Ran]
) -> None:
    monkeypatch.chdir(tmp_path)
    first = run("init", "new/place")
    written = (tmp_path / "new/place/config.toml").read_bytes()
    second = run("init", "new/place")
    checked = run("check", "--config", "new/place/config.toml")

    assert (first.code, second.code, checked.code) == (0, 2, 0)
    assert (tmp_path / "new/place/config.toml").read_bytes() == written


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("once", "--nonsense"),
        ("once", "--now", "yesterday"),
        ("preview", "nobody@example.org"),
        ("check", "--config", "nowhere.toml"),
        ("--config", "nowhere.toml", "status"),
        ("subscribers", "pause", "ada@example.org", "--until", "soon"),
        ("explain", "ada@example.org", "no such paper"),
        ("backtest", "only ("),
        ("why", "<nothing@example.org>"),
        ("inbox",),
    ],
)
def test_what_the_user_must_mend_is_said_without_a_traceback(
    place: Path, run: Callable[..., Ran], arguments: tuple[str, ...]
) -> None:
    ran = run(*arguments)

    assert ran.code == 2
    assert ran.err.strip()


def test_global_options_may_stand_anywhere(place: Path, run: Callable[..., Ran]) -> None:
    (place / "config.toml").rename(place / "other.toml")
    before = run("--config", "other.toml", "check", "--json")
    after = run("check", "--json", "--config=other.toml")

    assert (before.code, after.code) == (0, 0)
    assert before.json == after.json
    assert run("once", "--quiet", "--config", "other.toml").out == ""


def test_status_counts_subscribers_it_would_take_long_to_read_about(place: Path, run: Callable[..., Ran]) -> None:
    people = "".join(f'{{"email": "r{number}@example.org", "digest": "daily 06:00"}}\n' for number in range(60))
    (place / "people.jsonl").write_text(people)
    run("subscribers", "import", "people.jsonl")
    said = run("status").out
    assert re.search(r"^  6\d active; next digest 20", said, re.MULTILINE)
    assert "`paperlark subscribers list` names them" in said
    assert "r17@example.org" not in said
    assert "r17@example.org" in {one["email"] for one in run("status", "--json").json["subscribers"]}


def test_why_and_who_tell_what_became_of_a_message_and_a_paper(place: Path, run: Callable[..., Ran]) -> None:
    run("once", "--force", "--now", "2026-11-20T09:00Z")
    ada = next(one for one in mails(place) if one["Delivered-To"] == "ada@example.org")
    life = run("why", str(ada["Message-ID"]), "--json").json
    who = run("who", "Linear Attention, Revisited by a Numerical Analyst", "--json").json
    explained = run("explain", "ada@example.org", "Linear Attention, Revisited by a Numerical Analyst", "--json").json
    not_matched = run("explain", "ada@example.org", "Do Language Models Know When They Were Born?")

    assert (life["email"], life["state"], len(life["papers"])) == ("ada@example.org", "sent", 3)
    assert {one["email"] for one in who} == {"ada@example.org", "bob@example.org"}
    assert explained["matched"] is True
    assert {"term", "true", "field", "text"} <= set(explained["terms"][0])
    assert "went out" in explained["told"][0]
    assert "Not told: no profile matches" in not_matched.out


def test_the_worker_works_and_stops_at_sigterm(place: Path) -> None:
    late = CONFIG.replace('"daily 07:30"', '"off"')
    (place / "config.toml").write_text(late + BOB.replace("weekly mon 08:00", "daily 00:00"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    worker = subprocess.Popen(
        [sys.executable, "-m", "bot", "--verbose", "run"], cwd=place, env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            status = subprocess.run(
                [sys.executable, "-m", "bot", "status", "--json"],
                check=False,
                cwd=place,
                env=environment,
                capture_output=True,
                text=True,
            )
            if status.returncode == 0 and any(one["state"] == "fresh" for one in json.loads(status.stdout)["sources"]):
                break
        else:
            pytest.fail("the worker never collected")
        worker.send_signal(signal.SIGTERM)
        worker.send_signal(signal.SIGTERM)  # twice, as some platforms do
        assert worker.wait(timeout=26) == 0
    finally:
        worker.kill()
        _, err = worker.communicate()
    assert "Traceback" not in err


def test_a_backup_and_a_copy_tell_nothing_again(place: Path, run: Callable[..., Ran]) -> None:
    run("once", "--force", "--now", "2026-11-20T08:00+00:00")
    sent = len(mails(place))
    assert run("backup", "kept.db").code == 0
    again = run("backup", "kept.db")
    assert (again.code, "exists already" in again.err) == (2, True)

    copied = run("copy-to", f"sqlite:///{place}/new.db", "--json").json["rows"]
    refused = run("copy-to", f"sqlite:///{place}/new.db")
    nonsense = run("copy-to", "nonsense:")
    unknown = run("copy-to", "mysql://u:hush@127.0.0.1/x")
    (place / "paperlark.db").unlink()
    (place / "new.db").rename(place / "paperlark.db")
    run("once", "--force", "--now", "2026-11-20T08:05+00:00")

    assert copied["paper"] > 0
    assert (refused.code, "not empty" in refused.err) == (2, True)
    assert (nonsense.code, "Traceback" not in nonsense.err) == (2, True)
    assert (unknown.code, "mysql" in unknown.err, "hush" in unknown.err) == (2, True, False)
    assert len(mails(place)) == sent > 0


@pytest.mark.parametrize("verb", ["once", "collect", "compose", "deliver", "status", "check"])
@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59Z", "0001-01-01", "0001-01-01T00:00+14:00"])
def test_a_moment_at_the_end_of_the_calendar_is_refused(
    place: Path, run: Callable[..., Ran], verb: str, moment: str
) -> None:
    ran = run(verb, "--now", moment)
    assert (ran.code, ran.out) == (2, "")
    assert "give a year from 1970 to 2999" in ran.err


def test_a_taste_is_learnt_from_a_library(place: Path, run: Callable[..., Ran]) -> None:
    titles = [f"Sparse attention for {what}" for what in ("text", "sound", "video", "code", "graphs", "maps")]
    entries = "".join(f"@article{{k{n}, title = {{{title}}}}}\n" for n, title in enumerate(titles))
    (place / "papers.bib").write_text(entries + "@misc{broken, author = {Nobody}}\n")
    run("collect", "--now", "2026-11-20T08:00Z")

    learnt = run("taste", "ada@example.org", "--library", "papers.bib", "--now", "2026-11-20T09:00Z", "--json").json
    said = run("taste", "ada@example.org", "--library", "papers.bib", "--now", "2026-11-20T09:00Z")
    few = run("taste", "ada@example.org", "--now", "2026-11-20T09:00Z")
    gone = run("taste", "ada@example.org", "--library", "none.bib")

    assert {"sparse", "attention"} <= {one["word"] for one in learnt["words"]}
    assert (learnt["liked"], [one.partition(": ")[2] for one in learnt["problems"]]) == (
        6,
        ["entry broken has no title"],
    )
    assert "Attention" in learnt["best"][0]["title"]
    assert f'query = "{learnt["query"]}"' in said.out
    assert (few.code, "Too little to learn" in few.err) == (2, True)
    assert (gone.code, "cannot be read" in gone.err) == (2, True)


def test_the_demo_tells_the_story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[..., Ran]) -> None:
    monkeypatch.chdir(tmp_path)
    began = time.monotonic()
    ran = run("demo")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").touch()
    refused = run("demo", "--out", "mine")

    assert ran.code == 0
    assert time.monotonic() - began < 20
    first, second, third = re.split(r"(?:Second|Third) pass", ran.out)
    assert len(re.findall("got:", first)) == 3
    assert "ada@example.org got: 21 Nov: " in second
    assert "no mail" in third
    assert (refused.code, (tmp_path / "mine" / "precious").exists()) == (2, True)
