"""Exports of reference managers: what is broken is said, and loses nothing else."""

import json
import time
from datetime import date

import pytest

from bot.core.taste import read_library
from bot.core.taste.bibliography import MAX_BYTES

BIBTEX = r"""
% an export with everything that goes wrong
@article{one, title = {The {BERT} of {\"U}ber-things: $\alpha$-decay}, author = {M{\"u}ller, J. and Doe, Jane},
  year = 2020, doi = {https://doi.org/10.1234/ABC}, abstract = {Words {and} <i>words</i>},
  keywords = {robots, grasping}}
@article{broken, title = {Never closed, author = {X}

@inproceedings{two, title = "Attention in {GPU}s", eprint = {2401.12345v2}, year = "2024"}
@misc{three, author = {No Title}}
@article{one, title = {The same key again}, url = {https://example.org/x}}
@string{venue = "A Journal"}
@comment{whatever}
"""
RIS = """TY  - JOUR
TI  - Hello, world
AB  - An abstract.
KW  - greetings
KW  - worlds
DO  - 10.1234/hello
PY  - 2021/05/01
ER  -

TY  - CONF
T1  - Second of two
UR  - https://arxiv.org/abs/2311.00001
"""


def test_bibtex_with_broken_entries() -> None:
    library = read_library(BIBTEX.encode())

    assert [paper.title for paper in library.papers] == [
        "Attention in GPUs",
        "The BERT of Über-things: α-decay",
        "The same key again",
    ]
    second = library.papers[1]
    assert (second.key, second.abstract, second.keywords) == (
        "doi:10.1234/abc",
        "Words and words",
        ("robots", "grasping"),
    )
    assert library.papers[0].key == "arxiv:2401.12345"
    assert len(library.problems) == 2
    assert "line 6" in library.problems[0]
    assert "three has no title" in library.problems[1]


def test_ris() -> None:
    library = read_library(b"\xef\xbb\xbf" + RIS.replace("\n", "\r\n").encode())

    first, second = library.papers
    assert (first.title, first.abstract, first.keywords) == ("Hello, world", "An abstract.", ("greetings", "worlds"))
    assert (first.key, first.published) == ("doi:10.1234/hello", date(2021, 1, 1))
    assert (second.title, second.key) == ("Second of two", "arxiv:2311.00001")
    assert library.problems == ()


def test_csl_json_and_zotero() -> None:
    csl = [
        {"id": "a", "title": "A <b>bold</b> title", "DOI": "10.1234/X", "issued": {"date-parts": [[2019, 3]]}},
        {"x": 1},
    ]
    zotero = [
        {"key": "K", "data": {"title": "Z", "tags": [{"tag": "t"}], "abstractNote": "n"}},
        {"key": "L", "data": {"itemType": "attachment", "title": "PDF"}},
    ]
    first = read_library(json.dumps(csl).encode())
    second = read_library(json.dumps(zotero).encode())

    assert [(paper.title, paper.key) for paper in first.papers] == [("A bold title", "doi:10.1234/x")]
    assert first.problems == ("entry 2 has no title",)
    assert [(paper.title, paper.keywords, paper.abstract) for paper in second.papers] == [("Z", ("t",), "n")]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no entries"),
        (b"just words", "no entries"),
        (b"[" * 500_000, "is none"),
        (b'{"a": ', "is none"),
        (b"\x00\xff\xfe" * 1000, "no entries"),
        (b"x" * (MAX_BYTES + 1), "larger than 16 MB"),
        (b"TY  - JOUR\nER  - \n" * 3, "has no title"),
    ],
)
def test_what_is_no_library_is_said_in_a_sentence(body: bytes, said: str) -> None:
    library = read_library(body)

    assert library.papers == ()
    assert any(said in problem for problem in library.problems)
    assert len(library.problems) <= 21


@pytest.mark.parametrize(
    "body",
    [
        b"@article{a, title={" + b"{" * 2_000_000,
        b"@" * 2_000_000,
        b"@article{a, title = {x}}\n" * 60_000,
        b"TY  - JOUR\nTI  - x\n" * 60_000,
        b"[" + b'{"title": "' + b"a" * 3_000_000 + b'"}]',
        json.dumps([{"title": f"t{n}", "tags": ["x" * 500] * 100} for n in range(3_000)]).encode(),
    ],
    ids=["braces", "ats", "bibtex", "ris", "long", "tags"],
)
def test_hostile_libraries_are_done_in_seconds(body: bytes) -> None:
    began = time.process_time()
    read_library(body)

    assert time.process_time() - began < 10
