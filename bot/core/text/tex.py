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
    HIDDEN,
    LETTERS,
    MATH_ACCENTS,
    SCRIPTS,
    SECOND_ARGUMENT,
    SIZES,
    SYMBOLS,
    TEXT,
    TEXT_COMMANDS,
    UNITS,
)

MAX_DEPTH = 10  # groups within groups
MAX_MATHS = 800  # characters between two dollar signs
MAX_MARKS = 120  # of a text; an abstract full of formulas has eighty
_ANY = re.compile(r"[\\$~{]|``|''|--|`(?=[^\s`'])|(?<=[\w)\]])[\^_](?=\{)")
_NAME = re.compile(r"\\([A-Za-z]+)\*?")
_SWITCH = re.compile(
    r"\\(?:em|it|bf|sc|rm|tt|sl|sf|bfseries|itshape|scshape|ttfamily|upshape|small|large|normalfont)(?![A-Za-z])\s*"
)
_SINGLE_QUOTED = re.compile(r"`([^`'\n]{1,60})'(?!\w)")
_PLAIN_GROUP = re.compile(r"[\^_]\{([^{}$\\\n]{1,20})\}")
_NUMBERS = re.compile(r"[\d.,\s+\-−–/×:()]*[\d)]")
_NUMBER = re.compile(r"([-+]?[\d.,]+)(?:\s*[eE]\s*([-+]?\d{1,5}))?")
_MATHY = re.compile(r"[\\^_{}=<>|]")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_ESCAPED = tuple("%&$#_{}")
_ALONE = frozenset({"centering", "protect", "bigskip", "medskip", "smallskip", "footnotemark"})
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
    for _ in range(MAX_MARKS):
        found = _ANY.search(text, at)
        if found is None:
            break
        start = found.start()
        if start > at:
            out.append(text[at:start])
        done, at = _piece(text, start, found[0], closing, depth)
        if not done and out and out[-1].endswith(" ") and text[at : at + 1] in tuple(" .,;:)"):
            out[-1] = out[-1][:-1]  # "as shown \\cite{lark}."
        elif done:
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
    if mark in "^_":  # outside of maths only with braces: "x^{2}", but "a_b" is a name
        group = _PLAIN_GROUP.match(text, at)
        return (script(mark, group[1]), group.end()) if group else (mark, at + 1)
    if mark == "`":
        quoted = _SINGLE_QUOTED.match(text, at)
        return (f"‘{quoted[1]}’", quoted.end()) if quoted else (mark, at + 1)
    before, after = text[at - 1 : at], text[at + len(mark) : at + len(mark) + 1]
    if mark in {"''", "--"} and not before.strip() and not after.strip():
        return mark, at + 2
    if mark == "''":
        if before.isdigit() and "``" not in text[:at]:
            return mark, at + 2  # inches
        return ("“" if after.isalnum() and (not before or before in " ([—–-") else "”"), at + 2
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
    return "“", at + 2


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
    if name in HIDDEN:
        return _hidden(text, at, end, closing)
    if end in closing and depth < MAX_DEPTH:
        last = closing[end]
        if name in TEXT_COMMANDS:
            if name in SECOND_ARGUMENT and last + 1 in closing:
                end, last = last + 1, closing[last + 1]
            elif name == "texorpdfstring" and last + 1 in closing:
                return _text(text[last + 2 : closing[last + 1]], depth + 1), closing[last + 1] + 1
            return _text(text[end + 1 : last], depth + 1), last + 1
        if name in {"SI", "qty"} and last + 1 in closing:
            number, unit = text[end + 1 : last], text[last + 2 : closing[last + 1]]
            return f"{_number(number)}\u2009{_unit(unit)}", closing[last + 1] + 1
        if name in {"num", "si", "unit"}:
            return (_number if name == "num" else _unit)(text[end + 1 : last]), last + 1
        if name in {"textsuperscript", "textsubscript"}:
            inner = _text(text[end + 1 : last], depth + 1)
            raised = script("^" if name == "textsuperscript" else "_", inner)
            return (inner if raised[:1] in "^_" else raised), last + 1
        if name == "ce":
            return _chemistry(text[end + 1 : last]), last + 1
        if name in FONTS or name in MATH_ACCENTS or name in {"sqrt", "frac"}:
            last = closing.get(last + 1, last) if name == "frac" else last
            done = _maths(text[at : last + 1])
            return (done, last + 1) if done is not None else (text[at:end], end)
    if name in SIZES:
        return "", end + (text[end : end + 1] == " ")
    if name in SYMBOLS and name not in {"to", "in", "mid", "top", "not", "ast", "bar", "per", "between", "because"}:
        return SYMBOLS[name], end
    return text[at:end], end


def _hidden(text: str, at: int, end: int, closing: dict[int, int]) -> tuple[str, int]:
    r"""What shows nothing: `\cite[p. 3]{lark}`, `\begin{itemize}`; without an argument it is left as it stands."""
    start = end
    while text[end : end + 1] == "[" and (stop := text.find("]", end, end + 100)) > 0:
        end = stop + 1
    if end not in closing:
        return ("", end) if end > start or text[at + 1 : start] in _ALONE else (text[at:start], start)
    return "", closing[end] + 1


def _number(text: str) -> str:
    """A number as siunitx takes it: "1.5e-3" is 1.5×10⁻³."""
    found = _NUMBER.fullmatch(text.strip())
    return found[1] + (f"×10{script('^', found[2].lstrip('+'))}" if found[2] else "") if found else text


