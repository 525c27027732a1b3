"""TeX in titles, names and abstracts to readable Unicode: accents, quotes, text commands, simple maths.

What it cannot read it leaves exactly as it stands; it is no TeX. The tables are in `tex_tables`."""

import re
import unicodedata

from bot.core.text.sanitize import composed
from bot.core.text.tex_tables import (
    ACCENTS,
    DOUBLE_STRUCK,
    DROPPED,
    FONTS,
    FUNCTIONS,
    LETTERS,
    MATH_ACCENTS,
    SCRIPTS,
    SYMBOLS,
    TEXT,
    TEXT_COMMANDS,
)

MAX_DEPTH = 10  # groups within groups
MAX_MATHS = 800  # characters between two dollar signs
_ANY = re.compile(r"[\\$~{]|``|''|--")
_NAME = re.compile(r"\\([A-Za-z]+)\*?")
_SWITCH = re.compile(
    r"\\(?:em|it|bf|sc|rm|tt|sl|sf|bfseries|itshape|scshape|ttfamily|upshape|small|large|normalfont)(?![A-Za-z])\s*"
)
_MATHY = re.compile(r"[\\^_{}=<>|]")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_ESCAPED = tuple("%&$#_{}")
_BLANKS = {" ": " ", ",": "\u2009", ";": " ", ":": " ", "!": "", "/": "", "-": "", "@": "", "\\": " ", "\n": " "}


class _Unreadable(Exception):
    """Maths beyond this module: the caller leaves it as it stands."""


def readable(text: str) -> str:
    r"""The text with its TeX turned to Unicode: `Andr\'e` -> André, `$O(n^{2})$` -> O(n²), `85.1\%` -> 85.1%.

    Never raises; linear in the length of the text; text without TeX comes back as it is.
    """
    if not _ANY.search(text):
        return text
    return composed("NFC", _text(text, 0)).strip()


def _text(text: str, depth: int) -> str:
    out: list[str] = []
    at = 0
    closing = _closing_braces(text)
    while found := _ANY.search(text, at):
        start = found.start()
        out.append(text[at:start])
        done, at = _piece(text, start, found[0], closing, depth)
        out.append(done)
    out.append(text[at:])
    return "".join(out)


def _piece(text: str, at: int, mark: str, closing: dict[int, int], depth: int) -> tuple[str, int]:
    """What stands at `at`, readable, and where it ends."""
    if mark == "$":
        return _dollars(text, at)
    if mark == "\\":
        return _command(text, at, closing, depth)
    if mark == "{":
        return _group(text, at, closing, depth)
    before, after = text[at - 1 : at], text[at + len(mark) : at + len(mark) + 1]
    if mark == "~":  # a tie; but "~50" and "/~user" are not
        tie = (before.isalnum() or before in tuple(".,)]}$")) and (after.isalnum() or after in tuple("\\$("))
        return (" " if tie else "~"), at + 1
    if mark == "--":
        if text.startswith("---", at) and not text.startswith("----", at):
            return "—", at + 3
        option = (not before or before in " (`'\"") and after.isalpha()  # --verbose
        if option or text.startswith("----", at):
            run = len(text) - at - len(text[at:].lstrip("-")) if text.startswith("----", at) else 2
            return text[at : at + run], at + run
        return "–", at + 2
    return ("“" if mark == "``" else "”"), at + 2


def _group(text: str, at: int, closing: dict[int, int], depth: int) -> tuple[str, int]:
    end = closing.get(at)
    if end is None or text[at + 1 : at + 2] != "\\" or depth >= MAX_DEPTH:
        return "{", at + 1
    inner = text[at + 1 : end]
    switch = _SWITCH.match(inner)
    done = _text(inner[switch.end() :] if switch else inner, depth + 1)
    return (done if switch or "\\" not in done else "{" + done + "}"), end + 1


