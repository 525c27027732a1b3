"""Locations told apart (URL or file), URLs checked before anything is sent, and redirects judged.
Only names are judged here; the addresses they resolve to are judged in `ssrf`."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

import httpx

from bot.core.source.redact import one_line, redacted
from bot.errors import SourceError
from bot.fetch.errors import Refused

_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+):")
_HOST = re.compile(rb"[a-zA-Z0-9._-]{1,255}|[0-9a-fA-F:.]{2,50}")  # a name as the DNS has it, or an address
_NOT_FILES = ("file", "data", "javascript", "mailto", "feed", "blob", "about", "view-source")


@dataclass(frozen=True, slots=True)
class WebAddress:
    """A checked http(s) URL without login and fragment. Equal when the URLs are."""

    url: str
    host: str
    scheme: str
    port: int | None
    login: str = field(default="", repr=False, compare=False)  # user:password

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port or (443 if self.scheme == "https" else 80)

    @property
    def same_owner(self) -> tuple[tuple[str, str, int], ...]:
        """The origins that may have our secrets: this one, and its own move from plain http to https."""
        upgraded = (("https", self.host, 443),) if self.origin[::2] == ("http", 80) else ()
        return (self.origin, *upgraded)


def is_url(location: str) -> bool:
    """Whether a location is to be fetched (else it is a file). Raises SourceError for schemes we do not speak."""
    found = _SCHEME.match(location.strip())
    if not found:
        return False
    scheme = found[1].lower()
    if scheme in ("http", "https"):
        return True
    if scheme in _NOT_FILES or location.strip()[found.end() :].startswith("//"):
        raise SourceError(f"{scheme}: is not fetched: give an http or https URL, or a file name without a scheme")
    return False


def is_host(raw_host: bytes) -> bool:
    """Whether the host of a URL can be one; the URL library lets more through."""
    return bool(_HOST.fullmatch(raw_host))


def parse_web_address(location: str) -> WebAddress:
    """A location that `is_url` said yes to. Raises SourceError for one that cannot be read."""
    try:
        return _address(httpx.URL(location.strip()))
    except (httpx.InvalidURL, ValueError) as error:
        raise SourceError(
            f"{redacted(location)} is not a URL we can read ({one_line(str(error), 80)}): check it"
        ) from None


def redirect_target(here: WebAddress, location: str) -> WebAddress:
    """Where a redirect leads. Raises Refused for one that leads nowhere, out of the web, or from https down to http."""
    if not location:
        raise Refused(f"{here.host}: redirects without saying where: check the address")
    try:
        there = httpx.URL(here.url).join(location)
        if there.scheme not in ("http", "https"):
            raise Refused(f"{here.host}: redirects to {one_line(there.scheme, 20)}:, which is not fetched")
        target = _address(there)
    except (httpx.InvalidURL, ValueError):
        raise Refused(
            f"{here.host}: redirects to an address that cannot be read: check this source's address"
        ) from None
    if here.scheme == "https" and target.scheme == "http":
        raise Refused(f"{here.host}: redirects from https down to http ({redacted(target.url)}), not followed")
    return target


def _address(url: httpx.URL) -> WebAddress:
    if not is_host(url.raw_host):
        raise ValueError("no host" if not url.raw_host else "no such host")
    port = url.port
    if port is not None and not 0 < port < 65536:
        raise ValueError("no such port")
    login = unquote(url.userinfo.decode("ascii", "replace")) if url.userinfo else ""
    bare = url.copy_with(userinfo=b"", fragment=None)
    return WebAddress(str(bare), url.host, url.scheme, port, login)
