"""The other side of the delivery benchmark: a server that takes everything, and a proxy that makes it far away."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator


@contextlib.contextmanager
def sink() -> Iterator[tuple[str, int]]:
    """A server that takes everything and keeps nothing, in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    binary = shutil.which("smtp-sink") or shutil.which("smtp-sink", path="/usr/sbin:/usr/lib/postfix/sbin")
    user = ["-u", "nobody"] if binary and os.geteuid() == 0 else []
    command = [binary, *user, f"127.0.0.1:{port}", "1000"] if binary else [sys.executable, __file__, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield ("Postfix's smtp-sink" if binary else "a small sink in Python"), port
    finally:
        process.terminate()
        process.wait()


def be_a_sink(port: int) -> None:
    def serve(stream: socket.socket) -> None:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.sendall(b"220 sink\r\n")
        buffer = b""
        while received := stream.recv(1 << 20):
            buffer += received
            while (end := buffer.find(b"\r\n")) >= 0:
                line, buffer = buffer[:end].upper(), buffer[end + 2 :]
                if line.startswith(b"EHLO"):
                    stream.sendall(b"250-sink\r\n250 PIPELINING\r\n")
                elif line == b"DATA":
                    stream.sendall(b"354 go ahead\r\n")
                    while (end := buffer.find(b"\r\n.\r\n")) < 0:
                        buffer = buffer[-4:] + stream.recv(1 << 20)
                    buffer = buffer[end + 5 :]
                    stream.sendall(b"250 taken\r\n")
                else:
                    stream.sendall(b"250 fine\r\n")

    with socket.create_server(("127.0.0.1", port), backlog=1000) as listener:
        while True:
            stream, _ = listener.accept()
            threading.Thread(target=serve, args=(stream,), daemon=True).start()


@contextlib.contextmanager
def far_away(port: int, delay: float) -> Iterator[int]:
    """A proxy before `port` that holds every packet back for `delay` seconds, in both directions."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)

    def carry(source: socket.socket, target: socket.socket) -> None:
        waiting: deque[tuple[float, bytes]] = deque()
        ready = threading.Condition()

        def deliver() -> None:
            while True:
                with ready:
                    ready.wait_for(lambda: waiting)
                    due, data = waiting.popleft()
                time.sleep(max(0.0, due - time.monotonic()))
                with contextlib.suppress(OSError):
                    target.sendall(data) if data else target.shutdown(socket.SHUT_WR)
                if not data:
                    return

        threading.Thread(target=deliver, daemon=True).start()
        data = b"?"
        while data:
            try:
                data = source.recv(1 << 18)
            except OSError:
                data = b""
            with ready:
                waiting.append((time.monotonic() + delay, data))
                ready.notify()

    def accept() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", port))
            for stream in (near, far):
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=carry, args=(near, far), daemon=True).start()
            threading.Thread(target=carry, args=(far, near), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


if __name__ == "__main__":
    be_a_sink(int(sys.argv[1]))
