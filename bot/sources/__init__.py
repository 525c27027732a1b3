"""The sources, one small module each. A module says what to ask and how to read the answer; it never fetches.

    Settings                               frozen dataclass: the source's own keys in the configuration; a method
                                           `doubts` may name what `check` should ask about
    requests(settings, progress, now)      -> list[Request]: what to ask now, given how far it has been read
    parse(document, settings)              -> Parsed; raises SourceError for a document that is not what it should be
    quiet(settings, now)                   -> str: why no news is expected at this moment ("weekend"), or ""

Another package adds a source through an entry point of the group "paperlark.sources" that names such a module.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any, Protocol, cast

from bot.core.source.document import Document, Parsed, Progress, Request
from bot.errors import UserError


class Source(Protocol):
    """The contract of a source module. `settings` is an instance of the module's own `Settings`."""

    @property
    def Settings(self) -> type[Any]: ...  # noqa: N802

    def requests(self, settings: Any, progress: Progress, now: datetime) -> list[Request]: ...

    def parse(self, document: Document, settings: Any) -> Parsed: ...

    def quiet(self, settings: Any, now: datetime) -> str: ...


class Ours(Mapping[str, Source]):
    """Our own sources by type. Each is imported when it is asked for: most installations have two or three."""

    _names = ("page", "huggingface", "arxiv", "feed", "biorxiv", "pubmed")

    def __getitem__(self, name: str) -> Source:
        if name not in self._names:
            raise KeyError(name)
        return cast("Source", import_module(f"{__name__}.{name}"))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names


GROUP = "paperlark.sources"
SOURCES = Ours()


def named(kind: str) -> Source:
    """The source of a type. Installed packages are looked through only for what is none of ours.

    Raises KeyError for a type there is not, and UserError like `every`.
    """
    return SOURCES[kind] if kind in SOURCES else every()[kind]


@cache
def every() -> Mapping[str, Source]:
    """All sources by type: ours, and those of installed packages. A name of ours is never taken over.

    Raises UserError naming the package whose source cannot be loaded or lacks a part of the contract.
    """
    from importlib.metadata import entry_points  # a third of what a process that only reads documents would load

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
