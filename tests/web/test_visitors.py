"""Visitors of every kind change nothing by looking; every route against tokens of other purposes, other people's, old
ones; oversized and slow requests; what a header or a field may smuggle in."""

import hashlib
import http.client
import re
import socket
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from bot.mail import tokens
from bot.mail.tokens import LIFETIMES, PURPOSES, Purpose
from bot.pipeline.compose.compose import compose
from bot.store import thumbs
from bot.web import server as http_server
from bot.web.app import create_app
from bot.web.server import create_server
from tests.web.conftest import CONFIG, FORM, NOW, SECRET, Start, Web
from tests.web.test_reading import PROFILE, edition_id
from tests.web.test_signup import asked_link, collect_papers, filled, link_in, mails

SCANNERS = [
    {"User-Agent": "Mozilla/5.0 (compatible; SafeLinks)"},
    {"User-Agent": "Barracuda Sentinel", "Accept": "*/*"},
    {"User-Agent": "Slackbot-LinkExpanding 1.0", "Range": "bytes=0-32768"},
    {"User-Agent": "curl/8", "X-Forwarded-For": "203.0.113.7", "Accept": "application/json"},
    {"User-Agent": "Mozilla/5.0", "Purpose": "prefetch", "Sec-Purpose": "prefetch;prerender"},
    {"User-Agent": "x", "X-HTTP-Method-Override": "POST", "X-Method-Override": "DELETE"},
]


@pytest.fixture
def web(start: Start) -> Web:
    made = start(CONFIG + PROFILE)
    collect_papers(made, 12)
    compose(made.database, made.clock(), made.app.identity.message_id, force=True)
    mails(made)
    with made.database.write() as tx:
        thumbs.give(tx, 1, 2, "save", NOW)
    return made


def sealed(purpose: Purpose, who: int = 1, item: int = 0, epoch: int = 0, secret: str = SECRET) -> str:
    if purpose in LIFETIMES:
        return tokens.seal_renewable(secret, purpose, who, item, epoch=epoch, now=NOW)
    return tokens.seal(secret, purpose, who, item)


def contents(web: Web) -> str:
    """Everything in the database, as a number."""
    file = Path(web.app.config.folder) / "paperlark.db"
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    return hashlib.sha256(dump.encode()).hexdigest()


def routes(web: Web) -> dict[str, tuple[Purpose, ...]]:
    """Every route with a token in it, and what may open it."""
    return {
        "/u/{}": ("unsubscribe digest", "unsubscribe alert", "unsubscribe all"),
        "/t/{}": ("more", "less", "save"),
        "/e/{}": ("edition",),
        "/e/{}.bib": ("edition",),
        "/e/{}.ris": ("edition",),
        "/e/{}.md": ("edition",),
        "/feed/{}.atom": ("feed",),
        "/feed/{}.json": ("feed",),
        "/confirm/{}": ("confirm",),
        "/manage/{}": ("manage", "letter", "export", "delete", "address"),
        "/manage/{}.bib": ("manage", "letter"),
        "/admin/{}": ("admin",),
    }


def links(web: Web) -> list[str]:
    """A link of every kind that a mail or a page holds, each good."""
    confirm = asked_link(web)
    found = [
        "/",
        "/?keywords=attention",
        "/preview?query=attention",
        "/archive",
        "/archive/2026-11-20",
        "/archive.atom",
    ]
    found += ["/health", "/metrics", "/style.css", "/live.js", "/icon.svg", "/robots.txt", confirm]
    for path, purposes in routes(web).items():
        for purpose in purposes:
            item = {"edition": edition_id(web), "more": 1, "less": 1, "save": 1}.get(purpose, 0)
            if purpose not in ("confirm", "address"):
                who = 0 if purpose == "admin" else 1
                found.append(path.format(sealed(purpose, who, item)))
    return found


