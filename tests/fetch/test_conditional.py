"""Validators, freshness, redirects remembered, 410: what one visit leaves for the next."""

from datetime import timedelta

import pytest

from bot.core.source.document import Request, UrlState
from bot.errors import SourceError

DATE = "Sat, 21 Nov 2026 10:00:00 GMT"


@pytest.fixture
def changing(raw):
    """A document that answers 304 to whoever knows its ETag."""

    def route(asked):
        if asked.headers.get("if-none-match") == '"one"':
            return raw(304)
        return raw(200, b"listing", etag='"one"', last_modified=DATE, content_type="text/xml; charset=koi8-r")

    return route


def test_an_unchanged_document_is_not_sent_again(serve, visit, changing):
    server, visitor = serve({"/feed": changing}), visit()
    first = visitor.get(server.url("/feed"))
    assert (first.documents[0].body, first.documents[0].content_type) == (b"listing", "text/xml; charset=koi8-r")
    assert first.url_states == (UrlState(url=server.url("/feed"), etag='"one"', last_modified=DATE),)
    assert "if-none-match" not in server.asked[0].headers
    second = visitor.get(server.url("/feed"))
    assert not second.documents
    assert second.documents == ()
    assert second.url_states == ()  # a 304 without validators keeps the old ones: nothing to write down
    assert not visitor.get(server.url("/feed")).documents
    assert server.asked[1].headers["if-none-match"] == '"one"'
    assert server.asked[1].headers["if-modified-since"] == DATE
    assert second.bytes_read < first.bytes_read
    assert server.connections == 1


def test_an_answer_that_was_not_stored_is_asked_for_again(serve, visit, changing):
    server, visitor = serve({"/feed": changing}), visit()
    for _ in range(2):
        assert visitor.body(server.url("/feed"), save=False) == b"listing"
    assert "if-none-match" not in server.asked[1].headers


def test_last_modified_alone_is_enough(serve, visit, raw):
    def route(asked):
        return raw(304) if asked.headers.get("if-modified-since") == DATE else raw(200, b"x", last_modified=DATE)

    server, visitor = serve({"/": route}), visit()
    assert visitor.body(server.url()) == b"x"
    assert not visitor.get(server.url()).documents


def test_a_304_may_bring_new_validators_and_a_new_term(serve, visit, raw):
    replies = iter([raw(200, b"x", etag='"a"'), raw(304, etag='"b"', cache_control="max-age=60"), raw(304)])
    server, visitor = serve({"/": lambda _: next(replies)}), visit()
    visitor.get(server.url())
    (state,) = visitor.get(server.url()).url_states
    assert (state.etag, state.fresh_until) == ('"b"', visitor.clock.now + timedelta(seconds=60))
    visitor.clock.advance(seconds=61)
    visitor.get(server.url())
    assert server.asked[2].headers["if-none-match"] == '"b"'


def test_a_304_nobody_asked_for_is_an_error(serve, visit, raw):
    server = serve({"/": raw(304)})
    with pytest.raises(SourceError, match="answered 304 Not Modified"):
        visit().get(server.url())


def test_while_an_answer_holds_nobody_is_asked(serve, visit, raw):
    server, visitor = serve({"/": raw(200, b"x", cache_control="max-age=600")}), visit()
    assert visitor.body(server.url()) == b"x"
    again = visitor.get(server.url())
    assert not again.documents
    assert (again.requests_made, again.bytes_read, len(server.asked)) == (0, 0, 1)
    visitor.clock.advance(seconds=601)
    assert visitor.body(server.url()) == b"x"
    assert len(server.asked) == 2


def test_a_year_of_freshness_is_a_day(serve, visit, raw):
    server, visitor = serve({"/": raw(200, b"x", cache_control="max-age=31536000")}), visit()
    visitor.get(server.url())
    visitor.clock.advance(hours=23)
    visitor.get(server.url())
    assert len(server.asked) == 1
    visitor.clock.advance(hours=2)
    visitor.get(server.url())
    assert len(server.asked) == 2


@pytest.mark.parametrize("status", [301, 308])
def test_a_permanent_redirect_is_remembered(serve, visit, raw, status):
    server = serve({"/old": raw(status, location="/new#top"), "/new": raw(200, b"x", etag='"n"')})
    visitor = visit()
    (document,) = (answer := visitor.get(server.url("/old"))).documents
    assert (document.location, answer.requests_made) == (server.url("/new"), 2)
    assert UrlState(url=server.url("/old"), moved_to=server.url("/new")) in answer.url_states
    answer = visitor.get(server.url("/old"))
    assert [asked.path for asked in server.asked] == ["/old", "/new", "/new"]
    assert server.asked[2].headers["if-none-match"] == '"n"'
    assert [state.url for state in answer.url_states] == [server.url("/new")]


