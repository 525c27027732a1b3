"""Names of people as feeds and databases write them, to the order a subscriber reads them in."""

import re

from bot.core.text import sanitize

_EMAIL = re.compile(r"<?[\w.+%-]+@[\w-]+(?:\.[\w-]+)+>?")
_INITIALS = r"(?:[A-Z]\.?[ -]?){1,5}"
_PAIRS = re.compile(rf"(?:[^\W\d_][^,;]*?, {_INITIALS}(?:, (?:Jr|Sr)\.?)?(?:,? (?:and|&) |, |$))+")
_PAIR = re.compile(rf"([^\W\d_][^,;]*?), ({_INITIALS})(?:,? (?:and|&) |, |$)")
MAX_PEOPLE = 5_000


def flipped(name: str) -> str:
    """ "Wright, K. M." -> "K. M. Wright"; other names as they are."""
    family, comma, given = (part.strip() for part in name.partition(","))
    if not comma or not family or not given or "," in given or len(given.split()) > 4:
        return name.strip()
    if re.fullmatch(r"(?:Jr|Sr|I{1,3}|IV|Ph\.?D|M\.?D)\.?", given):
        return name.strip()
    return f"{given} {family}"


def people(text: str) -> tuple[str, ...]:
    """The names in one string: "A B, C D and E F", "Wright, K. M.; Coop, G.", "x@y.org (Jane Doe)"."""
    text = sanitize.line(text, 100_000)
    if _EMAIL.search(text):
        inside = re.search(r"\(([^()@]+)\)", text)
        text = inside[1] if inside else _EMAIL.sub("", text)
    text = text.strip(" ,;()")
    if not any(char.isalpha() for char in text):
        return ()
    if ";" in text:
        parts = [flipped(part) for part in text.split(";")]
    elif _PAIRS.fullmatch(text):
        parts = [f"{given.strip()} {family}" for family, given in _PAIR.findall(text)]
    else:
        pieces = [piece.strip() for piece in re.split(r",| and | & ", text)]
        several = [piece for piece in pieces if piece and piece != "et al."]
        parts = several if all(" " in piece for piece in several) else [flipped(text)]
    names = (sanitize.line(part, 300).strip(" ,") for part in parts[:MAX_PEOPLE])
    return tuple(name for name in names if any(char.isalpha() for char in name))
