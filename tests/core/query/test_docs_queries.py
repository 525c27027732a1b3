"""Every example of docs/queries.md, as it stands on the page."""

import re
import tomllib
from pathlib import Path

import pytest

from bot.core.matching import Matcher
from bot.core.papers import Paper
from bot.core.query import QueryError, parse, profile_query
from bot.core.query.evaluate import matches

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "queries.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The rows of all tables whose head begins so."""
    found: list[list[str]] = []
    inside = False
    for line in PAGE.splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        inside = bool(cells) and (inside or cells[0] == heading)
        if inside and cells[0] != heading and set(cells[0]) != {"-"}:
            found.append([cells[0].strip("`"), *cells[1:]])
    return found


def paper(told: str) -> Paper:
    for begin, field in (("by ", "authors"), ("in ", "categories"), ("listed by ", "sources")):
        if told.startswith(begin):
            return Paper("k", "", **{field: tuple(told.removeprefix(begin).split(", "))})
    if told.startswith("from "):
        return Paper("k", "", organization=told.removeprefix("from "))
    title, _, abstract = told.partition(" | ")
    if found := re.fullmatch(r"(.*?) ?with (\d+) upvotes", title):
        return Paper("k", found[1], upvotes=int(found[2]))
    return Paper("k", title, abstract)


@pytest.mark.parametrize(("query", "finds", "not_this"), rows("query"))
def test_an_example(query: str, finds: str, not_this: str) -> None:
    assert matches(parse(query), paper(finds))
    assert not matches(parse(query), paper(not_this))
    assert Matcher([parse(query)]).match([paper(not_this), paper(finds)]).pairs()[1].tolist() == [1]


@pytest.mark.parametrize(("query", "column", "because"), rows("refused"))
def test_a_refusal(query: str, column: str, because: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(query)
    assert caught.value.column == int(column)
    assert because in str(caught.value)


def test_the_message_on_the_page() -> None:
    (shown,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    with pytest.raises(QueryError) as caught:
        parse(shown.splitlines()[0])
    assert shown == f"{caught.value.pointer()}\n{caught.value}\n"


def test_the_first_profile_on_the_page() -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert str(profile_query(**tomllib.loads(shown))) == (
        '("sparse attention" OR "linear attention" OR "kv cache") NOT survey'
    )


def test_the_page_was_read() -> None:
    assert len(rows("query")) > 30
    assert len(rows("refused")) > 5
