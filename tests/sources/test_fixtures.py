"""Real documents, where the shared collection is at hand: exact counts, and no surprise on anything."""

import random
import time
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from bot.core.papers import dedup, merge
from bot.core.source.document import Document, Parsed, Request
from bot.errors import SourceError
from bot.sources import SOURCES

FIXTURES = Path(__file__).resolve().parents[2].parent / "shared" / "fixtures"
pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason="the shared collection of real documents is not here")
SETTINGS = {
    "page": {"location": "x"},
    "huggingface": {},
    "arxiv": {"categories": ("cs.CL",)},
    "feed": {"url": "http://example.org/feed"},
    "biorxiv": {},
    "pubmed": {"term": "x"},
}
FOLDERS = {
    "page": ["hf_page_text", "hf_papers_html"],
    "huggingface": ["hf_daily_papers_api", "hf_papers_html"],
    "arxiv": ["arxiv_rss", "arxiv_api", "arxiv_oai", "arxiv_third_party_feeds"],
    "feed": ["blog_feeds", "journal_feeds", "json_feed", "hf_third_party_feeds", "arxiv_rss", "biorxiv_medrxiv"],
    "biorxiv": ["biorxiv_medrxiv"],
    "pubmed": ["pubmed"],
}


def read(source: str, body: bytes, saved: date | None = date(2026, 11, 20)) -> Parsed:
    at = "http://example.org/document"
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    document = Document(request=Request(location=at), location=at, body=body, fetched=now, saved=saved)
    return SOURCES[source].parse(document, SOURCES[source].Settings(**SETTINGS[source]))


def told(source: str, body: bytes) -> list[str]:
    """The titles a document holds, or the one line that says why it holds none."""
    try:
        return [item.title for item in read(source, body).listings if item.keys]
    except SourceError as problem:
        return [str(problem)]


def fixture(folder: str, name: str) -> bytes:
    return next((FIXTURES / folder).glob(f"{name}*")).read_bytes()


@pytest.mark.parametrize(
    ("source", "folder", "name", "count"),
    [
        ("page", "hf_page_text", "000", 73),
        ("page", "hf_page_text", "001", 65),
        ("page", "hf_page_text", "004", 229),
        ("page", "hf_papers_html", "papers_date", 13),
        ("huggingface", "hf_papers_html", "papers_date", 13),
        ("huggingface", "hf_daily_papers_api", "2024-05-27", 13),
        ("huggingface", "hf_daily_papers_api", "2024-12-12", 18),  # saved as text of Python values
        ("huggingface", "hf_daily_papers_api", "2025-01-10", 9),  # likewise, inside an object
        ("huggingface", "hf_daily_papers_api", "2026-02-03", 44),
        ("huggingface", "hf_daily_papers_api", "raw_", 30),
        ("arxiv", "arxiv_rss", "atom_cs.AI", 7),
        ("arxiv", "arxiv_rss", "rss2_cs.LG", 3),
        ("arxiv", "arxiv_api", "q_testing_s0_m15", 15),
        ("arxiv", "arxiv_api", "old_layout", 2),
        ("arxiv", "arxiv_oai", "sample_arxiv_record.xml", 12),
        ("arxiv", "arxiv_third_party_feeds", "mirror_2026-04-29", 152),
        ("feed", "arxiv_third_party_feeds", "rfeed", 64),
        ("feed", "journal_feeds", "zookeys", 100),
        ("feed", "journal_feeds", "canent", 15),
        ("feed", "hf_third_party_feeds", "takara", 50),
        ("feed", "json_feed", "json_feed", 20),
        ("feed", "blog_feeds", "fj_Duplicate", 10),  # wrapped into a web page
        ("feed", "blog_feeds", "r2e_disqus", 2),  # one title, one page, two comments
        ("feed", "biorxiv_medrxiv", "rss_all", 30),
        ("biorxiv", "biorxiv_medrxiv", "biorxiv_api", 79),  # 100 rows, one per version
        ("pubmed", "pubmed", "efetch_2026", 5),
    ],
)
def test_counts(source: str, folder: str, name: str, count: int) -> None:
    found = read(source, fixture(folder, name)).listings
    assert len(found) == count
    assert all(item.title and item.keys for item in found)


