"""One collection: what is asked, kept, and remembered, and what happens when half of it fails."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from bot.errors import UserError
from bot.pipeline.collect.collect import due_sources
from bot.store import Database, history, unparsed
from bot.store.tables.paper_rows import PAPERS
from bot.store.tables.source_rows import URLS

LINES = b"Sparse lattices in the wild\nDense lattices at home\n"


def count(place: Any, table: Any) -> int:
    with place.database.read() as tx:
        return int(tx.execute(select(func.count()).select_from(table)).scalar_one())


def page(body: bytes, **headers: str) -> Any:
    return lambda asked: (200, headers, body)


def test_it_asks_stores_and_remembers(place: Any, toy: Any) -> None:
    def served(asked: Any) -> Any:
        if asked.headers.get("if-none-match") == '"1"':
            return 304, {}, b""
        return 200, {"ETag": '"1"'}, LINES

    place.web.pages["/a"] = served
    place.add("toy", toy, toy.Settings((place.web.url("/a"),)))
    report = place.collect()["toy"]
    assert (report.state, report.new, report.error) == ("fresh", 2, "")
    again = place.later(hours=1).collect()["toy"]
    assert (again.state, again.new, again.changed) == ("fresh", 0, 0)
    assert place.web.asked[-1].headers["if-none-match"] == '"1"'
    assert [one.last_success is not None for one in toy.progress] == [False, True]
    assert place.record().last_success == place.now


def test_only_what_is_due_is_asked_unless_somebody_insists(place: Any, toy: Any) -> None:
    place.web.pages["/a"] = page(LINES)
    place.add("toy", toy, toy.Settings((place.web.url("/a"),)), timedelta(hours=6))
    place.collect(due_only=True)
    place.later(hours=5).collect(due_only=True)
    assert len(place.web.asked) == 1
    place.collect()
    assert len(place.web.asked) == 2
    place.later(hours=6).collect(due_only=True)
    assert len(place.web.asked) == 3


def test_many_workers_ask_each_source_by_itself_and_forget_none_of_the_others(place: Any, toy: Any) -> None:
    place.web.pages["/a"] = place.web.pages["/b"] = page(LINES)
    for name in ("a", "b"):
        place.add(name, toy, toy.Settings((place.web.url(f"/{name}"),)), timedelta(hours=6))
    assert due_sources(place.database, place.sources, place.now) == ["a", "b"]
    place.collect(only=["a"], due_only=True)
    assert [one.path for one in place.web.asked] == ["/a"]
    assert due_sources(place.database, place.sources, place.now) == ["b"]
    report = place.collect(only=["b"], due_only=True)
    assert (report["a"].state, report["b"].state, len(place.web.asked)) == ("fresh", "fresh", 2)
    place.collect(only=["b"], due_only=True)  # asked for twice
    assert len(place.web.asked) == 2
    assert place.record("a").last_success == place.now


def test_what_came_before_a_failure_is_kept_but_nothing_counts_as_read(place: Any, toy: Any) -> None:
    """A part that fails must be caught up with: neither the day nor the validators move on."""
    place.web.pages["/a"] = page(LINES, ETag='"1"')
    place.web.pages["/b"] = lambda asked: (403, {}, b"")
    place.add("toy", toy, toy.Settings((place.web.url("/a"), place.web.url("/b"))))
    report = place.collect()["toy"]
    assert (report.state, report.new) == ("failing", 2)
    assert "403" in report.error
    record = place.record()
    assert (record.last_success, record.read_since, record.last_new) == (None, None, place.now)
    assert count(place, URLS) == 0
    place.web.pages["/b"] = page(b"A third lattice altogether\n")
    report = place.later(hours=1).collect()["toy"]
    assert (report.state, report.new, report.error) == ("fresh", 1, "")
    assert place.record().last_success == place.now
    assert count(place, URLS) > 0
    # Still the first time in whole: none of the three is worth an alert.
    with place.database.read() as tx:
        assert history.born_first(tx, [1, 2, 3]) == {1, 2, 3}


def test_an_answer_that_is_still_valid_is_not_an_answer_of_today(place: Any, toy: Any) -> None:
    """Max-age spares a request; it does not make yesterday's list hold today's papers."""
    place.web.pages["/a"] = page(LINES, **{"Cache-Control": "max-age=86400"})
    place.add("toy", toy, toy.Settings((place.web.url("/a"),)))
    place.collect()
    read = place.now
    place.later(hours=12).collect()
    assert len(place.web.asked) == 1
    assert place.record().last_success == read
    place.later(hours=13).collect()
    assert len(place.web.asked) == 2
    assert place.record().last_success == place.now


def test_new_settings_are_a_new_start(place: Any, toy: Any) -> None:
    """A 410 or a wait was the old address's; and the whole new list is no news to alert of."""
    place.web.pages["/gone"] = lambda asked: (410, {}, b"")
    place.web.pages["/a"] = page(LINES)
    place.add("toy", toy, toy.Settings((place.web.url("/a"),)))
    place.collect()
    place.add("toy", toy, toy.Settings((place.web.url("/gone"),)))
    assert place.later(hours=1).collect()["toy"].state == "failing"
    place.web.pages["/b"] = page(b"Another lattice\n")
    place.add("toy", toy, toy.Settings((place.web.url("/b"),)))
    assert place.collect()["toy"].state == "fresh"
    with place.database.read() as tx:
        assert len(history.born_first(tx, range(1, 4))) == 3


