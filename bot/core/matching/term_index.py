"""The terms of many queries as one table: each distinct term has a number, and its words are paths of an automaton.

How terms are found in papers: see `scan`; how they make a query true: see `plans`.

A *label* is what one unit of a reading may be: a word without its plural ("model"), any word that begins so
("quantiz*"), a word as typed ("=RAG"); with "@" in front the same for names. A phrase is a path of labels, and phrases
share their first words. "data sets, data model" and "dataset" give these paths (a state in brackets, * where a term
ends): a neighbouring pair may also be read as one word.

    data --> [1] --> set ----> [2]*        from one state a label may lead to several states,
              |----> model --> [3]*        and at one state several terms may end
    dataset ---------------> [2]* [4]*
    datamodel -------------> [3]*
"""

from array import array

import numpy as np
from numpy.typing import NDArray

from bot.core.matching.arrays import Hashed
from bot.core.matching.texts import ABSTRACT, AUTHOR, ORG, TITLE, fingerprints
from bot.core.query.ast import VALUE_FIELDS, Leaf, Number, Term, written
from bot.core.query.plurals import singular
from bot.core.query.words import prefix_of, units

FIELD_BITS = {"": TITLE | ABSTRACT, "title": TITLE, "abstract": ABSTRACT, "author": AUTHOR, "org": ORG}
SHARED_WORDS = 4  # as far into a phrase its path may be shared; each reading of that many words has a path of its own


class TermIndex:
    """Numbers terms and labels. Terms are added with `number`; `finish` makes what `scan` needs to find them."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}  # canonical spelling -> term
        self.count = 1  # term 0 is true of no paper
        self.labels: dict[str, int] = {}
        self.fields = array("b", [0])  # term -> FIELD_BITS
        self.prefixes: list[tuple[str, int]] = []  # starred labels of texts, without the star
        self.prefix_lengths: set[int] = set()  # of the starred labels of texts
        self.name_prefix_lengths: set[int] = set()
        self.has_exact = self.has_exact_names = self.has_names = False
        self.near: dict[int, array[int]] = {}  # how many words -> term, distance and labels, one row behind the other
        self.values: dict[tuple[str, str], int] = {}  # (field, value or value with "*") -> term
        self.conditions: list[tuple[Number, int]] = []
        self._first = array("i")  # label -> the state behind it at the begin of a path; 0: none begins so
        self._grows = array("b", [0])  # state -> whether a path goes on from it; state 0 is the root
        self._ends = array("i", [0])  # state -> number of an end; 0: no term ends there
        self._end_term, self._end_next = array("i", [0]), array("i", [0])  # end -> its term, and the next end there
        self._steps: dict[int, int] = {}  # state << 32 | label -> state, for the shared part of the paths
        self._own_steps: tuple[array[int], array[int]] = array("q"), array("i")  # the same for the word behind it

    def number(self, leaf: Leaf) -> int:
        """The number of a term; its weight does not matter."""
        spelling = written(leaf if isinstance(leaf, Number) or leaf.weight == 1 else leaf._replace(weight=1.0))
        found = self.numbers.get(spelling)
        if found is None:
            found = self.numbers[spelling] = self.count
            self.count += 1
            self._enter(leaf, found)
        return found

    def finish(self) -> None:
        """Makes arrays of the paths, when all terms are known."""
        self.first, self.grows, self.ends, self.end_term, self.end_next = (
            np.array(part, np.int64) for part in (self._first, self._grows, self._ends, self._end_term, self._end_next)
        )
        self.steps = Hashed([*self._steps, *self._own_steps[0]], [*self._steps.values(), *self._own_steps[1]])
        self.field_bits = np.array(self.fields, np.int64)
        prints = fingerprints(self.labels)
        self.label_of_print = Hashed(prints, np.arange(len(prints)))
        self.likely: NDArray[np.bool_] = np.zeros(1 << max(12, (16 * len(prints)).bit_length()), bool)
        self.likely[prints & (len(self.likely) - 1)] = True  # the end of a fingerprint -> False: no label has it
        del self._first, self._grows, self._ends, self._end_term, self._end_next, self._steps, self._own_steps

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
            self._end(self._begin(self._label(_spelling(term.words[0], is_name, term.exact))), number)
            return
        reached: list[list[int]] = [[0]] + [[] for _ in term.words]  # how many words are read -> states
        for read in range(last):
            for unit, after in units(term.words, read, joined=not (is_name or term.exact)):
                label = self._label(_spelling(unit, is_name, term.exact))
                if after > SHARED_WORDS and not reached[after]:
                    reached[after].append(self._state())  # no other phrase comes here
                for state in reached[read]:
                    if after > SHARED_WORDS:
                        self._step_to(state, label, reached[after][0])
                    elif (target := self._step(state, label)) not in reached[after]:
                        reached[after].append(target)
        for state in reached[last]:
            self._end(state, number)

    def _begin(self, label: int) -> int:
        """The state behind a label at the begin of a path."""
        if not self._first[label]:
            self._first[label] = self._state()
        return self._first[label]

    def _step(self, state: int, label: int) -> int:
        """The state behind a label, shared by all phrases that begin alike."""
        if not state:
            return self._begin(label)
        key = state << 32 | label
        target = self._steps.get(key)
        if target is None:
            target = self._steps[key] = self._state()
            self._grows[state] = 1
        return target

    def _step_to(self, state: int, label: int, target: int) -> None:
        self._own_steps[0].append(state << 32 | label)
        self._own_steps[1].append(target)
        self._grows[state] = 1

    def _end(self, state: int, number: int) -> None:
        self._end_next.append(self._ends[state])
        self._ends[state] = len(self._end_term)
        self._end_term.append(number)

    def _state(self) -> int:
        self._grows.append(0)
        self._ends.append(0)
        return len(self._grows) - 1

    def _label(self, spelling: str) -> int:
        found = self.labels.get(spelling)
        if found is None:
            found = self.labels[spelling] = len(self.labels)
            self._first.append(0)
            if spelling[0] in "@=" or spelling[-1] == "*":
                self._note_special(spelling, found)
        return found

    def _note_special(self, spelling: str, label: int) -> None:
        """Notes what else has to be looked for than plain words of texts."""
        is_name = spelling[0] == "@"
        self.has_names |= is_name
        if spelling[is_name] == "=":
            self.has_exact_names |= is_name
            self.has_exact |= not is_name
        elif spelling[-1] == "*":
            (self.name_prefix_lengths if is_name else self.prefix_lengths).add(len(spelling) - 1 - is_name)
            if not is_name:
                self.prefixes.append((spelling[:-1], label))


def _spelling(unit: str, is_name: bool, exact: bool) -> str:
    """The label of a unit of a term."""
    if exact:
        unit = "=" + unit
    elif (prefix := prefix_of(unit)) is not None:
        unit = prefix + "*"
    elif not is_name:
        unit = singular(unit)
    return "@" + unit if is_name else unit
