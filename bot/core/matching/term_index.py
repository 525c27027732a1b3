"""The terms of many queries as one table: each distinct term is a leaf with a number, its words paths of an automaton.

Finding leaves in papers does not belong here (see `scan`), nor how leaves make a query true (`shapes`).

A *label* is what one unit of a reading may be: a word without its plural ("model"), any word that begins so
("quantiz*"), a word as typed ("=RAG"); with "@" in front the same for names. A phrase is a path of labels; phrases
share their first words. From one state a label may lead to several states, and at one state several leaves may end.
"""

from array import array

import numpy as np

from bot.core.matching.arrays import Growing
from bot.core.matching.tokens import ABSTRACT, AUTHOR, ORG, TITLE
from bot.core.query.ast import VALUE_FIELDS, Leaf, Number, Term, written
from bot.core.query.words import joins, singular

NEEDED = -1
NEVER = 0  # the leaf that is true of no paper
FIELD_BITS = {"": TITLE | ABSTRACT, "title": TITLE, "abstract": ABSTRACT, "author": AUTHOR, "org": ORG}
PRIME = (1 << 31) - 1
SHARED_WORDS = 4  # as far into a phrase its path may be shared; each reading of that many words has a path of its own


def skeleton(word: str) -> str:
    """What a word and its singular have in common: all but the letters at the end that singular() may change."""
    return word.rstrip("siey")


def folds_alone(word: str) -> bool:
    """Whether a word in front leaves plural folding as it is: singular(x + word) == x + singular(word) for any x."""
    return word[-1:] not in ("s", "e") or (len(word) >= 4 and word != "news")


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
        self.first = array("i")  # label -> the state behind it at the begin of a path; 0: none begins so
        self.grows = array("b", [0])  # state -> whether a path goes on from it; state 0 is the root
        self.steps = Growing()  # state << 32 | label -> state, but from the root
        self.ends = array("i", [0])  # state -> number of an end; 0: no leaf ends there
        self.end_leaf, self.end_next = array("i", [0]), array("i", [0])  # end -> its leaf, and the next end there
        self.fields = array("b", [0])  # leaf -> FIELD_BITS
        self.near: dict[int, array[int]] = {}  # how many words -> leaf, distance and labels, one row behind the other
        self.prefixes: list[tuple[str, int]] = []  # starred labels of texts, without the star
        self.heads: dict[str, int] = {}  # first words of joined pairs, as they are -> number from 1
        self.splits = array("q")  # label -> 0: not joined; head << 32 | label of the second word: joined of just these
        # two and of use for nothing else, so that where they stand apart they are found apart; NEEDED: otherwise
        self.split_labels = Growing()  # split -> label
        self.joined = np.zeros(1 << 12, bool)  # fingerprint of a skeleton, cut to fit -> False: no label has it
        self.skeletons = array("q")  # label -> fingerprint of its skeleton; -1 where it is not a plain word of texts
        self.values: dict[tuple[str, str], int] = {}  # (field, value or value with "*") -> leaf
        self.conditions: list[tuple[Number, int]] = []
        self.shared: dict[int, int] = {}  # state << 32 | label -> state, for the shared part of the paths

    def number(self, leaf: Leaf) -> int:
        """The number of a leaf; its weight does not matter."""
        spelling = written(leaf if isinstance(leaf, Number) or leaf.weight == 1 else leaf._replace(weight=1.0))
        found = self.numbers.get(spelling)
        if found is None:
            found = self.numbers[spelling] = self.count
            self.count += 1
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
        if last == 1:  # as most are
            label = self._label(_spelling(term.words[0], is_name, term.exact))
            self.splits[label] = NEEDED
            if not self.first[label]:
                self.first[label] = self._state()
            self._end(self.first[label], number)
            return
        reached: list[list[int]] = [[0]] + [[] for _ in term.words]  # how many words are read -> states
        for read in range(last):
            for spelling, after in units(term, read, is_name):
                label = self._label(spelling)
                if after == read + 1:
                    self.splits[label] = NEEDED
                else:
                    self._split(label, *term.words[read:after])
                if after > SHARED_WORDS and not reached[after]:
                    reached[after].append(self._state())  # no other phrase comes here
                for state in reached[read]:
                    if after > SHARED_WORDS:
                        self._step(state, label, reached[after][0])
                        continue
                    target = self.shared.get(state << 32 | label) if state else self.first[label]
                    if not target:
                        target = self._state()
                        self._step(state, label, target)
                        if state:
                            self.shared[state << 32 | label] = target
                    if target not in reached[after]:
                        reached[after].append(target)
        for state in reached[last]:
            self._end(state, number)

    def _end(self, state: int, number: int) -> None:
        self.end_next.append(self.ends[state])
        self.ends[state] = len(self.end_leaf)
        self.end_leaf.append(number)

    def _split(self, label: int, first: str, second: str) -> None:
        """Notes of which two words a label is joined."""
        split, before = NEEDED, self.splits[label]
        if second[-1] != "*" and folds_alone(second):
            head = self.heads.setdefault(first, len(self.heads) + 1)
            split = head << 32 | self._label(singular(second))
            if not before:
                self.split_labels.add(split, label)
        self.splits[label] = split if before in (0, split) else NEEDED

    def _step(self, state: int, label: int, target: int) -> None:
        if state:
            self.steps.add(state << 32 | label, target)
            self.grows[state] = 1
        else:
            self.first[label] = target

    def _state(self) -> int:
        self.grows.append(0)
        self.ends.append(0)
        return len(self.grows) - 1

    def note_skeletons(self) -> None:
        """Fills the filter `joined`, with room for more labels."""
        prints = np.array(self.skeletons, np.int64)
        self.joined = np.zeros(1 << max(12, (16 * len(prints)).bit_length()), bool)
        self.joined[prints[prints >= 0] & (len(self.joined) - 1)] = True

    def _label(self, spelling: str) -> int:
        found = self.labels.get(spelling)
        if found is None:
            found = self.labels[spelling] = len(self.labels)
            self._note(spelling)
        return found

    def _note(self, spelling: str) -> None:
        is_name = spelling[0] == "@"
        plain = not is_name and spelling[0] != "=" and spelling[-1] != "*"
        self.first.append(0)
        self.splits.append(0)
        self.skeletons.append(number := fingerprint(skeleton(spelling)) if plain else -1)
        if 8 * len(self.skeletons) > len(self.joined):
            self.note_skeletons()
        elif plain:
            self.joined[number & (len(self.joined) - 1)] = True
        if plain:
            return
        self.has_names |= is_name
        if spelling[is_name] == "=":
            self.has_exact_names |= is_name
            self.has_exact |= not is_name
        elif spelling[-1] == "*":
            (self.name_prefix_lengths if is_name else self.prefix_lengths).add(len(spelling) - 1 - is_name)
            if not is_name:
                self.prefixes.append((spelling[:-1], len(self.skeletons) - 1))


def _spelling(word: str, is_name: bool, exact: bool) -> str:
    if exact:
        word = "=" + word
    elif not is_name and word[-1] != "*":
        word = singular(word)
    return "@" + word if is_name else word


def units(term: Term, read: int, is_name: bool) -> list[tuple[str, int]]:
    """The labels a reading of a term may go on with behind its first `read` words, and how many words are read then."""
    words = term.words
    found = [(_spelling(words[read], is_name, term.exact), read + 1)]
    if is_name or term.exact or read + 1 == len(words) or words[read][-1] == "*":
        return found
    if joins(words[read], words[read + 1].removesuffix("*")):
        found.append((_spelling(words[read] + words[read + 1], is_name, exact=False), read + 2))
    return found
