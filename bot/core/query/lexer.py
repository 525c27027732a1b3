"""The tokens of a query's text, and what to say of one that cannot stand where it does.

How tokens make a query is the affair of `parser`.
"""

import re
from difflib import get_close_matches
from typing import NoReturn

from bot.core.query.ast import NUMBERS, FieldName, QueryError
from bot.core.query.scripts import DIGIT
from bot.core.query.words import begins_with_dot
from bot.core.text.translatable import Translatable

FIELDS: dict[str, FieldName] = {
    **dict.fromkeys(("title", "ti", "intitle"), "title"),
    **dict.fromkeys(("abstract", "abs"), "abstract"),
    **dict.fromkeys(("author", "au"), "author"),
    **dict.fromkeys(("category", "cat"), "category"),
    "source": "source",
    "org": "org",
}
QUOTE = re.compile(r"[\"“”]")

_IN_WORD = r"[^\s\"“”(),:^*~=<>]"
_COMMA = rf"(?<=[{DIGIT}]),(?=[{DIGIT}])"
_TOKEN = re.compile(rf"\s*(?:((?:[^\W_]|\.(?=[^\W_]))(?:{_IN_WORD}|{_COMMA})*)|([\"“”]))?")
_TOKEN_OF_LIST = re.compile(rf"\s*(?:((?:[^\W_]|\.(?=[^\W_])){_IN_WORD}*)|([\"“”]))?")
_LIKE_MINUS = "‐‑‒–—−﹣－"
_HINTS = {
    ")": Translatable(
        "there is nothing for this parenthesis to close here; leave it out, or add what is missing before it"
    ),
    ",": Translatable("a term is missing before this comma; leave the comma out, or add the term"),
    "*": Translatable("“*” stands right behind a word of 3 letters or more, as in quantiz*"),
    "~": Translatable('a distance stands right behind a phrase, as in "sparse attention"~5'),
    "^": Translatable("a weight stands right behind a term, as in moe^2"),
    "+": Translatable("leave out “+”: words side by side must all be there"),
    "|": Translatable("write OR, or a comma"),
    "&": Translatable("write AND, or nothing: words side by side must all be there"),
    "!": Translatable("write NOT, or “-” right before the word"),
    "'": Translatable('quote phrases with ", as in "language model"'),
    "[": Translatable("write parentheses: ( and )"),
}


class Lexer:
    """One token at a time: `kind` is "word", "quote", "end", or the character itself; it stands at [`at`, `end`).

    A word holds a comma between two digits (1,2-dichloroethane), except in the list of `K of` (`in_list`).
    """

    __slots__ = ("at", "end", "in_list", "kind", "text", "word")

    def __init__(self, text: str) -> None:
        self.text = text
        self.in_list = 0  # how many `K of` are open
        self.move(0)

    def move(self, position: int) -> None:
        """Reads the token that begins at or after a position."""
        found = (_TOKEN_OF_LIST if self.in_list else _TOKEN).match(self.text, position)
        assert found is not None  # it matches the empty string
        self.end = found.end()
        if found.lastindex == 1:
            self.kind, self.word = "word", found[1]
            self.at = self.end - len(self.word)
            if self.word[0] == "." and not begins_with_dot(self.text, self.at):
                self.kind = "."
        elif found.lastindex == 2:
            self.kind, self.at = "quote", self.end - 1
        else:
            self.at = self.end
            self.kind = self.text[self.at] if self.at < len(self.text) else "end"

    def touches(self, position: int) -> bool:
        """Whether something stands at a position that is no blank."""
        following = self.text[position : position + 1]
        return bool(following) and not following.isspace()

    def boundary(self, position: int, template: str, *, caret: bool = False, **values: object) -> int:
        """Insists that what stands at a position ends what is before it; returns the position."""
        c = self.text[position : position + 1]
        if c and not c.isspace() and c not in '(),"“”' and not (caret and c == "^"):
            self.fail(template, position, **values)
        return position

    def fail(self, template: str, at: int | None = None, **values: object) -> NoReturn:
        """Refuses the text, at the token or at a position, with a template (`Translatable`) and its values."""
        raise QueryError(Translatable(template, **values), (self.at if at is None else at) + 1, self.text)

    def unexpected(self) -> NoReturn:
        """Refuses the token that stands here."""
        kind = self.kind
        if kind == "end":
            self.fail("the query ends too early; add the word that should follow", len(self.text))
        if kind == "word":
            self.fail("{word} cannot stand here; put a term before and behind it, or quote the word", word=self.word)
        if kind == ":":
            self._refuse_colon()
        if kind == "(":
            self.fail("“=” holds to one word or one phrase; write it before each of them")
        if kind in "<>":
            self.fail("a comparison stands behind {counts}, as in upvotes>=20", counts=", ".join(NUMBERS))
        if kind in "-=":
            self.fail("“{sign}” cannot stand here; it goes right before a word", sign=kind)
        if kind in _LIKE_MINUS:
            self.fail("write NOT, or a plain “-” right before the word")
        if kind in _HINTS:
            self.fail(_HINTS[kind])
        if kind.isprintable():
            self.fail("“{sign}” cannot begin a term; leave it out, or put the phrase in quotes", sign=kind)
        code = f"U+{ord(kind):04X}"
        self.fail("the character {code} cannot begin a term; leave it out, or put the phrase in quotes", code=code)

    def _refuse_colon(self) -> NoReturn:
        before = re.search(r"([^\W_]{1,40})\s{0,40}$", self.text[max(0, self.at - 40) : self.at])
        word = before[1].lower() if before else ""
        if word in FIELDS:
            self.fail("“:” must touch the field before it; write {field}:word", field=word)
        if word in NUMBERS:
            self.fail("compare a number, as in {count}>=20", count=word)
        near = get_close_matches(word, FIELDS, n=1, cutoff=0.6)
        if near:
            self.fail("there is no such field; did you mean {field}:?", field=near[0])
        self.fail("there is no such field; there are title:, abstract:, author:, category:, source: and org:")
