"""Templates drawn once and filled in say what they say when drawn for each subscriber, whatever the words are."""

import re
from dataclasses import replace
from pathlib import Path

import jinja2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.edition.edition import Edition, Pick, Reason
from bot.core.letter import excerpts, renderer, samples
from bot.core.letter.letter import Own
from bot.core.letter.placeholders import Blank, Form, Said, Unfit, has_blank
from bot.core.letter.renderer import Press
from bot.core.query.quote import Quote
from bot.core.text import sanitize

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
ASK_THE_WORDS = {  # none of them prints anything
    "_paper": "{% if paper.abstract|length > 9999 %}never{% endif %}",
    "_why": "{% for why in reasons %}{% for text, _ in why.words %}{{ text[:0] }}{% endfor %}{% endfor %}",
    "_more": "{% for paper in named %}{{ paper.title[:0] }}{{ paper.url[:0] }}{% endfor %}",
    "_section": "{{ name[:0] }}",
    "_preheader": "{% for title in titles %}{{ title[:0] }}{% endfor %}",
    "_imprint": "{% for own in imprint %}{{ own[:0] }}{% endfor %}",
}
MARKS = ("\x01wW0\x01", "\x01wW0a\x01", "wW1", "\x02", "\x0372", "\x04", "0-1", "\x000-1\x00")
PIECES = (
    *("attention", "Sparse", "KV cache", "ATTENTION", "déjà", "ſparse", "İ", "疎な", "a", ". ", " … ", "“x”", "--"),
    *("<b>", "</p>", "&amp;", "&", '"', "'", "\xa0", "<script>", "{{ 1 }}", "$x<y$", "\\alpha", "\u212aey", *MARKS),
)
TEXT = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=25).map(" ".join)
LONG = st.lists(TEXT.map(lambda text: f"{text}. Next"), max_size=12).map(" ".join)
PICKS = st.builds(
    lambda title, abstract, rise, reasons: Pick(
        paper=replace(samples.ROUTERS, title=title, abstract=abstract), rise=rise, reasons=reasons
    ),
    TEXT,
    LONG,
    st.none() | st.integers(1, 99),
    st.lists(
        st.builds(
            lambda profile, quotes: Reason(profile=profile, quotes=tuple(quotes)),
            TEXT | st.just("Efficient attention"),
            st.lists(
                st.builds(
                    lambda text, field: Quote(term=text, field=field, text=text),
                    st.sampled_from(PIECES) | TEXT,
                    st.sampled_from(["title", "abstract", "author", "upvotes"]),
                ),
                max_size=4,
            ),
        ),
        max_size=3,
    ).map(tuple),
)


@pytest.fixture(scope="module")
def filling() -> Press:
    return Press(renderer.environment(jinja2.FileSystemLoader(TEMPLATES)))


@pytest.fixture(scope="module")
def drawing() -> Press:
    """The same templates, but with a question in them that no form can answer."""
    files = {
        f"{name}.{form}": (TEMPLATES / f"{name}.{form}").read_text(encoding="utf-8") + question
        for name, question in ASK_THE_WORDS.items()
        for form in ("html", "txt")
    }
    shipped = jinja2.FileSystemLoader(TEMPLATES)
    return Press(renderer.environment(jinja2.ChoiceLoader([jinja2.DictLoader(files), shipped])))


def test_the_two_presses_work_as_said(filling: Press, drawing: Press) -> None:
    """Else comparing them would say nothing."""
    edition = samples.ordinary()["daily"]
    assert any(isinstance(chunk, Own) for chunk in filling.letter(edition).html)
    assert not any(isinstance(chunk, Own) for chunk in drawing.letter(edition).html)


@pytest.mark.parametrize("name", samples.all_editions())
def test_every_sample_is_the_same_filled_and_drawn(name: str, filling: Press, drawing: Press) -> None:
    same(samples.all_editions()[name], filling, drawing)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(PICKS, max_size=2),
    st.lists(PICKS, max_size=2),
    st.sampled_from(["short", "full", "none"]),
    st.tuples(
        TEXT | st.just("Efficient attention"), TEXT, TEXT, TEXT, TEXT.map(lambda text: f"https://x.example/{text}")
    ),
)
def test_any_words_are_the_same_filled_and_drawn(
    filling: Press, drawing: Press, picks: list[Pick], more: list[Pick], abstract: str, texts: tuple[str, ...]
) -> None:
    profile, name, email, goodbye, url = texts
    papers = [replace(pick.paper, url=url) for pick in more]
    edition = samples.edition(
        samples.section(profile, *picks, more=len(papers) + 1, named=papers),
        subscriber=replace(samples.SUBSCRIBER, abstract=abstract, name=name, email=email),  # type: ignore[arg-type]
        unsubscribe_email=goodbye,
        unsubscribe_url=url,
    )
    same(edition, filling, drawing)


def same(edition: Edition, filling: Press, drawing: Press) -> None:
    filled, drawn = filling.letter(edition), drawing.letter(edition)
    assert filled.html_page == drawn.html_page
    assert filled.text_page == drawn.text_page


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_in_a_paper_is_only_text(mark: str, filling: Press) -> None:
    """Whoever knows our marks cannot have anything put where they stand."""
    quote = Quote(term="Small", field="title", text="Small")
    paper = replace(samples.ROUTERS, title=f"Small {mark} b", abstract=f"c {mark} d. Small {mark}", summary=mark)
    pick = Pick(paper=paper, reasons=(Reason(profile=f"{mark}profile", quotes=(quote,)),))
    letter = filling.letter(samples.edition(samples.section(f"{mark}profile", pick)))
    left, body = sanitize.line(paper.title), sanitize.line(paper.abstract)
    assert f"\n* {left}\n" in letter.text_page
    assert f"\n  {body}\n" in letter.text_page
    assert f"{sanitize.line(mark)}profile ==" in letter.text_page
    assert "\n  Matched “Small” in the title\n" in letter.text_page
    assert re.search(rf">{left.replace('Small', '<b [^>]*>Small</b>')}</a></h3>", letter.html_page)
    assert f">{body}</p>" in letter.html_page


