"""Who is paused, has left, or chose another schedule by a link: every verb that speaks of them says the same."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli import main
from bot.pipeline import preferences
from bot.store import Database, subscribers
from bot.store.subscribers import StoredSubscriber

NOW = ("--now", "2026-11-20T12:00Z")  # a Friday
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
CONFIG = """
database = "sqlite:///paperlark.db"
[mail]
from = "Paperlark <digest@example.org>"
[[sources]]
name = "saved"
type = "page"
location = "pages/*.txt"
[[subscribers]]
email = "ada@example.org"
digest = "daily 07:30"
"""
EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "pages"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The program in a folder where one round is done."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["paperlark", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, said = capsys.readouterr()
        assert "Traceback" not in out + said
        return int(ended.value.code or 0), out, said

    monkeypatch.chdir(tmp_path)
    (tmp_path / "pages").symlink_to(EXAMPLES)
    (tmp_path / "config.toml").write_text(CONFIG)
    run("once", *NOW)
    return run


def change(act: Callable[[Database, StoredSubscriber], object]) -> None:
    database = Database("sqlite:///paperlark.db")
    with database.read() as tx:
        ada = subscribers.by_email(tx, "ada@example.org")
    assert ada is not None
    act(database, ada)
    database.close()


def next_due(run: Run, *verb: str) -> list[str | None]:
    """Ada's next digest, as these verbs have it."""
    shown = json.loads(run(*verb, "--json", *NOW)[1])
    people = shown if isinstance(shown, list) else shown["subscribers"]
    return [one["next_due"] for one in people if one["email"] == "ada@example.org"]


def everywhere(run: Run) -> list[str | None]:
    return [*next_due(run, "check"), *next_due(run, "status"), *next_due(run, "subscribers", "list")]


def test_a_schedule_chosen_by_a_link_is_the_one_that_check_shows(run: Run) -> None:
    assert everywhere(run) == ["2026-11-21T07:30:00+00:00"] * 3

    change(lambda database, ada: preferences.change(database, ada.id, {"digest": "weekly wed 09:00"}, AT))

    assert everywhere(run) == ["2026-11-25T09:00:00+00:00"] * 3
    said = run("check", *NOW)[1]
    assert "next digest Wed 25 Nov 2026 09:00" in said
    assert "chose by a link, whatever the file says: digest" in said


def test_who_is_paused_has_a_next_digest_only_after_the_pause(run: Run) -> None:
    run("subscribers", "pause", "ada@example.org", *NOW)

    assert everywhere(run) == [None] * 3
    assert "trending papers only; paused\n" in run("check", *NOW)[1]
    code, _, said = run("preview", "ada@example.org", "--next", *NOW)
    assert (code, "gets no digest: paused since 2026-11-20" in said) == (2, True)

    run("subscribers", "pause", "ada@example.org", "--until", "2026-12-24", *NOW)

    assert everywhere(run) == ["2026-12-24T00:00:00+00:00"] * 3
    assert "paused until 2026-12-24" in run("check", *NOW)[1]
    assert "paused until 2026-12-24" in run("status", *NOW)[1]
    assert run("preview", "ada@example.org", "--next", *NOW)[0] == 0


def test_who_left_has_no_next_digest(run: Run) -> None:
    def leave(database: Database, ada: StoredSubscriber) -> None:
        with database.write() as tx:
            subscribers.set_status(tx, ada.email, "unsubscribed", "by link", AT)

    change(leave)

    assert everywhere(run) == [None] * 3
    assert "unsubscribed, gets nothing" in run("check", *NOW)[1]
    assert run("preview", "ada@example.org", "--next", *NOW)[0] == 2


def test_who_was_removed_by_hand_is_named_and_not_taken_for_a_subscriber(run: Run, tmp_path: Path) -> None:
    run("subscribers", "add", "eve@example.org", *NOW)
    (tmp_path / "people.jsonl").write_text(run("subscribers", "export")[1] + '{"email": "new@example.org"}\n')
    run("subscribers", "remove", "eve@example.org", *NOW)

    code, _, said = run("subscribers", "add", "eve@example.org", *NOW)
    assert code == 2
    assert "removed since 2026-11-20" in said
    assert "paperlark subscribers resume eve@example.org" in said

    code, out, said = run("subscribers", "import", "people.jsonl", *NOW)
    assert (code, out.strip()) == (0, "Imported 1 subscriber; 1 were known already.")
    assert "get nothing: eve@example.org" in said
