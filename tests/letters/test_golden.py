"""Letters as files: every sample looks as its files in `golden` say. PAPERLARK_ACCEPT=1 rewrites them for review."""

import os
from pathlib import Path

import pytest

from bot.core.letter import samples
from bot.core.letter.letter import Letter

GOLDEN = Path(__file__).parent / "golden"
ACCEPT = os.environ.get("PAPERLARK_ACCEPT") == "1"
TEXT_ONLY = {"too_big", "two_hundred"}  # their HTML says nothing that the others do not


def shown(name: str, letter: Letter) -> dict[str, str]:
    files = {f"{name}.txt": f"Subject: {letter.subject}\n\n{letter.text_page}"}
    if name not in TEXT_ONLY:
        files[f"{name}.html"] = letter.html_page
    return files


@pytest.mark.parametrize("name", samples.all_editions())
def test_letter(name: str, letters: dict[str, Letter]) -> None:
    for file, content in shown(name, letters[name]).items():
        golden = GOLDEN / file
        if ACCEPT:
            golden.parent.mkdir(exist_ok=True)
            golden.write_text(content, encoding="utf-8", newline="\n")
        assert golden.read_text(encoding="utf-8") == content, f"{golden} differs; `make accept` if it should"


def test_no_golden_file_is_left_over(letters: dict[str, Letter]) -> None:
    wanted = {file for name, letter in letters.items() for file in shown(name, letter)}
    for file in GOLDEN.iterdir():
        if ACCEPT and file.name not in wanted:
            file.unlink()
    assert {file.name for file in GOLDEN.iterdir()} == wanted
