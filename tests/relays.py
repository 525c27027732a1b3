"""SMTP relays to test against: one that follows a script, a throw-away certificate authority for it, and the patience
to use. Shared by the tests of `mail` and of `pipeline`: `tests/conftest.py` takes the fixtures over."""

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.mail.transport.connection import Timeouts


@pytest.fixture
def quick() -> Timeouts:
    """Patience for tests: long enough for a busy machine, short enough to wait for."""
    return Timeouts(connect=5, greeting=5, command=5, data=5, content=5, after_dot=5, goodbye=0.5)


class HangUp(Exception):
    """Raised by a script: the relay closes the connection without a word."""


Answer = str | bytes | None
Script = Callable[["Talk", str], Answer]


class Talk:
    """One connection to the scripted relay, as the script sees it. `number` counts connections from 1, `taken` the
    messages of this one."""

    def __init__(self, relay: "ScriptedRelay", stream: socket.socket, number: int) -> None:
        self.relay, self.stream, self.number = relay, stream, number
        self.taken = 0
        self.buffer = b""
        self.sender: str | None = None
        self.recipient = ""
        self.is_ended = False

    def stall(self, seconds: float = 30) -> None:
        """Say nothing until the test is over."""
        self.relay.is_over.wait(seconds)
        raise HangUp

    def send(self, data: bytes) -> None:
        self.stream.sendall(data)

    def line(self) -> str:
        while b"\n" not in self.buffer:
            received = self.stream.recv(65536)
            if not received:
                raise HangUp
            self.buffer += received
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def content(self) -> bytes:
        data = bytearray(b"\r\n" + self.buffer)
        while (end := data.find(b"\r\n.\r\n", max(0, len(data) - 70_000))) < 0:
            received = self.stream.recv(65536)
            if not received:
                raise HangUp
            data += received
        self.buffer = bytes(data[end + 5 :])
        return bytes(data[: end + 2]).replace(b"\r\n..", b"\r\n.")[2:]


class ScriptedRelay:
    """An SMTP server on a plain socket. The script is asked first for each command, with "(greeting)" for the first
    words and with "." for the answer to a content; None leaves it to good manners."""

    def __init__(
        self, script: Script, features: tuple[str, ...], context: ssl.SSLContext | None, implicit: bool
    ) -> None:
        self.script, self.features, self.context, self.implicit = script, features, context, implicit
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.is_over = threading.Event()
        self.commands: list[str] = []
        self.accepted: list[tuple[str, bytes]] = []  # (recipient, content)
        self.connections = 0
        self.talks: list[Talk] = []
        self.threads = [threading.Thread(target=self._listen)]
        self.threads[0].start()

    @property
    def recipients(self) -> list[str]:
        return [recipient for recipient, _ in self.accepted]

    def stop(self) -> None:
        self.is_over.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for talk in self.talks:
            with contextlib.suppress(OSError):
                talk.stream.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(5)
            assert not thread.is_alive()

    def _listen(self) -> None:
        while not self.is_over.is_set():
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.threads.append(threading.Thread(target=self._serve, args=(stream, self.connections)))
            self.threads[-1].start()

    def _serve(self, stream: socket.socket, number: int) -> None:
        stream.settimeout(20)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        talk = Talk(self, stream, number)
        self.talks.append(talk)
        with contextlib.suppress(OSError, HangUp):
            if self.implicit and self.context is not None:
                talk.stream = self.context.wrap_socket(stream, server_side=True)
            self._talk(talk)
        talk.stream.close()

    def _talk(self, talk: Talk) -> None:
        self._answer(talk, "(greeting)", "220 relay.example.net ESMTP")
        while not talk.is_ended:
            line = talk.line()
            self.commands.append(line)
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                features = [*self.features]
                if self.context is not None and not self.implicit and not isinstance(talk.stream, ssl.SSLSocket):
                    features.append("STARTTLS")
                lines = ["relay.example.net", *features]
                manners = "\r\n".join(
                    f"250{'-' if place < len(lines) - 1 else ' '}{text}" for place, text in enumerate(lines)
                )
            elif verb == "RCPT" and talk.sender is None:
                manners = "503 5.5.1 MAIL first"
            elif verb == "DATA":
                manners = "354 go ahead" if talk.recipient else "554 5.5.1 no valid recipients"
            elif verb == "STARTTLS":
                manners = "220 go ahead"
            else:
                manners = {"QUIT": "221 bye", "AUTH": "235 2.7.0 welcome"}.get(verb, "250 2.0.0 fine")
            said = self._answer(talk, line, manners)
            if verb == "MAIL" and said.startswith(b"250"):
                talk.sender = line
            if verb == "RCPT" and said.startswith(b"250"):
                talk.recipient = line.partition("<")[2].partition(">")[0]
            talk.is_ended = talk.is_ended or verb == "QUIT" or said.startswith(b"421")
            if verb == "STARTTLS" and said.startswith(b"220") and self.context is not None:
                talk.stream = self.context.wrap_socket(talk.stream, server_side=True)
            if verb == "DATA" and said.startswith(b"354"):
                content = talk.content()
                said = self._answer(talk, ".", f"250 2.0.0 queued as {len(self.accepted) + 1}")
                talk.is_ended = said.startswith(b"421")
                if said.startswith(b"250"):
                    talk.taken += 1
                    self.accepted.append((talk.recipient, content))
            if verb in ("RSET", "DATA", "EHLO"):
                talk.sender, talk.recipient = None, ""

    def _answer(self, talk: Talk, line: str, manners: str) -> bytes:
        answer = self.script(talk, line)
        said = (manners if answer is None else answer) + "\r\n" if not isinstance(answer, bytes) else answer
        raw = said.encode() if isinstance(said, str) else said
        talk.send(raw)
        return raw


@pytest.fixture
def relay() -> Iterator[Callable[..., ScriptedRelay]]:
    """Start a relay: relay(script, features=(…), context=None, implicit=False)."""
    started: list[ScriptedRelay] = []

    def start(
        script: Script = lambda talk, line: None,
        features: tuple[str, ...] = ("PIPELINING", "SIZE 10000000", "ENHANCEDSTATUSCODES"),
        context: ssl.SSLContext | None = None,
        implicit: bool = False,
    ) -> ScriptedRelay:
        started.append(ScriptedRelay(script, features, context, implicit))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def hang_up() -> type[Exception]:
    return HangUp


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> "Authority":
    return Authority(tmp_path_factory.mktemp("authority"))


class Authority:
    """A certificate authority that lives for one test run: `ca` is its certificate, `server(host)` a server's TLS."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Throw-away authority")])
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(
            self._sign(self.name, self.key.public_key(), is_ca=True).public_bytes(serialization.Encoding.PEM)
        )

    def _sign(
        self, name: x509.Name, key: Any, *, is_ca: bool = False, host: str = "", days: int = 30
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=60))
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if host:
            try:
                alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
            except ValueError:
                alternative = x509.DNSName(host)
            builder = builder.add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        else:
            usage = dict.fromkeys(
                ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
                False,
            )
            builder = builder.add_extension(
                x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False),
                True,
            )
        return builder.sign(self.key, hashes.SHA256())

    def server(self, host: str = "127.0.0.1", days: int = 30) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A relay")])
        path = self.folder / f"{host}.{days}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + self._sign(name, key.public_key(), host=host, days=days).public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context
