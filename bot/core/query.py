"""The profile language: text to Query and back, and the query a whole profile stands for.

The face of `query_tree` and `query_reader`. What a query is true of does not belong here (see `evaluate`, `matcher`).
"""

from collections.abc import Sequence
from functools import lru_cache

from bot.core.query_reader import MAX_DEPTH, MAX_TERMS, QUOTE, Reader, parts_of
from bot.core.query_tree import Group, Leaf, Node, Number, Query, QueryError, Term, written

__all__ = ["Group", "Leaf", "Node", "Number", "Query", "QueryError", "Term", "parse", "profile_query", "written"]


def parse(text: str) -> Query:
    """The query a text stands for.

    Raises:
        QueryError: for any text that is none, with the column and what to do.
    """
    return Query(Reader(text).query())


def profile_query(keywords: Sequence[str], exclude: Sequence[str] = (), query: str = "") -> Query:
    """Any of the keywords, none of the excluded, and the query true; what is empty asks for nothing.

    An entry of `keywords` or `exclude` with a blank and no quote is one phrase; any other is a single term.

    Raises:
        QueryError: with the entry in `where`, and the column in that entry.
    """
    parts: list[Node] = []
    if keywords:
        parts.append(_any_of([_entry(text, f"keywords, entry {i}") for i, text in enumerate(keywords, 1)]))
    if query:
        try:
            parts.append(parse(query).root)
        except QueryError as error:
            raise error.at("query") from None
    if not parts:
        raise QueryError("nothing is asked for; give keywords or a query", 1, "", "profile")
    if exclude:
        parts.append(
            Group("not", (_any_of([_entry(text, f"exclude, entry {i}") for i, text in enumerate(exclude, 1)]),))
        )
    whole = Query(
        parts[0] if len(parts) == 1 else Group("and", tuple(p for part in parts for p in parts_of(part, "and")))
    )
    if (query or len(keywords) + len(exclude) > MAX_TERMS) and len(whole.leaves()) > MAX_TERMS:
        reason = f"a profile has at most {MAX_TERMS} terms, this one has {len(whole.leaves())}; make two profiles of it"
        raise QueryError(reason, 1, "", "profile")
    if query and _depth(whole.root) > MAX_DEPTH:
        reason = (
            f"beside keywords a query's parentheses can be {MAX_DEPTH - 1} deep; make it flatter, or two profiles of it"
        )
        raise QueryError(reason, 1, query, "query")
    return whole


def _entry(text: str, where: str) -> Leaf:
    try:
        return _keyword(text)
    except QueryError as error:
        raise error.at(where) from None


@lru_cache(maxsize=32_768)  # a million readers share most of their keywords
def _keyword(text: str) -> Leaf:
    reader = Reader(text)
    if text.strip() and any(c.isspace() for c in text.strip()) and not QUOTE.search(text):
        return Term("", reader.phrase_words(0, len(text), reader.at))
    node = reader.query()
    if isinstance(node, Group):
        reason = "one word or phrase should stand here; put what has operators into query, and phrases in quotes"
        raise QueryError(reason, 1, text)
    return node


def _any_of(leaves: list[Leaf]) -> Node:
    return leaves[0] if len(leaves) == 1 else Group("or", tuple(leaves))


def _depth(node: Node) -> int:
    """How deep the parentheses are in the canonical spelling."""
    if not isinstance(node, Group):
        return 0
    deepest = 0
    for part in node.parts:
        around = isinstance(part, Group) and (
            (node.kind == "and" and part.kind == "or") or (node.kind == "not" and part.kind in ("and", "or"))
        )
        deepest = max(deepest, _depth(part) + around)
    return deepest + (node.kind == "of")
