"""From a stored edition to a message: the fields that depend on the configuration, and no two seals of one token."""

import email
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import Message as Parsed
from typing import Any

import pytest
from jinja2 import FileSystemLoader

from bot.core.edition.picks import Picks, PickSection
from bot.core.letter.renderer import LetterRenderer, environment
from bot.core.papers import Listing
from bot.mail import tokens
from bot.mail.message.mailbox import mailbox
from bot.pipeline.build_message import MessageBuilder, votes_gained
from bot.pipeline.sender_identity import Identity
from bot.resources import shipped
from bot.store import Database, outbox, papers
from bot.store.history import MetricSnapshot
from bot.store.outbox import Leased


def waiting(post: Any, **identity: Any) -> tuple[MessageBuilder, Leased]:
    """What builds messages, and Ada's waiting edition."""
    who = Identity(sender=mailbox("Digest <digest@papers.example.org>"), secret="a secret for tests", **identity)
    renderer = LetterRenderer(environment(FileSystemLoader(shipped("templates"))))
    post.fill(["ada@example.net"])
    with post.database.write() as tx:
        (leased,) = outbox.lease(tx, "digest", "test", post.clock.now, post.clock.now, 1)
    return MessageBuilder(post.database, lambda: renderer, who), leased


def built(post: Any, **identity: Any) -> Parsed:
    """Ada's waiting edition as a message."""
    builder, leased = waiting(post, **identity)
    return email.message_from_bytes(builder.build(leased).data)


@pytest.mark.parametrize(
    ("contact", "field"),
    [
        ("help@example.org", "<mailto:help@example.org>"),
        ("https://example.org/help", "<https://example.org/help>"),
        ("", None),
        ("ask me", None),
    ],
)
def test_help_is_the_contact(post: Any, contact: str, field: str | None) -> None:
    assert built(post, contact=contact)["List-Help"] == field


def test_the_archive_is_named_where_there_is_one(post: Any) -> None:
    url = "https://papers.example.org"
    assert built(post, public_url=url, archive=True)["List-Archive"] == f"<{url}/archive>"


def test_leaving_is_sealed_once_and_read_in_one_transaction(post: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed: list[str] = []
    reads: list[int] = []
    seal, read = tokens.seal, Database.read

    def counting_seal(secret: str, purpose: tokens.Purpose, *rest: int) -> str:
        sealed.append(purpose)
        return seal(secret, purpose, *rest)

    def counting_read(database: Database) -> Any:
        reads.append(1)
        return read(database)

    monkeypatch.setattr(tokens, "seal", counting_seal)
    monkeypatch.setattr(Database, "read", counting_read)
    message = built(post, public_url="https://papers.example.org", bounces="b+{token}@papers.example.org")
    assert message["List-Unsubscribe"]
    assert sorted(sealed) == ["bounce", "unsubscribe digest"]
    assert len(reads) <= 1


def test_a_paper_the_store_does_not_have_is_left_out_and_so_is_a_section_of_nothing_else(post: Any) -> None:
    builder, leased = waiting(post)
    with post.database.record() as tx:
        papers.record(tx, "hf", [Listing(title="Bounds", keys=("arxiv:2611.00001",))], post.clock.now, first=True)
    picks = Picks(
        sections=(
            PickSection(kind="profile", name="A", ids=(99, 1), more=3, more_ids=(1, 98)),
            PickSection(kind="profile", name="gone", ids=(97,)),
            PickSection(kind="profile", name="only counted", ids=(), more=2),
            PickSection(kind="trending", name="", ids=(1,), entered=(1,)),
        )
    )
    edition = builder.edition(replace(leased, picks=picks.to_json()))
    assert [
        (section.kind, section.name, len(section.picks), section.more, len(section.more_papers))
        for section in edition.sections
    ] == [("profile", "A", 1, 3, 1), ("profile", "only counted", 0, 2, 0), ("trending", "", 1, 0, 0)]
    assert [pick.entered_top for section in edition.sections for pick in section.picks] == [False, True]


@pytest.mark.parametrize("abstract", ["short", "full"])
def test_a_letter_says_the_same_whether_or_not_links_it_does_not_show_were_sealed(post: Any, abstract: str) -> None:
    builder, leased = waiting(post, public_url="https://papers.example.org")
    listings = [Listing(title=f"Paper {n}", keys=(f"arxiv:2611.{n:05}",), abstract="Words.") for n in range(1, 13)]
    with post.database.record() as tx:
        papers.record(tx, "hf", listings, post.clock.now, first=True)
    sections = (
        PickSection(kind="profile", name="A", ids=tuple(range(1, 8))),
        PickSection(kind="trending", name="", ids=tuple(range(8, 13))),
    )
    data = json.dumps({**json.loads(leased.data), "abstract": abstract})
    leased = replace(leased, picks=Picks(sections=sections).to_json(), data=data)
    whole = builder.edition(leased)
    assert all(pick.more_url and pick.save_url for section in whole.sections for pick in section.picks)
    assert builder.build(leased) == builder.write(leased, whole, builder.renderer.letter(whole))


def test_votes_gained() -> None:
    now = datetime(2026, 11, 20, 8, tzinfo=UTC)
    day = timedelta(days=1)

    def at(hours_ago: int, votes: int | None) -> MetricSnapshot:
        return MetricSnapshot(now - timedelta(hours=hours_ago), votes, None, None)

    history = [at(60, 10), at(30, 16), at(20, 30), at(1, 50)]
    assert votes_gained(history, now, day) == 50 - 16
    assert votes_gained(history, now, 2 * day) == 50 - 10
    assert votes_gained(history, now, 7 * day) is None, "nobody knows what it had a week ago"
    assert votes_gained([at(3, 90)], now, day) is None
    assert votes_gained([], now, day) is None
    assert votes_gained([at(30, None), at(3, 5)], now, day) is None
    assert votes_gained([at(30, 9), at(3, 4)], now, day) == -5
    assert votes_gained([at(30, 9), at(-3, 40)], now, day) == 0
