"""Bytes to text, anything to one harmless line, any address to a web address."""

import time
import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.query.words import exact_words, fold_value
from bot.core.text import sanitize
from bot.core.text.markup import to_text


@pytest.mark.parametrize(
    ("body", "header", "text"),
    [
        ("Grüße".encode(), "", "Grüße"),
        ("Grüße".encode(), "text/xml; charset=iso-8859-1", "Grüße"),
        ('<?xml version="1.0" encoding="iso-8859-1"?>é'.encode(), "", '<?xml version="1.0" encoding="iso-8859-1"?>é'),
        ("Привет".encode("koi8-r"), "text/xml; charset=koi8-r", "Привет"),
        (
            '<?xml version="1.0" encoding="windows-1251"?>Привет'.encode("cp1251"),
            "",
            '<?xml version="1.0" encoding="windows-1251"?>Привет',
        ),
        ("“quoted”".encode("cp1252"), "charset=latin-1", "“quoted”"),
        (b"ok \xc3\xa9, stray \xe9", "", "ok é, stray é"),
        ("<a>ж".encode("utf-16"), "", "<a>ж"),
        ("<a>ж".encode("utf-16-be"), "", "<a>ж"),
        ("<a>ж".encode("utf-32-le"), "", "<a>ж"),
        (
            '<?xml version="1.0" encoding="cp037"?><a>x</a>'.encode("cp037"),
            "",
            '<?xml version="1.0" encoding="cp037"?><a>x</a>',
        ),
        ("日本".encode("iso-2022-jp"), "charset=iso-2022-jp", "日本"),
        (b"\xe9", "charset=nonsense", "é"),
        (b"\xe9", "charset=base64", "é"),
    ],
)
def test_decode(body: bytes, header: str, text: str) -> None:
    assert sanitize.decode(body, header) == text


def test_a_line_is_harmless() -> None:
    assert sanitize.line("a\r\nBcc: b\u202ec\x00\u200b  d ") == "a Bcc: bc d"
    assert sanitize.line(None) == ""
    assert sanitize.line(1984) == "1984"
    assert sanitize.line(True) == ""
    assert sanitize.line("word " * 100, 20) == "word word word word…"


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//",
        "http://",
        "https://u:p@example.org/",
        'http://x/"<',
        "http://[",
        7,
    ],
)
def test_only_web_addresses_become_links(text: object) -> None:
    assert sanitize.web_address(text) == ""


def test_addresses_are_made_absolute() -> None:
    assert sanitize.web_address(" /a b", "http://example.org/x/") == "http://example.org/a%20b"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://example.org/lark\n", "https://example.org/lark"),
        ("https://example.org/\n  lark", "https://example.org/lark"),
        ("https://example.org/lark\nhttps://example.org/other", "https://example.org/lark"),
    ],
)
def test_a_line_break_is_no_part_of_an_address(text: str, address: str) -> None:
    assert sanitize.web_address(text) == address


@given(st.binary(max_size=200), st.text(max_size=30))
def test_any_bytes_are_text(body: bytes, header: str) -> None:
    text = sanitize.decode(body, f"text/xml; charset={header}")
    assert "\n" not in sanitize.line(to_text(text))


ACCENTS = st.text(st.sampled_from("a \u0301\u0316\u0344\u0f73\u3099ﾞﾟ\u200b\u0327가\u1161é´"), max_size=90)


@pytest.mark.parametrize("form", ["NFC", "NFKC"])
@given(text=st.lists(ACCENTS).map("".join))
def test_composing_is_that_of_unicode(form: Literal["NFC", "NFKC"], text: str) -> None:
    assert sanitize.composed(form, text) == unicodedata.normalize(form, text)


@pytest.mark.parametrize("pile", ["\u0301\u0316", "ﾞ\u0301", "\u0344\u0f73"])
def test_a_page_of_accents_is_read_at_once(pile: str) -> None:
    started = time.perf_counter()
    sanitize.line("a" + pile * 40_000)
    exact_words("a" + pile * 40_000)
    fold_value("a" + pile * 40_000)
    assert time.perf_counter() - started < 3
