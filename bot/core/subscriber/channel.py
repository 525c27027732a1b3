"""Where a subscriber's letters go beside or instead of mail: addresses of services. They hold secrets, so everything
but the sender calls a channel by its name. Pure."""

import re
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from bot.core.subscriber.validation import Problem, as_error

MOST_CHANNELS = 10
LONGEST = 2000  # characters of an address
MAIL = "mailto:"
WEBHOOK = ("webhook+https", "webhook+http")  # our own; all others are Apprise's
# Apprise would send mail of its own from these, past our relay, its rates and its promise.
MAIL_SCHEMES = frozenset(("mailto", "mailtos"))
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]{0,30})://[^\s/]\S*", re.IGNORECASE)


@lru_cache(maxsize=4096)
def channel_name(address: str) -> str:
    """What a channel is called everywhere: its service and a mark that tells two of a service apart."""
    return f"{scheme_of(address)}:{sha256(address.encode()).hexdigest()[:8]}"


def scheme_of(address: str) -> str:
    return address.partition(":")[0].lower()


def is_webhook(address: str) -> bool:
    return scheme_of(address) in WEBHOOK


def channel_list(value: Any) -> tuple[str, ...]:
    """`to` as it is written in a table. Raises ValueError, which never quotes an address."""
    if isinstance(value, tuple):
        return value
    if not isinstance(value, list):
        raise ValueError('expected a list such as to = ["mailto:", "slack://…"]')
    if len(value) > MOST_CHANNELS:
        raise ValueError(f"{len(value)} channels; {MOST_CHANNELS} are the most one subscriber can have")
    problems = []
    for number, address in enumerate(value):
        if (wrong := _fault(address)) or address in value[:number]:
            problems.append(Problem((number,), wrong or "the same channel stands here twice"))
    if problems:
        raise as_error(problems)
    return tuple(value)


def _fault(address: Any) -> str:
    """What is wrong with one; "" for nothing."""
    if not isinstance(address, str):
        return "expected text in quotes"
    if scheme_of(address) in MAIL_SCHEMES:
        if "//" in address:
            return f'mail goes by the relay of [mail]: write "{MAIL}"'
        return ""
    if len(address) > LONGEST or not address.isprintable() or not (found := _ADDRESS.fullmatch(address)):
        return 'is no address of a channel: write "slack://…", "discord://…", "tgram://…", "ntfy://…" or "mailto:"'
    if found[1].lower() in ("http", "https"):
        return f'write "webhook+{found[1].lower()}://…" for a webhook of your own, or a service such as "slack://…"'
    if is_webhook(address) and not address.partition("#")[2]:
        return "a webhook needs a secret to sign with, behind a #: webhook+https://example.org/papers#SECRET"
    if is_webhook(address) and not _has_host(address):
        return "the host of this webhook cannot be read: write it as in webhook+https://example.org/papers#SECRET"
    return ""


def _has_host(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
