"""Servers that mean harm, through the whole of collect: their source fails with one clear line, the others go on."""

import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.store.tables.source_rows import URLS

GOOD = b"<rss version='2.0'><channel><title>Lab</title><item><title>A lattice</title></item></channel></rss>"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n\r\n"


def endless(asked: Any) -> Any:
    return itertools.chain([HEAD], itertools.repeat(b"<item><title>more</title></item>" * 500))


def dripping(asked: Any) -> Any:
    def drops() -> Any:
        yield HEAD
        while True:
            yield b" "
            time.sleep(0.1)

    return drops()


def silent(asked: Any) -> Any:
    def nothing() -> Any:
        time.sleep(8)
        yield b""

    return nothing()


def bomb(zipped: Callable[[bytes], bytes]) -> Any:
    body = zipped(zipped(b"0" * 50_000_000))
    return lambda asked: (200, {"Content-Encoding": "gzip, gzip"}, body)


def nested(asked: Any) -> Any:
    return 200, {"Content-Type": "application/xml"}, b"<rss><channel>" + b"<a>" * 200_000


def entities(asked: Any) -> Any:
    lines = [b'<!ENTITY a0 "lol">', *(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))]
    return b"<!DOCTYPE rss [" + b"".join(lines) + b"]><rss><channel><title>&a9;</title></channel></rss>"


def page(status: int, body: bytes = b"", **headers: str) -> Any:
    return lambda asked: (status, headers, body)


LOGIN = b"<!doctype html><html><head><title>Sign in</title></head><body><form>password</form></body></html>"
EVIL: dict[str, Any] = {
    "metadata": page(302, Location="http://169.254.169.254/latest/meta-data/"),
    "around": page(301, Location="/around"),
    "elsewhere": page(302, Location="file:///etc/passwd"),
    "nowhere": page(302, Location="http://"),
    "endless": endless,
    "dripping": dripping,
    "silent": silent,
    "nested": nested,
    "entities": entities,
    "login": page(200, LOGIN),
    "binary": page(200, bytes(range(256)) * 100),
    "charset": page(200, b"\xff\xfe\xfa<rss>", **{"Content-Type": "text/xml; charset=utf-7"}),
    "short": lambda asked: iter([b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n<rss>"]),
    "noise": lambda asked: iter([b"\x00\x01\x02 this is no HTTP\r\n\r\n"]),
    "headers": lambda asked: iter([b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 20_000 + b"\r\n"]),
}


@pytest.mark.parametrize("kind", ["feed", "arxiv", "huggingface"])
def test_only_the_source_that_is_attacked_suffers(place: Any, zipped: Any, kind: str) -> None:
    place.web.pages.update({f"/{name}": page for name, page in EVIL.items()}, **{"/bomb": bomb(zipped)})
    place.web.pages["/good"] = lambda asked: GOOD
    more = {"categories": ("cs.CL",)} if kind == "arxiv" else {}
    for name in (*EVIL, "bomb"):
        place.source(kind, name, f"/{name}", **more)
    place.source("feed", "good", "/good")
    place.limits = replace(place.limits, connect=2, silence=2, seconds=4)
    begin = time.monotonic()
    report = place.collect()
    assert time.monotonic() - begin < 20
    assert (report["good"].state, report["good"].new) == ("fresh", 1)
    for name in (*EVIL, "bomb"):
        one = report[name]
        assert (one.state, one.new) == ("failing", 0), name
        assert len(one.error.splitlines()) == 1, name
        assert 10 < len(one.error) < 400, (name, one.error)
        assert one.error.isprintable(), (name, one.error)
    assert not any("meta-data" in asked.path for asked in place.web.asked)
    with place.database.read() as tx:  # nothing of theirs is remembered as read
        assert tx.execute(select(func.count()).select_from(URLS)).scalar_one() <= 1


def test_a_public_source_may_not_lead_into_our_network(place: Any) -> None:
    """Without `private` the loopback server itself is out of bounds, whatever name it goes by."""
    place.web.pages["/feed"] = lambda asked: GOOD
    source = place.source("feed", "lab")
    place.sources = [replace(source, private=False)]
    report = place.collect()["lab"]
    assert report.state == "failing"
    assert "private" in report.error
    assert place.web.asked == []
