"""Tools on integer arrays, shared by `term_index`, `scan` and `top_k`. Nothing here knows of papers or queries."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint64]  # one for each paper
Ints = NDArray[np.int64]


def repeat_each(items: Ints, begins: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Every item as often as counted, beside the numbers from where it begins: begin, begin + 1, ..."""
    offsets = np.repeat(begins - (np.cumsum(counts) - counts), counts)
    return np.repeat(items, counts), offsets + np.arange(len(offsets))


class Hashed:
    """A multimap from int64 to int64, for looking up many keys at once. Never changes."""

    def __init__(self, keys: Sequence[int] | Ints, values: Sequence[int] | Ints) -> None:
        unsorted = np.asarray(keys, np.int64)
        self._bits = max(8, (4 * len(unsorted)).bit_length())
        slot = self._slots(unsorted)
        self._begins = np.zeros((1 << self._bits) + 1, np.int32)
        np.cumsum(np.bincount(slot, minlength=1 << self._bits), out=self._begins[1:])
        order = np.argsort(slot)
        self._keys, self._values = unsorted[order], np.asarray(values, np.int32)[order]

    def find(self, keys: Ints) -> tuple[Ints, Ints]:
        """(i, value) for every value of every keys[i]."""
        slot = self._slots(keys)
        begin = self._begins[slot].astype(np.int64)
        index, at = repeat_each(np.arange(len(keys)), begin, self._begins[slot + 1] - begin)
        same = self._keys[at] == keys[index]
        return index[same], self._values[at[same]].astype(np.int64)

    def _slots(self, keys: Ints) -> Ints:
        """Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4)."""
        mixed = (keys.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - self._bits)
        return mixed.view(np.int64)
