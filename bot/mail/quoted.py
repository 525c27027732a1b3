"""Quoted-printable, in the one spelling mail servers leave alone. Cards that many letters share are encoded once.

The output holds no two blanks in a row, no tab, no blank at the end of a line, so it is its own DKIM "relaxed" form
(RFC 6376 3.4.4); no line that begins with a dot or with "From ", which relays and mailboxes would change.
"""

import re
from functools import lru_cache

LINE = 72  # an escaped first letter and the "=" of a soft break still fit into the 76 of RFC 2045
SPECIAL = re.compile(rb"[^\n -<>-~]+|(?<= ) | (?=\n|\Z)")
FIRST = re.compile(rb"^(?:\.|F(?=rom ))", re.MULTILINE)
LONG = re.compile(rb"[^\n]{%d,}" % (LINE + 1))


@lru_cache(maxsize=16_384)
def quoted(chunk: str) -> bytes:
    """A piece of text that ends in a line feed, encoded, with CRLF line ends. One that ends in anything else ends in a
    soft break, so that the next piece goes on in the same line."""
    text = chunk.replace("\r\n", "\n").encode("utf-8", "replace")
    safe = LONG.sub(_broken, SPECIAL.sub(_escaped, text))
    if safe and not safe.endswith(b"\n"):
        safe += b"=\n"
    return FIRST.sub(_escaped, safe).replace(b"\n", b"\r\n")


def _escaped(match: re.Match[bytes]) -> bytes:
    return b"=" + match[0].hex("=").upper().encode()


def _broken(match: re.Match[bytes]) -> bytes:
    line, pieces, start = match[0], [], 0
    while len(line) - start > LINE:
        end = start + LINE
        escape = line.rfind(b"=", end - 2, end)  # never within an escape
        end = escape if escape >= 0 else end
        pieces.append(line[start:end])
        start = end
    pieces.append(line[start:])
    return b"=\n".join(pieces)
