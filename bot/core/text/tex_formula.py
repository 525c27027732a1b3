r"""A formula in TeX, what stands between dollar signs, to readable Unicode: `\frac{1}{2}\sqrt{n}` -> 1/2√n.

All or nothing: a formula with one command that is not known is left as it stands, for half of it would mislead.
"""

import unicodedata
from collections.abc import Callable

from bot.core.text.tex_notation import COMMAND, ESCAPED, MAX_DEPTH, accented, closing_braces, quantity, script
from bot.core.text.tex_tables import ACCENTS, DOUBLE_STRUCK, DROPPED, FONTS, FUNCTIONS, HIDDEN, MATH_ACCENTS, SYMBOLS

ReadText = Callable[[str, int], str]  # text with TeX, and how deep it stands, to readable text

_BLANKS = {" ": " ", ",": " ", ";": " ", ":": " ", "!": "", "/": " ", "-": " ", "@": " ", "\n": " "}


class _UnreadableError(Exception):
    """A formula beyond this module: the caller leaves it as it stands."""


def formula(text: str, read_text: ReadText) -> str | None:
    r"""A formula, readable; None where it cannot be read. `read_text` reads the words in it (`\text{for all}`)."""
    try:
        found = _Formula(text, 0, len(text), closing_braces(text), read_text, 0)
        done = found.read()
    except _UnreadableError:
        return None
    return " ".join(done.split()) if found.at == len(text) else None


