"""What is true of every letter: valid HTML, safe links, the size, text equal to HTML, nothing that hurts."""

import re
from dataclasses import replace
from datetime import date, timedelta
from email.header import Header
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import html5lib
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.edition.edition import Edition, Pick, Reason, Section
from bot.core.letter import samples
from bot.core.letter.letter import Letter
from bot.core.letter.renderer import MAX_HTML, LetterRenderer, size
from bot.core.letter.wrap import width
from bot.core.papers import Paper
from bot.core.query.quote import Quote
from bot.core.source.state import SourceNote

EVERY = samples.all_editions()
OUTSIDE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")
TAGS = {"html", "head", "meta", "title", "style", "body", "div", "table", "tbody", "tr", "td"}
TAGS |= {"h1", "h2", "h3", "p", "a", "b", "span"}


class Reader(HTMLParser):
    """Tags, attributes, links and visible text of a page; the text without the rows of links."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._until = ""  # the end of this element text is not seen
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("style", "title") or dict(attrs).get("class") in ("preheader", "links"):
            self._until = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._until:
            self._until = ""

    def handle_data(self, data: str) -> None:
        if not self._until:
            self.text.append(data)

    @property
    def links(self) -> list[str]:
        return [attrs["href"] or "" for tag, attrs in self.tags if tag == "a"]


def record(edition: Edition) -> set[str]:
    """Every address the edition's records hold."""
    papers = [*edition.papers, *(paper for section in edition.sections for paper in section.more_papers)]
    own = {edition.unsubscribe_url, f"mailto:{edition.unsubscribe_email}?subject=unsubscribe"}
    for paper in papers:
        own |= {
            paper.url,
            paper.pdf_url,
            paper.hf_url,
            paper.code_url,
            paper.project_url,
            f"https://doi.org/{OUTSIDE.sub('', paper.doi)}",
        }
    return {unquote(url) for url in own}


def verify(edition: Edition, letter: Letter) -> None:
    """Everything that is true of any letter, whatever came from outside."""
    page = letter.html_page
    assert size(letter.html) == len(page.encode()) <= MAX_HTML
    for chunk in (*letter.html, *letter.text):
        assert chunk.endswith("\n")
        assert not OUTSIDE.search(chunk)
    assert not OUTSIDE.search(letter.subject)
    assert "\n" not in letter.subject
    html5lib.HTMLParser(strict=True).parse(page)  # raises on the first parse error

    seen = Reader(page)
    names = {tag for tag, _ in seen.tags}
    assert names <= TAGS
    assert [tag for tag, _ in seen.tags].count("h1") == 1
    for tag, attrs in seen.tags:
        assert not any(name.startswith("on") for name in attrs)
        assert tag != "table" or attrs["role"] == "presentation"
        if tag in ("p", "h1", "h2", "h3", "a", "td"):
            assert attrs.get("style"), f"<{tag}> without inline style"
    allowed = record(edition)
    for link in seen.links:
        assert urlsplit(link).scheme in ("http", "https", "mailto")
        assert unquote(link) in allowed
    assert set(seen.links) - {f"mailto:{edition.unsubscribe_email}?subject=unsubscribe"} <= set(
        letter.text_page.split()
    )

    for line in letter.text_page.splitlines():
        assert width(line) <= 72 or "://" in line or "@" in line, line
        assert line == line.rstrip() or line == "-- ", repr(line)


@pytest.mark.parametrize("name", EVERY)
def test_every_sample(name: str, letters: dict[str, Letter]) -> None:
    verify(EVERY[name], letters[name])


@pytest.mark.parametrize("name", EVERY)
def test_the_text_says_what_the_html_says(name: str, letters: dict[str, Letter]) -> None:
    """Every line of the HTML is in the text, but for the blanks; links and their stars are compared elsewhere."""
    text = re.sub(r"\s", "", letters[name].text_page).casefold()
    for line in "".join(Reader(letters[name].html_page).text).splitlines():
        words = re.sub(r"\s", "", line).casefold()
        if "@" not in words and not words.startswith(("sources", "thisletter", "unsubscribe")):
            assert words in text, line


def test_equal_papers_are_the_same_chunks(renderer: LetterRenderer) -> None:
    one = renderer.letter(samples.edition(samples.EFFICIENT, samples.MIXTURES))
    other = renderer.letter(
        replace(samples.edition(samples.EFFICIENT), subscriber=replace(samples.SUBSCRIBER, email="bo@example.org"))
    )
    for mine, yours in ((one.html, other.html), (one.text, other.text)):
        same = [chunk for chunk in yours if any(chunk is mine_chunk for mine_chunk in mine)]
        assert sum("Larkspur" in chunk or "Timetables" in chunk for chunk in same) >= 2
        assert sum(map(len, same)) > 0.6 * sum(map(len, yours))


