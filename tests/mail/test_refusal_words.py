"""Whom a refusal speaks of, in many wordings and languages: the cases are in refusal_words.txt."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.mail.refusal_words import reason, same


def cases() -> list[tuple[str, str]]:
    found, meant = [], ""
    for line in (Path(__file__).parent / "refusal_words.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            meant = line.strip("[]")
        elif line and not line.startswith("#"):
            found.append((meant, line))
    return found


@pytest.mark.parametrize(("meant", "words"), cases())
def test_what_a_refusal_speaks_of(meant: str, words: str) -> None:
    assert reason(words) == meant
    assert reason(words.upper()) == meant
    assert reason(f"550 {words}") == meant


def test_the_address_itself_says_nothing() -> None:
    assert reason("<spam.policy@relay-block.example>: no such user") == "no such address"
    assert reason("user unknown at antispam.example.org") == "no such address"


def test_the_same_words_to_several_people_are_the_same() -> None:
    assert same("550 5.1.1 <ada@a.example>: unknown (id 4711)") == same("550 5.1.1 <bob@b.example>: unknown (id 9)")
    assert same("550 unknown") != same("550 blocked")


@given(st.text(max_size=300))
def test_any_words_have_a_meaning(words: str) -> None:
    assert reason(words) in ("us", "no such address", "mailbox", "too big", "")


@pytest.mark.parametrize(
    "piece", ["user ", "sender ", "a.", "a@", "x", "no ", "block list ", "http://", "用户", "-. ", "not "]
)
def test_long_repetitions_are_read_at_once(piece: str) -> None:
    began = time.perf_counter()
    reason(piece * 100_000)
    assert time.perf_counter() - began < 1
