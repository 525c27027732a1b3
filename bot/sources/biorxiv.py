"""`biorxiv`: bioRxiv or medRxiv, through their API (https://api.biorxiv.org). Their RSS feeds are for `feed`.

One row is one version of one preprint; the API counts in strings and says "NA" for nothing."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot.core.papers import Listing, identity, merge
from bot.core.source.document import Document, Parsed, Progress, Request
from bot.core.source.redact import require_address
from bot.core.text import markup, sanitize, tex
from bot.errors import SourceError
from bot.sources.formats import calendars, json_text, names, typesetting

API = "https://api.biorxiv.org/details/{server}/{from}/{to}/{cursor}"
OVERLAP = timedelta(days=2)  # the API fills a day up for some hours after it
MAX_ROWS = 20_000
MAX_PAGE = 1_000  # rows of one answer; the API sends 100


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Which server and which of its subjects."""

    server: str = field(default="biorxiv", metadata={"help": '"biorxiv" or "medrxiv"'})
    categories: tuple[str, ...] = field(
        default=(), metadata={"help": 'subjects to keep, such as ["neuroscience"]; empty: all'}
    )
    url: str = field(
        default=API,
        metadata={"help": "the API or a mirror; {server}, {from}, {to}, {cursor} are filled in, else asked as it is"},
    )
    catch_up: int = field(default=30, metadata={"help": "days to look back after an outage"})

    def __post_init__(self) -> None:
        if self.server not in {"biorxiv", "medrxiv"}:
            raise ValueError(f'server is {self.server!r}: give "biorxiv" or "medrxiv"')
        require_address("url", re.sub(r"[{}]", "", self.url))
        if not 1 <= self.catch_up <= 90:
            raise ValueError(f"catch_up is {self.catch_up}: give 1 to 90 days")


def requests(settings: Settings, progress: Progress, now: datetime) -> list[Request]:
    """What was posted since shortly before the last success, up to today; at first the last days."""
    start = (progress.last_success or now) - OVERLAP
    start = max(start, now - timedelta(days=settings.catch_up))
    filled = settings.url.replace("{server}", settings.server).replace("{cursor}", "0")
    filled = filled.replace("{from}", start.date().isoformat()).replace("{to}", now.date().isoformat())
    paged = settings.url.endswith("/{cursor}")
    return [Request(location=filled, kind="page" if paged else "whole", accept="application/json")]


def quiet(settings: Settings, now: datetime) -> str:
    """Little is posted at weekends."""
    return "weekend" if calendars.feed_day(now).weekday() >= 5 else ""


def parse(document: Document, settings: Settings) -> Parsed:
    """The preprints of one page of rows, the newest version of each, and the request for the next page."""
    text = sanitize.decode(document.body, document.content_type)
    data = json_text.decoded(text.lstrip())
    rows = data.get("collection") if isinstance(data, dict) else None
    messages = data.get("messages") if isinstance(data, dict) else None
    message = messages[0] if isinstance(messages, list) and messages and isinstance(messages[0], dict) else {}
    status = sanitize.line(message.get("status"), 200)
    if not isinstance(rows, list) or (not rows and status != "ok" and "no posts found" not in status.lower()):
        raise SourceError(f"the API answered: {status}" if status else "the answer is JSON, but not of the bioRxiv API")
    found = [_listing(row, settings) for row in rows[:MAX_PAGE] if isinstance(row, dict)]
    kept = [listing for listing in found if listing is not None]
    if rows and not kept:
        raise SourceError(f"none of the {len(rows)} rows is a preprint: the API has changed")
    warnings = [f"{len(found) - len(kept)} rows have no DOI or no title"] if len(kept) < len(found) else []
    wanted = {name.lower() for name in settings.categories}
    listings = merge.combine(
        listing for listing in kept if not wanted or any(name.lower() in wanted for name in listing.categories)
    )
    why = "" if listings else "nothing was posted" if not rows else "nothing in these categories"
    follow = _following(document.request, message, len(rows))
    return Parsed(listings=listings, follow=follow, quiet=why, warnings=tuple(warnings))


def _following(request: Request, message: dict[str, Any], count: int) -> tuple[Request, ...]:
    """The next page, as long as the API counts more rows than were seen."""
    total, cursor = sanitize.line(message.get("total"), 20), sanitize.line(message.get("cursor"), 20)
    if request.kind != "page" or not count or not total.isdecimal() or not cursor.isdecimal():
        return ()
    seen = int(cursor) + count
    if seen >= min(int(total), MAX_ROWS):
        return ()
    return (replace(request, location=re.sub(r"/\d+$", f"/{seen}", request.location)),)


def _listing(row: dict[str, Any], settings: Settings) -> Listing | None:
    doi = identity.doi(sanitize.line(row.get("doi"), 300))
    title = typesetting.without_typesetting(_text(row.get("title")))
    if not doi or not title:
        return None
    kind = _value(row.get("type"))
    withdrawn = kind.lower() == "withdrawn" or title.upper().startswith("WITHDRAWN")
    title = re.sub(r"^WITHDRAWN:?\s*", "", title, flags=re.IGNORECASE) or title
    version = sanitize.line(row.get("version"), 10)
    number = int(version) if version.isdecimal() else None
    day = sanitize.iso_day(row.get("date"))
    published_as = identity.doi(_value(row.get("published")))
    server = _value(row.get("server")).lower() or settings.server
    page = f"https://www.{server if server in {'biorxiv', 'medrxiv'} else settings.server}.org/content/{doi}"
    category = _value(row.get("category"))
    return Listing(
        title=title,
        keys=identity.keys_for(title, identifiers=[doi, published_as]),
        abstract=typesetting.cleaned_abstract(_text(row.get("abstract"))),
        authors=names.people(_value(row.get("authors"))),
        categories=(category,) if category else (),
        organization=_value(row.get("author_corresponding_institution")),
        published=day if number in {1, None} else None,
        listed=day,
        url=page,
        version=number,
        announce_type="new" if number in {1, None} else "replace",
        withdrawn=withdrawn,
        note="" if kind.lower() in {"new results", "withdrawn", "publishaheadofprint"} else kind,
        doi=published_as or doi,
        pdf_url=f"{page}v{number or 1}.full.pdf",
    )


def _value(value: object) -> str:
    text = sanitize.line(value)
    return "" if text.upper() in {"NA", "N/A"} else text


def _text(value: object) -> str:
    return tex.readable(sanitize.line(markup.to_text(value if isinstance(value, str) else "")))
