"""Names of people as feeds and databases write them, to the order a reader reads them in: given name first."""

import re
from functools import lru_cache

from bot.core.text import sanitize

MAX_PEOPLE = 5_000
MAX_TEXT = 100_000  # characters of one list of names: the largest collaborations need 60,000
MAX_NAME = 300
_EMAIL = re.compile(r"<?(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}>?")
_INSIDE = re.compile(r"\(([^()@]{1,300})\)")
_FOOTNOTES = re.compile(r"(?<=[^\W\d_])(?:[\d*†‡§¶#]{1,4},?){1,8}(?=$|,|;)|[*†‡§¶]{1,4}")  # "Ada Byron1,2*"
_HAN = re.compile(r"[\u3400-\u9fff·]{2,12}")
_INITIAL = re.compile(r"(?:[^\W\d_a-z]\.?-?){1,4}")  # "K.", "KM", "J.-P.", "É."; capitals are tested beside it
_SUFFIX = re.compile(
    r"(?:Jr|Sr|2nd|3rd|I{2,3}|IV|Ph\.? ?D|M\.?D|D\.?Phil|M\.?P\.?H|[MB]\.?Sc|MBBS|PharmD|D\.?V\.?M|DrPH)\.?",
    re.IGNORECASE,
)
_OTHERS = re.compile(r"(?:et al|others|u\. ?a)\.?", re.IGNORECASE)
_NOBODY = frozenset({"null", "none", "n/a", "na", "nan", "unknown", "undefined", "anonymous", "admin", "administrator"})
_AND_OTHERS = re.compile(r"\b(?:et al|(?:and|&) others)\.?[ ,;]*$", re.IGNORECASE)
_AND = re.compile(r",? (?:and|&|und|et|y) |\n")
_LIST = re.compile(r"[;|；、，]")


@lru_cache(maxsize=1024)  # the same few people write a feed
def people(text: str) -> tuple[str, ...]:
    """The names in a string: "A B, C D and E F", "Wright, K. M.; Coop, G.", "x@y.org (Jane Doe)", "Brandt A, Li M"."""
    text = sanitize.line(text[:MAX_TEXT], MAX_TEXT)
    if "@" in text:
        text = without_addresses(text)
    if "(" in text:
        text = _INSIDE.sub(" ", text) if _INSIDE.sub("", text).strip(" ,;()<>") else text  # affiliations
    text = _AND_OTHERS.sub("", text).strip(" ,;()<>")
    if " " in text and (any(map(str.isdigit, text)) or not text.isascii() or "*" in text):
        text = _FOOTNOTES.sub("", text)
    if not any(char.isalpha() for char in text) or text.lower() in _NOBODY:
        return ()
    names = [name for part in _divided(text)[:MAX_PEOPLE] if (name := given_first(part))]
    return tuple(name for name in names if any(char.isalpha() for char in name))


def without_addresses(text: str) -> str:
    """The names beside mail addresses: "x@y.org (Jane Doe)" and "Jane Doe <x@y.org>" are Jane Doe; "" for addresses
    alone."""
    if not _EMAIL.search(text):
        return text
    inside = _INSIDE.findall(text)
    return "; ".join(inside) if inside else _EMAIL.sub("", text).strip(" ,;()<>")


def given_first(name: str) -> str:
    """ "Wright, K. M." -> "K. M. Wright", "Brandão S" -> "S Brandão", "MacMullen,, L. E." -> "L. E. MacMullen"; other
    names as they are, without stray punctuation."""
    parts = [part for piece in name[: 2 * MAX_NAME].split(",") if (part := piece.strip(" ;"))]
    suffix = ""
    while len(parts) > 1 and _SUFFIX.fullmatch(parts[-1]):
        suffix = f" {parts.pop()}{suffix}"
    if not suffix and len(parts) > 2 and _SUFFIX.fullmatch(parts[1]):
        suffix = f" {parts.pop(1)}"
    if len(parts) == 2 and len(parts[1].split()) <= 4:
        parts = [f"{parts[1]} {parts[0]}"]
    elif len(parts) == 1 and not suffix:
        parts = [_turned(parts[0])]
    return sanitize.line(_without_stop(", ".join(parts)) + suffix, MAX_NAME)


def _turned(name: str) -> str:
    """Family name, then initials, as medicine writes it: turned round; other names as they are."""
    words = name.split()
    if not 2 <= len(words) <= 6 or not _is_initials(words[-1]):
        return name
    if any(_is_initials(word) and ("." in word or "." not in words[-1]) for word in words[:-1]):
        return name  # "J. R. R."; but of "LI B." the first is a name in capitals
    bare = words[-1].replace(".", "")
    if len(bare) > 1 and bare == words[-1] and "-" not in bare:
        return name  # "Mistral AI", "John Smith II": only a list of such names says that they are initials
    return " ".join((words[-1], *words[:-1]))


def _divided(text: str) -> list[str]:
    """The parts of a list that are one name each."""
    if _LIST.search(text):
        return [part for piece in _LIST.split(text) if (part := piece.strip()) and not _OTHERS.fullmatch(part)]
    joined = [part.strip(" ,") for part in _AND.split(text)]
    if len(joined) > 1 and all(part.count(",") == 1 for part in joined):
        families = [part.partition(",")[0] for part in joined]
        if any(" " not in family for family in families):
            return joined  # "Example, Ada and Muster, Björn"
    pieces = [piece.strip() for part in joined for piece in part.split(",")]
    pieces = [piece for piece in pieces if piece and not _OTHERS.fullmatch(piece)]
    if all(map(_HAN.fullmatch, pieces)):
        return pieces
    if len(pieces) < 2 or (len(pieces) == 3 and _SUFFIX.fullmatch(pieces[-1]) and " " not in pieces[0]):
        return [", ".join(pieces)]
    if len(pieces) % 2 == 0 and all(map(_are_initials, pieces[1::2])):
        return [f"{family}, {given}" for family, given in zip(pieces[::2], pieces[1::2], strict=True)]
    if all(" " in piece for piece in pieces) or len(pieces) > 2 or len(joined) > 1:
        pieces = _with_suffixes(pieces)
        return _medical(pieces) if len(pieces) > 1 else pieces
    return [", ".join(pieces)]


def _medical(pieces: list[str]) -> list[str]:
    """A list whose every name ends in initials ("de Souza AB, Li M."), as "family, initials"; another as it is."""
    split = [piece.rpartition(" ") for piece in pieces]
    if not all(family and _is_initials(last) and not _is_initials(family.split()[0]) for family, _, last in split):
        return pieces
    dotted = any("." in last for _, _, last in split[:-1])
    return [f"{family}, {last if dotted else last.rstrip('.')}" for family, _, last in split]


def _with_suffixes(pieces: list[str]) -> list[str]:
    names: list[str] = []
    for piece in pieces:
        if names and _SUFFIX.fullmatch(piece):
            names[-1] += f", {piece}"
        else:
            names.append(piece)
    return names


def _are_initials(text: str) -> bool:
    return 0 < len(text) <= 20 and all(map(_is_initials, text.split()))


def _is_initials(word: str) -> bool:
    return len(word) <= 12 and _INITIAL.fullmatch(word) is not None and all(c.isupper() for c in word if c.isalpha())


def _without_stop(name: str) -> str:
    """Without the full stop of the sentence the name ended; the one of an initial or an abbreviation stays."""
    name = name.strip(" ,;")
    last = name.rpartition(" ")[2]
    short = _is_initials(last) or _SUFFIX.fullmatch(last) or "." in last[:-1]
    return name if short or not name.endswith(".") else name.rstrip(". ")
