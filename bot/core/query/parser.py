"""Text to query, by recursive descent: first how terms are put together, then the terms themselves.

The grammar is the one docs/queries.md tells. Tokens are read by `lexer`, words by `words`; what the parts of a query
are is in `ast`. Only `language` calls this.
"""

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import cast

from bot.core.query.acronyms import ORDINARY_WORDS
from bot.core.query.ast import NUMBERS, TEXT_FIELDS, VALUE_FIELDS, Comparison, Group, Node, Number, Term
from bot.core.query.lexer import FIELDS, QUOTE, Lexer
from bot.core.query.words import (
    count_of_phrase,
    exact_words,
    fold,
    fold_value,
    is_blankless,
    word_spans,
    words,
)

MAX_TERMS = 64
MAX_DEPTH = 8
MAX_WORDS = 16
MAX_DISTANCE = 100
MAX_WEIGHT = 100
MAX_DIGITS = 4000  # Python itself refuses to read numbers not much longer

_COMPARISON = re.compile(r"\s*(>=|<=|[><=])\s*")
_OF = re.compile(r"\s+of\s*(?=\()", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]+")
_WEIGHT = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_BLANK = re.compile(r"\s")


class Parser:
    """Reads one text.

    The methods for groups return a node and the place where it is true of a paper of which no term is true
    (-1: nowhere): what is true of such a paper would be true of nearly every one, and is refused.
    """

    __slots__ = ("depth", "field", "terms", "token")

    def __init__(self, text: str) -> None:
        self.token = Lexer(text)
        self.field = ""  # of the parentheses we are in
        self.depth = 0
        self.terms = 0

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

    def whole_phrase(self) -> Term:
        """The whole text as one phrase, whatever stands in it: an entry of `keywords`."""
        return Term("", self._words_of_phrase(0, len(self.token.text), self.token.at))

    # ------------------------------------------------------------------------------------------------------- groups

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
            if (name := token.word.lower()) in NUMBERS and (found := _COMPARISON.match(token.text, token.end)):
                return self._number(name, found), -1
        return self._inner()

    def _fielded(self, field: str) -> tuple[Node, int]:
        token = self.token
        if self.field:
            token.fail(f"inside {self.field}: there can be no other field; close the parenthesis first")
        token.move(token.end + 1)
        self.field = field
        if token.kind == "-" or (token.kind == "word" and token.word == "NOT"):
            token.fail(f"a field cannot be followed by NOT; write -{field}:word")
        result = self._atom()
        self.field = ""
        return result

    def _number(self, name: str, found: re.Match[str]) -> Number:
        token = self.token
        if self.field:
            token.fail(f"inside {self.field}: there can be no condition on numbers; close the parenthesis first")
        self._count(token.at)
        digits = _DIGITS.match(token.text, found.end())
        if digits is None:
            token.fail(f"a plain number should stand here, as in {name}>=20", found.end())
        if len(digits[0].lstrip("0")) > MAX_DIGITS:
            token.fail("this number is too long; write one that a paper can reach", digits.start())
        token.move(token.boundary(digits.end(), f"only digits can stand in a number, as in {name}>=20"))
        return Number(name, cast("Comparison", found[1]), int(digits[0].lstrip("0") or "0"))

    def _inner(self) -> tuple[Node, int]:
        token = self.token
        kind = token.kind
        if kind == "word":
            if token.word.isascii() and token.word.isdigit() and (found := _OF.match(token.text, token.end)):
                return self._some_of(found.end())
            return self._bare_word(), -1
        if kind == "(":
            self._open(token.at)
            opened = token.at
            token.move(opened + 1)
            result = self._any_of(comma=True)
            self._close(opened)
            token.move(token.at + 1)
            return result
        if kind == "quote":
            return self._phrase(exact=False), -1
        if kind != "=":
            token.unexpected()
        return self._exact(), -1

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
            token.fail(f"of {len(items)} items at least 1 and at most {len(items)} can be asked for", at)
        return Group("of", tuple(items), int(least)), (blind[0] if len(blind) >= int(least) else -1)

    def _open(self, at: int) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.token.fail(f"parentheses can be {MAX_DEPTH} deep; make it flatter, or two profiles of it", at)

    def _close(self, opened: int) -> None:
        if self.token.kind == "end":
            self.token.fail("this parenthesis is never closed; add “)”", opened)
        if self.token.kind != ")":
            self.token.unexpected()
        self.depth -= 1

    # -------------------------------------------------------------------------------------------------------- terms

    def _bare_word(self) -> Term:
        """An unquoted word."""
        token = self.token
        word, at = token.word, token.at
        if len(word) <= 3:
            if word in ("AND", "OR", "NOT"):
                token.unexpected()
            if (meant := unicodedata.normalize("NFKC", word).casefold()) in ("and", "or", "not"):
                token.fail(f'did you mean {meant.upper()}? Operators are in capitals; the word itself is "{meant}"')
        self._count(at)
        if token.text[token.end : token.end + 1] == "*":
            term = self._starred_value(word, at) if self.field in VALUE_FIELDS else self._starred_word(at)
            return self._finish(term, token.end + 1)
        if self.field in VALUE_FIELDS:
            value = fold_value(word)
            self._checked(words(word), word, at)
            if "*" in value:
                token.fail("“*” cannot stand in a value, except at its end, as in cat:cs.*", at)
            return self._finish(Term(self.field, (value,)), token.end)
        term = _plain_term(self.field, word) or Term(self.field, self._checked(words(word), word, at))
        return self._finish(term, token.end)

    def _starred_value(self, word: str, at: int) -> Term:
        token = self.token
        value = fold_value(word)
        if not word.endswith("."):
            reason = "here “*” can only follow a dot, as in cat:cs.*; otherwise write the whole value"
            token.fail(reason, token.end)
        if not value[:1].isalnum() or _BLANK.search(value) or "*" in value:
            token.fail("write this value in plain letters, as in cat:cs.*", at)
        self._checked(words(word), word, at)
        token.boundary(token.end + 1, "“*” ends a value; put a blank behind it", caret=True)
        return Term(self.field, (value + "*",))

    def _starred_word(self, at: int) -> Term:
        token = self.token
        star = token.end
        if not self._is_behind_word(at, star):
            token.fail("“*” stands right behind a letter or digit, as in quantiz*; leave out what is between", star)
        found = self._before_star(at, star)
        token.boundary(star + 1, "“*” ends a word; put a blank behind it", caret=True)
        return Term(self.field, self._checked(found, token.text[at:star], at))

    def _before_star(self, start: int, star: int) -> list[str]:
        """The words up to a star, which the last of them takes on."""
        token = self.token
        spans = word_spans(token.text[start:star])
        word, begin, end = spans[-1]
        if is_blankless(word):
            token.fail("“*” has no meaning behind this script: every character is a word; leave it out", star)
        if word[-1] in "+#":
            token.fail("“*” cannot stand behind a sign: write C++, or compil*", star)
        typed = token.text[start + begin : start + end] if begin >= 0 else word
        if min(sum(map(str.isalnum, typed)), len(word)) < 3:  # α is one letter, and so are the two parts of 하
            token.fail("“*” needs 3 letters or more in front of it; write more of the word", star)
        return [*(span.word for span in spans[:-1]), word + "*"]

    def _is_behind_word(self, start: int, star: int) -> bool:
        """Whether a star stands right behind a word: accents and invisible characters count for nothing."""
        text = self.token.text
        last = star - 1
        while last >= start and not fold(text[last]):
            last -= 1
        if last < start:
            return False
        end = fold(text[last])[-1]
        if end in "+#":  # where it belongs to a word
            spans = word_spans(text[max(start, last - 64) : star])
            return bool(spans) and spans[-1].word[-1] == end and spans[-1].end > last - max(start, last - 64)
        return end.isalnum()

    def _phrase(self, *, exact: bool) -> Term:
        """What stands in quotes, with a distance where there is one."""
        token = self.token
        at, text = token.at, token.text
        closing = QUOTE.search(text, at + 1)
        if closing is None:
            token.fail('this quote is never closed; add “"” where the phrase ends', at)
        self._count(at)
        start, end = at + 1, closing.start()
        if self.field in VALUE_FIELDS:
            return self._finish(self._quoted_value(start, end, at), end + 1)
        if exact:
            if (star := self._next_star(start, end)) >= 0:
                token.fail("“*” cannot stand in an exact phrase; leave out “*” or “=”", star)
            found = self._checked(exact_words(text[start:end]), text[start:end], at)
            return self._finish(Term(self.field, found, exact=True), end + 1)
        term = Term(self.field, self._words_of_phrase(start, end, at))
        return self._distance(term, end + 1) if text[end + 1 : end + 2] == "~" else self._finish(term, end + 1)

    def _quoted_value(self, start: int, end: int, at: int) -> Term:
        token = self.token
        if (star := token.text.find("*", start, end)) >= 0:
            token.fail("“*” cannot stand in a quoted value; without quotes it can end one, as in cat:cs.*", star)
        text = token.text[start:end]
        value = fold_value(text)
        self._checked(words(text), text, at)
        if "*" in value:
            token.fail("“*” cannot stand in a value; leave it out", at)
        return Term(self.field, (value,))

    def _words_of_phrase(self, start: int, end: int, at: int) -> tuple[str, ...]:
        """The words between two positions; a star right behind a word ends it, any other star only splits."""
        text = self.token.text
        found: list[str] = []
        begin = start
        while (star := self._next_star(begin, end)) >= 0:
            found += self._before_star(begin, star)
            if star + 1 < end:
                self.token.boundary(star + 1, "“*” ends a word; put a blank behind it")
            begin = star + 1
        return self._checked(found + words(text[begin:end]), text[start:end], at)

    def _next_star(self, begin: int, end: int) -> int:
        """Where the first star stands that is right behind a word; -1: nowhere."""
        star = self.token.text.find("*", begin, end)
        while star >= 0 and not self._is_behind_word(begin, star):
            star = self.token.text.find("*", star + 1, end)
        return star

    def _exact(self) -> Term:
        """What stands behind `=`."""
        token = self.token
        at = token.at
        if not token.touches(at + 1):
            token.fail("“=” must touch the word it holds to: =RAG")
        token.move(at + 1)
        if token.kind not in ("word", "quote"):
            token.unexpected()
        if self.field in VALUE_FIELDS:
            token.fail(f"{self.field}: always compares the whole value; leave out “=”", at)
        if token.kind == "quote":
            return self._phrase(exact=True)
        self._count(at)
        found = self._checked(exact_words(token.word), token.word, at)
        return self._finish(Term(self.field, found, exact=True), token.end)

    def _distance(self, term: Term, tilde: int) -> Term:
        token = self.token
        if len(term.words) < 2:
            token.fail("“~” needs two words or more in the quotes; leave it out", tilde)
        digits = _DIGITS.match(token.text, tilde + 1)
        if digits is None:
            token.fail('a number should follow “~”, as in "sparse attention"~5', tilde + 1)
        least, number = len(term.words) - 1, digits[0].lstrip("0")
        if least > MAX_DISTANCE:
            token.fail(f"so many words cannot stand within {MAX_DISTANCE} places; leave out “~”", tilde)
        if len(number) > 3 or not least <= int(number or "0") <= MAX_DISTANCE:
            token.fail(f"the distance should be from {least} to {MAX_DISTANCE} here", digits.start())
        end = token.boundary(digits.end(), "only digits can follow “~”", caret=True)
        return self._finish(term._replace(near=int(number)), end)

    def _finish(self, term: Term, end: int) -> Term:
        """Reads the weight, if one follows, and moves on."""
        token = self.token
        if token.text[end : end + 1] != "^":
            token.move(end)
            return term
        digits = _WEIGHT.match(token.text, end + 1)
        if digits is None:
            token.fail("a number should follow “^”, as in moe^2", end + 1)
        weight = float(digits[0])
        if not 0 < weight <= MAX_WEIGHT or Decimal(digits[0]) > MAX_WEIGHT:
            token.fail(f"a weight should be over 0 and at most {MAX_WEIGHT}, as in moe^2", digits.start())
        token.move(token.boundary(digits.end(), "a weight ends here; put a blank behind it"))
        return term if weight == 1 else term._replace(weight=weight)

    def _count(self, at: int) -> None:
        self.terms += 1
        if self.terms > MAX_TERMS:
            self.token.fail(f"a query has at most {MAX_TERMS} terms; make two profiles of it", at)

    def _checked(self, found: Sequence[str], text: str, at: int) -> tuple[str, ...]:
        """The words found in a text, if they are not none and not too many."""
        if not found:
            self.token.fail("there is no letter or digit in this term; write a word", at)
        if len(found) > MAX_WORDS and count_of_phrase(text) > MAX_WORDS:
            self.token.fail(f"a phrase has at most {MAX_WORDS} words; shorten it, or make two of it", at)
        return tuple(found)


def parts_of(node: Node, kind: str) -> "tuple[Node, ...]":
    """A chain of one operator is one group: a AND (b AND c) is a AND b AND c."""
    return node.parts if isinstance(node, Group) and node.kind == kind else (node,)


@lru_cache(maxsize=1 << 15)
def _plain_term(field: str, word: str) -> Term | None:
    """The term of an unquoted word without star; None where it takes a closer look.

    An acronym that is also an ordinary word is read as it is typed.
    """
    found = words(word)
    if not 0 < len(found) <= MAX_WORDS:
        return None
    if len(found) == 1 and field in TEXT_FIELDS and found[0] in ORDINARY_WORDS and sum(map(str.isupper, word)) >= 2:
        return Term(field, tuple(exact_words(word)), exact=True) if exact_words(word) else None
    return Term(field, tuple(found))