def test_a_profile_of_another_name_shares_the_card(renderer: LetterRenderer) -> None:
    def named(profile: str) -> Letter:
        return renderer.letter(
            samples.edition(samples.section(profile, samples.picked(samples.ROUTERS, profile, "router")))
        )

    one, other = named("Mixtures"), named("Experts")
    assert [chunk for chunk in one.html if "Small Routers" in chunk][-1] is [
        chunk for chunk in other.html if "Small Routers" in chunk
    ][-1]


def test_a_letter_is_a_function_of_its_edition(renderer: LetterRenderer) -> None:
    for edition in EVERY.values():
        assert renderer.letter(edition) == renderer.letter(edition)


def test_nothing_is_hidden_when_a_letter_is_cut(letters: dict[str, Letter]) -> None:
    letter = letters["too_big"]
    shown = letter.text_page.count("\n* ")
    assert 0 < shown < 60
    assert f"And {60 - shown} more papers, next:" in letter.text_page
    assert "60 new papers for you." in letter.text_page
    assert f"Larkspur {shown + 1}: More" in letter.text_page
    assert "(+59 more)" in letter.subject


def test_abstracts_shorten_before_papers_go(renderer: LetterRenderer) -> None:
    abstract = " ".join(f"This is sentence number {number} of a long abstract." for number in range(90))
    for count in (20, 24, 30):
        wanted = samples.edition(
            samples.section("Efficient attention", *samples.many(count, abstract)),
            subscriber=replace(samples.SUBSCRIBER, abstract="full"),
        )
        letter = renderer.letter(wanted)
        assert letter.text_page.count("\n* ") == count
        assert "sentence number 0" in letter.text_page


def test_hundreds_of_sections_fit(renderer: LetterRenderer) -> None:
    """A subscriber with five hundred profiles of a paper each still gets a letter, and every paper is counted."""
    picks = samples.many(500)
    edition = samples.edition(*(samples.section(f"Profile {n}", pick) for n, pick in enumerate(picks)))
    letter = renderer.letter(edition)
    verify(edition, letter)
    assert "(+499 more)" in letter.subject


@pytest.mark.parametrize("name", ["injection", "hostile_everywhere", "bidi", "script"])
def test_a_subject_is_one_harmless_line(name: str, letters: dict[str, Letter]) -> None:
    subject = letters[name].subject
    assert subject.isprintable()
    assert "\n" not in Header(subject, "utf-8").encode().replace("\n ", "")


def test_no_script_survives(letters: dict[str, Letter]) -> None:
    page = letters["script"].html_page
    assert "<script" not in page.lower()
    assert "<img" not in page.lower()
    assert "&lt;script&gt;alert('x')&lt;/script&gt;" in page


def test_only_addresses_of_the_record_become_links(letters: dict[str, Letter]) -> None:
    links = [link for link in Reader(letters["links"].html_page).links if not link.startswith("mailto:")]
    assert links == ["https://doi.org/10.1000/%3Cweird%3E%22quoted%22%20%25zz", *links[1:]]
    assert set(links[1:]) == {
        "https://example.org/?a=1&b=2#c",
        "https://doi.org/10.1000/%3Cweird%3E%22quoted%22%20%25zz",
    }


def test_matched_words_are_marked_and_named(letters: dict[str, Letter]) -> None:
    page = letters["daily"].html_page
    assert re.search(r'<b class="hit"[^>]*>Sparse Attention</b> That Remembers', page)
    assert re.search(r'reading 6% of the <b class="hit"[^>]*>KV cache</b>', page)
    assert "Matched “Sparse Attention” in title and abstract, “KV cache” in the" in letters["daily"].text_page
    assert "for Hot papers: upvotes>=100" in " ".join(letters["daily"].text_page.split())


def test_authors_are_counted(letters: dict[str, Letter]) -> None:
    assert "Ada 0, Ada 1, Ada 2, …, Di 165 (+660)" in letters["crowd"].text_page
    assert "23 authors · Fen & Field Laboratory" in letters["daily"].text_page


