"""Text to query, by recursive descent. The grammar is that of the language's contract, told in docs/queries.md.

Only `bot.core.query` calls this. What the parts of a query are is in `query_tree`, how text becomes words in `text`.
"""

import re
from typing import cast

from bot.core.query.ast import NUMBERS, Comparison, Group, Node, Number
from bot.core.query.terms import DIGITS, FIELDS, MAX_TERMS, QUOTE, TermReader

__all__ = ["MAX_DEPTH", "MAX_TERMS", "QUOTE", "Reader", "parts_of"]

MAX_DEPTH = 8
MAX_DIGITS = 4000  # Python itself refuses to read numbers not much longer

_COMPARISON = re.compile(r"\s*(>=|<=|[><=])\s*")
_OF = re.compile(r"\s+of\s*(?=\()", re.IGNORECASE)


class Reader(TermReader):
    """Recursive descent: how terms are put together.

    A node comes with the place where it is true of a paper of which no term is true (-1: nowhere).
    """

    __slots__ = ()

    def query(self) -> Node:
        if self.kind == "end":
            self.fail("the query is empty; write a word, or several with a comma between", len(self.text))
        node, blind = self.either(comma=True)
        if self.kind != "end":
            self.unexpected()
        if blind >= 0:
            self.fail("only NOT lets every other paper in; say what you want, then what not: robots NOT survey", blind)
        return node

    def either(self, comma: bool) -> tuple[Node, int]:
        node, blind = self.both()
        if not (self.kind == "," and comma) and not (self.kind == "word" and self.word == "OR"):
            return node, blind
        parts = list(parts_of(node, "or"))
        while (self.kind == "," and comma) or (self.kind == "word" and self.word == "OR"):
            self.move(self.at + 1 if self.kind == "," else self.end)
            node, other = self.both()
            parts += parts_of(node, "or")
            blind = blind if blind >= 0 else other
        return Group("or", tuple(parts)), blind

    def both(self) -> tuple[Node, int]:
        node, blind = self.operand()
        parts: list[Node] | None = None
        while True:
            kind = self.kind
            if kind == "word":
                if self.word == "OR":
                    break
                if self.word == "AND":
                    self.move(self.end)
            elif kind not in ("quote", "(", "-", "="):
                break
            if parts is None:
                parts = list(parts_of(node, "and"))
            node, other = self.operand()
            parts += parts_of(node, "and")
            blind = min(blind, other)
        return (node, blind) if parts is None else (Group("and", tuple(parts)), blind)

    def operand(self) -> tuple[Node, int]:
        if self.kind != "-" and not (self.kind == "word" and self.word == "NOT"):
            return self.atom()
        first, negated = self.at, False
        while True:
            if self.kind == "-":
                after = self.text[self.at + 1 : self.at + 2]
                if not after or after.isspace():
                    self.fail("“-” must touch what it excludes: write -word, or NOT word")
                self.move(self.at + 1)
            elif self.kind == "word" and self.word == "NOT":
                self.move(self.end)
            else:
                break
            negated = not negated
        node, blind = self.atom()
        if not negated:
            return node, blind
        if isinstance(node, Group) and node.kind == "not":
            return node.parts[0], (first if blind < 0 else -1)
        return Group("not", (node,)), (first if blind < 0 else -1)

    def atom(self) -> tuple[Node, int]:
        if self.kind == "word":
            following = self.text[self.end : self.end + 1]
            if following == ":" and (field := FIELDS.get(self.word.lower())):
                return self.fielded(field)
            if (name := self.word.lower()) in NUMBERS and (found := _COMPARISON.match(self.text, self.end)):
                return self.number(name, found), -1
        return self.inner()

    def fielded(self, field: str) -> tuple[Node, int]:
        if self.field:
            self.fail(f"inside {self.field}: there can be no other field; close the parenthesis first")
        self.move(self.end + 1)
        self.field = field
        if self.kind == "-" or (self.kind == "word" and self.word == "NOT"):
            self.fail(f"a field cannot be followed by NOT; write -{field}:word")
        result = self.atom()
        self.field = ""
        return result

    def number(self, name: str, found: re.Match[str]) -> Number:
        if self.field:
            self.fail(f"inside {self.field}: there can be no condition on numbers; close the parenthesis first")
        self.count(self.at)
        digits = DIGITS.match(self.text, found.end())
        if digits is None:
            self.fail(f"a plain number should stand here, as in {name}>=20", found.end())
        if len(digits[0].lstrip("0")) > MAX_DIGITS:
            self.fail("this number is too long; write one that a paper can reach", digits.start())
        self.move(self.boundary(digits.end(), f"only digits can stand in a number, as in {name}>=20"))
        return Number(name, cast("Comparison", found[1]), int(digits[0].lstrip("0") or "0"))

    def inner(self) -> tuple[Node, int]:
        kind = self.kind
        if kind == "word":
            if self.word.isascii() and self.word.isdigit() and (found := _OF.match(self.text, self.end)):
                return self.some_of(found.end())
            return self.bare(), -1
        if kind == "(":
            self.open(self.at)
            opened = self.at
            self.move(opened + 1)
            result = self.either(comma=True)
            self.close(opened)
            return result
        if kind == "quote":
            return self.phrase(exact=False), -1
        if kind != "=":
            self.unexpected()
        return self.exact(), -1

    def some_of(self, opened: int) -> tuple[Node, int]:
        at, least = self.at, self.word.lstrip("0")
        self.open(opened)
        self.move(opened + 1)
        items, blind = [], []
        while True:
            node, true_at = self.either(comma=False)
            items.append(node)
            if true_at >= 0:
                blind.append(true_at)
            if self.kind != ",":
                break
            self.move(self.at + 1)
        self.close(opened)
        if not least or len(least) > 3 or int(least) > len(items):
            self.fail(f"of {len(items)} items at least 1 and at most {len(items)} can be asked for", at)
        return Group("of", tuple(items), int(least)), (blind[0] if len(blind) >= int(least) else -1)

    def open(self, at: int) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail(f"parentheses can be {MAX_DEPTH} deep; make it flatter, or two profiles of it", at)

    def close(self, opened: int) -> None:
        if self.kind == "end":
            self.fail("this parenthesis is never closed; add “)”", opened)
        if self.kind != ")":
            self.unexpected()
        self.depth -= 1
        self.move(self.at + 1)


def parts_of(node: Node, kind: str) -> "tuple[Node, ...]":
    """A chain of one operator is one group: a AND (b AND c) is a AND b AND c."""
    return node.parts if isinstance(node, Group) and node.kind == kind else (node,)
