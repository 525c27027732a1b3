"""Short proofs that we ourselves wrote an address, a link or a Message-ID: HMAC-SHA256 under the installation's secret.
What is done with a proven token (a bounce, a goodbye) belongs to the pipeline."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal, get_args

Purpose = Literal[
    "bounce", "unsubscribe digest", "unsubscribe alert", "unsubscribe all",
    "more", "less", "save",  # thumbs for a paper
    "letter",  # what a letter may open of the preferences: pause, fewer mails
    "edition", "feed", "confirm", "manage", "export", "delete", "address", "admin",
]  # fmt: skip
Use = Literal["form", "invite"]  # of a signed moment
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)  # the place is part of every token: add only at the end
NUMBERS = {purpose: number for number, purpose in enumerate(PURPOSES)}

# How long a link that can be renewed is good for; None: until it is renewed. Purposes not named here never end, so
# that leaving and thumbs work from the oldest letter.
LIFETIMES: dict[Purpose, timedelta | None] = {
    "letter": timedelta(days=30),
    "edition": None,
    "feed": None,
    "confirm": timedelta(hours=48),
    "manage": timedelta(days=30),
    "export": timedelta(minutes=30),
    "delete": timedelta(minutes=30),
    "address": timedelta(minutes=30),
    "admin": timedelta(days=30),
}

PERMANENT, RENEWABLE = 1, 2  # versions
TAG = 16  # bytes
DIGITS = "abcdefghijklmnopqrstuvwxyz234567"
PAIRS = [first + second for first in DIGITS for second in DIGITS]
LENGTH = 47  # characters of a permanent token: base32 of 1 + 6 + 6 + 16 bytes
RENEWABLE_LENGTH = 56  # base32 of 1 + 6 + 6 + 2 + 4 + 16 bytes
EPOCHS = 1 << 16
# Behind whatever a mail server takes for a delimiter, or in a path. Some servers lower-case an address, some do not.
WORD = re.compile(r"(?<![a-z0-9])(?:[a-z2-7]{47}|[a-z2-7]{56})(?![a-z0-9])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says."""

    purpose: Purpose
    subscriber_id: int
    item_id: int = 0  # the edition it came with, the paper it is about, the request it answers; 0: none
    epoch: int = 0  # of the subscriber's links when it was made; renewing them counts on
    expires: datetime | None = None


def seal(secret: str, purpose: Purpose, subscriber_id: int, item_id: int = 0) -> str:
    """A token of 47 characters of lower-case base32: fit for an address, whose local part holds 64, and for a URL.

    Payload (13 bytes): version and purpose, 4 bits each; subscriber; item, 6 bytes each. Never expires.
    """
    if purpose in LIFETIMES:
        raise ValueError(f"a token to {purpose} can be renewed: use seal_renewable")
    return _sealed(secret, _head(PERMANENT, purpose, subscriber_id, item_id))


def seal_renewable(
    secret: str, purpose: Purpose, subscriber_id: int, item_id: int = 0, *, epoch: int, now: datetime
) -> str:
    """A token of 56 characters that ends when the subscriber renews their links, or the purpose's time is over.

    Payload (19 bytes): as `seal`, then the epoch, 2 bytes, and the minute it expires (since 1970, UTC; 0: never), 4.
    """
    lifetime = LIFETIMES[purpose]
    minutes = int((now + lifetime).timestamp()) // 60 + 1 if lifetime else 0
    tail = (epoch % EPOCHS).to_bytes(2, "big") + minutes.to_bytes(4, "big")
    return _sealed(secret, _head(RENEWABLE, purpose, subscriber_id, item_id) + tail)


def unseal(secret: str, text: str) -> Token | None:
    """What a token of ours says; None for anything else, whatever it is. Whether it still holds: `is_live`."""
    if len(text) not in (LENGTH, RENEWABLE_LENGTH) or not text.isascii():
        return None
    try:
        raw = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except ValueError:
        return None
    payload, tag = raw[:-TAG], raw[-TAG:]
    if not hmac.compare_digest(tag, _tag(secret, b"token", payload)):
        return None
    version, purpose = payload[0] >> 4, payload[0] & 15
    if version != (PERMANENT if len(text) == LENGTH else RENEWABLE) or _base32(raw) != text.lower():
        return None
    epoch, minutes = int.from_bytes(payload[13:15], "big"), int.from_bytes(payload[15:19], "big")
    return Token(
        PURPOSES[purpose],
        int.from_bytes(payload[1:7], "big"),
        int.from_bytes(payload[7:13], "big"),
        epoch,
        datetime.fromtimestamp(minutes * 60, UTC) if minutes else None,
    )


def is_live(token: Token, epoch: int, now: datetime) -> bool:
    """Whether a token still opens anything for a subscriber whose links are of an epoch."""
    if token.purpose not in LIFETIMES:
        return True
    return token.epoch == epoch % EPOCHS and (token.expires is None or now < token.expires)


def keyed_hash(secret: str, use: str, text: str) -> str:
    """What is kept of a text that must be recognised but not known: 32 hexadecimal digits."""
    return _mac(secret, use.encode(), text.encode(), 16).hex()


def signed_moment(secret: str, moment: datetime, use: Use = "form", about: str = "") -> str:
    """A moment nobody else can write: when a form was given out, when an invitation ends. To the second. It holds only
    for the text it is `about`."""
    seconds = str(int(moment.timestamp()))
    return f"{seconds}.{_moment_tag(secret, use, seconds, about)}"


