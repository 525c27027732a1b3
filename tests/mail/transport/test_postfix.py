"""End to end through a real Postfix in a private directory: our sender in, and the report of a failure that comes later
back to the proven address. Needs Postfix and root (its daemons change users); skipped elsewhere."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dkim
import pytest

from bot.core.letter.letter import Letter
from bot.errors import DeliveryError
from bot.mail import tokens
from bot.mail.incoming.classify import read_message
from bot.mail.incoming.mailboxes import from_maildir
from bot.mail.message.dkim import DkimSigner
from bot.mail.message.mailbox import mailbox
from bot.mail.message.mime import Head, write
from bot.mail.message.types import Message
from bot.mail.transport.connection import Timeouts
from bot.mail.transport.from_url import transport
from bot.mail.transport.smtp import SmtpSession

SECRET = "a secret"
POSTFIX = shutil.which("postfix") or shutil.which("postfix", path="/usr/sbin")
pytestmark = pytest.mark.skipif(POSTFIX is None or os.geteuid() != 0, reason="needs Postfix, and root to start it")

MAIN = """
compatibility_level = 3.6
queue_directory = {here}/queue
data_directory = {here}/data
maillog_file = {here}/log
maillog_file_prefixes = {here}
myhostname = mx.papers.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
recipient_delimiter = +
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = papers.test, readers.test
virtual_mailbox_base = {here}/mail
virtual_mailbox_maps = inline:{{ {{b@papers.test=box/}}, {{unsub@papers.test=box/}}, {{ada@readers.test=ada/}},
    {{gone@readers.test=gone/}}, {{full@readers.test=full/}} }}
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
transport_maps = inline:{{ {{gone@readers.test=nouser:}}, {{full@readers.test=nospace:}} }}
maximal_queue_lifetime = 0
bounce_queue_lifetime = 0
smtputf8_enable = no
"""
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
nouser unix - n n - - pipe flags= user=nobody argv=/bin/sh -c {{exit 67}}
nospace unix - n n - - pipe flags= user=nobody argv=/bin/sh -c {{echo 5.2.2 full; exit 69}}
"""


@dataclass(frozen=True)
class Postfix:
    here: Path
    port: int

    def box(self, name: str) -> Path:
        return self.here / "mail" / name

    def wait_for(self, name: str, number: int) -> list[bytes]:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(DeliveryError):
                found = [received.raw for received in from_maildir(self.box(name))]
                if len(found) >= number:
                    return found
            time.sleep(0.05)
        log = self.here / "log"
        raise AssertionError(log.read_text() if log.exists() else "Postfix wrote no log")


@pytest.fixture(scope="module")
def postfix() -> Iterator[Postfix]:
    assert POSTFIX is not None
    here = Path(tempfile.mkdtemp(prefix="paperlark-postfix-"))  # not pytest's own: Postfix's user must get in
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    here.chmod(0o755)
    for name in ("etc", "queue", "data", "mail"):
        (here / name).mkdir()
    shutil.chown(here / "data", "postfix")
    shutil.chown(here / "mail", 65534, 65534)
    (here / "etc" / "main.cf").write_text(MAIN.format(here=here))
    (here / "etc" / "master.cf").write_text(MASTER.format(port=port))
    try:
        subprocess.run([POSTFIX, "-c", str(here / "etc"), "start"], capture_output=True, timeout=60, check=True)
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield Postfix(here, port)
    finally:
        subprocess.run([POSTFIX, "-c", str(here / "etc"), "stop"], capture_output=True, timeout=60, check=False)
        shutil.rmtree(here, ignore_errors=True)


def to_reader(name: str, number: int, letter: Letter, head: Head, signer: DkimSigner | None = None) -> Message:
    token = tokens.seal(SECRET, "bounce", number, number)
    reader = mailbox(f"{name}@readers.test")
    message_id = tokens.message_id(SECRET, "digest", "2026-11-20", number, "papers.test")
    return Message(
        sender=tokens.token_address("b+{token}@papers.test", token),
        recipient=reader.email,
        message_id=message_id,
        data=write(letter, replace(head, to=reader, message_id=message_id), signer),
    )


def test_there_and_back(postfix: Postfix, quick: Timeouts, letter: Letter, head: Head, rsa_pem: bytes) -> None:
    signer = DkimSigner("papers.example.org", "lark", rsa_pem)
    nasty = replace(letter, text=("From me\n.\n..two  blanks \n", *letter.text))
    patient = replace(quick, command=20, data=20, after_dot=20)
    session = transport(f"smtp://127.0.0.1:{postfix.port}", timeouts=patient).session()
    assert isinstance(session, SmtpSession)
    assert "queued as" in session.send(to_reader("ada", 1, nasty, head, signer))
    assert {"PIPELINING", "DSN", "SIZE", "ENHANCEDSTATUSCODES"} <= session.features.keys()
    with pytest.raises(DeliveryError) as caught:
        session.send(to_reader("nobody", 2, letter, head))
    assert (caught.value.outcome, caught.value.code) == ("refused", "5.1.1")
    for number, name in ((3, "gone"), (4, "full")):
        assert "queued as" in session.send(to_reader(name, number, letter, head))
    goodbye = tokens.seal(SECRET, "unsubscribe alert", 1)
    session.send(
        Message(
            sender="ada@readers.test",
            recipient=tokens.token_address("UNSUB+{token}@papers.test", goodbye.upper()),
            message_id="<x@readers.test>",
            data=b"From: ada@readers.test\r\nSubject:\r\n\r\n",
        )
    )
    session.close()

    (arrived,) = postfix.wait_for("ada", 1)
    whole = arrived.replace(b"\n", b"\r\n")
    assert dkim.verify(whole, dnsfunc=lambda name, timeout=5: signer.record.encode())
    assert write(nasty, head, None).partition(b"\r\n\r\n")[2].count(b"=2E") == whole.count(b"=2E") == 2

    meanings: dict[int, Any] = {}
    for raw in postfix.wait_for("box", 3):
        meaning = read_message(raw, SECRET)
        assert meaning.token is not None
        meanings[meaning.token.subscriber_id] = meaning
    gone, full, ada = meanings[3], meanings[4], meanings[1]
    assert (gone.kind, gone.severity, gone.status) == ("bounce", "hard", "5.1.1")
    assert (full.kind, full.severity, full.status) == ("bounce", "soft", "5.2.2")
    assert (gone.recipient, full.recipient) == ("gone@readers.test", "full@readers.test")
    assert (ada.kind, ada.token.purpose) == ("unsubscribe", "unsubscribe alert")
    reports = [raw for raw in postfix.wait_for("box", 3) if b"Original-Envelope-Id" in raw]
    assert sorted(b"Original-Envelope-Id: d.2026-11-20." in raw for raw in reports) == [True, True]
