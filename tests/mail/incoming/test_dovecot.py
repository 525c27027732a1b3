"""The inbox read from a real Dovecot over STARTTLS. Needs Dovecot and root (its processes change users)."""

import contextlib
import imaplib
import mailbox as library
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.errors import DeliveryError
from bot.mail.incoming.mailboxes import from_imap, imap_of

DOVECOT = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")
pytestmark = pytest.mark.skipif(DOVECOT is None or os.geteuid() != 0, reason="needs Dovecot, and root to start it")

CONFIG = """
base_dir = {here}/run
state_dir = {here}/state
log_path = {here}/log
protocols = imap
listen = 127.0.0.1
default_internal_user = nobody
default_login_user = nobody
default_internal_group = nogroup
first_valid_uid = 1
mail_location = maildir:{here}/mail
ssl = required
ssl_cert = <{pem}
ssl_key = <{pem}
auth_mechanisms = plain login
auth_failure_delay = 0
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
passdb {{
  driver = static
  args = password=p\u00e4ss
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={here}/mail
}}
"""


@dataclass(frozen=True)
class Dovecot:
    mail: Path
    port: int
    ca: Path

    @property
    def url(self) -> str:
        return f"imap://ada%40papers.test:p%C3%A4ss@127.0.0.1:{self.port}/INBOX?tls=on&ca={self.ca}"


@pytest.fixture(scope="module")
def dovecot(authority: Any) -> Iterator[Dovecot]:
    assert DOVECOT is not None
    here = Path(tempfile.mkdtemp(prefix="paperlark-dovecot-"))  # not pytest's own: Dovecot's user must get in
    here.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    authority.server()
    config = here / "dovecot.conf"
    config.write_text(CONFIG.format(here=here, port=port, pem=authority.folder / "127.0.0.1.30.pem"))
    library.Maildir(here / "mail")
    for path in (here / "mail", *(here / "mail").iterdir()):
        shutil.chown(path, "nobody", "nogroup")
    process = subprocess.Popen([DOVECOT, "-F", "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield Dovecot(here / "mail", port, authority.ca)
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(here, ignore_errors=True)


def deliver(dovecot: Dovecot, number: int) -> bytes:
    raw = f"To: unsub+{number}@papers.test\nSubject: {number}\n\nbody\n".encode()
    draft = dovecot.mail / "tmp" / f"100000000{number}.x.host"
    draft.write_bytes(raw)
    shutil.chown(draft, "nobody", "nogroup")
    draft.rename(dovecot.mail / "new" / draft.name)
    return raw.replace(b"\n", b"\r\n")


def test_read_once_and_left_unread(dovecot: Dovecot) -> None:
    sent = [deliver(dovecot, number) for number in range(3)]
    box = imap_of(dovecot.url)
    messages = list(from_imap(box))
    assert [received.raw for received in messages] == sent  # nothing is done, so it all comes again
    for received in from_imap(box):
        if received.raw != sent[2]:
            received.done()
    assert [received.raw for received in from_imap(box)] == sent[2:]
    sent.append(deliver(dovecot, 3))
    assert [received.raw for received in from_imap(box)] == sent[2:]

    client = imaplib.IMAP4("127.0.0.1", dovecot.port)
    client.starttls(ssl.create_default_context(cafile=str(dovecot.ca)))
    client.authenticate("PLAIN", lambda _: "\0ada@papers.test\0päss".encode())
    client.select()
    assert client.search(None, "UNSEEN")[1] == [b"1 2 3 4"]  # a person still sees what is new
    assert client.search(None, "KEYWORD", "Paperlark")[1] == [b"1 2"]
    client.logout()


def test_refusals(dovecot: Dovecot) -> None:
    for url, complaint in (
        (dovecot.url.replace("p%C3%A4ss", "wrong"), "refused the login"),
        (dovecot.url.replace("INBOX", "Missing"), "cannot open the mailbox"),
        (dovecot.url.partition("&ca")[0], "certificate"),
    ):
        with pytest.raises(DeliveryError, match=complaint) as caught:
            list(from_imap(imap_of(url)))
        assert caught.value.outcome == "ours"
