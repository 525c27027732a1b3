"""An SMTP client for one thing: many messages, each to one recipient, and an honest word on the fate of each.

Our own because round trips are what sending costs: with PIPELINING a message takes two instead of four (RFC 2920), and
because the standard library's waits 40 ms per message on a kept TLS connection and cannot tell "never arrived" from
"may have arrived".
"""

import contextlib
import logging
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bot.errors import DeliveryError
from bot.mail.message.types import Message
from bot.mail.transport import envelope
from bot.mail.transport.connection import Connection, Garbage, Timeouts, tls_context
from bot.mail.transport.login import Login, log_in
from bot.mail.transport.replies import Reply, failure

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """Where and how to hand messages over."""

    host: str
    port: int
    tls: Literal["starttls", "implicit", "off"] = "starttls"
    login: Login | None = field(default=None, repr=False)
    ca: Path | None = None  # instead of the system's authorities
    helo: str = ""  # our name; "": our address on this connection
    per_connection: int = 100  # messages, then a new connection
    timeouts: Timeouts = field(default_factory=Timeouts)

    @property
    def name(self) -> str:
        scheme = "smtps" if self.tls == "implicit" else "smtp"
        return f"{scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class SmtpTransport:
    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self._context = None if relay.tls == "off" else tls_context(relay.ca)

    @property
    def name(self) -> str:
        return self.relay.name

    def session(self) -> "SmtpSession":
        return SmtpSession(self.relay, self._context)


