"""What is sent: who we are, the source's headers, and secrets to nobody but those they are for."""

import pytest

from bot.errors import SourceError


def test_we_introduce_ourselves_and_carry_the_sources_headers(serve, visit, raw):
    server = serve({"/": raw(200, b"x")})
    visit(contact="ada@example.org", version="1.2").get(
        server.url(), accept="application/json", headers=(("X-Page", "2"),), secret_headers=(("X-Key", "s3cret"),)
    )
    (asked,) = server.asked
    assert asked.headers["user-agent"] == "Paperlark/1.2 (+mailto:ada@example.org)"
    assert asked.headers["accept"] == "application/json"
    assert asked.headers["x-page"] == "2"
    assert asked.headers["x-key"] == "s3cret"
    assert asked.headers["accept-encoding"] == "gzip, deflate"
    assert "cookie" not in asked.headers


def test_a_source_may_replace_our_headers_in_any_case(serve, visit, raw):
    server = serve({"/": raw(200, b"x")})
    visit().get(server.url(), headers=(("user-agent", "Special/1"),))
    assert server.asked[0].headers["user-agent"] == "Special/1"
    assert server.asked[0].count["user-agent"] == 1


def test_cookies_are_not_kept(serve, visit, raw):
    server, visitor = serve({"/": raw(200, b"x", set_cookie="id=1; Path=/")}), visit()
    visitor.get(server.url())
    visitor.get(server.url())
    assert "cookie" not in server.asked[1].headers


def test_a_login_in_the_url_becomes_a_header(serve, visit, raw):
    server, visitor = serve({"/": raw(200, b"x", etag='"1"')}), visit()
    answer = visitor.get(server.url().replace("http://", "http://ada:love%3Alace@"))
    assert server.asked[0].headers["authorization"] == "Basic YWRhOmxvdmU6bGFjZQ=="
    assert server.asked[0].path == "/"
    assert "love" not in answer.documents[0].location


SECRETS = {"secret_headers": (("X-Key", "s3cret"),), "headers": (("X-Page", "2"),)}


def test_secrets_stay_at_home(serve, visit, raw, names):
    away = serve({"/": raw(200, b"x")})
    home = serve({"/": raw(302, location=away.url("/", "away.example"))})
    visitor = visit(resolve=names(home="127.0.0.1", away="127.0.0.1"))
    visitor.get(home.url("/", "ada:pw@home.example"), **SECRETS)
    assert {"x-key", "authorization", "x-page"} <= home.asked[0].headers.keys()
    assert {"x-key", "authorization"}.isdisjoint(away.asked[0].headers)
    assert away.asked[0].headers["x-page"] == "2"


def test_secrets_follow_a_redirect_within_the_same_server(serve, visit, raw):
    home = serve({"/": raw(302, location="/there"), "/there": raw(200, b"x")})
    visit().get(home.url(), **SECRETS)
    assert home.asked[1].headers["x-key"] == "s3cret"


def test_another_port_is_another_house(serve, visit, raw):
    away = serve({"/": raw(200, b"x")})
    home = serve({"/": raw(302, location=away.url())})
    visit().get(home.url(), **SECRETS)
    assert "x-key" not in away.asked[0].headers


def test_secrets_that_were_left_at_home_are_not_sent_again_after_a_way_back(serve, visit, raw):
    home, away = serve(), serve()
    home.routes |= {"/": lambda _: raw(302, location=away.url()), "/back": lambda _: raw(200, b"x")}
    away.routes |= {"/": lambda _: raw(302, location=home.url("/back"))}
    visit().get(home.url(), **SECRETS)
    assert "x-key" in home.asked[0].headers
    assert "x-key" not in home.asked[1].headers


def test_secrets_do_not_go_where_home_has_moved_for_good(serve, visit, raw):
    away = serve({"/": raw(200, b"x")})
    home = serve({"/": raw(301, location=away.url())})
    visitor = visit()
    for _ in range(2):
        visitor.get(home.url(), **SECRETS)
    assert (len(home.asked), len(away.asked)) == (1, 2)
    assert all("x-key" not in asked.headers for asked in away.asked)


def test_a_login_offered_by_a_redirect_is_not_used(serve, visit, raw):
    home = serve()
    home.routes |= {
        "/": lambda _: raw(302, location=home.url("/there").replace("//", "//eve:pw@")),
        "/there": lambda _: raw(200, b"x"),
    }
    visit().get(home.url())
    assert "authorization" not in home.asked[1].headers


def test_errors_do_not_tell_secrets(serve, visit, raw):
    server = serve({"*": raw(404)})
    with pytest.raises(SourceError) as caught:
        visit().get(f"http://ada:s3cret@127.0.0.1:{server.port}/feed?api_key=s3cret&q=1")
    assert "s3cret" not in str(caught.value)
    assert "/feed?api_key=***&q=1" in str(caught.value)


@pytest.mark.parametrize(
    "bad",
    [
        {"headers": (("X-Page", "a\r\nX-Evil: 1"),)},
        {"headers": (("X Page", "a"),)},
        {"headers": (("X-Page", "\u2603"),)},
        {"accept": "a\nb"},
    ],
)
def test_headers_that_would_break_the_request_are_not_sent(serve, visit, raw, bad):
    server = serve({"/": raw(200, b"x")})
    with pytest.raises(SourceError, match="could not be written"):
        visit().get(server.url(), **bad)
    assert server.asked == []


@pytest.mark.parametrize(
    "location",
    ["http://", "http:///path", "https://:443/", "http://[::1", "http://a:99999/", "http://a:b/", "http://exa mple/",
     "http:/one-slash", "http:relative", "http://ex\x00ample/", "http://" + "a" * 70000],
)  # fmt: skip
def test_urls_that_are_none(visit, location):
    with pytest.raises(SourceError) as caught:
        visit(resolve=lambda host, port: []).get(location)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_unlikely_urls_that_are_fine(serve, visit, raw):
    server, visitor = serve({"*": raw(200, b"x")}), visit()
    for path in ("/a%20b?q=%22x%22+y&z", "/ä ö?q=ü", "/a//b/../c", "?only=query"):
        assert visitor.body(f"HTTP://127.0.0.1:{server.port}{path}") == b"x"
    assert server.asked[0].path == "/a%20b?q=%22x%22+y&z"
    assert server.asked[1].path == "/%C3%A4%20%C3%B6?q=%C3%BC"
