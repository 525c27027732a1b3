"""Finished pieces of letters: rendered, their styles inline, kept for the next letters. Pure.

Which pieces make a letter, and how many fit, belongs to `renderer`.
"""

from collections.abc import Callable, Hashable, Mapping, MutableMapping
from threading import Lock
from types import FunctionType, MethodType
from typing import Any, NamedTuple, TypeVar

import jinja2
from jinja2.utils import Joiner

from bot.core.edition.edition import Pick
from bot.core.letter import matched_words, paper_view, partial_template
from bot.core.letter.inline_css import Styles
from bot.core.letter.localize import Words
from bot.core.letter.matched_words import CardTexts, Marks, MatchedWords, Why
from bot.core.letter.paper_view import CardKey, Form
from bot.core.letter.partial_template import Fill, NeedsValue, PartialTemplate, has_placeholder, placeholder
from bot.core.letter.template_error import place_of_fault
from bot.core.letter.wrap import fill, wrap
from bot.core.text.columns import width
from bot.core.text.sanitize import line
from bot.errors import BrokenTemplate

CATALOGUES = "locale"  # folder, beside the templates
LANGUAGES = 256  # kept at a time
_CONTENT = "[here goes the letter]"
SLOTS = ("title", "line", "abstract", "why", "section", "more_url", "less_url", "save_url")  # of a card
_TEMPLATES: dict[Form, str] = {"lead": "_lead", "card": "_paper", "compact": "_compact"}
_NOT_KNOWN = (
    "words that only some letters have are filled in later: they can be shown, wrapped and joined, not measured, cut or"
    " changed"
)

T = TypeVar("T")


class Piece(NamedTuple):
    """The same thing as HTML and as text, each in chunks that end in a line feed."""

    html: tuple[str, ...]
    txt: tuple[str, ...]


class _Partials(NamedTuple):
    """The same template as HTML and as text."""

    html: PartialTemplate
    txt: PartialTemplate

    def filled(self, fills: Mapping[str, Fill]) -> Piece:
        return Piece(self.html.filled(fills), self.txt.filled(fills))

    def having(self, fills: Mapping[str, Fill]) -> "_Partials":
        return _Partials(self.html.having(fills), self.txt.having(fills))


class _Context(jinja2.runtime.Context):
    """Calls functions at once. Jinja first looks, with every call, whether a function wants to know the context or
    its environment; that takes a fifth of drawing a card, and plain functions and joiners never want it."""

    def call(self, called: Callable[..., Any], /, *given: Any, **named: Any) -> Any:
        kind = type(called)
        if kind is not Joiner and (kind not in (FunctionType, MethodType) or hasattr(called, "jinja_pass_arg")):
            return super().call(called, *given, **named)
        if named:  # what the compiler adds in loops and blocks
            named.pop("_loop_vars", None)
            named.pop("_block_vars", None)
        return called(*given, **named)


class _Environment(jinja2.Environment):
    """Names that all templates know are complete before one is loaded, so each gets a plain dict of them: reading
    Jinja's own chain of mappings, for every template and include, takes longer than a short template."""

    context_class = _Context

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}


def environment(loader: jinja2.BaseLoader) -> jinja2.Environment:
    """The environment the templates are written for: undefined names are errors, .html is escaped."""
    made = _Environment(
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
            name: one if name in partial_template.KEEPING else partial_template.guarded(one)
            for name, one in made.filters.items()
        },
        "wrap": _wrap,
        "fill": _fill,
    }
    return made


def _wrap(text: str, columns: int = 72, first: str = "", rest: str | None = None) -> str:
    """`wrap` for templates: what has placeholders in it is wrapped when they are filled."""
    rest = " " * width(first) if rest is None else rest
    if has_placeholder(text):
        return partial_template.defer_filter("wrap", text, columns, first, rest)
    return wrap(text, columns, first, rest)


def _fill(text: str, columns: int = 72) -> str:
    return partial_template.defer_filter("fill", text, columns) if has_placeholder(text) else fill(text, columns)


_DEFERRED: dict[str, Callable[..., str]] = {
    "wrap": lambda text, columns, first, rest: wrap(text, int(columns), first, rest),
    "fill": lambda text, columns: fill(text, int(columns)),
}