def _unit(text: str) -> str:
    r"""A unit as siunitx takes it: `\kilo\meter\per\second` is km/s."""
    return _NAME.sub(lambda found: UNITS.get(found[1], found[1]), text).replace("~", " ").replace(" /", "/")


def _chemistry(text: str) -> str:
    r"""A formula as mhchem takes it (https://ctan.org/pkg/mhchem): `\ce{SO4^2-}` is SO₄²⁻."""
    text = text.replace("<=>", "⇌").replace("->", "→").replace("<-", "←")
    text = re.sub(r"\^\{?([\d+-]{1,6})\}?", lambda found: script("^", found[1]), text)
    text = re.sub(r"_\{?([\w+-]{1,6})\}?", lambda found: script("_", found[1]), text)
    return re.sub(r"(?<=[A-Za-z)\]])\d{1,4}", lambda found: script("_", found[0]), text)


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
        numbers = _NUMBERS.fullmatch(inner) is not None
        money = inner[0].isdigit() and ((" " in inner and not numbers) or text[end + 1 : end + 2].isdigit())
        if money or inner[0].isspace() or inner[-1].isspace() or len(inner) > 60:
            return mark, start
    done = _maths(inner)
    return (done, end + len(mark)) if done is not None else (text[at : end + len(mark)], end + len(mark))


def _maths(text: str) -> str | None:
    try:
        done, end = _formula(text, 0, _closing_braces(text), len(text), 0)
    except _Unreadable:
        return None
    return " ".join(done.split()) if end == len(text) else None


def _formula(text: str, at: int, closing: dict[int, int], end: int, depth: int) -> tuple[str, int]:
    """The maths from `at` to `end`. Raises _Unreadable."""
    if depth > MAX_DEPTH:
        raise _Unreadable
    out: list[str] = []
    while at < end:
        mark = text[at]
        start = at
        done, at = _token(text, at + 1 if mark in "^_" else at, closing, end, depth)
        if mark in "^_":
            done = script(mark, done)
        elif mark == "\\" and text[at - 1].isalpha():
            spaced = start == 0 or text[start - 1].isspace()
            word = done.strip()
            if text[at : at + 1] == " " and not spaced and not done.isalnum():
                at += 1  # the blank ends the command's name: "n\\times m" is n×m
            elif len(word) > 1 and word.isascii() and word.isalpha() and out and out[-1][-1:].isalnum():
                done = f" {done}"  # "n\\log n"
        out.append(done)
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
    if name == "not":
        done, at = _token(text, at, closing, end, depth)
        return unicodedata.normalize("NFC", done[:1] + "\u0338") + done[1:], at
    if name in {"SI", "num", "si", "unit", "qty", "ce"}:
        done, at = _command(text, found.start(), closing, depth)
        if done.startswith("\\"):
            raise _Unreadable
        return done, at
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
    if name == "sqrt":
        root = ""
        if text[at : at + 1] == "[" and (stop := text.find("]", at, end)) > 0:
            root, at = script("^", text[at + 1 : stop]), stop + 1
            if root.startswith("^"):
                raise _Unreadable
        done, at = _token(text, at, closing, end, depth)
        return f"{root}√{_grouped(done)}", at
    if name in {"binom", "tbinom", "dbinom"}:
        above, at = _token(text, at, closing, end, depth)
        below, at = _token(text, at, closing, end, depth)
        return f"({above} choose {below})", at
    if name in {"ket", "bra", "braket", "ketbra"}:
        done, at = _token(text, at, closing, end, depth)
        return {"ket": f"|{done}⟩", "bra": f"⟨{done}|", "braket": f"⟨{done}⟩", "ketbra": f"|{done}|"}[name], at
    if name in {"overset", "stackrel", "underset"}:
        over, at = _token(text, at, closing, end, depth)
        base, at = _token(text, at, closing, end, depth)
        return base + script("_" if name == "underset" else "^", over), at
    if name in {"xrightarrow", "xleftarrow"}:
        over, at = _token(text, at, closing, end, depth)
        return ("→" if name == "xrightarrow" else "←") + script("^", over), at
    if name == "pmod":
        done, at = _token(text, at, closing, end, depth)
        return f" (mod {done})", at
    if name in ACCENTS and at in closing and closing[at] - at in {2, 3}:
        done, stop = _accented(text, found.start(), at, ACCENTS[name], closing)
        if not done.startswith("\\"):
            return done, stop
    if name in HIDDEN and at in closing:
        return "", closing[at] + 1
    if name[:2] in {"rm", "bf", "it", "sf", "tt"} and len(name) > 2:
        return name[2:], at  # a blank was lost: "{\\rm gas}"
    raise _Unreadable


def script(mark: str, text: str) -> str:
    """A superscript (mark "^") or subscript ("_") in the letters Unicode has for it, else ^x, _max or ^(n + 1)."""
    text = text.strip()
    if text in {"∘", "′", "′′", "*", "°"}:
        return {"∘": "°"}.get(text, text)
    table = SCRIPTS[mark]
    if text and len(text) <= 6 and all(char in table for char in text):
        return "".join(table[char] for char in text)
    bracketed = text.startswith("(") and text.endswith(")") and text.count("(") == 1
    return mark + (text if len(text) == 1 or text.isalnum() or bracketed else f"({text})")


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
