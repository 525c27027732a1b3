"""The small parts of a letter: excerpts, columns, words, styles, cards, and making an edition smaller."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.edition.edition import Pick, Reason
from bot.core.letter import excerpts, matched_words, paper_view, samples, wrap
from bot.core.letter.inline_css import Styles, split
from bot.core.letter.localize import Words
from bot.core.letter.paper_view import CardKey
from bot.core.letter.renderer import smaller
from bot.core.papers import Paper
from bot.core.query.quote import Quote
from bot.core.source.health import SourceNote

# -- excerpts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        (
            "We use 3.5 B tokens, e.g. Those of A. B. Smith et al. Then Fig. 3. Next.",
            ["We use 3.5 B tokens, e.g. Those of A. B. Smith et al. Then Fig. 3.", "Next."],
        ),
        ('It says "stop." Then goes.', ['It says "stop."', "Then goes."]),
        ("疎な注意。記憶を節約する。", ["疎な注意。", "記憶を節約する。"]),
        ("ends (here.) We go on", ["ends (here.)", "We go on"]),
        ("no end", ["no end"]),
        ("", []),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert excerpts.sentences(text) == sentences


def test_cut_at_a_sentence() -> None:
    text = "The first sentence. The second sentence is longer. The third."
    assert excerpts.shorten(text, 200) == text
    assert excerpts.shorten(text, 55) == "The first sentence. The second sentence is longer."
    assert excerpts.shorten(text, 30) == "The first sentence."
    assert (
        excerpts.shorten("A very long first sentence without any end in sight at all", 30)
        == "A very long first sentence…"
    )
    assert excerpts.shorten("Hm. " + "A very long second sentence without any end", 30) == "Hm. A very long second…"


@given(st.text(max_size=300), st.integers(10, 200))
def test_cut_never_exceeds(text: str, limit: int) -> None:
    text = " ".join(text.split())
    shown = excerpts.shorten(text, limit)
    assert len(shown) <= limit
    assert text.startswith(shown.removesuffix("…").rstrip())


@pytest.mark.parametrize(
    ("text", "hits", "spans"),
    [
        ("MoE and moea, moe.", ["MoE"], ((0, 3), (14, 17))),
        ("sparse attention", ["attention", "sparse attention"], ((0, 16),)),
        ("a", [], ()),
        ("C++ (C+)", ["C++"], ((0, 3),)),
    ],
)
def test_matches_are_whole_words_in_any_case(text: str, hits: list[str], spans: tuple[tuple[int, int], ...]) -> None:
    assert excerpts.Passage(text).spans(hits) == spans


# -- columns -----------------------------------------------------------------------------------------------------------


@given(st.text(max_size=300), st.integers(10, 80))
def test_wrap(text: str, wide: int) -> None:
    lines = wrap.wrap(text, wide, first="* ").split("\n")
    assert lines[0].startswith("*")
    for line in lines:
        assert wrap.width(line) <= wide or "@" in line or "://" in line
    assert "".join("".join(lines).split()) == "*" + "".join(text.split())


def test_wrap_breaks_words_but_no_address() -> None:
    assert wrap.wrap("W" * 25, 10) == "\n".join(["W" * 10, "W" * 10, "W" * 5])
    assert wrap.wrap("see https://example.org/" + "a" * 30, 10) == "see\nhttps://example.org/" + "a" * 30
    assert wrap.wrap("疎な注意機構", 8) == "疎な注意\n機構"
    assert wrap.wrap("a b", 20, first="* ", rest="  ") == "* a b"


def test_width_and_fill() -> None:
    assert wrap.width("abc") == 3
    assert wrap.width("疎な") == 4
    assert wrap.width("e\u0301") == 1
    assert wrap.fill("abcdef", 3) == "abc"
    assert wrap.fill("疎なx", 3) == "疎"
    assert wrap.fill("ab", 3) == "ab"


# -- words -------------------------------------------------------------------------------------------------------------


def test_dates_and_numbers() -> None:
    words, day = Words(), date(2026, 11, 20)
    assert words.medium_date(day) == "20 Nov 2026"
    assert words.full_date(day) == "Friday, 20 November 2026"
    assert words.short_date(day) == "20 Nov"
    assert words.day(day) == "Fri 20 Nov"
    assert words.number(12345) == "12,345"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert Words("de").full_date(day) == "Freitag, 20. November 2026"
    assert Words("en-US").medium_date(day) == "Nov 20, 2026"


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (1, "+34 today"),
        (0.5, "+34 today"),
        (7, "+34 this week"),
        (30, "+34 this month"),
        (3, "+34 in 3 days"),
        (None, "+34 today"),
    ],
)
def test_rises(days: float | None, words: str) -> None:
    assert Words().rise(34, timedelta(days=days) if days is not None else None) == words


@pytest.mark.parametrize(
    ("note", "words"),
    [
        (SourceNote(name="a", state="fresh", reason="x"), "fresh"),
        (SourceNote(name="a", state="quiet", reason="weekend"), "quiet (weekend)"),
        (samples.FAILING, "failing since Tue 17 Nov: connection refused by lab.example.org"),
        (SourceNote(name="a", state="failing"), "failing"),
        (SourceNote(name="a", state="failing", reason="it broke."), "failing: it broke"),
        (
            SourceNote(name="a", state="failing", reason="refused: is it up, and the port right?"),
            "failing: refused",
        ),
        (SourceNote(name="a", state="failing", reason="no match for: who, what?"), "failing: no match for"),
        (samples.STALE, "stale since Sat 14 Nov: answers, but nothing new"),
        (samples.WAITING, "waiting until 08:30 (asked us to wait)"),
        (SourceNote(name="a", state="waiting"), "waiting"),
    ],
)
def test_states_of_sources(note: SourceNote, words: str) -> None:
    assert Words().state(note, ZoneInfo("Europe/London")) == words


def test_days_are_the_subscribers_own() -> None:
    late = SourceNote(name="a", state="failing", since=datetime(2026, 11, 17, 23, 30, tzinfo=UTC))
    assert Words().state(late, ZoneInfo("Asia/Tokyo")) == "failing since Wed 18 Nov"


# -- styles ------------------------------------------------------------------------------------------------------------


def test_split() -> None:
    rules, at_rules = split(
        "@import 'x.css'; /* a { b } */ .a { color: red; margin: 0 }"
        " @media screen { .a { color: blue } .b { c: d } } .b{e:f}"
    )
    assert at_rules == ["@import 'x.css';", "@media screen { .a { color: blue } .b { c: d } }"]
    assert rules == [".a { color: red; margin: 0 }", ".b{e:f}"]


def test_rules_of_other_classes_are_left_out_and_nothing_changes() -> None:
    css = ".a { color: red } .a.b, p { margin: 1px } h1 { top: 0 } .c { left: 0 } .a > .b { right: 0 }"
    styles = Styles(css)
    fragment = '<p class="a x">t<b class="b">u</b></p>'
    assert (
        styles.inline(fragment) == '<p class="a x" style="margin:1px;color:red">t<b class="b" style="right:0">u</b></p>'
    )


# -- cards -------------------------------------------------------------------------------------------------------------


def card(paper: Paper, *, abstract: int = 0, own_line: bool = True, rise: int | None = None) -> paper_view.PaperView:
    return paper_view.paper_view(CardKey(paper, "card", abstract, own_line=own_line, rise=rise))


def test_authors() -> None:
    def shown(*names: str, count: int | None = None) -> tuple[tuple[str, ...], str, int, int]:
        return paper_view.authors(Paper(key="k", title="t", authors=names, author_count=count))

    assert shown("A", "B", "C", "D") == (("A", "B", "C", "D"), "", 0, 4)
    assert shown("A", "B", "C", "D", "E", "F") == (("A", "B", "C"), "F", 2, 6)
    assert shown(count=23) == ((), "", 23, 23)
    assert shown("A", count=9) == (("A",), "", 8, 9)
    assert shown() == ((), "", 0, 0)
    assert shown("Erd\\H{o}s", "\x00") == (("Erdős",), "", 0, 1)


def test_links() -> None:
    assert [(link.kind, link.site) for link in paper_view.links_of(samples.LARKSPUR)] == [
        ("abs", "arXiv"),
        ("pdf", "arXiv"),
        ("hf", "HF"),
        ("code", "github.com"),
        ("project", "example.org"),
    ]
    assert [link.kind for link in paper_view.links_of(replace(samples.LARKSPUR, url=""))][-1] == "doi"
    assert paper_view.links_of(Paper(key="k", title="t", doi="not a doi", url="ftp://x/", pdf_url="/relative")) == ()
    twice = Paper(key="k", title="t", url="https://a.example/", hf_url="https://a.example/")
    assert len(paper_view.links_of(twice)) == 1
    assert paper_view.links_of(Paper(key="k", title="t", url="https://a.example/" + "x" * 2_000)) == ()


def test_the_title_leads_to_the_best_link() -> None:
    only_code = Paper(key="k", title="t", code_url="https://git.example/x", doi="10.1/x")
    assert card(only_code).url == "https://doi.org/10.1/x"
    assert card(samples.TINY).url == ""


def test_rising() -> None:
    paper = replace(samples.LARKSPUR, upvotes=60)
    assert card(paper, rise=20).rising
    assert not card(paper, rise=10).rising, "a fifth more is no rise"
    assert not card(replace(paper, upvotes=4), rise=3).rising, "three votes are none"
    assert card(paper, rise=-4).rise is None


def test_the_one_line_is_the_summary_or_a_sentence_of_the_authors() -> None:
    paper = samples.LARKSPUR
    assert card(paper).line == paper.summary
    assert card(replace(paper, summary="")).line in paper.abstract
    assert card(replace(paper, summary=""), own_line=False).line == ""
    assert card(paper).abstract == ""
    full = card(paper, abstract=4_000, own_line=False)
    assert (full.line, full.abstract) == (paper.summary, paper.abstract)
    repeated = replace(paper, summary=paper.abstract.split(".")[0] + ".")
    assert card(repeated, abstract=4_000).line == "", "the abstract begins with it"
    for form, most in paper_view.LINES.items():
        key = CardKey(replace(paper, summary="word " * 200), form, 0, own_line=True)
        assert len(paper_view.paper_view(key).line) <= most


def test_the_day_a_paper_came_and_where() -> None:
    shown = card(samples.LARKSPUR)
    assert (shown.day, shown.place, shown.published) == (date(2026, 11, 20), "HF", None)
    shown = card(replace(samples.ROUTERS, listed=None))
    assert (shown.day, shown.place) == (samples.ROUTERS.published, "arXiv")
    old = date(2024, 3, 1)
    assert card(replace(samples.LARKSPUR, published=old)).published == old
    assert card(samples.TINY).day is None


def test_why() -> None:
    quotes = (
        *samples.quote("Sparse Attention", "title"),
        *samples.quote("sparse attention", "abstract", "abstract"),
        Quote(term="stars>=20", field="stars", text="141"),
        *(Quote(term=f"t{n}", field="title", text=f"t{n}") for n in range(6)),
    )
    reasons = (Reason(profile="P", quotes=quotes), Reason(profile="Q"))

    def shown(reasons: tuple[Reason, ...], *seen: str) -> matched_words.Why | None:
        return matched_words.why_shown(Pick(paper=samples.TINY, reasons=reasons), "P", frozenset(seen))

    why = shown(reasons)
    assert why is not None
    assert why.words[:2] == (("Sparse Attention", ("title", "abstract")), ("stars>=20", ()))
    assert (len(why.words), why.more, why.others) == (5, 3, ("Q",))
    assert shown(reasons[:1], "sparse attention") is None, "the mark says it"
    assert shown(reasons, "t3") == ((), 0, ("Q",), "")
    assert shown(()) is None


# -- fitting -----------------------------------------------------------------------------------------------------------


def test_an_edition_gets_smaller_and_counts_what_it_leaves_out() -> None:
    edition = samples.sample_edition(samples.section("A", *samples.many(6), more=2), samples.HOT)
    less = smaller(edition, 0.5)
    assert less is not None
    assert [(len(section.picks), section.more) for section in less.sections] == [(2, 6), (1, 0)], (
        "half of seven is four"
    )
    assert [paper.key for paper in less.sections[0].more_papers] == [
        pick.paper.key for pick in edition.sections[0].picks[2:]
    ]


def test_getting_smaller_ends() -> None:
    edition = samples.sample_edition(*(samples.section(str(n), *samples.many(2), more=1) for n in range(9)))
    seen = 0
    total = sum(len(section.picks) + section.more for section in edition.sections)
    while (less := smaller(edition, 0.3)) is not None:
        edition = less
        assert sum(len(section.picks) + section.more for section in edition.sections) == total, "counted, never lost"
        seen += 1
        assert seen < 100
    assert len(edition.papers) == 1
    assert len(edition.sections) == 2
