"""A rendered edition: subject, HTML and text; and what short letters that are no editions there are. Only values."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

CARDS = 3  # papers of a section shown as cards, with links to act on them; the others are compact


class PersonalText(str):
    """Words, or a chunk of a letter, that few letters share: not worth drawing a template for, nor remembering."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A rendered edition. The parts come in chunks that end in a line feed: equal chunks of many letters (most of a
    paper's card) are the same string object, so that whoever encodes them can do it once."""

    subject: str
    html: tuple[str, ...]
    text: tuple[str, ...]
    language: str = "en"

    @property
    def html_page(self) -> str:
        return "".join(self.html)

    @property
    def text_page(self) -> str:
        return "".join(self.text)


class ShortForm(NamedTuple):
    """An edition in a few lines of plain text, for channels that have room for no more."""

    title: str
    body: str


NoticeName = Literal[
    "address", "confirm", "delete", "export", "farewell", "flood", "manage", "operator", "pause", "trial"
]


class Pause(NamedTuple):
    """A way mail cannot go at the moment: to a domain, or by a relay."""

    until: datetime
    reason: str
    domain: str = ""
    relay: str = ""
