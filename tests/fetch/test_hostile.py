"""Servers that mean harm, or are merely broken: one clear line within the limits, every time."""

import gzip
import itertools
import socket
import struct
import threading
import time
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import SourceError
from bot.fetch import Limits, MemoryPoliteness

KIB = 1024
HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def fails(serve, visit):
    """fails(route, words, limits) -> the server, after a fetch that must fail with these words and quickly."""

    def check(route, words, limits=None):
        server = serve({"*": route})
        visitor = visit(limits)
        started = time.monotonic()
        with pytest.raises(SourceError, match=words) as caught:
            visitor.get(server.url())
        assert time.monotonic() - started < 5
        assert "\n" not in str(caught.value)
        assert str(caught.value).startswith("127.0.0.1: ")
        return server

    return check


def test_an_endless_body(fails):
    def endless(_):
        return itertools.chain([HEAD + b"\r\n"], itertools.repeat(b"x" * 65536))

    fails(endless, r"sent more than|larger than 1 MiB")


def test_an_endless_chunked_body(fails):
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    fails(
        lambda _: itertools.chain([HEAD + b"transfer-encoding: chunked\r\n\r\n"], itertools.repeat(chunk)),
        "(sent more|larger) than 1",
    )


def test_a_body_announced_too_large_is_not_begun(fails):
    server = fails(
        lambda _: iter([HEAD + b"content-length: 99999999999\r\n\r\nx"]), "announces a document larger than 1 MiB"
    )
    assert len(server.asked) == 1


def bomb(wbits: int, layers: int = 1, megabytes: int = 100) -> bytes:
    squeezer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    data = b"".join(squeezer.compress(b"\0" * 2**20) for _ in range(megabytes)) + squeezer.flush()
    return data if layers == 1 else gzip.compress(data, mtime=0)


@pytest.mark.parametrize(
    ("encoding", "data"),
    [("gzip", bomb(31)), ("deflate", bomb(15)), ("deflate", bomb(-15)), ("gzip, gzip", bomb(31, layers=2))],
    ids=["gzip", "deflate", "raw deflate", "gzip in gzip"],
)
def test_a_zip_bomb_stops_early(fails, raw, encoding, data):
    assert len(data) < 200 * KIB
    tracemalloc.start()
    try:
        fails(lambda _: raw(200, data, content_encoding=encoding), "document larger than 1 MiB")
        assert tracemalloc.get_traced_memory()[1] < 12 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("encoding", "words"),
    [("br", "did not ask for .br."), ("gzip, gzip, gzip", "compressed 3 times"), ("\x80evil", "did not ask for")],
)
def test_encodings_nobody_asked_for(fails, raw, encoding, words):
    fails(raw(200, b"x", content_encoding=encoding), words)


def test_damaged_compression(fails, raw):
    whole = gzip.compress(b"listing " * 1000, mtime=0)
    fails(raw(200, whole[:-20], content_encoding="gzip"), "ended early")
    fails(raw(200, b"\x1f", content_encoding="gzip"), "ended early")
    fails(raw(200, b"not gzip at all", content_encoding="gzip"), "damaged")
    fails(raw(200, whole[:30] + b"\xff" * 30 + whole[60:], content_encoding="gzip"), "damaged")


@pytest.mark.parametrize(
    "encoding", ["", "identity", "gzip", "x-gzip", "GZIP", "deflate", "raw", "members", "gzip, deflate", "junk"]
)
def test_honest_compression_in_all_its_dialects(serve, visit, encoding):
    text = b"A listing that is long enough to be worth it. " * 20000
    raw_deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    header, body = {
        "": ("", text),
        "identity": ("identity", text),
        "gzip": ("gzip", gzip.compress(text, mtime=0)),
        "x-gzip": ("x-gzip", gzip.compress(text, mtime=0)),
        "GZIP": ("GZIP", gzip.compress(text, mtime=0)),
        "deflate": ("deflate", zlib.compress(text)),
        "raw": ("deflate", raw_deflate.compress(text) + raw_deflate.flush()),
        "members": ("gzip", gzip.compress(text[:5000], mtime=0) + gzip.compress(text[5000:])),
        "gzip, deflate": ("gzip, deflate", zlib.compress(gzip.compress(text, mtime=0))),
        "junk": ("gzip", gzip.compress(text, mtime=0) + b"\0" * 512),
    }[encoding]
    head = f"content-encoding: {header}\r\n".encode() if header else b""
    pieces = [body[n : n + 1] for n in range(40)] + [body[40:]]
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece]
    head = HEAD + head + b"transfer-encoding: chunked\r\n\r\n"
    server = serve({"/": lambda _: b"".join([head, *chunks, b"0\r\n\r\n"])})
    assert visit().body(server.url()) == text


