"""Letters that Unicode's decomposition (NFKD) does not take apart, written in plain ones: a Greek letter by its English
name, a Latin one as in CLDR's Latin-ASCII transliteration."""

import re
import unicodedata

_GREEK = (
    "α alpha β beta γ gamma δ delta ε epsilon ζ zeta η eta θ theta ι iota κ kappa λ lambda μ mu ν nu ξ xi ο omicron π "
    "pi ρ rho σ sigma ς sigma τ tau υ upsilon φ phi χ chi ψ psi ω omega ϙ koppa ϟ koppa ϛ stigma ϝ digamma ͷ digamma "
    "ϡ sampi ͳ sampi ͱ heta ϸ sho ϻ san"
)
_OTHERS = "ð d þ th ı i ȷ j œ oe ß ss ŋ n ĸ q ə a ɔ o ɛ e ɜ e ɵ o ɡ g ʉ u ẜ s ẝ s ꬳ e"
# Letters in Unicode, marks to a reader: Hawaiʻi, OʼBrien.
_APOSTROPHES = dict.fromkeys("ʹʺʻʼʽʾʿˈˮꞌ", "'")
_LATIN_BLOCKS = (
    (0xE0, 0x2B0),
    (0x1D00, 0x1DC0),
    (0x1E00, 0x1F00),
    (0x2C60, 0x2C80),
    (0xA720, 0xA800),
    (0xAB30, 0xAB70),
)
_NAME = re.compile(
    r"LATIN (?:SMALL LETTER|LETTER SMALL CAPITAL|SMALL CAPITAL LETTER) ([A-Z]{1,2})(?: DIGRAPH)?(?: WITH .+)?"
)


def _by_name() -> dict[str, str]:
    """Latin letters by what their names say: LATIN SMALL LETTER L WITH STROKE is an l, LATIN SMALL LETTER AE is ae."""
    letters = (chr(code) for first, end in _LATIN_BLOCKS for code in range(first, end))
    named = ((char, _NAME.fullmatch(unicodedata.name(char, ""))) for char in letters)
    return {char: name[1].lower() for char, name in named if name and not unicodedata.decomposition(char)}


def _pairs(text: str) -> dict[str, str]:
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


SPELLED = str.maketrans(_by_name() | _pairs(_OTHERS) | _pairs(_GREEK) | _APOSTROPHES)
"""For `str.translate`, after casefolding."""
