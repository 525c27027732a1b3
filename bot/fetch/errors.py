"""What can go wrong with one request, and in which words it is told.

    SourceError (bot.errors)       what leaves this package: one line with the host's name
    FetchError                     why one request failed; `Fetcher` makes a SourceError of it
     ├ Refused                     we will not: the address, a redirect, a size or a time limit says no
     ├ Unreachable                 no connection came about: the address may lead nowhere
     │  └ UnreachableForNow          ... and may well answer in a moment
     ├ Unsent                      nothing of it left: it cannot be written, a certificate is not good, a proxy says no
     ├ Declined                    the server's no (4xx)
     │  └ NotFound                   404: the address leads nowhere
     ├ Interrupted                 broken off or damaged: may well succeed in a moment
     │  └ ServerFailed               the server stumbled (5xx)
     └ Unanswered                  silence, or an answer that is none

Two questions are asked of an error: is it worth another try at once (`retryable`), and does the address itself lead
nowhere (`leads_nowhere`), so that a remembered redirect to it should be forgotten.
"""

import errno
import json
import re
import socket
import ssl
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus

import httpcore

from bot.core.source.redact import one_line

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


class FetchError(Exception):
    """Why one request failed, in words without the host's name. Never leaves `bot.fetch`."""

    retryable = False
    leads_nowhere = False


class Refused(FetchError):
    """Something we will not do, or not go on with: a forbidden address or redirect, a document or a time too long."""


class Unreachable(FetchError):
    """No connection came about."""

    leads_nowhere = True


class UnreachableForNow(Unreachable):
    """No connection came about, of a kind that often passes."""

    retryable = True


class Unsent(FetchError):
    """Nothing of the request has left: it cannot be written, or no trustworthy connection came about."""


class Declined(FetchError):
    """The server answered with a refusal."""


class NotFound(Declined):
    """The server knows no such page."""

    leads_nowhere = True


class Interrupted(FetchError):
    """The answer broke off or came damaged."""

    retryable = True


class ServerFailed(Interrupted):
    """The server stumbled over the request and said so (5xx)."""


class Unanswered(FetchError):
    """The server did not answer, or not properly."""


def in_bytes(count: int) -> str:
    """`20 MiB`, `64 KiB`, `300 bytes`."""
    for unit, name in ((1024 * 1024, "MiB"), (1024, "KiB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count} bytes"


def utc_minute(when: datetime) -> str:
    """`2026-11-21 14:05 UTC`."""
    return f"{when:%Y-%m-%d %H:%M} UTC"


def status_words(status: int, said: str = "") -> str:
    """`answered 404 Not Found: there is no such page: check the address`, with what the server itself said."""
    try:
        name = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        name = str(status)
    advice = _ADVICE.get(status) or ("the trouble is on its side: later" if status >= 500 else "check the address")
    return f"answered {name}: {advice}" + (f" (it says: {said})" if said else "")


def server_words(body: bytes, content_type: str) -> str:
    """The reason a server gives in the body of an error: JSON's `error`, a page's or a feed's title, a line of text."""
    text = body.decode("utf-8", "replace").strip()
    if text.startswith("{"):
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            return ""
        if isinstance(told.get("error"), dict):  # as OpenAI's API and those like it
            told = told["error"]
        found = next((told[key] for key in ("error", "message", "detail") if isinstance(told.get(key), str)), "")
        return one_line(found)
    if title := re.search(r"<title[^<>]{0,200}>([^<]{1,300})</", text, re.IGNORECASE):
        return one_line(title[1])
    return one_line(text) if content_type.startswith("text/plain") else ""


def from_transport(error: Exception) -> FetchError:
    """The FetchError behind an exception of httpcore or the socket."""
    if isinstance(error, httpcore.ProxyError):
        return Unsent(f"the proxy would not connect us ({one_line(str(error))}): check HTTPS_PROXY and NO_PROXY")
    for cause in _causes(error):
        if (found := _of_connection(cause)) is not None:
            return found
    return _of_conversation(error)


def _of_connection(cause: BaseException) -> FetchError | None:
    """What kept a connection from coming about, or broke it: names, TLS, the network."""
    if isinstance(cause, FetchError):
        return cause
    if isinstance(cause, socket.gaierror):
        return unresolved(cause)
    if isinstance(cause, ssl.SSLCertVerificationError):
        words = f"TLS certificate not valid: {one_line(cause.verify_message)}; it is never accepted unchecked"
        return Unsent(words)
    if isinstance(cause, ssl.SSLError):
        reason = one_line(cause.reason or "no reason given")
        return Unanswered(f"TLS failed ({reason}): does this address speak https?")
    if isinstance(cause, ConnectionRefusedError):
        return UnreachableForNow("connection refused: is the server running, and the port right?")
    if isinstance(cause, OSError) and cause.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN):
        return UnreachableForNow("cannot be reached from here: is the network up?")
    if isinstance(cause, ConnectionError):
        return Interrupted("connection broken off by the other side")
    return None


def _of_conversation(error: Exception) -> FetchError:
    """What went wrong over a connection that stands: time, or what was said."""
    if isinstance(error, httpcore.ConnectTimeout):
        return Unreachable("timed out while connecting: is the network up, or the host down?")
    if isinstance(error, httpcore.TimeoutException):
        return Unanswered("timed out: the connection stands, but nothing comes: later")
    if isinstance(error, httpcore.RemoteProtocolError):
        if "complete message body" in str(error):
            return Interrupted("document cut short: the connection ended before all of it was here")
        if "without sending a response" in str(error):
            return Interrupted("connection closed without an answer")
        return Interrupted(f"did not speak proper HTTP ({one_line(str(error), 80)})")
    if isinstance(error, (httpcore.LocalProtocolError, UnicodeError)):
        return Unsent(
            f"the request could not be written ({one_line(str(error), 80)}): check this source's headers and address"
        )
    return Interrupted(f"connection failed ({one_line(str(error), 80) or type(error).__name__})")


def unresolved(error: socket.gaierror) -> FetchError:
    words = "the name could not be resolved: check the spelling, the network and the DNS"
    return UnreachableForNow(words) if error.errno == socket.EAI_AGAIN else Unreachable(words)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
