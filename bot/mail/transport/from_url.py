"""From the URL in the configuration to the way messages go. The ways themselves are `smtp` and `folders`."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from bot.mail.message.types import Message, Session, Transport
from bot.mail.transport.connection import Timeouts, is_loopback
from bot.mail.transport.folders import MaildirTransport, OutboxTransport
from bot.mail.transport.login import Login, Method
from bot.mail.transport.smtp import Relay, SmtpTransport

__all__ = ["Message", "Session", "Transport", "relay_of", "transport"]

FORMS = "outbox:DIR, maildir:DIR, smtp://USER:PASS@HOST:587 or smtps://USER:PASS@HOST:465"
OPTIONS = ("tls", "auth", "token_command", "ca", "helo", "per_connection")
METHODS: dict[str, Method] = {"": "", "plain": "plain", "login": "login", "xoauth2": "xoauth2"}


def transport(url: str, *, timeouts: Timeouts | None = None, helo: str = "") -> Transport:
    """The way an URL names. Nothing is opened yet. Raises ValueError with one line, without the password.

    outbox:DIR               files to look at; ?parts=no writes the .eml alone
    maildir:DIR              one Maildir for all
    smtp://USER:PASS@HOST    port 587; STARTTLS is insisted on, but not to loopback (?tls=on does) and not with ?tls=off
    smtps://USER:PASS@HOST   port 465, encrypted from the first byte
      ?auth=plain|login|xoauth2  &token_command=…  &ca=FILE  &helo=NAME  &per_connection=N
    """
    scheme, colon, rest = url.partition(":")
    if colon and scheme in ("outbox", "maildir"):
        folder, _, query = rest.partition("?")
        options = dict(parse_qsl(query, keep_blank_values=True))
        if not folder or folder.startswith("//") or "\0" in folder:
            raise ValueError(f"{scheme}: wants a folder: {scheme}:DIR")
        if scheme == "maildir" and not options:
            return MaildirTransport(Path(folder))
        if scheme == "outbox" and options.keys() <= {"parts"} and options.get("parts", "yes") in ("yes", "no"):
            return OutboxTransport(Path(folder), parts=options.get("parts") != "no")
        raise ValueError(f"{scheme}: knows no option {query!r}" + ("; ?parts=no is one" if scheme == "outbox" else ""))
    relay = relay_of(url, helo=helo)
    try:
        return SmtpTransport(replace(relay, timeouts=timeouts) if timeouts else relay)
    except OSError as error:  # ssl.SSLError is one
        raise ValueError(f"the certificates in {relay.ca} cannot be read: {error.strerror or error}") from None


def relay_of(url: str, *, helo: str = "") -> Relay:
    """The relay an smtp(s) URL names. Raises ValueError with one line, without the password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(
            f"the mail URL cannot be read; percent-encode what is special in user and password; {FORMS}"
        ) from None
    if parts.scheme not in ("smtp", "smtps"):
        raise ValueError(f"{parts.scheme or 'an empty'!r} is no way to send mail; use {FORMS}")
    if not parts.hostname or parts.path not in ("", "/") or parts.fragment:
        raise ValueError(f"the mail URL must be {FORMS}; percent-encode what is special in user and password")
    if not re.fullmatch(r"[A-Za-z0-9_.:%-]+", parts.hostname):
        raise ValueError(f"{parts.hostname!r} is no host name")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for key in options.keys() - set(OPTIONS):
        raise ValueError(f"the mail URL knows no option {key!r}; it knows {', '.join(OPTIONS)}")
    return Relay(
        host=parts.hostname,
        port=port or (465 if parts.scheme == "smtps" else 587),
        tls=_tls(parts, options.get("tls", "")),
        login=_login(parts, options),
        ca=Path(options["ca"]) if options.get("ca") else None,
        helo=_helo(options.get("helo", helo)),
        per_connection=_count(options.get("per_connection", "100")),
    )


def _tls(parts: SplitResult, wish: str) -> Literal["starttls", "implicit", "off"]:
    if wish not in ("", "on", "off"):
        raise ValueError("the mail URL's tls is on or off")
    if parts.scheme == "smtps":
        if wish == "off":
            raise ValueError("smtps:// is encrypted by nature; use smtp:// with ?tls=off for clear text")
        return "implicit"
    if wish == "off" or (not wish and is_loopback(parts.hostname or "")):
        return "off"
    return "starttls"


def _login(parts: SplitResult, options: dict[str, str]) -> Login | None:
    method = options.get("auth", "").lower()
    command = options.get("token_command", "")
    if method not in METHODS:
        raise ValueError("the mail URL's auth is plain, login or xoauth2")
    if command and method not in ("", "xoauth2"):
        raise ValueError("token_command goes with auth=xoauth2")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not user:
        if password or method or command:
            raise ValueError("the mail URL has a login without a user: smtp://USER:PASS@HOST")
        return None
    if not password and not command:
        raise ValueError("the mail URL has a user without a password: smtp://USER:PASS@HOST")
    if "\0" in user + password:
        raise ValueError("user and password of the mail URL cannot hold NUL")
    return Login(user=user, password=password, method=METHODS[method], token_command=command)


def _helo(name: str) -> str:
    if name and not re.fullmatch(r"[A-Za-z0-9_.-]{1,253}|\[[0-9A-Za-z:.]{2,64}\]", name):
        raise ValueError(f"{name!r} is no name to greet with; use a host name")
    return name


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise ValueError("per_connection is a number of messages, 1 or more")
    return int(text)
