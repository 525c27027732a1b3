"""How text becomes words: folding, plurals, compounds, exact forms, names. The same rules for papers and for queries.

What a query is and what it is true of does not belong here (see `query` and `evaluate`).
"""

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from bot.core.text.sanitize import composed

ANALYSER = 1  # goes up when anything below reads a text differently: stored compilations of older versions are void

SMALL_WORDS = frozenset(
    "a an and are as at be for if in is it may no not of or so the to we with".split()  # noqa: SIM905
)
"""They never begin a compound: "in variance" is not `invariance`."""

_RUNS = re.compile(r"[^\W_]+")  # the longest runs of characters for which str.isalnum holds
_OTHERS = re.compile(r"[^\x00-\x7f]")
_DROPPED = ("Mn", "Cf")  # accents; soft hyphens, zero-width characters and their like


def fold(text: str) -> str:
    """NFKD, without accents and invisible characters, casefolded."""
    if text.isascii():
        return text.lower()
    others = set(_OTHERS.findall(text))
    if len(others) > 32:
        return "".join([_fold_other(c) if c > "\x7f" else c for c in text]).casefold()
    for c in others:
        text = text.replace(c, _fold_other(c))
    return text.casefold()


@lru_cache(maxsize=1 << 14)
def _fold_other(c: str) -> str:
    """One character outside ASCII. NFKD takes characters one by one, but for the order of accents, which all go."""
    kept = [d for d in unicodedata.normalize("NFKD", c) if unicodedata.category(d) not in _DROPPED]
    return "".join(kept).casefold()


def words(text: str) -> list[str]:
    """The folded words of a text, in order; plurals as they are."""
    return _RUNS.findall(fold(text))


def exact_words(text: str) -> list[str]:
    """The words of a text as they are typed (after NFKC): for `=`."""
    return _RUNS.findall(text if text.isascii() else composed("NFKC", text))


def fold_value(text: str) -> str:
    """A category or the name of a source, for comparison as a whole."""
    if text.isascii():
        return text.lower()
    folded = composed("NFKC", text).casefold()
    return composed("NFKC", folded)  # casefolding may leave accents out of order


def singular(word: str) -> str:
    """A folded word without its plural ending: Harman's S-stemmer (1991), then the endings on which its two forms part.

    The second step takes `ie` and `y` together, and drops the `e` after ch, sh, ss and x: `movie` and `movies`,
    `patch` and `patches` meet.
    """
    if len(word) < 4 or word[-1] not in "se":
        return word
    if word[-1] == "s" and word != "news":
        if word.endswith("ies") and not word.endswith(("eies", "aies")):
            word = word[:-3] + "y"
        elif not word.endswith(("us", "ss")):  # Harman's second rule, `es` to `e`, comes to the same
            word = word[:-1]
    if word.endswith("ie"):
        return word[:-2] + "y"
    if word.endswith(("che", "she", "sse", "xe")):
        return word[:-1]
    return word


def joins(first: str, second: str) -> bool:
    """Whether two neighbouring folded words may be read as one."""
    return first not in SMALL_WORDS and not (first.isdigit() and second.isdigit())


class Word(NamedTuple):
    """A word and the place [start, end) where it stands in the text itself; -1 where that cannot be told."""

    word: str
    start: int
    end: int


def word_spans(text: str) -> list[Word]:
    """The words of `words(text)` with their places."""
    if text.isascii():
        return [Word(run.group().lower(), run.start(), run.end()) for run in _RUNS.finditer(text)]
    return _located(text, [fold(c) for c in text], list(range(len(text) + 1)))


def exact_word_spans(text: str) -> list[Word]:
    """The words of `exact_words(text)` with their places."""
    if text.isascii():
        return [Word(run.group(), run.start(), run.end()) for run in _RUNS.finditer(text)]
    starts = [i for i, c in enumerate(text) if not i or not _composes(c)] + [len(text)]
    pieces = [composed("NFKC", text[a:b]) for a, b in pairwise(starts)]
    if "".join(pieces) != composed("NFKC", text):
        return [Word(word, -1, -1) for word in exact_words(text)]
    return _located(text, pieces, starts)


def _composes(c: str) -> bool:
    """Whether NFKC may draw a character into the one before it: marks, later letters of Hangul."""
    return unicodedata.category(c)[0] == "M" or "\u1160" <= c <= "\u11ff" or "\uff9e" <= c <= "\uff9f"


def _located(text: str, pieces: list[str], starts: list[int]) -> list[Word]:
    """The words of the pieces put together; piece number i stands for text[starts[i]:starts[i + 1]]."""
    owner = [i for i, piece in enumerate(pieces) for _ in piece]
    found = []
    for run in _RUNS.finditer("".join(pieces)):
        end = starts[owner[run.end() - 1] + 1]
        while end < len(text) and unicodedata.category(text[end]) == "Mn":  # an accent belongs to its letter
            end += 1
        found.append(Word(run.group(), starts[owner[run.start()]], end))
    return found