def test_looking_changes_nothing(web: Web) -> None:
    known = links(web)
    before = contents(web)
    seen: set[str] = set()
    while known:
        path = known.pop()
        if path in seen or len(seen) > 400:
            continue
        seen.add(path)
        for headers in SCANNERS:
            for method in ("GET", "HEAD"):
                answer = web.ask(method, path, headers=headers)
                assert answer.status in (200, 304, 429) or (answer.status, path) == (403, "/metrics"), (
                    path,
                    answer.status,
                )
        for method in ("OPTIONS", "PUT", "DELETE", "PATCH"):
            assert web.ask(method, path).status in (200, 405)
        page = web.get(path).text
        known += re.findall(r'href="(?:https://papers\.example\.org)?(/[^"#]*)"', page)
        assert "set-cookie" not in web.get(path).headers
    assert len(seen) > 30
    assert contents(web) == before


def test_who_presses_every_button_of_a_confirmation_only_confirms(web: Web) -> None:
    link = asked_link(web)
    page = web.get(link).text
    forms = re.findall(r"<form[^>]*>.*?</form>", page, re.DOTALL)
    assert len(forms) == 1
    web.post(link)
    compose(web.database, web.clock(), web.app.identity.message_id)
    letters = [one for one in mails(web) if one["To"] == "eve@example.net"]
    assert len(letters) == 1
    assert "List-Unsubscribe" in letters[0]
    assert web.post(link_in(letters[0], "u")).status == 200
    eve = web.subscriber("eve@example.net")
    assert eve is not None
    assert eve.status == "unsubscribed"


def test_no_token_opens_what_it_is_not_for(web: Web) -> None:
    missing = web.get("/nowhere").text
    for path, purposes in routes(web).items():
        for purpose in PURPOSES:
            if purpose in purposes:
                continue
            for method in ("GET", "POST"):
                answer = web.ask(
                    method, path.format(sealed(purpose, 1, 1)), "do=pause&do=leave", {"Content-Type": FORM}
                )
                assert answer.status in (404, 405), (path, purpose, method)
                assert answer.status == 405 or answer.text == missing


def test_forged_cut_old_and_strangers_tokens_are_one_page(web: Web) -> None:
    missing = web.get("/nowhere").text
    for path, purposes in routes(web).items():
        for purpose in purposes:
            who = 0 if purpose == "admin" else 1
            good = sealed(purpose, who, 1)
            bad = [good[:-1], good + "a", good[:10] + "a" + good[11:], "", "a" * 56, "é" * 28, "%00" * 10, "../" * 9]
            bad += [sealed(purpose, 1, 1, secret="another secret altogether"), sealed(purpose, 999, 1)]
            bad += [sealed(purpose, 1, 1, epoch=1)] if purpose in LIFETIMES else []
            for token in bad:
                if tokens.unseal(SECRET, token) == tokens.unseal(SECRET, good):
                    continue
                answer = web.get(path.format(quoted(token)))
                assert answer.status == 404, (path, purpose, token)
                assert answer.text == missing
    before = contents(web)
    web.clock.move(days=31)
    for purpose in ("manage", "letter", "confirm", "export", "delete", "address", "admin"):
        for path in ("/manage/{}", "/confirm/{}", "/admin/{}"):
            assert web.get(path.format(sealed(purpose, 1, 1))).status == 404  # type: ignore[arg-type]
    assert contents(web) == before


def quoted(token: str) -> str:
    from urllib.parse import quote

    return quote(token, safe="%/.")


def test_nothing_of_a_visitor_becomes_a_header_a_tag_or_a_redirect(web: Web) -> None:
    nasty = '"><script>alert(1)</script>\r\nSet-Cookie: a=b'
    for path in ("/?keywords=", "/preview?query=", "/?next=", "//evil.example/", "/archive/", "/e/", "/?invite="):
        answer = web.get(path + quoted(nasty.replace(" ", "%20").replace("\r", "%0D").replace("\n", "%0A")))
        assert "<script>alert" not in answer.text
        assert "set-cookie" not in answer.headers
        assert "location" not in answer.headers
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["referrer-policy"] == "no-referrer"
    answer = web.post("/subscribe", filled(web, keywords=nasty, email="eve@example.net\r\nBcc: mallory@example.net"))
    assert answer.status == 422
    assert "<script>alert" not in answer.text
    web.post("/subscribe", filled(web, keywords=nasty.replace('"', "")))
    for message in mails(web):
        assert "mallory" not in message.as_string()
        assert "alert(1)" not in message.as_string()
    for path in ("//evil.example/", "/archive//2026-11-20", "/u//x", "/archive/", "/manage", "/\\evil.example"):
        answer = web.ask("GET", path, headers={"Host": "evil.example"})
        assert "location" not in answer.headers, path
        assert answer.status in (200, 404)
    for header in ("Host", "X-Forwarded-Host"):
        assert "evil.example" not in web.ask("GET", "/", headers={header: "evil.example"}).text