@pytest.mark.parametrize(
    ("file", "template", "wanted"),
    [
        ("_paper.html", "<p>{{ paper.abstract|upper }}</p>", "MOST OF THE WASTE IS EARLY"),
        ("_paper.html", "<p>{{ (paper.abstract ~ '!').upper() }}</p>", "MOST OF THE WASTE IS EARLY"),
        ("_paper.html", "<p>{{ paper.abstract|truncate(22) }}</p>", "<p>We follow every...</p>"),
        ("_paper.html", "<p>{{ paper.abstract[:9] }}</p>", "<p>We follow</p>"),
        ("_paper.html", '<p title="{{ paper.abstract }}">x</p>', '<p title="We follow every'),
        ("_paper.html", "{% if 'router' in paper.abstract %}<p>routed</p>{% endif %}", "<p>routed</p>"),
        ("_paper.html", "<p>{{ paper.title_runs|length }} pieces</p>", "<p>2 pieces</p>"),
        ("_why.html", "{% for why in reasons %}<p>{{ why.profile == 'Mixtures' }}</p>{% endfor %}", "<p>True</p>"),
        ("_why.html", "{% for why in reasons %}<p>{{ why.profile|first }}</p>{% endfor %}", "<p>M</p>"),
    ],
)
def test_a_template_that_asks_about_the_words_is_drawn_for_each(
    tmp_path: Path, file: str, template: str, wanted: str
) -> None:
    (tmp_path / file).write_text(template)
    loader = jinja2.ChoiceLoader([jinja2.FileSystemLoader(tmp_path), jinja2.FileSystemLoader(TEMPLATES)])
    quotes = (Quote(term="t", field="title", text="Small"), Quote(term="t", field="abstract", text="router"))
    pick = Pick(paper=samples.ROUTERS, reasons=(Reason(profile="Mixtures", quotes=quotes),))
    letter = Press(renderer.environment(loader)).letter(samples.edition(samples.section("Mixtures", pick)))
    assert wanted in letter.html_page


def test_a_form() -> None:
    runs, long = f"{Blank(0, 'a')}<b>{Blank(0, 'b')}</b>{Blank(0, 'c')}", "one " * 50
    drawn = f"<p>\n{long}\n</p><p>{Blank(0)} and <i>{Blank(1)}</i></p>\n<p>{long}\n{runs}\n"
    form = Form(drawn, {}, html=True)
    assert form.filled([Said("a < b", hits=((0, 1),), own=True), Said("&")]) == (
        f"<p>\n{long}\n",
        "</p><p>a &lt; b and <i>&amp;</i></p>\n",
        f"<p>{long}\n",
        "<b>a</b> &lt; b\n",
    )
    again = form.filled([Said("x", own=True), Said("y")])
    assert again[0] is form.filled([Said("z", own=True), Said("y")])[0], "what is not blank is one string for all"
    assert [isinstance(chunk, Own) for chunk in again] == [False, True, False, True]
    link = Form(f'<a title="y" href="{Blank(0)}">{Blank(0)}</a>', {}, html=True)
    assert link.filled([Said("a\"b'&<>")]) == ('<a title="y" href="a&quot;b\'&amp;<>">a"b\'&amp;&lt;&gt;</a>',)
    with pytest.raises(Unfit):
        Form(f'<p title="x" {Blank(0)}>', {}, html=True)
    with pytest.raises(Unfit):
        Form(str(Blank(0))[:-1], {}, html=False)


def test_a_blank_is_there_and_says_nothing() -> None:
    blank = Blank(3)
    assert blank
    assert blank == Blank(3) != Blank(4)
    assert blank != ""
    assert has_blank(f"see {blank}")
    for ask in (
        len,
        list,
        lambda b: b == "x",
        lambda b: b < "x",
        lambda b: b.upper(),
        lambda b: b + "x",
        lambda b: b[0],
    ):
        with pytest.raises(Unfit):
            ask(blank)  # type: ignore[operator]


# -- matched words -----------------------------------------------------------------------------------------------------


def plainly(text: str, hits: list[str]) -> list[tuple[int, int]]:
    """Where words stand, by regular expressions alone."""
    found: list[tuple[int, int]] = []
    for words in sorted(set(hits), key=lambda hit: (-len(hit), hit)):
        if words.split():
            pattern = r"\s+".join(re.escape(word) for word in words.split())
            for place in re.finditer(rf"(?<!\w){pattern}(?!\w)", text, re.IGNORECASE):
                if all(place.end() <= start or place.start() >= end for start, end in found):
                    found.append(place.span())
    return sorted(found)


ODD = st.text(
    st.sampled_from([*"aAkKsSiIé_1. -ßΣςσµ", "ſ", "İ", "ı", "\u212a", "疎", "な", "\xa0", "\n", "ǅ"]), max_size=30
)


@settings(max_examples=400)
@given(ODD, st.lists(st.text(st.sampled_from("aAksSiI_1. é疎ſßσ"), max_size=3), max_size=4))
def test_words_are_found_as_a_regular_expression_finds_them(text: str, hits: list[str]) -> None:
    assert list(excerpts.Passage(text).spans(hits)) == plainly(text, hits)