def _command(text: str, at: int, closing: dict[int, int], depth: int) -> tuple[str, int]:
    found = _NAME.match(text, at)
    if not found:
        char = text[at + 1 : at + 2]
        if char in ACCENTS:
            return _accented(text, at, at + 2, ACCENTS[char], closing)
        if char and char in _ESCAPED:
            return char, at + 2
        if char in {"(", "["}:
            end = text.find("\\)" if char == "(" else "\\]", at + 2, at + 2 + MAX_MATHS)
            done = _maths(text[at + 2 : end]) if end > 0 else None
            return (done, end + 2) if done is not None else (text[at : at + 2], at + 2)
        if char and char in _BLANKS:
            return _BLANKS[char], at + 2
        return "\\", at + 1
    name, end = found[1], found.end()
    if name in ACCENTS:
        return _accented(text, at, end, ACCENTS[name], closing)
    if name in LETTERS or name in TEXT:
        if text.startswith("{}", end):
            end += 2
        elif name in LETTERS:
            end += len(text[end : end + 1]) - len(text[end : end + 1].lstrip())
        return LETTERS.get(name) or TEXT[name], end
    if name in TEXT_COMMANDS and end in closing and depth < MAX_DEPTH:
        last = closing[end]
        if name == "href" and last + 1 in closing:
            end, last = last + 1, closing[last + 1]
        return _text(text[end + 1 : last], depth + 1), last + 1
    if name in SYMBOLS and name not in {"to", "in", "mid", "top", "not", "ast"}:
        return SYMBOLS[name], end
    return text[at:end], end


def _accented(text: str, at: int, end: int, mark: str, closing: dict[int, int]) -> tuple[str, int]:
    r"""`\'e`, `\'{e}`, `\' e`, `\'\i`, `\c{c}`, `\v s`: the letter with its accent, else the text as it stands."""
    named = text[end - 1].isalpha()
    start = end + (1 if text[end : end + 1] == " " and (named or text[end + 1 : end + 2].isalpha()) else 0)
    if start in closing:
        inner, stop = text[start + 1 : closing[start]].strip(), closing[start] + 1
    elif text.startswith(("\\i", "\\j"), start) and not text[start + 2 : start + 3].isalpha():
        inner, stop = text[start : start + 2], start + 2
        stop += 2 if text.startswith("{}", stop) else text.startswith(" ", stop)
    elif named and start == end:
        return text[at:end], end
    else:
        inner, stop = text[start : start + 1], start + 1
    inner = {"\\i": "i", "\\j": "j"}.get(inner, inner)
    if not inner or not inner.isalpha() or len(inner) > 2 or (named and text[at + 1] == "t" and len(inner) != 2):
        return text[at:end], end
    return unicodedata.normalize("NFC", inner[0] + mark) + inner[1:], stop


def _dollars(text: str, at: int) -> tuple[str, int]:
    mark = "$$" if text.startswith("$$", at) else "$"
    start = at + len(mark)
    end = start
    limit = start + MAX_MATHS
    while (end := text.find(mark, end, limit)) >= 0 and text[end - 1] == "\\":
        end += 1
    if end <= start:
        return mark, start
    inner = text[start:end]
    if not _MATHY.search(inner):  # $n$ is maths; "$5 to $10" is money
        money = inner[0].isdigit() and (" " in inner or text[end + 1 : end + 2].isdigit())
        if money or inner[0].isspace() or inner[-1].isspace() or len(inner) > 60:
            return mark, start
    done = _maths(inner)
    return (done, end + len(mark)) if done is not None else (text[at : end + len(mark)], end + len(mark))


def _maths(text: str) -> str | None:
    try:
        done, end = _formula(text, 0, _closing_braces(text), len(text), 0)
    except _Unreadable:
        return None
    return " ".join(done.split(" ")).strip() if end == len(text) else None


