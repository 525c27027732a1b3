"""The words behind an answer, for many subscribers with the same papers. Pure.

What a query is true of belongs to `evaluate`; which papers answer whom is found by `bot.core.matching`.
"""

from functools import lru_cache

from bot.core.papers import Paper
from bot.core.query.ast import TEXT_FIELDS, Group, Leaf, Number, Query, true
from bot.core.query.evaluate import Reading, prefix_of, units
from bot.core.query.plurals import singular
from bot.core.query.quote import Quote


class Quoter:
    """`matches` and `quotes` for many subscribers of the same papers: remembers what was found in a paper, for as many
    papers as said. Terms whose first word a paper does not have, nearly all of them, are never looked for in it.

    May be shared between threads: at worst something is found twice.
    """

    def __init__(self, papers: int = 4096) -> None:
        self._limit = papers
        self._readings: dict[int, tuple[Reading, dict[Leaf, Quote | None]]] = {}
        self._asked: dict[int, _Asked] = {}

    def answer(self, query: Query, paper: Paper) -> tuple[Quote, ...] | None:
        """`quotes(query, paper)` if the query is true of the paper, else None."""
        asked = self._asked.get(id(query))
        if asked is None or asked.query is not query:
            if len(self._asked) >= self._limit:
                self._asked.clear()
            asked = self._asked[id(query)] = _Asked(query)
        known = self._readings.get(id(paper))
        if known is None or known[0].paper is not paper:
            if len(self._readings) >= self._limit:
                self._readings.clear()
            known = self._readings[id(paper)] = (Reading(paper), {})
        reading, quoted = known
        found: dict[Leaf, Quote] = {}
        for first in reading.units_of(asked.firsts):
            for leaf in asked.by_first[first]:
                if quote := self._quote(leaf, reading, quoted):
                    found[leaf] = quote
        for leaf in asked.others:
            if quote := self._quote(leaf, reading, quoted):
                found[leaf] = quote
        if not (bool(found) if asked.is_any else true(asked.query.root, found.__contains__)):
            return None
        if len(found) == 1 and asked.is_any:
            return tuple(found.values())
        return tuple([found[leaf] for leaf in asked.wanted if leaf in found])

    def _quote(self, leaf: Leaf, reading: Reading, quoted: dict[Leaf, Quote | None]) -> Quote | None:
        try:
            return quoted[leaf]
        except KeyError:
            if len(quoted) >= self._limit:
                quoted.clear()
            quote = quoted[leaf] = reading.quote(leaf)
            return quote


class _Asked:
    """A query made ready for many papers."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self.wanted = query.wanted()
        self.by_first: dict[str, list[Leaf]] = {}
        self.others: list[Leaf] = []
        for leaf in dict.fromkeys(query.leaves()):
            firsts = _firsts(leaf)
            for first in firsts:
                self.by_first.setdefault(first, []).append(leaf)
            if not firsts:
                self.others.append(leaf)
        self.firsts = frozenset(self.by_first)
        root = query.root
        self.is_any = not isinstance(root, Group) or (
            root.kind == "or" and not any(isinstance(part, Group) for part in root.parts)
        )


@lru_cache(maxsize=1 << 14)
def _firsts(leaf: Leaf) -> frozenset[str]:
    """Units of which a title or abstract has one if the term is true of it; none where that cannot be said."""
    if isinstance(leaf, Number) or leaf.field not in TEXT_FIELDS or leaf.exact:
        return frozenset()
    words = leaf.words[:1] if leaf.near else leaf.words
    begins = [unit for unit, _ in units(words, 0, joined=True)]
    return frozenset() if any(prefix_of(unit) is not None for unit in begins) else frozenset(map(singular, begins))
