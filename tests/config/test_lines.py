"""The lines of keys: for any TOML, each value is found on the line it begins on."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path as File
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.config.lines import line_of, lines_of
from bot.core.subscriber.validation import Path


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from leaves(item, (*path, number))
    else:
        yield path, str(value)


def check(text: str) -> int:
    """Every value of the text holds a word that stands nowhere else; it must be found where it stands."""
    lines = lines_of(text)
    count = 0
    for path, value in leaves(tomllib.loads(text)):
        word = re.match(r"\w+", value)[0]  # type: ignore[index]
        assert text.count(word) == 1, f"the test itself is wrong: {word}"
        assert lines[path] == text[: text.index(word)].count("\n") + 1, path
        count += 1
    return count


DOCUMENT = (File(__file__).parent / "every_form.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_form_of_toml(newline: str) -> None:
    text = DOCUMENT.replace("\r\n", "\n").replace("\n", newline)

    assert check(text) == 25


def test_tables_have_the_line_of_their_header() -> None:
    lines = lines_of(DOCUMENT)
    rows = DOCUMENT.split("\n")

    assert rows[lines["rows", 0] - 1] == "[[ rows ]]"
    assert rows[lines["rows", 1] - 1] == "[[rows]]"
    assert rows[lines["rows", 1, "deep", 0, "more"] - 1] == "[rows.deep.more]"
    assert rows[lines[("last",)] - 1] == "[last]"


def test_what_is_not_there_has_the_line_of_what_is_around_it() -> None:
    lines = lines_of("a = 1\n[t]\nx = [1,\n 2]\n")

    assert line_of(lines, ("t", "y")) == 2
    assert line_of(lines, ("t", "x", 1)) == 4
    assert line_of(lines, ("t", "x", 9)) == 3
    assert line_of(lines, ("nothing",)) == 1
    assert line_of(lines_of(""), ("nothing",)) == 1


# A grammar of documents whose every value is a number of its own, so that each can be found again.
blanks = st.sampled_from(["", " ", "\t "])
gaps = st.sampled_from(["", " ", "\n", " # ] } \" '''\n", "\n\n\t"])
forms = st.sampled_from(['"{}"', "'{}'", '"""{}\n]"""', "'''{}\n['''", '"{}\\"]"', "{}", '"""{}"""""', '"{} # {{"'])


class Numbers:
    def __init__(self) -> None:
        self.next = 1_000_000


@st.composite
def values(draw: st.DrawFn, numbers: Numbers, depth: int = 2, inline: bool = False) -> str:
    kind = draw(st.sampled_from(["scalar", "scalar", "array", "table"])) if depth else "scalar"
    if kind == "scalar":
        numbers.next += 1
        form = draw(forms.filter(lambda form: not inline or "\n" not in form))
        return form.format(numbers.next)
    count = draw(st.integers(0, 3))
    if kind == "array":
        between = blanks if inline else gaps
        items = [f"{draw(between)}{draw(values(numbers, depth - 1, inline))}{draw(between)}" for _ in range(count)]
        return f"[{','.join(items)}]"
    pairs = [f"k{number} = {draw(values(numbers, depth - 1, True))}" for number in range(count)]
    return "{" + ", ".join(pairs) + "}"


@st.composite
def documents(draw: st.DrawFn) -> str:
    numbers = Numbers()
    text = ""
    for number in range(draw(st.integers(1, 6))):
        header = draw(st.sampled_from(["", f"[t{number}]\n", f"[t{number}.u]\n", "[[rows]]\n"]))
        if header == "" and text:
            header = "[[rows]] # again\n"
        text += draw(gaps.filter(lambda gap: gap == "" or gap.endswith("\n"))) + header
        if header.startswith("[[rows]]") and draw(st.booleans()):
            text += "[[rows.deep]]\n" * draw(st.integers(1, 2))
        for key in range(draw(st.integers(0, 3))):
            name = draw(st.sampled_from(["key{}", '"key {}"', "d{}.e", "'k.{}'"])).format(key)
            text += f"{draw(blanks)}{name}{draw(blanks)}={draw(blanks)}{draw(values(numbers))} # end\n"
    return text


@settings(max_examples=150, deadline=None)
@given(documents())
def test_any_document(text: str) -> None:
    lines = lines_of(text)
    for path, value in leaves(tomllib.loads(text)):
        number = value[:7]
        assert lines[path] == text[: text.index(number)].count("\n") + 1