def test_search_engines_find_what_is_for_everybody_and_nothing_else(web: Web) -> None:
    for path in ("/", "/archive", "/archive/2026-11-20"):
        assert "noindex" not in web.get(path).headers.get("x-robots-tag", ""), path
    for path in links(web):
        if path not in ("/", "/?keywords=attention") and not path.startswith("/archive"):
            headers = web.get(path).headers
            assert "noindex" in headers.get("x-robots-tag", "") or "public" in headers["cache-control"], path


def test_a_proxy_nobody_told_of_is_warned_of_once(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        web.get("/robots.txt", X_Forwarded_For="203.0.113.7")
    assert len([one for one in caplog.records if "proxies is 0" in one.getMessage()]) == 1


def test_too_much_is_refused_before_it_is_read(web: Web) -> None:
    for length in (65_537, 10**9, 10**18):
        with socket.create_connection(("127.0.0.1", web.port), timeout=10) as raw:
            raw.sendall(f"POST /subscribe HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\nabc".encode())
            assert raw.recv(4096).startswith(b"HTTP/1.1 413")
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as raw:
        raw.sendall(b"POST /subscribe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        answer = b""
        try:
            for _ in range(80):
                raw.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            answer = raw.recv(4096)
        except OSError:
            answer = answer or b"HTTP/1.1 413 (closed)"
        assert b" 413" in answer.split(b"\r\n")[0]
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000 + b"\r\n\r\n")
        assert raw.recv(4096).split(b" ")[1] == b"431"
    parts = (
        "".join(f'--b\r\nContent-Disposition: form-data; name="a{n}"\r\n\r\n1\r\n' for n in range(400)) + "--b--\r\n"
    )
    refused = web.ask("POST", "/subscribe", parts, {"Content-Type": "multipart/form-data; boundary=b"})
    assert refused.status == 413
    assert "Too much" in refused.words
    many = "&".join(f"a{number}=1" for number in range(5_000))
    assert web.ask("POST", "/subscribe", many, {"Content-Type": FORM}).status in (200, 413, 422)


def test_slow_visitors_hold_nobody_up_and_are_let_go(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "ARRIVE_WITHIN", 1.0)
    monkeypatch.setattr(http_server, "LOOK_EVERY", 1)
    server = create_server(create_app(web.site), host="127.0.0.1", port=0)
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            server.asyncore.loop(timeout=0.02, map=server._map, count=1, use_poll=True)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    slow = [socket.create_connection(("127.0.0.1", int(server.effective_port)), timeout=10) for _ in range(150)]
    try:
        for one in slow:
            one.sendall(b"POST /u/x HTTP/1.1\r\nHost: x\r\n")
        connection = http.client.HTTPConnection("127.0.0.1", int(server.effective_port), timeout=5)
        began = time.monotonic()
        connection.request("GET", "/robots.txt")
        assert connection.getresponse().status == 200
        connection.close()
        assert time.monotonic() - began < 2
        until = time.monotonic() + 10
        closed = 0
        while time.monotonic() < until and closed < len(slow):
            closed = sum(is_closed(one) for one in slow)
            time.sleep(0.2)
        assert closed == len(slow)
    finally:
        for one in slow:
            one.close()
        stop.set()
        thread.join(5)
        server.task_dispatcher.shutdown()
        server.asyncore.close_all(server._map)


def is_closed(raw: socket.socket) -> bool:
    """Drips one byte more, as such visitors do."""
    try:
        raw.sendall(b"x")
        raw.setblocking(False)
        return raw.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        raw.settimeout(10)
