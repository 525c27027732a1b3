"""The terms of many queries as one table: each distinct term is a leaf with a number, its words paths of an automaton.

Finding leaves in papers does not belong here (see `scan`), nor how leaves make a query true (`shapes`).

A *label* is what one unit of a reading may be: a word without its plural ("model"), any word that begins so
("quantiz*"), a word as typed ("=RAG"); with "@" in front the same for names. A phrase is a path of labels; phrases
share their first words. From one state a label may lead to several states, and at one state several leaves may end.
"""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.core.query_tree import VALUE_FIELDS, Leaf, Number, Term, written
from bot.core.text import joins, singular

NEVER = 0  # the leaf that is true of no paper
TITLE, ABSTRACT, AUTHOR, ORG = 1, 2, 4, 8
FIELD_BITS = {"": TITLE | ABSTRACT, "title": TITLE, "abstract": ABSTRACT, "author": AUTHOR, "org": ORG}
PRIME = (1 << 31) - 1
SHARED_WORDS = 4  # as far into a phrase its path may be shared; each reading of that many words has a path of its own


class SortedPairs:
    """A multimap from int64 to int32, sorted for `searchsorted`; additions are merged when it is next read."""

    def __init__(self, keys: NDArray[np.int64] | None = None, values: NDArray[np.int32] | None = None) -> None:
        self._keys = np.empty(0, np.int64) if keys is None else keys
        self._values = np.empty(0, np.int32) if values is None else values
        self._fresh_keys: list[int] = []
        self._fresh_values: list[int] = []

    def add(self, key: int, value: int) -> None:
        self._fresh_keys.append(key)
        self._fresh_values.append(value)

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Keys in ascending order and their values. The arrays are not written to afterwards."""
        if self._fresh_keys:
            keys = np.array(self._fresh_keys, np.int64)
            values = np.array(self._fresh_values, np.int32)
            order = np.argsort(keys, kind="stable")
            keys, values = keys[order], values[order]
            if len(self._keys):
                places = np.searchsorted(self._keys, keys, side="right")
                keys, values = np.insert(self._keys, places, keys), np.insert(self._values, places, values)
            self._keys, self._values = keys, values
            self._fresh_keys, self._fresh_values = [], []
        return self._keys, self._values


@dataclass(frozen=True, slots=True)
class Automaton:
    """The paths of a table, as arrays for a walk with many heads."""

    first: NDArray[np.int32]  # label -> the state behind it at the begin of a path; 0: none begins so
    grows: NDArray[np.bool_]  # state -> whether a path goes on from it
    step_keys: NDArray[np.int64]  # state << 32 | label, ascending
    step_states: NDArray[np.int32]
    step_filter: NDArray[np.bool_]  # by `slots` of the key: False where there is no such step
    end_from: NDArray[np.int64]  # state -> where its leaves begin in end_leaves; one more than states
    end_leaves: NDArray[np.int32]
    joined_filter: NDArray[np.bool_]  # by skeleton: False where no label has it


def slots(keys: NDArray[np.int64], size: int) -> NDArray[np.uint64]:
    """A place in a filter of 2**n slots for every key (Knuth's multiplicative hashing)."""
    return (keys.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - (size.bit_length() - 1))


def low_slots(keys: NDArray[np.int64], size: int) -> NDArray[np.uint64]:
    """The same for keys that are spread already."""
    return (keys & (size - 1)).view(np.uint64)


def _filter(
    place: Callable[[NDArray[np.int64], int], NDArray[np.uint64]], keys: NDArray[np.int64]
) -> NDArray[np.bool_]:
    size = 1 << max(12, (16 * len(keys)).bit_length())
    found = np.zeros(size, bool)
    found[place(keys, size)] = True
    return found


def skeleton(word: str) -> str:
    """What a word and its singular have in common: all but the letters at the end that singular() may change."""
    return word.rstrip("siey")


def fingerprint(word: str) -> int:
    """A number for a word; that of two words put together follows from theirs, see `scan`."""
    return int.from_bytes(word.encode(), "big") % PRIME


class LeafTable:
    """Numbers leaves and labels, and keeps what `scan` needs to find them."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}  # canonical spelling -> leaf
        self.count = 1
        self.labels: dict[str, int] = {}
        self.prefix_lengths: set[int] = set()  # of the starred labels of texts
        self.name_prefix_lengths: set[int] = set()
        self.has_exact = self.has_exact_names = self.has_names = False
        self.states = 1  # 0 is the root; a path's state behind its first label is found as its label is
        self.steps = SortedPairs()  # state << 32 | label -> state
        self.ends = SortedPairs()  # state -> leaf
        self.fields = array("b", [0])  # leaf -> FIELD_BITS
        self.near: dict[int, array[int]] = {}  # how many words -> leaf, distance and labels, one row behind the other
        self.prefixes: list[tuple[str, int]] = []  # starred labels of texts, without the star
        self.skeletons = array("q")  # label -> fingerprint of its skeleton; -1 where it is not a plain word of texts
        self.values: dict[tuple[str, str], int] = {}  # (field, value or value with "*") -> leaf
        self.conditions: list[tuple[Number, int]] = []
        self._automaton: Automaton | None = None
        self._shared: dict[int, int] = {}  # state << 32 | label -> state, for the shared part of the paths

    def number(self, leaf: Leaf) -> int:
        """The number of a leaf; its weight does not matter."""
        spelling = written(leaf if isinstance(leaf, Number) or leaf.weight == 1 else leaf._replace(weight=1.0))
        found = self.numbers.get(spelling)
        if found is None:
            found = self.numbers[spelling] = self.count
            self.count += 1
            self._automaton = None
            self._enter(leaf, found)
        return found

    def _enter(self, leaf: Leaf, number: int) -> None:
        if isinstance(leaf, Number):
            self.fields.append(0)
            self.conditions.append((leaf, number))
        elif leaf.field in VALUE_FIELDS:
            self.fields.append(0)
            self.values[leaf.field, leaf.words[0]] = number
        else:
            self.fields.append(FIELD_BITS[leaf.field])
            if leaf.near:
                is_name = leaf.field in ("author", "org")
                labels = tuple(self._label(_spelling(word, is_name, leaf.exact)) for word in leaf.words)
                self.near.setdefault(len(labels), array("q")).extend((number, leaf.near, *labels))
            else:
                self._enter_path(leaf, number)

    def _enter_path(self, term: Term, number: int) -> None:
        is_name = term.field in ("author", "org")
        last = len(term.words)
        reached: list[list[int]] = [[0]] + [[] for _ in term.words]  # how many words are read -> states
        for read in range(last):
            for spelling, after in units(term, read, is_name):
                label = self._label(spelling)
                if after > SHARED_WORDS and not reached[after]:
                    reached[after].append(self._state())  # no other phrase comes here
                for state in reached[read]:
                    key = state << 32 | label
                    if after > SHARED_WORDS:
                        self.steps.add(key, reached[after][0])
                        continue
                    target = self._shared.get(key)
                    if target is None:
                        target = self._shared[key] = self._state()
                        self.steps.add(key, target)
                    if target not in reached[after]:
                        reached[after].append(target)
        for state in reached[last]:
            self.ends.add(state, number)

    def _state(self) -> int:
        self.states += 1
        return self.states - 1

    def _label(self, spelling: str) -> int:
        found = self.labels.get(spelling)
        if found is None:
            found = self.labels[spelling] = len(self.labels)
            self._note(spelling)
        return found

    def _note(self, spelling: str) -> None:
        is_name = spelling[0] == "@"
        plain = spelling[0] not in "@=" and spelling[-1] != "*"
        self.skeletons.append(fingerprint(skeleton(spelling)) if plain else -1)
        self.has_names |= is_name
        if spelling[is_name] == "=":
            self.has_exact_names |= is_name
            self.has_exact |= not is_name
        elif spelling[-1] == "*":
            (self.name_prefix_lengths if is_name else self.prefix_lengths).add(len(spelling) - 1 - is_name)
            if not is_name:
                self.prefixes.append((spelling[:-1], len(self.skeletons) - 1))

    def automaton(self) -> Automaton:
        """The paths as they are now. The arrays are not written to afterwards."""
        if self._automaton is None:
            keys, states = self.steps.arrays()
            end_keys, end_leaves = self.ends.arrays()
            begins = np.searchsorted(keys, np.int64(1 << 32))
            first = np.zeros(len(self.labels), np.int32)
            first[keys[:begins]] = states[:begins]
            grows = np.zeros(self.states, bool)
            grows[keys[begins:] >> 32] = True
            self._automaton = Automaton(
                first=first,
                grows=grows,
                step_keys=keys[begins:],
                step_states=states[begins:],
                step_filter=_filter(slots, keys[begins:]),
                end_from=np.concatenate([[0], np.cumsum(np.bincount(end_keys, minlength=self.states))]),
                end_leaves=end_leaves,
                joined_filter=_filter(low_slots, (known := np.array(self.skeletons, np.int64))[known >= 0]),
            )
        return self._automaton


def _spelling(word: str, is_name: bool, exact: bool) -> str:
    if exact:
        word = "=" + word
    elif not is_name and word[-1] != "*":
        word = singular(word)
    return "@" + word if is_name else word


def units(term: Term, read: int, is_name: bool) -> Iterator[tuple[str, int]]:
    """The labels a reading of a term may go on with behind its first `read` words, and how many words are read then."""
    words = term.words
    yield _spelling(words[read], is_name, term.exact), read + 1
    if is_name or term.exact or read + 1 == len(words) or words[read][-1] == "*":
        return
    if joins(words[read], words[read + 1].removesuffix("*")):
        yield _spelling(words[read] + words[read + 1], is_name, exact=False), read + 2
