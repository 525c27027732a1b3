"""The body of an answer: decompressed by ourselves, a bounded piece at a time, so that no bomb goes off.
What is in it belongs to the sources."""

import itertools
import zlib
from collections.abc import Iterable, Iterator

from bot.core.source.redact import one_line
from bot.fetch.errors import Interrupted, Refused, Unanswered, in_bytes

ACCEPTED = "gzip, deflate"
_PIECE = 256 * 1024
_DEEPEST = 2
_GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, 2.3.1


def read_body(chunks: Iterable[bytes], content_encoding: str, limit: int) -> bytes:
    """The decoded body. Raises FetchError for more than `limit` bytes, an unknown encoding or a damaged one.

    Servers lie about encodings, and browsers forgive them: a body that is plainly text is taken as it is, whatever its
    label says; one that is plainly gzip is unpacked, though nothing says so.
    """
    encodings = [name.strip().lower() for name in content_encoding.split(",")]
    encodings = [name for name in encodings if name not in ("", "identity")]
    if len(encodings) > _DEEPEST:
        raise Refused(f"answer compressed {len(encodings)} times over, given up")
    for encoding in reversed(encodings):
        head, chunks = _peek(chunks)
        if encoding in ("gzip", "x-gzip"):
            if head.startswith(_GZIP_MAGIC) or not _is_text(head):
                chunks = _inflated(chunks, gzip=True)
        elif encoding == "deflate":
            chunks = _inflated(chunks, gzip=False)
        elif not _is_text(head) and not head.startswith(_GZIP_MAGIC):
            raise Unanswered(f"answer in an encoding we did not ask for ({one_line(encoding, 40)})")
    head, chunks = _peek(chunks)
    if head.startswith(_GZIP_MAGIC):
        chunks = _inflated(chunks, gzip=True)
    body = bytearray()
    try:
        for chunk in chunks:
            body += chunk
            if len(body) > limit:
                raise Refused(f"document larger than {in_bytes(limit)}, given up")
    except zlib.error:
        raise Interrupted("compressed answer is damaged") from None
    return bytes(body)


def _peek(chunks: Iterable[bytes]) -> tuple[bytes, Iterable[bytes]]:
    """The first bytes (some, if there are any), and all of it."""
    rest = iter(chunks)
    head = b""
    try:
        while len(head) < 4 and (chunk := next(rest, None)) is not None:
            head += chunk
    except zlib.error:
        raise Interrupted("compressed answer is damaged") from None
    return head, itertools.chain((head,), rest)


def _is_text(head: bytes) -> bool:
    """Whether a body begins as the documents we ask for do: with markup or JSON, after blanks and a byte order mark."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"<", b"{", b"[")


def _inflated(chunks: Iterable[bytes], *, gzip: bool) -> Iterator[bytes]:
    """Pieces of at most `_PIECE` bytes. Takes gzip of several members, and deflate with or without the zlib header,
    which servers never agreed on; junk after the end is left alone."""
    inflater = None
    head = b""
    for chunk in chunks:
        if inflater is None:
            head += chunk
            if len(head) < 2:
                continue
            chunk, head = head, b""
            inflater = _inflater(chunk, gzip=gzip)
        while chunk:
            if inflater.eof:
                if not (gzip and chunk.startswith(b"\x1f")):
                    return
                inflater = _inflater(chunk, gzip=True)
            yield inflater.decompress(chunk, _PIECE)
            chunk = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
    if inflater is not None:
        yield inflater.flush()
        if not inflater.eof:
            raise Interrupted("compressed answer ended early")
    elif head:
        raise Interrupted("compressed answer ended early")


def _inflater(start: bytes, *, gzip: bool) -> "zlib._Decompress":
    if gzip:
        return zlib.decompressobj(16 + zlib.MAX_WBITS)
    with_header = start[0] & 0x0F == 8 and int.from_bytes(start[:2], "big") % 31 == 0  # RFC 1950, 2.2
    return zlib.decompressobj(zlib.MAX_WBITS if with_header else -zlib.MAX_WBITS)
