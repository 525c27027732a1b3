"""Reading what waits for us: a Maildir, a stream, an IMAP server."""

import base64
import contextlib
import io
import mailbox as library
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.errors import DeliveryError
from bot.mail.incoming.mailboxes import from_imap, from_maildir, from_stream, imap_of

MAILS = [f"To: unsub+{number}@papers.example.org\r\n\r\nbody {number}\r\n".encode() for number in range(3)]


def test_a_stream_is_one_message() -> None:
    (received,) = from_stream(io.BytesIO(MAILS[0]))
    assert received.raw == MAILS[0]
    received.done()
    (huge,) = from_stream(io.BytesIO(b"x" * 5_000_000))
    assert len(huge.raw) == 1 << 20


def test_a_maildir_is_read_once(tmp_path: Path) -> None:
    box = library.Maildir(tmp_path / "box")
    for raw in MAILS:
        box.add(raw)
    seen = library.MaildirMessage(MAILS[0])
    seen.set_subdir("cur")
    seen.set_flags("RS")
    box.add(seen)
    opened = library.MaildirMessage(MAILS[1])
    opened.set_subdir("cur")
    opened.set_flags("F")
    box.add(opened)

    first = list(from_maildir(tmp_path / "box"))
    assert len(first) == 4
    assert len(list(from_maildir(tmp_path / "box"))) == 4  # nothing is done yet, so it all comes again
    for received in first[1:]:
        received.done()
    (left,) = from_maildir(tmp_path / "box")
    assert left.raw == first[0].raw
    left.done()
    left.done()
    assert list(from_maildir(tmp_path / "box")) == []
    flags = sorted(message.get_flags() for message in library.Maildir(tmp_path / "box"))
    assert flags == ["FS", "RS", "S", "S", "S"]
    assert list((tmp_path / "box" / "new").iterdir()) == []


def test_no_maildir(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="no Maildir"):
        list(from_maildir(tmp_path))


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("imaps://ada:pw@mail.example.org", "imaps://mail.example.org:993/INBOX"),
        ("imaps://ada:pw@mail.example.org/Bounces%2FNew", "imaps://mail.example.org:993/Bounces/New"),
        ("imap://ada:pw@mail.example.org:1143/", "imap://mail.example.org:1143/INBOX"),
        ("imap://ada:pw@mail.example.org", "imap://mail.example.org:143/INBOX"),
    ],
)
def test_mailboxes_by_url(url: str, name: str) -> None:
    box = imap_of(url)
    assert box.name == name
    assert "pw" not in repr(box)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", "must be imaps"),
        ("pop3://a:b@c", "must be imaps"),
        ("imaps://mail.example.org/INBOX", "needs a login"),
        ("imaps://ada@mail.example.org", "without a password: imap://"),
        ("imaps://ada:s3cret@mail example", "host name"),
        ("imaps://ada:s3cret@mail.example.org?tsl=on", "inbox URL knows no option 'tsl'"),
        ("imaps://ada:s3cret@mail.example.org/a%0D%0Ab", "plain ASCII"),
    ],
)
def test_bad_urls(url: str, complaint: str) -> None:
    with pytest.raises(ValueError) as caught:
        imap_of(url)
    assert complaint in str(caught.value)
    assert "s3cret" not in str(caught.value)


