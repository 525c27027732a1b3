"""Posting to services other than mail, by Apprise: its only house.

Apprise says of a post only that it failed, and why to its log. Its words are kept from the program's log, where they
would tell addresses, and tell us whether the service can have got the post.
"""

import logging
import re
import socket
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from bot.core.subscriber.channel import channel_name, is_webhook, scheme_of
from bot.errors import DeliveryError
from bot.mail.message.types import Message, Session

NEEDS = "posting to services needs Apprise: pip install 'paperlark[channels]'"
LONGEST_POST = 40.0  # seconds for one post, all requests of it together; then nobody knows whether it arrived
CODE = "channel"  # of every failure: it speaks of one channel, never of all
MOST_TITLE = 250
_STATUS = re.compile(r"error=(\d{3})")

AddressRefusal = Callable[[str], str]  # of an IP address: why it may not be connected to, "" if it may
PostToWebhook = Callable[["Post"], str]  # returns the words of the other side; raises DeliveryError


@dataclass(frozen=True, slots=True, kw_only=True)
class Post(Message):
    """A message for a channel: `data` is what a webhook gets, `title` and `body` what a service shows."""

    address: str = field(repr=False)
    title: str
    body: str


class ChannelTransport:
    """All channels: each post names its own."""

    name = "channels"

    def __init__(self, refusal: AddressRefusal, post_to_webhook: PostToWebhook) -> None:
        self.refusal = refusal
        self.post_to_webhook = post_to_webhook

    def session(self) -> Session:
        return ChannelSession(self)


class ChannelSession:
    """Each post is a connection of its own."""

    def __init__(self, transport: ChannelTransport) -> None:
        self._transport = transport

    def send(self, message: Message, before_data: Callable[[], None] | None = None) -> str:
        assert isinstance(message, Post)
        service = None if is_webhook(message.address) else _service(message.address)
        if before_data is not None:
            before_data()
        if service is None:
            return self._transport.post_to_webhook(message)
        return _post(service, message, _Attempt(self._transport.refusal))

    def close(self) -> None:
        """Nothing is open."""


def room_of(address: str) -> int:
    """Characters that a channel takes. Raises DeliveryError."""
    return 0 if is_webhook(address) else int(_service(address).body_maxlen)


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
    """What happened while one post was made."""

    def __init__(self, refusal: AddressRefusal) -> None:
        self.refusal = refusal
        self.words: list[str] = []  # of Apprise's log
        self.refused = ""  # an address that may not be connected to
        self.connected = False
        self.accepted: bool | None = None  # None: it has not come back

    @property
    def status(self) -> str:
        """The last HTTP status that came instead of an acceptance; "" for none."""
        found = _STATUS.findall(" ".join(self.words))
        return found[-1] if found else ""


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
    if not hasattr(sys.modules[type(service).__module__], "requests"):  # the guard sees connections for HTTP alone
        raise DeliveryError(f"{name}: {service.service_name} is not reached by HTTP", "retry", code=CODE)
    return service


def _post(service: Any, message: Post, attempt: _Attempt) -> str:
    """One post, in a thread of its own: a service that drips its answer must not hold a sending thread for ever."""
    apprise = _apprise()

    def run() -> None:
        _ATTEMPT.set(attempt)
        everything = apprise.Apprise()
        everything.add(service)
        attempt.accepted = bool(
            everything.notify(
                title=message.title[:MOST_TITLE], body=message.body, body_format=apprise.NotifyFormat.TEXT
            )
        )

    thread = threading.Thread(target=run, name="channel", daemon=True)
    thread.start()
    thread.join(LONGEST_POST)
    name = channel_name(message.address)
    if attempt.accepted:
        return f"{service.service_name} has it"
    if attempt.refused:
        raise DeliveryError(f"{name}: {in_their_table(attempt.refused)}", "retry", code=CODE)
    if attempt.status:
        raise DeliveryError(f"{name}: {_advice(attempt.status)}", "retry", code=CODE)
    if not attempt.connected:
        raise DeliveryError(f"{name}: no connection to {service.service_name}", "retry", code=CODE)
    how = "no answer" if attempt.accepted is False else f"no whole answer within {LONGEST_POST:.0f} s"
    raise DeliveryError(f"{name}: {how} of {service.service_name}", "unknown", code=CODE)


def in_their_table(words: str) -> str:
    """What the rules of fetching say, for channels."""
    return words.replace("set private = true", "set private = true in [channels]")


def _advice(status: str) -> str:
    if status == "429":
        return "answered 429: too many posts, slow down"
    if status in ("401", "403", "404", "410"):
        return f"answered {status}: does the channel still exist, and is the address in `to` the right one?"
    return f"answered {status}"


@cache
def _apprise() -> Any:
    """Apprise, imported when first needed: 20 MB that most installations never want. From then on its log is heard by
    us alone, and connections for posts are looked at."""
    try:
        import apprise
        from urllib3.util import connection
    except ModuleNotFoundError as error:
        raise DeliveryError(NEEDS, "retry", code=CODE) from error
    log = logging.getLogger("apprise")
    log.propagate = False
    log.setLevel(logging.WARNING)
    log.handlers = [_Listener()]
    connection.create_connection = _guarded(connection.create_connection)
    return apprise


class _Listener(logging.Handler):
    """Hears Apprise's log: the words about each post for its own attempt."""

    def emit(self, record: logging.LogRecord) -> None:
        attempt = _ATTEMPT.get()
        if attempt is not None:
            attempt.words.append(record.getMessage())


def _guarded(connect: Callable[..., socket.socket]) -> Callable[..., socket.socket]:
    """urllib3's way to connect, with each address looked at after its name is resolved, for redirects as well. Apprise
    offers no place for such a rule."""

    def guarded(address: tuple[str, int], *args: Any, **options: Any) -> socket.socket:
        attempt = _ATTEMPT.get()
        if attempt is None:
            return connect(address, *args, **options)
        host, port = address
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        addresses = dict.fromkeys(str(one[4][0]) for one in found)
        allowed = [one for one in addresses if not attempt.refusal(one)]
        if not allowed:
            attempt.refused = next(map(attempt.refusal, addresses), f"{host} has no address")
            raise OSError(attempt.refused)
        for number, one in enumerate(allowed, start=1):
            try:
                made = connect((one, port), *args, **options)
            except OSError:
                if number == len(allowed):
                    raise
            else:
                attempt.connected = True
                return made
        raise AssertionError("unreachable")

    return guarded
