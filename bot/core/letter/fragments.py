"""Finished pieces of letters: rendered, their styles inline, kept for the next letters. Pure.

Which pieces make a letter, and how many fit, belongs to `rendering`.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from gettext import NullTranslations
from typing import Any, NamedTuple, TypeVar, cast

import jinja2

from bot.core.edition.edition import Pick
from bot.core.letter import paper_view, placeholders
from bot.core.letter.inline_css import Styles
from bot.core.letter.localize import Words
from bot.core.letter.paper_view import Face, Why
from bot.core.letter.placeholders import Blank, Form, Said, Unfit, has_blank
from bot.core.letter.template_error import BrokenTemplate, place
from bot.core.letter.wrap import fill, width, wrap
from bot.core.text.sanitize import harmless, line

_CONTENT = "[here goes the letter]"


T = TypeVar("T")
Values = tuple[tuple[str, Any], ...]
Shapes = tuple[tuple[int | None, tuple[tuple[int | None, tuple[str, ...]], ...], int], ...]  # of `Why`, texts numbered


class Piece(NamedTuple):
    """The same thing as HTML and as text, each in chunks that end in a line feed."""

    html: tuple[str, ...]
    txt: tuple[str, ...]


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
    made.filters = {
        **{
            name: one if name in placeholders.KEEPING else placeholders.guarded(one)
            for name, one in made.filters.items()
        },
        "wrap": _wrap,
        "fill": _fill,
    }
    return made


def _wrap(text: str, columns: int = 72, first: str = "", rest: str | None = None) -> str:
    """`wrap` for templates: what has blanks in it is wrapped when they are filled."""
    rest = " " * width(first) if rest is None else rest
    return (
        placeholders.put_off("wrap", text, columns, first, rest)
        if has_blank(text)
        else wrap(text, columns, first, rest)
    )


def _fill(text: str, columns: int = 72) -> str:
    return placeholders.put_off("fill", text, columns) if has_blank(text) else fill(text, columns)


_PUT_OFF: dict[str, Callable[..., str]] = {
    "wrap": lambda text, columns, first, rest: wrap(text, int(columns), first, rest),
    "fill": lambda text, columns: fill(text, int(columns)),
}


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
        self._part_form = lru_cache(maxsize=kept)(self._draw_part)
        self._line = lru_cache(maxsize=kept)(self._render_line)
        self.frame = lru_cache(maxsize=64)(self._frame)
        self._card = lru_cache(maxsize=kept)(self._fill_card)
        self._card_forms = lru_cache(maxsize=kept)(self._draw_card)
        self._texts = lru_cache(maxsize=kept)(paper_view.Texts)
        self._why_forms = lru_cache(maxsize=kept)(self._draw_why)
        self._names = lru_cache(maxsize=64)(self._render_names)

    def look(self, pick: Pick, section: str, abstract: int, words: Words) -> tuple[Piece, ...]:
        """A paper, and why it is under the heading `section`. Equal looks of any two letters are the same strings."""
        answer = paper_view.answer(pick.reasons)
        face = Face(
            pick.paper,
            answer.title_hits,
            answer.abstract_hits,
            pick.rise,
            pick.rise_over,
            pick.entered_top,
            pick.news,
        )
        card = self._card(face, abstract, words)
        return (card, self._why(answer.whys, section, words)) if answer.whys else (card,)

    def say(self, name: str, words: Words, /, **values: Any) -> str:
        """A text template as one line."""
        return self._cached(self._line, name, words, tuple(values.items()))

    def part(self, name: str, words: Words, /, **values: Any) -> tuple[str, ...]:
        """A template rendered with these values and no others, finished. What in them is `Own` is filled in."""
        own: dict[str, int] = {}
        blank = placeholders.blanked(tuple(values.items()), own)
        form = self._cached(self._part_form, name, words, blank) if own else None
        if form is not None:
            return form.filled([Said(text, own=True) for text in own])
        whole = self._cached(self._part, name, words, tuple(values.items()))
        return (whole,) if whole else ()

    @staticmethod
    def _cached(renders: Callable[[str, Words, Values], T], name: str, words: Words, values: Values) -> T:
        try:
            return renders(name, words, values)
        except TypeError:  # a list, say, cannot be remembered; faults of templates are BrokenTemplates
            return cast("T", getattr(renders, "__wrapped__", renders)(name, words, values))

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
        """What every template can use: the subscriber's language, and the sentences of a text template."""

        def say(name: str, /, **values: Any) -> str:
            return self.say(name, words, **values)

        return {"words": words, "say": say, "_": words.gettext, "gettext": words.gettext, "ngettext": words.ngettext}

    def _fill_card(self, face: Face, abstract: int, words: Words) -> Piece:
        html, txt = self._card_forms(face._replace(title_hits=(), abstract_hits=()), abstract, words)
        if html is None or txt is None:
            return self._piece("_paper", words, {"paper": paper_view.card(face, abstract)})
        texts = self._texts(face.paper, abstract)
        text, found = texts.abstract.showing(face.abstract_hits) if texts.abstract else ("", ())
        marked = texts.title.spans(face.title_hits)
        title = Said(texts.title.text, marked, own=bool(marked))
        return Piece(html.filled((title, Said(text, found, own=bool(found)))), txt.filled((title, Said(text))))

    def _draw_card(self, face: Face, abstract: int, words: Words) -> tuple[Form | None, Form | None]:
        return self._forms("_paper", words, {"paper": paper_view.blank_card(face, abstract)})

    def _why(self, whys: tuple[Why, ...], section: str, words: Words) -> Piece:
        """Whose words they are, and which, is left blank: what remains are a few shapes of sentences."""
        texts: dict[str, int] = {}

        def number(text: str) -> int | None:
            return texts.setdefault(text, len(texts)) if text else None

        here = number(section)
        shapes = tuple(
            [
                (number(why.profile), tuple([(number(text), fields) for text, fields in why.words]), why.more)
                for why in whys
            ]
        )
        html, txt = self._why_forms(shapes, here, words)
        if html is None or txt is None:
            return self._piece("_why", words, {"reasons": whys, "section": section})
        said = [Said(text, own=True) for text in texts]
        return Piece(html.filled(said), txt.filled(said))

    def _draw_why(self, shapes: Shapes, section: int | None, words: Words) -> tuple[Form | None, Form | None]:
        def blank(number: int | None) -> Any:
            return "" if number is None else Blank(number)

        whys = tuple(
            Why(blank(profile), tuple((blank(text), fields) for text, fields in found), more)
            for profile, found, more in shapes
        )
        return self._forms("_why", words, {"reasons": whys, "section": blank(section)})

    def _forms(self, name: str, words: Words, values: Mapping[str, Any]) -> tuple[Form | None, Form | None]:
        return self._form(f"{name}.html", words, values), self._form(f"{name}.txt", words, values)

    def _form(self, name: str, words: Words, values: Mapping[str, Any]) -> Form | None:
        """A template with blanks in its values; None where it has to know the words."""
        try:
            return Form(self._styled(name, words, values), _PUT_OFF, html=name.endswith(".html"))
        except (Unfit, BrokenTemplate, jinja2.TemplateNotFound):  # it is drawn whole then, and says what is wrong
            return None

    def _draw_part(self, name: str, words: Words, values: Values) -> Form | None:
        return self._form(name, words, dict(values))

    def _piece(self, name: str, words: Words, values: Mapping[str, Any]) -> Piece:
        html, txt = (self._finished(f"{name}.{form}", words, values) for form in ("html", "txt"))
        return Piece((html,) if html else (), (txt,) if txt else ())

    def _render_part(self, name: str, words: Words, values: Values) -> str:
        return self._finished(name, words, dict(values))

    def _render_line(self, name: str, words: Words, values: Values) -> str:
        rendered = self.render(name, words, dict(values))
        return placeholders.line(rendered) if has_blank(rendered) else line(rendered)

    def _finished(self, name: str, words: Words, values: Mapping[str, Any]) -> str:
        return harmless(self._styled(name, words, values))

    def _styled(self, name: str, words: Words, values: Mapping[str, Any]) -> str:
        """A template with its styles inline; ends in a line feed or is empty."""
        rendered = self.render(name, words, values)
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
