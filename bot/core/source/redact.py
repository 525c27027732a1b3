"""The addresses of sources: which can be asked for, and how they may be shown.

They may hold a user and a password, or a key in the query. So wherever an address of a source is printed, logged or
kept for people to see, it goes through `redacted`."""

import re
import unicodedata
from urllib.parse import unquote_plus, urlsplit, urlunsplit

# Parameter names are judged by their words ("apiKey", "x-amz-signature"), so that "author" and "keyword" stay readable.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRET_WORDS = frozenset(
    {
        *("key", "apikey", "token", "secret", "password", "passwd", "pass", "pwd", "auth", "authorization"),
        *(
            "signature",
            "sig",
            "session",
            "sessionid",
            "sid",
            "credential",
            "credentials",
            "jwt",
            "bearer",
            "hash",
            "hmac",
        ),
    }
)
_SECRET_ENDINGS = ("key", "token", "secret", "password", "passwd", "signature", "credential")
_NOT_SECRET = frozenset({"monkey", "turkey", "donkey", "hockey", "jockey", "whiskey", "keyword", "keywords"})
_DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
_UNFIT = re.compile(r"[\s<>\"\\^`{|}\x00-\x1f]")


def require_address(name: str, url: str) -> None:
    """Raises ValueError, which names the setting, for what is no http(s) address. A login in it is welcome."""
    try:
        parts = urlsplit(url.strip())
        _ = parts.port  # raises on nonsense
        if parts.scheme.lower() in ("http", "https") and parts.hostname and not _UNFIT.search(url.strip()):
            return
    except ValueError:
        pass
    raise ValueError(f"{name} is {redacted(url)!r}: give an http(s) address")


def redacted(url: str) -> str:
    """A URL as it may be shown: user and password, and the values of query keys that sound secret, become ***; the
    fragment is left out."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where a password with a slash in it was taken for one
        netloc = "***@" + parts.netloc.rpartition("@")[2] if "@" in parts.netloc else parts.netloc
        pairs = [_pair(pair) for pair in parts.query.split("&")]
        return one_line(urlunsplit((parts.scheme, netloc, parts.path, "&".join(pairs), "")), 300)
    except ValueError:
        return "(an address that cannot be read)"


def one_line(text: str, longest: int = 160) -> str:
    """One printable line of at most `longest` characters: what a stranger wrote, safe for a terminal or a log."""
    kept = "".join(" " if char.isspace() else char for char in text if char.isspace() or char.isprintable())
    kept = " ".join("".join(char for char in kept if unicodedata.bidirectional(char) not in _DIRECTIONS).split())
    return kept if len(kept) <= longest else kept[: longest - 1] + "…"


def _pair(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    return f"{name}=***" if equals and _sounds_secret(unquote_plus(name)) else pair


def _sounds_secret(name: str) -> bool:
    words = [word.lower() for word in _WORD.findall(name)]
    if any(word in _SECRET_WORDS or (word.endswith(_SECRET_ENDINGS) and word not in _NOT_SECRET) for word in words):
        return True
    return any("".join(words[at : at + 2]) in _SECRET_WORDS for at in range(len(words)))
