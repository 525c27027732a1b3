"""What headers say, the nonsense among them included."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.source.document import UrlState
from bot.fetch.http_cache import DAY, fresh_until, retry_after, still_fresh, validator

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def at(**later: float) -> str:
    return format_datetime(NOW + timedelta(**later), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"cache-control": "max-age=600"}, 600),
        ({"cache-control": "public, Max-Age=600, must-revalidate"}, 600),
        ({"cache-control": 'private,max-age="600"'}, 600),
        ({"cache-control": "s-maxage=9, max-age=600"}, 600),
        ({"cache-control": "max-age=600", "age": "500"}, 100),
        ({"cache-control": "max-age=600", "age": "601"}, None),
        ({"cache-control": "max-age=600", "age": "-5"}, 600),
        ({"cache-control": "max-age=0"}, None),
        ({"cache-control": "max-age=-1"}, None),
        ({"cache-control": "s-maxage=600"}, None),
        ({"cache-control": "max-age=600, no-cache"}, None),
        ({"cache-control": "no-store, max-age=600"}, None),
        ({"cache-control": "max-age=" + "9" * 5000}, 86400),
        ({"cache-control": "max-age=31536000, immutable"}, 86400),
        ({"cache-control": "max-age=٣"}, None),
        ({"cache-control": "max-age=600", "expires": at(hours=5)}, 600),
        ({"cache-control": "max-age=0", "expires": at(hours=5)}, None),
        ({"expires": at(minutes=10), "date": at()}, 600),
        ({"expires": at(minutes=40), "date": at(minutes=30)}, 600),
        ({"expires": at(minutes=10)}, 600),
        ({"expires": at(days=400)}, 86400),
        ({"expires": at(minutes=-10)}, None),
        ({"expires": "0"}, None),
        ({"expires": "-1"}, None),
        ({"expires": "Thu, 99 Foo 9999 99:99:99 GMT"}, None),
        ({}, None),
    ],
)
def test_how_long_an_answer_holds(headers, seconds):
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    expected = None if seconds is None else NOW + timedelta(seconds=seconds)
    assert fresh_until(httpx.Headers(raw), NOW) == expected


def test_a_promise_for_more_than_a_day_is_not_believed_when_read_back():
    assert still_fresh(UrlState(url="u", fresh_until=NOW + DAY), NOW)
    assert not still_fresh(UrlState(url="u", fresh_until=NOW + DAY * 2), NOW)
    assert not still_fresh(UrlState(url="u", fresh_until=NOW), NOW)
    assert not still_fresh(UrlState(url="u"), NOW)
    assert not still_fresh(None, NOW)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120),
        ({"retry-after": at(minutes=5)}, 300),
        ({"retry-after": "9" * 400}, 86400),
        ({"retry-after": at(days=400)}, 86400),
        ({"retry-after": at(minutes=-5)}, None),
        ({"retry-after": "0"}, None),
        ({"retry-after": "soon"}, None),
        ({"ratelimit": '"api";r=0;t=55', "ratelimit-policy": '"fixed window";"api";q=500;w=300'}, 55),
        ({"ratelimit": '"api"; r=0; t=55'}, 55),
        ({"ratelimit": '"pages";t=20;r=0, "api";r=3;t=290'}, 20),
        ({"ratelimit": '"api";r=1;t=55'}, None),
        ({"ratelimit": '"api";r=0'}, None),
        ({"ratelimit": '"api";t=55'}, None),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "30"}, 30),
        ({"ratelimit-remaining": "7", "ratelimit-reset": "30"}, None),
        ({"retry-after": "10", "ratelimit": '"api";r=0;t=55'}, 10),
        ({}, None),
    ],
)
def test_when_to_come_back(headers, seconds):
    assert retry_after(httpx.Headers(headers), NOW) == (None if seconds is None else NOW + timedelta(seconds=seconds))


_NAMES = [
    "cache-control",
    "expires",
    "age",
    "date",
    "retry-after",
    "ratelimit",
    "ratelimit-remaining",
    "ratelimit-reset",
]


@given(st.dictionaries(st.sampled_from(_NAMES), st.text(alphabet=st.characters(max_codepoint=255), max_size=60)))
def test_any_headers_at_all_give_a_moment_within_a_day_or_none(headers):
    received = httpx.Headers([(name.encode(), value.encode("latin-1")) for name, value in headers.items()])
    for read in (fresh_until, retry_after):
        moment = read(received, NOW)
        assert moment is None or NOW < moment <= NOW + DAY


def test_validators_worth_remembering():
    assert validator(httpx.Headers({"etag": 'W/"1-2"'}), "etag") == 'W/"1-2"'
    assert validator(httpx.Headers({"etag": '"' + "x" * 2000 + '"'}), "etag") == ""
    assert validator(httpx.Headers([(b"etag", b'"\xe4"')]), "etag") == ""
    assert validator(httpx.Headers(), "last-modified") == ""
