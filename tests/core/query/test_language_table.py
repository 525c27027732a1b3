"""The example table of the language's contract, read from the contract itself when it lies beside the repository."""

import re
from pathlib import Path

import pytest

from bot.core.matching import Matcher
from bot.core.papers import Paper
from bot.core.query import parse
from bot.core.query.evaluate import matches

CONTRACT = Path(__file__).resolve().parents[3].parent / "shared" / "LANGUAGE.md"


def paper(case: str) -> Paper:
    """A paper from the table's shorthand: "T | A", "authors A, B", "x, upvotes 3"."""
    lists = {"authors": "authors", "categories": "categories", "sources": "sources"}
    head, _, rest = case.partition(" ")
    if head in lists:
        return Paper("k", "", **{lists[head]: tuple(rest.split(", "))})
    if head == "organization":
        return Paper("k", "", organization=rest)
    if found := re.fullmatch(r"(?:(.*), )?upvotes (\d+|unknown)|no upvotes", case):
        return Paper("k", found[1] or "", upvotes=int(found[2]) if (found[2] or "").isdigit() else None)
    title, _, abstract = case.partition(" ¦ ")
    return Paper("k", title, abstract)


def cases() -> list[tuple[str, str, bool]]:
    if not CONTRACT.exists():
        return []
    found = []
    for line in CONTRACT.read_text(encoding="utf-8").splitlines():
        if row := re.fullmatch(r"\| `(.+?)` \| (.+?) \| (.+?) \|", line.replace("\\|", "¦")):
            for cell, true in ((row[2], True), (row[3], False)):
                found += [(row[1], case.strip(), true) for case in cell.split(";")]
    return found


@pytest.mark.skipif(not CONTRACT.exists(), reason="the contract does not lie beside the repository")
def test_the_table_was_found() -> None:
    assert len(cases()) > 80


@pytest.mark.parametrize(("query", "case", "true"), cases())
def test_example(query: str, case: str, true: bool) -> None:
    assert matches(parse(query), paper(case)) is true
    assert len(Matcher([parse(query)]).match([paper(case)]).pairs()[0]) == true