@pytest.mark.parametrize("status", [302, 303, 307])
def test_a_passing_redirect_is_not(serve, visit, raw, status):
    server, visitor = serve({"/old": raw(status, location="/new"), "/new": raw(200, b"x", etag='"n"')}), visit()
    for _ in range(2):
        visitor.get(server.url("/old"))
    assert [asked.path for asked in server.asked] == ["/old", "/new", "/old", "/new"]
    assert server.asked[3].headers["if-none-match"] == '"n"'
    assert visitor.politeness.url_state(server.url("/old")) is None


def test_only_the_permanent_beginning_of_a_chain_is_remembered(serve, visit, raw):
    routes = {
        "/a": raw(301, location="/b"),
        "/b": raw(308, location="/c"),
        "/c": raw(302, location="/d"),
        "/d": raw(301, location="/e"),
        "/e": raw(200, b"x"),
    }
    server, visitor = serve(routes), visit()
    visitor.get(server.url("/a"))
    assert visitor.politeness.url_state(server.url("/a")).moved_to == server.url("/c")


def test_a_move_that_moved_on_is_followed_up(serve, visit, raw):
    server = serve({"/a": raw(301, location="/b"), "/b": raw(200, b"x")})
    visitor = visit()
    visitor.get(server.url("/a"))
    server.routes |= {"/b": lambda _: raw(301, location="/c"), "/c": lambda _: raw(200, b"y")}
    assert visitor.body(server.url("/a")) == b"y"
    assert visitor.politeness.url_state(server.url("/a")).moved_to == server.url("/c")


def test_a_move_that_led_nowhere_is_forgotten(serve, visit, raw):
    server = serve({"/a": raw(301, location="/b"), "/b": raw(200, b"x")})
    visitor = visit()
    visitor.get(server.url("/a"))
    server.routes |= {"/a": lambda _: raw(200, b"back home", etag='"h"'), "/b": lambda _: raw(404)}
    assert visitor.body(server.url("/a")) == b"back home"
    assert visitor.politeness.url_state(server.url("/a")) == UrlState(url=server.url("/a"), etag='"h"')


def test_a_move_that_led_nowhere_is_forgotten_though_home_redirects_elsewhere(serve, visit, raw):
    server = serve({"/a": raw(301, location="/b"), "/b": raw(200, b"x")})
    visitor = visit()
    visitor.get(server.url("/a"))
    server.routes |= {
        "/a": lambda _: raw(302, location="/c"),
        "/b": lambda _: raw(404),
        "/c": lambda _: raw(200, b"for now"),
    }
    assert visitor.body(server.url("/a")) == b"for now"
    assert visitor.politeness.url_state(server.url("/a")) == UrlState(url=server.url("/a"))


def test_a_failure_moves_nothing(serve, visit, raw):
    server, visitor = serve({"/a": raw(301, location="/b")}), visit()
    with pytest.raises(SourceError, match="404"):
        visitor.get(server.url("/a"))
    assert visitor.politeness.url_state(server.url("/a")) is None


def test_410_says_never_again(serve, visit, raw):
    server, visitor = serve({"/": raw(410, b"Feed closed.", content_type="text/plain")}), visit()
    with pytest.raises(SourceError, match=r"410 Gone: .*remove this source.*Feed closed") as caught:
        visitor.get(server.url())
    assert caught.value.gone
    visitor.politeness.save([UrlState(url=server.url(), gone=True)])
    with pytest.raises(SourceError, match="410 Gone") as caught:
        visitor.get(server.url())
    assert caught.value.gone
    assert len(server.asked) == 1


def test_what_one_source_remembers_another_does_not(serve, visit, changing, raw, tmp_path):
    server, visitor = serve({"/feed": changing, "/old": raw(301, location="/new"), "/new": changing}), visit()
    (tmp_path / "page.txt").write_text("x")
    for location in (server.url("/feed"), server.url("/old"), str(tmp_path / "page.txt")):
        for scope in ("a:", "b:", ""):
            answer = visitor.fetcher.fetch(Request(location=location), private=True, scope=scope)
            assert answer.documents
            assert all(state.url.startswith(scope) for state in answer.url_states)
            visitor.politeness.save(answer.url_states)
            assert not visitor.fetcher.fetch(Request(location=location), private=True, scope=scope).documents
    assert visitor.politeness.url_state("a:" + server.url("/old")).moved_to == server.url("/new")