FEED = b"\xef\xbb\xbf \n<rss><channel><title>Lab</title></channel></rss>"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("utf-8", FEED),
        ("none", FEED),
        ("br", FEED),
        ("gzip", FEED),
        ("gzip, utf-8", FEED),
        ("utf-8", gzip.compress(FEED, mtime=0)),
        ("", gzip.compress(FEED, mtime=0)),
        ("identity", gzip.compress(FEED, mtime=0)),
    ],
)
def test_a_label_that_lies_about_the_encoding_is_seen_through(serve, visit, raw, encoding, body):
    server = serve({"/": raw(200, body, **({"content_encoding": encoding} if encoding else {}))})
    assert visit().body(server.url()) == FEED


def test_a_bomb_without_a_label_stops_early(fails, raw):
    fails(raw(200, gzip.compress(b"0" * 50_000_000, mtime=0)), "document larger than 1 MiB")


def test_an_empty_body_is_an_empty_document(serve, visit, raw):
    server = serve({"/": raw(200, b""), "/gz": raw(200, b"", content_encoding="gzip")})
    assert visit().body(server.url()) == b""
    assert visit().body(server.url("/gz")) == b""


@pytest.mark.parametrize("where", ["body", "headers", "status line"])
def test_a_slow_drip(serve, visit, where):
    begin = {
        "body": HEAD + b"content-length: 9999\r\n\r\n",
        "headers": HEAD + b"x-drip: ",
        "status line": b"HTTP/1.1 2",
    }

    def drip(_):
        yield begin[where]
        while True:
            server.pause(0.02)
            yield b"0"

    server = serve({"/": drip})
    started = time.monotonic()
    with pytest.raises(SourceError, match=r"127\.0\.0\.1: took longer than 0.5 s in all"):
        visit(Limits(seconds=0.5, silence=10)).get(server.url())
    assert time.monotonic() - started < 2
    assert len(server.asked) == 1


def test_silence(serve, visit):
    def mute(_):
        yield HEAD
        server.pause(30)

    server = serve({"/": mute})
    with pytest.raises(SourceError, match="timed out: the connection stands, but nothing comes"):
        visit(Limits(silence=0.3)).get(server.url())


def test_silence_does_not_outlast_the_time_in_all(serve, visit):
    def mute(_):
        yield HEAD
        server.pause(30)

    server = serve({"/": mute})
    started = time.monotonic()
    with pytest.raises(SourceError, match=r"took longer than 0\.3 s in all"):
        visit(Limits(seconds=0.3, silence=9)).get(server.url())
    assert time.monotonic() - started < 5


def test_an_infinite_redirect(fails, raw):
    server = fails(raw(302, location="/"), "more than 5 redirects")
    assert len(server.asked) == 6


def test_a_redirect_that_grows(fails, raw):
    server = fails(lambda asked: raw(301, location=asked.path.rstrip("/") + "/deeper"), "more than 5 redirects")
    assert len(server.asked) == 6


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("", "redirects without saying where"),
        ("file:///etc/passwd", "redirects to file:, which is not fetched"),
        ("ftp://example.org/", "redirects to ftp:"),
        ("javascript:alert(1)", "redirects to javascript:"),
        ("data:text/html,x", "redirects to data:"),
        ("http://[", "cannot be read"),
        ("http://example.org:99999/", "cannot be read"),
        ("http://169.254.169.254/latest/meta-data", "cloud metadata address 169.254.169.254 refused"),
        ("http://[::ffff:a9fe:a9fe]/", "cloud metadata address 169.254.169.254 refused"),
        ("http://0xa9fea9fe/", "cloud metadata|could not be resolved"),
        ("http://0.0.0.0:1/", "unspecified address 0.0.0.0 refused"),
        ("http://[fe80::1]/", "link-local address fe80::1 refused"),
    ],
)
def test_redirects_out_of_the_web_or_into_the_machine_room(serve, visit, raw, location, words):
    server = serve({"/": raw(302, location=location)})
    with pytest.raises(SourceError, match=words):
        visit().get(server.url())


def test_giant_headers(fails):
    fails(lambda _: iter([HEAD + b"x-big: " + b"x" * 80 * KIB + b"\r\ncontent-length: 0\r\n\r\n"]), "64 KiB of headers")
    many = b"".join(b"x-%d: %b\r\n" % (n, b"y" * 100) for n in range(700))
    fails(lambda _: iter([HEAD + many + b"content-length: 0\r\n\r\n"]), "64 KiB of headers")


def test_endless_headers(fails):
    line = b"x: " + b"y" * 1000 + b"\r\n"
    fails(lambda _: itertools.chain([HEAD], itertools.repeat(line)), "did not speak proper HTTP")


def test_endless_interim_answers(fails):
    fails(
        lambda _: itertools.repeat(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" * 100), "sent more than|took longer"
    )


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 9999999 Hm\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,
        b"\x00" * 5000,
        HEAD + b"content-length: 5\r\ncontent-length: 7\r\n\r\nhello",
        HEAD + b"content-length: -5\r\n\r\nhello",
        HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\nhello",
        HEAD + b"transfer-encoding: smoke\r\n\r\nhello",
        HEAD + b"no colon here\r\n\r\n",
    ],
)
def test_garbage_instead_of_http(fails, garbage):
    fails(lambda _: iter([garbage]), "did not speak proper HTTP|broken off|without an answer")


