"""Errors in human words, and addresses fit to be shown: no password, no key, no control character.
Who reacts to an error is `bot.errors`; this module only finds the words."""

import errno
import json
import re
import socket
import ssl
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import httpcore

_SECRET = re.compile(r"key|token|secret|pass|pwd|auth|sig|session|credential", re.IGNORECASE)
_ADVICE = {
    400: "the request makes no sense to it: check this source's settings",
    401: "it wants a login: write https://USER:PASSWORD@HOST/... or check the one you gave",
    403: "it refuses us: open the address in a browser, and set a contact address if you have not",
    404: "there is no such page: check the address",
    406: "it has no such document in a form we read: check the address",
    407: "the proxy wants a login: write it into HTTPS_PROXY",
    410: "taken down for good: remove this source or give its new address",
    429: "too many requests from this network",
    451: "blocked for legal reasons where this machine stands",
}


class Trouble(Exception):
    """Why one request failed, without the host's name. Stays inside `bot.fetch`, which makes a SourceError of it.

    `again` says that the same request may well succeed in a moment; `absent` that the address itself leads nowhere.
    """

    def __init__(self, words: str, *, again: bool = False, absent: bool = False) -> None:
        self.again = again
        self.absent = absent
        super().__init__(words)


def redacted(url: str) -> str:
    """A URL as it may be shown: user and password, and the values of query keys that sound secret, become ***."""
    try:
        parts = urlsplit(url)
        netloc = "***@" + parts.netloc.rpartition("@")[2] if "@" in parts.netloc else parts.netloc
        pairs = parts.query.split("&")
        names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
        if any(_SECRET.search(name) for name in names):
            pairs = [f"{p.partition('=')[0]}=***" if _SECRET.search(p.partition("=")[0]) else p for p in pairs]
        return plain(urlunsplit((parts.scheme, netloc, parts.path, "&".join(pairs), "")), 300)
    except ValueError:
        return "(an address that cannot be read)"


def plain(text: str, longest: int = 160) -> str:
    """One printable line of at most `longest` characters: what a stranger wrote, safe for a terminal or a log."""
    kept = "".join(" " if char.isspace() else char for char in text if char.isspace() or char.isprintable())
    kept = " ".join("".join(c for c in kept if unicodedata.bidirectional(c) not in _BIDI).split())
    return kept if len(kept) <= longest else kept[: longest - 1] + "…"


_BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def size(count: int) -> str:
    """`20 MiB`, `64 KiB`, `300 bytes`."""
    for unit, name in ((1024 * 1024, "MiB"), (1024, "KiB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count} bytes"


def moment(when: datetime) -> str:
    """`2026-11-21 14:05 UTC`."""
    return f"{when:%Y-%m-%d %H:%M} UTC"


def answered(status: int, said: str = "") -> str:
    """`answered 404 Not Found: there is no such page: check the address`, with what the server itself said."""
    try:
        name = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        name = str(status)
    advice = _ADVICE.get(status) or ("the trouble is on its side: later" if status >= 500 else "check the address")
    return f"answered {name}: {advice}" + (f" (it says: {said})" if said else "")


def said(body: bytes, content_type: str) -> str:
    """The reason a server gives in the body of an error: JSON's `error`, a page's or a feed's title, a line of text."""
    text = body.decode("utf-8", "replace").strip()
    if text.startswith("{"):
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            return ""
        found = next((told[key] for key in ("error", "message", "detail") if isinstance(told.get(key), str)), "")
        return plain(found)
    if title := re.search(r"<title[^<>]{0,200}>([^<]{1,300})</", text, re.IGNORECASE):
        return plain(title[1])
    return plain(text) if content_type.startswith("text/plain") else ""


def explained(error: Exception) -> Trouble:
    """The Trouble behind an exception of httpcore or the socket."""
    if isinstance(error, httpcore.ProxyError):
        return Trouble(f"the proxy would not connect us ({plain(str(error))}): check HTTPS_PROXY and NO_PROXY")
    for cause in _causes(error):
        if isinstance(cause, Trouble):
            return cause
        if isinstance(cause, socket.gaierror):
            return unresolved(cause)
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Trouble(f"TLS certificate not valid: {plain(cause.verify_message)}; it is never accepted unchecked")
        if isinstance(cause, ssl.SSLError):
            return Trouble(f"TLS failed ({plain(cause.reason or 'no reason given')}): does this address speak https?")
        if isinstance(cause, ConnectionRefusedError):
            return Trouble("connection refused: is the server running, and the port right?", again=True, absent=True)
        if isinstance(cause, OSError) and cause.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN):
            return Trouble("cannot be reached from here: is the network up?", again=True, absent=True)
        if isinstance(cause, ConnectionError):
            return Trouble("connection broken off by the other side", again=True)
    if isinstance(error, httpcore.ConnectTimeout):
        return Trouble("timed out while connecting: is the network up, or the host down?", absent=True)
    if isinstance(error, httpcore.TimeoutException):
        return Trouble("timed out: the connection stands, but nothing comes: later")
    if isinstance(error, httpcore.RemoteProtocolError):
        if "complete message body" in str(error):
            return Trouble("document cut short: the connection ended before all of it was here", again=True)
        if "without sending a response" in str(error):
            return Trouble("connection closed without an answer", again=True)
        return Trouble(f"did not speak proper HTTP ({plain(str(error), 80)})", again=True)
    if isinstance(error, (httpcore.LocalProtocolError, UnicodeError)):
        return Trouble(
            f"the request could not be written ({plain(str(error), 80)}): check this source's headers and address"
        )
    return Trouble(f"connection failed ({plain(str(error), 80) or type(error).__name__})", again=True)


def unresolved(error: socket.gaierror) -> Trouble:
    return Trouble(
        "the name could not be resolved: check the spelling, the network and the DNS",
        again=error.errno == socket.EAI_AGAIN,
        absent=True,
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