def _formula(text: str, at: int, closing: dict[int, int], end: int, depth: int) -> tuple[str, int]:
    """The maths from `at` to `end`. Raises _Unreadable."""
    if depth > MAX_DEPTH:
        raise _Unreadable
    out: list[str] = []
    while at < end:
        mark = text[at]
        done, at = _token(text, at + 1 if mark in "^_" else at, closing, end, depth)
        out.append(script(mark, done) if mark in "^_" else done)
    return "".join(out), at


def _token(text: str, at: int, closing: dict[int, int], end: int, depth: int) -> tuple[str, int]:
    """One letter, group or command with its arguments, and where it ends."""
    if at >= end:
        raise _Unreadable
    char = text[at]
    if char == "{":
        last = closing.get(at, end)
        if last >= end:
            raise _Unreadable
        return _formula(text, at + 1, closing, last, depth + 1)[0], last + 1
    if char in "}&$^_":
        raise _Unreadable
    if char != "\\":
        return {"~": " ", "'": "′"}.get(char, char), at + 1
    found = _NAME.match(text, at, end)
    if not found:
        char = text[at + 1 : at + 2]
        if char in _ESCAPED:
            return char, at + 2
        if char == "|":
            return "‖", at + 2
        if char in _BLANKS and char != "\\":
            return "" if char == "!" else " ", at + 2
        raise _Unreadable
    name, at = found[1], found.end()
    if name in SYMBOLS:
        return SYMBOLS[name], at
    if name in FUNCTIONS:
        joined = at < end and (text[at].isalnum() or text[at] == "\\")
        return name + (" " if joined else ""), at
    if name in {"left", "right", "middle"} and text[at : at + 1] == ".":
        return "", at + 1
    if name in DROPPED:
        return "", at + (text[at : at + 1] == " ")
    while at < end and text[at] == " ":
        at += 1
    if name in {"text", "textrm", "textit", "textbf", "texttt", "textsf", "textsc", "mbox", "operatorname"}:
        if at not in closing:
            raise _Unreadable
        return _text(text[at + 1 : closing[at]], depth + 1) if depth < MAX_DEPTH else "", closing[at] + 1
    if name in FONTS:
        done, at = _token(text, at, closing, end, depth)
        return DOUBLE_STRUCK.get(done, done) if name in {"mathbb", "Bbb"} else done, at
    if name in MATH_ACCENTS:
        done, at = _token(text, at, closing, end, depth)
        return unicodedata.normalize("NFC", done + MATH_ACCENTS[name]) if len(done) == 1 else done, at
    if name in {"frac", "tfrac", "dfrac", "nicefrac", "sfrac"}:
        above, at = _token(text, at, closing, end, depth)
        below, at = _token(text, at, closing, end, depth)
        return f"{_grouped(above)}/{_grouped(below)}", at
    if name == "sqrt" and text[at : at + 1] != "[":
        done, at = _token(text, at, closing, end, depth)
        return f"√{_grouped(done)}", at
    raise _Unreadable


def script(mark: str, text: str) -> str:
    """A superscript (mark "^") or subscript ("_") in the letters Unicode has for it, else ^x, _max or ^(n + 1)."""
    text = text.strip()
    if text in {"∘", "′", "′′", "*", "°"}:
        return {"∘": "°"}.get(text, text)
    table = SCRIPTS[mark]
    if text and len(text) <= 6 and all(char in table for char in text):
        return "".join(table[char] for char in text)
    return mark + (text if len(text) == 1 or text.isalnum() else f"({text})")


def _grouped(text: str) -> str:
    text = text.strip()
    return text if len(text) == 1 or text.isalnum() else f"({text})"


def _closing_braces(text: str) -> dict[int, int]:
    """Where each opened brace closes; what is escaped or unmatched is left out."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    for found in _BRACE.finditer(text):
        if found[0] == "{":
            opened.append(found.start())
        elif found[0] == "}" and opened:
            pairs[opened.pop()] = found.start()
    return pairs
