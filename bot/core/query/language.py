"""The profile language: text to Query and back, and the query a whole profile stands for.

Put together from `ast` and `parser`. What a query is true of: see `evaluate`, and `bot.core.matching` for many.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

from bot.core.query.ast import NUMBERS, Group, Leaf, Node, Number, Query, QueryError, Term, written
from bot.core.query.lexer import FIELDS, QUOTE
from bot.core.query.parser import MAX_DEPTH, Parser, parts_of
from bot.core.query.term_parser import MAX_TERMS
from bot.core.text.translatable import Translatable

__all__ = [
    "Group",
    "Leaf",
    "Node",
    "Number",
    "Query",
    "QueryError",
    "Term",
    "parse",
    "profile_errors",
    "profile_query",
    "seems_a_query",
    "written",
]

_OPERATORS = re.compile(
    rf"(?:^|\s)(?:(?:AND|OR|NOT)\s|-\w|(?:{'|'.join(FIELDS)})\s?:)|\b(?:{'|'.join(NUMBERS)})\s?[<>=]", re.ASCII
)


def parse(text: str) -> Query:
    """The query a text stands for.

    Raises:
        QueryError: for any text that is none, with the column and what to do.
    """
    return Query(Parser(text).query())


def profile_query(keywords: Sequence[str], exclude: Sequence[str] = (), query: str = "") -> Query:
    """Any of the keywords, none of the excluded, and the query true; what is empty asks for nothing.

    An entry of `keywords` or `exclude` with a blank and no quote is one phrase; any other is a single term.

    Raises:
        QueryError: with the entry in `where`, and the column in that entry.
    """
    parts: list[Node] = []
    if keywords:
        parts.append(_any_of(_entries(keywords, "keywords")))
    if query:
        parts.append(_query(query))
    if not parts:
        raise QueryError(Translatable("nothing is asked for; give keywords or a query"), 1, "", "profile")
    if exclude:
        parts.append(Group("not", (_any_of(_entries(exclude, "exclude")),)))
    whole = Query(
        parts[0] if len(parts) == 1 else Group("and", tuple(p for part in parts for p in parts_of(part, "and")))
    )
    if (query or len(keywords) + len(exclude) > MAX_TERMS) and len(whole.leaves()) > MAX_TERMS:
        reason = Translatable(
            "a profile has at most {most} terms, this one has {terms}; make two profiles of it",
            most=MAX_TERMS,
            terms=len(whole.leaves()),
        )
        raise QueryError(reason, 1, "", "profile")
    if query and _depth(whole.root) > MAX_DEPTH:
        reason = Translatable(
            "beside keywords a query's parentheses can be {most} deep; make it flatter, or two profiles of it",
            most=MAX_DEPTH - 1,
        )
        raise QueryError(reason, 1, query, "query")
    return whole


def profile_errors(keywords: Sequence[str], exclude: Sequence[str] = (), query: str = "") -> list[QueryError]:
    """Everything for which `profile_query` refuses a profile, to be mended at once; [] if it does not."""
    tries: list[Callable[[], object]] = [
        partial(_entry, text, f"keywords, entry {i}") for i, text in enumerate(keywords, 1)
    ]
    tries += [partial(_entry, text, f"exclude, entry {i}") for i, text in enumerate(exclude, 1)]
    if query:
        tries.append(partial(_query, query))
    found = [error for attempt in tries if (error := _error(attempt))]
    whole = None if found else _error(partial(profile_query, keywords, exclude, query))
    return [whole] if whole else found


def _error(attempt: Callable[[], object]) -> QueryError | None:
    try:
        attempt()
    except QueryError as error:
        return error.with_traceback(None)
    return None


def _query(text: str) -> Node:
    try:
        return parse(text).root
    except QueryError as error:
        raise error.at("query") from None


def _entries(texts: Sequence[str], key: str) -> list[Leaf]:
    try:
        return [_keyword(text) for text in texts]
    except QueryError:  # only now it matters which of them is wrong
        return [_entry(text, f"{key}, entry {i}") for i, text in enumerate(texts, 1)]


def _entry(text: str, where: str) -> Leaf:
    try:
        return _keyword(text)
    except QueryError as error:
        raise error.at(where) from None


@lru_cache(maxsize=32_768)  # a million subscribers share most of their keywords
def _keyword(text: str) -> Leaf:
    parser = Parser(text)
    if _is_phrase(text):
        return parser.terms.whole_phrase()
    try:
        node = parser.query()
    except QueryError as error:
        if text.lstrip()[:1] != "-":
            raise
        reason = Translatable("write the word without “-”: keywords say what is wanted, exclude what is not")
        raise QueryError(reason, error.column, text) from None
    if isinstance(node, Group):
        reason = Translatable(
            "one word or phrase should stand here; put what has operators into query, and phrases in quotes"
        )
        raise QueryError(reason, 1, text)
    return node


def _is_phrase(entry: str) -> bool:
    return any(c.isspace() for c in entry.strip()) and not QUOTE.search(entry)


def seems_a_query(entry: str) -> bool:
    """Whether an entry of `keywords` or `exclude` is read as a phrase, but written as if it were a query."""
    return _is_phrase(entry) and _OPERATORS.search(entry) is not None


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
