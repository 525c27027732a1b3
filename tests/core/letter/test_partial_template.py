"""Templates drawn once and filled in say what they say when drawn for each subscriber, whatever the words are."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jinja2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markupsafe import Markup, escape

from bot.core.edition.edition import Edition, Pick, Reason
from bot.core.letter import excerpts, matched_words, paper_view, renderer, samples
from bot.core.letter.fragments import FragmentCache, Piece
from bot.core.letter.letter import PersonalText
from bot.core.letter.localize import Words
from bot.core.letter.matched_words import CardTexts
from bot.core.letter.paper_view import CardKey
from bot.core.letter.partial_template import Fill, NeedsValue, PartialTemplate, placeholder
from bot.core.letter.renderer import BrokenTemplate, LetterRenderer
from bot.core.query.quote import Quote
from bot.core.text import sanitize

TEMPLATES = Path(__file__).resolve().parents[3] / "templates"
MARKS = ("\x01Slot:title\x01", "\x01Slot:text0\x01", "Slot:text1", "\x02", "\x0372", "\x04", "0-1", "\x000-1\x00")
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


class DrawnForEach(FragmentCache):
    """The plain way: every template is rendered with the words in it, and nothing is remembered."""

    def part(self, name: str, words: Words, /, **values: Any) -> tuple[str, ...]:
        return (sanitize.harmless(self.styled(name, words, values)),)

    def card(self, key: CardKey, pick: Pick, section: str, words: Words) -> Piece:
        marks = CardTexts(key).marks(matched_words.hits(pick.reasons))
        why = matched_words.why_shown(pick, section, marks.seen)
        values = {"paper": paper_view.paper_view(key._replace(has_why=why is not None))}
        name = {"lead": "_lead", "card": "_paper", "compact": "_compact"}[key.form]
        own = {"section": section, "why": " ".join(self.render("_why.txt", words, {"why": why}).split()) if why else ""}
        own |= {f"{action}_url": url for action, url in paper_view.action_links(pick).items()}
        drawn = []
        for form in ("html", "txt"):
            self.slots = own | {slot: _shown(fill, form) for slot, fill in marks.fills.items()}
            drawn.append(self.part(f"{name}.{form}", words, **values))
        return Piece(*drawn)

    def _names(self, words: Words) -> dict[str, Any]:
        return {**super()._names(words), "slot": lambda name: self.slots[name]}


def _shown(fill: Fill, form: str) -> str:
    if form == "txt":
        return fill.text
    pieces, at = [], 0
    for start, end in fill.hits:
        pieces += [escape(fill.text[at:start]), Markup('<b class="hit">{}</b>').format(fill.text[start:end])]
        at = end
    return Markup("").join([*pieces, escape(fill.text[at:])])


@pytest.fixture(scope="module")
def filling() -> LetterRenderer:
    return LetterRenderer(renderer.environment(jinja2.FileSystemLoader(TEMPLATES)))


@pytest.fixture(scope="module")
def drawing() -> LetterRenderer:
    templates = renderer.environment(jinja2.FileSystemLoader(TEMPLATES))
    made = LetterRenderer(templates)
    made._fragments = DrawnForEach(templates, kept=1)
    return made


def test_the_two_ways_work_as_said(filling: LetterRenderer, drawing: LetterRenderer) -> None:
    """Else comparing them would say nothing."""
    edition = samples.ordinary()["daily"]
    assert any(isinstance(chunk, PersonalText) for chunk in filling.letter(edition).html)
    assert not any(isinstance(chunk, PersonalText) for chunk in drawing.letter(edition).html)


@pytest.mark.parametrize("name", samples.all_editions())
def test_every_sample_is_the_same_filled_and_drawn(name: str, filling: LetterRenderer, drawing: LetterRenderer) -> None:
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
    filling: LetterRenderer,
    drawing: LetterRenderer,
    picks: list[Pick],
    more: list[Pick],
    abstract: str,
    texts: tuple[str, ...],
) -> None:
    profile, name, email, goodbye, url = texts
    papers = [replace(pick.paper, url=url) for pick in more]
    edition = samples.sample_edition(
        samples.section(profile, *picks, more=len(papers) + 1, named=papers),
        *([samples.HOT] if len(picks) > 1 else []),
        subscriber=replace(samples.SUBSCRIBER, abstract=abstract, name=name, email=email),  # type: ignore[arg-type]
        unsubscribe_email=goodbye,
        unsubscribe_url=url,
    )
    same(edition, filling, drawing)


def same(edition: Edition, filling: LetterRenderer, drawing: LetterRenderer) -> None:
    filled, drawn = filling.letter(edition), drawing.letter(edition)
    assert filled.html_page == drawn.html_page
    assert filled.text_page == drawn.text_page


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_in_a_paper_is_only_text(mark: str, filling: LetterRenderer) -> None:
    """Whoever knows our marks cannot have anything put where they stand."""
    quote = Quote(term="Small", field="title", text="Small")
    paper = replace(samples.ROUTERS, title=f"Small {mark} b", abstract="", summary=f"c {mark} d. Small {mark}")
    pick = Pick(paper=paper, reasons=(Reason(profile=f"{mark}profile", quotes=(quote,)),))
    letter = filling.letter(samples.sample_edition(samples.section(f"{mark}profile", pick)))
    left, body = sanitize.line(paper.title), sanitize.line(paper.summary)
    assert f"\n* {left}\n" in letter.text_page
    assert f"\n  {body}\n" in letter.text_page
    assert f"{sanitize.line(mark)}profile 1 ==" in letter.text_page
    assert re.search(rf">{left.replace('Small', '<b [^>]*>Small</b>')}</a></h3>", letter.html_page)
    assert f">{body}</p>" in letter.html_page


@pytest.mark.parametrize(
    ("file", "template"),
    [
        ("_paper.html", '<p>{{ slot("title")|upper }}</p>'),
        ("_paper.html", '<p>{{ slot("title").upper() }}</p>'),
        ("_paper.html", '<p>{{ slot("title")[2:] }}</p>'),
        ("_paper.html", '<p>{{ slot("title")|length }}</p>'),
        ("_paper.html", '<p {{ slot("title") }}>x</p>'),
        ("_why.txt", "{{ why.others[0]|truncate(3) }}"),
        ("_section.html", "<p>{{ name|replace('a', 'b') }}</p>"),
    ],
)
def test_a_template_that_asks_what_the_words_are_is_told_so(tmp_path: Path, file: str, template: str) -> None:
    (tmp_path / file).write_text(template)
    loader = jinja2.ChoiceLoader([jinja2.FileSystemLoader(tmp_path), jinja2.FileSystemLoader(TEMPLATES)])
    with pytest.raises(BrokenTemplate, match=rf"templates/{file}.*filled in later: they can be shown") as told:
        LetterRenderer(renderer.environment(loader)).letter(samples.ordinary()["daily"])
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ("<p>{{ paper.title|upper }}</p>", "<p>SMALL ROUTERS, LARGE"),
        ('<p title="{{ slot("title") }}">x</p>', '<p title="Small Routers, Large'),
        ('<p>{{ [slot("title"), "x"]|join(" - ") }}</p>', "Waste Their Tokens - x</p>"),
        ('{% if slot("title") %}<p>there</p>{% endif %}', "<p>there</p>"),
    ],
)
def test_what_a_template_can_do_with_a_paper(tmp_path: Path, template: str, wanted: str) -> None:
    (tmp_path / "_paper.html").write_text(template)
    loader = jinja2.ChoiceLoader([jinja2.FileSystemLoader(tmp_path), jinja2.FileSystemLoader(TEMPLATES)])
    edition = samples.sample_edition(samples.section("Mixtures", samples.picked(samples.ROUTERS, "Mixtures", "z")))
    assert wanted in LetterRenderer(renderer.environment(loader)).letter(edition).html_page


def test_a_slot_that_does_not_exist_is_named(tmp_path: Path) -> None:
    (tmp_path / "_paper.html").write_text('\n{{ slot("tilte") }}')
    loader = jinja2.ChoiceLoader([jinja2.FileSystemLoader(tmp_path), jinja2.FileSystemLoader(TEMPLATES)])
    with pytest.raises(BrokenTemplate, match=r'^templates/_paper.html line 2: there is no slot\("tilte"\)'):
        LetterRenderer(renderer.environment(loader)).letter(samples.ordinary()["daily"])


def test_a_partial_template() -> None:
    one, other, long = placeholder("one"), placeholder("other"), "one " * 50
    drawn = f"<p>\n{long}\n</p><p>{one} and <i>{other}</i></p>\n<p>{long}\n{one}\n"
    partial = PartialTemplate(drawn, {}, html=True, hit=("<b>", "</b>"))
    fills = {"one": Fill("a < b", hits=((0, 1),), is_personal=True), "other": Fill("&")}
    assert partial.filled(fills) == (
        f"<p>\n{long}\n",
        "</p><p><b>a</b> &lt; b and <i>&amp;</i></p>\n",
        f"<p>{long}\n",
        "<b>a</b> &lt; b\n",
    )
    again = partial.filled({"one": Fill("x", is_personal=True), "other": Fill("y")})
    assert again[0] is partial.filled(fills)[0], "what is not filled in is one string for all"
    assert [isinstance(chunk, PersonalText) for chunk in again] == [False, True, False, True]
    link = PartialTemplate(f'<a title="y" href="{one}">{one}</a>', {}, html=True)
    assert link.filled({"one": Fill("a\"b'&<>")}) == ('<a title="y" href="a&quot;b\'&amp;<>">a"b\'&amp;&lt;&gt;</a>',)
    with pytest.raises(NeedsValue):
        PartialTemplate(f'<p title="x" {one}>', {}, html=True)
    with pytest.raises(NeedsValue):
        PartialTemplate(one[:-1], {}, html=False)
    with pytest.raises(NeedsValue):
        PartialTemplate(one.lower(), {}, html=False)


def test_little_between_two_placeholders_is_no_chunk_of_its_own() -> None:
    one = placeholder("one")
    partial = PartialTemplate(f"a\n{one}\nb\nc\n{one}\nd\n", {}, html=False)
    assert partial.filled({"one": Fill("x")}) == ("a\nx\nb\nc\nx\nd\n",)


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
