"""Small tools on integer arrays that `leaves`, `scan` and `best` share. Nothing here knows of papers or queries."""

from array import array

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def spread(items: Ints, begins: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Every item as often as counted, beside the numbers from where it begins: begin, begin + 1, ..."""
    offsets = np.repeat(begins - (np.cumsum(counts) - counts), counts)
    return np.repeat(items, counts), offsets + np.arange(len(offsets))


class Hashed:
    """A multimap from int64 to int32, for looking up many keys at once. Never changes."""

    def __init__(self, keys: Ints, values: NDArray[np.int32]) -> None:
        self._bits = max(8, (4 * len(keys)).bit_length())
        slot = self._slots(keys)
        self._begins = np.zeros((1 << self._bits) + 1, np.int32)
        np.cumsum(np.bincount(slot, minlength=1 << self._bits), out=self._begins[1:])
        order = np.argsort(slot)
        self._keys, self._values = keys[order], values[order]

    def find(self, keys: Ints) -> tuple[Ints, Ints]:
        """(i, value) for every value of every keys[i]."""
        slot = self._slots(keys)
        begin = self._begins[slot].astype(np.int64)
        index, at = spread(np.arange(len(keys)), begin, self._begins[slot + 1] - begin)
        same = self._keys[at] == keys[index]
        return index[same], self._values[at[same]].astype(np.int64)

    def _slots(self, keys: Ints) -> Ints:
        """Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4)."""
        mixed = (keys.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - self._bits)
        return mixed.view(np.int64)


class Growing:
    """A multimap like `Hashed` that grows: what came lately is kept apart and merged when it has become much."""

    def __init__(self) -> None:
        self.keys, self.values = array("q"), array("i")
        self._parts: list[Hashed] = []
        self._merged = self._known = 0

    def add(self, key: int, value: int) -> None:
        self.keys.append(key)
        self.values.append(value)

    def find(self, keys: Ints) -> tuple[Ints, Ints]:
        """(i, value) for every value of every keys[i]."""
        if self._known < len(self.keys):
            if len(self.keys) - self._merged > 1024 + self._merged // 8:
                self._merged, self._parts = 0, []
            fresh = slice(self._merged, None)
            part = Hashed(np.array(self.keys[fresh], np.int64), np.array(self.values[fresh], np.int32))
            if not self._parts:
                self._merged = len(self.keys)
            self._parts = [*self._parts[:1], part]
            self._known = len(self.keys)
        found = [part.find(keys) for part in self._parts] or [(np.empty(0, np.int64), np.empty(0, np.int64))]
        index, value = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return index, value
