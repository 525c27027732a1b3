"""What an SMTP client says about one message: sender, recipient, and the content as it goes over the wire.
Pure; when it is said belongs to `smtp`."""

import re
from collections.abc import Mapping

from bot.errors import DeliveryError
from bot.mail.message.types import Message, Ready

FORBIDDEN_IN_PATH = re.compile(r"[\x00-\x20\x7f<>\u0080-\u00a0\u2028\u2029]")
LONE_BREAK = re.compile(rb"\r(?!\n)|(?<!\r)\n")


def check_paths(message: Message) -> None:
    """Raises DeliveryError for an address that would be a command, or none."""
    if FORBIDDEN_IN_PATH.search(message.sender):
        raise DeliveryError(f"{message.sender[:80]!r} cannot be an envelope sender", "ours", code="5.1.7")
    if FORBIDDEN_IN_PATH.search(message.recipient) or not message.recipient:
        raise DeliveryError(f"{message.recipient[:80]!r} cannot be sent to", "refused", code="5.1.3")


def commands(message: Message, features: Mapping[str, str], relay: str) -> tuple[str, str]:
    """MAIL and RCPT, with what the relay understands. Raises DeliveryError where it cannot take the message at all."""
    mail, rcpt = f"MAIL FROM:<{message.sender}>", f"RCPT TO:<{message.recipient}>"
    if "SIZE" in features:
        limit, size = features["SIZE"], len(message.data)
        if limit.isdecimal() and 0 < int(limit) < size:
            raise DeliveryError(f"{size} bytes are more than the {limit} that {relay} takes", "too big", code="5.3.4")
        mail += f" SIZE={size}"
    if not (message.sender.isascii() and message.recipient.isascii()):
        if "SMTPUTF8" not in features:
            raise DeliveryError(f"{relay} does not take addresses with letters beyond ASCII", "refused", code="5.6.7")
        mail += " BODY=8BITMIME SMTPUTF8"
    if "DSN" in features:
        mail += f" RET=HDRS ENVID={_envelope_id(message.message_id)}"
    return mail, rcpt


def content(data: bytes) -> bytes:
    """The content as it goes over the wire (RFC 5321 4.5.2), final dot included. A lone CR or LF, by which a message
    could smuggle in another behind some relays, becomes a whole line end."""
    if isinstance(data, Ready):
        return data + b".\r\n"
    breaks = data.count(b"\r\n")
    if data.count(b"\n") != breaks or data.count(b"\r") != breaks:
        data = LONE_BREAK.sub(b"\r\n", data)
    if data.startswith(b".") or b"\r\n." in data:
        data = (b"." if data.startswith(b".") else b"") + data.replace(b"\r\n.", b"\r\n..")
    return data + (b".\r\n" if data.endswith(b"\r\n") else b"\r\n.\r\n")


def _envelope_id(message_id: str) -> str:
    """The Message-ID's local part as xtext (RFC 3461 4), so that a delivery report names the message."""
    local = message_id.strip("<>").rpartition("@")[0] or "0"
    return re.sub(r"[^!-*,-<>-~]", lambda found: "".join(f"+{byte:02X}" for byte in found[0].encode()), local)[:90]
