"""Quoted-printable, in the one spelling mail servers leave alone. Cards that many letters share are encoded once.

The output holds no two blanks in a row, no tab, no blank at the end of a line, so it is its own DKIM "relaxed" form
(RFC 6376 3.4.4); no line that begins with a dot or with "From ", which relays and mailboxes would change.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from bot.core.letter.letter import PersonalText

LINE = 72  # an escaped first letter and the "=" of a soft break still fit into the 76 of RFC 2045
PLAIN = bytes([ord("\n"), *range(ord(" "), ord("~") + 1)])
ESCAPED = [(bytes([byte]), b"=%02X" % byte) for byte in range(256)]
BLANKS = re.compile(rb"  +")
FIRST = re.compile(rb"^(?:\.|F(?=rom ))", re.MULTILINE)


def body(chunks: Sequence[str]) -> bytes:
    """A part of a letter, each chunk encoded as by `quoted`: what many letters share is remembered, `PersonalText` is
    encoded in one go, because no line depends on another."""
    own = [chunk for chunk in chunks if isinstance(chunk, PersonalText)]
    together = all(chunk.endswith("\n") and "\0" not in chunk for chunk in own)
    encoded = iter(_encoded("\0\n".join(own)).split(b"=00\r\n") if together else map(_encoded, own))
    return b"".join([next(encoded) if isinstance(chunk, PersonalText) else quoted(chunk) for chunk in chunks])


@lru_cache(maxsize=16_384)
def quoted(chunk: str) -> bytes:
    """A piece of text that ends in a line feed, encoded, with CRLF line ends. One that ends in anything else ends in a
    soft break, so that the next piece goes on in the same line."""
    return _encoded(chunk)


def _encoded(chunk: str) -> bytes:
    text = chunk.replace("\r\n", "\n").encode("utf-8", "replace")
    safe = text.replace(b"=", b"=3D")
    for odd in set(text.translate(None, PLAIN)):  # a byte, wherever it stands: quicker than looking at each place
        safe = safe.replace(ESCAPED[odd][0], ESCAPED[odd][1])
    if b"  " in safe:
        safe = BLANKS.sub(lambda blanks: b" " + b"=20" * (len(blanks[0]) - 1), safe)
    safe = safe.replace(b" \n", b"=20\n")
    if safe.endswith(b" "):
        safe = safe[:-1] + b"=20"
    safe = b"\n".join([line if len(line) <= LINE else _broken(line) for line in safe.split(b"\n")])
    if safe and not safe.endswith(b"\n"):
        safe += b"=\n"
    if b"\n." in safe or b"\nF" in safe or safe.startswith((b".", b"F")):
        safe = FIRST.sub(lambda first: ESCAPED[ord(first[0])][1], safe)
    return safe.replace(b"\n", b"\r\n")


def _broken(line: bytes) -> bytes:
    pieces, start = [], 0
    while len(line) - start > LINE:
        end = start + LINE
        escape = line.rfind(b"=", end - 2, end)  # never within an escape
        end = escape if escape >= 0 else end
        pieces.append(line[start:end])
        start = end
    pieces.append(line[start:])
    return b"=\n".join(pieces)
