"""doctor: says what is wrong and how to put it right, and exits accordingly."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli import program

CONFIG = """
database = "sqlite:///p.db"
operator = "op@example.org"
[mail]
from = "Paperlark <digest@papers.example.org>"
url = "{url}"
bounces = "b+{{token}}@papers.example.org"
{more}
[[sources]]
type = "page"
location = "*.txt"
[[subscribers]]
email = "ada@example.org"
"""


@pytest.fixture
def doctor(tmp_path: Path) -> Callable[..., tuple[int, dict[str, Any]]]:
    def run(url: str, *arguments: str, more: str = "") -> tuple[int, dict[str, Any]]:
        file = tmp_path / "config.toml"
        file.write_text(CONFIG.format(url=url, more=more))
        file.chmod(0o644)
        result = CliRunner().invoke(program(), ["-c", str(file), "doctor", "--json", "--offline", *arguments])
        assert result.exit_code in (0, 1), result.output
        return result.exit_code, json.loads(result.stdout)

    return run


def said(report: dict[str, Any], level: str) -> str:
    return " | ".join(f"{one['what']} -> {one['fix']}" for one in report["findings"] if one["level"] == level)


def test_all_is_well(doctor: Any, relay: Any) -> None:
    server = relay()
    code, report = doctor(f"smtp://127.0.0.1:{server.port}", "--send", "ada@example.org")

    assert (code, report["problems"]) == (0, 0)
    assert {one["about"] for one in report["findings"]} == {"configuration", "database", "mail", "test message"}
    assert "WAL" in said(report, "fine")
    assert "a test message to ada@example.org was accepted" in said(report, "fine")
    ((recipient, content),) = server.accepted
    assert recipient == "ada@example.org"
    assert b"Paperlark: a test message" in content
    assert any(line.startswith("MAIL FROM:<b+") for line in server.commands)


def test_a_relay_that_refuses_us_is_a_problem_with_its_words_and_a_fix(doctor: Any, relay: Any) -> None:
    server = relay(lambda talk, line: "550 5.7.1 who are you" if line.startswith("MAIL") else None)
    code, report = doctor(f"smtp://127.0.0.1:{server.port}", "--send", "ada@example.org")

    assert (code, report["problems"]) == (1, 2)
    assert "5.7.1 who are you" in said(report, "problem")
    assert all(one["fix"] for one in report["findings"] if one["level"] != "fine")


def test_nobody_listening(doctor: Any) -> None:
    code, report = doctor("smtp://127.0.0.1:1")
    assert code == 1
    assert "cannot connect" in said(report, "problem")


def test_every_relay_and_the_inbox_are_looked_at(doctor: Any, relay: Any, tmp_path: Path) -> None:
    (tmp_path / "box" / "new").mkdir(parents=True)
    (tmp_path / "box" / "cur").mkdir()
    (tmp_path / "box" / "new" / "1").write_text("Subject: Undelivered\n\n")
    url, spare = f"smtp://127.0.0.1:{relay().port}", f"smtp://127.0.0.1:{relay().port}"
    well = f'fallback = ["{spare}"]\ninbox = "maildir:{tmp_path / "box"}"'
    code, report = doctor(url, more=well)
    assert (code, report["problems"]) == (0, 0)
    assert "can be read: there is unread mail" in said(report, "fine")
    assert [path.name for path in (tmp_path / "box" / "new").iterdir()] == ["1"]  # looking is not reading

    badly = 'fallback = ["smtp://127.0.0.1:1"]\ninbox = "imap://me:hunter2@127.0.0.1:1?tls=off"'
    code, report = doctor(url, more=badly)
    assert (code, report["problems"]) == (1, 2)
    assert [one["about"] for one in report["findings"] if one["level"] == "problem"] == ["fallback 1", "inbox"]
    assert "bounces and unsubscribes cannot be read: imap://127.0.0.1:1/INBOX" in said(report, "problem")
    assert "hunter2" not in json.dumps(report)


def test_a_password_for_all_to_read(doctor: Any, relay: Any) -> None:
    server = relay(features=("PIPELINING", "AUTH PLAIN"))
    _, report = doctor(f"smtp://me:hunter2@127.0.0.1:{server.port}")
    assert "everybody on this machine can read the password" in said(report, "advice")
    assert "hunter2" not in json.dumps(report)


@pytest.mark.parametrize(
    "more",
    [
        'inbox = "imaps://me:hunter2@127.0.0.1:1/INBOX"',
        'fallback = ["smtp://me:hunter2@127.0.0.1:1"]',
        '[web]\nmetrics_token = "hunter2hunter2"',
        '[[sources]]\ntype = "feed"\nname = "f"\nurl = "https://example.org/?api_key=hunter2"',
        '[[sources]]\ntype = "feed"\nname = "f"\nurl = "https://me:hunter2@example.org/"',
    ],
)
def test_any_secret_for_all_to_read(doctor: Any, more: str) -> None:
    _, report = doctor("outbox:out", more=more)
    assert "chmod o-r" in said(report, "advice")
    assert "hunter2" not in json.dumps(report)
    _, report = doctor("outbox:out")
    assert "chmod" not in said(report, "advice")


def test_an_address_that_is_none(tmp_path: Path) -> None:
    from bot.errors import UserError

    (tmp_path / "config.toml").write_text(CONFIG.format(url="outbox:out", more=""))
    result = CliRunner().invoke(
        program(), ["-c", str(tmp_path / "config.toml"), "doctor", "--offline", "--send", "nobody"]
    )
    assert isinstance(result.exception, UserError)
