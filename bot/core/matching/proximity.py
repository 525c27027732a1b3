"""Words and their neighbours in a batch of texts: two read as one (compounds), and several near each other.

What single words and phrases are found by is in `scan`.
"""

from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from bot.core.matching.arrays import Ints, spread
from bot.core.matching.term_index import PRIME, LeafTable, folds_alone, skeleton
from bot.core.query.evaluate import last_place
from bot.core.query.words import SMALL_WORDS, singular

PLACE_BITS = 36  # a label and a place make one key
PLACES = (1 << PLACE_BITS) - 1
GAP = 128  # free places behind every text: more than any distance a query may ask for


@dataclass(frozen=True, slots=True)
class WordPairs:
    """The neighbours in texts that may be read as one word."""

    begins: NDArray[np.bool_]  # word -> whether it may be the first of a pair
    place: Ints  # of the first word of each pair
    left: Ints  # its words
    right: Ints
    prints: Ints  # the fingerprint of the pair's skeleton
    alone: NDArray[np.bool_]  # word -> `leaves.folds_alone`


def word_pairs(folded: list[str], token: Ints) -> WordPairs:
    """The pairs of a row of tokens; `folded` are the distinct words, 0 being none.

    The fingerprint of a pair's skeleton follows from those of its two words: no pair is put together here.
    """
    cores = [skeleton(word) for word in folded]
    whole = _fingerprints(folded)
    rest = _fingerprints(cores)
    size = np.array(list(map(len, map(str.encode, cores))), np.int64)
    powers = np.array([pow(256, n, PRIME) for n in range(int(size.max()) + 1)], np.int64)
    begins = np.array([word not in SMALL_WORDS for word in folded])
    begins[0] = False
    digits = np.array(list(map(str.isdigit, folded)))
    left, right = token[:-1], token[1:]
    able = np.flatnonzero(begins[left] & (right > 0) & ~(digits[left] & digits[right]))
    left, right = left[able], right[able]
    both = np.where(size[right] > 0, (whole[left] * powers[size[right]] + rest[right]) % PRIME, rest[left])
    return WordPairs(begins, able, left, right, both, np.array(list(map(folds_alone, folded))))


def joined_words(table: LeafTable, folded: list[str], token: Ints, plain: Ints, pairs: WordPairs) -> tuple[Ints, Ints]:
    """Every place where a label stands for a word and its neighbour read as one.

    `plain` are the labels of the distinct words, or -1. Only pairs whose fingerprint some label shares are put together
    and looked up.
    """
    able, left, right = pairs.place, pairs.left, pairs.right
    likely = np.flatnonzero(table.joined[pairs.prints & (len(table.joined) - 1)])
    likely = likely[_not_apart(table, folded, np.where(pairs.alone, plain, -1), left[likely], right[likely])]
    places: list[int] = []
    labels: list[int] = []
    get = table.labels.get
    for place, a, b in zip(able[likely].tolist(), left[likely].tolist(), right[likely].tolist(), strict=True):
        if (found := get(singular(folded[a] + folded[b]))) is not None:
            places.append(place)
            labels.append(found)
    if table.prefixes:
        _joined_prefixes(table, folded, token, pairs, places, labels)
    return np.array(places, np.int64), np.array(labels, np.int64)


def _fingerprints(words: list[str]) -> Ints:
    """`leaves.fingerprint` of many words."""
    read = int.from_bytes
    return np.array([read(spelled, "big") % PRIME for spelled in map(str.encode, words)], np.int64)


def _not_apart(table: LeafTable, folded: list[str], tails: Ints, left: Ints, right: Ints) -> NDArray[np.bool_]:
    """False for pairs that are joined in phrases only, of just these two words: such phrases are found word by word."""
    head = np.array(list(map(table.heads.get, folded, repeat(0))), np.int64)[left]
    tail = tails[right]
    needed = np.ones(len(left), bool)
    both = np.flatnonzero((head > 0) & (tail >= 0))
    split = head[both] << 32 | tail[both]
    at, label = table.split_labels.find(split)
    needed[both[at[np.array(table.splits, np.int64)[label] == split[at]]]] = False
    return needed


