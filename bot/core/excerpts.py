"""Pieces of a paper's text: cut at a sentence, with the matched words marked. Pure.

What a card shows of a paper belongs to `cards`.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bot.core.clean import shortened
from bot.core.editions import Quote

# A full stop that ends a sentence: not after an abbreviation or an initial, and followed by what begins one.
_STOP = re.compile(r"[.!?。！？]['\")\]”’]*\s+(?=[^a-z])|[。！？](?=\S)")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|et al|etc|cf|vs|resp|approx|ca|figs?|eqs?|secs?|tab|refs?|no|dr|prof|mrs?|st|w\.r\.t|a\.k\.a)"
    r"|\b(?-i:[A-Z]))\.$",
    re.IGNORECASE,
)


class Run(NamedTuple):
    """A piece of text, matched by a profile or not."""

    text: str
    hit: bool = False


Span = tuple[int, int]


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


def cut(text: str, limit: int) -> str:
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


def excerpt(text: str, limit: int, hits: Sequence[str] = ()) -> str:
    """`cut`, but when none of the matched words would be seen, the first sentence that has one is shown as well:
    "We present X. … It needs sparse attention." At most `limit` characters and that sentence, itself cut at 240."""
    head = cut(text, limit)
    if len(head) >= len(text) or not hits or spans(head, hits):
        return head
    for sentence in sentences(text):
        found = spans(sentence, hits)
        if found and not head.endswith(sentence):
            start = max(0, found[0][0] - 100) if len(sentence) > 240 else 0
            start = sentence.find(" ", start) + 1 if start else 0
            mark = " " if head.endswith("…") else " … "
            return f"{head}{mark}{'…' if start else ''}{shortened(sentence[start:], 240)}"
    return head


def spans(text: str, hits: Iterable[str]) -> list[Span]:
    """Where the words stand in a text, as whole words and in any case; in order, none overlapping."""
    found: list[Span] = []
    for words in sorted(set(hits), key=lambda hit: (-len(hit), hit)):
        if not words:
            continue
        pattern = r"\s+".join(re.escape(word) for word in words.split())
        for place in re.finditer(rf"(?<!\w){pattern}(?!\w)", text, re.IGNORECASE):
            if all(place.end() <= start or place.start() >= end for start, end in found):
                found.append(place.span())
    return sorted(found)


def marked(text: str, hits: Iterable[str]) -> tuple[Run, ...]:
    """The text in runs, the matched words apart."""
    runs, at = [], 0
    for start, end in spans(text, hits):
        if at < start:
            runs.append(Run(text[at:start]))
        runs.append(Run(text[start:end], hit=True))
        at = end
    if at < len(text):
        runs.append(Run(text[at:]))
    return tuple(runs)


def quoted(quotes: Iterable[Quote], field: str) -> tuple[str, ...]:
    """The words quoted from one field, each once."""
    return tuple(dict.fromkeys(quote.text for quote in quotes if quote.field == field and quote.text))
