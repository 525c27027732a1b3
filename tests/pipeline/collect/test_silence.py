"""The state of each kind of source, day by day, as `status` and the footer will show it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

WEDNESDAY = datetime(2026, 11, 18, 12, tzinfo=UTC)


def atom(*entries: str) -> bytes:
    return (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom">'
        "<id>http://rss.arxiv.org/atom/cs.CL</id><title>cs.CL updates on arXiv.org</title>"
        f"<updated>2026-11-18T05:00:00Z</updated>{''.join(entries)}</feed>"
    ).encode()


def entry(number: int, kind: str = "new") -> str:
    return (
        f"<entry><id>oai:arXiv.org:2611.{number:05}v1</id><title>On lattice number {number}</title>"
        f"<summary>arXiv:2611.{number:05}v1 Announce Type: {kind} Abstract: A lattice.</summary>"
        f"<category term='cs.CL'/><arxiv:announce_type>{kind}</arxiv:announce_type></entry>"
    )


def rss(*titles: str, ttl: int = 0) -> bytes:
    items = "".join(
        f"<item><title>{title}</title><link>https://lab.example/{number}</link></item>"
        for number, title in enumerate(titles)
    )
    return f"<rss version='2.0'><channel><title>Lab</title><ttl>{ttl}</ttl>{items}</channel></rss>".encode()


def hub(*numbers: int) -> bytes:
    return json.dumps(
        [
            {"paper": {"id": f"2611.{number:05}", "title": f"On lattice number {number}", "upvotes": 3}}
            for number in numbers
        ]
    ).encode()


def test_arxiv_over_a_long_weekend(place: Any) -> None:
    place.now = WEDNESDAY
    place.source("arxiv", categories=("cs.CL",))
    serve = place.web.pages
    serve["/feed"] = lambda asked: atom(entry(1))
    assert (place.collect()["arxiv"].new, place.said()) == (1, ("fresh", ""))
    serve["/feed"] = lambda asked: atom()
    place.now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert place.collect()["arxiv"].error == ""
    assert place.said() == ("quiet", "weekend")
    assert place.record().last_success == place.now
    place.now = datetime(2026, 11, 26, 18, tzinfo=UTC)
    serve["/feed"] = lambda asked: atom(entry(2))
    place.collect()
    serve["/feed"] = lambda asked: atom()
    place.now = datetime(2026, 11, 27, 12, tzinfo=UTC)
    place.collect()
    assert place.said() == ("quiet", "holiday (Thanksgiving)")


def test_arxiv_empty_on_a_working_day_is_stale_and_caught_up_later(place: Any) -> None:
    place.now = WEDNESDAY
    place.source("arxiv", categories=("cs.CL",))
    serve = place.web.pages
    serve["/feed"] = lambda asked: (200, {"ETag": '"1"'}, atom(entry(1)))
    place.collect()
    read = place.now
    serve["/feed"] = lambda asked: (200, {"ETag": '"2"'}, atom())
    report = place.later(days=1).collect()["arxiv"]
    assert report.state == "stale"
    assert "no announcement in the feed" in report.error
    assert (place.record().last_success, place.record().since) == (read, place.now)
    serve["/feed"] = lambda asked: (200, {"ETag": '"2"'}, atom(entry(2)))
    assert place.later(hours=1).collect()["arxiv"].new == 1
    assert place.web.asked[-1].headers["if-none-match"] == '"1"'
    assert place.said() == ("fresh", "")


@pytest.mark.parametrize(
    ("day", "state"),
    [(16, "stale"), (17, "stale"), (20, "stale"), (21, "quiet"), (22, "quiet"), (26, "quiet"), (27, "quiet")],
)
def test_arxiv_empty_at_the_very_first_visit(place: Any, day: int, state: str) -> None:
    place.now = datetime(2026, 11, day, 12, tzinfo=UTC)
    place.source("arxiv", categories=("cs.CL",))
    place.web.pages["/feed"] = lambda asked: (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>cs.CL updates on arXiv.org</title>'
        f"<updated>{place.now:%Y-%m-%d}T05:00:00Z</updated></feed>"
    ).encode()
    report = place.collect()["arxiv"]
    assert (report.state, bool(report.error)) == (state, state == "stale")
    assert place.record().reason


def test_a_small_category_without_papers_makes_no_fuss_beside_a_large_one(place: Any) -> None:
    place.now = WEDNESDAY
    place.source("arxiv", categories=("cs.CL", "econ.GN"), path="/{categories}", per_feed=1)
    place.web.pages["/cs.CL"] = lambda asked: atom(entry(1))
    place.web.pages["/econ.GN"] = lambda asked: atom()
    for _ in range(3):
        assert place.collect()["arxiv"].state == "fresh"
        place.later(hours=2)


def test_a_feed_that_never_changes_goes_stale_without_a_word(place: Any) -> None:
    """304 after 304: it answers, and still something may be wrong."""
    place.now = WEDNESDAY

    def served(asked: Any) -> Any:
        return (304, {}, b"") if "if-none-match" in asked.headers else (200, {"ETag": '"1"'}, atom(entry(1)))

    place.web.pages["/feed"] = served
    place.source("arxiv", categories=("cs.CL",))
    place.collect()
    states = []
    for _ in range(7):
        states.append((place.later(days=1).collect()["arxiv"].state, f"{place.now:%a}"))
    assert states == [
        ("fresh", "Thu"), ("stale", "Fri"), ("stale", "Sat"), ("stale", "Sun"), ("stale", "Mon"), ("stale", "Tue"),
        ("stale", "Wed"),
    ]  # fmt: skip
    record = place.record()
    assert record.since == datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert record.reason == "answers, but nothing new since 2026-11-18"


def test_hugging_face_at_a_weekend(place: Any) -> None:
    place.now = datetime(2026, 11, 20, 18, tzinfo=UTC)
    place.source("huggingface", "hf", "/api/daily_papers")
    friday = hub(1, 2, 3)
    place.web.pages["/api/daily_papers"] = lambda asked: (
        (200, {}, b"[]") if asked.query.get("date", ["2026-11-20"])[0] > "2026-11-20" else (200, {}, friday)
    )
    said = {}
    for _ in range(5):
        place.collect()
        said[f"{place.now:%a}"] = place.said()
        place.later(days=1)
    assert said == {
        "Fri": ("fresh", ""),
        "Sat": ("quiet", "weekend"),
        "Sun": ("quiet", "weekend"),
        "Mon": ("fresh", ""),
        "Tue": ("stale", "answers, but nothing new since 2026-11-20"),
    }


def test_a_source_that_only_repeats_what_others_brought_is_fresh(place: Any) -> None:
    """What arXiv had first is no new paper, but the list is alive all the same."""
    place.now = WEDNESDAY
    place.source("arxiv", categories=("cs.CL",))
    place.source("huggingface", "hf", "/api/daily_papers")
    for number in range(1, 12):
        place.web.pages["/feed"] = lambda asked, n=number: atom(entry(n))
        place.web.pages["/api/daily_papers"] = lambda asked, n=number: hub(n)
        place.sources.sort(key=lambda source: source.name)
        with_arxiv, place.sources = place.sources, place.sources[:1]
        place.collect()
        place.sources = with_arxiv
        report = place.collect()
        assert report["hf"].new == 0
        assert place.record("hf").state == "fresh"
        place.later(days=1)


def test_a_lab_that_writes_rarely_is_not_stale(place: Any) -> None:
    first = datetime(2026, 9, 1, tzinfo=UTC)

    def posts(*days: int) -> bytes:
        items = "".join(
            f"<item><title>Post of day {day}</title><link>https://lab.example/{day}</link>"
            f"<pubDate>{first + timedelta(days=day):%a, %d %b %Y} 08:00:00 GMT</pubDate></item>"
            for day in days
        )
        return f"<rss version='2.0'><channel><title>Lab</title>{items}</channel></rss>".encode()

    place.now = datetime(2026, 11, 1, 12, tzinfo=UTC)
    place.source("feed", "lab", every=timedelta(hours=6))
    place.web.pages["/feed"] = lambda asked: posts(0, 14, 30, 45, 60)
    place.collect()
    assert place.record().rhythm == 16
    place.later(days=20).collect()
    assert place.said() == ("fresh", "")
    place.later(days=20).collect()
    assert place.said() == ("stale", "answers, but nothing new since 2026-11-01")


def test_a_state_changes_though_nobody_asks(place: Any) -> None:
    """A weekend begins, or a silence becomes too long, between two visits."""
    place.now = datetime(2026, 11, 20, 18, tzinfo=UTC)
    place.source("huggingface", "hf", "/api/daily_papers", every=timedelta(days=4))
    place.web.pages["/api/daily_papers"] = lambda asked: hub(1)
    place.collect()
    place.later(hours=8).collect(due_only=True)
    assert place.said() == ("quiet", "weekend")
    assert place.record().since == place.now
    place.later(days=2).collect(due_only=True)
    assert place.said() == ("fresh", "")
    assert len(place.web.asked) == 1


def test_network_gone_and_back(place: Any) -> None:
    place.source("feed", "lab")
    place.web.pages["/feed"] = lambda asked: rss("A lattice")
    place.collect()
    url = place.web.url("")
    place.web.stop()
    place.later(hours=1).collect()
    began = place.now
    place.later(hours=2).collect()
    record = place.record()
    assert (record.state, record.since, record.failures) == ("failing", began, 2)
    assert "127.0.0.1" in record.reason
    assert "\n" not in record.reason
    assert record.next_try == place.now + timedelta(minutes=10)
    assert record.last_success == began - timedelta(hours=1)
    assert url


def test_asked_to_wait(place: Any) -> None:
    place.source("feed", "lab")
    place.web.pages["/feed"] = lambda asked: (429, {"Retry-After": "7200"}, b"")
    report = place.collect()["lab"]
    assert report.state == "waiting"
    assert place.record().next_try == place.now + timedelta(hours=2)
    place.later(hours=1).collect()  # a person's impatience changes nothing
    assert len(place.web.asked) == 1
    place.web.pages["/feed"] = lambda asked: rss("A lattice")
    assert place.later(hours=1, seconds=1).collect()["lab"].state == "fresh"


def test_waiting_and_failing_in_turns_is_one_affliction(place: Any) -> None:
    place.source("feed", "lab")
    began = place.now
    for number in range(4):
        place.web.pages["/feed"] = lambda asked, n=number: (
            (429, {"Retry-After": "60"}, b"") if n % 2 else (403, {}, b"")
        )
        place.collect()
        assert place.record().since == began
        place.later(hours=2)


def test_gone_for_good(place: Any) -> None:
    place.source("feed", "lab")
    place.web.pages["/feed"] = lambda asked: (410, {}, b"")
    report = place.collect()["lab"]
    assert report.state == "failing"
    assert "410" in report.error
    for _ in range(3):
        report = place.later(days=9).collect()["lab"]
        assert (report.state, len(place.web.asked)) == ("failing", 1)
    assert place.record().stopped


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("feed", b"<!doctype html><html><body>Please sign in</body></html>"),
        ("feed", b""),
        ("feed", b"<rss version='2.0'><channel><item></item></channel></rss>"),
        ("arxiv", b"<html><body>Please sign in</body></html>"),
        ("arxiv", b"{}"),
        ("huggingface", b"<html><body>Please sign in</body></html>"),
        ("huggingface", b'{"error": "maintenance"}'),
        ("huggingface", b"[{}, {}]"),
        ("huggingface", b"[]x"),
        ("biorxiv", b"{}"),
        ("pubmed", b"<html></html>"),
        ("pubmed", b"{}"),
    ],
)
def test_200_with_nothing_in_it_is_failing(place: Any, kind: str, body: bytes) -> None:
    settings = {"arxiv": {"categories": ("cs.CL",)}, "pubmed": {"term": "lattice"}}.get(kind, {})
    place.source(kind, **settings)

    class Every(dict):  # type: ignore[type-arg]
        def get(self, path: str, default: Any = None) -> Any:
            return lambda asked: (200, {}, body)

    place.web.pages = Every()
    report = place.collect()[kind]
    assert report.state == "failing"
    assert report.error
    assert len(report.error.splitlines()) == 1


def test_an_empty_feed_is_explained_and_one_that_was_emptied_does_not_stay_so(place: Any) -> None:
    place.source("feed", "lab")
    place.web.pages["/feed"] = lambda asked: rss()
    place.collect()
    assert place.said() == ("quiet", "the feed has no entries")
    place.web.pages["/feed"] = lambda asked: rss("A lattice")
    place.later(hours=1).collect()
    place.web.pages["/feed"] = lambda asked: rss()
    place.later(days=10).collect()
    assert place.said() == ("quiet", "the feed has no entries")
    place.later(days=30).collect()
    assert place.said()[0] == "stale"


def test_drift_is_told_and_stays_visible(place: Any) -> None:
    place.now = WEDNESDAY
    place.source("arxiv", categories=("cs.CL",))
    place.web.pages["/feed"] = lambda asked: atom(entry(1), entry(2, "teleported"))
    report = place.collect()["arxiv"]
    assert "unknown announce type 'teleported'" in "".join(report.warnings)
    assert place.record().warnings == "\n".join(report.warnings)
    place.web.pages["/feed"] = lambda asked: (503, {}, b"")
    place.later(hours=2).collect()
    assert "teleported" in place.record().warnings
    place.web.pages["/feed"] = lambda asked: atom(entry(3))
    place.later(hours=2).collect()
    assert place.record().warnings == ""


def test_a_lost_field_is_told(place: Any) -> None:
    place.now = WEDNESDAY
    place.source("arxiv", categories=("cs.CL",))
    place.web.pages["/feed"] = lambda asked: atom(*(entry(number) for number in range(12)))
    place.collect()
    bare = [entry(number).replace("Abstract: A lattice.", "") for number in range(20, 32)]
    place.web.pages["/feed"] = lambda asked: atom(*bare)
    for _ in range(2):
        report = place.later(hours=2).collect()["arxiv"]
        assert any("abstract any more" in warning for warning in report.warnings)


def test_a_feed_says_when_it_wants_to_be_asked(place: Any) -> None:
    place.source("feed", "lab")
    place.web.pages["/feed"] = lambda asked: rss("A lattice", ttl=300)
    place.collect()
    assert place.record().next_try == place.now + timedelta(hours=5)


def test_a_clock_that_ran_ahead_silences_nobody(place: Any) -> None:
    """Set right again, it has left "next year" behind: for the source, for its host, and as what the host asked for."""
    place.source("feed", "lab")
    place.web.pages["/feed"] = lambda asked: rss("A lattice")
    place.later(days=365).collect()
    place.later(hours=3)
    place.web.pages["/feed"] = lambda asked: (429, {"Retry-After": "7200"}, b"")
    place.collect()
    assert place.record().state == "waiting"
    asked = len(place.web.asked)
    place.later(days=-365).collect(due_only=True)
    assert len(place.web.asked) > asked
    place.web.pages["/feed"] = lambda asked: rss("A lattice", "Another")
    place.later(hours=3).collect(due_only=True)
    assert place.record().state == "fresh"
