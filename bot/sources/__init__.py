"""The sources, one small module each. A module says what to ask and how to read the answer; it never fetches.

    Settings                               frozen dataclass: the source's own keys in the configuration; a method
                                           `doubts` may name what `check` should ask about
    requests(settings, progress, now)      -> list[Request]: what to ask now, given how far it has been read
    parse(document, settings)              -> Parsed; raises SourceError for a document that is not what it should be
    quiet(settings, now)                   -> str: why no news is expected at this moment ("weekend"), or ""

Another package adds a source through an entry point of the group "paperlark.sources" that names such a module.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any, Protocol

from bot.core.source.document import Document, Parsed, Progress, Request
from bot.errors import UserError
from bot.sources import arxiv, biorxiv, feed, huggingface, page, pubmed


class Source(Protocol):
    """The contract of a source module. `settings` is an instance of the module's own `Settings`."""

    @property
    def Settings(self) -> type[Any]: ...  # noqa: N802

    def requests(self, settings: Any, progress: Progress, now: datetime) -> list[Request]: ...

    def parse(self, document: Document, settings: Any) -> Parsed: ...

    def quiet(self, settings: Any, now: datetime) -> str: ...


GROUP = "paperlark.sources"
SOURCES: dict[str, Source] = {
    "page": page,
    "huggingface": huggingface,
    "arxiv": arxiv,
    "feed": feed,
    "biorxiv": biorxiv,
    "pubmed": pubmed,
}


@cache
def every() -> Mapping[str, Source]:
    """All sources by type: ours, and those of installed packages. A name of ours is never taken over.

    Raises UserError naming the package whose source cannot be loaded or lacks a part of the contract.
    """
    known = dict(SOURCES)
    for entry in entry_points(group=GROUP):
        if entry.name in SOURCES:
            continue
        where = f"source {entry.name!r} of {entry.dist.name if entry.dist else entry.value}"
        try:
            module = entry.load()
        except Exception as problem:  # somebody else's code
            raise UserError(f"{where} cannot be loaded ({problem}): repair or remove that package") from problem
        lacking = [part for part in ("Settings", "requests", "parse", "quiet") if not hasattr(module, part)]
        if lacking:
            raise UserError(f"{where} lacks {', '.join(lacking)}: see docs/adding-a-source.md")
        known[entry.name] = module
    return MappingProxyType(known)
