"""Simple feeds are read by the XML parser alone: with what comes out as feedparser has it, to the letter."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.source.document import Document, Request
from bot.core.text import sanitize
from bot.errors import SourceError
from bot.sources import feed
from bot.sources.feed import simple_feed, syndication

RECORDED = sorted((Path(__file__).parent / "recorded" / "feed").glob("*"))
SPACES = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/" '
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:arxiv="http://arxiv.org/schemas/atom" '
    'xmlns:dcterms="http://purl.org/dc/terms/" xmlns:atom="http://www.w3.org/2005/Atom"'
)


def told(text: str, monkeypatch: pytest.MonkeyPatch, *, simply: bool) -> Any:
    """What a feed holds, read simply or by feedparser."""
    body = text.encode()
    document = Document(
        request=Request(location="https://lab.example/feed"),
        location="https://lab.example/feed",
        body=body,
        fetched=datetime(2026, 11, 17, tzinfo=UTC),
    )
    with monkeypatch.context() as patched:
        if not simply:
            patched.setattr(simple_feed, "read", lambda text: None)
        try:
            return feed.parse(document, feed.Settings(url="https://lab.example/feed"))
        except SourceError as error:
            return str(error)


def compare(texts: Sequence[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> int:
    """How many of these are simple; they must read alike either way."""
    simple = 0
    for name, text in texts:
        try:
            found = simple_feed.read(text)
        except SourceError:
            continue
        if found is not None:
            simple += 1
            assert told(text, monkeypatch, simply=True) == told(text, monkeypatch, simply=False), name
    return simple


def decoded(paths: Sequence[Path]) -> list[tuple[str, str]]:
    return [(path.name, sanitize.decode(path.read_bytes(), "").lstrip()) for path in paths]


def test_recorded_feeds_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compare(decoded([path for path in RECORDED if path.suffix not in (".json", ".html")]), monkeypatch) >= 1


def test_real_feeds_read_alike(fixtures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [
        path
        for path in fixtures.rglob("*")
        if path.is_file() and path.stat().st_size < 3_000_000 and path.suffix in (".xml", ".rss", ".atom", ".rdf")
    ]
    feeds = [(name, text) for name, text in decoded(paths) if "<rss" in text or "<feed" in text or "<rdf:RDF" in text]
    assert compare(feeds, monkeypatch) > len(feeds) // 3


words = st.text(st.sampled_from("ab c<>&\"'é—日\n.@()/"), max_size=24)
addresses = st.sampled_from(
    ["https://lab.example/1", "https://lab.example/?a=1&b=2", "/p/2", "", "mailto:x@y.example", "https://x.example/é"]
)
people = st.sampled_from(["Ada L", "ada@x.example (Ada L)", "Ada <ada@x.example>", "", "B, C. and D, E.", "(x@y.org)"])
days = st.sampled_from(["Tue, 10 Nov 2015 10:00:00 GMT", "2026-11-17T08:00:00Z", "yesterday", ""])


def element(name: str, text: str, attributes: str = "") -> str:
    return f"<{name}{attributes}>{escape(text)}</{name}>"


rss_child = st.one_of(
    st.builds(
        element, st.sampled_from(["title", "dc:title", "description", "content:encoded", "dc:description"]), words
    ),
    st.builds(element, st.sampled_from(["link", "prism:url", "comments"]), addresses),
    st.builds(element, st.just("guid"), addresses | words, st.sampled_from(["", " isPermaLink='false'", " a='b'"])),
    st.builds(element, st.sampled_from(["author", "dc:creator"]), people),
    st.builds(element, st.sampled_from(["pubDate", "dc:date", "prism:publicationDate", "dcterms:created"]), days),
    st.builds(element, st.sampled_from(["category", "dc:subject"]), words, st.sampled_from(["", " domain='d'"])),
    st.builds(
        element, st.sampled_from(["dc:identifier", "prism:doi"]), st.sampled_from(["doi:10.1000/x", "urn:1", ""])
    ),
    st.builds(element, st.sampled_from(["dc:source", "prism:volume", "prism:publicationName", "odd"]), words),
    st.sampled_from(
        ["<enclosure url='https://x.example/a.pdf' type='Application/PDF'/>", "<atom:link href='https://x.example/9'/>"]
    ),
)
atom_child = st.one_of(
    st.builds(
        element,
        st.sampled_from(["title", "summary", "content"]),
        words,
        st.sampled_from(["", " type='html'", " type='text'", " type='text/html'"]),
    ),
    st.builds(element, st.just("id"), addresses | words),
    st.builds(element, st.sampled_from(["published", "updated", "dc:date"]), days),
    st.builds(lambda name: f"<author><name>{escape(name)}</name><uri>u</uri></author>", people),
    st.sampled_from(
        [
            "<link href='https://lab.example/1'/>",
            "<link rel='Alternate' type='text/html' href='/2'/>",
            "<link rel='related' href='https://x.example/a.pdf' type='application/pdf'/>",
            "<category term='cs.CL' label='Language'/>",
            "<category term='cs.LG'/>",
            "<arxiv:doi>10.1000/y</arxiv:doi>",
            "<arxiv:comment>12 pages</arxiv:comment>",
            "<source><id>s</id><title>Elsewhere</title></source>",
        ]
    ),
)


@pytest.mark.parametrize("kind", ["rss", "atom"])
def test_made_up_feeds_read_alike(kind: str) -> None:
    simple = 0
    child, entry = (rss_child, "item") if kind == "rss" else (atom_child, "entry")

    @settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine is none of its business
    @given(st.lists(st.lists(child, max_size=8), min_size=1, max_size=3))
    def check(entries: list[list[str]]) -> None:
        nonlocal simple
        inside = "".join(f"<{entry}>{''.join(children)}</{entry}>" for children in entries)
        head = (
            "<title>Lab</title><link>https://lab.example/</link>" if kind == "rss" else "<title>Lab</title><id>i</id>"
        )
        text = (
            f"<rss version='2.0' {SPACES}><channel>{head}{inside}</channel></rss>"
            if kind == "rss"
            else f"<feed xmlns='http://www.w3.org/2005/Atom' {SPACES}>{head}{inside}</feed>"
        )
        with pytest.MonkeyPatch.context() as patched:
            simple += compare([(text, text)], patched)

    check()
    assert simple > 50


@pytest.mark.parametrize(
    "text",
    [
        "<rss version='2.0'><channel><title>x</title><item><title>a <b>bold</b> word</title></item></channel></rss>",
        "<rss version='2.0'><channel><title>x</title><item><title>broken</item></channel></rss>",
        "<rss version='2.0'><channel><title>x</title><item><title>&nbsp;</title></item></channel></rss>",
        "<!DOCTYPE rss [<!ENTITY a 'b'>]><rss version='2.0'><channel><item><title>&a;</title></item></channel></rss>",
        "<feed xmlns='http://www.w3.org/2005/Atom'><entry><title type='xhtml'><div>x</div></title></entry></feed>",
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='https://x.example/'><entry><title>x</title></entry></feed>",
        "<feed xmlns='http://www.w3.org/2005/Atom'><entry><content type='image/png'>aGk=</content></entry></feed>",
        "<rss version='2.0'><channel><item><title>" + "a" * 6_000 + "</title></item></channel></rss>",
        "<rss version='2.0'><channel>" + "<a>" * 200_000,
        "<html><body>no feed</body></html>",
        "",
    ],
)
def test_what_is_not_simple_is_left_to_feedparser(text: str) -> None:
    assert simple_feed.read(text) is None


assert syndication.simple_feed is simple_feed  # what `told` replaces
