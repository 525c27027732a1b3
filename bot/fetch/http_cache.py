"""What a server asks of its visitors, read from its headers: how long an answer holds, and when to come back.
Hostile or nonsensical values are ignored or capped at a day. Obeying them is `http_client`'s and `fetcher`'s."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from bot.core.source.document import UrlState

DAY = timedelta(days=1)
LONGEST_VALIDATOR = 1024  # characters; a longer ETag is somebody's joke


def fresh_until(headers: httpx.Headers, now: datetime) -> datetime | None:
    """Until when an answer need not be asked for again: Cache-Control's max-age less Age, else Expires less Date
    (RFC 9111, 4.2.1; ours is a private cache, so s-maxage is not for us). None: ask whenever you like."""
    control = headers.get("cache-control", "").lower()
    if re.search(r"(?:^|[\s,])no-(?:cache|store)\b", control):
        return None
    lifetime: timedelta | None = None
    if given := re.search(r"(?:^|[\s,])max-age\s*=\s*\"?(\d+)", control):
        lifetime = _seconds(given[1]) - (_seconds(headers.get("age", "")) or timedelta())
    elif expires := _date(headers.get("expires", "")):
        lifetime = expires - (_date(headers.get("date", "")) or now)
    return now + min(lifetime, DAY) if lifetime is not None and lifetime > timedelta() else None


def still_fresh(state: UrlState | None, now: datetime) -> bool:
    """Whether a remembered answer still holds; a promise for more than a day (a clock set back?) does not count."""
    return state is not None and state.fresh_until is not None and now < state.fresh_until <= now + DAY


def retry_after(headers: httpx.Headers, now: datetime) -> datetime | None:
    """When we were told to come back: Retry-After in seconds or as a date (RFC 9110, 10.2.3), else the end of a
    used-up quota. None: we were not told."""
    told = headers.get("retry-after", "").strip()
    wait = _seconds(told) if told.isdecimal() else (_date(told) or now) - now
    return now + min(wait, DAY) if wait > timedelta() else quota_back(headers, now)


def quota_back(headers: httpx.Headers, now: datetime) -> datetime | None:
    """When a used-up quota is filled again: `RateLimit: "api";r=0;t=55` (IETF draft ratelimit-headers, as Hugging Face
    sends it), or the older RateLimit-Remaining and -Reset; or how long a server wants to be left alone although it
    answered (`Backoff` in seconds, as Zotero sends it). None: nothing of the kind."""
    waits = [_seconds(headers.get("backoff", "").strip())]
    for item in headers.get("ratelimit", "").split(","):
        given = dict(re.findall(r";\s*([rt])\s*=\s*(\d+)", item))
        if "t" in given and not given.get("r", "1").strip("0"):
            waits.append(_seconds(given["t"]))
    if not headers.get("ratelimit-remaining", "1").strip().strip("0"):
        waits.append(_seconds(headers.get("ratelimit-reset", "").strip()))
    wait = max(waits, default=timedelta())
    return now + min(wait, DAY) if wait > timedelta() else None


def validator(headers: httpx.Headers, name: str) -> str:
    """An ETag or Last-Modified worth remembering."""
    value = headers.get(name, "").strip()
    return value if value.isprintable() and value.isascii() and len(value) <= LONGEST_VALIDATOR else ""


def _seconds(text: str) -> timedelta:
    if not (text.isascii() and text.isdecimal()):
        return timedelta()
    return timedelta(seconds=int(text) if len(text) < 9 else 10**8)


def _date(text: str) -> datetime | None:
    try:
        when = parsedate_to_datetime(text)
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
