"""Finds the terms of an index in a batch of papers, for all papers at once. What queries make of them: see `plans`.

Every paper of a batch is one bit; a term becomes a row of bits. The papers' words lie in one row (`texts`), and the
index's automaton walks all of them together, one array operation a step.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from bot.core.matching.arrays import Bits, Ints, repeat_each
from bot.core.matching.proximity import near_terms
from bot.core.matching.term_index import TermIndex
from bot.core.matching.texts import ABSTRACT, EXACT, FOLDED, NAME, Numbers, ReadTexts, Texts
from bot.core.papers import Paper
from bot.core.query.ast import Number
from bot.core.query.plurals import keys
from bot.core.query.words import fold_value, without_plus


@dataclass(frozen=True, slots=True)
class Hits:
    """Where terms begin in titles, abstracts and names, each place once, sorted by term."""

    term: Ints
    paper: Ints  # bit of the paper
    field: Ints  # TITLE, ABSTRACT, ...
    sixth: Ints  # of the abstract: 0 to 5; 0 in other fields


@dataclass(frozen=True, slots=True)
class Scan:
    """What a batch of papers holds: a row of bits for every term that is in some paper; row 0 is empty."""

    row: NDArray[np.intp]  # term -> row
    bits: Bits  # [rows, words]
    hits: Callable[[], Hits]
    lengths: Callable[[], Ints]  # words in title and abstract, by bit


def scan(index: TermIndex, texts: Texts, order: Ints) -> Scan:
    """Looks for every term of the index in the papers. Paper order[i] gets bit i."""
    read = texts.read(exact=index.has_exact, names=index.has_names, exact_names=index.has_exact_names)
    tokens, count = read.tokens, len(texts.papers)
    bit_of = np.empty(count, np.int64)
    bit_of[order] = np.arange(count)
    term, place = _found(index, read)
    text = tokens.text[place]
    asked = (index.field_bits[term] & tokens.field[text]) != 0
    term, place, text = term[asked], place[asked], text[asked]
    other_term, other_paper = _values_and_counts(index, texts.papers)

    def hits() -> Hits:
        both = np.unique(term << 32 | place)
        places = both & 0xFFFFFFFF
        text = tokens.text[places]
        field = tokens.field[text]
        sixth = np.where(field == ABSTRACT, 6 * (places - tokens.begin[text]) // tokens.size[text], 0)
        return Hits(both >> 32, bit_of[tokens.paper[text]], field, sixth)

    def lengths() -> Ints:
        by_paper = np.zeros(count, np.int64)
        by_paper[: len(read.lengths)] = read.lengths
        return by_paper[order]

    present = np.zeros(index.count, bool)
    present[term] = True
    present[other_term] = True
    used = np.flatnonzero(present)
    row = np.zeros(index.count, np.intp)
    row[used] = np.arange(1, len(used) + 1)
    bits = np.zeros((len(used) + 1, max(1, (count + 63) // 64)), np.uint64)
    for terms, papers in ((term, tokens.paper[text]), (other_term, other_paper)):
        set_bits(bits, row[terms], bit_of[papers])
    return Scan(row, bits, hits, lengths)


def set_bits(bits: Bits, row: Ints, bit: Ints) -> None:
    """Sets a bit in a row, for each pair of the two."""
    cell = row * bits.shape[1] + (bit >> 6)
    np.bitwise_or.at(bits.reshape(-1), cell, np.uint64(1) << (bit & 63).astype(np.uint64))


def set_places(bits: Bits) -> Ints:
    """The numbers of all set bits, row after row; a row has 64 times as many as it has words."""
    octets = bits.reshape(-1).view(np.uint8)
    used = np.flatnonzero(octets != 0)  # most are 0: only the others are looked at bit by bit
    within = np.flatnonzero(np.unpackbits(octets.take(used), bitorder="little").view(bool))
    return used.take(within >> 3) << 3 | within & 7


def _found(index: TermIndex, read: ReadTexts) -> tuple[Ints, Ints]:
    """Every term found in texts and names, with the token it begins at; some more than once."""
    tokens, folded, token = read.tokens, read.folded, read.token
    plain = np.array(list(map(index.labels.get, read.singulars, repeat(-1))), np.int64)
    live = np.flatnonzero((plain >= 0)[token])
    edges = [(live, plain[token[live]])]
    if also := _without_plus(index, read):
        edges.append(_everywhere(token, [also.get(word, []) for word in folded]))
    if index.prefix_lengths:
        edges.append(_everywhere(token, [_starred(index, word) for word in folded]))
    if index.has_exact:
        typed, typed_token = tokens.reading(EXACT)
        edges.append(_everywhere(typed_token, [_known(index, "=" + word) for word in typed]))
    if index.has_names:
        names, name_token = tokens.reading(FOLDED, NAME)
        edges.append(_everywhere(name_token, [_name(index, word) for word in names]))
    if index.has_exact_names:
        names, name_token = tokens.reading(EXACT, NAME)
        edges.append(_everywhere(name_token, [_known(index, "@=" + word) for word in names]))
    place, label = (np.concatenate(parts) for parts in zip(*edges, strict=True))
    near = near_terms(index, tokens.text, place, label)
    pair_place, pair_label = _joined(index, read)
    width = np.repeat([1, 2], [len(place), len(pair_place)])
    paths = _walk(index, np.concatenate([place, pair_place]), np.concatenate([label, pair_label]), width, len(tokens))
    terms, places = zip(near, *paths, strict=True)
    return np.concatenate(terms), np.concatenate(places)


def _without_plus(index: TermIndex, read: ReadTexts) -> dict[str, list[int]]:
    """The labels of CD4 for the words like CD4+."""
    words = (read.folded[number] for number in read.with_plus.tolist())
    return {word: labels for word in words if (labels := [at for key in keys(word)[1:] for at in _known(index, key)])}


def _joined(index: TermIndex, read: ReadTexts) -> tuple[Ints, Ints]:
    """Every place where a label stands for a word and its neighbour read as one."""
    near = read.neighbours
    likely = np.flatnonzero(index.likely[near.prints & (len(index.likely) - 1)])
    found, label = index.label_of_print.find(near.prints[likely])
    places: list[int] = []
    labels: list[int] = []
    for key in index.labels.keys() & near.whole.keys():
        places += near.whole[key]
        labels += [index.labels[key]] * len(near.whole[key])
    if index.prefixes:
        _joined_prefixes(index, read, places, labels)
    return (
        np.concatenate([near.place[likely[found]], np.array(places, np.int64)]),
        np.concatenate([label, np.array(labels, np.int64)]),
    )


def _joined_prefixes(index: TermIndex, read: ReadTexts, places: list[int], labels: list[int]) -> None:
    """Adds the starred labels that reach from a word into its neighbour."""
    folded, token = read.folded, read.token
    able, numbers = read.joinable
    heads: dict[int, dict[str, int]] = {}  # first word -> begin of the second -> label
    for prefix, label in index.prefixes:
        for cut in range(1, len(prefix)):
            if (number := numbers.get(prefix[:cut])) is not None:
                heads.setdefault(number, {})[prefix[cut:]] = label
    is_head = np.zeros(len(folded), bool)
    is_head[list(heads)] = True
    if not heads:
        return
    for place in able[is_head[token[able]]].tolist():
        second, endings = folded[token[place + 1]], heads[int(token[place])]
        for length in range(1, len(second) + 1):
            if (found := endings.get(second[:length])) is not None:
                places.append(place)
                labels.append(found)


def _known(index: TermIndex, spelling: str) -> list[int]:
    return [found] if (found := index.labels.get(spelling)) is not None else []


def _starred(index: TermIndex, word: str) -> list[int]:
    get = index.labels.get
    return [found for n in index.prefix_lengths if (found := get(word[:n] + "*")) is not None and n <= len(word)]


def _name(index: TermIndex, word: str) -> list[int]:
    spellings = [f"@{word}", *(f"@{word[:n]}*" for n in index.name_prefix_lengths if n <= len(word))]
    if word[-1:] == "+":
        spellings.append(f"@{without_plus(word)}")
    return [found for spelling in spellings if (found := index.labels.get(spelling)) is not None]


def _everywhere(token: Numbers, labels: list[list[int]]) -> tuple[Ints, Ints]:
    """The places of labels, from the labels of each distinct word."""
    counts = np.array([len(found) for found in labels], np.int64)
    flat = np.array([label for found in labels for label in found], np.int64)
    live = np.flatnonzero((counts > 0)[token])
    word = token[live]
    place, at = repeat_each(live, (np.cumsum(counts) - counts)[word], counts[word])
    return place, flat[at]


def _walk(index: TermIndex, place: Ints, label: Ints, width: Ints, size: int) -> Iterator[tuple[Ints, Ints]]:
    """All paths of the automaton through labels that stand at places and are so many tokens wide.

    Yields terms and the places where their paths begin.
    """
    order = np.argsort(place, kind="stable")
    place, label, width = place[order], label[order], width[order]
    many = 4 * len(place) > size  # then a table is quicker than searching
    labels_from = np.concatenate([[0], np.cumsum(np.bincount(place, minlength=size))]) if many else None
    state = index.first[label]
    start, after = place, place + width
    while True:
        end, here = index.ends[state], start
        while len(done := np.flatnonzero(end)):
            end, here = end[done], here[done]
            yield index.end_term[end], here
            end = index.end_next[end]
        alive = np.flatnonzero(index.grows[state])
        if not len(alive):
            return
        here = after[alive]
        if labels_from is not None:
            begin, behind = labels_from[here], labels_from[here + 1]
        else:
            begin, behind = np.searchsorted(place, here), np.searchsorted(place, here, side="right")
        source, edge = repeat_each(alive, begin, behind - begin)
        step, state = index.steps.find(state[source] << 32 | label[edge])
        start, after = start[source[step]], after[source[step]] + width[edge[step]]


def _values_and_counts(index: TermIndex, papers: Sequence[Paper | None]) -> tuple[Ints, Ints]:
    """Terms that ask for categories, sources and numbers, with the papers that have them."""
    found: list[tuple[int, int]] = []
    if index.values:
        for bit, paper in enumerate(papers):
            for field, values in (("category", paper.categories), ("source", paper.sources)) if paper else ():
                for value in values or ():
                    folded = fold_value(value)
                    keys = [folded, *(folded[: i + 1] + "*" for i, c in enumerate(folded) if c == ".")]
                    found += [(term, bit) for key in keys if (term := index.values.get((field, key)))]
    bits, terms = [bit for _, bit in found], [term for term, _ in found]
    for name in {condition.name for condition, _ in index.conditions}:
        counted = sorted((c, bit) for bit, p in enumerate(papers) if p and (c := getattr(p, name)) is not None)
        counts, owners = [count for count, _ in counted], [bit for _, bit in counted]
        for condition, term in index.conditions:
            if condition.name == name:
                begin, end = _range(condition, counts)
                bits += owners[begin:end]
                terms += [term] * (end - begin)
    return np.array(terms, np.int64), np.array(bits, np.int64)


def _range(condition: Number, counts: list[int]) -> tuple[int, int]:
    """Which of the ascending counts hold the condition: from, to."""
    below, above = bisect_left(counts, condition.value), bisect_right(counts, condition.value)
    return {
        ">=": (below, len(counts)),
        ">": (above, len(counts)),
        "<=": (0, above),
        "<": (0, below),
        "=": (below, above),
    }[condition.comparison]