def test_the_three_pages_hold_357_papers() -> None:
    pages = [read("page", path.read_bytes()).listings for path in sorted((FIXTURES / "hf_page_text").glob("*.txt"))]
    papers: dict[str, merge.Paper] = {}
    for item in (item for page in pages for item in page):
        known = papers.get(item.key)
        paper = dedup.same_titled(item, [known] if known else [])
        assert paper is not None or known is None, f"{item.title} is one paper"
        papers[item.key] = merge.merge(paper, item, datetime(2026, 11, 20, tzinfo=UTC))
    assert sum(map(len, pages)) == 367
    assert len(papers) == 357
    assert sum(paper.title == "Pointer Networks" for paper in papers.values()) == 1


def test_details_of_a_page() -> None:
    found = read("page", fixture("hf_page_text", "001")).listings
    assert Counter(item.author_count is not None for item in found) == {True: 62, False: 3}
    assert [item.organization for item in found if item.organization] == ["OpenBMB", "Tencent"]
    assert sum(item.published is not None for item in found) == 64
    assert sum(item.comments is not None for item in found) == 12
    assert {item.listed for item in found} == {date(2025, 10, 31)}  # many papers of 2024, none of 2025 by name
    assert all(item.published is None or item.published <= date(2025, 10, 31) for item in found)


@pytest.mark.parametrize("name", ["000", "001", "004"])
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "  \n"),
        lambda text: text.replace("\n", "\n\n\n"),
        lambda text: text + "\n\n\n",
        lambda text: "\n".join(line for line in text.split("\n") if line.strip()),
        lambda text: "Hugging Face\nModels\nLog In\n\n" + text,
        lambda text: text.partition("\n")[2],
        lambda text: text.replace("Daily Papers\n", "").replace("byAK", "by AK"),
    ],
)
def test_layouts_slightly_off(name: str, change: object) -> None:
    text = fixture("hf_page_text", name).decode("utf-8")
    assert callable(change)
    assert read("page", change(text).encode("utf-8")).listings == read("page", text.encode("utf-8")).listings


@pytest.mark.parametrize("name", ["000", "001", "004"])
def test_one_missing_line_costs_at_most_one_paper(name: str) -> None:
    lines = fixture("hf_page_text", name).decode("utf-8").split("\n")
    whole = {item.title for item in read("page", "\n".join(lines).encode("utf-8")).listings}
    for missing in [at for at, line in enumerate(lines) if line.strip()][:120]:
        found = read("page", "\n".join(lines[:missing] + lines[missing + 1 :]).encode("utf-8")).listings
        titles = {item.title for item in found}
        assert titles <= whole
        assert len(titles) >= len(whole) - 1


def test_withdrawn_papers_are_known() -> None:
    found = read("arxiv", fixture("arxiv_third_party_feeds", "mirror_2026-04-29")).listings
    assert sum(item.withdrawn for item in found) == 2


def test_an_empty_feed_is_quiet_on_a_saturday() -> None:
    assert read("arxiv", fixture("arxiv_rss", "rss2_cs.CL_weekend")).quiet == "weekend"


def test_utf8_under_a_wrong_prolog_is_read_as_utf8() -> None:
    found = read("feed", fixture("hf_third_party_feeds", "pyrss2gen")).listings
    assert "大" in found[0].title


@pytest.mark.parametrize("source", sorted(FOLDERS))
def test_damage_gives_listings_or_one_clear_line(source: str) -> None:
    """Truncated anywhere, begun anywhere, bits turned over: never a traceback, never long."""
    chance = random.Random(20261121)
    paths = [path for folder in FOLDERS[source] for path in sorted((FIXTURES / folder).iterdir())]
    for path in paths:
        body = path.read_bytes()
        for _ in range(3):
            damaged = bytearray(body)
            kind = chance.random()
            if kind < 0.4:
                damaged = damaged[: chance.randrange(len(body) + 1)]
            elif kind < 0.6:
                damaged = damaged[chance.randrange(len(body)) :]
            else:
                for _ in range(chance.choice([1, 3, 20, 200])):
                    damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
            started = time.perf_counter()
            titles = told(source, bytes(damaged))
            assert all(title and "\n" not in title for title in titles)
            assert time.perf_counter() - started < 5
