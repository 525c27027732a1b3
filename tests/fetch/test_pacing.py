"""Turns at a host, back-off, and the wishes of servers that have had enough."""

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.source.document import Request
from bot.errors import SourceError
from bot.fetch import Fetcher, Limits, MemoryPoliteness
from bot.fetch.politeness import host_policy

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


# --- politeness --------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 20), st.floats(0, 5), st.booleans()), max_size=40))
def test_turns_are_never_closer_than_asked_nor_within_a_hold(visits):
    politeness, now, taken, held = MemoryPoliteness(), NOW, {}, {}
    for host, pass_by, gap, hold in visits:
        now += timedelta(seconds=pass_by)
        if hold:
            politeness.hold(host, now + timedelta(seconds=gap * 3))
            held[host] = max(held.get(host, NOW), now + timedelta(seconds=gap * 3))
        turn = politeness.reserve(host, gap, now)
        assert turn >= max(now, held.get(host, NOW))
        if host in taken:
            assert turn >= taken[host] + timedelta(seconds=gap)
        taken[host] = turn


def test_a_shorter_hold_does_not_shorten_a_longer_one():
    politeness = MemoryPoliteness()
    politeness.hold("h", NOW + timedelta(hours=1))
    politeness.hold("h", NOW + timedelta(minutes=1))
    assert politeness.reserve("h", 0, NOW) == NOW + timedelta(hours=1)


def test_turns_taken_by_many_threads_at_once():
    politeness, turns, start = MemoryPoliteness(), [], threading.Barrier(8)

    def take():
        start.wait()
        turns.extend(politeness.reserve("h", 2, NOW) for _ in range(50))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(turns) == [NOW + timedelta(seconds=2 * n) for n in range(400)]


def test_all_of_arxiv_is_one_host():
    for host in ("arxiv.org", "export.arxiv.org", "RSS.arXiv.org."):
        assert host_policy(host, None, 0.5) == ("arxiv.org", 3.0, True)
    assert host_policy("notarxiv.org", None, 0.5) == ("notarxiv.org", 0.5, False)
    assert host_policy("arxiv.org.example", None, 0.5) == ("arxiv.org.example", 0.5, False)
    assert host_policy("127.0.0.1", 8000, 0.5) == ("127.0.0.1:8000", 0.0, False)


# --- turns -----------------------------------------------------------------------------------------------------------


def test_requests_to_one_host_keep_their_distance_across_sources_and_redirects(serve, visit, raw, names):
    server = serve({"/a": raw(302, location="/b"), "/b": raw(200, b"x"), "/c": raw(200, b"y")})
    visitor = visit(resolve=names(feeds="127.0.0.1"))
    visitor.get(server.url("/a", "feeds.example"))
    visitor.get(server.url("/c", "feeds.example"))
    assert visitor.clock.slept == [0.5, 0.5]


def test_this_machine_needs_no_distance(serve, visit, raw):
    server, visitor = serve({"/": raw(200, b"x")}), visit()
    for _ in range(5):
        visitor.get(server.url())
    assert visitor.clock.slept == []


def test_one_host_does_not_wait_for_another(serve, visit, raw, names):
    server, visitor = serve({"/": raw(200, b"x")}), visit(resolve=names(a="127.0.0.1", b="127.0.0.1"))
    visitor.get(server.url("/", "a.example"))
    visitor.get(server.url("/", "b.example"))
    assert visitor.clock.slept == []


