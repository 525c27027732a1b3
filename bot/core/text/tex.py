"""TeX in titles, names and abstracts to readable Unicode: accents, quotes, text commands, simple formulas.

What it cannot read it leaves exactly as it stands; it is no TeX. Formulas are `tex_formula`'s, the tables are in
`tex_tables`.
"""

import re
from collections.abc import Callable

from bot.core.text.sanitize import composed
from bot.core.text.tex_formula import formula
from bot.core.text.tex_notation import COMMAND, ESCAPED, MAX_DEPTH, accented, closing_braces, quantity, script
from bot.core.text.tex_tables import (
    ACCENTS,
    FONTS,
    HIDDEN,
    LETTERS,
    MATH_ACCENTS,
    SECOND_ARGUMENT,
    SIZES,
    SYMBOLS,
    TEXT,
    TEXT_COMMANDS,
)

MAX_FORMULA = 800  # characters between two dollar signs
MAX_MARKS = 120  # of a text; an abstract full of formulas has eighty
_MARK = re.compile(r"[\\$~{]|``|''|--|`(?=[^\s`'])|(?<=[\w)\]])[\^_](?=\{)")
_EVERY_MARK_HAS_ONE = ("\\", "$", "~", "{", "`", "''", "--")
_SWITCH = re.compile(
    r"\\(?:em|it|bf|sc|rm|tt|sl|sf|bfseries|itshape|scshape|ttfamily|upshape|small|large|normalfont)(?![A-Za-z])\s*"
)
_SINGLE_QUOTED = re.compile(r"`([^`'\n]{1,60})'(?!\w)")
_PLAIN_GROUP = re.compile(r"[\^_]\{([^{}$\\\n]{1,20})\}")
_NUMBERS = re.compile(r"[\d.,\s+\-−–/×:()]*[\d)]")
_OF_FORMULAS = re.compile(r"[\\^_{}=<>|]")
_ALONE = frozenset({"centering", "protect", "bigskip", "medskip", "smallskip", "footnotemark"})
_BLANKS = {" ": " ", ",": "\u2009", ";": " ", ":": " ", "!": "", "/": "", "-": "", "@": "", "\\": " ", "\n": " "}
# Commands of formulas that are read outside of them, too; and symbols whose names may be meant as words.
_IN_FORMULA = FONTS | MATH_ACCENTS.keys() | {"sqrt", "frac"}
_WORDS = frozenset({"to", "in", "mid", "top", "not", "ast", "bar", "per", "between", "because"})


def readable(text: str) -> str:
    r"""The text with its TeX turned to Unicode: `Andr\'e` -> André, `$O(n^{2})$` -> O(n²), `85.1\%` -> 85.1%.

    Never raises; linear in the length of the text; text without TeX comes back as it is.
    """
    # Looking for a few strings first takes a tenth of the time, and most texts have none of them.
    if not any(one in text for one in _EVERY_MARK_HAS_ONE) or not _MARK.search(text):
        return text
    return composed("NFC", _read(text, 0)).strip()


def _read(text: str, depth: int) -> str:
    return _Text(text, depth).read()


