"""Text from outside made harmless: bytes to text, markup to text, one line, one safe address.

Nothing here knows about papers; what a field means is for the sources to say."""

import codecs
import re
import unicodedata
from datetime import date
from functools import lru_cache
from itertools import groupby
from typing import Literal
from urllib.parse import urljoin, urlsplit

MAX_LINE = 20_000  # characters; an abstract has 2,000, an author list of 3,000 names 50,000 but comes name by name
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = re.compile(f"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\u200b\ufff9-\uffff{_BIDI}\ud800-\udfff]")
_SPACE = re.compile(r"\s+")
_PILE = re.compile("[\\W\uff9e\uff9f]{32,}")  # accents are in here, and the two letters that NFKC makes accents of
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNMARKED = (  # the zeros tell, without a mark
    (rb"\0\0\0[^\0]", "utf-32-be"),
    (rb"[^\0]\0\0\0", "utf-32-le"),
    (rb"\0[^\0]", "utf-16-be"),
    (rb"[^\0]\0", "utf-16-le"),
)
_EBCDIC = "<?xml".encode("cp037")
_DECLARED = re.compile(
    rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})["']|<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]{2,40})""",
    re.IGNORECASE,
)
_HAS_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_OF_ADDRESS = re.compile(r"[^\s<>\"\\^`{|}]+")
_HEADER = re.compile(r"""charset\s*=\s*["']?([\w.:-]{2,40})""", re.IGNORECASE)


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("paperlark-1252", _as_windows_1252)


def decode(body: bytes, content_type: str = "") -> str:
    """Bytes of a text, XML, HTML or JSON document as text; never raises.

    A byte-order mark decides; else valid UTF-8 is UTF-8 whatever is declared (a wrong prolog is common, valid UTF-8 by
    accident is not); else what the header or the document declares; else UTF-8 with stray Windows-1252 bytes.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body.decode(name, "replace").lstrip("\ufeff")
    for start, name in _UNMARKED:
        if re.match(start, body, re.DOTALL):
            return body.decode(name, "replace")
    if body.startswith(_EBCDIC):
        body = body.decode(
            _declared(body[:400].decode("cp037").encode("ascii", "replace"), "", "cp037")[0], "replace"
        ).encode()
    escapes = b"\x1b$" in body or b"\x1b(" in body  # ISO-2022 is plain ASCII to look at
    if not escapes:
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            pass
    for name in _declared(body, content_type):
        if not name.startswith(("utf", "ascii", "idna", "punycode", "unicode", "raw")):
            # web practice: what says Latin-1 is Windows-1252
            return body.decode("cp1252" if name == "iso8859-1" else name, "replace")
    return body.decode("utf-8", "paperlark-1252")


def _declared(body: bytes, content_type: str, *more: str) -> list[str]:
    """Names of text encodings Python has, as the header, then the document, then the caller say."""
    names = []
    if header := _HEADER.search(content_type):
        names.append(header[1])
    if prolog := _DECLARED.search(body[:2048]):
        names.append((prolog[1] or prolog[2]).decode("ascii"))
    found = []
    for name in (*names, *more):
        try:
            b"a".decode(codecs.lookup(name).name)  # refuses "base64" and the like
        except (LookupError, ValueError):
            continue
        found.append(codecs.lookup(name).name)
    return found


def line(text: object, limit: int = MAX_LINE) -> str:
    """Any value as one line of text: no control or direction characters, single blanks, at most `limit` characters.
    What is not a string is "" (numbers excepted: a title may be 1984)."""
    if isinstance(text, bool) or not isinstance(text, (str, int, float)):
        return ""
    whole = str(text)[: 4 * limit]
    if whole.isascii() and whole.isprintable() and "  " not in whole:  # most text is, and long abstracts cost most
        return shortened(whole.strip(), limit)
    whole = _SPACE.sub(" ", _INVISIBLE.sub("", whole)).strip()
    if not whole.isascii():
        whole = composed("NFC", whole)
    return shortened(whole, limit)


def composed(form: Literal["NFC", "NFKC"], text: str) -> str:
    """`unicodedata.normalize`, in a time linear in the text.

    That one sorts the accents on a letter by insertion: a page of nothing else takes it minutes. Here they come sorted.
    """
    if len(text) >= 32:
        text = _PILE.sub(lambda pile: _in_order(form, pile[0]), text)
    return unicodedata.normalize(form, text)


def _in_order(form: Literal["NFC", "NFKC"], pile: str) -> str:
    """Decomposed, with the accents in the order of their class that Unicode calls canonical."""
    apart = unicodedata.normalize  # character by character there is nothing to sort
    parts = "".join([apart("NFD" if form == "NFC" else "NFKD", c) for c in pile])
    classes = groupby(parts, lambda c: unicodedata.combining(c) > 0)
    return "".join("".join(sorted(run, key=unicodedata.combining) if accents else run) for accents, run in classes)


def harmless(text: str) -> str:
    """The text as it stands, without control and direction characters."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return _INVISIBLE.sub("", text)


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters, cut between words and marked with an ellipsis."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    blank = limit - 1 if text[limit - 1] == " " else head.rfind(" ")
    return (head[:blank].rstrip() if blank > limit // 2 else head) + "…"


def web_address(text: object, base: str = "") -> str:
    """An http(s) address, absolute, or "": nothing else (javascript:, data:, file:) may become a link in a letter."""
    if isinstance(text, str) and ("\n" in text or "\r" in text or "\t" in text):
        # Browsers drop a line break in an address (https://url.spec.whatwg.org/#url-parsing); two lines may be two.
        lines = [part for row in text[:8_000].splitlines() if (part := row.replace("\t", "").strip())]
        text = lines[0] if any("://" in other for other in lines[1:]) else "".join(lines)
    address = line(text, 2_000).replace(" ", "%20")
    return _web_address(address, base) if address else ""


@lru_cache(maxsize=1024)  # one link is asked about several times while its entry is read
def _web_address(address: str, base: str) -> str:
    try:
        if base and not _HAS_SCHEME.match(address):
            address = urljoin(base, address)
        parts = urlsplit(address)
        if parts.scheme.lower() not in {"http", "https"} or not parts.hostname or parts.username is not None:
            return ""
        _ = parts.port  # raises on nonsense
    except ValueError:
        return ""
    return address if _OF_ADDRESS.fullmatch(address) else ""


def iso_day(text: object) -> date | None:
    """The day an ISO 8601 day or moment states, in its own time zone; None for anything else."""
    if not isinstance(text, str) or not (found := re.match(r"\s*(\d{4}-\d{2}-\d{2})(?!\d)", text)):
        return None
    try:
        return date.fromisoformat(found[1])
    except ValueError:
        return None
