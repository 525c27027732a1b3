"""The authors' own sentence that says most of what a paper is about. Pure."""

from bot.core.letter.excerpts import sentences


def sentence(abstract: str, title: str) -> str:
    """One sentence of an abstract, as it stands there; "" where there is none."""
    found = sentences(abstract)
    return found[0] if found else ""
