"""DKIM signatures (RFC 6376): rsa-sha256, relaxed/relaxed. For a relay that does not sign; most providers do.

Our own because of its speed: dkimpy signs the same fields correctly when they are named to it (its defaults leave out
List-Unsubscribe-Post, which RFC 8058 forbids), but does the arithmetic in Python and takes 26 times as long.
`cryptography` does it here; the tests have dkimpy verify what we sign.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from bot.errors import UserError

SIGNED = (
    *("from", "to", "subject", "date", "reply-to", "message-id", "mime-version", "content-type", "list-id"),
    *("list-unsubscribe", "list-unsubscribe-post", "list-help", "feedback-id", "auto-submitted"),
)
# Named once more than they occur: a second one added on the way breaks the signature (RFC 6376 8.15).
OVERSIGNED = ("from", "to", "subject", "date", "reply-to", "list-unsubscribe", "list-unsubscribe-post")
SHORTEST_KEY = 2048  # bits
BLANKS = re.compile(rb"[ \t]+")


class DkimSigner:
    """Signs for one domain with one key. The same message and moment give the same signature."""

    def __init__(self, domain: str, selector: str, private_key: bytes) -> None:
        """`private_key` is PEM. Raises UserError for a key or name that cannot be used."""
        if not re.fullmatch(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", domain):
            raise UserError(f"DKIM: {domain!r} is no domain; give the one after the @ of `from`")
        if not re.fullmatch(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*", selector):
            raise UserError(f"DKIM: {selector!r} is no selector; use letters, digits and hyphens, such as 'paperlark'")
        self.domain = domain.lower()
        self.selector = selector.lower()
        self._sign, self._public = _load(private_key)

    @classmethod
    def from_file(cls, domain: str, selector: str, path: Path) -> "DkimSigner":
        try:
            return cls(domain, selector, path.read_bytes())
        except OSError as error:
            raise UserError(f"DKIM: cannot read the key {path}: {error.strerror or error}") from None

    @property
    def record_name(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """The TXT record that belongs at `record_name`."""
        return f"v=DKIM1; k=rsa; p={base64.b64encode(self._public).decode()}"

    def sign(self, fields: list[bytes], body: bytes, at: datetime, *, is_relaxed: bool = False) -> bytes:
        """The DKIM-Signature field for a message of these fields (each whole, CRLF included) and body.

        `is_relaxed`: the body is its own relaxed form, as our writer guarantees; else it is brought into it here.
        """
        digest = hashlib.sha256(body if is_relaxed else relaxed_body(body)).digest()
        found: dict[str, list[bytes]] = {}
        for field in fields:
            name = field.partition(b":")[0].strip().lower().decode("ascii", "replace")
            found.setdefault(name, []).append(relaxed_field(field))
        names: list[str] = []
        pieces: list[bytes] = []
        for name in SIGNED:
            here = found.get(name, [])
            times = max(len(here), 1) + (name in OVERSIGNED)
            names += [name] * times
            pieces += reversed(here)  # several of one name are counted from the bottom
        tags = (
            f"v=1; a=rsa-sha256; c=relaxed/relaxed; d={self.domain}; s={self.selector};",
            f"t={int(at.timestamp())}; bh={base64.b64encode(digest).decode()};",
            *_wrapped("h=" + ":".join(names) + ";", ":"),
            "b=",
        )
        unsigned = "DKIM-Signature: " + "\r\n ".join(tags)
        signature = self._sign(b"".join(pieces) + relaxed_field(unsigned.encode()).rstrip(b"\r\n"))
        value = base64.b64encode(signature).decode()
        lines = [value[start : start + 72] for start in range(0, len(value), 72)]
        return (unsigned + "\r\n ".join(lines) + "\r\n").encode()


def relaxed_field(field: bytes) -> bytes:
    """RFC 6376 3.4.2: lower-case name, unfolded, runs of blanks as one."""
    name, _, value = field.partition(b":")
    value = BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return name.rstrip(b" \t").lower() + b":" + value + b"\r\n"


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376 3.4.4: no blanks at the end of a line, runs of them as one, no empty lines at the end."""
    lines = [BLANKS.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    text = b"\r\n".join(lines).rstrip(b"\r\n")
    return text + b"\r\n" if text else b""


def _wrapped(text: str, at: str) -> list[str]:
    """Pieces of at most some 70 characters, cut behind `at`."""
    pieces = [""]
    for part in re.findall(f"[^{at}]*(?:{at}|$)", text):
        if pieces[-1] and len(pieces[-1]) + len(part) > 70:
            pieces.append("")
        pieces[-1] += part
    return pieces


def _load(pem: bytes) -> tuple[Callable[[bytes], bytes], bytes]:
    """The signing function of a PEM key, and its public half (DER)."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import padding, rsa
    except ImportError:
        raise UserError("DKIM signing needs one more package: pip install 'paperlark[dkim]'") from None
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UserError(
            "DKIM: the private key is no unencrypted PEM key; make one with `openssl genrsa -out dkim.pem 2048`"
        ) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise UserError("DKIM: the key is not RSA, and the large providers verify no other; see docs/delivery.md")
    if key.key_size < SHORTEST_KEY:
        raise UserError(f"DKIM: the key has {key.key_size} bits; providers want {SHORTEST_KEY} or more")
    scheme, algorithm = padding.PKCS1v15(), hashes.SHA256()
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return lambda data: key.sign(data, scheme, algorithm), public
