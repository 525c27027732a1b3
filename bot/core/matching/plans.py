"""How the terms of a query make it true, for all queries of one plan at once, in bits.

A *plan* is a query without its words. Its slots say what a term in them does: WANTED speaks for a paper, UNWANTED does
not (it stands behind NOT, or was told before), WEIGHTED speaks with a weight:

    (a OR b) NOT c        ("and", ("not", UNWANTED), ("or", WANTED, WANTED))    and its terms in this order: c, a, b

How terms are found in papers: see `scan`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from bot.core.matching.arrays import Bits
from bot.core.query.ast import Group, Leaf, Node, Number, Query

Take: TypeAlias = Callable[[int, Bits], None]  # writes the bits of slot j of every query of the step into an array
Evaluate: TypeAlias = Callable[[Take, Bits], None]  # writes which papers each query of the step is true of
Plan: TypeAlias = tuple[Any, ...]  # ("and" | "or" | "not", part, ...), ("of", least, part, ...), or one of the slots

WANTED: Plan = ("+",)
UNWANTED: Plan = ("-",)
WEIGHTED: Plan = ("^",)


def plan_of(query: Query) -> tuple[Plan, list[Leaf]]:
    """The plan of a query, and its terms in the order of the plan's slots."""
    terms: list[Leaf] = []
    return _plan(query.root, True, set(), terms), terms


@lru_cache(maxsize=256)
def alternatives(count: int) -> Plan:
    """The plan of so many different terms without weight, with OR between them."""
    return ("or", *[WANTED] * count)


def _plan(node: Node, wanted: bool, told: set[Leaf], terms: list[Leaf]) -> Plan:
    if not isinstance(node, Group):
        terms.append(node)
        return _slot_of(node, wanted, told)
    inside = wanted != (node.kind == "not")
    parts: list[tuple[Plan, list[Leaf]]] = []
    for part in node.parts:
        below: list[Leaf] = []
        parts.append((_plan(part, inside, told, below), below))
    parts.sort(key=lambda part: part[0])  # the order of the parts makes no difference
    for _, below in parts:
        terms += below
    head = (node.kind, node.least) if node.kind == "of" else (node.kind,)
    return (*head, *(plan for plan, _ in parts))


def _slot_of(leaf: Leaf, wanted: bool, told: set[Leaf]) -> Plan:
    """The slot of a term; `told` are the terms that have spoken for the paper, this one included afterwards."""
    if not wanted or leaf in told:
        return UNWANTED
    told.add(leaf)
    return WEIGHTED if not isinstance(leaf, Number) and leaf.weight != 1 else WANTED


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """A plan ready to be evaluated."""

    scored: tuple[int, ...]  # slots that speak for a paper
    weighted: bool
    evaluate: Evaluate


@lru_cache(maxsize=1 << 16)
def compiled(plan: Plan) -> QueryPlan:
    """What `plan_of` planned, made ready."""
    slots: list[Plan] = []
    evaluate = _compiled(plan, slots)
    return QueryPlan(tuple(i for i, slot in enumerate(slots) if slot != UNWANTED), WEIGHTED in slots, evaluate)


def _compiled(plan: Plan, slots: list[Plan]) -> Evaluate:
    """The evaluation of a part; its slots are numbered on behind those found so far."""
    kind = plan[0]
    if len(plan) == 1:
        slots.append(plan)
        return _slot(len(slots) - 1)
    if kind == "not":
        return _not(_compiled(plan[1], slots))
    if kind == "and":  # a & ~b needs no array for ~b alone
        return _all([(_compiled(p[1] if p[0] == "not" else p, slots), p[0] == "not") for p in plan[1:]])
    if kind == "or":
        return _any([_compiled(part, slots) for part in plan[1:]])
    return _at_least(plan[1], [_compiled(part, slots) for part in plan[2:]])


def _slot(slot: int) -> Evaluate:
    return lambda take, out: take(slot, out)


def _any(parts: list[Evaluate]) -> Evaluate:
    def evaluate(take: Take, out: Bits) -> None:
        parts[0](take, out)
        other = np.empty_like(out)
        for part in parts[1:]:
            part(take, other)
            np.bitwise_or(out, other, out=out)

    return evaluate


def _all(parts: list[tuple[Evaluate, bool]]) -> Evaluate:
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


def _not(part: Evaluate) -> Evaluate:
    def evaluate(take: Take, out: Bits) -> None:
        part(take, out)
        np.invert(out, out=out)

    return evaluate


def _at_least(least: int, parts: list[Evaluate]) -> Evaluate:
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