class SmtpSession:
    """One connection after another to one relay. What the relay offers is in `features` once connected."""

    def __init__(self, relay: Relay, context: ssl.SSLContext | None) -> None:
        self.relay = relay
        self.features: dict[str, str] = {}  # EHLO keyword -> its parameters
        self._context = context
        self._connection: Connection | None = None
        self._sent = 0  # messages over this connection
        self._used = 0.0  # monotonic

    def send(self, message: Message, before_data: Callable[[], None] | None = None) -> str:
        envelope.check_paths(message)
        if self._is_spent():
            self.close()
        if self._connection is not None:
            # A relay may end a connection whenever it likes; no message suffers for having come next.
            try:
                self._envelope(message)
            except _SessionEnded:
                self._drop()
        if self._connection is None:
            self.connect()
            try:
                self._envelope(message)
            except _SessionEnded as ended:
                self._drop()
                raise ended.error from ended.__cause__
        return self._content(message, before_data)

    def close(self) -> None:
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(OSError, EOFError, Garbage):
                connection.write(b"QUIT\r\n", self.relay.timeouts.goodbye)
                connection.reply(self.relay.timeouts.goodbye)
        self._drop()

    def connect(self) -> Connection:
        """Connect, greet, encrypt, log in. Raises DeliveryError; a certificate or login refused is `ours`."""
        relay, waits = self.relay, self.relay.timeouts
        try:
            with self._named("cannot connect to"):
                self._connection = connection = Connection(relay.host, relay.port, waits.connect)
                if relay.tls == "implicit" and self._context is not None:
                    connection.start_tls(self._context, waits.connect)
            with self._named("no greeting from"):
                greeting = connection.reply(waits.greeting)
                self._insist(greeting, "the relay does not want us")
                self._greet(connection)
            if relay.tls == "starttls" and self._context is not None:
                if "STARTTLS" not in self.features:
                    raise DeliveryError(
                        f"{relay.name} offers no STARTTLS, so nothing was sent in clear text; "
                        "use smtps://, or ?tls=off if that is what you want",
                        "ours",
                    )
                with self._named("no encryption with"):
                    self._insist(self._say("STARTTLS"), "STARTTLS refused")
                    connection.start_tls(self._context, waits.connect)
                    self._greet(connection)
            if relay.login is not None:
                with self._named("no login at"):
                    offered = frozenset(self.features.get("AUTH", "").upper().split())
                    reply = log_in(relay.login, offered, self._say)
                    if not reply.is_fine:
                        raise failure(reply, "auth", f"{relay.name} refused the login")
        except BaseException:
            self._drop()
            raise
        self._sent, self._used = 0, time.monotonic()
        log.debug("connected to %s", relay.name)
        return connection

    def ask_sender(self, sender: str) -> Reply:
        """Whether the relay takes mail from this address; nothing is sent. Connects; raises DeliveryError."""
        if self._connection is None:
            self.connect()
        with self._named("no answer from"):
            reply = self._say(f"MAIL FROM:<{sender}>")
            self._say("RSET")
        return reply

    @property
    def connection(self) -> Connection | None:
        return self._connection

    def _greet(self, connection: Connection) -> None:
        helo = self.relay.helo or connection.own_address
        reply = self._say(f"EHLO {helo}")
        self.features = {}
        if reply.is_fine:
            for line in reply.lines[1:]:
                keyword, _, parameters = line.replace("=", " ", 1).partition(" ")
                self.features[keyword.upper()] = f"{self.features.get(keyword.upper(), '')} {parameters}".strip()
        elif reply.code in (500, 501, 502, 504, 550):
            self._insist(self._say(f"HELO {helo}"), "our greeting was refused")
        else:
            self._insist(reply, "our greeting was refused")

    def _envelope(self, message: Message) -> None:
        """Up to the go-ahead for the content. Raises _SessionEnded when the connection is lost, so that the caller
        may try another: nothing of the message has left."""
        mail, rcpt = envelope.commands(message, self.features, self.relay.name)
        connection, waits = self._open, self.relay.timeouts
        try:
            if "PIPELINING" in self.features:
                connection.write(f"{mail}\r\n{rcpt}\r\nDATA\r\n".encode(), waits.command)
                sender, recipient = connection.reply(waits.command), connection.reply(waits.command)
                data = connection.reply(waits.data)
            else:
                sender = self._say(mail)
                recipient = self._say(rcpt) if sender.is_fine else sender
                data = self._say("DATA", waits.data) if recipient.is_fine else recipient
        except (OSError, EOFError) as error:
            raise _SessionEnded(DeliveryError(f"{self.relay.name} ended the connection: {error}", "retry")) from error
        except Garbage as error:
            raise _SessionEnded(DeliveryError(f"{self.relay.name} broke the protocol: {error}", "retry")) from error
        refused: DeliveryError | None = None
        if not sender.is_fine:
            refused = failure(sender, "sender", f"sender {message.sender} refused")
        elif not recipient.is_fine:
            refused = failure(recipient, "recipient", "recipient refused")
        elif data.code != 354:
            refused = failure(data, "data", "message refused")
        if refused is None:
            return
        if 421 in (sender.code, recipient.code, data.code):
            raise _SessionEnded(refused)
        self._clear(was_begun=data.code == 354)
        raise refused

    def _content(self, message: Message, before_data: Callable[[], None] | None) -> str:
        connection, waits = self._open, self.relay.timeouts
        content = envelope.content(message.data)
        try:
            if before_data is not None:
                before_data()
            try:
                connection.write(content, waits.content)
            except OSError as error:  # the final dot has not left, so the relay cannot have taken the message
                with contextlib.suppress(OSError, EOFError, Garbage):
                    raise failure(connection.reply(waits.goodbye), "content", "message refused") from error
                raise DeliveryError(f"{self.relay.name} ended the connection within the message", "retry") from error
            try:
                reply = connection.reply(waits.after_dot)
            except (OSError, EOFError, Garbage) as error:
                raise DeliveryError(
                    f"{self.relay.name} took the whole message but gave no answer: {error}", "unknown"
                ) from error
        except BaseException:
            self._drop()
            raise
        self._sent += 1
        self._used = time.monotonic()
        if reply.code == 421:
            self._drop()
        if not reply.is_fine:
            if not 400 <= reply.code < 600:
                self._drop()
            raise failure(reply, "content", "message refused")
        return reply.words

    def _clear(self, *, was_begun: bool) -> None:
        """Make the connection fit for the next message after a refusal."""
        try:
            if was_begun:  # the relay waits for content although it took no recipient
                self._open.write(b".\r\n", self.relay.timeouts.command)
                self._open.reply(self.relay.timeouts.command)
            if not self._say("RSET").is_fine:
                self._drop()
        except (OSError, EOFError, Garbage):
            self._drop()

    def _is_spent(self) -> bool:
        connection = self._connection
        return connection is not None and (
            self._sent >= self.relay.per_connection
            or time.monotonic() - self._used > self.relay.timeouts.idle
            or connection.has_news()
        )

    def _say(self, line: str, timeout: float | None = None) -> Reply:
        self._open.write(f"{line}\r\n".encode(), self.relay.timeouts.command)
        return self._open.reply(timeout or self.relay.timeouts.command)

    def _insist(self, reply: Reply, what: str) -> None:
        if not reply.is_fine:
            raise failure(reply, "connect", f"{self.relay.name}: {what}")

    @property
    def _open(self) -> Connection:
        assert self._connection is not None
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextlib.contextmanager
    def _named(self, what: str) -> Iterator[None]:
        """Trouble on the way to a usable connection, said in one line."""
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            why = f"its certificate is not good: {error.verify_message}"
            raise DeliveryError(f"{what} {self.relay.name}: {why}", "ours") from error
        except ssl.SSLEOFError as error:
            raise DeliveryError(f"{what} {self.relay.name}: it hung up", "retry") from error
        except ssl.SSLError as error:
            raise DeliveryError(f"{what} {self.relay.name}: TLS failed: {error.reason or error}", "ours") from error
        except Garbage as error:
            raise DeliveryError(f"{what} {self.relay.name}: {error}", "ours") from error
        except (OSError, EOFError) as error:
            why = getattr(error, "strerror", "") or str(error)
            raise DeliveryError(f"{what} {self.relay.name}: {why}", "retry") from error


class _SessionEnded(Exception):
    """The connection is lost, and nothing of the message has left; `error` is what to say if that was the last try."""

    def __init__(self, error: DeliveryError) -> None:
        self.error = error
