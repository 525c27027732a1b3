"""`arxiv`: the papers arXiv announces in some categories, and those of days that were missed.

Settings and what to ask; each kind of document arXiv answers with is read in a module of its own here."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.core.source.document import Document, Parsed, Progress, Request
from bot.core.source.redact import require_address
from bot.core.text import sanitize
from bot.errors import SourceError
from bot.sources.arxiv import announcements, api, harvest, listing_page, mirror, taxonomy
from bot.sources.formats import calendars, json_text, xml

FEED = "https://rss.arxiv.org/atom/{categories}"
API = "https://export.arxiv.org/api/query"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Which categories, and where from."""

    categories: tuple[str, ...] = field(
        default=(), metadata={"help": 'such as ["cs.CL", "stat.ML"]; a whole archive is "cs"'}
    )
    url: str = field(
        default=FEED,
        metadata={
            "help": "the feed, a mirror or a recording; {categories} is filled in, an address without is asked as it is"
        },
    )
    api_url: str = field(
        default="",
        metadata={"help": "where missed days are asked for; empty: arXiv's API, or nowhere if url is changed"},
    )
    per_feed: int = field(
        default=3, metadata={"help": "categories asked for together; arXiv cuts a feed at 2000 papers"}
    )
    catch_up: int = field(default=14, metadata={"help": "days to look back after an outage; 0: only today's feed"})

    def __post_init__(self) -> None:
        require_address("url", self.url.replace("{categories}", "cs"))
        if self.api_url:
            require_address("api_url", self.api_url)
        if not self.categories and self.url == FEED:
            raise ValueError('categories is empty: give at least one, such as categories = ["cs.CL"]')
        for name in self.categories:
            archive, dot, subject = name.partition(".")
            if archive.lower() not in taxonomy.ARCHIVES or (
                dot and not re.fullmatch(r"[A-Za-z]+(?:-[A-Za-z]+)*", subject)
            ):
                raise ValueError(
                    f"{name!r} is no category of arXiv such as cs.CL or hep-th: see https://arxiv.org/category_taxonomy"
                )
        if not 1 <= self.per_feed <= 20:
            raise ValueError(f"per_feed is {self.per_feed}: give 1 to 20")
        if not 0 <= self.catch_up <= 60:
            raise ValueError(f"catch_up is {self.catch_up}: give 0 to 60 days")

    def doubts(self) -> list[str]:
        """What may not be meant as it is written."""
        return list(taxonomy.doubts(self.categories))


def requests(settings: Settings, progress: Progress, now: datetime) -> list[Request]:
    """The feed of each group of categories, and the API for each group if the feed of some day came and went."""
    names = [_spelled(name) for name in dict.fromkeys(settings.categories)]
    groups = [names[at : at + settings.per_feed] for at in range(0, len(names), settings.per_feed)] or [[]]
    asked = dict.fromkeys(_feed_address(settings.url, group) for group in groups)
    found = [Request(location=location, kind="feed") for location in asked]
    source = settings.api_url or (API if settings.url == FEED else "")
    if progress.last_success is None or not source or not names:
        return found
    if days := calendars.missed(progress.last_success, now, settings.catch_up):
        start, end = (moment.astimezone(UTC) for moment in calendars.submitted(days))
        found += [api.query(source, group, start, end) for group in groups]
    return found


def quiet(settings: Settings, now: datetime) -> str:
    """Weekends and arXiv's holidays."""
    return calendars.quiet(calendars.feed_day(now))


def parse(document: Document, settings: Settings) -> Parsed:
    """The listings of any document of arXiv: feed (Atom, RSS, RDF), API answer, listing page, OAI-PMH, or JSON that
    wraps one. Raises SourceError."""
    text = sanitize.decode(document.body, document.content_type).strip()
    if not text:
        raise SourceError("the answer is empty")
    if text.startswith(("{", "[")):
        return _wrapped(text, document, settings)
    name = xml.root_name(text)
    if name in {"html", "head", "body", "dl", "div"}:
        return listing_page.read(text, document)
    if name not in {"feed", "rss", "rdf", "oai-pmh"}:
        raise SourceError(f"the answer is no document of arXiv: it begins with {sanitize.line(text, 60)!r}")
    try:
        root = xml.tree(text)
    except ValueError as problem:
        raise SourceError(str(problem)) from None
    if name == "oai-pmh":
        return harvest.read(root)
    if name == "feed" and next(xml.children(root, "totalResults"), None) is not None:
        return api.read(root, document)
    return announcements.read(root, document)


def _wrapped(text: str, document: Document, settings: Settings) -> Parsed:
    data = json_text.decoded(text)
    if isinstance(data, dict) and isinstance(data.get("body"), str) and not data["body"].lstrip().startswith("{"):
        inner = Document(  # a recorded exchange: {"url": …, "status_code": …, "body": "<feed>…"}
            request=document.request, location=document.location, body=data["body"].encode("utf-8", "replace"),
            fetched=document.fetched, saved=document.saved,
        )  # fmt: skip
        return parse(inner, settings)
    return mirror.read(data)


def _spelled(name: str) -> str:
    """As arXiv spells it: listing pages refuse "cs.ai"."""
    archive, dot, subject = name.partition(".")
    return archive.lower() + dot + (subject.upper() if len(subject) == 2 else subject.lower())


def _feed_address(url: str, group: list[str]) -> str:
    joined = "+".join(group)
    if "{categories}" in url:
        return url.replace("{categories}", joined)
    if joined and re.search(r"/(?:atom|rss)/?$", url):
        return f"{url.rstrip('/')}/{joined}"
    return url
