"""HTML to text: what is markup goes, what the text is about stays."""

import time

import pytest

from bot.core.text.markup import MAX_MARKUP, to_text
from bot.core.text.sanitize import line


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("for $p<q$ and $r>0$", "for $p<q$ and $r>0$"),
        ("<p>a &amp; <i>b</i></p><script>alert('<b>')</script>", "a & b"),
        ("&lt;p&gt;twice&lt;/p&gt;", "twice"),
        ("x <EOS> y", "x <EOS> y"),
        ("<jats:p>A <jats:italic>b</jats:italic></jats:p>", "A b"),
        ("a<!-- <b> -->b", "a b"),
        ("AT&T &copy 1", "AT&T &copy 1"),
        ("<![CDATA[kept]]>", "kept"),
    ],
)
def test_text_of_html(html: str, text: str) -> None:
    assert line(to_text(html)) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("A free guide to &lt;head&gt; elements", "A free guide to <head> elements"),
        ("Using the <script> tag safely", "Using the <script> tag safely"),
        ("The <u> profile of <i>E. coli</i>", "The <u> profile of E. coli"),
        ("Closing a </div>, and why", "Closing a </div>, and why"),
        ("<p><strong>Orchids</strong> of <em>Kiandra</em></p>", "Orchids of Kiandra"),
        ("A long<br>title", "A long title"),
        ("CO<sub>2</sub> and 10<SUP>-3</SUP>, 1<sup>st</sup>", "CO₂ and 10⁻³, 1st"),
        ("The <p> element", "The <p> element"),
        ('<a href="https://example.org/">Linked and cut off', "Linked and cut off"),
        ("Generic vector<int> and <think>", "Generic vector<int> and <think>"),
        ("<p>Why &lt;b&gt; is text</p>", "Why <b> is text"),
    ],
)
def test_a_tag_may_be_what_a_title_is_about(html: str, text: str) -> None:
    assert line(to_text(html, prose=False)) == text


def test_prose_may_leave_paragraphs_open_and_be_cut_off() -> None:
    assert line(to_text("One<p>two <b>three")) == "One two three"


@pytest.mark.parametrize("piece", ["<div>", "<", "<a ", "<a x=", "<!--", "&", "<script>", "<![CDATA[", "<b "])
def test_linear_in_its_length(piece: str) -> None:
    started = time.perf_counter()
    to_text(piece * (MAX_MARKUP // len(piece)))
    assert time.perf_counter() - started < 4