def test_the_same_address_for_two_sources_is_read_for_each(place: Any, toy: Any) -> None:
    place.web.pages["/a"] = page(LINES, ETag='"1"', **{"Cache-Control": "max-age=3600"})
    for name in ("one", "two"):
        place.add(name, toy, toy.Settings((place.web.url("/a"),)))
        place.collect()
    with place.database.read() as tx:
        papers = history.seen_since(tx, place.now - timedelta(days=1)).values()
    assert {paper.sources for paper in papers} == {("one", "two")}


def test_a_source_that_left_the_configuration_is_forgotten(place: Any, toy: Any) -> None:
    place.web.pages["/a"] = page(LINES, ETag='"1"')
    place.add("toy", toy, toy.Settings((place.web.url("/a"),)))
    place.collect()
    assert count(place, URLS) == 1
    place.sources = []
    assert place.collect() == {}
    assert (count(place, URLS), count(place, PAPERS)) == (0, 2)
    place.add("toy", toy, toy.Settings((place.web.url("/a"),)))
    report = place.later(hours=1).collect()["toy"]
    assert (report.state, report.new) == ("quiet", 0)


def test_somebody_elses_module_may_raise_anything(place: Any, toy: Any) -> None:
    place.web.pages["/good"] = page(LINES)
    place.web.pages["/bad"] = page(b"!")
    place.add("good", toy, toy.Settings((place.web.url("/good"),)))
    place.add("bad", toy, toy.Settings((place.web.url("/bad"), place.web.url("/good"))))
    report = place.collect()
    assert (report["good"].state, report["bad"].state) == ("fresh", "failing")
    assert "\n" not in report["bad"].error
    assert "ZeroDivisionError: a bug in somebody else's code" in report["bad"].error
    with place.database.read() as tx:
        (kept,) = unparsed.listed(tx)
        document = unparsed.replay(tx, kept[0])
    assert document is not None
    assert (kept[1], document.body) == ("bad", b"!")


def test_listings_that_cannot_be_stored_are_a_failure_of_their_source_alone(place: Any, toy: Any) -> None:
    class Odd(type(toy)):  # type: ignore[misc]
        def parse(self, document: Any, settings: Any) -> Any:
            from bot.core.papers import Listing
            from bot.core.source.document import Parsed

            return Parsed(listings=(Listing(title="half a character \ud800", keys=("title:half\ud800",)),))

    place.web.pages["/a"] = page(LINES)
    place.add("odd", Odd(), toy.Settings((place.web.url("/a"),)))
    place.add("toy", toy, toy.Settings((place.web.url("/a"),)))
    report = place.collect()
    assert (report["toy"].state, report["toy"].new) == ("fresh", 2)
    assert report["odd"].state == "failing"
    assert "could not be recorded" in report["odd"].error