def test_a_body_cut_short_is_no_document(fails):
    server = fails(lambda _: iter([HEAD + b"content-length: 100\r\n\r\nhalf"]), "document cut short")
    assert len(server.asked) == 3
    fails(
        lambda _: iter([HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nwo"]),
        "document cut short",
    )


def test_a_connection_reset_in_the_middle(serve, visit):
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]

    def reset():
        for _ in range(3):
            connection, _peer = listening.accept()
            connection.recv(65536)
            connection.sendall(HEAD + b"content-length: 100\r\n\r\nhalf")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

    thread = threading.Thread(target=reset)
    thread.start()
    try:
        with pytest.raises(SourceError, match=r"broken off by the other side|cut short"):
            visit().get(f"http://127.0.0.1:{port}/")
    finally:
        thread.join(10)
        listening.close()


def test_bytes_pass_unchanged_whatever_charset_they_claim(serve, visit, raw):
    every = bytes(range(256))
    server = serve({"/": raw(200, every, content_type="text/xml; charset=utf-16-klingon")})
    (document,) = visit().get(server.url()).documents
    assert (document.body, document.content_type) == (every, "text/xml; charset=utf-16-klingon")


@pytest.mark.parametrize("status", [201, 204, 206, 300, 305, 400, 401, 403, 404, 418, 451, 500, 599])
def test_statuses_that_bring_no_document(fails, raw, status):
    fails(raw(status, b"<html><title>Sorry\x1b[31m</title>", connection="close"), f"answered {status}")


def test_what_a_refusal_says_is_passed_on_in_plain_letters(serve, visit, raw):
    body = b'{"error": "Invalid date\\u202e\\u001b[31m"}'
    server = serve({"/": raw(400, body), "/gz": raw(400, gzip.compress(body, mtime=0), content_encoding="gzip")})
    for path in ("/", "/gz"):
        with pytest.raises(SourceError, match=r"answered 400 Bad Request: .*\(it says: Invalid date\[31m\)$"):
            visit().get(server.url(path))


def test_a_refusal_is_a_refusal_though_its_body_is_cut_short(serve, visit):
    server = serve({"/": lambda _: iter([b"HTTP/1.1 404 No\r\ncontent-length: 100\r\n\r\nhalf"])})
    with pytest.raises(SourceError, match="answered 404 Not Found"):
        visit().get(server.url())
    assert len(server.asked) == 1


def test_a_refusal_with_an_endless_body_costs_little(serve, visit):
    def endless(_):
        return itertools.chain([b"HTTP/1.1 403 No\r\n\r\n"], itertools.repeat(b"x" * 65536))

    server = serve({"/": endless})
    with pytest.raises(SourceError, match="answered 403 Forbidden"):
        visit().get(server.url())


GOOD = (
    HEAD + b"Content-Type: text/xml\r\nContent-Encoding: gzip\r\nETag: W/\"1\"\r\nCache-Control: max-age=60\r\n"
    b"Location: /next\r\nRetry-After: 1\r\nRateLimit: \"a\";r=0;t=5\r\nExpires: Sat, 21 Nov 2026 13:00:00 GMT\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
    % (len(gzip.compress(b"listing" * 50, mtime=0)), gzip.compress(b"listing" * 50, mtime=0))
)  # fmt: skip
flips = st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=6)
statuses = st.sampled_from(
    [b"200", b"204", b"301", b"302", b"304", b"404", b"410", b"429", b"503", b"999", b"-1", b"\xff"]
)


def test_any_reply_gives_a_document_or_one_clear_line(serve, visit):
    reply = [b""]
    server = serve({"*": lambda _: iter(reply)})
    visitor = visit(Limits(attempts=1, silence=3, seconds=3, redirects=2, body=2**20), politeness=Unheld())
    seen, lines = set(), []

    @settings(max_examples=300, deadline=None)
    @given(flips, st.integers(0, len(GOOD)), statuses)
    def check(flips, length, status):
        damaged = bytearray(GOOD.replace(b"200", status, 1))
        for place, byte in flips:
            damaged[place % len(damaged)] = byte
        reply[0] = bytes(damaged[: length or None])
        try:
            answer = visitor.get(server.url(), save=False)
        except SourceError as error:
            seen.add("error")
            lines.append(str(error))
        else:
            assert not answer.documents or len(answer.documents[0].body) <= 2**20
            seen.add("document")

    check()
    assert all(line.isprintable() and line.startswith("127.0.0.1: ") for line in lines)
    assert seen == {"error", "document"}


class Unheld(MemoryPoliteness):
    """Forgets what a server asked for, so that the next damaged reply is read, too."""

    def hold(self, host, until):
        pass
