"""The one line on a paper is the sentence a person would have chosen: labels on real abstracts and on some of ours.

`labels.txt` holds no text: its abstracts are read from the shared fixtures, where those are. A label is one or a few
sentences that say what the paper is about; of an abstract that gives both, what is new or what was found will do.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.letter import one_line
from bot.core.letter.excerpts import sentences
from bot.core.source.document import Document, Request
from bot.core.text import tex
from bot.core.text.sanitize import line
from bot.sources import huggingface

NOW = datetime(2026, 11, 20, tzinfo=UTC)
HERE = Path(__file__).parent
Case = tuple[str, list[str], set[int]]  # title, sentences, those that are accepted
PROPOSE = re.compile(r"\bwe (?:propose|present|introduce)\b", re.IGNORECASE)


def own() -> list[Case]:
    """Abstracts we wrote."""
    found = []
    for block in (HERE / "own.txt").read_text(encoding="utf-8").split("\n\n")[1:]:
        title, *lines = block.strip().splitlines()
        accepted = {number for number, one in enumerate(lines) if one.startswith("> ")}
        found.append((title, [one.removeprefix("> ") for one in lines], accepted))
    return found


@pytest.fixture(scope="module")
def real(fixtures: Path) -> list[Case]:
    labels = {}
    for row in (HERE / "labels.txt").read_text(encoding="utf-8").splitlines()[1:]:
        key, *accepted = row.split()
        labels[f"arxiv:{key}"] = set(map(int, accepted))
    found = {}
    for file in sorted((fixtures / "hf_daily_papers_api").glob("20*.json")):
        document = Document(
            request=Request(location="x"),
            location="x",
            body=file.read_bytes(),
            fetched=datetime(2026, 11, 20, tzinfo=UTC),
        )
        for listing in huggingface.parse(document, huggingface.Settings()).listings:
            if listing.key in labels and listing.key not in found:
                body = line(tex.readable(line(listing.abstract)), 4_000)
                found[listing.key] = (listing.title, sentences(body), labels[listing.key])
    assert len(found) == len(labels) >= 150
    return list(found.values())


def share(cases: Sequence[Case], chosen: Callable[[str, list[str]], str]) -> float:
    """Of how many abstracts an accepted sentence is chosen."""
    right = [chosen(title, lines) in {lines[number] for number in accepted} for title, lines, accepted in cases]
    return sum(right) / len(right)


def ours(title: str, lines: list[str]) -> str:
    return one_line.sentence(" ".join(lines), title)


def propose(_title: str, lines: list[str]) -> str:
    return next((one for one in lines if PROPOSE.search(one)), lines[-1])


def test_it_is_better_than_the_plain_ways_on_real_abstracts(real: list[Case]) -> None:
    mine = share(real, ours)
    assert mine >= 0.86
    assert mine >= share(real, propose) + 0.15
    assert mine >= share(real, lambda _title, lines: lines[-1]) + 0.5
    assert mine >= share(real, lambda _title, lines: lines[0]) + 0.5


def test_it_takes_an_accepted_sentence_of_ours() -> None:
    assert len(own()) == 12
    wrong = [title for title, lines, accepted in own() if ours(title, lines) not in {lines[n] for n in accepted}]
    assert wrong == []


def pieces() -> Iterator[str]:
    for title, lines, _ in own():
        yield title
        yield from lines


@given(
    st.lists(st.sampled_from([*pieces(), "疎な注意。", "Hm.", "?", "e.g. this"]) | st.text(max_size=60), max_size=9),
    st.text(),
)
def test_it_is_a_sentence_of_the_abstract_as_it_stands(lines: list[str], title: str) -> None:
    abstract = line(" ".join(lines))
    chosen = one_line.sentence(abstract, title)
    assert chosen in abstract
    assert chosen or not abstract
