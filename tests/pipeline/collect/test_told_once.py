"""Papers are never lost or told twice: repeated batches, entries that keep their guid, and what was old already."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.store import history

TUESDAY = datetime(2026, 11, 17, 6, tzinfo=UTC)


def batch(day: datetime, *numbers: str, kind: str = "new") -> bytes:
    """A feed as arXiv serves it: the dates are those of the serving."""
    stamp = f"{day:%a, %d %b %Y} 00:00:00 -0500"
    items = "".join(
        f"<item><title>Lattice number {number}</title><link>https://arxiv.org/abs/{number}</link>"
        f"<description>arXiv:{number}v1 Announce Type: {kind}\nAbstract: On lattice {number}.</description>"
        f'<guid isPermaLink="false">oai:arXiv.org:{number}v1</guid><category>cs.AI</category>'
        f"<pubDate>{stamp}</pubDate><arxiv:announce_type>{kind}</arxiv:announce_type></item>"
        for number in numbers
    )
    return (
        f'<rss xmlns:arxiv="http://arxiv.org/schemas/atom" version="2.0"><channel><title>cs.AI</title>'
        f"<pubDate>{stamp}</pubDate>{items}</channel></rss>"
    ).encode()


API = (
    b'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">'
    b"<opensearch:totalResults>1</opensearch:totalResults><opensearch:startIndex>0</opensearch:startIndex>"
    b"<entry><id>http://arxiv.org/abs/2611.20001v1</id><title>The lattice of Wednesday</title>"
    b"<summary>Found late.</summary><published>2026-11-16T18:00:00Z</published></entry></feed>"
)


@pytest.fixture
def arxiv(place: Any) -> Any:
    place.now = TUESDAY
    place.web.pages["/api"] = lambda asked: API
    place.source("arxiv", categories=("cs.AI",), api_url=place.web.url("/api"))
    return place


def serve(place: Any, body: bytes) -> None:
    place.web.pages["/feed"] = lambda asked: body


def asked_api(place: Any) -> int:
    return sum(asked.path == "/api" for asked in place.web.asked)


def test_yesterdays_batch_under_todays_date_is_not_todays(arxiv: Any) -> None:
    serve(arxiv, batch(TUESDAY, "2611.10001", "2611.10002"))
    assert arxiv.collect()["arxiv"].new == 2
    tuesday = arxiv.record().last_success
    serve(arxiv, batch(TUESDAY + timedelta(days=1), "2611.10001", "2611.10002"))
    for hours in (24, 14):
        report = arxiv.later(hours=hours).collect()["arxiv"]
        assert (report.state, report.new, report.changed) == ("stale", 0, 0)
        assert "repeats the batch of 2026-11-17" in report.error
    assert arxiv.record().last_success == tuesday
    with arxiv.database.read() as tx:
        days = {paper.listed for paper in history.seen_since(tx, TUESDAY - timedelta(days=1)).values()}
    assert days == {TUESDAY.date()}
    assert asked_api(arxiv) == 0
    serve(arxiv, batch(TUESDAY + timedelta(days=2), "2611.10021"))
    arxiv.now = TUESDAY + timedelta(days=2)
    report = arxiv.collect()["arxiv"]
    assert (report.state, report.new) == ("fresh", 2)
    assert asked_api(arxiv) == 1
    with arxiv.database.read() as tx:
        found = history.find(tx, "arxiv:2611.20001")
    assert found is not None
    assert found[1].late


def test_a_batch_with_one_new_paper_or_of_its_own_day_counts(arxiv: Any) -> None:
    serve(arxiv, batch(TUESDAY, "2611.10001", "2611.10002"))
    arxiv.collect()
    again = arxiv.later(hours=2).collect()["arxiv"]
    assert again.state == "fresh"
    assert arxiv.record().last_success == arxiv.now
    serve(arxiv, batch(TUESDAY + timedelta(days=1), "2611.10001", "2611.10003"))
    report = arxiv.later(hours=22).collect()["arxiv"]
    assert (report.state, report.new) == ("fresh", 1)
    assert arxiv.record().last_success == arxiv.now


def test_a_batch_repeated_on_a_holiday_is_in_order(arxiv: Any) -> None:
    arxiv.now = datetime(2026, 11, 25, 6, tzinfo=UTC)
    serve(arxiv, batch(arxiv.now, "2611.10001"))
    arxiv.collect()
    serve(arxiv, batch(arxiv.now + timedelta(days=1), "2611.10001"))
    report = arxiv.later(days=1).collect()["arxiv"]  # Thanksgiving
    assert report.state == "quiet"
    assert "Thanksgiving" in arxiv.record().reason


def test_of_two_feeds_one_may_repeat(place: Any) -> None:
    place.now = TUESDAY
    place.web.pages["/a/cs.AI"] = lambda asked: batch(TUESDAY, "2611.10001")
    place.web.pages["/a/cs.CL"] = lambda asked: batch(TUESDAY, "2611.10002")
    place.source("arxiv", categories=("cs.AI", "cs.CL"), per_feed=1, path="/a/{categories}")
    place.collect()
    place.web.pages["/a/cs.AI"] = lambda asked: batch(TUESDAY + timedelta(days=1), "2611.10001")
    place.web.pages["/a/cs.CL"] = lambda asked: batch(TUESDAY + timedelta(days=1), "2611.10003")
    report = place.later(days=1).collect()["arxiv"]
    assert (report.state, report.new) == ("fresh", 1)
    assert place.record().last_success == TUESDAY  # what the other feed will bring late is still to come


def rss(*items: str) -> bytes:
    return f"<rss version='2.0'><channel><title>Lab</title>{''.join(items)}</channel></rss>".encode()


def item(title: str, link: str = "", guid: str = "", text: str = "", day: str = "") -> str:
    parts = [
        f"<title>{title}</title>",
        link and f"<link>{link}</link>",
        guid and f"<guid isPermaLink='false'>{guid}</guid>",
        text and f"<description>{text}</description>",
        day and f"<pubDate>{day}</pubDate>",
    ]
    return f"<item>{''.join(filter(None, parts))}</item>"


LONG = "We fold lattices in the lab for ten years and find that they hold. " * 3


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (item("Folding", "https://lab.example/p/1", "t:1"), item("Folding", "https://lab.example/2026/1", "t:1")),
        (
            item("A lattice with a tpyo", "https://lab.example/p/2", "t:2", LONG),
            item("A lattice with a typo", "https://lab.example/2026/2", "t:2", LONG),
        ),
        (item("News", "https://lab.example/", "t:3", "One."), item("News (corrected)", "https://lab.example/", "t:3")),
        (item("No link at all", "", "t:4", "Text."), item("No link at all [edited]", "", "t:4", "Other text.")),
        (
            item("The address was the guid", "https://lab.example/p/6", "https://lab.example/p/6"),
            item("The address was the guid", "https://lab.example/2026/6", "https://lab.example/p/6"),
        ),
        (
            item("Listed twice in one document", "https://lab.example/p/7", "", LONG) * 2,
            item("Listed twice, and corrected", "https://lab.example/p/7", "", LONG),
        ),
        (item("Session", "https://lab.example/v?id=7&amp;s=ab", "t:5"), item("Session", "https://x.example/y", "t:5")),
    ],
)
def test_an_entry_that_keeps_its_guid_is_the_same_paper(place: Any, before: str, after: str) -> None:
    place.source("feed", "lab")
    serve(place, rss(before, item("Another", "https://lab.example/other", "t:0")))
    assert place.collect()["lab"].new == 2
    serve(place, rss(after, item("Another", "https://lab.example/other", "t:0")))
    assert place.later(hours=2).collect()["lab"].new == 0


def test_a_guid_means_nothing_in_another_source(place: Any) -> None:
    place.web.pages["/a"] = lambda asked: rss(item("Lattices of one lab", "https://a.example/1", "1"))
    place.web.pages["/b"] = lambda asked: rss(item("Quite other matters", "https://b.example/1", "1"))
    place.source("feed", "a", "/a")
    place.source("feed", "b", "/b")
    assert sum(report.new for report in place.collect().values()) == 2


def test_a_guid_that_is_used_again_swallows_nothing(place: Any) -> None:
    """A single entry that always has the same guid: each week's text is a paper of its own."""
    place.source("feed", "lab")
    for number, title in enumerate(("Folding larks", "Gated networks, properly", "On the theory of kites")):
        serve(place, rss(item(title, "", "lab:latest", f"All about {title}.")))
        assert place.later(days=7).collect()["lab"].new == 1, number
        assert place.later(hours=2).collect()["lab"].new == 0, number


