"""Queries of one shape side by side: their leaves in one array, evaluated a step at a time.

What a shape is is said in `shapes`; which query is where is the affair of `matcher`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.core.matching.plans import Bits, Take, shape
from bot.core.matching.scan import Scan

STEP = 32768  # 64-bit words of one array in a step: a handful of them stay in the cache of a core


class Group:
    """All queries of one shape: their leaves, and which queries they are. Arrays grow; `count` rows are in use."""

    def __init__(
        self,
        text: str,
        leaves: NDArray[np.int32],
        members: NDArray[np.int64],
        weights: NDArray[np.float64],
        count: int,
    ) -> None:
        self.shape = text
        self.leaves = leaves  # [queries, slots]
        self.members = members
        self.weights = weights  # [queries, slots], or [queries, 0] where no slot has a weight
        self.count = count

    def append(self, index: int, leaves: list[int], weights: list[float]) -> int:
        """Adds a query; returns its row. `weights` are empty where no slot has one."""
        if self.count == len(self.members):
            self.grow(self.count)
        self.leaves[self.count], self.members[self.count] = leaves, index
        if weights:
            self.weights[self.count] = weights
        self.count += 1
        return self.count - 1

    def grow(self, room: int) -> None:
        """Makes room for so many more."""
        room = max(8, room)
        self.leaves = np.concatenate([self.leaves, np.zeros((room, self.leaves.shape[1]), np.int32)])
        self.members = np.concatenate([self.members, np.zeros(room, np.int64)])
        self.weights = np.concatenate([self.weights, np.ones((room, self.weights.shape[1]))])

    def remove(self, row: int) -> int:
        """Takes a query out; returns the query that has its row now."""
        last = self.count = self.count - 1
        moved = self.members[row] = self.members[last]
        self.leaves[row] = self.leaves[last]
        if self.weights.shape[1]:
            self.weights[row] = self.weights[last]
        return int(moved)

    def copy(self) -> "Group":
        """The same queries in arrays of their own."""
        count = self.count
        return Group(
            self.shape, self.leaves[:count].copy(), self.members[:count].copy(), self.weights[:count].copy(), count
        )


@dataclass(frozen=True, slots=True)
class Block:
    """Queries of one shape as they were when papers were matched."""

    shape: str
    leaves: NDArray[np.int32]
    weights: NDArray[np.float64]
    rows: NDArray[np.int64]  # the rows of the result that are theirs


def evaluate(block: Block, now: Scan, past: Scan | None, out: Bits) -> None:
    """Writes the rows of one shape's queries."""
    compute = shape(block.shape).evaluate
    width = out.shape[1]
    step = max(64, STEP // width)
    buffer = np.empty((min(step, len(block.rows)), width), np.uint64)
    for low in range(0, len(block.rows), step):
        leaves = block.leaves[low : low + step]
        result = buffer[: len(leaves)]
        compute(_taker(now, leaves), result)
        if past is not None:
            earlier = np.empty_like(result)
            compute(_taker(past, leaves), earlier)
            result &= ~earlier
        out[block.rows[low : low + step]] = result


def _taker(found: Scan, leaves: NDArray[np.int32]) -> Take:
    rows = found.row.take(leaves.T)

    def take(slot: int, out: Bits) -> None:
        found.bits.take(rows[slot], axis=0, out=out, mode="clip")

    return take
