"""Text in columns of a terminal: wrapping by the width characters take there. Pure."""

from functools import lru_cache

from bot.core.text.columns import NARROW, width, width_of


def wrap(text: str, columns: int = 72, first: str = "", rest: str | None = None) -> str:
    """Text in lines of at most `columns`; the first line begins with `first`, the others with `rest` (else as many
    blanks). Words too long for a line are broken, web and mail addresses never. No line feed at the end."""
    rest = " " * width(first) if rest is None else rest
    if len(rest) <= len(first) and len(first) + len(text) <= columns and NARROW.fullmatch(first + text):
        return (first + " ".join(text.split())).rstrip()
    return _wrap(text, columns, first, rest)


@lru_cache(maxsize=2_048)  # an abstract stands in many cards
def _wrap(text: str, columns: int, first: str, rest: str) -> str:
    return _wrapped_at_blanks(text, columns, first, rest) or _wrapped_by_words(text, columns, first, rest)


def _wrapped_at_blanks(text: str, columns: int, first: str, rest: str) -> str:
    """Wrapped where all characters are one column wide and every word fits, as nearly always; else ""."""
    if len(rest) > len(first) or not NARROW.fullmatch(first + text):
        return ""
    words = " ".join(text.split())
    lines: list[str] = []
    before, start = first, 0
    while len(words) - start > columns - len(before):
        end = words.rfind(" ", start, start + columns - len(before) + 1)
        if end < 0:
            return ""
        lines.append(before + words[start:end])
        before, start = rest, end + 1
    lines.append(before + words[start:])
    return "\n".join(lines) if words else ""


def _wrapped_by_words(text: str, columns: int, first: str, rest: str) -> str:
    measure = len if text.isascii() or NARROW.fullmatch(text) else width
    indent = width(rest)
    lines: list[str] = []
    current, used, empty = first, width(first), True
    for word in text.split():
        for piece in _pieces(word, max(columns - indent, 8)):
            space = 0 if empty else 1
            wide = measure(piece)
            if not empty and used + space + wide > columns:
                lines.append(current.rstrip())
                current, used, space = rest, indent, 0
            current += " " * space + piece
            used += space + wide
            empty = False
    lines.append(current.rstrip())
    return "\n".join(lines)


def _pieces(word: str, columns: int) -> list[str]:
    """A word in pieces that fit a line."""
    if len(word) * 2 <= columns or width(word) <= columns or "://" in word or "@" in word:
        return [word]
    pieces, piece, used = [], "", 0
    for c in word:
        if used + width_of(c) > columns:
            pieces.append(piece)
            piece, used = "", 0
        piece += c
        used += width_of(c)
    return [*pieces, piece]


def fill(text: str, columns: int = 72) -> str:
    """The text up to a column; what is beyond falls away."""
    if text.isascii() or NARROW.fullmatch(text):
        return text[:columns]
    if width(text) <= columns:
        return text
    used = 0
    for place, c in enumerate(text):
        used += width_of(c)
        if used > columns:
            return text[:place]
    return text
