"""An edition becomes a letter: templates, styles put inline, chunks shared between letters, never over the size. Pure.

What is said belongs to `sheets`, `cards` and the templates. Papers are rendered once for all readers: a template calls
`card(pick)` and `part(name, …)`, which leave a mark where the finished, cached chunk goes.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from gettext import NullTranslations
from typing import Any, Literal

import jinja2

from bot.core import cards
from bot.core.broken import BrokenTemplate, place
from bot.core.cards import Face
from bot.core.clean import harmless, line
from bot.core.columns import fill, wrap
from bot.core.editions import Edition, Letter, Pick
from bot.core.fitting import smaller
from bot.core.sheets import Part, Sheet, sheet
from bot.core.styles import Styles
from bot.core.wording import Words

MAX_HTML = 90_000  # bytes: Gmail clips at 102 KB, and the clipped end holds the way to leave
MAX_SUBJECT = 150
ABSTRACTS = {"full": cards.FULL, "short": cards.SHORT, "none": 0}
SHORTER = (900, cards.SHORT, 180, 0)  # characters of an abstract, tried in turn when a letter is too big
_MARK = re.compile("\x00(\\d+)\x00")
_CONTENT = "[here goes the letter]"

Form = Literal["html", "txt"]


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
    made.filters |= {"wrap": wrap, "fill": fill}
    return made


class Press:
    """Renders editions. Share one between threads; `cards_kept` rendered papers are kept for the next letters."""

    def __init__(
        self,
        environment: jinja2.Environment,
        catalogues: Mapping[str, NullTranslations] | None = None,
        cards_kept: int = 4_096,
    ) -> None:
        self._environment = environment
        self._styles = Styles(self._source("letter.css"))
        self._words = lru_cache(maxsize=64)(lambda language: Words(language, catalogues))
        self._card = lru_cache(maxsize=2 * cards_kept)(self._render_card)
        self._part = lru_cache(maxsize=cards_kept)(self._render_part)
        self._frame = lru_cache(maxsize=64)(self._render_frame)

    def letter(self, edition: Edition) -> Letter:
        """The letter of an edition. Equal papers of any two letters are the same chunk. Raises BrokenTemplate."""
        words = self._words(edition.reader.language)
        edition, abstract, html = self._fitted(edition, words)
        letter = sheet(edition, words)
        return Letter(
            subject=self._subject(letter, words),
            html=html,
            text=_Setting(self, letter, words, abstract, "txt").chunks(),
            language=words.language,
        )

    def page(self, edition: Edition) -> str:
        """The same as a web page."""
        return self.letter(edition).html_page

    # -- size ------------------------------------------------------------------------------------------------------

    def _fitted(self, edition: Edition, words: Words) -> tuple[Edition, int, tuple[str, ...]]:
        """The edition, the length of its abstracts and its HTML, cut until it is not over the size: abstracts shorten,
        then papers move to "n more", then sections without papers are summed up."""
        wanted = ABSTRACTS[edition.reader.abstract]
        for abstract in (wanted, *(shorter for shorter in SHORTER if shorter < wanted)):
            html = _Setting(self, sheet(edition, words), words, abstract, "html").chunks()
            excess = size(html) - MAX_HTML
            if excess <= 0:
                return edition, abstract, html
        while excess > 0 and (less := smaller(edition, excess / size(html))):
            edition = less
            html = _Setting(self, sheet(edition, words), words, 0, "html").chunks()
            excess = size(html) - MAX_HTML
        return edition, 0, html

    # -- pieces ----------------------------------------------------------------------------------------------------

    def _subject(self, letter: Sheet, words: Words) -> str:
        values = {"letter": letter, **self._language(words)}
        return line(self._render(f"{letter.head.kind}.subject.txt", values), MAX_SUBJECT)

    def _render_card(self, face: Face, abstract: int, words: Words, form: Form) -> str:
        values = {"paper": cards.card(face, abstract), **self._language(words)}
        return self._finished(f"_paper.{form}", values)

    def _render_part(self, name: str, words: Words, values: tuple[tuple[str, Any], ...]) -> str:
        return self._finished(name, {**dict(values), **self._language(words)})

    def _finished(self, name: str, values: dict[str, Any]) -> str:
        rendered = harmless(self._render(name, values))
        if not rendered.strip():
            return ""
        if name.endswith(".html"):
            rendered = self._styles.inline(rendered.strip())
        return rendered if rendered.endswith("\n") else rendered + "\n"

    def _render_frame(self, kind: str, words: Words) -> tuple[str, str]:
        values = {"kind": kind, "content": _CONTENT, "at_rules": self._styles.at_rules}
        page = self._styles.inline_page(self._render("_frame.html", values | self._language(words)))
        before, mark, after = page.partition(_CONTENT)
        if not mark:
            raise BrokenTemplate("templates/_frame.html: {{ content }} is missing")
        return before + "\n", after + "\n"

    def _language(self, words: Words) -> dict[str, Any]:
        """What every template can use: the words of the reader's language, and the sentences of a text template."""

        def say(name: str, /, **values: Any) -> str:
            return line(self._render(name, {**values, **self._language(words)}))

        return {"words": words, "say": say, "_": words.gettext, "gettext": words.gettext, "ngettext": words.ngettext}

    def _render(self, name: str, values: dict[str, Any]) -> str:
        try:
            return self._environment.get_template(name).render(values)
        except BrokenTemplate:
            raise
        except Exception as error:
            raise BrokenTemplate(place(self._environment, name, error)) from error

    def _source(self, name: str) -> str:
        loader = self._environment.loader
        assert loader is not None
        try:
            return loader.get_source(self._environment, name)[0]
        except jinja2.TemplateError as error:
            raise BrokenTemplate(place(self._environment, name, error)) from error


class _Setting:
    """One part of one letter while it is set."""

    def __init__(self, press: Press, letter: Sheet, words: Words, abstract: int, form: Form) -> None:
        self.press = press
        self.letter = letter
        self.words = words
        self.abstract = abstract
        self.form = form
        self.set: list[str] = []

    def chunks(self) -> tuple[str, ...]:
        """The whole part, in chunks that end in a line feed."""
        values = {"letter": self.letter, "card": self.card, "part": self.part, **self.press._language(self.words)}
        layout = self.press._render(f"{self.letter.head.kind}.{self.form}", values)
        found = []
        for number, piece in enumerate(_MARK.split(layout)):
            if number % 2:
                found.append(self.set[int(piece)])
            elif piece.strip():
                found.append(harmless(piece).lstrip("\n").rstrip("\n") + "\n")
        if self.form == "txt":
            return tuple(found)
        before, after = self.press._frame(self.letter.head.kind, self.words)
        return (before, *found, after)

    def card(self, pick: Pick, section: Part) -> str:
        """In a template: a paper, and why it is here."""
        mark = self._mark(self.press._card(cards.face(pick), self.abstract, self.words, self.form))
        if pick.reasons:
            mark += self.part(f"_why.{self.form}", reasons=cards.whys(pick.reasons), section=section.name)
        return mark

    def part(self, name: str, /, **values: Any) -> str:
        """In a template: another template, rendered with these values (and no others) and its styles put inline."""
        return self._mark(self.press._part(name, self.words, tuple(values.items())))

    def _mark(self, chunk: str) -> str:
        if not chunk:
            return ""
        self.set.append(chunk)
        return f"\x00{len(self.set) - 1}\x00"


def size(chunks: tuple[str, ...]) -> int:
    """Bytes in UTF-8."""
    return sum(len(chunk) if chunk.isascii() else len(chunk.encode()) for chunk in chunks)
