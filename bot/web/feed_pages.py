"""/feed/TOKEN: a subscriber's editions as a feed. Its address is a capability: who has it reads, who renews it ends it.

Asking whether there is anything new costs one query of an index; papers are read only for a whole answer, and that at
most every five minutes unless something new has come.
"""

import threading
import time
from collections import OrderedDict
from datetime import datetime

from flask import Blueprint, Response, abort, request

from bot.pipeline import reading
from bot.store.subscribers import StoredSubscriber
from bot.web.feeds import TYPES, Feed, entries_of, to_atom, to_json
from bot.web.site import Site

BETWEEN = 300.0  # seconds between two whole answers that are the same
MOST_REMEMBERED = 10_000
FRESH = (300, 86_400)  # seconds: least and most a feed reader is told to wait


class LastReads:
    """Which answer each address was given when, in memory: reading a feed changes no row. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reads: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def wait(self, name: str, etag: str) -> int:
        """Seconds until the same may be had whole again; 0: now, and it is noted."""
        now = time.monotonic()
        with self._lock:
            last, at = self._reads.get(name, ("", 0.0))
            if last == etag and now - at < BETWEEN:
                return max(1, int(BETWEEN - (now - at)))
            self._reads.pop(name, None)
            self._reads[name] = (etag, now)
            while len(self._reads) > MOST_REMEMBERED:
                self._reads.popitem(last=False)
        return 0


def blueprint(site: Site) -> Blueprint:
    pages = Blueprint("feed_pages", __name__)
    reads = LastReads()

    @pages.get("/feed/<token>.<any(atom, json):form>")
    def feed(token: str, form: str) -> Response:
        opened, subscriber = site.opened(token, "feed")
        newest = reading.newest_edition(site.database, subscriber.id)
        etag = f'"{opened.epoch}-{newest}"'
        headers = {"ETag": etag, "Cache-Control": f"private, max-age={max_age(subscriber, site.clock())}"}
        if request.if_none_match.contains_weak(etag.strip('"')):
            return Response(status=304, headers=headers)
        if request.method != "HEAD" and (wait := reads.wait(f"{subscriber.id}.{form}", etag)):
            abort(Response(site.language.gettext("Nothing new since you asked last."), 429, {"Retry-After": str(wait)}))
        told = reading.feed_editions(site.database, site.builder, subscriber.id)
        domain = site.identity.domain
        papers_for_you = site.language.gettext("papers for you")
        made = Feed(
            id=f"tag:{domain},2026:feed/{subscriber.id}",
            title=f"Paperlark: {papers_for_you}",
            url=f"{site.base}/feed/{token.lower()}.{form}",
            home=f"{site.base}/",
            updated=told[0].made if told else subscriber.status_since,
            entries=entries_of(((one.made, paper) for one in told for paper in reading.papers_of(one)), domain),
        )
        body = to_atom(made) if form == "atom" else to_json(made)
        return Response(body, headers={**headers, "Content-Type": TYPES[form]})

    return pages


def max_age(subscriber: StoredSubscriber, now: datetime) -> int:
    """Seconds until the next edition, within reason."""
    if subscriber.next_due is None:
        return FRESH[0]
    return max(FRESH[0], min(FRESH[1], int((subscriber.next_due - now).total_seconds())))