def test_arxiv_is_asked_by_one_thread_at_a_time_three_seconds_apart(serve, visit, names):
    def slow(_):
        server.pause(0.02)
        return b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx"

    server = serve({"*": slow})
    visitor = visit(resolve=names(**dict.fromkeys(("export_arxiv_org", "rss_arxiv_org", "arxiv_org"), "127.0.0.1")))
    turns = []
    reserve = visitor.politeness.reserve

    def noted(host, gap, now):
        turns.append(reserve(host, gap, now))
        return turns[-1]

    visitor.politeness.reserve = noted
    failures = []

    def ask(host):
        try:
            visitor.get(server.url("/", host))
        except SourceError as error:
            failures.append(error)

    hosts = ["export.arxiv.org", "rss.arxiv.org", "arxiv.org"] * 4
    threads = [threading.Thread(target=ask, args=(host,)) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert (len(server.asked), server.most_at_once) == (12, 1)
    assert all(asked.headers["connection"] == "close" for asked in server.asked)
    assert all(later - sooner >= timedelta(seconds=3) for sooner, later in pairwise(turns))
    assert visitor.clock.slept == [3.0] * 11


def test_a_turn_too_far_off_is_not_slept_for(serve, visit, raw, names):
    server, visitor = serve({"/": raw(200, b"x")}), visit(resolve=names(feeds="127.0.0.1"))
    visitor.politeness.hold("feeds.example", NOW + timedelta(seconds=11))
    with pytest.raises(SourceError, match=r"feeds\.example: not to be asked before 2026-11-21 12:00 UTC") as caught:
        visitor.get(server.url("/", "feeds.example"))
    assert caught.value.retry_at == NOW + timedelta(seconds=11)
    assert (visitor.clock.slept, server.asked) == ([], [])
    visitor.clock.now = caught.value.retry_at
    assert visitor.body(server.url("/", "feeds.example")) == b"x"


def test_refused_turns_do_not_push_the_later_ones_away(serve, visit, raw, names):
    server, visitor = serve({"*": raw(200, b"x")}), visit(resolve=names(arxiv_org="127.0.0.1"))
    visitor.politeness.hold("arxiv.org", NOW + timedelta(minutes=5))
    for minute in range(5):
        visitor.clock.now = NOW + timedelta(minutes=minute)
        for page in range(30):
            with pytest.raises(SourceError, match="not to be asked before") as caught:
                visitor.get(server.url(f"/{page}", "arxiv.org"))
            assert caught.value.retry_at == NOW + timedelta(minutes=5)
    visitor.clock.now = caught.value.retry_at
    for page in range(30):
        assert visitor.body(server.url(f"/{page}", "arxiv.org")) == b"x"
    assert visitor.clock.slept == [3.0] * 30


def test_a_clock_that_was_ahead_blocks_nothing_once_it_is_right(serve, visit, raw):
    server, visitor = serve({"/": raw(429)}), visit()
    visitor.clock.advance(days=400)
    with pytest.raises(SourceError, match="429"):
        visitor.get(server.url())
    with pytest.raises(SourceError, match="not to be asked"):
        visitor.get(server.url())
    visitor.clock.now = NOW
    visitor.politeness.reserve = lambda host, gap, now: now  # the database puts such turns right by itself
    with pytest.raises(SourceError, match="429"):
        visitor.get(server.url())


def test_who_waits_too_long_for_arxiv_comes_back_later(serve, visit, raw, names):
    entered, leave = threading.Event(), threading.Event()

    def stuck(_):
        entered.set()
        leave.wait(30)
        return raw(200, b"x")

    server = serve({"/": stuck})
    visitor = visit(Limits(wait=0.1), resolve=names(arxiv_org="127.0.0.1"))
    thread = threading.Thread(target=visitor.get, args=(server.url("/", "arxiv.org"),))
    thread.start()
    entered.wait(10)
    try:
        with pytest.raises(SourceError, match="one at a time") as caught:
            visitor.get(server.url("/", "arxiv.org"))
        assert caught.value.retry_at == visitor.clock.now + timedelta(seconds=3)
    finally:
        leave.set()
        thread.join(10)


# --- having had enough -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_obeyed_by_everybody(serve, visit, raw, status, form):
    told = "90" if form == "seconds" else format_datetime(NOW + timedelta(seconds=90), usegmt=True)
    server = serve({"/": raw(status, retry_after=told), "/other": raw(200, b"x")})
    visitor = visit()
    with pytest.raises(SourceError, match=rf"answered {status} .*wants us back at 2026-11-21 12:01 UTC") as caught:
        visitor.get(server.url())
    assert caught.value.retry_at == NOW + timedelta(seconds=90)
    with pytest.raises(SourceError, match="not to be asked before") as caught:
        visitor.get(server.url("/other"))
    assert caught.value.retry_at == NOW + timedelta(seconds=90)
    assert len(server.asked) == 1
    visitor.clock.advance(seconds=90)
    assert visitor.body(server.url("/other")) == b"x"


def test_429_without_a_word_is_five_minutes(serve, visit, raw):
    server, visitor = serve({"/": raw(429)}), visit()
    with pytest.raises(SourceError) as caught:
        visitor.get(server.url())
    assert caught.value.retry_at == NOW + timedelta(minutes=5)
    assert len(server.asked) == 1


def test_the_rate_limit_of_hugging_face(serve, visit, raw):
    policy = {"ratelimit_policy": '"fixed window";"api";q=500;w=300'}
    replies = iter(
        [raw(200, b"x", ratelimit='"api";r=0;t=40', **policy), raw(429, ratelimit='"api";r=0;t=200', **policy)]
    )
    server, visitor = serve({"/": lambda _: next(replies)}), visit()
    assert visitor.body(server.url()) == b"x"  # the last one of the quota is still an answer
    with pytest.raises(SourceError, match="not to be asked before") as caught:
        visitor.get(server.url())
    assert caught.value.retry_at == NOW + timedelta(seconds=40)
    visitor.clock.advance(seconds=40)
    with pytest.raises(SourceError, match="429") as caught:
        visitor.get(server.url())
    assert caught.value.retry_at == NOW + timedelta(seconds=240)


# --- trying again ----------------------------------------------------------------------------------------------------


def test_a_stumbling_server_is_tried_again_with_growing_pauses(serve, visit, raw):
    replies = iter([raw(500), raw(502), raw(200, b"x")])
    server, visitor = serve({"/": lambda _: next(replies)}), visit()
    answer = visitor.get(server.url())
    assert (answer.documents[0].body, answer.requests_made) == (b"x", 3)
    first, second = visitor.clock.slept
    assert 0.25 <= first <= 0.75
    assert 0.75 <= second <= 2.25


def test_three_times_is_enough(serve, visit, raw):
    server = serve({"/": raw(503, b"<title>Down for maintenance</title>")})
    with pytest.raises(SourceError, match=r"answered 503 Service Unavailable: .*\(it says: Down for maintenance\)"):
        visit().get(server.url())
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [400, 403, 404])
def test_what_will_not_change_is_not_tried_again(serve, visit, raw, status):
    server, visitor = serve({"/": raw(status)}), visit()
    with pytest.raises(SourceError):
        visitor.get(server.url())
    assert (len(server.asked), visitor.clock.slept) == (1, [])


