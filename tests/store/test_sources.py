"""What is remembered of sources and their URLs, and of papers as text, on both databases."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot.core.papers import Paper
from bot.core.source.document import Document, Request, UrlState
from bot.store import Database, sources, unparsed
from bot.store.sources import DatabasePoliteness, SourceRecord
from bot.store.sql import dump_paper, load_paper
from bot.store.tables.source_rows import URLS

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)


def full(name: str) -> SourceRecord:
    return SourceRecord(
        name=name, since=NOW, state="failing", last_try=NOW, last_success=NOW - timedelta(days=1), last_new=NOW,
        next_try=NOW + timedelta(hours=1), failures=3, reason="HTTP 403", told_operator=NOW, fields="abstract,url",
        settings="abc", read_since=NOW - timedelta(days=9), rhythm=7, warnings="one\ntwo",
    )  # fmt: skip


def test_a_record_is_kept_whole(database: Database) -> None:
    bare = SourceRecord(name="new", since=NOW)
    with database.write() as tx:
        for record in (full("lab"), bare):
            sources.save(tx, [record])
            sources.save(tx, [record])
    with database.read() as tx:
        assert sources.records(tx) == {"lab": full("lab"), "new": bare}
        assert sources.records(tx).get("lab") == full("lab")
        assert sources.records(tx).get("club") is None
    with database.write() as tx:
        sources.save(tx, [replace(full("lab"), told_operator=None, rhythm=None)])
        sources.mark_told(tx, ["lab", "club"], NOW + timedelta(hours=1))
    with database.read() as tx:
        assert sources.records(tx).get("lab") == replace(
            full("lab"), told_operator=NOW + timedelta(hours=1), rhythm=None
        )
        assert sources.records(tx).get("new") == bare
    assert {field.name for field in fields(full("lab").note)} >= {"name", "state", "since", "reason"}


def test_stopped_is_only_who_said_so() -> None:
    assert replace(full("lab"), next_try=None).stopped
    assert not full("lab").stopped
    assert not SourceRecord(name="new", since=NOW).stopped


def test_urls_are_forgotten_with_their_source_and_its_settings(database: Database) -> None:
    def remembered() -> set[str]:
        with database.read() as tx:
            return set(tx.execute(select(URLS.c.url)).scalars())

    names = [f"{sources.scope(name, 'abc')}http://x.example/" for name in ("lab", "lab_2", "100%")]
    with database.write() as tx:
        for name in ("lab", "lab_2", "100%"):
            sources.save(tx, [full(name)])
        for _ in range(2):
            sources.remember_urls(tx, [UrlState(url=url, etag='"1"') for url in names])
    assert remembered() == set(names)
    state = DatabasePoliteness(database).url_state(names[0])
    assert state is not None
    assert (state.etag, state.gone, state.fresh_until) == ('"1"', False, None)
    with database.write() as tx:
        sources.forget(tx, {"lab": "abc", "lab_2": "other", "100%": "abc"})
    assert remembered() == {names[0], names[2]}
    with database.write() as tx:
        sources.forget(tx, {"100%": "abc"})
    assert remembered() == {names[2]}
    with database.read() as tx:
        assert set(sources.records(tx)) == {"100%"}


def test_a_host_held_by_a_clock_that_ran_ahead_is_free_again(database: Database) -> None:
    politeness, ahead = DatabasePoliteness(database), NOW + timedelta(days=400)
    politeness.hold("lab.example", ahead + timedelta(hours=9))
    assert politeness.reserve("lab.example", 3, ahead) == ahead + timedelta(hours=9)
    assert politeness.reserve("lab.example", 3, NOW) == NOW
    politeness.hold("lab.example", NOW + timedelta(hours=2))  # what is asked now counts, though the row says next year
    assert politeness.reserve("lab.example", 3, NOW) == NOW + timedelta(hours=2)


def test_recordings_are_bounded_by_source(database: Database) -> None:
    with database.write() as tx:
        for number in range(12):
            body = bytes([number]) * (unparsed.LARGEST + 9 if number == 11 else 3)
            at = f"http://x.example/{number}"
            document = Document(request=Request(location=at), location=at, body=body, fetched=NOW, content_type="a/b")
            unparsed.keep(tx, f"source {number % 2}", document, NOW)
    with database.read() as tx:
        kept = unparsed.listed(tx)
        assert len(kept) == 2 * unparsed.PER_SOURCE
        document = unparsed.replay(tx, kept[-1][0])
        assert document is not None
        assert (len(document.body), document.location, document.content_type) == (
            unparsed.LARGEST, "http://x.example/11", "a/b",
        )  # fmt: skip


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
PAPERS = st.builds(
    Paper,
    key=TEXTS,
    title=TEXTS,
    authors=st.lists(TEXTS, max_size=3).map(tuple),
    upvotes=st.none() | st.integers(0, 9),
    published=st.none() | st.dates(),
    listed=st.none() | st.dates(),
    first_seen=st.none() | st.datetimes(timezones=st.just(UTC)),
    version=st.none() | st.integers(0, 3),
    withdrawn=st.booleans(),
    late=st.booleans(),
    note=TEXTS,
)


@given(PAPERS)
def test_a_paper_as_text_is_the_same_paper(paper: Paper) -> None:
    assert load_paper(dump_paper(paper)) == paper


def test_a_row_of_another_version_is_read() -> None:
    assert load_paper('{"key":"k","title":"t","colour":"red","published":"2026-11-20"}') == Paper(
        key="k", title="t", published=date(2026, 11, 20)
    )