class _Formula:
    """A formula, or a group within one, while it is read: `at` is how far. Every method may raise _UnreadableError."""

    def __init__(self, text: str, at: int, end: int, closing: dict[int, int], read_text: ReadText, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise _UnreadableError
        self.text = text
        self.at = at
        self.end = end
        self.closing = closing
        self.read_text = read_text
        self.depth = depth

    def read(self) -> str:
        out: list[str] = []
        while self.at < self.end:
            start = self.at
            mark = self.text[start]
            if mark in "^_":
                self.at += 1
                out.append(script(mark, self._token()))
            elif mark == "\\":
                out.append(self._spaced(self._token(), start, out))
            else:
                out.append(self._token())
        return "".join(out)

    def _spaced(self, done: str, start: int, before: list[str]) -> str:
        r"""What a command at `start` shows, with the blanks around it as one reads them: "n\times m" is n×m, but
        "n\log n" is n log n."""
        if not self.text[self.at - 1].isalpha():
            return done
        follows_blank = start == 0 or self.text[start - 1].isspace()
        word = done.strip()
        if self.text[self.at : self.at + 1] == " " and not follows_blank and not done.isalnum():
            self.at += 1  # this blank only ends the command's name
        elif len(word) > 1 and word.isascii() and word.isalpha() and before and before[-1][-1:].isalnum():
            return f" {done}"
        return done

    def _token(self) -> str:
        """One letter, group, or command with its arguments."""
        if self.at >= self.end:
            raise _UnreadableError
        char = self.text[self.at]
        if char == "{":
            return self._group()
        if char == "\\":
            return self._command()
        if char in "}&$^_":
            raise _UnreadableError
        self.at += 1
        return {"~": " ", "'": "′"}.get(char, char)

    def _group(self) -> str:
        last = self.closing.get(self.at, self.end)
        if last >= self.end:
            raise _UnreadableError
        inner = _Formula(self.text, self.at + 1, last, self.closing, self.read_text, self.depth + 1)
        self.at = last + 1
        return inner.read()

    def _command(self) -> str:
        found = COMMAND.match(self.text, self.at, self.end)
        if not found:
            return self._control_character()
        name = found[1]
        self.at = found.end()
        if name in SYMBOLS:
            return SYMBOLS[name]
        if name in _AT_ONCE:
            return _AT_ONCE[name](self, name)
        while self.at < self.end and self.text[self.at] == " ":
            self.at += 1
        if name in _WITH_ARGUMENTS:
            return _WITH_ARGUMENTS[name](self, name)
        if name[:2] in {"rm", "bf", "it", "sf", "tt"} and len(name) > 2:
            return name[2:]  # a blank was lost: "{\\rm gas}"
        raise _UnreadableError

    def _control_character(self) -> str:
        char = self.text[self.at + 1 : self.at + 2]
        self.at += 2
        if char in ESCAPED:
            return char
        if char == "|":
            return "‖"
        if char in _BLANKS:
            return _BLANKS[char]
        raise _UnreadableError

    # -- commands whose argument, if any, follows at once --------------------------------------------------------------

    def _negated(self, _name: str) -> str:
        done = self._token()
        return unicodedata.normalize("NFC", done[:1] + "\u0338") + done[1:]

    def _quantity(self, name: str) -> str:
        found = quantity(self.text, name, self.at, self.closing)
        if found is None:
            raise _UnreadableError
        done, self.at = found
        return done

    def _function(self, name: str) -> str:
        joined = self.at < self.end and (self.text[self.at].isalnum() or self.text[self.at] == "\\")
        return name + (" " if joined else "")

    def _dropped(self, name: str) -> str:
        following = self.text[self.at : self.at + 1]
        if following == " " or (following == "." and name in {"left", "right", "middle"}):
            self.at += 1
        return ""

    # -- commands with arguments ---------------------------------------------------------------------------------------

    def _words(self, _name: str) -> str:
        if self.at not in self.closing:
            raise _UnreadableError
        start, self.at = self.at + 1, self.closing[self.at] + 1
        return self.read_text(self.text[start : self.at - 1], self.depth + 1) if self.depth < MAX_DEPTH else ""

    def _font(self, name: str) -> str:
        done = self._token()
        return DOUBLE_STRUCK.get(done, done) if name in {"mathbb", "Bbb"} else done

    def _math_accent(self, name: str) -> str:
        done = self._token()
        return unicodedata.normalize("NFC", done + MATH_ACCENTS[name]) if len(done) == 1 else done

    def _text_accent(self, name: str) -> str:
        length = self.closing.get(self.at, self.at) - self.at
        found = accented(self.text, name, self.at, self.closing) if length in {2, 3} else None
        if found is None:
            raise _UnreadableError
        done, self.at = found
        return done

    def _fraction(self, _name: str) -> str:
        above, below = self._token(), self._token()
        return f"{_bracketed(above)}/{_bracketed(below)}"

    def _root(self, _name: str) -> str:
        root = ""
        if self.text[self.at : self.at + 1] == "[" and (stop := self.text.find("]", self.at, self.end)) > 0:
            root = script("^", self.text[self.at + 1 : stop])
            self.at = stop + 1
            if root.startswith("^"):
                raise _UnreadableError
        return f"{root}√{_bracketed(self._token())}"

    def _binomial(self, _name: str) -> str:
        above, below = self._token(), self._token()
        return f"({above} choose {below})"

    def _ket(self, name: str) -> str:
        done = self._token()
        return {"ket": f"|{done}⟩", "bra": f"⟨{done}|", "braket": f"⟨{done}⟩", "ketbra": f"|{done}|"}[name]

    def _stacked(self, name: str) -> str:
        over, base = self._token(), self._token()
        return base + script("_" if name == "underset" else "^", over)

    def _long_arrow(self, name: str) -> str:
        return ("→" if name == "xrightarrow" else "←") + script("^", self._token())

    def _modulo(self, _name: str) -> str:
        return f" (mod {self._token()})"

    def _hidden(self, _name: str) -> str:
        if self.at not in self.closing:
            raise _UnreadableError
        self.at = self.closing[self.at] + 1
        return ""


_Reading = Callable[[_Formula, str], str]
_AT_ONCE: dict[str, _Reading] = {
    **dict.fromkeys(DROPPED, _Formula._dropped),
    **dict.fromkeys(FUNCTIONS, _Formula._function),
    **dict.fromkeys(("SI", "num", "si", "unit", "qty", "ce"), _Formula._quantity),
    "not": _Formula._negated,
}
_WITH_ARGUMENTS: dict[str, _Reading] = {
    **dict.fromkeys(HIDDEN, _Formula._hidden),
    **dict.fromkeys(ACCENTS, _Formula._text_accent),
    **dict.fromkeys(MATH_ACCENTS, _Formula._math_accent),
    **dict.fromkeys(FONTS, _Formula._font),
    **dict.fromkeys(
        ("text", "textrm", "textit", "textbf", "texttt", "textsf", "textsc", "mbox", "operatorname"), _Formula._words
    ),
    **dict.fromkeys(("frac", "tfrac", "dfrac", "nicefrac", "sfrac"), _Formula._fraction),
    **dict.fromkeys(("binom", "tbinom", "dbinom"), _Formula._binomial),
    **dict.fromkeys(("ket", "bra", "braket", "ketbra"), _Formula._ket),
    **dict.fromkeys(("overset", "stackrel", "underset"), _Formula._stacked),
    **dict.fromkeys(("xrightarrow", "xleftarrow"), _Formula._long_arrow),
    "sqrt": _Formula._root,
    "pmod": _Formula._modulo,
}


def _bracketed(text: str) -> str:
    text = text.strip()
    return text if len(text) == 1 or text.isalnum() else f"({text})"