def test_silence_is_explained(letters: dict[str, Letter]) -> None:
    troubled = " ".join(letters["heartbeat_troubled"].text_page.split())
    assert "Nothing new for you since Fri 13 Nov. Not every source can be read" in troubled
    assert "lab is failing since Tue 17 Nov: connection refused" in troubled
    assert letters["heartbeat"].subject == "20 Nov: nothing new, all is well"


def test_the_way_out_is_told(letters: dict[str, Letter]) -> None:
    for name, edition in EVERY.items():
        for page in (letters[name].html_page, letters[name].text_page):
            assert edition.unsubscribe_email in page
    assert "https://papers.example.org/u/mfrggzdf" in Reader(letters["late"].html_page).links


ODD = st.text(st.characters(exclude_categories=[]), max_size=60) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        "=?UTF-8?Q?=0A?=Bcc: x@y",
        "\u202eevil",
        "\x00",
        "\ud800",
        "&lt;",
        "$\\frac{a}{b}$",
        "{{ 7*7 }}",
        "W" * 300,
    ]
)
NUMBERS = st.none() | st.integers(-5, 10**12)
PAPERS = st.builds(
    Paper,
    key=ODD,
    title=ODD,
    abstract=ODD | st.text("abc .", max_size=3_000),
    authors=st.lists(ODD, max_size=8).map(tuple),
    author_count=NUMBERS,
    categories=st.lists(ODD, max_size=8).map(tuple),
    organization=ODD,
    summary=ODD,
    note=ODD,
    journal=ODD,
    doi=ODD.map(lambda text: f"10.1/{text}"),
    upvotes=NUMBERS,
    comments=NUMBERS,
    stars=NUMBERS,
    published=st.none() | st.dates(date(1900, 1, 1)),
    listed=st.none() | st.dates(date(1900, 1, 1)),
    url=ODD | st.just("https://example.org/paper"),
    pdf_url=ODD.map(lambda text: f"https://example.org/{text}"),
    withdrawn=st.booleans(),
    late=st.booleans(),
)
REASONS = st.builds(
    Reason,
    profile=ODD,
    quotes=st.lists(
        st.builds(Quote, term=ODD, field=st.sampled_from(["title", "abstract", "author", "upvotes", "?"]), text=ODD),
        max_size=4,
    ).map(tuple),
)
PICKS = st.builds(
    Pick,
    paper=PAPERS,
    reasons=st.lists(REASONS, max_size=3).map(tuple),
    rise=NUMBERS,
    rise_over=st.none() | st.timedeltas(timedelta(0), timedelta(days=400)),
    entered_top=st.booleans(),
    news=ODD,
)
SECTIONS = st.builds(
    Section,
    kind=st.sampled_from(["profile", "trending", "revisions"]),
    name=ODD,
    picks=st.lists(PICKS, max_size=3).map(tuple),
    more=st.integers(0, 10**9),
    more_papers=st.lists(PAPERS, max_size=2).map(tuple),
)
NOTES = st.builds(
    SourceNote,
    name=ODD,
    state=st.sampled_from(["fresh", "waiting", "quiet", "stale", "failing"]),
    since=st.none() | st.just(samples.NOW),
    next_try=st.none() | st.just(samples.NOW),
    reason=ODD,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    st.lists(SECTIONS, max_size=3),
    st.sampled_from(["digest", "alert"]),
    st.sampled_from(["daily", "weekdays", "weekly", "monthly", "instant"]),
    st.lists(NOTES, max_size=3),
    st.fixed_dictionaries({"late_since": st.none() | st.just(samples.NOW), "heartbeat": st.booleans(), "contact": ODD}),
    st.sampled_from(["en", "fr", "ar", "de-CH", "xx-nonsense", ""]),
)
def test_whatever_comes_the_letter_is_sound(renderer, sections, kind, cadence, notes, other, language):  # type: ignore[no-untyped-def]
    edition = samples.edition(
        *sections,
        kind=kind,
        cadence=cadence,
        sources=tuple(notes),
        subscriber=replace(samples.SUBSCRIBER, language=language, name=other["contact"]),
        **other,
    )
    letter = renderer.letter(edition)
    page = letter.html_page
    assert size(letter.html) <= MAX_HTML
    assert not OUTSIDE.search(page + letter.text_page + letter.subject)
    html5lib.HTMLParser(strict=True).parse(page)
    seen = Reader(page)
    assert {tag for tag, _ in seen.tags} <= TAGS
    assert all(urlsplit(link).scheme in ("http", "https", "mailto") for link in seen.links)
