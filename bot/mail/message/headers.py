"""One header field at a time, so that nothing said in it can become another one. Lines end in CRLF.

Our own because the standard library's writer, on the Python versions we support, turns `=?UTF-8?Q?=0A?=Bcc: x@y` in a
subject into a real second field, and wraps a long List-Unsubscribe in encoded-words that no client undoes.
"""

import base64
import re

from bot.mail.message.mailbox import Mailbox, is_control

LINE = 76  # RFC 2047: no line with an encoded-word is longer
WORD = 75  # RFC 2047: nor any encoded-word
FRAME = len("=?utf-8?B??=")
ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+")
VISIBLE = re.compile(r"[!-~]+")
LONGEST_SUBJECT = 400
LONGEST_TOKEN = 900  # far below the 998 octets of RFC 5322


def as_one_line(text: str) -> str:
    """Foreign text as one line: control characters, bidi overrides and runs of white space are each one space."""
    return " ".join("".join(" " if is_control(letter) else letter for letter in text).split())


def unstructured(name: str, text: str) -> bytes:
    """A field of free text (Subject): as it is when plain ASCII, else in encoded-words. Any text will do."""
    line = text if text.isascii() and text.isprintable() and "  " not in text else as_one_line(text)
    if len(line) > LONGEST_SUBJECT:
        line = line[: LONGEST_SUBJECT - 1].rstrip() + "…"
    words = line.split()
    if not line.isascii() or "=?" in line or any(len(word) > LINE - len(name) - 2 for word in words):
        words = encoded_words(line, used=len(name) + 2)
    return fold_field(name, words)


def structured(name: str, *tokens: str) -> bytes:
    """A field whose value is made of tokens; folded between them, never within. Raises ValueError unless each token
    is visible ASCII: these values are ours, so a strange one is a fault and not a matter of taste."""
    for token in tokens:
        if not VISIBLE.fullmatch(token) or len(token) > LONGEST_TOKEN:
            raise ValueError(f"{name} cannot hold {token[:80]!r}")
    return fold_field(name, tokens)


def named(name: str, phrase: str, bracketed: str) -> bytes:
    """A field of the form `Phrase <thing>`: List-Id."""
    if not re.fullmatch(r"[!-;=?-~]+", bracketed) or len(bracketed) > LONGEST_TOKEN:
        raise ValueError(f"{name} cannot hold {bracketed[:80]!r}")
    return fold_field(name, [*_phrase(phrase, len(name) + 2), f"<{bracketed}>"])


def mailbox_field(name: str, box: Mailbox) -> bytes:
    """A field with one mailbox: From, To, Reply-To. An address with letters beyond ASCII stays as it is (RFC 6532);
    only a relay with SMTPUTF8 takes such a message."""
    local, at, domain = box.email.rpartition("@")
    if not (local and at and VISIBLE.fullmatch(domain)) or any(
        is_control(letter) or letter.isspace() or letter in '<>()[]:;@\\,"' for letter in local + domain
    ):
        raise ValueError(f"{name} cannot hold the address {box.email[:80]!r}")
    if not box.name:
        return fold_field(name, [box.email])
    return fold_field(name, [*_phrase(box.name, len(name) + 2), f"<{box.email}>"])


def encoded_words(text: str, used: int = 0) -> list[str]:
    """RFC 2047 B-words of at most 75 characters; the first shares its line with `used` others. No letter is cut."""
    raw = text.encode("utf-8", "replace")
    words: list[str] = []
    start = 0
    while start < len(raw):
        room = min(WORD, LINE - 1 if words else LINE - used) - FRAME
        end = start + max(room, 8) // 4 * 3
        while end < len(raw) and raw[end] & 0xC0 == 0x80:
            end -= 1
        words.append(f"=?utf-8?B?{base64.b64encode(raw[start:end]).decode()}?=")
        start = end
    return words


def fold_field(name: str, tokens: list[str] | tuple[str, ...]) -> bytes:
    """A field of the given tokens, a new line begun before one that would not fit."""
    lines = [f"{name}:"]
    for token in tokens:
        if len(lines[-1]) + 1 + len(token) > LINE and (len(lines) > 1 or lines[0] != f"{name}:"):
            lines.append("")
        lines[-1] += f" {token}"
    return ("\r\n".join(lines) + "\r\n").encode("utf-8", "replace")


def _phrase(text: str, used: int) -> list[str]:
    line = as_one_line(text)
    words = line.split()
    if not line.isascii() or "=?" in line or len(line) > LINE - used:
        return encoded_words(line, used)
    if all(ATOM.fullmatch(word) for word in words):
        return words
    escaped = line.replace("\\", "\\\\").replace('"', '\\"')
    return [f'"{escaped}"']
