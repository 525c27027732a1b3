"""Sockets: names resolved and every address checked before it is connected to, TLS verified, bytes and seconds counted.
What to send and how to take the answer is `http_client`'s."""

import contextlib
import ipaddress
import socket
import ssl
import threading
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextvars import ContextVar

import httpcore
import httpx

from bot.core.source.redact import redacted
from bot.fetch.errors import Refused, Unreachable, Unsent, from_transport
from bot.fetch.limits import Budget, Limits
from bot.fetch.ssrf import address_refusal, is_loopback, literal
from bot.fetch.urls import is_host

Resolve = Callable[[str, int], list[str]]  # host, port -> addresses, best first; raises OSError

_budget: ContextVar[Budget] = ContextVar("budget")  # of the fetch this thread is in: pooled sockets outlive a fetch
_MOST_ADDRESSES = 6
_KEEPALIVE = 15.0  # seconds


def system_resolver(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class HttpTransport:
    """All connections of a process. Those of sources allowed to be private are kept apart: a pooled connection is not
    checked again, so a public source must never be lent one of them."""

    def __init__(self, limits: Limits, resolve: Resolve) -> None:
        self._limits = limits
        self._resolve = resolve
        self._lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None
        self._closed = False
        self._transports: dict[tuple[str, bool, bool], _PoolTransport] = {}

    @contextlib.contextmanager
    def ask(self, request: httpx.Request, budget: Budget, *, private: bool) -> Iterator[httpx.Response]:
        """The response to one request, its body not yet read. Raises FetchError, also while the body is being read."""
        limits = self._limits
        patience = {"connect": limits.connect, "read": limits.silence, "write": limits.silence, "pool": limits.silence}
        request.extensions["timeout"] = patience
        budget.new_reply()
        token = _budget.set(budget)
        try:
            with _in_words():
                response = self._transport(request.url, private).handle_request(request)
            try:
                yield response
            finally:
                response.close()
        finally:
            _budget.reset(token)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            while self._transports:
                self._transports.popitem()[1].close()

    def _transport(self, url: httpx.URL, private: bool) -> "_PoolTransport":
        proxy = proxy_for(url)
        if proxy:  # it resolves the name, so only what is plain from the name itself can be checked here
            address = literal(url.host)
            if address and (why := address_refusal(address, private=private)):
                raise Refused(why)
        with self._lock:
            if self._closed:
                raise Refused("not asked, for we are being stopped")
            key = proxy, private, url.scheme == "https"
            if key not in self._transports:
                self._transports[key] = _PoolTransport(self._pool(*key))
            return self._transports[key]

    def _pool(self, proxy: str, private: bool, tls: bool) -> httpcore.ConnectionPool:
        if self._tls is None and (tls or proxy):  # reading all certificates costs 25 ms and some memory
            try:
                self._tls = httpx.create_ssl_context()  # honours SSL_CERT_FILE and SSL_CERT_DIR
            except OSError as error:
                raise Unsent(f"no TLS certificates ({error.strerror}): check SSL_CERT_FILE") from error
        backend = _CheckedBackend(self._limits, self._resolve, guarded=not proxy, private=private)
        if not proxy:
            return httpcore.ConnectionPool(
                ssl_context=self._tls,
                max_connections=None,
                max_keepalive_connections=20,
                keepalive_expiry=_KEEPALIVE,
                network_backend=backend,
            )
        try:
            url = httpx.URL(proxy)
            if not is_host(url.raw_host):
                raise httpx.InvalidURL("no host")
        except httpx.InvalidURL:
            raise Refused(f"proxy address {redacted(proxy)} cannot be read: check HTTP_PROXY and HTTPS_PROXY") from None
        if url.scheme not in ("http", "https"):
            raise Refused(
                f"proxy {redacted(proxy)} is not an http proxy: set HTTP_PROXY and HTTPS_PROXY to one that is"
            )
        return httpcore.HTTPProxy(
            proxy_url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/"),
            proxy_auth=(url.username, url.password) if url.userinfo else None,
            ssl_context=self._tls,
            proxy_ssl_context=self._tls if url.scheme == "https" else None,
            max_connections=None,
            max_keepalive_connections=20,
            keepalive_expiry=_KEEPALIVE,
            network_backend=backend,
        )


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    """What goes wrong on the wire becomes FetchError."""
    try:
        yield
    except (httpcore.TimeoutException, TimeoutError) as error:
        _budget.get().patience(None)  # if all the time is gone, say so
        raise from_transport(error) from error
    except (
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.ProxyError,
        httpcore.UnsupportedProtocol,
        OSError,
        UnicodeError,
    ) as error:
        if isinstance(error, httpcore.ProxyError):
            _budget.get().is_spoken = False  # the proxy alone has heard us
        raise from_transport(error) from error


def proxy_for(url: httpx.URL) -> str:
    """The environment's proxy for this URL (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, less NO_PROXY), or "".
    This machine's own servers are never asked for through a proxy: its loopback is not ours."""
    if is_loopback(url.host) or urllib.request.proxy_bypass(url.host):
        return ""
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all") or ""
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


class _PoolTransport(httpx.BaseTransport):
    """httpx's face over an httpcore pool of our own. httpx's HTTPTransport takes no network backend, and its Client
    would keep cookies and log whole URLs, so neither is used."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        response = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.read(),
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_ResponseStream(response),
            extensions=response.extensions,
        )

    def close(self) -> None:
        self._pool.close()


class _ResponseStream(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        with _in_words():
            yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class _CheckedBackend(httpcore.NetworkBackend):
    """Connects to addresses, never to names: what was checked is what is connected to, so a name that changes its mind
    between the two (DNS rebinding) gains nothing. One bad address among several refuses them all."""

    def __init__(self, limits: Limits, resolve: Resolve, *, guarded: bool, private: bool) -> None:
        self._limits = limits
        self._lookup = resolve
        self._guarded = guarded
        self._private = private
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        budget = _budget.get()
        whole = Budget(budget.patience(timeout), 0)
        addresses = self._resolved(host, port, whole.left())
        if self._guarded:
            for address in addresses:
                if why := address_refusal(address, private=self._private):
                    raise Refused(why)
        addresses = addresses[:_MOST_ADDRESSES]
        failure: Exception | None = None
        for tried, address in enumerate(addresses):
            share = whole.left() / (len(addresses) - tried)  # so that a dead IPv6 route leaves time for IPv4
            try:
                stream = self._sockets.connect_tcp(address, port, share, local_address, socket_options)
                return _BudgetedStream(stream)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError("no address")

    def _resolved(self, host: str, port: int, timeout: float) -> list[str]:
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            pass
        found: Future[list[str]] = Future()
        threading.Thread(target=self._look_up, args=(host, port, found), daemon=True).start()
        try:
            return found.result(timeout)
        except TimeoutError:
            raise Unreachable(f"the name was not resolved within {timeout:.2g} s: is the DNS working?") from None

    def _look_up(self, host: str, port: int, found: "Future[list[str]]") -> None:
        """The system's resolver knows no timeout, so it runs beside us and may be left behind."""
        try:
            found.set_result(self._lookup(host, port))
        except (OSError, UnicodeError) as error:
            found.set_exception(error)


class _BudgetedStream(httpcore.NetworkStream):
    """A socket on a budget."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        budget = _budget.get()
        data = self._stream.read(max_bytes, budget.patience(timeout))
        budget.take(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        budget = _budget.get()
        patience = budget.patience(timeout)
        budget.is_spoken = True
        self._stream.write(buffer, patience)

    def close(self) -> None:
        """Wakes a thread that may be reading, too: closing alone would leave it waiting."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._stream.get_extra_info("socket"), socket.SHUT_RDWR)
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        budget = _budget.get()
        budget.is_spoken = False  # all that was said asked a proxy for the way
        return _BudgetedStream(self._stream.start_tls(ssl_context, server_hostname, budget.patience(timeout)))

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