def _joined_prefixes(
    table: LeafTable, folded: list[str], token: Ints, pairs: WordPairs, places: list[int], labels: list[int]
) -> None:
    """Adds the starred labels that reach from a word into its neighbour."""
    numbers = {folded[number]: number for number in np.flatnonzero(pairs.begins).tolist()}
    heads: dict[int, dict[str, int]] = {}  # first word -> begin of the second -> label
    for prefix, label in table.prefixes:
        for cut in range(1, len(prefix)):
            if (number := numbers.get(prefix[:cut])) is not None:
                heads.setdefault(number, {})[prefix[cut:]] = label
    is_head = np.zeros(len(folded), bool)
    is_head[list(heads)] = True
    for place in pairs.place[is_head[pairs.left]].tolist():
        second, endings = folded[token[place + 1]], heads[int(token[place])]
        for length in range(1, len(second) + 1):
            if (found := endings.get(second[:length])) is not None:
                places.append(place)
                labels.append(found)


def near_leaves(table: LeafTable, text: Ints, place: Ints, label: Ints) -> tuple[Ints, Ints]:
    """Leaves that ask for words near each other, with the first token of the text as their place.

    `text` has the text of every token; single words' labels stand at places.
    """
    found = [np.empty((0, 2), np.int64)]
    seen = np.zeros(len(table.labels), bool)
    seen[label] = True
    asked = np.zeros(len(table.labels), bool)
    groups = []
    for size, flat in table.near.items():
        rows = np.array(flat, np.int64).reshape(-1, size + 2)
        rows = rows[seen[rows[:, 2:]].all(axis=1)]
        if len(rows):
            groups.append(rows)
            asked[rows[:, 2:]] = True
    if groups:
        gapped = np.arange(len(text)) + GAP * text
        used = asked[label]
        keys = np.sort(label[used] << PLACE_BITS | gapped[place[used]])
        found += [_near(rows, keys, gapped, text) for rows in groups]
    both = np.concatenate(found)
    return both[:, 0], both[:, 1]


def _near(rows: Ints, keys: Ints, gapped: Ints, text: Ints) -> Ints:
    """(leaf, place) of those rows (leaf, distance, labels) whose labels are near each other in some text.

    `keys` are all labels with their gapped places, ascending. Every place of a row's rarest label is looked at: each
    of the others has to be close on either side. For two words that is all; more are then placed one by one.
    """
    low = np.searchsorted(keys, rows[:, 2:] << PLACE_BITS)
    count = np.searchsorted(keys, (rows[:, 2:] + 1) << PLACE_BITS) - low
    rarest = count.argmin(axis=1)
    each = np.arange(len(rows))
    owner, at = spread(each, low[each, rarest], count[each, rarest])
    anchor = keys[at] & PLACES
    for column in range(rows.shape[1] - 2):
        key, distance = rows[owner, 2 + column] << PLACE_BITS | anchor, rows[owner, 1]
        before = keys[np.searchsorted(keys, key) - 1]
        behind = keys[np.minimum(np.searchsorted(keys, key, side="right"), len(keys) - 1)]
        close = (before < key) & (key - before <= distance) | (behind > key) & (behind - key <= distance)
        close |= rarest[owner] == column
        owner, anchor = owner[close], anchor[close]
    pairs = np.unique(owner << 32 | text[np.searchsorted(gapped, anchor)])
    owner, where = pairs >> 32, pairs & 0xFFFFFFFF
    first = np.searchsorted(text, where)
    if rows.shape[1] > 4:
        ends = gapped[np.searchsorted(text, where, side="right") - 1]
        fits = [_fits(rows[o], keys, b, e) for o, b, e in zip(owner.tolist(), gapped[first], ends, strict=True)]
        owner, first = owner[fits], first[fits]
    return np.stack([rows[owner, 0], first], axis=1)


def _fits(row: Ints, keys: Ints, begin: int, end: int) -> bool:
    """Whether all labels of a row have a place of their own near each other between two gapped places."""
    places = []
    for label in row[2:].tolist():
        low, high = np.searchsorted(keys, [label << PLACE_BITS | begin, label << PLACE_BITS | end])
        places.append((keys[low:high] & PLACES).tolist())
    return any(
        last_place([[place for place in one if start <= place <= start + row[1]] for one in places]) is not None
        for start in sorted(set().union(*places))
    )
