"""One profile for many, from the file to everybody's letters."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from bot.cli import main
from bot.store import Database, history, subscribers, thumbs

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "pages"
CONFIG = """
database = "sqlite:///paperlark.db"
[mail]
from = "Paperlark <digest@example.org>"
url = "outbox:outbox"
[[sources]]
name = "saved"
type = "page"
location = "pages/*.txt"
[[profiles]]
name = "Lab reading"
keywords = ["sparse attention"]
[[subscribers]]
email = "ada@example.org"
digest = "daily 07:30"
trending = 0
shared = ["Lab reading"]
[[subscribers]]
email = "grace@example.org"
digest = "weekly mon 08:00"
trending = 0
shared = ["Lab reading"]
[[subscribers.profiles]]
name = "Small models"
query = "title:small"
"""
STREAMS = "Sliding-Window Sparse Attention for Streams That Never End"

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pages").mkdir()
    shutil.copy(EXAMPLES / "2026-11-20.txt", tmp_path / "pages")
    (tmp_path / "config.toml").write_text(CONFIG)

    def run(verb: str, now: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["paperlark", verb, "--now", now])
        with pytest.raises(SystemExit) as ended:
            main()
        out, said = capsys.readouterr()
        assert "Traceback" not in out + said
        return int(ended.value.code or 0), out

    return run


def letters(place: Path) -> dict[str, str]:
    """The text of each letter by its reader; they are taken out of the outbox."""
    found = {}
    for path in (place / "outbox").glob("*.eml"):
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        body = message.get_body(("plain",))
        assert body is not None
        assert message["To"] not in found, "one letter each"
        found[str(message["To"])] = " ".join(body.get_content().split())
        path.unlink()
    return found


def test_everybody_gets_the_shared_profile_on_their_own_clock(tmp_path: Path, run: Run) -> None:
    assert run("once", "2026-11-20T12:00Z")[0] == 0  # a Friday: everybody is new
    letters(tmp_path)
    shutil.copy(EXAMPLES / "2026-11-21.txt", tmp_path / "pages")

    assert run("once", "2026-11-21T07:31Z")[0] == 0
    (ada,) = letters(tmp_path).items()
    assert ada[0] == "ada@example.org"
    assert "Lab reading" in ada[1]
    assert STREAMS in ada[1]

    assert run("once", "2026-11-23T08:01Z")[0] == 0
    (grace,) = letters(tmp_path).items()
    assert grace[0] == "grace@example.org"
    assert STREAMS in grace[1]
    assert grace[1].index("Small models") < grace[1].index("Lab reading")


def test_a_changed_shared_profile_is_changed_for_everybody_and_tells_nothing_old(tmp_path: Path, run: Run) -> None:
    shutil.copy(EXAMPLES / "2026-11-21.txt", tmp_path / "pages")
    run("once", "2026-11-21T12:00Z")
    run("once", "2026-11-23T08:01Z")
    letters(tmp_path)
    (tmp_path / "config.toml").write_text(CONFIG.replace("sparse attention", "mixture of experts"))

    _, said = run("check", "2026-11-23T09:00Z")
    assert said.count("shared profile Lab reading: changed for 2 subscribers") == 1
    assert said.count("Lab reading: would have brought 2 papers ") == 1
    assert "ada@example.org: changed" not in said
    assert "grace@example.org: changed" not in said
    assert said.count('Lab reading: "mixture of experts"') == 1
    assert said.count("    shared: Lab reading\n") == 2

    assert run("once", "2026-11-24T07:31Z")[0] == 0
    assert letters(tmp_path) == {}


def test_check_says_of_many_who_share_a_changed_profile_one_line(tmp_path: Path, run: Run) -> None:
    people = "".join(
        f'[[subscribers]]\nemail = "s{n}@example.org"\ntrending = 0\nshared = ["Lab reading"]\n' for n in range(50)
    )
    file = tmp_path / "config.toml"
    file.write_text(CONFIG + people)
    run("once", "2026-11-21T12:00Z")
    course = '[[profiles]]\nname = "Course"\nquery = "enzymes"\n'
    changed = (CONFIG + people).replace("sparse attention", "mixture of experts")
    changed = changed.replace('shared = ["Lab reading"]', 'shared = ["Lab reading", "Course"]')
    file.write_text(changed.replace('email = "s7@example.org"', 'email = "s7@example.org"\nmax_papers = 3') + course)
    _, said = run("check", "2026-11-23T09:00Z")

    changes = said.partition("The next run will change")[2].splitlines()
    assert [line.strip() for line in changes if "changed" in line or "new for" in line] == [
        "s7@example.org: changed",
        "shared profile Lab reading: changed for 52 subscribers",
        "shared profile Course: new for 52 subscribers",
    ]
    assert sum("would have brought" in line for line in changes) == 2


def test_a_letter_says_how_many_colleagues_saved_a_paper(run: Run, tmp_path: Path) -> None:
    """Of one alone nothing is told, nor of those who do not share the profile."""
    file = tmp_path / "config.toml"
    more = [
        f'[[subscribers]]\nemail = "{name}@example.org"\ntrending = 0\nshared = ["Lab reading"]\n'
        for name in ("mary", "emmy")
    ]
    stranger = '[[subscribers]]\nemail = "eve@example.org"\n[[subscribers.profiles]]\nkeywords = ["attention"]\n'
    asked = CONFIG.replace('keywords = ["sparse attention"]', 'keywords = ["sparse attention"]\ncolleagues = true')
    file.write_text(asked + "".join(more) + stranger)
    assert run("once", "2026-11-20T12:00Z")[0] == 0  # everybody is new
    letters(tmp_path)
    now = "2026-11-21T07:31Z"
    shutil.copy(EXAMPLES / "2026-11-21.txt", tmp_path / "pages")
    assert run("collect", now)[0] == run("compose", now)[0] == 0
    database = Database(f"sqlite:///{tmp_path / 'paperlark.db'}")
    with database.write() as tx:
        [paper] = [one for one, found in history.by_ids(tx, range(1, 100)).items() if found.title == STREAMS]
        for name in ("grace", "mary", "eve"):
            stored = subscribers.by_email(tx, f"{name}@example.org")
            assert stored is not None
            thumbs.give(tx, stored.id, paper, "save", datetime(2026, 11, 23, tzinfo=UTC))
    run("deliver", now)
    sent = letters(tmp_path)

    assert "2 colleagues saved this" in sent["ada@example.org"]
    assert "2 colleagues saved this" in sent["emmy@example.org"]
    assert "saved this" not in sent["mary@example.org"]
    assert "saved this" not in sent["eve@example.org"]
