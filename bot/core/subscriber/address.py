"""The address of a subscriber, checked and in the one spelling under which we know them. Pure: no look-up is made."""

import re

from bot.core.text.translatable import Translatable

LONGEST = 254
# The plain addresses nearly everyone has; whatever else may be an address is the library's to judge (and slower).
_PLAIN = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.IGNORECASE
)
# Nothing travels the internet to these, but it does inside a house; the library refuses them outright.
_AT_HOME = re.compile(r"(?:^|[@.])(?:localhost|local|test|invalid)$", re.IGNORECASE)
_ABROAD = ".example"
# What the library says most often, up to the characters it names; anything else it says is English everywhere.
_USUAL_REASONS: dict[str, str] = {
    reason: reason
    for reason in (
        Translatable("An email address must have an @-sign"),
        Translatable('The email address has the "full-width" at-sign (@) character instead of a regular at-sign'),
        Translatable("There must be something before the @-sign"),
        Translatable("There must be something after the @-sign"),
        Translatable("The part after the @-sign is not valid. It should have a period"),
        Translatable("An email address cannot have a period immediately before the @-sign"),
        Translatable("An email address cannot have two periods in a row"),
        Translatable("The email address contains invalid characters before the @-sign"),
        Translatable("The part after the @-sign contains invalid characters"),
    )
}


def normal_address(text: str) -> str:
    """An address in lower case, an international domain in ASCII.

    Lower case throughout: no provider tells Ada@ from ada@, and whoever unsubscribed as one must not come back as the
    other. Raises ValueError with one line.
    """
    bare = text.strip()
    if is_plain(bare):
        return bare.lower()
    from email_validator import EmailNotValidError, validate_email  # patterns that take long to make

    suffix = _ABROAD if _AT_HOME.search(bare) else ""
    shown = repr(bare if len(bare) <= 80 else bare[:80] + "…")
    if not bare:
        raise ValueError(Translatable("is empty: give an address such as ada@example.org"))
    if "<" in bare or len(bare) > LONGEST:
        raise ValueError(
            Translatable(
                "{address} is not a bare mail address: write ada@example.org, and the name under `name`", address=shown
            )
        )
    try:
        parsed = validate_email(bare + suffix, check_deliverability=False)
    except EmailNotValidError as error:
        reason, colon, characters = str(error).rstrip(".").partition(": ")
        raise ValueError(
            Translatable(
                "{address} is not a mail address: {reason}{characters}",
                address=shown,
                reason=_USUAL_REASONS.get(reason, reason),
                characters=colon + characters,
            )
        ) from None
    domain = (parsed.ascii_domain or parsed.domain).removesuffix(suffix)
    if len(parsed.local_part.encode()) > 64:
        raise ValueError(
            Translatable(
                "{address} is not a mail address: before the @ there are more than {most} characters (RFC 5321)",
                address=shown,
                most=64,
            )
        )
    return f"{parsed.local_part}@{domain}".lower()


def one_spelling(text: str) -> str:
    """The address in its one spelling; what is no address without blanks around it and in small letters."""
    try:
        return normal_address(text)
    except ValueError:
        return text.strip().casefold()


def is_plain(address: str) -> bool:
    """Whether it is one of the plain addresses that need no closer look."""
    local, _, domain = address.rpartition("@")
    return len(address) <= LONGEST and len(local) <= 64 and "--" not in domain and _PLAIN.fullmatch(address) is not None


def domain_of(email: str) -> str:
    return email.rpartition("@")[2].lower()
