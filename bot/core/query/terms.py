"""The terms of a query, read from its text: words, phrases, values, with their distances, stars and weights.

How terms are put together is in `query_reader`, what they are in `query_tree`, how text becomes words in `text`.
"""

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from typing import NoReturn

from bot.core.query.acronyms import ORDINARY_WORDS
from bot.core.query.ast import NUMBERS, TEXT_FIELDS, VALUE_FIELDS, QueryError, Term
from bot.core.query.words import exact_words, fold, fold_value, words

MAX_TERMS = 64
MAX_WORDS = 16
MAX_DISTANCE = 100
MAX_WEIGHT = 100

FIELDS = {
    **dict.fromkeys(("title", "ti", "intitle"), "title"),
    **dict.fromkeys(("abstract", "abs"), "abstract"),
    **dict.fromkeys(("author", "au"), "author"),
    **dict.fromkeys(("category", "cat"), "category"),
    "source": "source",
    "org": "org",
}

_TOKEN = re.compile(r"\s*(?:([^\W_][^\s\"“”(),:^*~=<>]*)|([\"“”]))?")
DIGITS = re.compile(r"[0-9]+")
_WEIGHT = re.compile(r"[0-9]+(?:\.[0-9]+)?")
QUOTE = re.compile(r"[\"“”]")
_BLANK = re.compile(r"\s")
_LIKE_MINUS = "‐‑‒–—−﹣－"


