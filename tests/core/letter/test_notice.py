"""What is told from articles by its title, and what only sounds like it."""

import pytest

from bot.core.papers import Paper
from bot.core.papers.notice import notice_of, notice_words
from bot.core.query import parse
from bot.core.query.evaluate import asks_for

NOTICES = {
    "correction": """
Erratum | Erratum to: Larks at dawn | Corrigendum to “Larks at dawn” [J. Lark. 5 (2026) 1] | Corrections
Correction: Larks at dawn | Correction to “Larks at dawn” | Correction for Example et al., Larks at dawn
Addendum: Larks | Author Correction: Larks | Publisher’s correction to: Larks
Larks at dawn – CORRIGENDUM | Larks at dawn (Erratum) | [Erratum to: Larks] | Fe de erratas: alondras
Berichtigung zu: Lerchen | 更正：云雀 | Larks at dawn. Correction
""",
    "retraction": """
Retraction: Larks | Retraction Note: Larks | Retraction notice to “Larks” | Retraction of “Larks at dawn”
Notice of Retraction: Larks | Expression of Concern: Larks | Editorial Expression of Concern
Withdrawal notice to Larks | RETRACTED: Larks at dawn | RETRACTED ARTICLE: Larks | [Retracted] Larks
WITHDRAWN: Larks
""",
    "front matter": """
Issue Information | Issue Information - TOC | Table of Contents | Contents: Adv. Lark. 5/2026 | Masthead
Front Matter | Editorial Board | Front Cover: Larks (Eur. J. Lark 5/2026) | Cover Feature: Larks
Inside Back Cover: Larks | Cover | Graphical Abstract: Lark. J. 5/2026 | Call for Papers: larks
Author Index | Information for Authors | Reviewers 2025 | Thanks to reviewers
Acknowledgement of Reviewers | In this issue | Editorial | Preface | Introduction | Obituary
""",
    "book review": "Book Review | Book reviews | Book review: Larks of the North | Larks of the North [Book Review]",
}
ARTICLES = """
Corrections to scaling in the Ising model | Correction of motion artifacts | Error correction in codes
Correction for attenuation in meta-analysis | Correction to the energy of larks
Self-correction: a study | Retraction of the tongue in speech | Retraction algorithms on manifolds
Retracted papers keep being cited | Withdrawal of treatment | Opioid withdrawal: a review
Withdrawn: the social life of larks | Removal of arsenic | Removal: a study | Contents of lark stomachs
Cover crops in rotation | Cover: a measure of sets | Covering numbers | Front propagation
Index of refraction | Reviewers are biased: a study | Reviewers for hire in science
Calendar aging of batteries | Editorial bias in journals | Editorial: on larks
Book reviews as data: sentiment | Book reviews in the digital age | Introduction to larks
Addendum learning | Information retrieval | Table understanding | Clarification questions in dialogue
Masthead height of ships | Contents analysis | In this issue we trust
"""


def split(text: str) -> list[str]:
    return [title.strip() for line in text.strip().splitlines() for title in line.split(" | ")]


@pytest.mark.parametrize(("kind", "title"), [(kind, title) for kind, text in NOTICES.items() for title in split(text)])
def test_a_notice(kind: str, title: str) -> None:
    assert notice_of(title).kind == kind


@pytest.mark.parametrize("title", split(ARTICLES))
def test_an_article(title: str) -> None:
    assert notice_of(title).kind == ""


def test_with_an_abstract_an_introduction_is_an_article() -> None:
    assert notice_of("Introduction", "Larks sing.").kind == ""


def test_a_retracted_article_is_told_from_the_notice_of_it() -> None:
    assert notice_of("RETRACTED ARTICLE: Larks").is_retracted
    assert notice_of("[Retracted] Larks").is_retracted
    assert not notice_of("Retraction: Larks").is_retracted


@pytest.mark.parametrize(
    ("query", "asks"),
    [
        ("correction", True),
        ("erratum OR larks", True),
        ("title:errat*", True),
        ("larks", False),
        ('"error correction"', False),
        ("larks NOT correction", False),
        ("source:journal", False),
        ("upvotes>=0", False),
    ],
)
def test_who_asks_for_it(query: str, asks: bool) -> None:
    words = notice_words(Paper("k", "Erratum to: Larks at dawn", kind="correction"))
    assert asks_for(parse(query), words) is asks
    assert notice_words(Paper("k", "Larks at dawn")) == ""
