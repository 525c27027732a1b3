"""Small tools on integer arrays that `leaves`, `scan` and `best` share. Nothing here knows of papers or queries."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def spread(items: Ints, begins: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Every item as often as counted, beside the numbers from where it begins: begin, begin + 1, ..."""
    offsets = np.repeat(begins - (np.cumsum(counts) - counts), counts)
    return np.repeat(items, counts), offsets + np.arange(len(offsets))


def bucketed(buckets: Ints, size: int) -> tuple[Ints, Ints]:
    """Where each bucket begins when things are sorted by bucket (size + 1 numbers), and the order that sorts them."""
    begins = np.zeros(size + 1, np.int64)
    np.cumsum(np.bincount(buckets, minlength=size), out=begins[1:])
    return begins, np.argsort(buckets, kind="stable")


class Hashed:
    """A multimap from int64 to int32, for looking up many keys at once. Never changes."""

    def __init__(self, keys: Ints, values: NDArray[np.int32]) -> None:
        self._bits = max(12, (4 * len(keys)).bit_length())
        self._begins, order = bucketed(self._slots(keys), 1 << self._bits)
        self._keys, self._values = keys[order], values[order]

    def find(self, keys: Ints) -> tuple[Ints, Ints]:
        """(i, value) for every value of every keys[i], in the order of the keys."""
        slot = self._slots(keys)
        begin = self._begins[slot]
        index, at = spread(np.arange(len(keys)), begin, self._begins[slot + 1] - begin)
        same = self._keys[at] == keys[index]
        return index[same], self._values[at[same]].astype(np.int64)

    def _slots(self, keys: Ints) -> Ints:
        """Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4)."""
        mixed = (keys.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - self._bits)
        return mixed.view(np.int64)
