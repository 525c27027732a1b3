"""One address of a person: checked at the edge, once, so that nothing behind has to doubt it.
How an address is written into a header belongs to `mime`."""

import re
from dataclasses import dataclass

from bot.core.subscriber.address import is_plain

LONGEST = 320  # characters of an address with its name
NAMED = re.compile(r'(?:"((?:[^"\\]|\\.)*)"|([^"<>@]*?))\s*<([^<>]*)>')
# What steers a line, a terminal or the direction of reading instead of being read.
CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
# No mail travels the internet to these, but it does inside a house or a test; email-validator refuses them outright.
AT_HOME = re.compile(r"(?:^|[@.])(?:localhost|local|test|invalid)$", re.IGNORECASE)
ABROAD = ".example"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A name (may be empty) and an address whose domain is ASCII. Only `mailbox` makes them from foreign text."""

    name: str
    email: str

    @property
    def domain(self) -> str:
        return self.email.rpartition("@")[2]


def mailbox(text: str) -> Mailbox:
    """Read "ada@example.org" or "Ada Lovelace <ada@example.org>"; an international domain becomes its ASCII form.

    Names of an intranet (papers.lan, localhost) are fine; addresses with quotes or an IP number are not. Raises
    ValueError with one line that says what is wrong.
    """
    shown = repr(text if len(text) <= 80 else text[:80] + "…")
    if len(text) > LONGEST:
        raise ValueError(f"{shown} is too long for a mail address")
    if control := CONTROL.search(text):
        raise ValueError(f"{shown} holds a control character (U+{ord(control[0]):04X})")
    named = NAMED.fullmatch(text.strip())
    quoted, plain, address = named.groups() if named else (None, "", text.strip())
    if not named and re.search(r"@[^@]*[,;\s][^@]*@", text):
        raise ValueError(f"{shown} is more than one mail address; give one")
    name = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
    if is_plain(address):
        local, _, domain = address.rpartition("@")
        return Mailbox(" ".join(name.split()), f"{local}@{domain.lower()}")
    from email_validator import EmailNotValidError, validate_email  # patterns that take long to make

    suffix = ABROAD if AT_HOME.search(address) else ""
    try:
        parsed = validate_email(address + suffix, check_deliverability=False, strict=True)
    except EmailNotValidError as error:
        raise ValueError(f"{shown} is not a mail address: {str(error).rstrip('.')}") from None
    domain = (parsed.ascii_domain or parsed.domain).removesuffix(suffix)
    return Mailbox(" ".join(name.split()), f"{parsed.local_part}@{domain}")
