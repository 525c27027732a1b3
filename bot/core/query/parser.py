"""Text to query, by recursive descent: how terms are put together.

The grammar is the one docs/queries.md tells. Tokens are read by `lexer`, terms by `term_parser`; what the parts of a
query are is in `ast`. Only `language` calls this.
"""

import re
from typing import Literal

from bot.core.query.ast import NUMBERS, FieldName, Group, Node
from bot.core.query.lexer import FIELDS, Lexer
from bot.core.query.term_parser import TermParser

MAX_DEPTH = 8
_COMPARISON = re.compile(r"\s*(>=|<=|[><=])\s*")
_OF = re.compile(r"\s+of\s*(?=\()", re.IGNORECASE)


class Parser:
    """Reads one text.

    The methods for groups return a node and the place where it is true of a paper of which no term is true
    (-1: nowhere): what is true of such a paper would be true of nearly every one, and is refused.
    """

    __slots__ = ("depth", "terms", "token")

    def __init__(self, text: str) -> None:
        self.token = Lexer(text)
        self.terms = TermParser(self.token)
        self.depth = 0

    def query(self) -> Node:
        """The whole text.

        Raises:
            QueryError: it is no query.
        """
        token = self.token
        if token.kind == "end":
            token.fail("the query is empty; write a word, or several with a comma between", len(token.text))
        node, blind = self._any_of(comma=True)
        if token.kind != "end":
            token.unexpected()
        if blind >= 0:
            token.fail("only NOT lets every other paper in; say what you want, then what not: robots NOT survey", blind)
        return node

    def _any_of(self, *, comma: bool) -> tuple[Node, int]:
        token = self.token
        node, blind = self._all_of()
        if not (token.kind == "," and comma) and not (token.kind == "word" and token.word == "OR"):
            return node, blind
        parts = list(parts_of(node, "or"))
        while (token.kind == "," and comma) or (token.kind == "word" and token.word == "OR"):
            token.move(token.at + 1 if token.kind == "," else token.end)
            node, other = self._all_of()
            parts += parts_of(node, "or")
            blind = blind if blind >= 0 else other
        return Group("or", tuple(parts)), blind

    def _all_of(self) -> tuple[Node, int]:
        token = self.token
        node, blind = self._negated()
        parts: list[Node] | None = None
        while True:
            kind = token.kind
            if kind == "word":
                if token.word == "OR":
                    break
                if token.word == "AND":
                    token.move(token.end)
            elif kind not in ("quote", "(", "-", "="):
                break
            if parts is None:
                parts = list(parts_of(node, "and"))
            node, other = self._negated()
            parts += parts_of(node, "and")
            blind = min(blind, other)
        return (node, blind) if parts is None else (Group("and", tuple(parts)), blind)

    def _negated(self) -> tuple[Node, int]:
        token = self.token
        if token.kind != "-" and not (token.kind == "word" and token.word == "NOT"):
            return self._atom()
        first, negated = token.at, False
        while True:
            if token.kind == "-":
                if not token.touches(token.at + 1):
                    token.fail("“-” must touch what it excludes: write -word, or NOT word")
                token.move(token.at + 1)
            elif token.kind == "word" and token.word == "NOT":
                token.move(token.end)
            else:
                break
            negated = not negated
        node, blind = self._atom()
        if not negated:
            return node, blind
        if isinstance(node, Group) and node.kind == "not":
            return node.parts[0], (first if blind < 0 else -1)
        return Group("not", (node,)), (first if blind < 0 else -1)

    def _atom(self) -> tuple[Node, int]:
        token = self.token
        if token.kind == "word":
            following = token.text[token.end : token.end + 1]
            if following == ":" and (field := FIELDS.get(token.word.lower())):
                return self._fielded(field)
            name = next((known for known in NUMBERS if known == token.word.lower()), None)
            if name and (found := _COMPARISON.match(token.text, token.end)):
                return self.terms.number(name, found), -1
        return self._inner()

    def _fielded(self, field: FieldName) -> tuple[Node, int]:
        token = self.token
        if self.terms.field:
            token.fail(
                "inside {field}: there can be no other field; close the parenthesis first", field=self.terms.field
            )
        token.move(token.end + 1)
        self.terms.field = field
        if token.kind == "-" or (token.kind == "word" and token.word == "NOT"):
            token.fail("a field cannot be followed by NOT; write -{field}:word", field=field)
        result = self._atom()
        self.terms.field = ""
        return result

    def _inner(self) -> tuple[Node, int]:
        token = self.token
        kind = token.kind
        if kind == "word":
            if token.word.isascii() and token.word.isdigit() and (found := _OF.match(token.text, token.end)):
                return self._some_of(found.end())
            return self.terms.bare_word(), -1
        if kind == "(":
            self._open(token.at)
            opened = token.at
            token.move(opened + 1)
            result = self._any_of(comma=True)
            self._close(opened)
            token.move(token.at + 1)
            return result
        if kind == "quote":
            return self.terms.phrase(exact=False), -1
        if kind != "=":
            token.unexpected()
        return self.terms.exact(), -1

    def _some_of(self, opened: int) -> tuple[Node, int]:
        token = self.token
        at, least = token.at, token.word.lstrip("0")
        self._open(opened)
        token.in_list += 1
        token.move(opened + 1)
        items, blind = [], []
        while True:
            node, true_at = self._any_of(comma=False)
            items.append(node)
            if true_at >= 0:
                blind.append(true_at)
            if token.kind != ",":
                break
            token.move(token.at + 1)
        self._close(opened)
        token.in_list -= 1
        token.move(token.at + 1)
        if not least or len(least) > 3 or int(least) > len(items):
            token.fail("of {items} items at least 1 and at most {items} can be asked for", at, items=len(items))
        return Group("of", tuple(items), int(least)), (blind[0] if len(blind) >= int(least) else -1)

    def _open(self, at: int) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.token.fail(
                "parentheses can be {most} deep; make it flatter, or two profiles of it", at, most=MAX_DEPTH
            )

    def _close(self, opened: int) -> None:
        if self.token.kind == "end":
            self.token.fail("this parenthesis is never closed; add “)”", opened)
        if self.token.kind != ")":
            self.token.unexpected()
        self.depth -= 1


def parts_of(node: Node, kind: Literal["and", "or"]) -> "tuple[Node, ...]":
    """A chain of one operator is one group: a AND (b AND c) is a AND b AND c."""
    return node.parts if isinstance(node, Group) and node.kind == kind else (node,)
