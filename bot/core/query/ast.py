"""What a query is made of: terms, numbers and groups; how they are written; and the error for what is no query.

How a text is read belongs to `parser`, what a query is true of to `evaluate` and `bot.core.matching`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias, get_args

from bot.core.query.words import is_blankless
from bot.core.text import columns
from bot.errors import PaperlarkError

FieldName = Literal["", "title", "abstract", "author", "category", "source", "org"]  # "" is title or abstract
NumberName = Literal["upvotes", "comments", "stars"]
NUMBERS: tuple[NumberName, ...] = get_args(NumberName)
TEXT_FIELDS: tuple[FieldName, ...] = ("", "title", "abstract")
VALUE_FIELDS: tuple[FieldName, ...] = ("category", "source")

Comparison = Literal[">=", ">", "<=", "<", "="]


class Term(NamedTuple):
    """A word or phrase, or the value of a category or source.

    `words` are folded (with `exact`: as typed, NFKC); a trailing "*" stands for any ending. A value is one "word".
    """

    field: FieldName
    words: tuple[str, ...]
    exact: bool = False
    near: int = 0  # 0: a word or phrase; else the words stand at most so far apart, in any order
    weight: float = 1.0


class Number(NamedTuple):
    """A condition on one of the paper's counts."""

    name: NumberName
    comparison: Comparison
    value: int


class Group(NamedTuple):
    """`and`, `or`: two parts or more; `not`: one; `of`: at least `least` of the parts are true."""

    kind: Literal["and", "or", "not", "of"]
    parts: "tuple[Node, ...]"
    least: int = 0


Leaf: TypeAlias = Term | Number  # a node without parts
Node: TypeAlias = Leaf | Group


@dataclass(frozen=True, slots=True)
class Query:
    """A standing query. Equal queries are written alike by `str`, and `parse(str(query)) == query`."""

    root: Node

    def __str__(self) -> str:
        return written(self.root)

    def leaves(self) -> tuple[Leaf, ...]:
        """Every term and number, in the order written."""
        return tuple(leaf for leaf, _ in _leaves(self.root, True))

    def wanted(self) -> tuple[Leaf, ...]:
        """The terms and numbers that speak for a paper (not behind NOT), each once, in the order written."""
        return tuple(dict.fromkeys(leaf for leaf, wanted in _leaves(self.root, True) if wanted))

    def unwanted(self) -> tuple[Leaf, ...]:
        """The terms and numbers behind NOT, each once, in the order written."""
        return tuple(dict.fromkeys(leaf for leaf, wanted in _leaves(self.root, True) if not wanted))


