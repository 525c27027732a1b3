"""`huggingface`: the daily papers of huggingface.co, from its API or from saved pages, and the days that were missed.

What an item holds is known to `formats.huggingface`."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from bot.core.source.document import Document, Parsed, Progress, Request
from bot.core.source.redact import require_address
from bot.core.text import sanitize
from bot.errors import SourceError
from bot.sources.formats import huggingface, json_text
from bot.sources.formats.addresses import with_parameters

API = "https://huggingface.co/api/daily_papers?limit=100"
MAX_PAGES = 5
VOTES_MOVE = 7  # days: nearly all of a paper's votes are in then


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the list is, and how far back a missed day is asked for."""

    url: str = field(default=API, metadata={"help": "the API, a mirror of it, or a page of huggingface.co/papers"})
    catch_up: int = field(default=10, metadata={"help": "days to look back after an outage; 0: only today's list"})

    def __post_init__(self) -> None:
        require_address("url", self.url)
        if not 0 <= self.catch_up <= 60:
            raise ValueError(f"catch_up is {self.catch_up}: give 0 to 60 days")


def requests(settings: Settings, progress: Progress, now: datetime) -> list[Request]:
    """The address as it stands (the newest list), and with `date=` each day since the last success but today.

    The day of the last success is asked for again: its list may have grown after we looked. The first time on a day the
    weekdays of the last week are asked for, too: only half of a paper's votes come on the day it is listed. Not those
    from before the list was first read: their papers would come as new.
    """
    asked = [Request(location=settings.url, kind="list", accept="application/json, text/html;q=0.5")]
    if progress.last_success is None:
        return asked
    last, today = progress.last_success.date(), now.date()
    first = (progress.read_since or progress.last_success).date()
    for days_ago in range(settings.catch_up, 0, -1):
        day = today - timedelta(days=days_ago)
        votes_move = first <= day and last < today and days_ago <= VOTES_MOVE and day.weekday() < 5
        if day < last and not votes_move:
            continue
        location = with_parameters(settings.url, date=day.isoformat())
        late = day > last
        asked.append(Request(location=location, kind="day", day=day, late=late, accept="application/json"))
    return asked


def quiet(settings: Settings, now: datetime) -> str:
    """Nothing can be submitted to the list at weekends."""
    return "weekend" if now.weekday() >= 5 else ""


def parse(document: Document, settings: Settings) -> Parsed:
    """The papers of an answer or page. Raises SourceError for what is no list of papers; bad items become warnings."""
    text = sanitize.decode(document.body, document.content_type).strip()
    if not text:
        raise SourceError("the answer is empty")
    data = _decoded(text)
    found = huggingface.items_of(data)
    if found is None:
        reason = sanitize.line(data.get("error") or data.get("message"), 200) if isinstance(data, dict) else ""
        raise SourceError(f"the site answered: {reason}" if reason else "the answer is JSON, but no list of papers")
    items, day = found
    request = document.request
    parsed = huggingface.parsed(items, request.day or day, late=request.late)
    if not items:
        asked = request.day or day
        weekend = (asked or document.fetched).weekday() >= 5
        quiet = "weekend" if weekend else "nothing on this day yet" if asked else ""
        return Parsed(quiet=quiet, stale="" if quiet else "the newest list is empty")
    following = _next_page(request, len(items))
    return parsed if following is None else replace(parsed, follow=(following,))


def _decoded(text: str) -> object:
    """The data of an answer, or in a page. Raises SourceError."""
    if not text.startswith("<"):
        return json_text.decoded(text)
    data = huggingface.embedded(text)
    if data is None:
        raise SourceError("an HTML page that carries no list of papers (a login or error page?)")
    return data


def _next_page(request: Request, count: int) -> Request | None:
    """A list as long as its limit has a next page (numbered from 0)."""
    query = parse_qs(urlsplit(request.location).query)
    limit, page = (query.get(name, [""])[0] for name in ("limit", "p"))
    if request.kind != "day" or not limit.isdigit() or count != int(limit) or int(page or 0) + 1 >= MAX_PAGES:
        return None
    location = with_parameters(request.location, p=str(int(page or 0) + 1))
    return Request(location=location, kind="day", day=request.day, late=request.late, accept=request.accept)
