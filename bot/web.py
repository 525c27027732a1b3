"""The web process: leaving by a link (RFC 8058), health and metrics. A WSGI application; everything else is mail's.

GET never changes anything: scanners open links. POST acts at once, without cookies, login or redirect, whatever its
body says, and answers the same for somebody who has left already.
"""

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from html import escape
from typing import Any, NamedTuple

Leave = Callable[[str, datetime], str | None]  # (token, now) -> what ended ("mail", "alerts"), None: no token of ours
Look = Callable[[str], str | None]  # the same, without doing it
Health = Callable[[], dict[str, Any]]
Metrics = Callable[[], dict[str, int]]  # the accounts

TOKEN = re.compile(r"/u/([A-Za-z2-7]{20,100})/?")
MOST_BODY = 65_536
PAGE = """<!DOCTYPE html>
<html lang="en" dir="ltr">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 18px/1.5 sans-serif; max-width: 34em; margin: 4em auto; padding: 0 1em }}
button {{ font: inherit; padding: .5em 1.2em }}
</style></head>
<body><h1>{title}</h1>
{body}
</body></html>
"""


class Answer(NamedTuple):
    """One reply."""

    status: str
    body: str
    kind: str = "text/html; charset=utf-8"


class Web:
    """The application. Thread-safe as far as the functions it is given are."""

    def __init__(
        self, leave: Leave, look: Look, health: Health, metrics: Metrics, clock: Callable[[], datetime]
    ) -> None:
        self._leave = leave
        self._look = look
        self._health = health
        self._metrics = metrics
        self._clock = clock

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        method = environ.get("REQUEST_METHOD", "GET")
        answer = self._answer(method, str(environ.get("PATH_INFO", "")), environ)
        body = answer.body.encode()
        headers = [
            ("Content-Type", answer.kind),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"),
        ]
        start_response(answer.status, headers)
        return [] if method == "HEAD" else [body]

    def _answer(self, method: str, path: str, environ: dict[str, Any]) -> Answer:
        if method not in ("GET", "HEAD", "POST"):
            return _page("405 Method Not Allowed", "Not possible", "This address can only be opened.")
        if path == "/health" and method != "POST":
            state = self._health()
            return Answer(
                "200 OK" if state.get("ok") else "503 Service Unavailable", json.dumps(state), "application/json"
            )
        if path == "/metrics" and method != "POST":
            return Answer("200 OK", _exposed(self._metrics()), "text/plain; version=0.0.4; charset=utf-8")
        match = TOKEN.fullmatch(path)
        if not match:
            return _page("404 Not Found", "Nothing here", "This is Paperlark, which lives in your inbox.")
        if method == "POST":
            _drain(environ)
            what = self._leave(match[1].lower(), self._clock())
            if what is not None:
                return _page("200 OK", "Done", f"You will get no more {escape(what)}.")
        else:
            what = self._look(match[1].lower())
            if what is not None:
                form = '<form method="post"><button type="submit">Yes, no more</button></form>'
                return _page("200 OK", f"No more {escape(what)}?", form, is_html=True)
        return _page(
            "404 Not Found",
            "Not a link of ours",
            "It may have been cut off. Any mail to the address in the letter's footer works, too.",
        )


def _exposed(accounts: dict[str, int]) -> str:
    """The accounts as Prometheus reads them. The gap must be 0: what was matched and is not accounted for."""
    gap = 2 * accounts["matched"] - sum(accounts.values())
    lines = [f'paperlark_matches{{fate="{fate}"}} {number}' for fate, number in accounts.items()]
    head = "# HELP paperlark_matches Matches of subscribers and papers by fate.\n# TYPE paperlark_matches gauge"
    return "\n".join([head, *lines, "# TYPE paperlark_unaccounted gauge", f"paperlark_unaccounted {gap}", ""])


def _page(status: str, title: str, body: str, *, is_html: bool = False) -> Answer:
    return Answer(status, PAGE.format(title=title, body=body if is_html else f"<p>{body}</p>"))


def _drain(environ: dict[str, Any]) -> None:
    """Read the body, which may be of any form (urlencoded, multipart) and says nothing we need."""
    try:
        length = min(int(environ.get("CONTENT_LENGTH") or 0), MOST_BODY)
    except ValueError:
        return
    if length > 0:
        environ["wsgi.input"].read(length)
