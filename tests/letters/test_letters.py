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
from bot.core.letter.renderer import MAX_HTML, LetterRenderer, html_size
from bot.core.papers import Paper
from bot.core.query.quote import Quote
from bot.core.source.health import SourceNote
from bot.core.text.columns import width

EVERY = samples.all_editions()
OUTSIDE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")
TAGS = {"html", "head", "meta", "title", "style", "body", "div", "table", "tbody", "tr", "td"}
TAGS |= {"h1", "h2", "h3", "p", "a", "b", "span", "img"}


class Reader(HTMLParser):
    """Tags, attributes, links and text of a page as a screen reader says it; the text without the rows of links."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._until = ""  # the end of this element text is not seen
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if dict(attrs).get("role") == "img":
            self.text.append(dict(attrs)["aria-label"] or "")
            self._until = tag
        if tag in ("style", "title") or dict(attrs).get("class") in ("preheader", "links", "more"):
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
    own |= {edition.browser_url, edition.manage_url}
    for section in edition.sections:
        for pick in section.picks:
            own |= {pick.more_url, pick.less_url, pick.save_url}
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
    assert html_size(letter.html) == len(page.encode()) <= MAX_HTML
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
        if "@" not in words and not words.startswith(("unsubscribe", "·", "stopalerts")):
            assert words in text, line


def test_equal_papers_are_the_same_chunks(renderer: LetterRenderer) -> None:
    one = renderer.letter(samples.sample_edition(samples.EFFICIENT, samples.MIXTURES))
    other = renderer.letter(
        replace(
            samples.sample_edition(samples.EFFICIENT), subscriber=replace(samples.SUBSCRIBER, email="bo@example.org")
        )
    )
    for mine, yours in ((one.html, other.html), (one.text, other.text)):
        same = [chunk for chunk in yours if any(chunk is mine_chunk for mine_chunk in mine)]
        assert sum("Larkspur" in chunk or "Timetables" in chunk for chunk in same) >= 2
        assert sum(map(len, same)) > 0.6 * sum(map(len, yours))


def test_a_profile_of_another_name_shares_the_card(renderer: LetterRenderer) -> None:
    """All but the sentence that says why: the word stands only in the abstract, which is not shown."""

    def named(profile: str) -> Letter:
        return renderer.letter(
            samples.sample_edition(
                samples.section(profile, samples.picked(samples.ROUTERS, profile, "recency", "abstract"))
            )
        )

    one, other = named("Mixtures"), named("Experts")
    assert "Matched “recency” in the abstract" in one.text_page
    assert [chunk for chunk in one.html if "Small Routers" in chunk][-1] is [
        chunk for chunk in other.html if "Small Routers" in chunk
    ][-1]


def test_a_letter_is_a_function_of_its_edition(renderer: LetterRenderer) -> None:
    for edition in EVERY.values():
        assert renderer.letter(edition) == renderer.letter(edition)


def test_a_renderer_that_forgot_draws_the_same_letter_anew(renderer: LetterRenderer) -> None:
    """A worker forgets after each round of sending, or it would keep every card it ever drew."""
    edition = samples.sample_edition(samples.EFFICIENT, samples.MIXTURES)
    before = renderer.letter(edition)
    shared = {id(chunk) for chunk in before.html if len(chunk) > 1_000}
    assert shared & {id(chunk) for chunk in renderer.letter(edition).html}
    renderer.forget()
    after = renderer.letter(edition)
    assert after == before
    assert not shared & {id(chunk) for chunk in after.html}


def test_nothing_is_hidden_when_a_letter_is_cut(renderer: LetterRenderer) -> None:
    edition = samples.sample_edition(samples.section("Efficient attention", *samples.many(200)))
    letter = renderer.letter(edition)
    verify(edition, letter)
    shown = letter.text_page.count("\n* ")
    assert 60 < shown < 200
    assert f"And {200 - shown} more papers, next:" in letter.text_page
    assert "200 new papers for you." in letter.text_page
    assert f"Larkspur {shown + 1}: More" in letter.text_page
    assert "(+199 more)" in letter.subject


def test_abstracts_shorten_before_papers_go(renderer: LetterRenderer) -> None:
    abstract = " ".join(f"This is sentence number {number} of a long abstract." for number in range(90))
    for count in (20, 30, 60):
        wanted = samples.sample_edition(
            samples.section("Efficient attention", *samples.many(count, abstract)),
            subscriber=replace(samples.SUBSCRIBER, abstract="full"),
        )
        letter = renderer.letter(wanted)
        assert letter.text_page.count("\n* ") == count
        assert ("sentence number 0" in letter.text_page) is (count < 60), "sixty are compact"


def test_hundreds_of_sections_fit(renderer: LetterRenderer) -> None:
    """A subscriber with five hundred profiles of a paper each still gets a letter, and every paper is counted."""
    picks = samples.many(500)
    edition = samples.sample_edition(*(samples.section(f"Profile {n}", pick) for n, pick in enumerate(picks)))
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
    assert links == ["https://doi.org/10.1000/%3Cweird%3E%22quoted%22%20%25zz", "https://example.org/?a=1&b=2#c"]


def test_matched_words_are_marked_and_only_else_named(renderer: LetterRenderer, letters: dict[str, Letter]) -> None:
    page = letters["daily"].html_page
    assert re.search(r'<b class="hit"[^>]*>Sparse Attention</b> That Remembers', page)
    assert re.search(r'A <b class="hit"[^>]*>sparse attention</b> layer', page)
    assert "Matched" not in page, "the marks say it"
    assert "Also for Hot papers" in " ".join(letters["daily"].text_page.split())
    pick = Pick(
        paper=samples.LARKSPUR,
        reasons=(
            Reason(profile="Other", quotes=samples.quote("KV cache", "abstract")),
            Reason(profile="Mine", quotes=samples.quote("synthetic retrieval", "abstract")),
        ),
    )
    text = " ".join(renderer.letter(samples.sample_edition(samples.section("Mine", pick))).text_page.split())
    assert "Matched “synthetic retrieval” in the abstract; also for Other" in text


def test_what_a_condition_on_votes_asks_is_on_the_chip(renderer: LetterRenderer) -> None:
    votes = Quote(term="upvotes>=100", field="upvotes", text="141")
    stars = Quote(term="stars>=1000", field="stars", text="1212")
    for quotes, said in (((votes,), False), ((stars,), True), ((votes, stars), False)):
        pick = Pick(paper=samples.LARKSPUR, reasons=(Reason(profile="Hot", quotes=quotes),))
        text = renderer.letter(samples.sample_edition(samples.section("Hot", pick))).text_page
        assert ("Matched stars>=1000" in text) is said


def test_an_overview_first_then_one_lead_then_the_sections(letters: dict[str, Letter]) -> None:
    text = letters["twenty"].text_page
    lines = text.splitlines()
    heading = next(number for number, line in enumerate(lines) if line.startswith("== "))
    overview = [line.strip() for line in lines[:heading] if " · " in line]
    assert [re.match(r"(.+?) (\d+) · .", line).groups() for line in overview] == [  # type: ignore[union-attr]
        ("Agents", "12"),
        ("World models", "4"),
        ("Efficient training", "7"),
        ("Trending", "5"),
    ]
    assert [line.strip("= ") for line in lines if line.startswith("== ")] == [
        "Top paper · Agents",
        "Agents 12",
        "World models 4",
        "Efficient training 7",
        "Trending 5",
    ]
    assert text.count("* Heron") == 1, "the lead is not told again in its section"
    assert letters["twenty"].subject.startswith("20 Nov: Heron"), "and it is what the subject says"


def test_the_lead_is_the_paper_most_profiles_ask_for_then_the_one_with_most_votes(renderer: LetterRenderer) -> None:
    def lead(*picks: Pick) -> str:
        sections = [samples.section(f"P{number}", pick) for number, pick in enumerate(picks)]
        return renderer.letter(samples.sample_edition(*sections, samples.HOT)).subject

    small = samples.picked(samples.LINEAR, "P0")
    voted = samples.picked(samples.ROUTERS, "P1")
    both = replace(small, reasons=(*small.reasons, Reason(profile="P1")))
    assert "Small Routers" in lead(small, voted)
    assert "Linear Attention" in lead(both, voted)
    assert "Birdsong" in renderer.letter(samples.sample_edition(trending_of(samples.BIRDSONG, samples.TINY))).subject


def trending_of(*papers: Paper) -> Section:
    return samples.trending(*(Pick(paper=paper) for paper in papers))


def test_the_first_of_a_section_are_cards_and_the_rest_compact(letters: dict[str, Letter]) -> None:
    page = letters["twenty"].html_page
    titles = re.findall(r'<(h2 class="lead-title|h3 class="h3(?:-compact)?)"', page)
    forms = ["lead" if "lead" in one else "compact" if "compact" in one else "card" for one in titles]
    short = "".join(form[1] for form in forms)  # lEad, cArd, cOmpact
    assert short == "e" + "aaa" + "aaao" + "aaooooo" + "aaooo"


def test_an_alert_of_many_papers_is_a_list(letters: dict[str, Letter], renderer: LetterRenderer) -> None:
    one = letters["alert"].html_page
    assert one.count('class="h3"') == 1
    many = samples.sample_edition(samples.section("P", *samples.many(9)), kind="alert", cadence="instant")
    page = renderer.letter(many).html_page
    assert (page.count('class="h3"'), page.count('class="h3-compact"')) == (1, 8)
    assert "lead" not in page.partition("<body")[2]


def test_what_a_subscriber_can_do_is_linked(letters: dict[str, Letter]) -> None:
    links = Reader(letters["daily_linked"].html_page).links
    for start in ("https://papers.example.org/t/m", "https://papers.example.org/t/l", "https://papers.example.org/t/s"):
        assert sum(link.startswith(start) for link in links) == 4, "for the lead and every card"
    assert "https://papers.example.org/e/mfrggzdf" in links
    assert "https://papers.example.org/manage/mfrggzdf" in links
    page = letters["daily_linked"].html_page
    assert page.count("<img") == 1
    picture = re.search(r'<img [^>]*src="https://thumbnails.example.org/2611.90001.png"[^>]*>', page)
    assert picture
    assert re.search(r'alt="\w.* width="224" height="121"', picture[0])
    assert "<img" not in letters["daily"].html_page, "no picture unless it is asked for"


def test_sources_are_told_only_when_one_is_in_trouble_and_once(letters: dict[str, Letter]) -> None:
    assert "fresh" not in letters["daily"].text_page
    for name in ("weekdays", "heartbeat_troubled"):
        assert letters[name].text_page.count("lab") == letters[name].text_page.count("lab.example.org") + 1
        assert letters[name].text_page.count("failing") == 1


def test_a_model_s_sentence_bears_its_name_and_gives_way_to_the_source_s(renderer: LetterRenderer) -> None:
    def text(paper: Paper, **facts: str) -> str:
        picks = [replace(samples.picked(one, "P"), **facts) for one in (paper,)]  # type: ignore[arg-type]
        letter = renderer.letter(samples.sample_edition(samples.section("P", *picks)))
        verify(samples.sample_edition(samples.section("P", *picks)), letter)
        return " ".join(letter.text_page.split())

    said = {"summary": "A router breaks ties by age.", "summary_by": "gemma-9"}
    assert "A router breaks ties by age. (by gemma-9, not the authors)" in text(samples.ROUTERS, **said)
    assert "gemma-9" not in text(samples.LARKSPUR, **said), "the source has a summary"
    assert "A router breaks ties" not in text(samples.ROUTERS, summary=said["summary"]), (
        "nobody's sentence is no sentence"
    )
    assert "(by gemma-9" not in text(samples.ROUTERS, summary_by="gemma-9")


def test_papers_near_a_profile_are_told_apart(letters: dict[str, Letter]) -> None:
    text = " ".join(letters["near"].text_page.split())
    assert "2 new papers for you. And one near your profiles. And one that trends." in text
    assert "== Near your profiles 1 ==" in text
    assert "Top paper · Efficient attention" in text, "the top paper answers a profile"
    text = " ".join(letters["only_near"].text_page.split())
    assert "Nothing answers your profiles; here are 3 papers near them." in text
    assert "Top paper" not in text


def test_authors_are_counted(letters: dict[str, Letter]) -> None:
    assert "Ada 0, Ada 1, Ada 2, …, Di 165 (+660)" in " ".join(letters["crowd"].text_page.split())
    assert "23 authors · Fen & Field Laboratory" in " ".join(letters["daily"].text_page.split())


def test_silence_is_explained(letters: dict[str, Letter]) -> None:
    troubled = " ".join(letters["heartbeat_troubled"].text_page.split())
    assert "Nothing new for you since Fri 13 Nov. ! lab" in troubled
    assert "lab is failing since Tue 17 Nov: connection refused" in troubled
    assert letters["heartbeat"].subject == "20 Nov: nothing new, all is well"


def test_the_way_out_is_told(letters: dict[str, Letter]) -> None:
    for name, edition in EVERY.items():
        for page in (letters[name].html_page, letters[name].text_page):
            assert edition.unsubscribe_email in page
        shown = "".join(Reader(letters[name].html_page).text)
        assert not edition.unsubscribe_email or edition.unsubscribe_email not in shown, "a link, not an address to read"
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
    edition = samples.sample_edition(
        *sections,
        kind=kind,
        cadence=cadence,
        sources=tuple(notes),
        subscriber=replace(samples.SUBSCRIBER, language=language, name=other["contact"]),
        **other,
    )
    letter = renderer.letter(edition)
    page = letter.html_page
    assert html_size(letter.html) <= MAX_HTML
    assert not OUTSIDE.search(page + letter.text_page + letter.subject)
    html5lib.HTMLParser(strict=True).parse(page)
    seen = Reader(page)
    assert {tag for tag, _ in seen.tags} <= TAGS
    assert all(urlsplit(link).scheme in ("http", "https", "mailto") for link in seen.links)
