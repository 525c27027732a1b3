"""What a spam filter thinks of a digest, offline. Skipped where SpamAssassin is not installed."""

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jinja2 import FileSystemLoader

from bot.core.edition.edition import Addressee, Edition, Pick, Section
from bot.core.letter.letter import Letter
from bot.core.letter.renderer import LetterRenderer, environment
from bot.core.papers import Paper, merge
from bot.core.source.document import Document, Request
from bot.mail.message.mailbox import Mailbox
from bot.mail.message.mime import Head, write
from bot.sources import huggingface

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 20, 7, 30, tzinfo=UTC)


def digest_of(listing_file: Path) -> Letter:
    """A digest of everything a real answer lists."""
    document = Document(request=Request(location="x"), location="x", body=listing_file.read_bytes(), fetched=NOW)
    listings = huggingface.parse(document, huggingface.Settings()).listings
    papers: list[Paper] = [merge.merge(None, listing, NOW) for listing in listings]
    edition = Edition(
        kind="digest",
        cadence="daily",
        slot="2026-11-20",
        day=NOW.date(),
        made=NOW,
        since=None,
        subscriber=Addressee(email="ada@example.net", name="Ada", schedule="daily 07:30"),
        sections=(Section(kind="trending", name="", picks=tuple(Pick(paper=paper) for paper in papers[:20])),),
        unsubscribe_email="digest+token@papers.example.org",
    )
    return LetterRenderer(environment(FileSystemLoader(ROOT / "templates"))).letter(edition)


@pytest.mark.skipif(shutil.which("spamassassin") is None, reason="SpamAssassin is not installed")
@pytest.mark.parametrize("real", [False, True])
def test_a_digest_is_no_spam(real: bool, fixtures: Path) -> None:
    source = fixtures / "hf_daily_papers_api" / "2026-08-06.json" if real else ROOT / "examples/daily_papers/first.json"
    head = Head(
        date=NOW,
        sender=Mailbox("Paperlark", "digest@papers.example.org"),
        to=Mailbox("Ada", "ada@example.net"),
        message_id="<d.2026-11-20.abcdefghijklmnopqrstuvwxyz@papers.example.org>",
        list_id="digest.paperlark.papers.example.org",
        unsubscribe_email="digest+token@papers.example.org",
    )
    message = write(digest_of(source), head)
    said = subprocess.run(
        ["spamassassin", "-L", "-t"], input=bytes(message), capture_output=True, check=True, timeout=120
    ).stdout.decode(errors="replace")
    found = re.search(r"Content analysis details:\s+\((-?[\d.]+) points", said)

    assert found
    assert float(found[1]) <= 0, said[said.index("Content analysis") :]