class ImapServer:
    """As much of an IMAP server as a poll needs: one mailbox, flags, and keywords where `has_keywords`."""

    def __init__(self, mails: list[bytes], has_keywords: bool, context: ssl.SSLContext | None) -> None:
        self.mails, self.has_keywords, self.context = mails, has_keywords, context
        self.flags: list[set[str]] = [set() for _ in mails]
        self.logins: list[str] = []
        self.capabilities = "IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2"
        self.refuses_store = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.thread = threading.Thread(target=self._listen)
        self.thread.start()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)

    def _listen(self) -> None:
        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            stream.settimeout(5)
            with contextlib.suppress(OSError):
                if self.context is not None:
                    stream = self.context.wrap_socket(stream, server_side=True)
                with stream.makefile("rwb", buffering=0) as lines:
                    self._serve(lines)
            stream.close()

    def _serve(self, lines: Any) -> None:
        lines.write(b"* OK ready\r\n")
        while line := lines.readline():
            tag, _, command = line.decode().strip().partition(" ")
            verb = command.removeprefix("UID ").split(" ")[0].upper()
            if verb == "AUTHENTICATE":
                lines.write(b"+ \r\n")
                self.logins.append(base64.b64decode(lines.readline()).decode())
                if "wrong" in self.logins[-1]:
                    lines.write(f"{tag} NO [AUTHENTICATIONFAILED] no\r\n".encode())
                    continue
            elif verb == "LOGIN":
                self.logins.append(command)
            for reply in self._answer(verb, command):
                lines.write(reply)
            if verb == "STORE" and self.refuses_store:
                lines.write(f"{tag} NO read-only\r\n".encode())
            elif verb == "SELECT" and '"INBOX"' not in command:
                lines.write(f"{tag} NO no such mailbox\r\n".encode())
            else:
                lines.write(f"{tag} OK done\r\n".encode())

    def _answer(self, verb: str, command: str) -> Iterator[bytes]:
        if verb == "CAPABILITY":
            yield f"* CAPABILITY {self.capabilities}\r\n".encode()
        elif verb == "SELECT":
            more = " \\*" if self.has_keywords else ""
            yield f"* {len(self.mails)} EXISTS\r\n* OK [PERMANENTFLAGS (\\Seen \\Deleted{more})] flags\r\n".encode()
        elif verb == "SEARCH":
            flag = {"UNSEEN": "\\Seen"}.get(command.split(" ")[2], command.split(" ")[-1])
            found = [str(number + 1) for number, flags in enumerate(self.flags) if flag not in flags]
            yield f"* SEARCH {' '.join(found)}\r\n".encode()
        elif verb == "FETCH":
            number = int(command.split(" ")[2])
            assert "BODY.PEEK[]<0.1048576>" in command
            raw = self.mails[number - 1][: 1 << 20]
            yield f"* {number} FETCH (UID {number} BODY[]<0> {{{len(raw)}}}\r\n".encode() + raw + b")\r\n"
        elif verb == "STORE" and not self.refuses_store:
            number = int(command.split(" ")[2])
            flags = re.search(r"\((.*)\)", command)
            assert flags is not None
            self.flags[number - 1] |= set(flags[1].split())


@pytest.fixture
def imap() -> Iterator[Callable[..., ImapServer]]:
    started: list[ImapServer] = []

    def start(
        mails: list[bytes] = MAILS, has_keywords: bool = True, context: ssl.SSLContext | None = None
    ) -> ImapServer:
        started.append(ImapServer(mails, has_keywords, context))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.mark.parametrize(("has_keywords", "flag"), [(True, "Paperlark"), (False, "\\Seen")])
def test_imap_is_read_once(has_keywords: bool, flag: str, imap: Callable[..., ImapServer]) -> None:
    server = imap(has_keywords=has_keywords)
    box = imap_of(f"imap://ada:p%C3%A4ss@127.0.0.1:{server.port}")
    raws = []
    for received in from_imap(box):
        raws.append(received.raw)
        if len(raws) < 3:
            received.done()
    assert raws == MAILS
    assert server.logins == ["\0ada\0päss"]
    assert server.flags == [{flag}, {flag}, set()]  # with keywords, a person's own "unread" is left alone
    assert [received.raw for received in from_imap(box)] == MAILS[2:]


def test_imap_encrypted_and_by_token(imap: Callable[..., ImapServer], authority: Any) -> None:
    server = imap(context=authority.server())
    url = f"imaps://ada@127.0.0.1:{server.port}?ca={authority.ca}&token_command=printf+to.ken"
    assert [received.raw for received in from_imap(imap_of(url))] == MAILS
    assert server.logins == ["user=ada\x01auth=Bearer to.ken\x01\x01"]
    with pytest.raises(DeliveryError, match="certificate") as caught:
        list(from_imap(imap_of(f"imaps://ada:pw@127.0.0.1:{server.port}")))
    assert caught.value.outcome == "ours"


def test_imap_trouble(imap: Callable[..., ImapServer]) -> None:
    server = imap()
    cases = [
        (f"imap://ada:wrong@127.0.0.1:{server.port}", "refused the login", "ours"),
        (f"imap://ada:pw@127.0.0.1:{server.port}/Missing", "no such mailbox", "ours"),
        (f"imap://ada:pw@127.0.0.1:{server.port}?tls=on", "no STARTTLS", "ours"),
    ]
    for url, complaint, outcome in cases:
        with pytest.raises(DeliveryError, match=complaint) as caught:
            list(from_imap(imap_of(url)))
        assert caught.value.outcome == outcome
        assert "wrong" not in str(caught.value)
    server.refuses_store = True
    received = next(messages := from_imap(imap_of(f"imap://ada:pw@127.0.0.1:{server.port}")))
    with pytest.raises(DeliveryError, match="does not let us mark"):
        received.done()
    messages.close()
    server.stop()
    with pytest.raises(DeliveryError, match="refused") as caught:
        list(from_imap(imap_of(f"imap://ada:pw@127.0.0.1:{server.port}")))
    assert caught.value.outcome == "retry"


def test_an_old_imap_server_gets_a_login(imap: Callable[..., ImapServer]) -> None:
    server = imap()
    server.capabilities = "IMAP4rev1"
    assert len(list(from_imap(imap_of(f"imap://ada:p%22w@127.0.0.1:{server.port}")))) == 3
    assert server.logins == ['LOGIN ada "p\\"w"']