def moment_signed(secret: str, text: str, use: Use = "form", about: str = "") -> datetime | None:
    """The moment of `signed_moment`; None for anything else."""
    seconds, _, tag = text.partition(".")
    if not re.fullmatch("[0-9]{1,12}", seconds) or not tag.isascii():
        return None
    if not hmac.compare_digest(tag, _moment_tag(secret, use, seconds, about)):
        return None
    return datetime.fromtimestamp(int(seconds), UTC)


def _moment_tag(secret: str, use: Use, seconds: str, about: str) -> str:
    return _mac(secret, use.encode(), f"{seconds} {about}".encode(), 10).hex()


def _head(version: int, purpose: Purpose, subscriber_id: int, item_id: int) -> bytes:
    head = version << 4 | NUMBERS[purpose]
    return bytes((head,)) + subscriber_id.to_bytes(6, "big") + item_id.to_bytes(6, "big")


def _sealed(secret: str, payload: bytes) -> str:
    return _base32(payload + _tag(secret, b"token", payload))


def token_address(template: str, token: str) -> str:
    """The address a token makes: `template` is "b+{token}@example.org". Raises ValueError for one that cannot be."""
    whole = template.replace("{token}", token)
    local, at, domain = whole.rpartition("@")
    if token not in local or not at or not domain:
        raise ValueError(f"{template!r} must be an address with {{token}} before the @")
    if len(local) > 64:
        raise ValueError(f"{template!r} gives a local part of {len(local)} characters; 64 is the limit (RFC 5321)")
    return whole


def found_in(secret: str, text: str) -> list[Token]:
    """Every token of ours in a text, in order."""
    opened = (unseal(secret, match[0]) for match in WORD.finditer(text))
    return [token for token in opened if token is not None]


def message_id(secret: str, kind: str, slot: str, subscriber_id: int, domain: str) -> str:
    """The one Message-ID an edition ever has: `<d.2026-11-20.32 hexadecimal digits@domain>`. A retry repeats it.

    The digits are a tag of edition and subscriber (10 bytes), and the subscriber's number (6 bytes) under a mask made
    of the tag: whoever has the secret finds the subscriber in it (`subscriber_in`), nobody else anything.
    """
    tag = _mac(secret, b"message", f"{kind}\0{slot}\0{subscriber_id}".encode(), 10)
    return f"<{kind[:1]}.{_plain(slot)}.{tag.hex()}{subscriber_id ^ _mask(secret, tag):012x}@{domain}>"


def subscriber_in(secret: str, message_id: str) -> int | None:
    """The subscriber a Message-ID of ours was made for; of anybody else's some number or None."""
    digits = re.search(r"\.([0-9a-f]{20})([0-9a-f]{12})@", message_id)
    return int(digits[2], 16) ^ _mask(secret, bytes.fromhex(digits[1])) if digits else None


def _mask(secret: str, tag: bytes) -> int:
    return int.from_bytes(_mac(secret, b"reader", tag, 6), "big")


def _mac(secret: str, use: bytes, payload: bytes, size: int) -> bytes:
    """A keyed BLAKE2b (RFC 7693): a third of HMAC's time, for every subscriber has a Message-ID a day."""
    mac = _keyed_blake(secret, use, size).copy()
    mac.update(payload)
    return mac.digest()


@lru_cache(maxsize=64)
def _keyed_blake(secret: str, use: bytes, size: int) -> "hashlib.blake2b":
    return hashlib.blake2b(digest_size=size, key=_key(secret), person=use)


@lru_cache(maxsize=16)
def _key(secret: str) -> bytes:
    if not secret:
        raise ValueError("tokens need a secret")
    return hashlib.sha256(secret.encode()).digest()


@lru_cache(maxsize=1024)
def _plain(slot: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", slot).strip("-")[:32] or "0"


def _tag(secret: str, use: bytes, payload: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104), cut. A letter has some eighty: going on from the key's two states takes a third of what
    `hmac.digest` does."""
    inner, outer = _keyed(secret)
    first, second = inner.copy(), outer.copy()
    first.update(use + b"\0" + payload)
    second.update(first.digest())
    return second.digest()[:TAG]


@lru_cache(maxsize=16)
def _keyed(secret: str) -> "tuple[hashlib._Hash, hashlib._Hash]":
    """SHA-256 after the key's inner and outer block."""
    if not secret:
        raise ValueError("tokens need a secret")
    key = secret.encode()
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    return hashlib.sha256(bytes(one ^ 0x36 for one in block)), hashlib.sha256(bytes(one ^ 0x5C for one in block))


def _base32(raw: bytes) -> str:
    """Lower case, unpadded; two digits at a time, for every letter has some eighty."""
    shifts, padding, length = _pairs_of(len(raw))
    number = int.from_bytes(raw, "big") << padding
    return "".join([PAIRS[number >> shift & 1023] for shift in shifts])[:length]


@lru_cache(maxsize=16)
def _pairs_of(size: int) -> tuple[tuple[int, ...], int, int]:
    """Where the pairs of digits of so many bytes stand, how many bits are added behind; how many digits there are."""
    bits = size * 8
    pairs = -(-bits // 10)
    return tuple(range(pairs * 10 - 10, -1, -10)), pairs * 10 - bits, -(-bits // 5)
