"""Where messages to us wait: a Maildir, an IMAP mailbox, or one message on a stream. `classify` says what
they mean."""

import contextlib
import imaplib
import re
import ssl
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from bot.errors import DeliveryError
from bot.mail.incoming.classify import MAX_MESSAGE
from bot.mail.transport.connection import tls_context
from bot.mail.transport.from_url import relay_of
from bot.mail.transport.login import Login

KEYWORD = "Paperlark"  # an IMAP flag of our own: seen by us, whatever people do with "read" and "unread"
SECONDS = 60


@dataclass(frozen=True, slots=True)
class Received:
    """One message. Call `done` when what it means is in the database: until then it comes again at the next reading."""

    raw: bytes = field(repr=False)
    done: Callable[[], None] = field(repr=False)


def from_stream(stream: BinaryIO) -> Iterator[Received]:
    """One message, as a mail server's pipe delivers it."""
    yield Received(stream.read(MAX_MESSAGE), lambda: None)


def from_place(place: str) -> Generator[Received, None, None]:
    """The unread messages of an inbox as configured: an IMAP URL or `maildir:DIR`. Raises DeliveryError."""
    if place.startswith(("imap://", "imaps://")):
        return from_imap(imap_of(place))
    return from_maildir(Path(place.removeprefix("maildir:")))


def from_maildir(folder: Path) -> Generator[Received, None, None]:
    """The unread messages of a Maildir, oldest first; `done` marks one as read. Raises DeliveryError."""
    if not (folder / "new").is_dir() or not (folder / "cur").is_dir():
        raise DeliveryError(f"{folder} is no Maildir: it needs the folders new, cur and tmp", "ours")
    unread = [*(folder / "new").iterdir(), *(path for path in (folder / "cur").iterdir() if not _is_seen(path.name))]
    for path in sorted((path for path in unread if not path.name.startswith(".")), key=lambda path: path.name):
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_MESSAGE)
        except FileNotFoundError:  # a mail program moved it meanwhile
            continue
        yield Received(raw, _mark_seen(path, folder))


def _is_seen(name: str) -> bool:
    return "S" in name.partition(":2,")[2]


def _mark_seen(path: Path, folder: Path) -> Callable[[], None]:
    def done() -> None:
        name, _, flags = path.name.partition(":2,")
        with contextlib.suppress(FileNotFoundError):
            path.rename(folder / "cur" / f"{name}:2,{''.join(sorted({*flags, 'S'}))}")

    return done


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapBox:
    """An IMAP mailbox. `imaps://USER:PASS@HOST/MAILBOX`, or `imap://` with STARTTLS as for smtp://."""

    host: str
    port: int
    mailbox: str
    tls: str
    login: Login = field(repr=False)
    ca: Path | None = None
    timeout: float = SECONDS

    @property
    def name(self) -> str:
        return f"{'imaps' if self.tls == 'implicit' else 'imap'}://{self.host}:{self.port}/{self.mailbox}"


def imap_of(url: str) -> ImapBox:
    """The mailbox an URL names; the options are those of smtp(s):// URLs. Raises ValueError with one line."""
    match = re.fullmatch(r"imap(s?)://([^/?#]*)(?:/([^?#]*))?(\?[^#]*)?", url)
    if not match:
        raise ValueError("the inbox URL must be imaps://USER:PASS@HOST/MAILBOX")
    secure, authority, mailbox, query = match.groups()
    try:
        relay = relay_of(f"smtp{secure}://{authority}{query or ''}")
    except ValueError as error:
        raise ValueError(str(error).replace("smtp", "imap").replace("mail URL", "inbox URL")) from None
    if relay.login is None:
        raise ValueError("the inbox URL needs a login: imaps://USER:PASS@HOST/MAILBOX")
    explicit = re.search(r":\d+$", authority)
    port = relay.port if explicit else 993 if secure else 143
    box = ImapBox(
        host=relay.host,
        port=port,
        mailbox=unquote(mailbox or "") or "INBOX",
        tls=relay.tls,
        login=relay.login,
        ca=relay.ca,
    )
    if not box.mailbox.isascii() or not box.mailbox.isprintable():
        raise ValueError(f"the mailbox {box.mailbox!r} must be plain ASCII")
    return box


