"""The terms of a query: words, phrases, values and numbers, with what may stand at them (`=`, `*`, `~N`, `^W`).

How terms are put together is `parser`'s.
"""

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import cast

from bot.core.query.acronyms import ORDINARY_WORDS
from bot.core.query.ast import TEXT_FIELDS, VALUE_FIELDS, Comparison, FieldName, Number, NumberName, Term
from bot.core.query.lexer import QUOTE, Lexer
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
MAX_WORDS = 16
MAX_DISTANCE = 100
MAX_WEIGHT = 100
MAX_DIGITS = 4000  # Python itself refuses to read numbers not much longer

_DIGITS = re.compile(r"[0-9]+")
_WEIGHT = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_BLANK = re.compile(r"\s")


class TermParser:
    """Reads the term that stands at the lexer's token, and moves on."""

    __slots__ = ("field", "read", "token")

    def __init__(self, token: Lexer) -> None:
        self.token = token
        self.field: FieldName = ""  # of the parentheses we are in
        self.read = 0  # terms so far

    def whole_phrase(self) -> Term:
        """The whole text as one phrase, whatever stands in it: an entry of `keywords`."""
        return Term("", self._words_of_phrase(0, len(self.token.text), self.token.at))

    def number(self, name: NumberName, found: re.Match[str]) -> Number:
        """A condition on a count: `found` is the comparison behind its name."""
        token = self.token
        if self.field:
            token.fail(
                "inside {field}: there can be no condition on numbers; close the parenthesis first", field=self.field
            )
        self._counted(token.at)
        digits = _DIGITS.match(token.text, found.end())
        if digits is None:
            token.fail("a plain number should stand here, as in {count}>=20", found.end(), count=name)
        if len(digits[0].lstrip("0")) > MAX_DIGITS:
            token.fail("this number is too long; write one that a paper can reach", digits.start())
        token.move(token.boundary(digits.end(), "only digits can stand in a number, as in {count}>=20", count=name))
        return Number(name, cast("Comparison", found[1]), int(digits[0].lstrip("0") or "0"))

    def bare_word(self) -> Term:
        """An unquoted word."""
        token = self.token
        word, at = token.word, token.at
        if len(word) <= 3:
            if word in ("AND", "OR", "NOT"):
                token.unexpected()
            if (meant := unicodedata.normalize("NFKC", word).casefold()) in ("and", "or", "not"):
                token.fail(
                    'did you mean {operator}? Operators are in capitals; the word itself is "{word}"',
                    operator=meant.upper(),
                    word=meant,
                )
        self._counted(at)
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
            token.fail("here “*” can only follow a dot, as in cat:cs.*; otherwise write the whole value", token.end)
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

    def phrase(self, *, exact: bool) -> Term:
        """What stands in quotes, with a distance where there is one."""
        token = self.token
        at, text = token.at, token.text
        closing = QUOTE.search(text, at + 1)
        if closing is None:
            token.fail('this quote is never closed; add “"” where the phrase ends', at)
        self._counted(at)
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

    def exact(self) -> Term:
        """What stands behind `=`."""
        token = self.token
        at = token.at
        if not token.touches(at + 1):
            token.fail("“=” must touch the word it holds to: =RAG")
        token.move(at + 1)
        if token.kind not in ("word", "quote"):
            token.unexpected()
        if self.field in VALUE_FIELDS:
            token.fail("{field}: always compares the whole value; leave out “=”", at, field=self.field)
        if token.kind == "quote":
            return self.phrase(exact=True)
        self._counted(at)
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
            token.fail("so many words cannot stand within {most} places; leave out “~”", tilde, most=MAX_DISTANCE)
        if len(number) > 3 or not least <= int(number or "0") <= MAX_DISTANCE:
            token.fail(
                "the distance should be from {least} to {most} here", digits.start(), least=least, most=MAX_DISTANCE
            )
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
            token.fail("a weight should be over 0 and at most {most}, as in moe^2", digits.start(), most=MAX_WEIGHT)
        token.move(token.boundary(digits.end(), "a weight ends here; put a blank behind it"))
        return term if weight == 1 else term._replace(weight=weight)

    def _counted(self, at: int) -> None:
        self.read += 1
        if self.read > MAX_TERMS:
            self.token.fail("a query has at most {most} terms; make two profiles of it", at, most=MAX_TERMS)

    def _checked(self, found: Sequence[str], text: str, at: int) -> tuple[str, ...]:
        """The words found in a text, if they are not none and not too many."""
        if not found:
            self.token.fail("there is no letter or digit in this term; write a word", at)
        if len(found) > MAX_WORDS and count_of_phrase(text) > MAX_WORDS:
            self.token.fail("a phrase has at most {most} words; shorten it, or make two of it", at, most=MAX_WORDS)
        return tuple(found)


@lru_cache(maxsize=1 << 15)
def _plain_term(field: FieldName, word: str) -> Term | None:
    """The term of an unquoted word without star; None where it takes a closer look.

    An acronym that is also an ordinary word is read as it is typed.
    """
    found = words(word)
    if not 0 < len(found) <= MAX_WORDS:
        return None
    if len(found) == 1 and field in TEXT_FIELDS and found[0] in ORDINARY_WORDS and sum(map(str.isupper, word)) >= 2:
        return Term(field, tuple(exact_words(word)), exact=True) if exact_words(word) else None
    return Term(field, tuple(found))