def test_a_guid_that_entries_share_says_nothing(place: Any) -> None:
    place.source("feed", "lab")
    serve(place, rss(item("First thing", "", "lab", "On one."), item("Second thing", "", "lab", "On two.")))
    assert place.collect()["lab"].new == 2
    serve(place, rss(item("Third thing", "", "lab", "On three."), item("Fourth thing", "", "lab", "On four.")))
    assert place.later(hours=2).collect()["lab"].new == 2


def test_entries_with_guids_of_their_own_are_several_though_they_look_alike(place: Any) -> None:
    place.source("feed", "lab")
    same = "Minutes of the meeting on folded lattices"
    serve(place, rss(item(same, "", "t:1", LONG), item(same, "", "t:2", LONG)))
    assert place.collect()["lab"].new == 2
    assert place.later(hours=2).collect()["lab"].new == 0


def test_a_feed_that_renews_its_guids_neither_tells_again_nor_fills_the_database(place: Any) -> None:
    place.source("feed", "lab")
    for number in range(20):
        serve(place, rss(item("Lattices", "https://lab.example/1", f"{number}-{place.now}", LONG)))
        assert place.later(hours=2).collect()["lab"].new == (0 if number else 1)
    with place.database.read() as tx:
        keys = tx.exec_driver_sql("SELECT count(*) FROM paper_key WHERE key LIKE 'guid:%'").scalar()
    assert keys == 8


