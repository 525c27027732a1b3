"""Boolean skeletons: how a query's leaves make it true, for all queries of one skeleton at once, in bits.

A *shape* is a query without its words: `|(+++)` is any three terms with OR between them. Its signs stand for slots:
`+` a term that speaks for a paper, `-` one that does not (behind NOT, or told twice), `^` one with a weight. Finding
terms does not belong here (see `scan`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bot.core.query.ast import Group, Leaf, Node, Number, Query

Bits: TypeAlias = NDArray[np.uint64]
Take: TypeAlias = Callable[[int, Bits], None]  # writes the bits of slot j of every query of the step into an array

_OPENERS = {"and": "&", "or": "|", "not": "!"}


def outline(query: Query) -> tuple[str, list[Leaf]]:
    """The shape of a query, and its leaves in the order of the shape's slots."""
    leaves: list[Leaf] = []
    return _outline(query.root, True, set(), leaves), leaves


def alternatives(count: int) -> str:
    """The shape of so many different terms without weight, with OR between them."""
    return f"|({'+' * count})"


def _outline(node: Node, wanted: bool, told: set[Leaf], leaves: list[Leaf]) -> str:
    if not isinstance(node, Group):
        leaves.append(node)
        return _sign(node, wanted, told)
    inside = wanted != (node.kind == "not")
    inner: list[tuple[str, Sequence[Leaf]]] = []
    for part in node.parts:
        if isinstance(part, Group):
            below: list[Leaf] = []
            inner.append((_outline(part, inside, told, below), below))
        else:
            inner.append((_sign(part, inside, told), (part,)))
    inner.sort(key=itemgetter(0))  # the order of the parts makes no difference
    for _, parts in inner:
        leaves += parts
    opener = _OPENERS.get(node.kind) or f"{node.least}#"
    return f"{opener}({''.join([text for text, _ in inner])})"


def _sign(leaf: Leaf, wanted: bool, told: set[Leaf]) -> str:
    """The sign of a slot; `told` are the leaves that have spoken for the paper, this one included afterwards."""
    if not wanted:
        return "-"
    before = len(told)
    told.add(leaf)
    if len(told) == before:
        return "-"
    return "^" if _weighted(leaf) else "+"


def _weighted(leaf: Leaf) -> bool:
    return not isinstance(leaf, Number) and leaf.weight != 1


@dataclass(frozen=True, slots=True)
class Shape:
    """A skeleton ready to be evaluated."""

    width: int  # how many slots
    scored: tuple[int, ...]  # slots that speak for a paper
    weighted: bool
    evaluate: Callable[[Take, Bits], None]  # writes which papers each query of the step is true of


@lru_cache(maxsize=1 << 16)
def shape(text: str) -> Shape:
    """The shape that `outline` wrote."""
    slots = [c for c in text if c in "+-^"]
    evaluate, _, _ = _compiled(text, 0, 0)
    return Shape(len(slots), tuple(i for i, c in enumerate(slots) if c != "-"), "^" in slots, evaluate)


def _compiled(text: str, at: int, slot: int) -> tuple[Callable[[Take, Bits], None], int, int]:
    """The evaluation of the part at a position; the position and the slot behind it."""
    if text[at] in "+-^":
        return _leaf(slot), at + 1, slot + 1
    opened = text.index("(", at)
    opener, at = text[at:opened], opened + 1
    parts = []
    while text[at] != ")":
        negated = text[at] == "!" and opener == "&"  # a & ~b needs no array for ~b alone
        if negated:
            part, at, slot = _compiled(text, at + 2, slot)
            at += 1
        else:
            part, at, slot = _compiled(text, at, slot)
        parts.append((part, negated))
    if opener == "&":
        evaluate = _all(parts)
    elif opener == "|":
        evaluate = _any([part for part, _ in parts])
    elif opener == "!":
        evaluate = _not(parts[0][0])
    else:
        evaluate = _at_least(int(opener[:-1]), [part for part, _ in parts])
    return evaluate, at + 1, slot


def _leaf(slot: int) -> Callable[[Take, Bits], None]:
    return lambda take, out: take(slot, out)


def _any(parts: list[Callable[[Take, Bits], None]]) -> Callable[[Take, Bits], None]:
    def evaluate(take: Take, out: Bits) -> None:
        parts[0](take, out)
        other = np.empty_like(out)
        for part in parts[1:]:
            part(take, other)
            np.bitwise_or(out, other, out=out)

    return evaluate


def _all(parts: list[tuple[Callable[[Take, Bits], None], bool]]) -> Callable[[Take, Bits], None]:
    ordered = sorted(parts, key=lambda pair: pair[1])  # those without NOT first

    def evaluate(take: Take, out: Bits) -> None:
        part, negated = ordered[0]
        part(take, out)
        if negated:
            np.invert(out, out=out)
        other = np.empty_like(out)
        for part, negated in ordered[1:]:
            part(take, other)
            if negated:
                np.invert(other, out=other)
            np.bitwise_and(out, other, out=out)

    return evaluate


def _not(part: Callable[[Take, Bits], None]) -> Callable[[Take, Bits], None]:
    def evaluate(take: Take, out: Bits) -> None:
        part(take, out)
        np.invert(out, out=out)

    return evaluate


def _at_least(least: int, parts: list[Callable[[Take, Bits], None]]) -> Callable[[Take, Bits], None]:
    def evaluate(take: Take, out: Bits) -> None:
        planes: list[Bits] = []
        for count, part in enumerate(parts, 1):
            carry = np.empty_like(out)
            part(take, carry)
            for i, plane in enumerate(planes):
                planes[i] = plane ^ carry
                carry &= plane
            if count.bit_length() > len(planes):
                planes.append(carry)
        _reach(planes, least, out)

    return evaluate


def _reach(planes: list[Bits], least: int, out: Bits) -> None:
    """Writes which counts are at least so high; plane i holds bit i of the counts."""
    out[...] = ~np.uint64(0)
    for i, plane in enumerate(planes):  # after each: whether the counts so far down are at least `least` so far down
        if least >> i & 1:
            np.bitwise_and(out, plane, out=out)
        else:
            np.bitwise_or(out, plane, out=out)