def from_imap(box: ImapBox) -> Generator[Received, None, None]:
    """The messages we have not read yet, oldest first; `done` marks one as read. The connection lives as long as the
    iteration. Raises DeliveryError: `ours` for a login or certificate refused, else `retry`."""
    try:
        with contextlib.closing(_Imap(box)) as imap:
            yield from imap.unread()
    except ssl.SSLCertVerificationError as error:
        raise DeliveryError(f"{box.name}: its certificate is not good: {error.verify_message}", "ours") from error
    except (imaplib.IMAP4.error, OSError, EOFError) as error:
        raise DeliveryError(f"{box.name}: {_words(error)}", "retry") from error


class _Imap:
    def __init__(self, box: ImapBox) -> None:
        context = None if box.tls == "off" else tls_context(box.ca)
        if box.tls == "implicit":
            self.connection: imaplib.IMAP4 = imaplib.IMAP4_SSL(
                box.host, box.port, ssl_context=context, timeout=box.timeout
            )
        else:
            self.connection = imaplib.IMAP4(box.host, box.port, timeout=box.timeout)
        try:
            if box.tls == "starttls" and context is not None:
                if "STARTTLS" not in self.connection.capabilities:
                    raise DeliveryError(f"{box.name} offers no STARTTLS; use imaps://, or ?tls=off", "ours")
                self.connection.starttls(context)
            self._log_in(box)
            kind, answer = self.connection.select(_quoted(box.mailbox))
            if kind != "OK":
                raise DeliveryError(f"{box.name}: cannot open the mailbox: {_words(answer)}", "ours")
            flags = str(self.connection.response("PERMANENTFLAGS")[1])
            self.has_keywords = "\\\\*" in flags or KEYWORD in flags
        except BaseException:
            self.close()
            raise

    def _log_in(self, box: ImapBox) -> None:
        offered = frozenset(
            capability.removeprefix("AUTH=")
            for capability in self.connection.capabilities
            if capability.startswith("AUTH=")
        )
        login = replace(box.login, method=box.login.method or ("xoauth2" if box.login.token_command else "plain"))
        try:
            if login.method == "xoauth2":
                proof = f"user={login.user}\x01auth=Bearer {login.secret('XOAUTH2')}\x01\x01"
                self.connection.authenticate("XOAUTH2", lambda _: proof.encode())
            elif "PLAIN" in offered:
                proof = f"\0{login.user}\0{login.password}"
                self.connection.authenticate("PLAIN", lambda _: proof.encode())
            else:
                self.connection.login(login.user, login.password)
        except imaplib.IMAP4.error as error:
            raise DeliveryError(f"{box.name} refused the login: {_words(error)}", "ours") from None

    def unread(self) -> Iterator[Received]:
        _, found = self.connection.uid("SEARCH", "UNKEYWORD " + KEYWORD if self.has_keywords else "UNSEEN")
        for uid in (found[0] or b"").split():
            _, answer = self.connection.uid("FETCH", uid.decode(), f"(BODY.PEEK[]<0.{MAX_MESSAGE}>)")
            raw = next((part[1] for part in answer if isinstance(part, tuple)), None)
            if raw is not None:  # else somebody deleted it meanwhile
                yield Received(raw, self._mark(uid.decode()))

    def _mark(self, uid: str) -> Callable[[], None]:
        # Not "seen" if that can be helped: the mailbox may be a person's own, who has not seen it.
        flags = f"({KEYWORD})" if self.has_keywords else "(\\Seen)"

        def done() -> None:
            kind, answer = self.connection.uid("STORE", uid, "+FLAGS.SILENT", flags)
            if kind != "OK":
                raise DeliveryError(f"the mailbox does not let us mark a message: {_words(answer)}", "ours")

        return done

    def close(self) -> None:
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            self.connection.logout()


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _words(answer: object) -> str:
    if isinstance(answer, OSError):
        return answer.strerror or str(answer)
    text = str(answer.args[0] if isinstance(answer, Exception) and answer.args else answer)
    return " ".join(text.replace("b'", "").replace("'", "").split())[:200]
