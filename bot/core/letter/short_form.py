"""An edition in a few lines of plain text, for channels that have room for no more. Pure."""

import re
from bisect import bisect_left
from collections.abc import Callable
from typing import NamedTuple

from bot.core.edition.edition import Edition, SectionKind
from bot.core.letter.fragments import FragmentCache
from bot.core.letter.letter import ShortForm
from bot.core.letter.letter_view import LetterView, NamedPaper, letter_view
from bot.core.letter.localize import Words
from bot.core.letter.paper_view import best_link, links_of, name_of, title_of

# Chats read "@everyone" and "<!channel>" as orders and "[text](address)" as a link that says one thing and leads to
# another, and titles come from strangers: a blank without width in between makes them words again. In an address, which
# must stay one, they are percent-encoded.
_ORDER = re.compile(r"(https?://\S+)|[@<](?=\S)|\](?=\()")
_ENCODED = str.maketrans({"@": "%40", "<": "%3C", "]": "%5D"})


class ShortSection(NamedTuple):
    """The papers of a section that have room."""

    kind: SectionKind
    name: str
    papers: tuple[NamedPaper, ...]


def short_form(
    edition: Edition, subject: str, fragments: FragmentCache, words: Words, fits: Callable[[str, str], bool]
) -> ShortForm:
    """As many papers as there is room for with all else; the others are counted, with a link to the page that has them,
    where there is one. Where that is too long, too, the link alone, else the subject alone. `fits`: whether a title and
    a body are not too long. Raises BrokenTemplate, and TemplateNotFound where a template is missing."""
    view = letter_view(edition, words)
    title = without_orders(subject)
    papers = sum(len(section.picks) for section in edition.sections)
    # A body grows with its papers: the largest number that fits is the one before the first that does not.
    shown = bisect_left(
        range(papers + 1), True, key=lambda n: not fits(title, _body(edition, view, fragments, words, n))
    )
    if shown:
        return ShortForm(title, _body(edition, view, fragments, words, shown - 1))
    link = without_orders(str(view.imprint.browser_url))
    return ShortForm(title, link if fits(title, link) else "")


def _body(edition: Edition, view: LetterView, fragments: FragmentCache, words: Words, shown: int) -> str:
    """With the first `shown` papers."""
    sections = []
    room, more = shown, 0
    for section in edition.sections:
        picks = section.picks[:room]
        room -= len(picks)
        more += section.more + len(section.picks) - len(picks)
        papers = tuple(
            NamedPaper(title_of(one.paper.title), best_link(links_of(one.paper)), one.paper.upvotes) for one in picks
        )
        if papers:
            sections.append(ShortSection(section.kind, name_of(section.name), papers))
    values = {"head": view.head, "sections": sections, "more": more, "browser_url": str(view.imprint.browser_url)}
    return without_orders(fragments.render("channel.txt", words, values).strip() + "\n")


def without_orders(text: str) -> str:
    """A text in which nothing is an order to a chat, or a link that hides where it leads."""
    return _ORDER.sub(lambda found: found[1].translate(_ENCODED) if found[1] else f"{found[0]}\u200b", text)
