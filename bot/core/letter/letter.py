"""A rendered edition: subject, HTML and text."""

from dataclasses import dataclass


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
