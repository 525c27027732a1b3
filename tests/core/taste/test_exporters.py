"""What reference managers export, each with broken entries: those are said, the others are all there."""

from pathlib import Path

import pytest

from bot.core.taste import read_library

LIBRARIES = Path(__file__).parent / "libraries"
TACTILE, SPARSE = "doi:10.1234/heron.2022.987", "arxiv:2401.00011"

EXPORTS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "zotero.bib": (
        {
            SPARSE: "Sparse Attention for Long Timetables: A Field Guide",
            TACTILE: "Tactile Grasping in Clutter",
            "title:a missing comma between fields": "A Missing Comma Between Fields",
            "title:after the broken one": "After the Broken One",
        },
        ("line 38: this entry is not closed or not BibTeX",),
    ),
    "better_bibtex.bib": (
        {
            SPARSE: "Sparse Attention for Long Timetables",
            TACTILE: "Tactile Grasping in Clutter",
            "title:the same citation key, another paper": "The Same Citation Key, Another Paper",
            "title:no citation key at all": "No Citation Key at All",
        },
        (),
    ),
    "mendeley.ris": (
        {TACTILE: "Tactile Grasping in Clutter", "title:a generic thing": "A Generic Thing"},
        ("entry 2 has no title",),
    ),
    "endnote.ris": (
        {
            TACTILE: "Tactile Grasping in Clutter",
            "title:the end mark is missing here": "The End Mark Is Missing Here",
            "title:after the missing end mark": "After the Missing End Mark",
        },
        (),
    ),
    "csl.json": (
        {TACTILE: "Tactile Grasping in Clutter", SPARSE: "Sparse Attention for Long Timetables"},
        ("entry 3 is no entry", "entry b has no title"),
    ),
    "jabref.bib": (
        {TACTILE: "Tactile Grasping in Clutter", SPARSE: "Sparse Attention for Long Timetables"},
        ("entry Empty has no title",),
    ),
}


def test_every_export_here_is_tried() -> None:
    assert {file.name for file in LIBRARIES.iterdir()} == set(EXPORTS)


@pytest.mark.parametrize("name", EXPORTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "CRLF"])
def test_nothing_is_lost_but_what_is_broken(name: str, encoding: str) -> None:
    text = (LIBRARIES / name).read_text(encoding="utf-8")
    text = text.replace("\n", "\r\n") if encoding == "CRLF" else text
    library = read_library(text.encode("utf-8" if encoding == "CRLF" else encoding))
    papers, problems = EXPORTS[name]

    assert {paper.key: paper.title for paper in library.papers} == papers
    assert library.problems == problems


def test_what_an_abstract_is_called_differs() -> None:
    found = {name: read_library((LIBRARIES / name).read_bytes()).papers for name in EXPORTS}
    abstracts = {name: next((one.abstract for one in papers if one.abstract), "") for name, papers in found.items()}

    assert abstracts == {
        "zotero.bib": "Timetables are long. We read them with sparse attention, 25% faster, & without loss.",
        "better_bibtex.bib": "Timetables are long. O(n log n) suffices.",
        "mendeley.ris": "We grasp in clutter, with a tactile gripper and patience.",
        "endnote.ris": "An abstract that EndNote wraps over two lines, the second indented.",
        "csl.json": "We grasp in clutter.",
        "jabref.bib": "",
    }
