"""Words near each other in a batch of texts, in any order. What single words and phrases are found by is in `scan`."""

import numpy as np

from bot.core.matching.arrays import Ints, repeat_each
from bot.core.matching.term_index import TermIndex
from bot.core.matching.texts import Numbers
from bot.core.query.places import last_place, within

PLACE_BITS = 36  # a label and a place make one key
PLACES = (1 << PLACE_BITS) - 1
GAP = 128  # free places behind every text: more than any distance a query may ask for


def near_terms(index: TermIndex, text: Numbers, place: Ints, label: Ints) -> tuple[Ints, Ints]:
    """Terms that ask for words near each other, with the first token from which on they are, for each text.

    `text` has the text of every token; single words' labels stand at places.
    """
    found = [np.empty((0, 2), np.int64)]
    seen = np.zeros(len(index.labels), bool)
    seen[label] = True
    asked = np.zeros(len(index.labels), bool)
    groups = []
    for size, flat in index.near.items():
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


def _near(rows: Ints, keys: Ints, gapped: Ints, text: Numbers) -> Ints:
    """(term, place) of those rows (term, distance, labels) whose labels are near each other in some text.

    `keys` are all labels with their gapped places, ascending. Every place of a row's rarest label is looked at: each
    of the others has to be close on either side. For two words that is all; more are then placed one by one.
    """
    low = np.searchsorted(keys, rows[:, 2:] << PLACE_BITS)
    count = np.searchsorted(keys, (rows[:, 2:] + 1) << PLACE_BITS) - low
    rarest = count.argmin(axis=1)
    each = np.arange(len(rows))
    owner, at = repeat_each(each, low[each, rarest], count[each, rarest])
    anchor = keys[at] & PLACES
    start = anchor  # of two words near each other: the anchor, or the first of the other word's places before it
    for column in range(rows.shape[1] - 2):
        key, distance = rows[owner, 2 + column] << PLACE_BITS | anchor, rows[owner, 1]
        before = keys[np.searchsorted(keys, key) - 1]
        behind = keys[np.minimum(np.searchsorted(keys, key, side="right"), len(keys) - 1)]
        close = (before < key) & (key - before <= distance) | (behind > key) & (behind - key <= distance)
        is_anchor = rarest[owner] == column
        earliest = keys[np.minimum(np.searchsorted(keys, key - distance), len(keys) - 1)]
        start = np.where(~is_anchor & (earliest < key), earliest & PLACES, start)
        close |= is_anchor
        owner, anchor, start = owner[close], anchor[close], start[close]
    pair = owner << 32 | text[np.searchsorted(gapped, anchor)]
    order = np.lexsort((start, pair))
    pair, first = np.unique(pair[order], return_index=True)
    owner, start = pair >> 32, start[order][first]
    if rows.shape[1] > 4:
        where = pair & 0xFFFFFFFF
        begins = gapped[np.searchsorted(text, where)]
        ends = gapped[np.searchsorted(text, where, side="right") - 1]
        found = [_first_fit(rows[o], keys, b, e) for o, b, e in zip(owner.tolist(), begins, ends, strict=True)]
        start = np.array(found, np.int64)
        owner, start = owner[start >= 0], start[start >= 0]
    return np.stack([rows[owner, 0], np.searchsorted(gapped, start)], axis=1)


def _first_fit(row: Ints, keys: Ints, begin: int, end: int) -> int:
    """The first gapped place between two from which on all labels of a row have a place of their own near each other;
    -1: none."""
    places = []
    for label in row[2:].tolist():
        low, high = np.searchsorted(keys, [label << PLACE_BITS | begin, label << PLACE_BITS | end])
        places.append((keys[low:high] & PLACES).tolist())
    starts = sorted(set().union(*places))
    return next((at for at in starts if last_place(within(places, at, at + int(row[1]))) is not None), -1)
