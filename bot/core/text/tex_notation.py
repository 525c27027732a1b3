"""What texts and formulas in TeX share: braces, accents, scripts; numbers, units and chemistry of their packages."""

import re
import unicodedata

from bot.core.text.tex_tables import ACCENTS, SCRIPTS, UNITS

MAX_DEPTH = 10  # groups within groups
ESCAPED = frozenset("%&$#_{}")  # characters that a backslash makes ordinary
COMMAND = re.compile(r"\\([A-Za-z]+)\*?")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_NUMBER = re.compile(r"([-+]?[\d.,]+)(?:\s*[eE]\s*([-+]?\d{1,5}))?")


def closing_braces(text: str) -> dict[int, int]:
    """Where each opened brace closes; what is escaped or unmatched is left out."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    for found in _BRACE.finditer(text):
        if found[0] == "{":
            opened.append(found.start())
        elif found[0] == "}" and opened:
            pairs[opened.pop()] = found.start()
    return pairs


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


def accented(text: str, name: str, end: int, closing: dict[int, int]) -> tuple[str, int] | None:
    r"""The letter with its accent, and where it ends: `\'e`, `\'{e}`, `\' e`, `\'\i`, `\c{c}`, `\v s`. None where no
    letter follows. `name` is the command's, one of ACCENTS; `end` is where it ends."""
    start = end + (1 if text[end : end + 1] == " " and (name.isalpha() or text[end + 1 : end + 2].isalpha()) else 0)
    if start in closing:
        letters, stop = text[start + 1 : closing[start]].strip(), closing[start] + 1
    elif text.startswith(("\\i", "\\j"), start) and not text[start + 2 : start + 3].isalpha():
        letters, stop = text[start : start + 2], start + 2
        stop += 2 if text.startswith("{}", stop) else text.startswith(" ", stop)
    elif name.isalpha() and start == end:
        return None
    else:
        letters, stop = text[start : start + 1], start + 1
    letters = {"\\i": "i", "\\j": "j"}.get(letters, letters)
    if not letters.isalpha() or len(letters) > 2 or (name == "t" and len(letters) != 2):
        return None
    return unicodedata.normalize("NFC", letters[0] + ACCENTS[name]) + letters[1:], stop


def quantity(text: str, name: str, end: int, closing: dict[int, int]) -> tuple[str, int] | None:
    r"""What `\SI{5}{\kilo\meter}`, `\num`, `\si`, `\unit`, `\qty` (https://ctan.org/pkg/siunitx) or `\ce`
    (https://ctan.org/pkg/mhchem) shows, and where it ends; None for another command, or without its arguments. `end` is
    where the command's name ends."""
    if end not in closing:
        return None
    last = closing[end]
    argument = text[end + 1 : last]
    if name in {"SI", "qty"} and last + 1 in closing:
        unit = text[last + 2 : closing[last + 1]]
        return f"{_number(argument)}\u2009{_unit(unit)}", closing[last + 1] + 1
    if name == "num":
        return _number(argument), last + 1
    if name in {"si", "unit"}:
        return _unit(argument), last + 1
    if name == "ce":
        return _chemistry(argument), last + 1
    return None


def _number(text: str) -> str:
    """ "1.5e-3" is 1.5×10⁻³."""
    found = _NUMBER.fullmatch(text.strip())
    return found[1] + (f"×10{script('^', found[2].lstrip('+'))}" if found[2] else "") if found else text


def _unit(text: str) -> str:
    r"""`\kilo\meter\per\second` is km/s."""
    return COMMAND.sub(lambda found: UNITS.get(found[1], found[1]), text).replace("~", " ").replace(" /", "/")


def _chemistry(text: str) -> str:
    r"""`SO4^2-` is SO₄²⁻."""
    text = text.replace("<=>", "⇌").replace("->", "→").replace("<-", "←")
    text = re.sub(r"\^\{?([\d+-]{1,6})\}?", lambda found: script("^", found[1]), text)
    text = re.sub(r"_\{?([\w+-]{1,6})\}?", lambda found: script("_", found[1]), text)
    return re.sub(r"(?<=[A-Za-z)\]])\d{1,4}", lambda found: script("_", found[0]), text)
