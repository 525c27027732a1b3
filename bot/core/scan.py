"""Finds the leaves of a table in a batch of papers, for all papers at once. What queries make of them is in `shapes`.

Every paper of a batch is one bit; a leaf becomes a row of bits. Texts lie one behind the other as numbered tokens with
gaps between them, and the table's automaton walks all of them together, one array operation a step.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from bot.core.evaluate import COMPARE, last_place
from bot.core.leaves import ABSTRACT, AUTHOR, ORG, PRIME, TITLE, LeafTable, fingerprint, low_slots, skeleton, slots
from bot.core.papers import Paper
from bot.core.text import SMALL_WORDS, exact_words, fold_value, singular, words

Ints = NDArray[np.int64]
Bits = NDArray[np.uint64]

PLACE_BITS = 36  # a place and a label make one key
GAP = 128  # free places behind every text: more than any distance a query may ask for
_SPACED = "".join(chr(c) if chr(c).isalnum() else " " for c in range(128))


@dataclass(frozen=True, slots=True)
class Hits:
    """Where leaves begin in titles, abstracts and names, each place once, sorted by leaf."""

    leaf: Ints
    paper: Ints  # bit of the paper
    field: Ints  # TITLE, ABSTRACT, ...


@dataclass(frozen=True, slots=True)
class Scan:
    """What a batch of papers holds: a row of bits for every leaf that is in some paper; row 0 is empty."""

    row: NDArray[np.intp]  # leaf -> row
    bits: Bits  # [rows, words]
    hits: Callable[[], Hits]
    lengths: Callable[[], Ints]  # words in title and abstract, by bit


def scan(table: LeafTable, papers: Sequence[Paper | None]) -> Scan:
    """Looks for every leaf of the table in the papers; None is a paper without anything. Paper i gets bit i."""
    tokens = _Tokens(table)
    tokens.read(papers)
    places = _Places(table, tokens)
    leaf, place = places.find()
    paper, field = tokens.papers()[place], tokens.fields()[place]
    told = (np.array(table.fields, np.int64)[leaf] & field) != 0
    leaf, place, paper, field = leaf[told], place[told], paper[told], field[told]
    other_leaf, other_paper = _values_and_counts(table, papers)

    def hits() -> Hits:
        order = np.unique(leaf << 32 | place)
        found = order & 0xFFFFFFFF
        return Hits(order >> 32, tokens.papers()[found], tokens.fields()[found])

    present = np.zeros(table.count, bool)
    present[leaf] = True
    present[other_leaf] = True
    used = np.flatnonzero(present)
    row = np.zeros(table.count, np.intp)
    row[used] = np.arange(1, len(used) + 1)
    width = max(1, (len(papers) + 63) // 64)
    bits = np.zeros((len(used) + 1, width), np.uint64)
    for leaves, owners in ((leaf, paper), (other_leaf, other_paper)):
        cell = row[leaves] * width + (owners >> 6)
        np.bitwise_or.at(bits.reshape(-1), cell, np.uint64(1) << (owners & 63).astype(np.uint64))
    return Scan(row, bits, hits, lambda: tokens.lengths(len(papers)))


class _Lexicon(dict[str, int]):
    """Numbers the distinct words of one kind of text as they come."""

    def __init__(self, entries: list[tuple[int, str]], kind: int) -> None:
        self.entries = entries
        self.kind = kind

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self.entries)
        self.entries.append((self.kind, word))
        return number


FOLDED, EXACT, BOTH, NAME = 1, 2, 3, 4  # what a token's word can be read as; BOTH = FOLDED | EXACT


class _Tokens:
    """The words of a batch as numbers, text behind text. Number 0 stands for the end of a text."""

    def __init__(self, table: LeafTable) -> None:
        self.table = table
        self.entries: list[tuple[int, str]] = [(0, "")]
        self.lexicons = {kind: _Lexicon(self.entries, kind) for kind in (1, 2, 3, 5, 6, 7)}
        self.words: list[Iterable[int]] = []
        self.sizes: list[int] = []
        self.owner: list[int] = []
        self.field: list[int] = []

    def read(self, papers: Sequence[Paper | None]) -> None:
        for bit, paper in enumerate(papers):
            if paper is None:
                continue
            self.text(bit, TITLE, paper.title)
            self.text(bit, ABSTRACT, paper.abstract)
            if self.table.has_names:
                for name in paper.authors or ():
                    self.text(bit, AUTHOR, name, NAME)
                self.text(bit, ORG, paper.organization, NAME)
        sizes = np.array(self.sizes, np.int64)
        self.text_of = np.repeat(np.arange(len(sizes)), sizes)
        self.token = np.fromiter(chain.from_iterable(self.words), np.int64, int(sizes.sum()))

    def text(self, bit: int, field: int, text: str | None, name: int = 0) -> None:
        if not text:
            return
        if text.isascii():
            self.add(bit, field, name | BOTH, text.translate(_SPACED).split())
            return
        self.add(bit, field, name | FOLDED, words(text))
        if self.table.has_exact_names if name else self.table.has_exact:
            self.add(bit, field, name | EXACT, exact_words(text))

    def add(self, bit: int, field: int, kind: int, found: list[str]) -> None:
        if found:
            self.words.append(map(self.lexicons[kind].__getitem__, found))
            self.words.append((0,))
            self.sizes.append(len(found) + 1)
            self.owner.append(bit)
            self.field.append(field)

    def papers(self) -> Ints:
        """The bit of the paper, for every token."""
        return np.array(self.owner, np.int64)[self.text_of]

    def fields(self) -> Ints:
        return np.array(self.field, np.int64)[self.text_of]

    def lengths(self, papers: int) -> Ints:
        """Words in title and abstract, for every paper."""
        kinds = np.array([kind for kind, _ in self.entries], np.int64)
        folded = (kinds[self.token] & (FOLDED | NAME)) == FOLDED
        return np.bincount(self.papers()[folded], minlength=papers)


class _Places:
    """Where labels stand among the tokens, and the walk of the automaton from there."""

    def __init__(self, table: LeafTable, tokens: _Tokens) -> None:
        self.table = table
        self.tokens = tokens

    def find(self) -> tuple[Ints, Ints]:
        """Every leaf found, with the token it begins at; some more than once."""
        self.automaton = self.table.automaton()
        self.read_words()
        place, label = self.single_words()
        near = self.near_leaves(place, label)
        joined_place, joined_label = self.joined_words()
        width = np.repeat([1, 2], [len(place), len(joined_place)])
        place, label = np.concatenate([place, joined_place]), np.concatenate([label, joined_label])
        found = [near, *self.walk(place, label, width)]
        return np.concatenate([leaf for leaf, _ in found]), np.concatenate([start for _, start in found])

    def read_words(self) -> None:
        """The labels of every distinct word."""
        table, get = self.table, self.table.labels.get
        lengths, name_lengths = sorted(table.prefix_lengths), sorted(table.name_prefix_lengths)
        labels: list[int] = []
        counts: list[int] = []
        for kind, word in self.tokens.entries:
            before = len(labels)
            if kind & NAME:
                if kind & FOLDED:
                    folded = word.lower() if kind & EXACT else word  # what can be read both ways is ASCII
                    keys = ["@" + folded] + [f"@{folded[:n]}*" for n in name_lengths if n <= len(folded)]
                    labels += [found for key in keys if (found := get(key)) is not None]
                if kind & EXACT and table.has_exact_names and (found := get("@=" + word)) is not None:
                    labels.append(found)
            else:
                if kind & FOLDED:
                    folded = word.lower() if kind & EXACT else word  # what can be read both ways is ASCII
                    if (found := get(singular(folded))) is not None:
                        labels.append(found)
                    for n in lengths:
                        if n > len(folded):
                            break
                        if (found := get(folded[:n] + "*")) is not None:
                            labels.append(found)
                if kind & EXACT and table.has_exact and (found := get("=" + word)) is not None:
                    labels.append(found)
            counts.append(len(labels) - before)
        self.label_seen = np.zeros(len(table.labels), bool)
        self.word_labels = np.array(labels, np.int64)
        self.label_seen[self.word_labels] = True
        self.word_counts = np.array(counts, np.int64)

    def single_words(self) -> tuple[Ints, Ints]:
        """Every place where a label of one word stands."""
        token = self.tokens.token
        counts = self.word_counts[token]
        live = np.flatnonzero(counts)
        place, index = _spread(live, (np.cumsum(self.word_counts) - self.word_counts)[token[live]], counts[live])
        return place, self.word_labels[index]

    def joined_words(self) -> tuple[Ints, Ints]:
        """Every place where a label stands for a word and its neighbour read as one."""
        token, get = self.tokens.token, self.table.labels.get
        size = len(self.tokens.entries)
        folded = [""] * size
        first, whole, rest, shift = (np.zeros(size, np.int64) for _ in range(4))
        digits = np.zeros(size, bool)
        for number, (kind, word) in enumerate(self.tokens.entries):
            if kind in (FOLDED, BOTH):
                folded[number] = word = word.lower() if kind == BOTH else word
                core = skeleton(word)
                whole[number] = fingerprint(word)
                rest[number] = fingerprint(core)
                shift[number] = pow(256, len(core.encode()), PRIME) if core else 0
                digits[number] = word.isdigit()
                first[number] = word not in SMALL_WORDS
        left, right = token[:-1], token[1:]
        able = np.flatnonzero((first[left] != 0) & (whole[right] != 0) & ~(digits[left] & digits[right]))
        left, right = left[able], right[able]
        print_of_both = np.where(shift[right] != 0, (whole[left] * shift[right] + rest[right]) % PRIME, rest[left])
        known = self.automaton.joined_filter
        likely = np.flatnonzero(known[low_slots(print_of_both, len(known))])
        places: list[int] = []
        labels: list[int] = []
        for i in likely.tolist():
            found = get(singular(folded[left[i]] + folded[right[i]]))
            if found is not None:
                places.append(int(able[i]))
                labels.append(found)
        if self.table.prefixes:
            self.joined_prefixes(folded, first, able, places, labels)
        return np.array(places, np.int64), np.array(labels, np.int64)

    def joined_prefixes(self, folded: list[str], first: Ints, able: Ints, places: list[int], labels: list[int]) -> None:
        """Starred labels that reach from a word into its neighbour."""
        numbers: dict[str, list[int]] = {}
        for number in np.flatnonzero(first).tolist():
            numbers.setdefault(folded[number], []).append(number)
        heads: dict[int, dict[str, int]] = {}  # first word -> begin of the second -> label
        for prefix, label in self.table.prefixes:
            for cut in range(1, len(prefix)):
                for number in numbers.get(prefix[:cut], ()):
                    heads.setdefault(number, {})[prefix[cut:]] = label
        is_head = np.zeros(len(folded), bool)
        is_head[list(heads)] = True
        token = self.tokens.token
        for place in able[is_head[token[able]]].tolist():
            second, begins = folded[token[place + 1]], heads[int(token[place])]
            for length in range(1, len(second) + 1):
                if (found := begins.get(second[:length])) is not None:
                    places.append(place)
                    labels.append(found)

    def walk(self, place: Ints, label: Ints, width: Ints) -> Iterator[tuple[Ints, Ints]]:
        """All paths of the automaton through the labels; yields leaves and the places where their paths begin."""
        machine = self.automaton
        order = np.argsort(place, kind="stable")
        place, label, width = place[order], label[order], width[order]
        ends = machine.end_from
        edges_from = np.concatenate([[0], np.cumsum(np.bincount(place, minlength=len(self.tokens.token)))])
        state = machine.first[label].astype(np.int64)
        start, after = place, place + width
        while True:
            many = ends[state + 1] - ends[state]
            index, at = _spread(np.arange(len(state)), ends[state], many)
            yield machine.end_leaves[at].astype(np.int64), start[index]
            alive = np.flatnonzero(machine.grows[state])
            if not len(alive):
                return
            here = after[alive]
            source, edge = _spread(alive, edges_from[here], edges_from[here + 1] - edges_from[here])
            key = state[source] << 32 | label[edge]
            likely = machine.step_filter[slots(key, len(machine.step_filter))]
            key, source, edge = key[likely], source[likely], edge[likely]
            low = np.searchsorted(machine.step_keys, key)
            count = np.searchsorted(machine.step_keys, key, side="right") - low
            index, at = _spread(np.arange(len(key)), low, count)
            state = machine.step_states[at].astype(np.int64)
            start, after = start[source[index]], after[source[index]] + width[edge[index]]

    def near_leaves(self, place: Ints, label: Ints) -> tuple[Ints, Ints]:
        """Leaves that ask for words near each other, with the first token of the text as their place."""
        text_of = self.tokens.text_of
        self.gapped = np.arange(len(text_of)) + GAP * text_of
        found: list[Ints] = [np.empty((0, 2), np.int64)]
        rows = []
        for size, flat in self.table.near.items():
            row = np.array(flat, np.int64).reshape(-1, size + 2)
            row = row[self.label_seen[row[:, 2:]].all(axis=1)]
            if len(row):
                rows.append((size, row))
        if not rows:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        asked = np.zeros(len(self.table.labels), bool)
        for _, row in rows:
            asked[row[:, 2:]] = True
        used = asked[label]
        keys = np.sort(label[used] << PLACE_BITS | (place[used] + GAP * text_of[place[used]]))
        for size, row in rows:
            low = np.searchsorted(keys, row[:, 2:] << PLACE_BITS)
            count = np.searchsorted(keys, (row[:, 2:] + 1) << PLACE_BITS) - low
            rarest = count.argmin(axis=1)
            each = np.arange(len(row))
            owner, at = _spread(each, low[each, rarest], count[each, rarest])
            anchor, distance = keys[at] & ((1 << PLACE_BITS) - 1), row[owner, 1]
            for column in range(size):
                other = row[owner, 2 + column] << PLACE_BITS | anchor
                before = keys[np.searchsorted(keys, other) - 1]
                behind = keys[np.minimum(np.searchsorted(keys, other, side="right"), len(keys) - 1)]
                close = (before < other) & (other - before <= distance) | (behind > other) & (
                    behind - other <= distance
                )
                close |= rarest[owner] == column
                owner, anchor, distance = owner[close], anchor[close], distance[close]
            text = text_of[np.searchsorted(self.gapped, anchor)]
            pairs = np.unique(owner << 32 | text)
            owner, text = pairs >> 32, pairs & 0xFFFFFFFF
            if size > 2:
                fits = [self.fits(keys, row[o], t) for o, t in zip(owner.tolist(), text.tolist(), strict=True)]
                owner, text = owner[fits], text[fits]
            found.append(np.stack([row[owner, 0], np.searchsorted(text_of, text)], axis=1))
        both = np.concatenate(found)
        return both[:, 0], both[:, 1]

    def fits(self, keys: Ints, row: Ints, text: int) -> bool:
        """Whether all the words of one leaf stand near each other in one text, each at a place of its own."""
        text_of = self.tokens.text_of
        begin, end = self.gapped[[np.searchsorted(text_of, text), np.searchsorted(text_of, text, side="right") - 1]]
        places = [
            (
                keys[slice(*np.searchsorted(keys, [label << PLACE_BITS | begin, label << PLACE_BITS | end]))]
                & ((1 << PLACE_BITS) - 1)
            ).tolist()
            for label in row[2:].tolist()
        ]
        return any(
            last_place([[place for place in one if start <= place <= start + row[1]] for one in places]) is not None
            for start in sorted(set().union(*places))
        )


def _spread(items: Ints, begins: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Every item as often as counted, beside the indexes from where it begins: begin, begin + 1, ..."""
    total = int(counts.sum())
    offsets = np.repeat(begins - (np.cumsum(counts) - counts), counts)
    return np.repeat(items, counts), offsets + np.arange(total)


def _values_and_counts(table: LeafTable, papers: Sequence[Paper | None]) -> tuple[Ints, Ints]:
    """Leaves that ask for categories, sources and numbers, with the papers that have them."""
    found: list[tuple[int, int]] = []
    if table.values:
        for bit, paper in enumerate(papers):
            for field, values in (("category", paper.categories), ("source", paper.sources)) if paper else ():
                for value in values or ():
                    folded = fold_value(value)
                    keys = [folded, *(folded[: i + 1] + "*" for i, c in enumerate(folded) if c == ".")]
                    found += [(leaf, bit) for key in keys if (leaf := table.values.get((field, key)))]
    for condition, leaf in table.conditions:
        holds = COMPARE[condition.comparison]
        counts = ((bit, getattr(paper, condition.name)) for bit, paper in enumerate(papers) if paper)
        found += [(leaf, bit) for bit, count in counts if count is not None and holds(count, condition.value)]
    pairs = np.array(found, np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]
