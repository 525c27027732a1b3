"""`read` on a file of every kind: what a person tries before configuring anything, so no setting may be asked for."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.cli import main
from bot.sources import SOURCES

RECORDED = Path(__file__).resolve().parents[1] / "sources" / "recorded"
ANSWERS = sorted(path for path in RECORDED.glob("*/*.expected.json"))


Read = Callable[..., tuple[int, str, str]]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Read:
    """The verb as the command runs it: exit code, stdout, stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["paperlark", "read", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, said = capsys.readouterr()
        return int(ended.value.code or 0), out, said

    return run


def test_there_is_one_of_every_kind() -> None:
    assert {path.parent.name for path in ANSWERS} == set(SOURCES)


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_of_every_kind_is_read_without_any_setting(path: Path, read: Read) -> None:
    expected = json.loads(path.read_text("utf-8"))
    file = path.with_name(path.name.removesuffix(".expected.json"))
    if "error" in expected or "follow" in expected:
        pytest.skip("an answer that leads to others, or that is refused")
    code, out, said = read(path.parent.name, str(file), "--json")
    assert (code, said.count("Error")) == (0, 0), said
    titles = [one["title"] for one in json.loads(out)]
    assert set(titles) >= {one["title"] for one in expected.get("listings", [])}  # the recorded settings may leave out
    assert bool(titles) == bool(expected.get("listings"))


@pytest.mark.parametrize("kind", SOURCES)
def test_what_is_none_is_refused_and_named(kind: str, tmp_path: Path, read: Read) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("<html><title>Sign in</title></html>", "utf-8")
    code, out, said = read(kind, str(tmp_path / "*.txt"))
    assert (code, out) == (2, "")
    assert "a.txt" in said
    assert "Traceback" not in said


def test_an_unknown_kind_and_a_wrong_option(read: Read) -> None:
    assert "known are page, huggingface" in read("telepathy", "x")[2]
    assert 'did you mean "feed"?' in read("RSS", "x")[2]
    assert 'did you mean "huggingface"?' in read("hugingface", "x")[2]
    assert "known keys" in read("feed", "x", "-o", "colour=red")[2]
