"""How text becomes words: folding, what belongs to a word, compounds, exact forms. The same for papers and queries.

Plurals are in `plurals`, the characters of the world's scripts in `scripts`. What a query is true of: see `evaluate`.

A text is folded (NFKD, no accents, casefolded, Greek letters by name, ł as l), then cut into words, which are

    runs of letters and digits    model  gpt4  v1.5  1,000    a dot or comma between two digits belongs to the run
    with signs behind             c++  c#  ca2+               if there is a letter in it and none directly behind
    with a dot in front           .net                        at the beginning of a token
    runs of Hangul                언어모델을                   never together with other letters
    single characters             强 化 学 习                   of scripts that have no blanks between words
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from itertools import pairwise
from typing import NamedTuple

from bot.core.query.scripts import BLANKLESS, DIGIT, HANGUL, JAMO, QUOTATION_MARK
from bot.core.text.letters import SPELLED
from bot.core.text.sanitize import composed

SMALL_WORDS = frozenset("a an and are as at be for if in is it may no not of or so the to we with".split())
"""They never begin a compound: "in variance" is not `invariance`."""

_BEGIN = rf"(?<![^\s(\[{{{QUOTATION_MARK}])"  # of a token
_ALNUM = rf"[^\W_{BLANKLESS}{HANGUL}]"
_LETTER = rf"[^\W\d_{BLANKLESS}{HANGUL}]"  # that makes a sign before it only split
_SIGNS = rf"(?:(?![+#]+{_LETTER})[+#]+)?"
_WORD = (
    rf"(?:{_BEGIN}\.(?=[^\W\d_{BLANKLESS}]))?"
    rf"(?:{_ALNUM}+(?:(?<=[{DIGIT}])[.,](?=[{DIGIT}]){_ALNUM}+)*|[{HANGUL}]+){_SIGNS}"
    rf"|(?=[^\W_])[{BLANKLESS}]"
)
_ASCII_WORD = re.compile(  # the same words in ASCII text, found faster
    r"""(?:(?<![^\s(\[{"'`])\.(?=[A-Za-z]))?[A-Za-z0-9]+(?:(?<=[0-9])[.,](?=[0-9])[A-Za-z0-9]+)*"""
    r"""(?:(?![+#]+[A-Za-z])[+#]+)?"""
)
_SPACED = "".join(chr(c) if chr(c).isalnum() else " " for c in range(128))
_OTHERS = re.compile(r"[^\x00-\x7f]")
_PARTS_OF_SYLLABLES = f"[{JAMO}]"
_SIGN_OF_SCRIPT = rf"(?![^\W_])[{BLANKLESS}]"
_IS_BLANKLESS = f"[{BLANKLESS}]"
_IS_HANGUL = f"[{HANGUL}]"
_IGNORED = ("Mn", "Cf")  # accents; soft hyphens, zero-width characters and their like


@cache
def _pattern(of: str) -> re.Pattern[str]:
    """Patterns of the world's scripts are made when a text outside ASCII comes: making them takes longer than most of
    what the program imports."""
    return re.compile(of)


def fold(text: str) -> str:
    """NFKD without accents and invisible characters, casefolded, Greek letters by name; Hangul in syllables."""
    if text.isascii():
        return text.lower()
    others = set(_OTHERS.findall(text))
    if len(others) > 32:
        folded = "".join([_fold_other(c) if c > "\x7f" else c for c in text]).casefold()
    else:
        for c in others:
            text = text.replace(c, _fold_other(c))
        folded = text.casefold()
    return composed("NFC", folded) if _pattern(_PARTS_OF_SYLLABLES).search(folded) else folded


@lru_cache(maxsize=1 << 14)
def _fold_other(c: str) -> str:
    """One character outside ASCII. NFKD takes characters one by one, but for the order of accents, which all go."""
    parts = [d for d in unicodedata.normalize("NFKD", c) if unicodedata.category(d) not in _IGNORED]
    folded = _pattern(_SIGN_OF_SCRIPT).sub("", "".join(parts).casefold().translate(SPELLED))
    if _pattern(_IS_HANGUL).match(c):
        return unicodedata.normalize("NFC", folded)
    return "".join([d if d < "\x80" or d.isalnum() else _ascii_mark(d) for d in folded])


def _ascii_mark(c: str) -> str:
    """What only splits words is as good in ASCII, where texts are cut faster."""
    return '"' if c in QUOTATION_MARK else " " if c.isspace() else "-"


def unfolded(text: str) -> str:
    """The text in which exact words are looked for: NFKC."""
    return text if text.isascii() else _pattern(_SIGN_OF_SCRIPT).sub("", composed("NFKC", text))


def words(text: str) -> list[str]:
    """The folded words of a text, in order; plurals as they are."""
    return split_words(fold(text))


def exact_words(text: str) -> list[str]:
    """The words of a text as they are typed (after NFKC): for `=`."""
    return split_words(unfolded(text))


def split_words(text: str) -> list[str]:
    """The words of a text that is folded, or NFKC."""
    is_ascii = text.isascii()
    if is_ascii and "+" not in text and "#" not in text:
        inside = text.count(".") - text.count(". ") - text.endswith(".") or text.count(",") - text.count(", ")
        if not inside:  # no dot or comma that could belong to a word: letters and digits are all that counts
            return text.translate(_SPACED).split()
    found: list[str] = (_ASCII_WORD if is_ascii else _pattern(_WORD)).findall(text)
    return [_without_stray_sign(word) for word in found] if "+" in text or "#" in text else found


def _without_stray_sign(word: str) -> str:
    """100+ is the word 100: a sign belongs to a word that holds a letter."""
    return word.rstrip("+#") if word[-1] in "+#" and not any(map(str.isalpha, word)) else word


def fold_value(text: str) -> str:
    """A category or the name of a source, for comparison as a whole."""
    if text.isascii():
        return text.lower()
    folded = composed("NFKC", text).casefold()
    return composed("NFKC", folded)  # casefolding may leave accents out of order


def joins(first: str, second: str) -> bool:
    """Whether two neighbouring folded words may be read as one.

    Characters of scripts without blanks, and Hangul beside anything else, are never one word: nothing is missed.
    """
    if first in SMALL_WORDS or is_blankless(first) or is_blankless(second):
        return False
    return is_hangul(first) == is_hangul(second) and not (is_number(first) and is_number(second))


def is_number(word: str) -> bool:
    """3, 3.5 and 1,000 are numbers."""
    return word.isdigit() or (word[0].isdigit() and word.replace(".", "").replace(",", "").isdigit())


def is_blankless(word: str) -> bool:
    """Whether a word is a character of a script that has no blanks between words."""
    return word[0] > "\x7f" and _pattern(_IS_BLANKLESS).match(word) is not None


def is_hangul(word: str) -> bool:
    """Whether a word is written in Hangul: as a query word it is true of every word that begins with it."""
    return word[0] > "\x7f" and _pattern(_IS_HANGUL).match(word) is not None


def without_plus(word: str) -> str:
    """CD4 for CD4+, which it is true of; "" for any other word: C++ is nobody's."""
    return word[:-1] if word[-1] == "+" and word[-2] not in "+#" else ""


def count_of_phrase(text: str) -> int:
    """How many words a phrase counts for: a run of a script without blanks is one."""
    count, run_until = 0, -1
    for word, start, end in _matches(fold(text)):
        in_run = is_blankless(word)
        count += not (in_run and start == run_until)
        run_until = end if in_run else -1
    return count


def begins_with_dot(text: str, at: int) -> bool:
    """Whether a word begins at a position with a dot, as .NET does."""
    return text[at : at + 1] == "." and text[at + 1 : at + 2].isalpha() and not is_blankless(text[at + 1])


class Word(NamedTuple):
    """A word and the place [start, end) where it stands in the text itself; -1 where that cannot be told."""

    word: str
    start: int
    end: int


def word_spans(text: str) -> list[Word]:
    """The words of `words(text)` with their places."""
    return _spans(text, fold)


def places_of_words(text: str) -> list[tuple[int, int]]:
    """The places alone: [start, end) of each."""
    folded, origin = _folded(text, fold)
    if origin is None and "+" not in folded and "#" not in folded:  # nearly all: no word ends before its characters do
        return [found.span() for found in (_ASCII_WORD if folded.isascii() else _pattern(_WORD)).finditer(folded)]
    return [(start, end) for _, start, end in _located(folded, origin)]


def exact_word_spans(text: str) -> list[Word]:
    """The words of `exact_words(text)` with their places."""
    return _spans(text, unfolded)


def _spans(text: str, folding: Callable[[str], str]) -> list[Word]:
    return _located(*_folded(text, folding))


def _folded(text: str, folding: Callable[[str], str]) -> tuple[str, list[tuple[int, int]] | None]:
    """The folded text, and for each of its characters the place in the text it comes from: None if that is its own,
    an empty list if it cannot be told."""
    folded = folding(text)
    if text.isascii():
        return folded, None
    letters = set(text)
    if any(map(_belongs_to_the_letter_before, letters)):
        starts = [i for i, c in enumerate(text) if not i or not _belongs_to_the_letter_before(c)] + [len(text)]
        places = list(pairwise(starts))
        pieces = [folding(text[start:end]) for start, end in places]
    else:  # nearly always: every character is folded by itself
        alone = {c: folding(c) for c in letters}
        places = list(pairwise(range(len(text) + 1)))
        pieces = [alone[c] for c in text]
    if "".join(pieces) != folded:  # letters became one over a distance
        return folded, []
    if len(pieces) == len(text) and set(map(len, pieces)) == {1}:
        return folded, None
    return folded, [place for piece, place in zip(pieces, places, strict=True) for _ in piece]


def _belongs_to_the_letter_before(c: str) -> bool:
    """Marks, and the later letters of a syllable of Hangul: NFKC may draw them into the letter before."""
    return unicodedata.category(c)[0] == "M" or "\u1160" <= c <= "\u11ff" or "\uff9e" <= c <= "\uffdc"


def _located(text: str, origin: list[tuple[int, int]] | None) -> list[Word]:
    """The words of a folded text with the places they come from."""
    if origin is None:
        return [Word(*found) for found in _matches(text)]
    if not origin:
        return [Word(word, -1, -1) for word in split_words(text)]
    return [Word(word, origin[start][0], origin[end - 1][1]) for word, start, end in _matches(text)]


def _matches(text: str) -> Iterator[tuple[str, int, int]]:
    for found in (_ASCII_WORD if text.isascii() else _pattern(_WORD)).finditer(text):
        word = _without_stray_sign(found[0])
        yield word, found.start(), found.start() + len(word)


def prefix_of(wanted: str) -> str | None:
    """The letters with which a word begins that the term's word is true of; None: it has to be the same word."""
    if wanted[-1] == "*":
        return wanted[:-1]
    return wanted if is_hangul(wanted) else None


def units(words: "list[str] | tuple[str, ...]", i: int, *, joined: bool) -> Iterator[tuple[str, int]]:
    """What a reading may have at place i: the word, or the word joined with the next; and the place after it."""
    if i < len(words):
        yield words[i], i + 1
    if joined and i + 1 < len(words) and "*" not in words[i] and joins(words[i], words[i + 1].rstrip("*")):
        yield words[i] + words[i + 1], i + 2
