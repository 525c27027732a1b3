"""feedparser's own test corpus, where somebody has unpacked its source distribution, and damage done to real documents.

PAPERLARK_FEEDPARSER_TESTS=…/feedparser-6.0.14/tests pytest tests/pipeline/collect/test_corpus.py
"""

import os
import random
import resource
import time
import zlib
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.core.source.document import Document, Request
from bot.errors import SourceError
from bot.sources import SOURCES

FIXTURES = Path(__file__).resolve().parents[3].parent / "shared" / "fixtures"
AT = "http://example.org/feed"
SETTINGS: dict[str, dict[str, Any]] = {
    "page": {"location": "x"},
    "arxiv": {"categories": ("cs.CL",)},
    "feed": {"url": AT},
    "pubmed": {"term": "x"},
}
LONGEST = 5.0  # seconds for one document
MOST = 300 * 1024  # kilobytes more than before


def outcome(kind: str, body: bytes, content_type: str = "") -> str:
    """ "listings", "quiet" or "error"; anything else a source may do is a failure."""
    source = SOURCES[kind]
    document = Document(
        request=Request(location=AT),
        location=AT,
        body=body,
        fetched=datetime(2026, 11, 20, 12, tzinfo=UTC),
        content_type=content_type,
        saved=date(2026, 11, 20),
    )
    begin = time.process_time()
    trouble = ""
    try:
        parsed = source.parse(document, source.Settings(**SETTINGS.get(kind, {})))
    except SourceError as error:
        said, trouble = "error", str(error)
    else:
        assert all(listing.keys and listing.title for listing in parsed.listings)
        said = "listings" if parsed.listings else "quiet"
    assert len(trouble.splitlines()) <= 1
    assert len(trouble) < 1_000
    assert time.process_time() - begin < LONGEST
    return said


def memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.skipif(
    "PAPERLARK_FEEDPARSER_TESTS" not in os.environ, reason="PAPERLARK_FEEDPARSER_TESTS names no folder with the corpus"
)
def test_feedparsers_own_corpus(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(os.environ["PAPERLARK_FEEDPARSER_TESTS"])
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".xml", ".gz", ".z"))
    assert len(files) > 1_000
    before = memory()
    found: Counter[str] = Counter()
    slowest = 0.0
    for path in files:
        begin = time.process_time()
        found[outcome("feed", path.read_bytes())] += 1
        slowest = max(slowest, time.process_time() - begin)
    assert memory() - before < MOST
    # Most of these documents test one detail, in entries that have neither title nor text.
    assert found["listings"] > 500
    assert found["quiet"] > 500
    with capsys.disabled():
        print(
            f"\n{len(files)} documents: {dict(found)}; slowest {slowest:.2f} s, {(memory() - before) // 1024} MB more"
        )


FOLDERS = {
    "page": "hf_page_text",
    "huggingface": "hf_daily_papers_api",
    "arxiv": "arxiv_rss",
    "feed": "journal_feeds",
    "biorxiv": "biorxiv_medrxiv",
    "pubmed": "pubmed",
}


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the shared collection of real documents is not here")
@pytest.mark.parametrize("kind", FOLDERS)
def test_damaged_documents(kind: str) -> None:
    """Cut off anywhere, bits turned over, pieces swapped: listings or one clear line, and soon. The same damage each
    time; PAPERLARK_FUZZ=20 does twenty times as much."""
    times = int(os.environ.get("PAPERLARK_FUZZ", "1"))
    chance = random.Random(zlib.crc32(kind.encode()))
    files = sorted(path for path in (FIXTURES / FOLDERS[kind]).iterdir() if path.is_file() and path.suffix != ".md")
    before = memory()
    begin = time.process_time()
    for path in chance.sample(files * times, min(8 * times, len(files) * times)):
        whole = path.read_bytes()[:150_000]
        for _ in range(2):
            outcome(kind, whole[: chance.randrange(len(whole) + 1)])
            turned = bytearray(whole)
            for _ in range(chance.choice((1, 5, 100))):
                turned[chance.randrange(len(turned))] ^= 1 << chance.randrange(8)
            outcome(kind, bytes(turned))
        if time.process_time() - begin > 2.5 * times:
            break
    assert memory() - before < MOST
