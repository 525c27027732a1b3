"""[mail]: who writes, and how messages leave and come back."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    PlainValidator,
    ValidationInfo,
    model_validator,
)

from bot.config.fields import absolute, existing, optional, surroundings
from bot.core.subscriber.validation import (
    Expected,
    Line,
    Long,
    Problem,
    TableModel,
    as_in_file,
    as_tuple,
    read_beside,
)
from bot.errors import UserError
from bot.mail.message.types import OnCrash

# What checks an address or a key is imported when one is given: what sends no mail need not read all about mail.

MOST_RATE = 1_000_000
NOBODY = "Paperlark <paperlark@localhost>"  # writes where no `from` is given: into files only


def _mailbox(text: str) -> str:
    from bot.mail.message.mailbox import mailbox

    mailbox(text)
    return text


def _template(text: str) -> str:
    if "{token}" not in text:
        raise ValueError(f'{text[:80]!r} must hold {{token}} before the @, as in "b+{{token}}@example.org"')
    from bot.mail import tokens

    tokens.token_address(text, "a" * tokens.LENGTH)
    _mailbox(text.replace("{token}", "token"))
    return text


def _transport(url: str, info: ValidationInfo) -> str:
    from bot.mail.transport.from_url import transport

    transport(url)
    return absolute(url, surroundings(info).folder)


def _rate(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"expected messages a minute, got {as_in_file(value)}")
    if not 0 <= value <= MOST_RATE:
        raise ValueError(f"{as_in_file(value)} is out of range: give messages a minute, or 0 for no limit")
    return float(value)


def _inbox(url: str, info: ValidationInfo) -> str:
    try:
        parts = urlsplit(url)
        fine = (parts.scheme in ("imap", "imaps") and parts.hostname and parts.username and parts.port != 0) or (
            parts.scheme == "maildir" and parts.path
        )
    except ValueError:
        fine = False
    if url and not fine:
        raise ValueError("is neither imaps://USER:PASSWORD@HOST/FOLDER nor maildir:DIR")
    return absolute(url, surroundings(info).folder)


Rate = Annotated[float, PlainValidator(_rate)]
Way = Annotated[Long, AfterValidator(_transport)]


class DkimConfig(TableModel):
    """[mail.dkim]: signing ourselves, where the relay does not."""

    domain: Line = ""  # not given: that of `from`
    selector: Line = Field(description='the name before ._domainkey in the DNS, such as "paperlark"')
    key: Annotated[Line, existing(Path.is_file, "file")] = Field(description="the file of the private key")

    @model_validator(mode="after")
    def _can_sign(self) -> Self:
        from bot.mail.message.dkim import DkimSigner

        try:
            DkimSigner.from_file(self.domain, self.selector, Path(self.key))
        except UserError as error:
            raise ValueError(error.summary) from None
        return self


class MailConfig(TableModel):
    """[mail] as a whole."""

    hints: ClassVar = {}

    sender: Annotated[Line, optional(_mailbox)] = Field(NOBODY, alias="from")
    url: Way = Field("outbox:outbox", repr=False, validate_default=True)
    # Relays for when the first is out of order, in the order of preference.
    fallback: Annotated[tuple[Way, ...], BeforeValidator(as_tuple)] = Field((), repr=False)
    rate: Rate = 0  # messages a minute to a relay; 0: as fast as it takes them
    domain_rate: Rate = 0  # messages a minute to one recipient domain; 0: no limit
    # Messages on a relay's first day, half as many again each further day; 0: no limit.
    warm_up: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    connections: Annotated[int, Field(ge=1, le=100)] = 4
    on_crash: OnCrash = "resend"
    reply_to: Annotated[Line, optional(_mailbox)] = ""
    bounces: Annotated[Line, optional(_template)] = ""  # "b+{token}@example.org": the envelope sender
    unsubscribe: Annotated[Line, optional(_template)] = ""  # "unsub+{token}@example.org"
    # imaps://… or maildir:…, where the two above arrive.
    inbox: Annotated[Long, AfterValidator(_inbox)] = Field("", repr=False)
    dkim: Annotated[DkimConfig | None, Expected("a table headed [mail.dkim]")] = None

    @model_validator(mode="wrap")
    @classmethod
    def _by_somebody(cls, values: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        """Who sends by a relay must say who they are; said beside whatever else is wrong."""
        problems = []
        if isinstance(values, dict):
            url, sender = str(values.get("url", "")), values.get("from", "")
            if url.startswith("smtp") and isinstance(sender, str) and not sender.strip():
                path = ("from",) if "from" in values else ()
                problems = [Problem(path, "from is missing: who the letters come from")]
            if surroundings(info).environ.get("DYNO") and not url.startswith("smtp"):
                surroundings(info).warnings.append(
                    "mail goes into files, which Heroku wipes: set MAIL_URL to a relay (docs/deploy.md)"
                )
            dkim = values.get("dkim")
            if isinstance(dkim, dict) and not dkim.get("domain"):
                values = values | {"dkim": dkim | {"domain": _domain(sender)}}
        return read_beside(problems, handler, values)


def _domain(sender: Any) -> str:
    from bot.mail.message.mailbox import mailbox

    try:
        return mailbox(sender or NOBODY).domain
    except (ValueError, TypeError, AttributeError):  # it is said of `from` itself
        return mailbox(NOBODY).domain
