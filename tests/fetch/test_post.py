"""What a POST that failed says of what was posted: whether it can have been taken all the same."""

import pytest

from bot.core.source.document import Request
from bot.errors import SourceError
from tests.fetch.test_transport import authority  # noqa: F401  (a fixture)


def may_have_arrived(visitor, url: str, **request) -> bool:
    with pytest.raises(SourceError) as failed:
        visitor.fetcher.post(Request(location=url, content=b"{}", **request), private=True)
    return failed.value.may_have_arrived


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
def test_an_answer_that_is_no_says_it_was_not_taken(serve, visit, raw, status: int) -> None:
    server = serve({"/": raw(status, b"no")})
    assert not may_have_arrived(visit(), server.url("/"))


def test_an_answer_that_says_no_in_odd_words_was_not_taken_either(serve, visit, raw) -> None:
    server = serve({"/": raw(418, b'{"error": "nobody answered 200"}')})
    assert not may_have_arrived(visit(), server.url("/"))


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", b"nonsense\r\n\r\n"])
def test_no_whole_answer_leaves_it_open(serve, visit, answer: bytes) -> None:
    server = serve({"/": lambda _: answer})
    assert may_have_arrived(visit(), server.url("/"))
    assert server.asked


def test_what_never_left_was_not_taken(serve, visit, raw, names, authority) -> None:  # noqa: F811
    server = serve({"/": raw(200, b"x")}, tls=authority("feeds.example"))
    visitor = visit(resolve=names(feeds="127.0.0.1"))
    assert not may_have_arrived(visitor, server.url("/", "feeds.example"))  # nobody vouches for its certificate
    assert not may_have_arrived(visit(), "http://127.0.0.1:9/")  # nobody is there
    assert not may_have_arrived(visit(), "http://127.0.0.1:9/", headers=(("X-Name", "line\nline"),))
    assert server.asked == []
