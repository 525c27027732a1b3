"""Posts by real Apprise and our own rules of fetching into a server that does whatever a bad one can: what each means
for the ledger, and that no address but the service's own is spoken to."""

import gzip
import json
import re
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import unquote

import pytest

from bot.errors import DeliveryError, SourceError
from bot.fetch import Fetcher
from bot.mail.transport.channels import ChannelTransport, Post, fault_of, fits_into
from bot.pipeline.deliver import posts

pytest.importorskip("apprise")

NOW = datetime(2026, 11, 20, 7, 30, tzinfo=UTC)
SECRET = "T0PS3CR3T"
BOMB = gzip.compress(b"\0" * 40_000_000)


class HostileServer:
    """Speaks HTTP by hand: the first part of a path says how badly."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bytes]] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(10)
            head, _, body = _until(connection, b"\r\n\r\n").partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            while length and len(body) < int(length[1]):
                body += connection.recv(65536)
            path = unquote(head.split(b" ")[1].decode("latin-1")) if b" " in head else ""
            self.asked.append((path, body))
            for piece in self._answer(*path.strip("/").partition("/")[::2]):
                connection.sendall(piece)

    def _answer(self, how: str, rest: str) -> Iterator[bytes]:
        if how.isdecimal():
            yield f"HTTP/1.1 {how} X\r\n".encode()
            if rest:
                yield f"Retry-After: {rest}\r\n".encode()
            yield b"Content-Length: 0\r\n\r\n"
        elif how in ("huge", "huge500"):
            yield f"HTTP/1.1 {how[4:] or '200'} X\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
            while True:
                yield b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        elif how == "bomb":
            yield b"HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB
        elif how == "headers":
            yield b"HTTP/1.1 200 X\r\n"
            while True:
                yield b"X-More: " + b"x" * 1000 + b"\r\n"
        elif how == "drip":
            for number in range(100):
                time.sleep(0.1)
                yield b"HTTP/1.1 200 X"[number : number + 1] or b"X"
        elif how == "hang":
            time.sleep(5)
        elif how == "cut":
            yield b"HTTP/1.1 20"
        elif how == "halfway":
            yield b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\nsome of it"
        elif how == "elsewhere":
            yield b"HTTP/1.1 307 X\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n"
        elif how == "_matrix":
            told = json.dumps({"access_token": "t", "user_id": "@u:x", "room_id": "!r:x", "event_id": "$1"}).encode()
            yield b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(told) + told
        elif how == "echo":
            told = json.dumps({"error": f"cannot POST {rest}"}).encode()
            yield b"HTTP/1.1 404 X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(told) + told


def _until(connection: socket.socket, end: bytes) -> bytes:
    data = b""
    while end not in data and (piece := connection.recv(65536)):
        data += piece
    return data


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Apprise imports modules that are on their way out of Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fault_of("json://x")


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    made = HostileServer()
    yield made
    made.listener.close()


def post(address: str, *, private: bool = True, resolve: Callable[[str, int], list[str]] | None = None) -> str:
    """Post once. Raises DeliveryError."""
    how: dict[str, Any] = {"resolve": resolve} if resolve else {}
    limits = replace(posts.REQUEST, seconds=1.0, connect=0.5)
    ask = posts.asker(Fetcher(clock=lambda: NOW, limits=limits, **how), private=private)
    transport = ChannelTransport(ask, partial(posts.post_to_webhook, ask, lambda: NOW))
    message = Post(
        sender="", recipient="x", message_id="<1@example.org>", data=b"{}", address=address, title="Title", body="Body"
    )
    return transport.session().send(message)


def both(server: HostileServer, path: str) -> list[DeliveryError | str]:
    """What becomes of a post to a service, and of one to a webhook."""
    found: list[DeliveryError | str] = []
    where = f"127.0.0.1:{server.port}/{path}"
    for address in (f"json://{where}?+X-Key={SECRET}", f"webhook+http://{where}#{SECRET}"):
        try:
            found.append(post(address))
        except DeliveryError as error:
            found.append(error)
    assert SECRET not in " ".join(map(str, found))
    return found


@pytest.mark.parametrize("path", ["200", "204", "huge", "bomb", "halfway"])
def test_what_says_200_has_it_whatever_comes_behind(server: HostileServer, path: str) -> None:
    assert all(isinstance(one, str) for one in both(server, path))


@pytest.mark.parametrize("path", ["500", "huge500", "404", "302", "elsewhere", "429", f"echo/{SECRET}"])
def test_what_says_no_has_it_not(server: HostileServer, path: str) -> None:
    for one in both(server, path):
        assert isinstance(one, DeliveryError)
        assert (one.outcome, one.code[:5]) == ("retry", "http ")


@pytest.mark.parametrize("path", ["headers", "drip", "hang", "cut"])
def test_without_an_answer_nobody_knows(server: HostileServer, path: str) -> None:
    for one in both(server, path):
        assert isinstance(one, DeliveryError)
        assert (one.outcome, one.code) == ("unknown", "channel")


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("30", 30),
        ("Fri,%2020%20Nov%202026%2007:35:00%20GMT", 300),
        ("999999999999999", 86_400),
        ("-5", None),
        ("soon", None),
        ("Fri,%2020%20Nov%202020%2007:35:00%20GMT", None),
    ],
)
def test_a_service_says_when_it_wants_us_back(server: HostileServer, told: str, seconds: int | None) -> None:
    for one in both(server, f"429/{told}"):
        assert isinstance(one, DeliveryError)
        assert one.retry_at == (None if seconds is None else NOW + timedelta(seconds=seconds))


def test_what_never_left_is_certain(server: HostileServer) -> None:
    """A certificate that does not hold, a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        closed = nobody.getsockname()[1]
    for address in (
        f"jsons://127.0.0.1:{server.port}/200?verify=no",
        f"webhook+https://127.0.0.1:{server.port}/200#{SECRET}",
        f"json://127.0.0.1:{closed}/200",
        f"webhook+http://127.0.0.1:{closed}/200#{SECRET}",
    ):
        with pytest.raises(DeliveryError) as failed:
            post(address)
        assert failed.value.outcome == "retry"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f000001", "017700000001", "localhost", "[::1]", "[::ffff:7f00:1]", "0.0.0.0"],
)
@pytest.mark.parametrize("kind", ["json://{}/x", "webhook+http://{}/x#s", "ntfy://{}/topic", "xml://u:p@{}/"])
def test_inside_is_refused_in_every_spelling(server: HostileServer, host: str, kind: str) -> None:
    before = len(server.asked)
    with pytest.raises(DeliveryError, match=r"refused|could not be written|does not know") as failed:
        post(kind.format(f"{host}:{server.port}"), private=False)

    assert failed.value.outcome == "retry"
    assert len(server.asked) == before


