"""Pieces of a paper's text: cut at a sentence, with the matched words marked. Pure.

What a card shows of a paper belongs to `paper_view`.
"""

import re
from collections.abc import Iterable, Iterator

from bot.core.letter.partial_template import Place
from bot.core.text.sanitize import shortened

# A full stop that ends a sentence: not after an abbreviation or an initial, and followed by what begins one.
_STOP = re.compile(r"[.!?。！？]['\")\]”’]*\s+(?=[^a-z])|[。！？](?=\S)")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|et al|etc|cf|vs|resp|approx|ca|figs?|eqs?|secs?|tab|refs?|no|dr|prof|mrs?|st|w\.r\.t|a\.k\.a)"
    r"|\b(?-i:[A-Z]))\.$",
    re.IGNORECASE,
)
# White space other than a single blank; letters that are another letter in another case: ſ is an s, \u212a a k.
_ODD = re.compile("[^\\S ]|  |[ſıİ\u212a]")


def sentences(text: str) -> list[str]:
    """The sentences of a text; joined with blanks they are the text again (its blanks being single)."""
    found, start = [], 0
    for stop in _STOP.finditer(text):
        if _ABBREVIATION.search(text, max(start, stop.start() - 12), stop.start() + 1):
            continue
        found.append(text[start : stop.end()].strip())
        start = stop.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters: whole sentences where they fill at least two fifths of it, else whole words and an
    ellipsis."""
    if len(text) <= limit:
        return text
    kept = ""
    for sentence in sentences(text):
        longer = f"{kept} {sentence}" if kept else sentence
        if len(longer) > limit:
            break
        kept = longer
    return kept if len(kept) >= limit * 2 // 5 else shortened(text, limit)


class Passage:
    """A text of a paper, to look for many subscribers' words in."""

    def __init__(self, text: str) -> None:
        self.text = text
        lower = text.lower()
        # Where lower case takes other places, or letters have three cases, only regular expressions know what is alike.
        self._lower = lower if len(lower) == len(text) and not _ODD.search(text) else ""

    def spans(self, hits: Iterable[str]) -> tuple[Place, ...]:
        """Where the words stand, as whole words and in any case; in order, none overlapping."""
        found: list[Place] = []
        for words in sorted(set(hits), key=lambda hit: (-len(hit), hit)):
            for start, end in self._places(words):
                if all(end <= other or start >= other_end for other, other_end in found):
                    found.append((start, end))
        return tuple(sorted(found))

    def _places(self, words: str) -> Iterator[Place]:
        wanted = " ".join(words.split())
        if not wanted or not self.text:
            return
        if not self._lower or not (wanted.isascii() or all(c.isascii() or c.lower() == c.upper() for c in wanted)):
            pattern = r"\s+".join(re.escape(word) for word in wanted.split(" "))
            for place in re.finditer(rf"(?<!\w){pattern}(?!\w)", self.text, re.IGNORECASE):
                yield place.span()
            return
        wanted = wanted.lower()
        start = self._lower.find(wanted)
        while start >= 0:
            end = start + len(wanted)
            if not (_in_word(self.text[start - 1 : start]) or _in_word(self.text[end : end + 1])):
                yield start, end
                start = self._lower.find(wanted, end)
            else:
                start = self._lower.find(wanted, start + 1)


def _in_word(c: str) -> bool:
    return c.isalnum() or c == "_"
