"""A leaf table as plain arrays and back, for a matcher that starts without reading a million queries again.

Writing files does not belong here. Nothing is executed when a snapshot is read, and one that does not fit is refused.
"""

import json
from array import array
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.core.matching.term_index import LeafTable
from bot.core.query.ast import Number
from bot.core.query.words import ANALYSER

FORMAT = 1  # goes up when the arrays mean something else
ARRAYS = ("first", "grows", "ends", "end_leaf", "end_next", "fields", "splits", "skeletons")

Saved = dict[str, NDArray[Any]]


def stamp(queries: Iterable[str]) -> str:
    """Names a list of queries and the way they are read; another stamp means that a snapshot is stale."""
    digest = sha256(f"{FORMAT}.{ANALYSER}".encode())
    for query in queries:
        spelled = query.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(spelled))
        digest.update(spelled)
    return digest.hexdigest()


def text_array(value: object) -> NDArray[np.uint8]:
    """Any JSON value as an array of octets."""
    return np.frombuffer(json.dumps(value).encode(), np.uint8)


def from_text_array(saved: NDArray[Any]) -> Any:
    """The inverse of `text_array`."""
    return json.loads(saved.tobytes())


def dump(table: LeafTable) -> Saved:
    """All that a table knows."""
    saved: Saved = {name: np.array(getattr(table, name)) for name in ARRAYS}
    saved["strings"] = text_array(
        {
            "numbers": list(table.numbers),
            "labels": list(table.labels),
            "heads": list(table.heads),
            "prefixes": table.prefixes,
            "lengths": [sorted(table.prefix_lengths), sorted(table.name_prefix_lengths)],
            "flags": [table.has_exact, table.has_exact_names, table.has_names],
            "values": [[*key, leaf] for key, leaf in table.values.items()],
            "conditions": [[*condition, leaf] for condition, leaf in table.conditions],
            "near": {size: rows.tolist() for size, rows in table.near.items()},
        }
    )
    for name, index in (("steps", table.steps), ("split_labels", table.split_labels)):
        saved[f"{name}.keys"], saved[f"{name}.values"] = np.array(index.keys), np.array(index.values)
    saved["shared.keys"] = np.fromiter(table.shared.keys(), np.int64, len(table.shared))
    saved["shared.values"] = np.fromiter(table.shared.values(), np.int64, len(table.shared))
    return saved


def load(saved: Mapping[str, NDArray[Any]]) -> LeafTable:
    """The table of a dump. Raises KeyError or ValueError for what is none."""
    table = LeafTable()
    for name in ARRAYS:
        own = getattr(table, name)
        setattr(table, name, array(own.typecode, saved[name].astype(own.typecode, casting="equiv").tobytes()))
    known = from_text_array(saved["strings"])
    table.numbers = {spelling: number for number, spelling in enumerate(known["numbers"], 1)}
    table.labels = {spelling: number for number, spelling in enumerate(known["labels"])}
    table.heads = {spelling: number for number, spelling in enumerate(known["heads"], 1)}
    table.count = len(table.numbers) + 1
    table.prefixes = [(prefix, label) for prefix, label in known["prefixes"]]
    table.prefix_lengths, table.name_prefix_lengths = map(set, known["lengths"])
    table.has_exact, table.has_exact_names, table.has_names = known["flags"]
    table.values = {(field, value): leaf for field, value, leaf in known["values"]}
    table.conditions = [
        (Number(name, comparison, value), leaf) for name, comparison, value, leaf in known["conditions"]
    ]
    table.near = {int(size): array("q", rows) for size, rows in known["near"].items()}
    for name, index in (("steps", table.steps), ("split_labels", table.split_labels)):
        for column, typecode in (("keys", "q"), ("values", "i")):
            cells = saved[f"{name}.{column}"].astype(typecode, casting="equiv")
            setattr(index, column, array(typecode, cells.tobytes()))
    table.shared = dict(zip(saved["shared.keys"].tolist(), saved["shared.values"].tolist(), strict=True))
    table.note_skeletons()
    return table
