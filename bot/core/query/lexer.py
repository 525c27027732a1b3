"""The tokens of a query's text, and what to say of one that cannot stand where it does.

How tokens make a query is the affair of `parser`.
"""

import re
from difflib import get_close_matches
from typing import NoReturn

from bot.core.query.ast import NUMBERS, FieldName, QueryError
from bot.core.query.scripts import DIGIT
from bot.core.query.words import begins_with_dot

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

    def boundary(self, position: int, reason: str, *, caret: bool = False) -> int:
        """Insists that what stands at a position ends what is before it; returns the position."""
        c = self.text[position : position + 1]
        if c and not c.isspace() and c not in '(),"“”' and not (caret and c == "^"):
            self.fail(reason, position)
        return position

    def fail(self, reason: str, at: int | None = None) -> NoReturn:
        raise QueryError(reason, (self.at if at is None else at) + 1, self.text)

    def unexpected(self) -> NoReturn:
        """Refuses the token that stands here."""
        kind = self.kind
        if kind == "end":
            self.fail("the query ends too early; add the word that should follow", len(self.text))
        if kind == "word":
            self.fail(f"{self.word} cannot stand here; put a term before and behind it, or quote the word")
        if kind == ":":
            self.fail(self._about_colon())
        if kind == "(":
            self.fail("“=” holds to one word or one phrase; write it before each of them")
        if kind in "<>":
            self.fail(f"a comparison stands behind {', '.join(NUMBERS)}, as in upvotes>=20")
        if kind in "-=":
            self.fail(f"“{kind}” cannot stand here; it goes right before a word")
        if kind in _LIKE_MINUS:
            self.fail("write NOT, or a plain “-” right before the word")
        shown = f"“{kind}”" if kind.isprintable() else f"the character U+{ord(kind):04X}"
        self.fail(_HINTS.get(kind, f"{shown} cannot begin a term; leave it out, or put the phrase in quotes"))

    def _about_colon(self) -> str:
        before = re.search(r"([^\W_]{1,40})\s{0,40}$", self.text[max(0, self.at - 40) : self.at])
        word = before[1].lower() if before else ""
        if word in FIELDS:
            return f"“:” must touch the field before it; write {word}:word"
        if word in NUMBERS:
            return f"compare a number, as in {word}>=20"
        near = get_close_matches(word, FIELDS, n=1, cutoff=0.6)
        if near:
            return f"there is no such field; did you mean {near[0]}:?"
        return "there is no such field; there are title:, abstract:, author:, category:, source: and org:"