def test_an_address_that_is_a_guid_elsewhere_swallows_no_other_paper(place: Any) -> None:
    """Whoever writes the feed says what its guids are: that one names somebody's page is not enough."""
    place.web.pages["/a"] = lambda asked: rss(item("Lattices of one lab", "https://a.example/1", "", LONG))
    place.web.pages["/b"] = lambda asked: rss(item("Other matters", "https://b.example/1", "https://a.example/1"))
    place.source("feed", "a", "/a")
    place.source("feed", "b", "/b")
    assert sum(report.new for report in place.collect().values()) == 2


def test_what_was_old_when_a_feed_was_added_is_no_news(place: Any) -> None:
    """Sixty entries of 2015 in a feed that is added to a running installation: they can be found, but are not told."""
    place.web.pages["/first"] = lambda asked: rss(item("Something of today", "https://lab.example/first"))
    place.source("feed", "first", "/first")
    place.collect()
    with place.database.read() as tx:
        told = history.latest_revision(tx)
    assert told is not None
    old = [item(f"Virus {n}", f"https://old.example/{n}", day="Tue, 10 Nov 2015 10:00:00 GMT") for n in range(60)]
    fresh = item("Virus of yesterday", "https://old.example/new", day="Mon, 16 Nov 2026 10:00:00 GMT")
    undated = item("Virus without a date", "https://old.example/undated")
    serve(place, rss(*old, fresh, undated))
    place.source("feed", "old")
    report = place.later(hours=1).collect()["old"]
    assert (report.state, report.new, report.old) == ("fresh", 62, 60)
    assert any("60 were older than 31 days" in note for note in report.warnings)
    with place.database.read() as tx:
        latest = history.latest_revision(tx)
        assert latest is not None
        changed = history.changed_since(tx, told.id, latest.id)
        first_edition = history.seen_since(tx, place.now - timedelta(days=31))
        before = history.as_of(tx, range(1, 100), told.id)
        found = history.find(tx, "url:https://old.example/7")
    assert sorted(paper.title for paper in changed.values()) == ["Virus of yesterday", "Virus without a date"]
    assert len(first_edition) == 3
    assert len(before) == 61
    assert found is not None
    assert found[1].first_seen == datetime(2015, 11, 10, tzinfo=UTC)
    again = place.later(hours=2).collect()["old"]
    assert (again.new, again.old, again.warnings) == (0, 0, ())


def test_an_old_paper_that_comes_later_or_on_a_list_of_today_is_news(place: Any) -> None:
    place.source("feed", "lab")
    serve(place, rss(item("Of today", "https://lab.example/1", day="Mon, 16 Nov 2026 10:00:00 GMT")))
    place.collect()
    serve(place, rss(item("Found in a drawer", "https://lab.example/2", day="Tue, 10 Nov 2015 10:00:00 GMT")))
    report = place.later(hours=2).collect()["lab"]
    assert (report.new, report.old) == (1, 0)


def test_new_settings_are_said(place: Any) -> None:
    place.source("feed", "lab")
    serve(place, rss(item("Of today", "https://lab.example/1")))
    assert place.collect()["lab"].warnings == ()
    place.web.pages["/moved"] = lambda asked: rss(item("Elsewhere", "https://lab.example/2"))
    place.source("feed", "lab", "/moved")
    report = place.later(hours=2).collect()["lab"]
    assert report.new == 1
    assert any("settings are new" in note and "not by alerts" in note for note in report.warnings)
    assert place.later(hours=2).collect()["lab"].warnings == ()
