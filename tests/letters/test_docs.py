"""docs/letters.md names every template and everything a template can use."""

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from bot.core.letter import notices
from bot.core.letter.letter import NoticeName
from bot.core.letter.letter_view import Imprint, LetterHead, LetterView, NamedPaper, SectionView, SourceLine
from bot.core.letter.localize import Words
from bot.core.letter.matched_words import Why
from bot.core.letter.paper_view import Authors, Link, PaperView

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs" / "letters.md").read_text(encoding="utf-8")


def test_every_template_is_described_and_none_that_does_not_exist() -> None:
    described = set(re.findall(r"`([\w.]+\.(?:html|txt|css))`", DOCS.split("### `letter`")[0]))
    assert described == {file.name for file in (ROOT / "templates").iterdir() if file.is_file()}


def test_every_short_mail_is_described() -> None:
    assert {file.stem for file in (ROOT / "templates" / "notices").iterdir()} == set(get_args(NoticeName))
    for name, values in notices.EXAMPLES.items():
        for one in (name, *values):
            assert f"`{one}`" in DOCS, one


@pytest.mark.parametrize("kind", [LetterView, LetterHead, SectionView, SourceLine, PaperView])
def test_every_field_is_described(kind: type) -> None:
    for field in fields(kind):
        assert f"`{field.name}`" in DOCS, f"{kind.__name__}.{field.name}"


@pytest.mark.parametrize("kind", [Imprint, NamedPaper, Authors, Link, Why])
def test_every_part_of_a_value_is_described(kind: type) -> None:
    for name in kind._fields:  # type: ignore[attr-defined]
        assert f"`{name}`" in DOCS, f"{kind.__name__}.{name}"


def test_every_word_is_described() -> None:
    for name in vars(Words):
        if not name.startswith("_") and name != "state":
            assert f"`words.{name}" in DOCS, name
