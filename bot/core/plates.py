"""Finished pieces of letters: rendered, their styles inline, kept for the next letters. Pure.

Which pieces make a letter, and how many fit, belongs to `rendering`.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from gettext import NullTranslations
from typing import Any, NamedTuple

import jinja2

from bot.core import cards
from bot.core.broken import BrokenTemplate, place
from bot.core.cards import Face, Why
from bot.core.clean import harmless, line
from bot.core.columns import fill, wrap
from bot.core.editions import Pick
from bot.core.styles import Styles
from bot.core.wording import Words

_CONTENT = "[here goes the letter]"


Values = tuple[tuple[str, Any], ...]


class Piece(NamedTuple):
    """The same thing as HTML and as text; each ends in a line feed or is empty."""

    html: str
    txt: str


def environment(loader: jinja2.BaseLoader) -> jinja2.Environment:
    """The environment the templates are written for: undefined names are errors, .html is escaped."""
    made = jinja2.Environment(
        loader=loader,
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    made.policies["ext.i18n.trimmed"] = True  # a message may be broken over lines
    made.filters |= {"wrap": wrap, "fill": fill}
    return made


class Plates:
    """Renders pieces and keeps them; share one between threads. Every method may raise BrokenTemplate, and
    TemplateNotFound for a template that no other asked for."""

    def __init__(
        self, environment: jinja2.Environment, catalogues: Mapping[str, NullTranslations] | None, kept: int
    ) -> None:
        self.environment = environment
        self._styles = Styles(self._source("letter.css"))
        self.words = lru_cache(maxsize=64)(lambda language: Words(language, catalogues))
        self._part = lru_cache(maxsize=kept)(self._render_part)
        self._line = lru_cache(maxsize=kept)(self._render_line)
        self.frame = lru_cache(maxsize=64)(self._frame)
        self._card = lru_cache(maxsize=kept)(self._render_card)
        self._why = lru_cache(maxsize=kept)(self._render_why)
        self._names = lru_cache(maxsize=64)(self._render_names)

    def look(self, pick: Pick, section: str, abstract: int, words: Words) -> tuple[Piece, ...]:
        """A paper, and why it is under the heading `section`. Equal looks of any two letters are the same strings."""
        answer = cards.answer(pick.reasons)
        facts = Face(
            pick.paper,
            answer.title_hits,
            answer.abstract_hits,
            pick.rise,
            pick.rise_over,
            pick.entered_top,
            pick.news,
        )
        card = self._card(facts, abstract, words)
        return (card, self._why(answer.whys, section, words)) if answer.whys else (card,)

    def say(self, name: str, words: Words, /, **values: Any) -> str:
        """A text template as one line."""
        return self._cached(self._line, name, words, values)

    def part(self, name: str, words: Words, /, **values: Any) -> str:
        """A template rendered with these values and no others, finished."""
        return self._cached(self._part, name, words, values)

    @staticmethod
    def _cached(renders: Callable[[str, Words, Values], str], name: str, words: Words, values: dict[str, Any]) -> str:
        try:
            return renders(name, words, tuple(values.items()))
        except TypeError:  # a list, say, cannot be remembered; faults of templates are BrokenTemplates
            return getattr(renders, "__wrapped__", renders)(name, words, tuple(values.items()))

    def render(self, name: str, words: Words, values: Mapping[str, Any]) -> str:
        """A template as it stands."""
        try:
            return self.environment.get_template(name).render({**values, **self._names(words)})
        except BrokenTemplate:
            raise
        except Exception as error:
            if isinstance(error, jinja2.TemplateNotFound) and error.name == name:
                raise  # the template that asked for it is the one to name
            raise BrokenTemplate(place(self.environment, name, error)) from error

    def _render_names(self, words: Words) -> dict[str, Any]:
        """What every template can use: the reader's language, and the sentences of a text template."""

        def say(name: str, /, **values: Any) -> str:
            return self.say(name, words, **values)

        return {"words": words, "say": say, "_": words.gettext, "gettext": words.gettext, "ngettext": words.ngettext}

    def _render_card(self, face: Face, abstract: int, words: Words) -> Piece:
        return self._piece("_paper", words, {"paper": cards.card(face, abstract)})

    def _render_why(self, whys: tuple[Why, ...], section: str, words: Words) -> Piece:
        return self._piece("_why", words, {"reasons": whys, "section": section})

    def _piece(self, name: str, words: Words, values: Mapping[str, Any]) -> Piece:
        return Piece(self._finished(f"{name}.html", words, values), self._finished(f"{name}.txt", words, values))

    def _render_part(self, name: str, words: Words, values: Values) -> str:
        return self._finished(name, words, dict(values))

    def _render_line(self, name: str, words: Words, values: Values) -> str:
        return line(self.render(name, words, dict(values)))

    def _finished(self, name: str, words: Words, values: Mapping[str, Any]) -> str:
        rendered = harmless(self.render(name, words, values))
        if not rendered.strip():
            return ""
        if name.endswith(".html"):
            rendered = self._styles.inline(rendered.strip())
        return rendered if rendered.endswith("\n") else rendered + "\n"

    def _frame(self, kind: str, words: Words) -> tuple[str, str]:
        """What stands before and after the letter in its document."""
        values = {"kind": kind, "content": _CONTENT, "at_rules": self._styles.at_rules}
        page = self._styles.inline_page(self.render("_frame.html", words, values))
        before, mark, after = page.partition(_CONTENT)
        if not mark:
            raise BrokenTemplate("templates/_frame.html: {{ content }} is missing")
        return before + "\n", after + "\n"

    def _source(self, name: str) -> str:
        try:
            assert self.environment.loader is not None
            return self.environment.loader.get_source(self.environment, name)[0]
        except jinja2.TemplateError as error:
            raise BrokenTemplate(place(self.environment, name, error)) from error
