"""An edition in a few lines of plain text, for channels that have room for no more. Pure."""

import re
from bisect import bisect_left
from typing import NamedTuple

from bot.core.edition.edition import Edition, SectionKind
from bot.core.letter.fragments import FragmentCache
from bot.core.letter.letter import ShortForm
from bot.core.letter.letter_view import LetterView, NamedPaper, letter_view
from bot.core.letter.localize import Words
from bot.core.letter.paper_view import best_link, links_of, name_of, title_of

# Chats read "@everyone" and "<!channel>" as orders, and titles come from strangers: a blank without width in between
# makes them words again.
_ORDER = re.compile(r"https?://\S+|[@<](?=\S)")


class ShortSection(NamedTuple):
    """The papers of a section that have room."""

    kind: SectionKind
    name: str
    papers: tuple[NamedPaper, ...]


def short_form(edition: Edition, subject: str, fragments: FragmentCache, words: Words, most: int) -> ShortForm:
    """As many papers as fit into `most` characters with all else; the others are counted, with a link to the page that
    has them, where there is one. Raises BrokenTemplate, and TemplateNotFound where one is missing."""
    view = letter_view(edition, words)
    papers = sum(len(section.picks) for section in edition.sections)
    # A body grows with its papers: the largest number that fits is the one before the first that does not.
    fits = bisect_left(range(papers + 1), True, key=lambda n: len(_body(edition, view, fragments, words, n)) > most)
    body = _body(edition, view, fragments, words, max(0, fits - 1))
    return ShortForm(_without_orders(subject), body[:most])


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
    return _without_orders(fragments.render("channel.txt", words, values).strip() + "\n")


def _without_orders(text: str) -> str:
    return _ORDER.sub(lambda found: found[0] if len(found[0]) > 1 else f"{found[0]}\u200b", text)