class TermReader:
    """Reads tokens and terms. `kind` of the token at `at`: "word", "quote", "end", or the character itself."""

    __slots__ = ("at", "depth", "end", "field", "kind", "terms", "text", "word")

    def __init__(self, text: str) -> None:
        self.text = text
        self.field = ""  # of the parentheses we are in
        self.depth = 0
        self.terms = 0
        self.move(0)

    def move(self, position: int) -> None:
        """Reads the token that begins at or after a position."""
        found = _TOKEN.match(self.text, position)
        assert found is not None  # it matches the empty string
        self.end = found.end()
        if found.lastindex == 1:
            self.kind, self.word = "word", found[1]
            self.at = self.end - len(self.word)
        elif found.lastindex == 2:
            self.kind, self.at = "quote", self.end - 1
        else:
            self.at = self.end
            self.kind = self.text[self.at] if self.at < len(self.text) else "end"

    def fail(self, reason: str, at: int | None = None) -> NoReturn:
        raise QueryError(reason, (self.at if at is None else at) + 1, self.text)

    def count(self, at: int) -> None:
        self.terms += 1
        if self.terms > MAX_TERMS:
            self.fail(f"a query has at most {MAX_TERMS} terms; make two profiles of it", at)

    def bare(self) -> Term:
        """An unquoted word."""
        word, at = self.word, self.at
        if len(word) <= 3:
            if word in ("AND", "OR", "NOT"):
                self.unexpected()
            if (meant := unicodedata.normalize("NFKC", word).casefold()) in ("and", "or", "not"):
                self.fail(f'did you mean {meant.upper()}? Operators are in capitals; the word itself is "{meant}"')
        self.count(at)
        following = self.text[self.end : self.end + 1]
        if following == "*":
            return self.finish(self.starred_word(word, at), self.end + 1, at)
        return self.finish(_bare(self.field, word) or self.built(word, at), self.end, at)

    def built(self, word: str, at: int) -> Term:
        """What `_bare` leaves: values and whatever has to be refused."""
        if self.field in VALUE_FIELDS:
            value = fold_value(word)
            self.check(words(word), at)
            if "*" in value:
                self.fail("“*” cannot stand in a value, except at its end, as in cat:cs.*", at)
            return Term(self.field, (value,))
        return Term(self.field, self.check(words(word), at))

    def starred_word(self, word: str, at: int) -> Term:
        star = self.end
        if self.field in VALUE_FIELDS:
            value = fold_value(word)
            if not word.endswith("."):
                self.fail("here “*” can only follow a dot, as in cat:cs.*; otherwise write the whole value", star)
            if not value[:1].isalnum() or _BLANK.search(value) or "*" in value:
                self.fail("write this value in plain letters, as in cat:cs.*", at)
            self.check(words(word), at)
            self.boundary(star + 1, "“*” ends a value; put a blank behind it", caret=True)
            return Term(self.field, (value + "*",))
        found = words(word)
        if found and len(found[-1]) < 3:
            self.fail("“*” needs 3 letters or more in front of it; write more of the word", star)
        self.boundary(star + 1, "“*” ends a word; put a blank behind it", caret=True)
        found = list(self.check(found, at))
        return Term(self.field, (*found[:-1], found[-1] + "*"))

    def phrase(self, exact: bool) -> Term:
        """What stands in quotes, with a distance where there is one. Without quotes: see `phrase_of`."""
        at = self.at
        closing = QUOTE.search(self.text, at + 1)
        if closing is None:
            self.fail('this quote is never closed; add “"” where the phrase ends', at)
        self.count(at)
        start, end = at + 1, closing.start()
        if self.field in VALUE_FIELDS:
            if (star := self.text.find("*", start, end)) >= 0:
                self.fail("“*” cannot stand in a quoted value; without quotes it can end one, as in cat:cs.*", star)
            value = fold_value(self.text[start:end])
            self.check(words(self.text[start:end]), at)
            if "*" in value:
                self.fail("“*” cannot stand in a value; leave it out", at)
            term = Term(self.field, (value,))
        elif exact:
            if (star := self.star_behind_word(start, end)) >= 0:
                self.fail("“*” cannot stand in an exact phrase; leave out “*” or “=”", star)
            term = Term(self.field, self.check(exact_words(self.text[start:end]), at), exact=True)
        else:
            term = Term(self.field, self.phrase_words(start, end, at))
        if self.text[end + 1 : end + 2] == "~" and not exact and self.field not in VALUE_FIELDS:
            return self.distance(term, end + 1, at)
        return self.finish(term, end + 1, at)

    def phrase_words(self, start: int, end: int, at: int) -> tuple[str, ...]:
        """The words between two positions; a star right behind a word ends it."""
        found: list[str] = []
        while (star := self.star_behind_word(start, end)) >= 0:
            found += words(self.text[start:star])
            if len(found[-1]) < 3:
                self.fail("“*” needs 3 letters or more in front of it; write more of the word", star)
            if star + 1 < end:
                self.boundary(star + 1, "“*” ends a word; put a blank behind it")
            found[-1] += "*"
            start = star + 1
        return self.check(found + words(self.text[start:end]), at)

    def star_behind_word(self, start: int, end: int) -> int:
        """Where the first star stands that is right behind a letter or digit; -1: nowhere."""
        star = self.text.find("*", start, end)
        while star >= 0:
            last = star - 1
            while last >= start and not (folded := fold(self.text[last])):  # accents and invisible characters
                last -= 1
            if last >= start and folded[-1].isalnum():
                return star
            star = self.text.find("*", star + 1, end)
        return -1

    def exact(self) -> Term:
        """What stands behind `=`."""
        at = self.at
        following = self.text[at + 1 : at + 2]
        if not following or following.isspace():
            self.fail("“=” must touch the word it holds to: =RAG")
        self.move(at + 1)
        if self.kind not in ("word", "quote"):
            self.unexpected()
        if self.field in VALUE_FIELDS:
            self.fail(f"{self.field}: always compares the whole value; leave out “=”", at)
        if self.kind == "quote":
            return self.phrase(exact=True)
        self.count(at)
        term = Term(self.field, self.check(exact_words(self.word), at), exact=True)
        return self.finish(term, self.end, at)

    def check(self, found: Sequence[str], at: int) -> tuple[str, ...]:
        if not found:
            self.fail("there is no letter or digit in this term; write a word", at)
        if len(found) > MAX_WORDS:
            self.fail(f"a phrase has at most {MAX_WORDS} words; shorten it, or make two of it", at)
        return tuple(found)

    def distance(self, term: Term, tilde: int, at: int) -> Term:
        if len(term.words) < 2:
            self.fail("“~” needs two words or more in the quotes; leave it out", tilde)
        digits = DIGITS.match(self.text, tilde + 1)
        if digits is None:
            self.fail('a number should follow “~”, as in "sparse attention"~5', tilde + 1)
        least, number = len(term.words) - 1, digits[0].lstrip("0")
        if len(number) > 3 or not max(least, 1) <= int(number or "0") <= MAX_DISTANCE:
            self.fail(f"the distance should be from {max(least, 1)} to {MAX_DISTANCE} here", digits.start())
        end = self.boundary(digits.end(), "only digits can follow “~”", caret=True)
        return self.finish(term._replace(near=int(number)), end, at)

    def finish(self, term: Term, end: int, at: int) -> Term:
        """Reads the weight, if one follows, and moves on."""
        if self.text[end : end + 1] != "^":
            self.move(end)
            return term
        digits = _WEIGHT.match(self.text, end + 1)
        if digits is None:
            self.fail("a number should follow “^”, as in moe^2", end + 1)
        weight = float(digits[0])
        if not 0 < weight <= MAX_WEIGHT or Decimal(digits[0]) > MAX_WEIGHT:
            self.fail(f"a weight should be over 0 and at most {MAX_WEIGHT}, as in moe^2", digits.start())
        self.move(self.boundary(digits.end(), "a weight ends here; put a blank behind it"))
        return term if weight == 1 else term._replace(weight=weight)

    def boundary(self, position: int, reason: str, caret: bool = False) -> int:
        """Insists that what stands at a position ends what is before it; returns the position."""
        c = self.text[position : position + 1]
        if c and not c.isspace() and c not in '(),"“”' and not (caret and c == "^"):
            self.fail(reason, position)
        return position

    def unexpected(self) -> NoReturn:
        kind = self.kind
        if kind == "end":
            self.fail("the query ends too early; add the word that should follow", len(self.text))
        if kind == "word":
            self.fail(f"{self.word} cannot stand here; put a term before and behind it, or quote the word")
        if kind == ":":
            self.fail(self.colon())
        hints = {
            ")": "there is nothing for this parenthesis to close here; leave it out, or add what is missing before it",
            ",": "a term is missing before this comma; leave the comma out, or add the term",
            "*": "“*” stands right behind a word of 3 letters or more, as in quantiz*",
            "~": 'a distance stands right behind a phrase, as in "sparse attention"~5',
            "^": "a weight stands right behind a term, as in moe^2",
            "+": "leave out “+”: words side by side must all be there",
            "|": "write OR, or a comma",
            "&": "write AND, or nothing: words side by side must all be there",
            "!": "write NOT, or “-” right before the word",
            "'": 'quote phrases with ", as in "language model"',
            "[": "write parentheses: ( and )",
        }
        if kind == "(":
            self.fail("“=” holds to one word or one phrase; write it before each of them")
        if kind in "<>":
            self.fail(f"a comparison stands behind {', '.join(NUMBERS)}, as in upvotes>=20")
        if kind in "-=":
            self.fail(f"“{kind}” cannot stand here; it goes right before a word")
        if kind in _LIKE_MINUS:
            self.fail("write NOT, or a plain “-” right before the word")
        shown = f"“{kind}”" if kind.isprintable() else f"the character U+{ord(kind):04X}"
        self.fail(hints.get(kind, f"{shown} cannot begin a term; leave it out, or put the phrase in quotes"))

    def colon(self) -> str:
        before = re.search(r"([^\W_]+)\s*$", self.text[max(0, self.at - 40) : self.at])
        word = before[1].lower() if before else ""
        if word in FIELDS:
            return f"“:” must touch the field before it; write {word}:word"
        if word in NUMBERS:
            return f"compare a number, as in {word}>=20"
        near = get_close_matches(word, FIELDS, n=1, cutoff=0.6)
        known = "title:, abstract:, author:, category:, source: and org:"
        return (
            f"there is no such field; did you mean {near[0]}:?"
            if near
            else f"there is no such field; there are {known}"
        )


@lru_cache(maxsize=1 << 15)
def _bare(field: str, word: str) -> Term | None:
    """The term of an unquoted word without star; None where it takes a closer look."""
    if field in VALUE_FIELDS:
        return None
    found = words(word)
    if not 0 < len(found) <= MAX_WORDS:
        return None
    if (
        len(found) == 1
        and field in TEXT_FIELDS
        and found[0] in ORDINARY_WORDS
        and sum(c.isupper() for c in word) >= 2
        and (exact := exact_words(word))
    ):
        return Term(field, tuple(exact), exact=True)
    return Term(field, tuple(found))