class _Memory:
    """What was made or asked for last, by key: at most `kept` things, at least half as many. To be shared between
    threads.

    Two dicts, of which the newer becomes the older when it is full; what was not asked for since goes. So a thing that
    is remembered costs one look, where keeping the order of all would hash its long key twice.
    """

    def __init__(self, kept: int) -> None:
        self._most = max(1, kept // 2)
        self._newer: dict[Hashable, Any] = {}
        self._older: dict[Hashable, Any] = {}
        self._adding = Lock()

    def get(self, key: Hashable) -> Any:
        """What is remembered under `key`; None if nothing is. Raises TypeError for a key that may change."""
        found = self._newer.get(key)
        if found is None and (found := self._older.get(key)) is not None:
            self._keep(key, found)
        return found

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` returns, remembered under `key`."""
        found: T | None = self.get(key)
        return found if found is not None else self._keep(key, make())

    def _keep(self, key: Hashable, made: T) -> T:
        with self._adding:
            if len(self._newer) >= self._most:
                self._older, self._newer = self._newer, {}
            kept: T = self._newer.setdefault(key, made)
        return kept

    def clear(self) -> None:
        with self._adding:
            self._newer, self._older = {}, {}


class FragmentCache:
    """Renders pieces and keeps at most `kept` of them; share one between threads.

    A paper's card is most of a letter, and drawing it (template, styles) costs some thousand times what joining strings
    does. So each is drawn once, with placeholders for what differs between letters: 116 instead of 32 letters a second
    on one core, all else being equal.

    Every method may raise BrokenTemplate, and TemplateNotFound for a template that no other asked for.
    """

    def __init__(self, environment: jinja2.Environment, kept: int) -> None:
        self.environment = environment
        self._styles = Styles(self._source("letter.css"))
        self._drawn = _Memory(kept)
        # What is filled in for a few letters is cheap and comes in crowds: it must not push out what was drawn.
        self._filled = _Memory(kept)
        # By what stands here all other pieces are known: one forgotten would have everything drawn again.
        self._spoken = _Memory(LANGUAGES)

    def forget(self) -> None:
        """Drop all pieces."""
        self._drawn.clear()
        self._filled.clear()
        self._spoken.clear()

    def words(self, language: str) -> Words:
        return self._spoken.once(language, lambda: self._words(language))

    def _words(self, language: str) -> Words:
        try:
            return Words(language, self._catalogue)
        except ValueError as error:
            raise BrokenTemplate(f"templates/{CATALOGUES}: {language!r} cannot be read: {error}") from error

    def _catalogue(self, tag: str) -> str | None:
        """The catalogue of a language, beside the templates and overridden like them."""
        assert self.environment.loader is not None
        try:
            return self.environment.loader.get_source(self.environment, f"{CATALOGUES}/{tag}.po")[0]
        except jinja2.TemplateNotFound:
            return None

    def card(self, key: CardKey, pick: Pick, section: str, words: Words) -> Piece:
        """A paper under the heading `section`. Chunks without words of one subscriber are the same strings in any two
        letters."""
        is_personal = key.actions or pick.like or pick.like_words or key.form == "lead" or len(pick.reasons) > 1
        if is_personal or (pick.reasons and paper_view.name_of(pick.reasons[0].profile) != section):
            hits = matched_words.hits(pick.reasons)
            marks = self._filled.once(("marks", key, hits), lambda: self._marks(key, hits))
            why = matched_words.why_shown(pick, section, marks.seen)
            shape = key._replace(has_why=why is not None)
            marked = self._filled.once(
                ("marked", shape, marks, words), lambda: self._drawn_card(shape, words).having(marks.fills)
            )
            own = {f"{name}_url": Fill(url, (), True) for name, url in paper_view.action_links(pick).items()}
            own["section"], own["why"] = Fill(section, (), True), Fill(self._said(why, words), (), True)
            return marked.filled({**marks.fills, **own})

        # Only the paper and the words that matched decide: whoever asks for the same words has the same card.
        def draw() -> Piece:
            marks = self._marks(key, matched_words.hits(pick.reasons))
            why = matched_words.why_shown(pick, section, marks.seen)
            drawn = self._drawn_card(key._replace(has_why=why is not None), words)
            return drawn.filled(marks.fills | {"why": Fill(self._said(why, words), (), True)})

        return self._filled.once(("card", key, pick.reasons[0].quotes if pick.reasons else None, words), draw)

    def _marks(self, key: CardKey, hits: MatchedWords) -> Marks:
        texts = self._drawn.once(("texts", key), lambda: CardTexts(key))
        return texts.marks(hits)

    def _drawn_card(self, key: CardKey, words: Words) -> _Partials:
        """Drawn once for all the words that match in it."""

        def draw() -> _Partials:
            return self._partials(_TEMPLATES[key.form], words, {"paper": paper_view.paper_view(key)})

        return self._drawn.once(("card", key, words), draw)

    def _said(self, why: Why | None, words: Words) -> str:
        return self._filled.once(("said", why, words), lambda: self._why(why, words)) if why else ""

    def _why(self, why: Why, words: Words) -> str:
        """Which words and whose profiles is left open: what remains are a few shapes of sentences."""
        personal: dict[str, str] = {}
        shape = partial_template.opened(why, personal)
        partial = self._drawn.once(("why", shape, words), lambda: self._partial("_why.txt", words, {"why": shape}))
        filled = partial.filled({name: Fill(text) for text, name in personal.items()})
        return " ".join("".join(filled).split())

    def part(self, name: str, words: Words, /, **values: Any) -> tuple[str, ...]:
        """A template rendered with these values and no others, finished. What in them is PersonalText is filled in."""
        key = ("part", name, words, *values.items())
        try:
            finished: tuple[str, ...] | None = self._filled.get(key)
        except TypeError as error:
            raise BrokenTemplate(
                f"templates/{name}: it is given what may change ({error}): give part() numbers, words and tuples"
            ) from error
        if finished is not None:
            return finished
        personal: dict[str, str] = {}
        shape = {one: partial_template.opened(value, personal) for one, value in values.items()}
        partial = self._drawn.once(("part", name, words, *shape.items()), lambda: self._partial(name, words, shape))
        if not personal:
            return self._filled.once(key, lambda: partial.filled({}))
        return partial.filled({one: Fill(text, (), True) for text, one in personal.items()})

    def say(self, name: str, words: Words, /, **values: Any) -> str:
        """A text template as one line."""
        known = tuple(values.items())
        return self._drawn.once(("line", name, words, known), lambda: self._line(name, words, values))

    def say_to_few(self, name: str, words: Words, /, **values: Any) -> str:
        """The same of what few letters have in common, as a subject has titles."""
        known = tuple(values.items())
        return self._filled.once(("line", name, words, known), lambda: self._line(name, words, values))

    def render(self, name: str, words: Words, values: Mapping[str, Any]) -> str:
        """A template as it stands."""
        try:
            return self.environment.get_template(name).render({**values, **self._names(words)})
        except BrokenTemplate:
            raise
        except Exception as error:
            if isinstance(error, jinja2.TemplateNotFound) and error.name == name:
                raise  # the template that asked for it is the one to name
            if isinstance(error, NeedsValue):
                error = jinja2.TemplateError(_NOT_KNOWN).with_traceback(error.__traceback__)
            raise BrokenTemplate(place_of_fault(self.environment, name, error)) from error

    def styled(self, name: str, words: Words, values: Mapping[str, Any]) -> str:
        """A template with its styles inline, not kept; ends in a line feed or is empty."""
        rendered = self.render(name, words, values)
        if not rendered.strip():
            return ""
        if name.endswith(".html"):
            rendered = self._styles.inline(rendered.strip())
        return rendered if rendered.endswith("\n") else rendered + "\n"

    def frame(self, kind: str, title: str, words: Words) -> tuple[str, str]:
        """What stands before and after the letter in its document."""
        return self._drawn.once(("frame", kind, title, words), lambda: self._frame(kind, title, words))

    # -- drawing -------------------------------------------------------------------------------------------------------

    def _names(self, words: Words) -> Mapping[str, Any]:
        """What every template can use: the subscriber's language, and the sentences of a text template."""

        def say(name: str, /, **values: Any) -> str:
            return self.say(name, words, **values)

        def slot(name: str) -> str:
            if name not in SLOTS:
                raise jinja2.TemplateError(f'there is no slot("{name}"); there are {", ".join(SLOTS)}')
            return placeholder(name)

        return self._drawn.once(
            ("names", words),
            lambda: {
                "words": words,
                "say": say,
                "slot": slot,
                "_": words.gettext,
                "gettext": words.gettext,
                "ngettext": words.ngettext,
            },
        )

    def _partials(self, name: str, words: Words, values: Mapping[str, Any]) -> _Partials:
        return _Partials(self._partial(f"{name}.html", words, values), self._partial(f"{name}.txt", words, values))

    def _partial(self, name: str, words: Words, values: Mapping[str, Any]) -> PartialTemplate:
        drawn = self.styled(name, words, values)
        html = name.endswith(".html")
        try:
            return PartialTemplate(drawn, _DEFERRED, html=html, hit=self._hit(words) if html else ("", ""))
        except NeedsValue as error:
            raise BrokenTemplate(f"templates/{name}: {_NOT_KNOWN}") from error

    def _hit(self, words: Words) -> tuple[str, str]:
        """What stands before and after a matched word."""

        def draw() -> tuple[str, str]:
            mark = placeholder("text")
            before, found, after = self.styled("_hit.html", words, {"text": mark}).strip().partition(mark)
            if not found:
                raise BrokenTemplate("templates/_hit.html: {{ text }} is missing")
            return before, after

        return self._drawn.once(("hit", words), draw)

    def _line(self, name: str, words: Words, values: Mapping[str, Any]) -> str:
        rendered = self.render(name, words, values)
        return partial_template.single_line(rendered) if has_placeholder(rendered) else line(rendered)

    def _frame(self, kind: str, title: str, words: Words) -> tuple[str, str]:
        values = {"kind": kind, "title": title, "content": _CONTENT, "at_rules": self._styles.at_rules}
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
            raise BrokenTemplate(place_of_fault(self.environment, name, error)) from error
