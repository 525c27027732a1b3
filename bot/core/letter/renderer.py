"""An edition becomes a letter, never over the size. Pure.

What is said belongs to `letter_view`, `paper_view` and the templates; a paper is rendered once for all subscribers, in
`fragments`. The templates `digest.*` and `alert.*` call `papers(section)` and `part(name, …)`, which leave marks where
the finished pieces go.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import jinja2

from bot.core.edition.edition import Edition, Pick, Section
from bot.core.edition.picks import NAMED, fewer_picks
from bot.core.letter import notices, paper_view, samples
from bot.core.letter.fragments import CATALOGUES, FragmentCache, Piece, environment
from bot.core.letter.letter import CARDS, Letter, NoticeName, ShortForm
from bot.core.letter.letter_view import Lead, LetterView, SectionView, letter_view
from bot.core.letter.localize import Words
from bot.core.letter.paper_view import FULL, Form
from bot.core.letter.short_form import short_form
from bot.core.letter.template_error import place_of_fault
from bot.core.papers import Paper
from bot.core.text.sanitize import harmless, shortened
from bot.errors import BrokenTemplate

__all__ = ["BrokenTemplate", "LetterRenderer", "check_templates", "environment", "html_size"]

MAX_HTML = 90_000  # bytes: Gmail clips at 102 KB, and the clipped end holds the way to leave
MAX_SUBJECT = 150


class Detail(NamedTuple):
    """How much a letter says of each paper."""

    abstract: int  # characters of it
    own_line: bool = True  # the authors' own sentence where the source has no summary
    cards: int = CARDS  # papers of a section that are cards; the others are compact


DETAILS = {"full": Detail(FULL, own_line=False), "short": Detail(0), "none": Detail(0, own_line=False)}
LESS = (Detail(900, own_line=False), Detail(360, own_line=False), Detail(0), Detail(0, cards=0))  # tried in turn
_HREF = re.compile(r"""<a\s[^>]*?href=["']?([^"'>\s]*)""", re.IGNORECASE)
_MARK = re.compile("\x00(\\d+)-(\\d+)\x00")


@contextmanager
def _missing_named() -> Iterator[None]:
    """A template that is not there is a broken one, named."""
    try:
        yield
    except jinja2.TemplateNotFound as error:
        raise BrokenTemplate(f"templates/{error.name}: this template is missing") from error


class LetterRenderer:
    """Renders editions. Share one between threads; at most `kept` rendered pieces are kept for the next letters."""

    def __init__(self, environment: jinja2.Environment, kept: int = 32_768) -> None:
        self._fragments = FragmentCache(environment, kept)

    def forget(self) -> None:
        """Drop the pieces that are kept."""
        self._fragments.forget()

    def letter(self, edition: Edition) -> Letter:
        """The letter of an edition. Equal papers of any two letters are the same chunk. Raises BrokenTemplate."""
        words = self._fragments.words(edition.subscriber.language)
        with _missing_named():
            parts, html = self._fitted(edition, words)
            text = parts.chunks("txt")
            subject = self._subject(parts.letter, words)
        return Letter(subject=subject, html=html, text=text, language=words.language)

    def short(self, edition: Edition, fits: Callable[[str, str], bool]) -> ShortForm:
        """An edition in plain text, as much of it as fits: a title and a body. Raises BrokenTemplate."""
        words = self._fragments.words(edition.subscriber.language)
        with _missing_named():
            return short_form(edition, self._subject(letter_view(edition, words), words), self._fragments, words, fits)

    def notice(self, name: NoticeName, language: str, values: Mapping[str, Any]) -> Letter:
        """A short letter that is no edition, with what `notices.EXAMPLES` gives it. Raises BrokenTemplate."""
        with _missing_named():
            return notices.notice(self._fragments, name, self._fragments.words(language), values)

    def _subject(self, letter: LetterView, words: Words) -> str:
        name = f"{letter.head.kind}.subject.txt"
        said = self._fragments.say_to_few(name, words, head=letter.head, titles=letter.titles)
        return shortened(said, MAX_SUBJECT)

    def _fitted(self, edition: Edition, words: Words) -> "tuple[_LetterParts, tuple[str, ...]]":
        """The parts of a letter, and its HTML, cut until it is not over the size: abstracts shorten, then all papers
        are compact, then papers move to "n more", then sections without papers are summed up."""
        wanted = DETAILS[edition.subscriber.abstract]
        smaller_details = [less for less in LESS if (less.abstract, less.cards) < (wanted.abstract, wanted.cards)]
        for detail in (wanted, *smaller_details):
            parts = _LetterParts(self._fragments, edition, words, detail)
            html = parts.chunks("html")
            excess = html_size(html) - MAX_HTML
            if excess <= 0:
                return parts, html
        while excess > 0 and (less := smaller(edition, excess / html_size(html))):
            edition = less
            parts = _LetterParts(self._fragments, edition, words, LESS[-1])
            html = parts.chunks("html")
            excess = html_size(html) - MAX_HTML
        return parts, html


class _LetterParts:
    """One letter while it is put together, with so much detail."""

    def __init__(self, fragments: FragmentCache, edition: Edition, words: Words, detail: Detail) -> None:
        self.fragments = fragments
        self.letter = letter_view(edition, words, detail.cards)
        self.words = words
        self._detail = detail
        self._pictures = edition.subscriber.pictures
        self._cards: dict[int, list[Piece]] = {
            id(section): [
                *(self._card(pick, "card", section) for pick in section.cards),
                *(self._card(pick, "compact", section) for pick in section.compact),
            ]
            for section in self.letter.sections
        }
        lead = self.letter.lead
        self._lead = self._card(lead.pick, "lead", lead) if lead else None

    def _card(self, pick: Pick, form: Form, section: "SectionView | Lead") -> Piece:
        key = paper_view.card_key(
            pick, form, self._detail.abstract, own_line=self._detail.own_line, pictures=self._pictures
        )
        name = section.name or self.fragments.say("_section_name.txt", self.words, kind=section.kind, name="")
        return self.fragments.card(key, pick, name, self.words)

    def _more(self, section: SectionView, form: Literal["html", "txt"]) -> Iterable[str]:
        """What of a section did not fit, counted and named."""
        if not section.more:
            return ()
        part, words = self.fragments.part, self.words
        url = {"browser_url": self.letter.imprint.browser_url} if form == "html" else {}
        counts = {"more": section.more, "shown": section.shown, "named": len(section.named)}
        named = [chunk for one in section.named for chunk in part(f"_named.{form}", words, paper=one)]
        return [*part(f"_more.{form}", words, **counts, **url), *named]

    def chunks(self, form: Literal["html", "txt"]) -> tuple[str, ...]:
        """The whole letter in one form, in chunks that end in a line feed."""
        pieces: list[str] = []

        def marked(chunks: Iterable[str]) -> str:
            first = len(pieces)
            pieces.extend(chunks)
            return f"\x00{first}-{len(pieces)}\x00"

        def of(cards: Iterable[Piece]) -> Iterable[str]:
            return [chunk for card in cards for chunk in (card.html if form == "html" else card.txt)]

        def papers(section: SectionView) -> str:
            return marked(of(self._cards[id(section)]))

        def lead() -> str:
            return marked(of([self._lead] if self._lead else []))

        def part(name: str, /, **values: Any) -> str:
            return marked(self.fragments.part(name, self.words, **values))

        def more(section: SectionView) -> str:
            return marked(self._more(section, form))

        head = self.letter.head
        values = {"letter": self.letter, "papers": papers, "lead": lead, "more": more, "part": part}
        layout = self.fragments.render(f"{head.kind}.{form}", self.words, values)
        found: list[str] = []
        end = 0
        for mark in _MARK.finditer(layout):
            found += _between(layout[end : mark.start()])
            found += pieces[int(mark[1]) : int(mark[2])]
            end = mark.end()
        found += _between(layout[end:])
        if form == "txt":
            return tuple(found)
        title = self.fragments.say("_heading.txt", self.words, head=head)
        before, after = self.fragments.frame(head.kind, title, self.words)
        return (before, *found, after)


def _between(text: str) -> list[str]:
    """What a template holds between the pieces; blank lines there are for whoever reads the template."""
    return [harmless(text).strip("\n") + "\n"] if text.strip() else []


def html_size(chunks: tuple[str, ...]) -> int:
    """Bytes in UTF-8."""
    return len("".join(chunks).encode())


def smaller(edition: Edition, share: float) -> Edition | None:
    """The edition without `share` (0 to 1) of its papers, at least one, taken from the end of its longest section; then
    without names of papers not shown; then with the sections that show nothing summed up. None: it is as small as it
    gets, one paper."""
    picks = [len(section.picks) for section in edition.sections]
    if sum(picks) > 1:
        drop = max(1, min(sum(picks) - 1, round(sum(picks) * share)))
        kept = zip(edition.sections, fewer_picks(picks, drop), strict=True)
        return replace(edition, sections=tuple(_cut(section, count) for section, count in kept))
    if any(section.more_papers for section in edition.sections):
        return replace(edition, sections=tuple(replace(section, more_papers=()) for section in edition.sections))
    bare = [section for section in edition.sections if not section.picks]
    if len(bare) > 1:
        summed = Section(kind=bare[0].kind, name="", picks=(), more=sum(section.more for section in bare))
        shown = [section for section in edition.sections if section.picks]
        return replace(edition, sections=(*shown, summed))
    return None


def _cut(section: Section, count: int) -> Section:
    """The section with its first `count` papers; the others are counted, and lead those named."""
    if count == len(section.picks):
        return section
    out = [pick.paper for pick in section.picks[count:]]
    named = _once([*out, *section.more_papers])[:NAMED]
    return replace(section, picks=section.picks[:count], more=section.more + len(out), more_papers=named)


def _once(papers: Iterable[Paper]) -> tuple[Paper, ...]:
    return tuple({paper.key: paper for paper in papers}.values())


def check_templates(environment: jinja2.Environment) -> list[str]:
    """Every template rendered with ordinary and nasty samples: the problems found, one line each with file and line,
    none twice."""
    found: dict[str, None] = {}
    for name in environment.list_templates(extensions=["html", "txt"]):
        try:
            environment.get_template(name)
        except jinja2.TemplateError as error:
            found[place_of_fault(environment, name, error)] = None
    try:
        renderer = LetterRenderer(environment)
        for sample, edition in samples.all_editions().items():
            found |= dict.fromkeys(_faults(renderer, edition, sample))
        for language in ("en", *_languages(environment)):
            for name, values in notices.EXAMPLES.items():
                try:
                    renderer.notice(name, language, values)
                except BrokenTemplate as error:
                    found[str(error)] = None
        for language in _languages(environment):
            for sample, edition in samples.ordinary().items():
                spoken = replace(edition, subscriber=replace(edition.subscriber, language=language))
                new = [fault for fault in _faults(renderer, spoken, sample) if fault not in found]
                found |= dict.fromkeys(f"{fault} (in {language!r})" for fault in new)
    except BrokenTemplate as error:
        found[str(error)] = None
    return list(found)


def _languages(environment: jinja2.Environment) -> list[str]:
    """The languages there is a catalogue for."""
    names = [name.removeprefix(f"{CATALOGUES}/") for name in environment.list_templates(extensions=["po"])]
    return [name.removesuffix(".po") for name in names if "/" not in name]


def _faults(renderer: LetterRenderer, edition: Edition, sample: str) -> list[str]:
    """What is wrong with the letter of one sample."""
    try:
        letter = renderer.letter(edition)
        renderer.short(edition, lambda title, body: len(title) + len(body) <= 4_000)
    except BrokenTemplate as error:
        return [str(error)]
    found = []
    for form, text in (("html", letter.html_page), ("txt", letter.text_page)):
        if edition.unsubscribe_email and edition.unsubscribe_email not in text:
            found.append(f"templates/{edition.kind}.{form}: does not say how to unsubscribe (letter.imprint)")
    if not letter.subject:
        found.append(f"templates/{edition.kind}.subject.txt: gives an empty subject")
    if (excess := html_size(letter.html) - MAX_HTML) > 0:
        found.append(f"templates/{edition.kind}.html: {excess} bytes too long with the sample {sample!r}")
    for link in _HREF.findall(letter.html_page):
        if not link.startswith(("https://", "http://", "mailto:")):
            found.append(f"templates/{edition.kind}.html: a link that mail programs refuse: {link[:60]}")
    return found