class _Text:
    """A text with TeX while it is read: `at` is how far, `depth` within how many groups."""

    def __init__(self, text: str, depth: int) -> None:
        self.text = text
        self.at = 0
        self.depth = depth
        self.closing = closing_braces(text)

    def read(self) -> str:
        out: list[str] = []
        for _ in range(MAX_MARKS):
            found = _MARK.search(self.text, self.at)
            if found is None:
                break
            start = found.start()
            if start > self.at:
                out.append(self.text[self.at : start])
            self.at = start
            done = _READ[found[0]](self)
            if done:
                out.append(done)
            elif out and out[-1].endswith(" ") and self.text[self.at : self.at + 1] in tuple(" .,;:)"):
                out[-1] = out[-1][:-1]  # "as shown \\cite{lark}."
        out.append(self.text[self.at :])
        return "".join(out)

    def _take(self, end: int) -> str:
        """The text up to `end`, as it stands."""
        start, self.at = self.at, end
        return self.text[start:end]

    def _around(self, length: int) -> tuple[str, str]:
        """The characters before and after a mark of that length."""
        return self.text[self.at - 1 : self.at], self.text[self.at + length : self.at + length + 1]

    # -- marks ---------------------------------------------------------------------------------------------------------

    def _script(self) -> str:
        """Outside of formulas only with braces: "x^{2}", but "a_b" is a name."""
        group = _PLAIN_GROUP.match(self.text, self.at)
        if group is None:
            return self._take(self.at + 1)
        self.at = group.end()
        return script(group[0][0], group[1])

    def _single_quote(self) -> str:
        quoted = _SINGLE_QUOTED.match(self.text, self.at)
        if quoted is None:
            return self._take(self.at + 1)
        self.at = quoted.end()
        return f"‘{quoted[1]}’"

    def _opening_quotes(self) -> str:
        self.at += 2
        return "“"

    def _closing_quotes(self) -> str:
        before, after = self._around(2)
        stands_alone = not before.strip() and not after.strip()
        if stands_alone or (before.isdigit() and "``" not in self.text[: self.at]):  # 5'' are inches
            return self._take(self.at + 2)
        self.at += 2
        return "“" if after.isalnum() and (not before or before in " ([—–-") else "”"

    def _tie(self) -> str:
        """A blank where no line breaks; but "~50" and "/~user" are not."""
        before, after = self._around(1)
        self.at += 1
        is_tie = (before.isalnum() or before in tuple(".,)]}$")) and (after.isalnum() or after in tuple("\\$("))
        return " " if is_tie else "~"

    def _dashes(self) -> str:
        before, after = self._around(2)
        if not before.strip() and not after.strip():
            return self._take(self.at + 2)
        if self.text.startswith("----", self.at):
            rest = self.text[self.at :]
            return self._take(self.at + len(rest) - len(rest.lstrip("-")))
        if self.text.startswith("---", self.at):
            self.at += 3
            return "—"
        if (not before or before in " (`'\"") and after.isalpha():  # --verbose
            return self._take(self.at + 2)
        self.at += 2
        return "–"

    def _group(self) -> str:
        end = self.closing.get(self.at)
        if end is None or self.text[self.at + 1 : self.at + 2] != "\\" or self.depth >= MAX_DEPTH:
            return self._take(self.at + 1)
        inner = self.text[self.at + 1 : end]
        self.at = end + 1
        switch = _SWITCH.match(inner)
        done = _read(inner[switch.end() :] if switch else inner, self.depth + 1)
        return done if switch or "\\" not in done else "{" + done + "}"

    def _dollars(self) -> str:
        mark = "$$" if self.text.startswith("$$", self.at) else "$"
        start = self.at + len(mark)
        end = start
        while (end := self.text.find(mark, end, start + MAX_FORMULA)) >= 0 and self.text[end - 1] == "\\":
            end += 1
        if end <= start or self._is_money(start, end):
            return self._take(start)
        stop = end + len(mark)
        return self._formula(start, end, stop, stop)

    def _is_money(self, start: int, end: int) -> bool:
        """Whether these dollar signs enclose no formula: "$5 to $10" is money, $n$ is not."""
        inner = self.text[start:end]
        if _OF_FORMULAS.search(inner):
            return False
        if inner[0].isspace() or inner[-1].isspace() or len(inner) > 60:
            return True
        between_amounts = " " in inner and not _NUMBERS.fullmatch(inner)
        return inner[0].isdigit() and (between_amounts or self.text[end + 1 : end + 2].isdigit())

    def _formula(self, start: int, end: int, stop: int, otherwise: int) -> str:
        """The formula from `start` to `end`, which ends at `stop` with its marks; the text up to `otherwise` as it
        stands where it cannot be read."""
        done = formula(self.text[start:end], _read)
        if done is None:
            return self._take(otherwise)
        self.at = stop
        return done

    # -- commands ------------------------------------------------------------------------------------------------------

    def _command(self) -> str:
        found = COMMAND.match(self.text, self.at)
        if not found:
            return self._control_character()
        name, end = found[1], found.end()
        if name in ACCENTS:
            return self._accent(name, end)
        if name in LETTERS or name in TEXT:
            return self._letter(name, end)
        if name in HIDDEN:
            return self._hidden(end)
        if end in self.closing and self.depth < MAX_DEPTH:
            done = self._with_argument(name, end)
            if done is not None:
                return done
        if name in SIZES:
            self.at = end + (self.text[end : end + 1] == " ")
            return ""
        if name in SYMBOLS and name not in _WORDS:
            self.at = end
            return SYMBOLS[name]
        return self._take(end)

    def _control_character(self) -> str:
        char = self.text[self.at + 1 : self.at + 2]
        start = self.at + 2
        if char in ACCENTS:
            return self._accent(char, start)
        if char in {"(", "["}:
            end = self.text.find("\\)" if char == "(" else "\\]", start, start + MAX_FORMULA)
            return self._formula(start, end, end + 2, start) if end > 0 else self._take(start)
        if char in ESCAPED or char in _BLANKS:
            self.at = start
            return _BLANKS.get(char, char)
        return self._take(self.at + 1)

    def _accent(self, name: str, end: int) -> str:
        found = accented(self.text, name, end, self.closing)
        if found is None:
            return self._take(end)
        done, self.at = found
        return done

    def _letter(self, name: str, end: int) -> str:
        if self.text.startswith("{}", end):
            end += 2
        elif name in LETTERS:
            end += self.text[end : end + 1].isspace()
        self.at = end
        return LETTERS.get(name) or TEXT[name]

    def _hidden(self, end: int) -> str:
        r"""What shows nothing: `\cite[p. 3]{lark}`, `\begin{itemize}`; without an argument it is left as it stands."""
        name = self.text[self.at + 1 : end]
        last = end
        while self.text[last : last + 1] == "[" and (stop := self.text.find("]", last, last + 100)) > 0:
            last = stop + 1
        if last in self.closing:
            self.at = self.closing[last] + 1
        elif last > end or name in _ALONE:
            self.at = last
        else:
            return self._take(end)
        return ""

    def _with_argument(self, name: str, end: int) -> str | None:
        """A command with an argument in braces at `end`; None where it is not known."""
        last = self.closing[end]
        second = last + 1 if last + 1 in self.closing else None
        if name in TEXT_COMMANDS:
            if second and (name in SECOND_ARGUMENT or name == "texorpdfstring"):
                end, last = second, self.closing[second]
            self.at = last + 1
            return _read(self.text[end + 1 : last], self.depth + 1)
        if name in {"textsuperscript", "textsubscript"}:
            self.at = last + 1
            inner = _read(self.text[end + 1 : last], self.depth + 1)
            moved = script("^" if name == "textsuperscript" else "_", inner)
            return inner if moved[:1] in "^_" else moved
        if name in _IN_FORMULA:
            last = self.closing[second] if name == "frac" and second else last
            return self._formula(self.at, last + 1, last + 1, end)
        found = quantity(self.text, name, end, self.closing)
        if found is None:
            return None
        done, self.at = found
        return done


_READ: dict[str, Callable[[_Text], str]] = {
    "\\": _Text._command,
    "$": _Text._dollars,
    "{": _Text._group,
    "~": _Text._tie,
    "^": _Text._script,
    "_": _Text._script,
    "`": _Text._single_quote,
    "``": _Text._opening_quotes,
    "''": _Text._closing_quotes,
    "--": _Text._dashes,
}
