"""What a query is true of: the plain evaluation, to be read beside the language's definition, and the words behind it.

Made for one query and one paper at a time; for many of both see `bot.core.matching`, which has to agree with this
module. Where a term stands in a text is found by `places`.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import eq, ge, gt, le, lt
from typing import Final, Literal, TypedDict

from bot.core.papers import Paper
from bot.core.query.ast import (
    TEXT_FIELDS,
    VALUE_FIELDS,
    Comparison,
    Group,
    Leaf,
    Node,
    Number,
    Query,
    Term,
    true,
    written,
)
from bot.core.query.places import Text
from bot.core.query.plurals import singular
from bot.core.query.quote import Quote
from bot.core.query.words import (
    fold_value,
    prefix_of,
    units,
)

COMPARE: Final[dict[Comparison, Callable[[int, int], bool]]] = {">=": ge, ">": gt, "<=": le, "<": lt, "=": eq}


def matches(query: Query, paper: Paper) -> bool:
    """Whether a query is true of a paper."""
    return Reading(paper).true(query.root)


def quotes(query: Query, paper: Paper) -> tuple[Quote, ...]:
    """The words that speak for a paper: a quote for each wanted term that is true of it, in the order of the query."""
    reading = Reading(paper)
    return tuple(quote for leaf in query.wanted() if (quote := reading.quote(leaf)))


@lru_cache(maxsize=1 << 14)
def asks_for(query: Query, words: str) -> bool:
    """Whether a query asks for a kind of text by the words that name it: some term it wants is true of them."""
    reading = Reading(Paper("", words))
    wanted = (leaf for leaf in query.wanted() if isinstance(leaf, Term) and leaf.field in TEXT_FIELDS)
    return any(map(reading.true, wanted))


@dataclass(frozen=True, slots=True)
class Explained:
    """A part of a query, whether it is true, and for a term which text of the paper made it so."""

    kind: Literal["term", "and", "or", "not", "of"]
    text: str  # this part of the query, canonical
    true: bool
    field: str = ""  # where a true term was found, else where it was looked for ("" is title or abstract)
    found: str = ""  # the words as they stand in the paper
    parts: "tuple[Explained, ...]" = ()


class ExplainedTerm(TypedDict):
    """One term of a query, for `explain --json`."""

    term: str
    true: bool
    field: str
    text: str


def explain(query: Query, paper: Paper) -> Explained:
    """The query as a tree with true or false at every part."""
    return _explained(query.root, Reading(paper))


def terms(explained: Explained) -> list[ExplainedTerm]:
    """The leaves of an explanation, in the order of the query."""
    if explained.kind == "term":
        return [{"term": explained.text, "true": explained.true, "field": explained.field, "text": explained.found}]
    return [term for part in explained.parts for term in terms(part)]


def _explained(node: Node, reading: "Reading") -> Explained:
    if isinstance(node, Group):
        parts = tuple(_explained(part, reading) for part in node.parts)
        return Explained(node.kind, written(node), reading.true(node), parts=parts)
    quote = reading.quote(node)
    if quote is None:
        return Explained("term", written(node), False, node.name if isinstance(node, Number) else node.field)
    return Explained("term", written(node), True, quote.field, quote.text)


class Reading:
    """One paper, read for any number of terms."""

    def __init__(self, paper: Paper) -> None:
        self.paper = paper

    def true(self, node: Node) -> bool:
        """Whether a part of a query is true of the paper."""
        return true(node, lambda leaf: self.quote(leaf) is not None)

    def quote(self, leaf: Leaf) -> Quote | None:
        """Where a term or number is true of the paper, or None: the first place in the title, else in the abstract."""
        if isinstance(leaf, Number):
            count: int | None = getattr(self.paper, leaf.name)
            if count is None or not COMPARE[leaf.comparison](count, leaf.value):
                return None
            return Quote(term=written(leaf), field=leaf.name, text=str(count))
        name = written(leaf._replace(weight=1.0))
        if leaf.field in VALUE_FIELDS:
            values = self.paper.categories if leaf.field == "category" else self.paper.sources
            value = next((value for value in values or () if _is_value(leaf.words[0], value)), None)
            return None if value is None else Quote(term=name, field=leaf.field, text=value)
        for field in (leaf.field,) if leaf.field else ("title", "abstract"):
            for text in self.texts[field]:
                if place := text.find(leaf):
                    start, end = place
                    located = field in ("title", "abstract") and start >= 0
                    found = text.text[start:end] if start >= 0 else " ".join(leaf.words)
                    return Quote(
                        term=name, field=field, text=found, start=start if located else -1, end=end if located else -1
                    )
        return None

    @cached_property
    def texts(self) -> "dict[str, list[Text]]":
        """What words are looked for in, by field."""
        paper = self.paper
        return {
            "title": [Text(paper.title or "")],
            "abstract": [Text(paper.abstract or "")],
            "author": [Text(name, is_name=True) for name in paper.authors or ()],
            "org": [Text(paper.organization or "", is_name=True)],
        }

    @cached_property
    def units(self) -> tuple[Container[str], Container[str]]:
        """What the readings of the title are made of, and those of the abstract."""
        return self.texts["title"][0].places, self.texts["abstract"][0].places


def _is_value(wanted: str, value: str) -> bool:
    if wanted.endswith("*"):
        return fold_value(value).startswith(wanted[:-1])
    return fold_value(value) == wanted


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
        of_title, of_abstract = reading.units
        for first, leaves in asked.by_first.items():
            if first in of_abstract or first in of_title:
                for leaf in leaves:
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
