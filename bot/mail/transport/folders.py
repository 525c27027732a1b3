"""Messages into folders: a directory to look at (`outbox:DIR`) or a Maildir any mail program opens (`maildir:DIR`).

A file bears its final name only when it is whole and on the disk; the name comes from the Message-ID, so a repeat
overwrites instead of doubling.
"""

import email
import hashlib
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from bot.errors import DeliveryError
from bot.mail.message.types import Message


class FolderSession(ABC):
    """What both kinds share: trouble with a disk is ours, never the subscriber's."""

    def send(self, message: Message, before_data: Callable[[], None] | None = None) -> str:
        if before_data is not None:
            before_data()
        try:
            return self._deliver(message)
        except OSError as error:
            raise DeliveryError(
                f"cannot write to {error.filename or 'the folder'}: {error.strerror or error}", "ours"
            ) from error

    def close(self) -> None:
        """Nothing is open between messages."""

    @abstractmethod
    def _deliver(self, message: Message) -> str:
        """Write one message; the folder's words. OSError is turned into a DeliveryError."""


class OutboxTransport:
    """One .eml per message and, if `parts`, its .html and .txt beside it, to look at without a mail program."""

    def __init__(self, folder: Path, *, parts: bool = True) -> None:
        self.folder = folder
        self.parts = parts

    @property
    def name(self) -> str:
        return f"outbox:{self.folder}"

    def session(self) -> "OutboxSession":
        return OutboxSession(self.folder, self.parts)


class OutboxSession(FolderSession):
    def __init__(self, folder: Path, parts: bool) -> None:
        self._folder = folder
        self._parts = parts

    def _deliver(self, message: Message) -> str:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stem = f"{_safe(message.recipient)}.{file_name(message.message_id)}"
        if self._parts:
            for part in email.message_from_bytes(message.data).walk():
                suffix = {"text/html": ".html", "text/plain": ".txt"}.get(part.get_content_type())
                content = part.get_payload(decode=True)
                if suffix and isinstance(content, bytes):
                    _write(self._folder / f"{stem}{suffix}", content, self._folder, durable=False)
        path = self._folder / f"{stem}.eml"
        _write(path, message.data, self._folder)
        return f"saved as {path}"


class MaildirTransport:
    """All messages into one Maildir, with the envelope in the two fields that a local delivery adds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def name(self) -> str:
        return f"maildir:{self.folder}"

    def session(self) -> "MaildirSession":
        return MaildirSession(self.folder)


class MaildirSession(FolderSession):
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: set[str] | None = None  # what a mail program has moved out of "new" before this session

    def _deliver(self, message: Message) -> str:
        if self._read is None:
            for child in ("tmp", "new", "cur"):
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                (self._folder / child).mkdir(mode=0o700, exist_ok=True)
            self._read = {path.name.partition(":")[0] for path in (self._folder / "cur").iterdir()}
        name = file_name(message.message_id)
        if name in self._read:
            return f"was delivered before as {name}"
        path = self._folder / "new" / name
        envelope = f"Return-Path: <{message.sender}>\nDelivered-To: {message.recipient}\n".encode()
        _write(path, envelope + message.data.replace(b"\r\n", b"\n"), self._folder / "tmp")
        return f"saved as {path}"


def file_name(message_id: str) -> str:
    """A file name that says which message it is, safe on any disk, different for different ids."""
    local = message_id.strip("<>").rpartition("@")[0] or message_id
    return f"{_safe(local)}.{hashlib.sha256(message_id.encode('utf-8', 'replace')).hexdigest()[:12]}"


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9@.+-]", "_", text)[:96].strip(".") or "_"


def _write(path: Path, content: bytes, workplace: Path, *, durable: bool = True) -> None:
    """Put a whole file in place or none. Durable: it is on the disk, name and all, when this returns."""
    draft = workplace / f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        # For us alone: a letter holds its subscriber's address and links that act for them.
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), "wb"
        ) as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    if durable and os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
