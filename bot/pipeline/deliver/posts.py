"""What goes to channels other than mail: editions in their short form, and as JSON to webhooks, signed.

Each is an edition of its own in the outbox, so the same run of `deliver` leases it, tries it again, gives it up and
writes it down; only building and handing over differ.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from bot.core.edition.edition import Edition, Pick
from bot.core.letter.paper_view import best_link, links_of
from bot.core.subscriber.channel import channel_name, is_webhook
from bot.core.subscriber.subscriber import stored_subscriber
from bot.errors import DeliveryError, Outcome, SourceError
from bot.fetch import Fetcher, Limits
from bot.mail.transport.channels import CODE, Ask, HttpAnswer, Post, fits_into, in_their_table, refusal
from bot.pipeline.build_message import MessageBuilder
from bot.pipeline.expiry import NO_LONGER
from bot.store.outbox import Leased

PER_MINUTE = 20  # posts to one channel: what the strictest of the great services take (Telegram's groups)
SILENT = 3  # slow failures of one host
SLOW = 3.0  # seconds
LEFT_ALONE = 60.0  # seconds
POSTS = 8  # at a time: some of them may be waiting for a service that does not answer
# The rules of one request; services answer with a few words, some with lists of their rooms.
REQUEST = Limits(body=1024 * 1024, seconds=20.0, connect=10.0, silence=20.0, wait=0.0, redirects=0, attempts=1, gap=0.0)


class PostBuilder:
    """Makes posts of editions. Thread-safe, as the builder of messages is."""

    def __init__(self, builder: MessageBuilder) -> None:
        self._builder = builder

    def build(self, leased: Leased) -> Post:
        """An edition for its channel. Raises DeliveryError where that is gone or cannot be posted to."""
        address = stored_subscriber(leased.data).channels.get(leased.channel)
        if address is None:
            raise DeliveryError(f"{leased.channel}: {NO_LONGER}", "retry", code=CODE)
        edition = self._builder.edition(leased)
        title = body = ""
        data = b""
        if is_webhook(address):
            data = json.dumps(edition_table(edition, leased), ensure_ascii=False).encode()
        else:
            title, body = self._builder.renderer.short(edition, fits_into(address))
        return Post(
            sender="",
            recipient=leased.channel,
            message_id=leased.message_id,
            data=data,
            address=address,
            title=title,
            body=body,
        )


def edition_table(edition: Edition, leased: Leased) -> dict[str, Any]:
    """What a webhook gets."""
    return {
        "type": edition.kind,
        "id": leased.message_id,
        "slot": leased.slot.removesuffix(f" {leased.channel}"),
        "day": edition.day.isoformat(),
        "made": _moment(edition.made),
        "since": _moment(edition.since) if edition.since else None,
        "subscriber": {"email": edition.subscriber.email, "name": edition.subscriber.name},
        "url": edition.browser_url,
        "sections": [
            {
                "kind": section.kind,
                "name": section.name,
                "papers": [_paper_table(pick) for pick in section.picks],
                "more": section.more,
            }
            for section in edition.sections
        ],
    }


def _paper_table(pick: Pick) -> dict[str, Any]:
    paper = pick.paper
    return {
        "key": paper.key,
        "title": paper.title,
        "url": best_link(links_of(paper)),
        "abstract": paper.abstract,
        "authors": list(paper.authors),
        "categories": list(paper.categories),
        "sources": list(paper.sources),
        "organization": paper.organization,
        "upvotes": paper.upvotes,
        "comments": paper.comments,
        "stars": paper.stars,
        "profiles": [reason.profile for reason in pick.reasons],
        "news": pick.news,
    }


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def signature(secret: str, message_id: str, timestamp: str, content: bytes) -> str:
    """As Standard Webhooks wants it (https://www.standardwebhooks.com, "v1"): HMAC-SHA256 of "id.timestamp.content",
    as base64. A secret that begins with `whsec_` is base64 behind that."""
    key = secret.encode()
    if secret.startswith("whsec_"):
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except ValueError:
            key = secret.encode()
    signed = f"{message_id}.{timestamp}.".encode() + content
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def asker(fetcher: Fetcher, *, private: bool) -> Ask:
    """Carries the requests of posts, by our own rules of fetching. A host that has kept several of them waiting for
    nothing is not asked again for a minute: hundreds of channels may live there, and those elsewhere must not wait for
    each of them."""
    silent: dict[str, list[float]] = {}  # host -> when requests failed slowly, one after the other

    def ask(method: str, url: str, headers: Mapping[str, str], content: bytes, *, seconds: float) -> HttpAnswer:
        host, began = urlsplit(url).netloc.rpartition("@")[2].lower(), time.monotonic()
        failures = silent.get(host, [])
        if len(failures) >= SILENT and began - failures[-1] < LEFT_ALONE:
            raise SourceError("has just left others without an answer: later")
        try:
            answer = fetcher.exchange(method, url, headers, content, seconds=seconds, private=private)
        except SourceError:
            if time.monotonic() - began > SLOW:
                silent.setdefault(host, []).append(time.monotonic())
            raise
        silent.pop(host, None)
        return answer

    return ask


def post_to_webhook(ask: Ask, clock: Callable[[], datetime], post: Post) -> str:
    """Post to a webhook. Raises DeliveryError."""
    address, _, secret = post.address.partition("#")
    timestamp = str(int(clock().timestamp()))
    headers = {
        "Content-Type": "application/json",
        "webhook-id": post.message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(secret, post.message_id, timestamp, post.data),
    }
    name = channel_name(post.address)
    try:
        answer = ask("POST", address.removeprefix("webhook+"), headers, post.data, seconds=REQUEST.seconds)
    except SourceError as error:
        outcome: Outcome = "unknown" if error.may_have_arrived else "retry"
        raise DeliveryError(f"{name}: {in_their_table(str(error))}", outcome, code=CODE) from None
    if not 200 <= answer.status < 300:
        raise refusal(name, answer)
    return "the webhook has it"