class QueryError(PaperlarkError, ValueError):
    """A query that cannot be read.

    `column` is 1-based, in characters of `query`; `reason` says in English what is wrong and what to do, and is
    `Translatable`. `where` names the place of the query among others ("keywords, entry 2").
    """

    def __init__(self, reason: str, column: int, query: str, where: str = "") -> None:
        self.reason = reason
        self.column = column
        self.query = query
        self.where = where
        super().__init__(f"{where}{': ' if where else ''}column {column}: {reason}")

    def __reduce__(self) -> tuple[type["QueryError"], tuple[str, int, str, str]]:
        return QueryError, (self.reason, self.column, self.query, self.where)

    def at(self, where: str) -> "QueryError":
        """The same error, with the place of the query in front."""
        return QueryError(self.reason, self.column, self.query, where)

    def pointer(self, width: int = 100) -> str:
        """Two lines for people: the query, cut to `width` characters, and a caret under the column."""
        start = max(0, min(self.column - 1 - width // 2, len(self.query) + 1 - width))
        shown = "".join(c if c.isprintable() else " " for c in self.query[start : start + width])
        before = shown[: self.column - 1 - start]
        return f"{shown}\n{' ' * columns.width(before)}^"


def true(node: Node, holds: Callable[[Leaf], bool]) -> bool:
    """The logic of a part of a query, from what holds of its terms."""
    if not isinstance(node, Group):
        return holds(node)
    if node.kind == "and":
        return all(true(part, holds) for part in node.parts)
    if node.kind == "or":
        return any(true(part, holds) for part in node.parts)
    if node.kind == "of":
        return sum(true(part, holds) for part in node.parts) >= node.least
    return not true(node.parts[0], holds)


def turning(query: Query, answers: Mapping[Leaf, bool]) -> Iterator[Leaf]:
    """The terms each of which, the other way round, would alone make the query true that is not."""
    return (
        leaf
        for leaf in dict.fromkeys(query.leaves())
        if true(query.root, {**answers, leaf: not answers[leaf]}.__getitem__)
    )


def excluding(query: Query, answers: Mapping[Leaf, bool]) -> tuple[Leaf, ...]:
    """The terms behind NOT that alone keep a query from being true; () if it is true, or lacks something besides."""
    found = tuple(leaf for leaf in dict.fromkeys(query.leaves()) if answers[leaf] and leaf not in query.wanted())
    if not found or true(query.root, answers.__getitem__):
        return ()
    return found if true(query.root, {**answers, **dict.fromkeys(found, False)}.__getitem__) else ()


def required(query: Query) -> frozenset[Leaf]:
    """The wanted terms without which nothing matches, as those of `a AND b`."""
    wanted = query.wanted()
    best = {leaf: leaf in wanted for leaf in query.leaves()}
    return frozenset(leaf for leaf in wanted if not true(query.root, {**best, leaf: False}.__getitem__))


def _leaves(node: Node, wanted: bool) -> Iterator[tuple[Leaf, bool]]:
    if not isinstance(node, Group):
        yield node, wanted
        return
    for part in node.parts:
        yield from _leaves(part, wanted != (node.kind == "not"))


# ---------------------------------------------------------------------------------------------------------- writing

_PLAIN = re.compile(r"[^\W_][^\s\"“”(),:^*~=<>]*")
_RESERVED = frozenset(("and", "or", "not", "of", *NUMBERS))  # unquoted they could be read as something else
_WIDE = str.maketrans({c: chr(ord(c) + 0xFEE0) for c in '"(),:^*~=<>'})  # the same characters after NFKC


def written(node: Node) -> str:
    """A part of a query in its canonical spelling."""
    if isinstance(node, Number):
        return f"{node.name}{node.comparison}{node.value}"
    if isinstance(node, Term):
        return _written_term(node)
    if node.kind == "or":
        return " OR ".join([written(part) for part in node.parts])
    if node.kind == "of":
        return f"{node.least} of ({', '.join([written(part) for part in node.parts])})"
    inner = [
        f"({written(part)})"
        if isinstance(part, Group) and (part.kind == "or" or (node.kind == "not" and part.kind == "and"))
        else written(part)
        for part in node.parts
    ]
    return f"NOT {inner[0]}" if node.kind == "not" else " ".join(inner)


def _written_words(words: tuple[str, ...]) -> str:
    """Words with blanks between them, but for runs of a script that has none: they count as one word."""
    if len(words) == 1:
        return words[0]
    text = words[0]
    for before, word in pairwise(words):
        text += word if is_blankless(before) and is_blankless(word) else f" {word}"
    return text


@lru_cache(maxsize=1 << 14)
def _written_term(term: Term) -> str:
    text = _written_words(term.words)
    if term.field in VALUE_FIELDS:
        starred = text.endswith("*")
        text = text.removesuffix("*").translate(_WIDE)
        if not starred and (not _PLAIN.fullmatch(text) or text in _RESERVED):
            text = f'"{text}"'
        text += "*" * starred
    elif term.near or " " in text or "," in text or text.removesuffix("*").casefold() in _RESERVED:
        text = f'"{text}"'
    return (
        (f"{term.field}:" if term.field else "")
        + ("=" if term.exact else "")
        + text
        + (f"~{term.near}" if term.near else "")
        + (f"^{Decimal(repr(term.weight)).normalize():f}" if term.weight != 1 else "")
    )
