"""What is shown to people: nothing secret, nothing that upsets a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.source.redact import one_line, redacted
from bot.fetch.errors import in_bytes, server_words, status_words
from bot.fetch.http_client import user_agent


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ada:lovelace@example.org/feed", "https://***@example.org/feed"),
        ("https://token@example.org/feed", "https://***@example.org/feed"),
        ("https://a:b@c@example.org/feed", "https://***@example.org/feed"),
        ("https://example.org/q?api_key=s3cret&term=x+y", "https://example.org/q?api_key=***&term=x+y"),
        ("https://example.org/q?term=x&access_token=s3cret#s3cret", "https://example.org/q?term=x&access_token=***"),
        ("https://example.org/q?X-Amz-Signature=s3cret", "https://example.org/q?X-Amz-Signature=***"),
        ("https://example.org/q?a%70i_key=s3cret", "https://example.org/q?a%70i_key=***"),
        ("https://example.org/q?term=x;y&empty=&flag", "https://example.org/q?term=x;y&empty=&flag"),
        ("https://example.org/a\nb\x1b[31m", "https://example.org/ab[31m"),
        ("http://[broken", "(an address that cannot be read)"),
    ],
)
def test_addresses_are_shown_without_secrets(url, shown):
    assert redacted(url) == shown


@given(st.text(alphabet="abc:/?&=%#@", max_size=40))
def test_a_password_never_shows_whatever_surrounds_it(tail):
    assert "s3cret" not in redacted(f"https://ada:s3cret@example.org/{tail}")
    assert "s3cret" not in redacted(f"https://example.org/?x={tail.replace('#', '')}&token=s3cret")


@given(st.text())
def test_strangers_words_become_one_printable_line(text):
    line = one_line(text)
    assert len(line) <= 160
    assert all(char.isprintable() for char in line)
    assert not set(line) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (b'{"error": "Invalid date: must be\\n YYYY-MM-DD"}', "application/json", "Invalid date: must be YYYY-MM-DD"),
        (b'{"error": {"deep": 1}}', "application/json", ""),
        (b"{" * 10000, "application/json", ""),
        (b"<rss><channel><title>Feed error for query: cs.XX</title>", "application/xml", "Feed error for query: cs.XX"),
        (b"<html><TITLE lang=en>Forbidden</TITLE><p>Go away", "text/html", "Forbidden"),
        (b"<html><p>no title", "text/html", ""),
        (b"Rate exceeded.", "text/plain; charset=utf-8", "Rate exceeded."),
        (b"\x00\xff\x1b[2J", "text/plain", "\ufffd[2J"),
        (b"", "text/plain", ""),
    ],
)
def test_the_reason_a_server_gives(body, content_type, words):
    assert server_words(body, content_type) == words


def test_statuses_in_words():
    assert status_words(404) == "answered 404 Not Found: there is no such page: check the address"
    assert status_words(503).startswith("answered 503 Service Unavailable: ")
    assert status_words(799).startswith("answered 799: ")
    assert status_words(400, "bad day").endswith("(it says: bad day)")


def test_sizes():
    assert [in_bytes(n) for n in (300, 65536, 20 * 1024 * 1024)] == ["300 bytes", "64 KiB", "20 MiB"]


@pytest.mark.parametrize(
    ("contact", "header"),
    [
        ("", "Paperlark/1.2"),
        ("ada@example.org", "Paperlark/1.2 (+mailto:ada@example.org)"),
        ("https://example.org/bot", "Paperlark/1.2 (+https://example.org/bot)"),
        ("mailto:ada@example.org", "Paperlark/1.2 (+mailto:ada@example.org)"),
        ("ä)da@example.org\r\nX-Evil: 1", "Paperlark/1.2 (+da@example.orgX-Evil: 1)"),
    ],
)
def test_we_say_who_we_are(contact, header):
    assert user_agent("1.2", contact) == header
