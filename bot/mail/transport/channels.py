"""Posting to services other than mail, by Apprise: its only house.

Apprise writes the requests, and we carry them: its way to the network is replaced by ours, so that the rules of
fetching hold for every one of them (addresses looked at, certificates verified, no redirects, bytes and seconds
counted), and so that it is known of a post that failed whether it can have arrived.
"""

import io
import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Protocol

from bot.core.subscriber.channel import channel_name, is_webhook, scheme_of
from bot.errors import DeliveryError, SourceError
from bot.mail.message.types import Message, Session

NEEDS = "posting to services needs Apprise: pip install 'paperlark[channels]'"
LONGEST_POST = 40.0  # seconds for one post, all requests of it together; then nobody knows whether it arrived
CODE = "channel"  # of a failure without an answer: it speaks of one channel, never of all
MOST_TITLE = 250
# Bytes that a service takes where that is less than Apprise thinks: ntfy makes an attachment of what is longer
# (https://docs.ntfy.sh/publish/#limitations).
_FEWER = {"ntfy": 4000, "ntfys": 4000}
# What a plugin has at hand that goes to the network by other ways than requests.
_OTHER_WAYS = ("socket", "ssl", "smtplib", "subprocess", "HTTPPolicy")


class HttpAnswer(Protocol):
    """What a server answered to a request."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def content(self) -> bytes: ...
    @property
    def is_whole(self) -> bool: ...
    @property
    def retry_at(self) -> datetime | None: ...


class Ask(Protocol):
    """Carries one request. Raises SourceError where no answer comes, in words without the address."""

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, *, seconds: float
    ) -> HttpAnswer: ...


PostToWebhook = Callable[["Post"], str]  # returns the words of the other side; raises DeliveryError
Fits = Callable[[str, str], bool]  # whether a title and a body are not too long


@dataclass(frozen=True, slots=True, kw_only=True)
class Post(Message):
    """A message for a channel: `data` is what a webhook gets, `title` and `body` what a service shows."""

    address: str = field(repr=False)
    title: str
    body: str


class ChannelTransport:
    """All channels: each post names its own."""

    name = "channels"

    def __init__(self, ask: Ask, post_to_webhook: PostToWebhook) -> None:
        self.ask = ask
        self.post_to_webhook = post_to_webhook

    def session(self) -> Session:
        return ChannelSession(self)


class ChannelSession:
    """Each post is a connection of its own."""

    def __init__(self, transport: ChannelTransport) -> None:
        self._transport = transport

    def send(self, message: Message, before_data: Callable[[], None] | None = None) -> str:
        assert isinstance(message, Post)
        service = "" if is_webhook(message.address) else str(_service(message.address).service_name)
        if before_data is not None:
            before_data()
        if not service:
            return self._transport.post_to_webhook(message)
        return _post(service, message, _Attempt(self._transport.ask))

    def close(self) -> None:
        """Nothing is open."""


def fits_into(address: str) -> Fits:
    """Whether a service takes a text whole, as it will be written for it: markup makes it longer, and some count the
    title in. Raises DeliveryError."""
    service = _service(address)
    written: list[tuple[str, str]] = []

    def send(body: str = "", title: str = "", **_: Any) -> bool:
        written.append((title or "", body or ""))
        return True

    service.send = send
    service.overflow_mode = _apprise().OverflowMode.UPSTREAM
    bytes_taken = _FEWER.get(scheme_of(address))

    def fits(title: str, body: str) -> bool:
        written.clear()
        _notify(service, title, body)
        if not written:
            return False
        shown, text = written[-1]
        if bytes_taken is not None:
            return len(shown.encode()) + len(text.encode()) <= bytes_taken
        shared = len(shown) if service.overflow_amalgamate_title else 0
        return shared + len(text) <= int(service.body_maxlen)

    return fits


def fault_of(address: str) -> str:
    """Why nothing can be posted to an address, in words without its secrets; "" if it can be tried."""
    if is_webhook(address):
        return ""
    try:
        _service(address)
    except DeliveryError as error:
        return str(error)
    return ""


class _Attempt:
    """The requests of one post, as Apprise makes them."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._end = time.monotonic() + LONGEST_POST
        self.is_over = False  # nobody waits for it any more: nothing of it may leave
        self.is_uncertain = False  # something was sent, and no whole answer came
        self.answer: HttpAnswer | None = None  # the last refusal; before there is one, the first answer
        self.no_answer = ""  # why none came to the last request
        self.accepted: bool | None = None  # None: Apprise has not come back

    def carry(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> HttpAnswer:
        """Raises SourceError where no answer comes."""
        left = self._end - time.monotonic()
        if self.is_over or left <= 0 or (self.answer is not None and self.answer.status == 429):
            raise SourceError("no more is asked")
        if self.accepted is not None:  # the plugin logs out, which says nothing of the post
            return self._ask(method, url, headers, content, seconds=left)
        try:
            answer = self._ask(method, url, headers, content, seconds=left)
        except SourceError as error:
            self.no_answer = in_their_table(str(error))
            self.is_uncertain |= error.may_have_arrived and method not in ("GET", "HEAD")
            raise
        self.is_uncertain |= answer.status < 300 and not answer.is_whole
        if self.answer is None or answer.status >= 300:
            self.answer = answer
        return answer


# Of the post at hand. A variable of the context, since Apprise goes on in threads of its own.
_ATTEMPT: ContextVar[_Attempt | None] = ContextVar("attempt", default=None)


def _service(address: str) -> Any:
    """Apprise's object for an address. Raises DeliveryError in words without its secrets."""
    apprise = _apprise()
    name = channel_name(address)
    asset = apprise.AppriseAsset(
        app_id="Paperlark",
        app_desc="Paperlark",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        secure_logging=True,
        async_mode=False,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )
    service = apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
    if service is None:
        raise DeliveryError(
            f"{name}: Apprise does not know such an address: its page on {scheme_of(address)} says how to write it",
            "retry",
            code=CODE,
        )
    # What would make more of one post than one request that is made once: the ledger knows nothing of these.
    service.retry = 0
    service.redirects = False
    service.overflow_mode = apprise.OverflowMode.TRUNCATE
    service.throttle = _go_on
    if fault := _misfit(apprise, service):
        raise DeliveryError(f"{name}: {fault}", "retry", code=CODE)
    return service


def _misfit(apprise: Any, service: Any) -> str:
    """Why a service cannot be told once, by HTTP, with nothing but the post; "" for no reason."""
    plugins = [kind.__module__ for kind in type(service).__mro__ if kind.__module__.startswith("apprise.plugins.")]
    packages = {".".join(name.split(".")[:3]) for name in plugins} - {"apprise.plugins.base"}
    modules = [module for name, module in list(sys.modules.items()) if ".".join(name.split(".")[:3]) in packages]
    by_requests = any(hasattr(module, "requests") for module in modules)
    if not by_requests or any(hasattr(module, way) for module in modules for way in _OTHER_WAYS):
        return f"{service.service_name} is not reached by HTTP"
    if len(service) > 1:
        return f"the address names {len(service)} places: write one address for each, so that each is told once"
    if getattr(service, "template", None):
        return "a template of Apprise's is a file that would be posted: use templates/channel.txt"
    return ""


def _go_on(*_: Any, **__: Any) -> None:
    """Instead of Apprise's pauses between requests: how fast to post is decided where it outlives the process."""


def _notify(service: Any, title: str, body: str) -> bool:
    apprise = _apprise()
    everything = apprise.Apprise()
    everything.add(service)
    return bool(everything.notify(title=title[:MOST_TITLE], body=body, body_format=apprise.NotifyFormat.TEXT))


def _post(service_name: str, message: Post, attempt: _Attempt) -> str:
    """One post, in a thread of its own: whatever a plugin waits for must not hold a sending thread for ever."""

    def run() -> None:
        _ATTEMPT.set(attempt)
        service = _service(message.address)  # made and ended here: some plugins log out at their end
        attempt.accepted = _notify(service, message.title, message.body)

    thread = threading.Thread(target=run, name="channel", daemon=True)
    thread.start()
    thread.join(LONGEST_POST)
    attempt.is_over = True
    if attempt.accepted:
        return f"{service_name} has it"
    raise _failure(service_name, attempt, channel_name(message.address))


def _failure(service_name: str, attempt: _Attempt, name: str) -> DeliveryError:
    """What became of a post that was not accepted."""
    was_refused = attempt.answer is not None and attempt.answer.status >= 300
    if attempt.is_uncertain or (attempt.accepted is None and not was_refused):
        why = attempt.no_answer or f"no whole answer within {LONGEST_POST:.0f} s"
        return DeliveryError(f"{name}: {service_name}: {why}", "unknown", code=CODE)
    if attempt.answer is not None and (was_refused or not attempt.no_answer):
        return refusal(name, attempt.answer)
    return DeliveryError(f"{name}: {attempt.no_answer or 'Apprise would not post this'}", "retry", code=CODE)


def refusal(name: str, answer: HttpAnswer) -> DeliveryError:
    """An answer that is not an acceptance."""
    words = f"{name}: answered {answer.status}{_advice(answer.status)}"
    return DeliveryError(words, "retry", code=f"http {answer.status}", retry_at=answer.retry_at)


def in_their_table(words: str) -> str:
    """What the rules of fetching say, for channels."""
    return words.replace("set private = true", "set private = true in [channels]")


def _advice(status: int) -> str:
    if status == 429:
        return ": too many posts, slow down"
    if status in (401, 403, 404, 410):
        return ": does the channel still exist, and is the address in `to` the right one?"
    if 300 <= status < 400:
        return ": it redirects, which is not followed: write the address that it leads to"
    return ", but did not accept the post" if status < 300 else ""


@cache
def _apprise() -> Any:
    """Apprise, imported when first needed: 20 MB that most installations never want. From then on nobody hears its
    log, which would tell addresses, and its requests are carried by us."""
    try:
        import apprise
        from requests import adapters
    except ModuleNotFoundError as error:
        raise DeliveryError(NEEDS, "retry", code=CODE) from error
    log = logging.getLogger("apprise")
    log.propagate = False
    log.handlers = [logging.NullHandler()]
    adapters.HTTPAdapter.send = _carried  # type: ignore[method-assign, assignment]
    return apprise


def _carried(_adapter: Any, request: Any, *_: Any, **__: Any) -> Any:
    """In the place of requests' way to the network. There is no other: what no post asks for is refused."""
    import requests

    attempt = _ATTEMPT.get()
    body = request.body or b""
    if not isinstance(body, (str, bytes)):
        body = body.read() if hasattr(body, "read") else b"".join(body)
    content = body.encode() if isinstance(body, str) else body
    try:
        if attempt is None:
            raise SourceError("asked outside of a post")
        answer = attempt.carry(request.method, request.url, request.headers, content)
    except SourceError as error:
        raise requests.ConnectionError(str(error), request=request) from error
    response = requests.Response()
    response.status_code = answer.status
    response.headers.update(answer.headers)
    response.encoding = requests.utils.get_encoding_from_headers(response.headers)
    response.url, response.request = request.url, request
    response._content, response._content_consumed = answer.content, True
    response.raw = io.BytesIO(answer.content)
    return response
