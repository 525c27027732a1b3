"""Documents that mean harm: 16 MB of any kind cost a source less than two seconds of CPU."""

import json
import time
from collections.abc import Callable

import pytest

from bot.core.papers import Listing
from bot.errors import SourceError
from bot.sources import SOURCES
from bot.sources.feed.bounds import MAX_ENTRIES, bounded
from tests.sources.test_contract import NOW, Document, Request, settings_of

SIZE = 15_900_000  # characters
SECONDS = 3.0  # of CPU, for a slow machine; two are the promise
RSS = '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>t</title>'
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>'
ID = "<id>oai:arXiv.org:2401.12345v1</id><title>x y</title>"
TEX = r"$\frac{1}{2}$ \'e " * 200
JSON_TEX = json.dumps(TEX)


def filled(before: str, piece: str, after: str = "") -> str:
    return before + piece * ((SIZE - len(before) - len(after)) // len(piece)) + after


def item(field: str, piece: str) -> Callable[[], str]:
    """A feed of one item with one endless field."""
    name = field.partition(" ")[0]
    return lambda: filled(f"{RSS}<item><title>x y</title><{field}>", piece, f"</{name}></item></channel></rss>")


DOCUMENTS: dict[str, Callable[[], str]] = {
    "feed author": item("author", "a"),
    "feed author mail": item("author", "a@"),
    "feed creator": item("dc:creator", "A. "),
    "feed creator mail": item("dc:creator", f"{'a' * 64}@{'b.' * 9} ("),
    "feed creator notes": item("dc:creator", "Ada1,2*† "),
    "feed figures": item("description", "O_FIG O_TBL METHODSC_FIG "),
    "feed notices": lambda: filled(RSS, f"<item><title>Correction {'– ' * 400}</title></item>", "</channel></rss>"),
    "feed title": item("title", "a"),
    "feed description": item("description", "&lt;div&gt;"),
    "feed date": item("pubDate", "1 "),
    "feed link": item("link", "http://a/%41?"),
    "feed categories": lambda: filled(f"{RSS}<item><title>x</title>", "<category>c</category>"),
    "feed attributes": lambda: filled(f"{RSS}<item ", 'a="1" ', "/></channel></rss>"),
    "feed entries": lambda: filled(RSS, "<item><title>a</title></item>", "</channel></rss>"),
    "feed html": lambda: filled(
        RSS,
        f"<item><title>a</title><description>{'&lt;p&gt;one &lt;i&gt;two&lt;/i&gt; ' * 200}</description></item>",
        "</channel></rss>",
    ),
    "feed tex": lambda: filled(
        RSS, f"<item><title>a</title><description>{TEX}</description></item>", "</channel></rss>"
    ),
    "feed deep": lambda: filled(RSS, "<a>"),
    "feed comments": lambda: filled(RSS, "<!---->"),
    "feed less-than": lambda: RSS + "<item><title>x</i><description>" + "<" * 1_400_000,
    "feed json author": lambda: filled(
        '{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"1","title":"x","author":{"name":"', "a", '"}}]}'
    ),
    "feed json deep": lambda: filled('{"version":"https://jsonfeed.org/version/1.1","items":', "["),
    "feed json number": lambda: filled('{"version":"https://jsonfeed.org/version/1.1","items":[{"id":', "1", "}]}"),
    "huggingface authors": lambda: filled(
        '[{"paper":{"id":"2401.12345","title":"x","authors":[', '{"name":"A B"},', "0]}}]"
    ),
    "huggingface tex": lambda: filled("[", '{"paper":{"id":"2401.1","title":"x","summary":' + JSON_TEX + "}},", "0]"),
    "huggingface page": lambda: filled("<html data-props ", "<a "),
    "arxiv tex": lambda: filled(ATOM, f"<entry>{ID}<summary>{TEX}</summary></entry>", "</feed>"),
    "arxiv author": lambda: filled(f"{ATOM}<entry>{ID}<author><name>", "(", "</name></author></entry></feed>"),
    "arxiv tags": lambda: filled(ATOM, "<a/>", "</feed>"),
    "arxiv page": lambda: filled(
        "<html><dl>", "<dt><a href=/abs/2401.12345>x</a></dt><dd><div class='list-title'>x</div>"
    ),
    "arxiv json": lambda: filled('{"papers":[', '{"arxiv_id":"2401.12345","title":"x y"},', "{}]}"),
    "biorxiv rows": lambda: filled(
        '{"messages":[{"status":"ok"}],"collection":[', '{"doi":"10.1101/1","title":"x","authors":"A, B. C"},', "{}]}"
    ),
    "biorxiv headings": lambda: filled(
        '{"messages":[{"status":"ok"}],"collection":[{"doi":"10.1101/1","title":"x","abstract":"', "Background", '"}]}'
    ),
    "pubmed subscripts": lambda: filled(
        "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>1</PMID><Article><ArticleTitle>", "<sub>1</sub>"
    ),
    "pubmed brackets": lambda: filled(
        "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>1</PMID><Article><ArticleTitle>",
        "[",
        "]</ArticleTitle></Article></MedlineCitation></PubmedArticle></PubmedArticleSet>",
    ),
    "pubmed names": lambda: filled(
        "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>1</PMID><Article><ArticleTitle>x</ArticleTitle><AuthorList>",
        "<Author><LastName>A</LastName><ForeName>B</ForeName></Author>",
        "</AuthorList></Article></MedlineCitation></PubmedArticle></PubmedArticleSet>",
    ),
    "pubmed numbers": lambda: filled('{"esearchresult":{"count":"1","idlist":[', '"1",', '"1"]}}'),
    "page lines": lambda: filled("Daily Papers\n", "a\n"),
    "page long": lambda: filled("Daily Papers\n", "a. "),
}


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_hostile_document(name: str) -> None:
    source = name.partition(" ")[0]
    body = DOCUMENTS[name]().encode()
    asked = Request(location="http://example.org/x")
    document = Document(request=asked, location=asked.location, body=body, fetched=NOW)
    started = time.process_time()
    listings: tuple[Listing, ...] = ()
    said = ""
    try:
        listings = SOURCES[source].parse(document, settings_of(source)).listings
    except SourceError as problem:
        said = str(problem)
    assert time.process_time() - started < SECONDS
    assert len(said) < 300
    assert "\n" not in said
    assert all(len(listing.title) <= 20_000 and len(listing.authors) <= 10_000 for listing in listings)


def test_a_feed_of_more_entries_than_are_read_is_whole_up_to_there() -> None:
    feed = bounded(RSS + "<item><title>a &copy; b & c</title></item>" * 3_000 + "</channel></rss>")
    assert feed.text.count("</item>") == MAX_ENTRIES
    assert feed.text.endswith("</channel></rss>")
    assert feed.found == 3_000
    assert "a © b & c" in feed.text
