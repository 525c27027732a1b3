"""`feed`: any RSS, Atom, RDF or JSON Feed.

Settings and what to ask for. `recognize` tells what kind of document came, `syndication` and `json_feed` read it,
`entries` makes listings of it."""

from dataclasses import dataclass, field
from datetime import datetime

from bot.core.source.document import Document, Parsed, Progress, Request
from bot.core.source.redact import require_address

ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The address of the feed."""

    url: str = field(metadata={"help": "the address of an RSS, Atom, RDF or JSON feed"})

    def __post_init__(self) -> None:
        require_address("url", self.url)


def requests(settings: Settings, progress: Progress, now: datetime) -> list[Request]:
    """The feed. What it no longer holds cannot be asked for."""
    return [Request(location=settings.url, kind="feed", accept=ACCEPT)]


def quiet(settings: Settings, now: datetime) -> str:
    """A feed keeps its own calendar, which nobody knows."""
    return ""


def parse(document: Document, settings: Settings) -> Parsed:
    """The entries of a feed. Raises SourceError for what is none, or is damaged before its first entry."""
    from bot.sources.feed.recognize import read  # many patterns, for what is mostly read in another process

    return read(document)
