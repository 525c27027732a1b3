"""What publishers, blogs and typesetters put around the text of an entry, and what is left of it."""

import time

import pytest

from bot.sources.feed import entry_text
from bot.sources.formats import arxiv
from bot.sources.formats.typesetting import cleaned_abstract

TITLE = "Song learning in larks"
AUTHORS = ("Ada Example", "Björn Muster")


@pytest.mark.parametrize(
    ("text", "abstract"),
    [
        ("Larks sing.\nThe post Song learning in larks appeared first on Lark Lab.", "Larks sing."),
        ("Larks sing.\nDer Beitrag Lerchen erschien zuerst auf Lark Lab.", "Larks sing."),
        ("Larks sing.\nL’article Alouettes est apparu en premier sur Lark Lab.", "Larks sing."),
        ("Larks sing.\nLa entrada Alondras se publicó primero en Lark Lab.", "Larks sing."),
        ("Larks sing.\nO post Cotovias apareceu primeiro em Lark Lab.", "Larks sing."),
        ("We show that larks sing… Read more »", "We show that larks sing…"),
        ("We show that larks sing [...] Continue reading", "We show that larks sing…"),
        ("Larks sing at dawn. Weiterlesen →", "Larks sing at dawn."),
        ("Larks sing at dawn… Lire la suite", "Larks sing at dawn…"),
        ("Larks sing at dawn.\nLeer más", "Larks sing at dawn."),
        ("Children learn to read more and lire plus than larks do.", None),
        ("A study of how to mehr lesen", None),
        ("Abstract unavailable.", ""),
        ("PUBLISHAHEADOFPRINT", ""),
        ("Larks and Allies, Volume 12, Issue 3, Pages 33-44, March 2026.", ""),
        ("Larks and Allies, Ahead of Print.", ""),
        ("Publication date: Available online 17 March 2026\nSource: Larks and Allies\nAuthor(s): Ada Example", ""),
        ("Ada Example, Björn Muster\nLarks sing at dawn in every town that we have seen, and finches later in the day.",
         "Larks sing at dawn in every town that we have seen, and finches later in the day."),
    ],
)  # fmt: skip
def test_abstract(text: str, abstract: str | None) -> None:
    assert entry_text.read(text, TITLE, AUTHORS).abstract == (text if abstract is None else abstract)


@pytest.mark.parametrize(
    ("text", "people"),
    [
        (
            "🔺 Upvotes: 34 | Authors: Ada Example, Li Sample | Published: 2026-11-18\nLarks sing.",
            ["Ada Example", "Li Sample"],
        ),
        ("李强，王芳\n云雀在黎明歌唱，我们研究了它们的行为，并发现了许多新的现象。", ["李强", "王芳"]),
        ("【作者】李强;王芳【摘要】云雀在黎明歌唱。", ["李强", "王芳"]),
        ("云雀在黎明歌唱，我们听\n云雀在黎明歌唱，我们研究了它们的行为，并发现了许多新的现象。", []),
    ],
)
def test_people(text: str, people: list[str]) -> None:
    assert entry_text.read(text, TITLE).people == people


@pytest.mark.parametrize(
    ("title", "bare"),
    [
        ("Larks at dawn (arXiv:2611.01234v1 [cs.CL])", "Larks at dawn"),
        ("[2611.01234] Larks at dawn", "Larks at dawn"),
        ("arXiv:2611.01234v2: Larks at dawn", "Larks at dawn"),
        ("[cs.CL] Larks at dawn", "Larks at dawn"),
        ("[Larks] at dawn", "[Larks] at dawn"),
        ("2611.01234 larks", "2611.01234 larks"),
    ],
)
def test_arxiv_titles(title: str, bare: str) -> None:
    assert arxiv.bare_title(title) == bare


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (
            "BackgroundLarks sing.MethodsWe listened.ResultsForty sang.",
            "Background Larks sing. Methods We listened. Results Forty sang.",
        ),
        ("OBJECTIVETo see.DESIGNCohort.SETTINGTen towns.", "OBJECTIVE To see. DESIGN Cohort. SETTING Ten towns."),
        (
            "BACKGROUND: Larks. METHODS: Nets. RESULTS: Forty. CONCLUSIONS: None.",
            "BACKGROUND: Larks. METHODS: Nets. RESULTS: Forty. CONCLUSIONS: None.",
        ),
        ("AIMS AND OBJECTIVES: Larks. METHODOLOGY: Nets.", "AIMS AND OBJECTIVES: Larks. METHODOLOGY: Nets."),
        ("METHODSA total of ten. RESULTSIn all, forty.", "METHODS A total of ten. RESULTS In all, forty."),
        ("Aim.Materials & MethodsWe used nets.", "Aim. Materials & Methods We used nets."),
        ("Importance Larks matter.Objective To count.", "Importance Larks matter. Objective To count."),
        ("as shown in Fig.Results of others differ.", "as shown in Fig.Results of others differ."),
        ("O_LILarks singC_LI O_LIFinches tooC_LI", "Larks sing Finches too"),
        ('O_FIG O_LINKSMALLFIG WIDTH=200 SRC="x.gif" ALT="Figure 1"> View larger C_FIG Larks sing.', "Larks sing."),
        ("O_ST_ABSBackgroundC_ST_ABSLarks sing [≤] 5 times.", "Background Larks sing ≤ 5 times."),
    ],
)
def test_typesetting(text: str, clean: str) -> None:
    assert cleaned_abstract(text) == clean


@pytest.mark.parametrize(
    "piece", ["O_FIG", "O_FIG C_FIG", "METHODS", "Methods.", "x.Methods ", "… read more", "the post ", "[…] ", "A, B. "]
)
def test_linear_in_its_length(piece: str) -> None:
    started = time.process_time()
    cleaned_abstract(piece * (400_000 // len(piece)))
    entry_text.read(piece * (40_000 // len(piece)), TITLE, AUTHORS)
    assert time.process_time() - started < 2
