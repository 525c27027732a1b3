"""The HTTP server: waitress, which reads every request whole in one thread before a worker sees it, so that slow
visitors hold no worker. Here are the limits it lacks: a request must arrive in time, not only go on arriving.

Measured with 130 connections that drip a byte every few seconds, and with bodies of 1 GB: `benchmarks/web.py`.
"""

import logging
import resource
from collections.abc import Callable
from functools import partial
from typing import Any

import waitress
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer

from bot.errors import UserError
from bot.web.app import MOST_BODY

THREADS = 8
MOST_CONNECTIONS = 2_000
RESERVED_FILES = 100  # descriptors for the database, the log and ourselves
IDLE = 30  # seconds a connection may say nothing
ARRIVE_WITHIN = 20.0  # seconds from the first byte of a request to its last
LOOK_EVERY = 5  # seconds


class TimelyChannel(HTTPChannel):  # type: ignore[misc]
    """A connection that knows since when a request has been arriving."""

    arriving_since: float | None = None

    def received(self, data: bytes) -> Any:
        if self.arriving_since is None:
            self.arriving_since = self.last_activity
        done = super().received(data)
        if self.request is None:
            self.arriving_since = None
        return done


def serve(application: Callable[..., Any], *, host: str, port: int, listening: Callable[[], object]) -> None:
    """Answer until the process is told to end; `listening` is called before. Raises UserError where it may not listen
    there."""
    server = create_server(application, host=host, port=port)
    try:
        listening()
        server.run()
    finally:
        server.close()


def create_server(application: Callable[..., Any], *, host: str, port: int) -> Any:
    """The server, listening. Raises UserError where it may not."""
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that a request waits for a thread is no news
    sockets: dict[int, Any] = {}  # of waitress's own making, by descriptor
    try:
        server = waitress.create_server(
            application,
            sockets,
            host=host,
            port=port,
            ident=None,
            threads=THREADS,
            connection_limit=connection_limit(),
            asyncore_use_poll=True,  # select() ends at descriptor 1024
            channel_timeout=IDLE,
            cleanup_interval=LOOK_EVERY,
            max_request_header_size=16_384,
            max_request_body_size=MOST_BODY,  # a longer one is refused by what its header says, and never read
            clear_untrusted_proxy_headers=False,  # `visitors` must see that a request was forwarded
            expose_tracebacks=False,
            log_socket_errors=False,
        )
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(
            f"The web process cannot listen on {host}:{port}: {reason}.", ["give another --port, or end who has it"]
        ) from error
    except ValueError as error:
        raise UserError(
            f"The web process cannot listen on {host!r}: {str(error).rstrip('.')}.", ["give --host an address"]
        ) from error
    for one in [socket for socket in sockets.values() if isinstance(socket, BaseWSGIServer)]:
        one.channel_class = TimelyChannel
        one.maintenance = partial(_maintenance, one, one.maintenance)
    return server


def _maintenance(server: Any, idle_ones: Callable[[float], None], now: float) -> None:
    """Waitress closes connections that say nothing; we, those whose request does not come to an end."""
    idle_ones(now)
    for channel in server.active_channels.values():
        since = channel.arriving_since
        if since is not None and since < now - ARRIVE_WITHIN and not channel.requests:
            channel.will_close = True


def connection_limit() -> int:
    """As many connections as this process may open files for, within reason."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if files < 0 else max(100, min(MOST_CONNECTIONS, files - RESERVED_FILES))