def test_a_broken_connection_is_tried_again(serve, visit, raw):
    replies = iter([iter([b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"]), raw(200, b"x")])
    server = serve({"/": lambda _: next(replies)})
    assert visit().body(server.url()) == b"x"


def test_no_pause_outlasts_the_time_there_is(serve, visit, raw):
    server, visitor = serve({"/": raw(500)}), visit(Limits(seconds=5, backoff=100))
    with pytest.raises(SourceError, match="500"):
        visitor.get(server.url())
    assert visitor.clock.slept == []


def test_no_wait_for_a_turn_outlasts_it_either(serve, visit, raw, names):
    server, visitor = serve({"/": raw(200, b"x")}), visit(Limits(seconds=2, wait=10), resolve=names(feeds="127.0.0.1"))
    visitor.politeness.hold("feeds.example", NOW + timedelta(seconds=5))
    with pytest.raises(SourceError, match="not to be asked before"):
        visitor.get(server.url("/", "feeds.example"))
    assert visitor.clock.slept == []


def test_bytes_are_counted_for_each_reply_alone(serve, visit, raw):
    replies = iter([raw(500, b"x" * 40_000), raw(500, b"x" * 40_000), raw(200, b"x")])
    server = serve({"/": lambda _: next(replies)})
    answer = visit(Limits(body=1000)).get(server.url())
    assert answer.documents[0].body == b"x"
    assert answer.bytes_read > 2 * 16_000


def test_many_threads_share_one_fetcher(serve, visit, raw):
    server, visitor, bodies = serve({"*": lambda asked: raw(200, asked.path.encode())}), visit(), {}

    def ask(n):
        for m in range(20):
            path = f"/{n}-{m}"
            bodies[path] = visitor.body(server.url(path))

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bodies) == 160
    assert all(body == path.encode() for path, body in bodies.items())
    assert server.connections < 80


# --- being stopped ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["reading", "pausing"])
def test_closing_ends_what_is_under_way(serve, visit, raw, where):
    begun, failures = threading.Event(), []

    def mute(_):
        begun.set()
        if where == "reading":
            server.pause(30)
        return raw(500)

    server = serve({"/": mute})
    fetcher = Fetcher(clock=lambda: NOW, limits=Limits(backoff=30, attempts=2))

    def ask():
        with pytest.raises(SourceError, match="we are being stopped") as caught:
            fetcher.fetch(Request(location=server.url()), private=True)
        failures.append(caught.value)

    thread = threading.Thread(target=ask)
    thread.start()
    begun.wait(10)
    time.sleep(0.1)  # let it settle into waiting
    fetcher.close()
    thread.join(5)
    assert not thread.is_alive()
    assert len(failures) == 1
    assert len(server.asked) == 1