def test_a_name_that_changes_its_mind_gains_nothing(server: HostileServer) -> None:
    answers = iter([["127.0.0.1"], ["93.184.216.34"]])
    for address in (f"json://rebinding.test:{server.port}/200", f"webhook+http://rebinding.test:{server.port}/200#s"):
        before = len(server.asked)
        with pytest.raises(DeliveryError):
            post(address, private=False, resolve=lambda host, port: next(answers, ["93.184.216.34"]))
        assert len(server.asked) == before


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js?template=/etc/passwd", "templates/channel.txt"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#a/#b", "2 places"),
        ("tgram://123456789:ABCdefghijklmnopqrstuvwxyz123456789/1/2/3", "3 places"),
        ("rsyslog://127.0.0.1", "not reached by HTTP"),
        ("irc://127.0.0.1/#x", "not reached by HTTP"),
        ("nostr://" + "a" * 64, "not reached by HTTP"),
        ("exec://ls", "does not know"),
        ("nonsense://x", "does not know"),
        ("json://[::1", "does not know"),
    ],
)
def test_what_cannot_be_told_once_by_http_is_refused(address: str, words: str) -> None:
    assert words in fault_of(address)
    with pytest.raises(DeliveryError, match=words):
        post(address)


@pytest.mark.parametrize("options", ["redirect=yes", "retry=5&wait=30", "overflow=split", "emojis=yes"])
def test_options_make_no_second_request_of_a_post(server: HostileServer, options: str) -> None:
    before = len(server.asked)
    started = time.monotonic()
    for path in ("200", "500", "429", "elsewhere"):
        with suppress(DeliveryError):
            post(f"json://127.0.0.1:{server.port}/{path}?{options}")

    assert len(server.asked) == before + 4
    assert time.monotonic() - started < 5


def test_a_host_that_stalls_is_not_asked_for_every_channel(
    server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posts, "SLOW", 0.2)
    limits = replace(posts.REQUEST, seconds=0.4)
    ask = posts.asker(Fetcher(clock=lambda: NOW, limits=limits), private=True)
    before = len(server.asked)

    def fail(_: int) -> None:
        with pytest.raises(SourceError):
            ask("POST", f"http://127.0.0.1:{server.port}/hang", {}, b"{}", seconds=5)

    with ThreadPoolExecutor(posts.SILENT) as threads:
        list(threads.map(fail, range(20)))
    assert posts.SILENT <= len(server.asked) - before <= 2 * posts.SILENT

    monkeypatch.setattr(posts, "LEFT_ALONE", 0.0)
    assert ask("POST", f"http://127.0.0.1:{server.port}/200", {}, b"{}", seconds=5).status == 200
    monkeypatch.setattr(posts, "LEFT_ALONE", 60.0)
    assert ask("POST", f"http://127.0.0.1:{server.port}/200", {}, b"{}", seconds=5).status == 200


def test_a_service_that_wants_a_login_is_left_logged_out(server: HostileServer) -> None:
    before = len(server.asked)

    assert post(f"matrix://user:{SECRET}@127.0.0.1:{server.port}/#room") == "Matrix has it"
    paths = [path.rpartition("/v3/")[2] for path, _ in server.asked[before:]]
    assert paths[0] == "login"
    assert paths[-2].startswith("rooms/!r:x/send/m.room.message")
    assert paths[-1] == "logout"


@pytest.mark.parametrize(
    ("address", "most"),
    [
        ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", 2000),
        ("tgram://123456789:ABCdefghijklmnopqrstuvwxyz123456789/12315544/", 4096),
        ("mmost://example.com/aaaaaaaaaa", 4000),
        ("ntfy://topic", 4000),
        ("wxteams://" + "a" * 80, 1000),
    ],
)
def test_what_fits_is_measured_as_it_will_be_written(address: str, most: int) -> None:
    fits = fits_into(address)

    assert fits("Title", "x" * (most - 30))
    assert not fits("Title", "x" * (most + 1))
    assert not fits("t" * 200, "x" * (most - 30))
    if address.startswith(("tgram", "wxteams")):
        assert not fits("Title", "<*" * (most // 2 - 15))  # written as &lt; or \*
    if address.startswith("ntfy"):
        assert not fits("Title", "\u4e00" * (most // 2))  # three bytes each
