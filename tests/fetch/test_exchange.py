"""A request that somebody else has written: any status is an answer, and of no answer it is known whether what was
posted can have been taken all the same."""

import time

import pytest

from bot.errors import SourceError
from tests.fetch.test_transport import authority  # noqa: F401  (a fixture)


def exchange(visitor, url: str, seconds: float = 5, **headers: str):
    return visitor.fetcher.exchange("POST", url, headers, b"{}", seconds=seconds, private=True)


def may_have_arrived(visitor, url: str, **how) -> bool:
    with pytest.raises(SourceError) as failed:
        exchange(visitor, url, **how)
    return failed.value.may_have_arrived


@pytest.mark.parametrize("status", [200, 204, 302, 400, 404, 418, 500, 503])
def test_every_status_is_an_answer(serve, visit, raw, status: int) -> None:
    server = serve({"/": raw(status, b"no", location="/elsewhere")})

    assert exchange(visit(), server.url("/")).status == status
    assert len(server.asked) == 1


def test_a_body_that_breaks_off_is_no_reason_to_ask_again(serve, visit) -> None:
    server = serve({"/": lambda _: b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"})
    answer = exchange(visit(), server.url("/"))

    assert (answer.status, answer.content, answer.is_whole) == (200, b"", False)


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n"])
def test_no_answer_leaves_it_open(serve, visit, answer: bytes) -> None:
    server = serve({"/": lambda _: answer})
    assert may_have_arrived(visit(), server.url("/"))
    assert server.asked


def test_an_answer_that_takes_too_long_leaves_it_open(serve, visit) -> None:
    server = serve({"/": lambda _: time.sleep(1) or b""})
    assert may_have_arrived(visit(), server.url("/"), seconds=0.3)


def test_what_never_left_was_not_taken(serve, visit, raw, names, authority) -> None:  # noqa: F811
    server = serve({"/": raw(200, b"x")}, tls=authority("feeds.example"))
    visitor = visit(resolve=names(feeds="127.0.0.1"))
    assert not may_have_arrived(visitor, server.url("/", "feeds.example"))  # nobody vouches for its certificate
    assert not may_have_arrived(visit(), "http://127.0.0.1:9/")  # nobody is there
    assert not may_have_arrived(visit(), "http://127.0.0.1:9/", **{"X-Name": "line\nline"})
    assert server.asked == []
