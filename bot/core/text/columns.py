"""How many columns of a terminal a text takes. Pure."""

import re
import unicodedata

NARROW = re.compile("[ -~\xa1-\xac\xae-\u02ff\u2010-\u2027]*")  # one column each; there are more


def width(text: str) -> int:
    """Columns a text takes in a terminal: wide characters two, combining marks none."""
    if text.isascii() or NARROW.fullmatch(text):
        return len(text)
    return sum(width_of(c) for c in text)


def width_of(c: str) -> int:
    """The same of one character."""
    if unicodedata.combining(c) or unicodedata.category(c) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1
