"""One TCP connection to an SMTP server: lines out, replies in, TLS, and a deadline on every wait.
What is said over it belongs to `smtp`."""

import contextlib
import ipaddress
import re
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path

from bot.mail.transport.replies import Reply

PIECE = 65536
MAX_LINE = 4096  # bytes
MAX_LINES = 100  # of one reply
ANSWER = re.compile(r"[2-5][0-9]{2}(?:[ -]|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long to wait for what, in seconds: the whole time a step may take, however slowly the other side drips.
    RFC 5321 4.5.3.2 is the model; a relay that takes its full five minutes for a HELO has better be asked again later.
    """

    connect: float = 30
    greeting: float = 60
    command: float = 60
    data: float = 120  # the answer to DATA
    content: float = 300  # handing over the content
    after_dot: float = 600  # giving up earlier doubles messages
    goodbye: float = 2
    idle: float = 60  # a connection unused for longer is not trusted any more


class Garbage(Exception):
    """The other side does not speak SMTP, or says more than anyone should."""


class Connection:
    """Sockets raise OSError (TimeoutError among them), silence at the other end EOFError, nonsense Garbage."""

    def __init__(self, host: str, port: int, timeout: float) -> None:
        self.host = host
        self._socket: socket.socket = socket.create_connection((host, port), timeout)
        # Without this a kept TLS connection waits 40 ms per message for a delayed acknowledgement.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()

    def start_tls(self, context: ssl.SSLContext, timeout: float) -> None:
        """Encrypt from here on. What was received in clear text after the promise of TLS may be an attacker's."""
        if self._buffer:
            raise Garbage("it sent more after its answer to STARTTLS, as an attacker in between would")
        self._socket.settimeout(timeout)
        self._socket = context.wrap_socket(self._socket, server_hostname=self.host)

    def write(self, data: bytes, timeout: float) -> None:
        """Send all of it within `timeout`. An error means that the last byte has not left."""
        deadline = time.monotonic() + timeout
        view = memoryview(data)
        while view:
            self._socket.settimeout(_left(deadline))
            view = view[self._socket.send(view[:PIECE]) :]

    def reply(self, timeout: float) -> Reply:
        """The next answer, complete within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        code = 0
        lines: list[str] = []
        while True:
            line = self._line(deadline)
            if not ANSWER.match(line):
                raise Garbage(f"it said {line[:80]!r}, which is no SMTP answer")
            if lines and int(line[:3]) != code:
                raise Garbage(f"it changed its answer from {code} to {line[:3]} halfway")
            code = int(line[:3])
            lines.append(line[4:])
            if line[3:4] != "-":
                return Reply(code, tuple(lines))
            if len(lines) >= MAX_LINES:
                raise Garbage(f"its answer has more than {MAX_LINES} lines")

    def _line(self, deadline: float) -> str:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > MAX_LINE:
                raise Garbage(f"its answer has a line of more than {MAX_LINE} bytes")
            self._socket.settimeout(_left(deadline))
            received = self._socket.recv(PIECE)
            if not received:
                raise EOFError("it closed the connection")
            self._buffer += received
        line = bytes(self._buffer[:end]).rstrip(b"\r")
        del self._buffer[: end + 1]
        if len(line) > MAX_LINE:
            raise Garbage(f"its answer has a line of more than {MAX_LINE} bytes")
        return line.decode("utf-8", "replace")

    def has_news(self) -> bool:
        """Whether the other side said or did something unasked since the last answer, as when it hung up."""
        if self._buffer:
            return True
        try:
            self._socket.settimeout(0)
            self._buffer += self._socket.recv(PIECE)
        except (BlockingIOError, ssl.SSLWantReadError):  # TLS may have had tickets to deliver, but no word
            return False
        except OSError:
            return True
        return True

    @property
    def own_address(self) -> str:
        """The literal an unnamed host greets with (RFC 5321 4.1.3)."""
        address = ipaddress.ip_address(self._socket.getsockname()[0].partition("%")[0])
        return f"[{address}]" if address.version == 4 else f"[IPv6:{address}]"

    @property
    def tls(self) -> ssl.SSLSocket | None:
        return self._socket if isinstance(self._socket, ssl.SSLSocket) else None

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()


def is_loopback(host: str) -> bool:
    """Whether a connection to `host` never leaves this machine."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def tls_context(ca: Path | None = None) -> ssl.SSLContext:
    """Certificates and host names are checked against the system's authorities, or against `ca` alone."""
    context = ssl.create_default_context(cafile=str(ca) if ca else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left