def test_recordings_are_few(place: Any, toy: Any) -> None:
    place.web.pages["/a"] = lambda asked: (200, {}, b"?" + str(len(place.web.asked)).encode())
    place.add("toy", toy, toy.Settings((place.web.url("/a"),)))
    for _ in range(8):
        assert place.collect()["toy"].error == "this is no list of titles: check the address"
        place.later(hours=9)
    with place.database.read() as tx:
        kept = unparsed.listed(tx)
        assert len(kept) == unparsed.PER_SOURCE
        assert unparsed.replay(tx, kept[-1][0]).body == b"?8"  # type: ignore[union-attr]
        assert unparsed.replay(tx, 999) is None


def test_a_dead_host_is_not_asked_for_everything(place: Any, toy: Any) -> None:
    """Each attempt takes its time; after a few in a row the rest can wait."""
    place.web.pages["/a"] = lambda asked: (500, {}, b"")
    place.add("toy", toy, toy.Settings(tuple(place.web.url("/a") + f"?{number}" for number in range(50))))
    assert place.collect()["toy"].state == "failing"
    assert len(place.web.asked) == 5


@pytest.mark.parametrize("failures", range(1, 8))
def test_pauses_grow_with_failures_but_not_beyond_the_usual_pace(place: Any, toy: Any, failures: int) -> None:
    place.web.pages["/a"] = lambda asked: (404, {}, b"")
    place.add("toy", toy, toy.Settings((place.web.url("/a"),)), timedelta(hours=2))
    for _ in range(failures):
        place.later(hours=3).collect()
    pause = place.record().next_try - place.now
    assert pause == min(timedelta(minutes=5) * 2 ** (failures - 1), timedelta(hours=2))
    assert place.record().since == place.now - timedelta(hours=3) * (failures - 1)


def test_a_database_that_restarts_is_told_in_a_line(
    database: Database, web: Any, place: Any, toy: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """All connections are gone in the middle of a collection; the next one goes on. Nobody reads a traceback."""
    if database.sqlite:
        pytest.skip("a file does not restart")

    def cut_off(asked: Any) -> Any:
        with database.write() as tx:
            others = "datname = current_database() AND pid <> pg_backend_pid()"
            tx.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
        return LINES

    web.pages["/a"] = cut_off
    mine = type(place)(Database(database.url, durable=False), web, place.now)
    mine.add("toy", toy, toy.Settings((web.url("/a"),)))
    with suppress(UserError):  # or it has recovered by itself
        mine.collect()
    web.pages["/a"] = page(LINES)
    assert mine.later(hours=2).collect()["toy"].state == "fresh"
    mine.database.close()
    assert not [record for record in caplog.records if record.exc_info and record.levelname != "DEBUG"]


def test_two_processes_may_collect_at_once(
    database: Database, database_url: str, web: Any, place: Any, toy: Any
) -> None:
    """Both databases: every paper once, every source in a state that is true, nobody hurt."""
    for name in "abc":
        web.pages[f"/{name}"] = page(b"".join(b"Lattice %d of %s\n" % (n, name.encode()) for n in range(20)) + LINES)
        place.add(name, toy, toy.Settings((web.url(f"/{name}"),)))

    def one(_: int) -> Any:
        mine = type(place)(Database(database_url, durable=False), web, place.now, sources=place.sources)
        reports = [mine.collect() for _ in range(2)]
        mine.database.close()
        return reports

    with ThreadPoolExecutor(2) as pool:
        reports = [report for both in pool.map(one, range(2)) for report in both]
    assert {report[name].state for report in reports for name in "abc"} == {"fresh"}
    assert sum(report[name].new for report in reports for name in "abc") == 62
    with database.read() as tx:
        assert tx.execute(select(func.count()).select_from(PAPERS)).scalar_one() == 62
