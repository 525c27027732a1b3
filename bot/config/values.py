"""What a configuration is once it has been read: frozen values, paths absolute, secrets out of every repr.

How it is written and checked is in `sections`; what is wrong with it never gets this far.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from bot.core.subscriber.subscriber import Subscriber

OnCrash = Literal["resend", "skip"]
LogStyle = Literal["text", "json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimConfig:
    """[mail.dkim]: signing ourselves, where the relay does not."""

    selector: str
    key: str  # file, PEM
    domain: str  # given, or that of `from`


@dataclass(frozen=True, slots=True, kw_only=True)
class MailConfig:
    """[mail]: who writes, and how messages leave and come back."""

    sender: str = "Paperlark <paperlark@localhost>"  # the key `from`
    url: str = field(default="outbox:outbox", repr=False)
    fallback: tuple[str, ...] = field(default=(), repr=False)  # relays for when the first is out of order
    rate: float = 0  # messages a minute to a relay; 0: as fast as it takes them
    domain_rate: float = 0  # messages a minute to one recipient domain; 0: no limit
    warm_up: int = 0  # messages on a relay's first day, half as many again each further day; 0: no limit
    connections: int = 4
    on_crash: OnCrash = "resend"
    reply_to: str = ""
    bounces: str = ""  # "b+{token}@example.org": the envelope sender
    unsubscribe: str = ""  # "unsub+{token}@example.org"
    inbox: str = field(default="", repr=False)  # imaps://… or maildir:…, where the two above arrive
    dkim: DkimConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """[[sources]]: the keys every source has; its own are in `settings`, of the class its module defines."""

    name: str
    type: str
    every: timedelta = timedelta(hours=1)
    private: bool = False
    settings: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole configuration."""

    folder: Path  # of the file: relative paths in it begin here
    database: str = field(default="sqlite:///paperlark.db", repr=False)  # as SQLAlchemy reads it
    public_url: str = ""
    operator: str = ""
    contact: str = ""
    log: LogStyle = "text"
    templates_dir: str = ""
    secret: str = field(default="", repr=False)  # "": the installation makes its own
    mail: MailConfig = field(default_factory=MailConfig)
    sources: tuple[SourceConfig, ...] = ()
    subscribers: tuple[Subscriber, ...] = ()
    warnings: tuple[str, ...] = ()  # what works, but hardly as meant
