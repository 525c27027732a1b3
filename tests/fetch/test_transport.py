"""Connections: the guard at connect time, rebinding, TLS, proxies."""

import datetime as dt
import socket
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.errors import SourceError
from bot.fetch import Limits

# --- the guard -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]", "innocent.example"]
)
def test_a_source_that_is_not_local_never_reaches_this_machine(serve, visit, raw, names, host):
    server = serve({"/": raw(200, b"secret")})
    known = {"localhost": "127.0.0.1", "innocent": "127.0.0.1", "127_1": "127.0.0.1", "2130706433": "127.0.0.1"}
    with pytest.raises(SourceError, match=r"loopback address 127\.0\.0\.1 refused: set private = true"):
        visit(resolve=names(**known)).get(f"http://{host}:{server.port}/", private=False)
    assert server.connections == 0


def test_one_bad_address_among_good_ones_refuses_them_all(serve, visit, raw, names):
    server = serve({"/": raw(200, b"secret")})
    resolve = names(feeds=["203.0.114.1", "127.0.0.1"])
    with pytest.raises(SourceError, match="refused"):
        visit(resolve=resolve).get(server.url("/", "feeds.example"), private=False)
    assert server.connections == 0


def test_a_name_is_resolved_once_and_what_was_checked_is_what_is_connected_to(serve, visit, raw):
    """Rebinding: the resolver's second answer, or the system's own, would be another machine."""
    good = serve({"/": raw(200, b"good", connection="close")})
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    asked = []

    def turncoat(host, port):
        asked.append(host)
        return next(answers)

    visitor = visit(resolve=turncoat)
    assert visitor.body(good.url("/", "rebinding.example")) == b"good"
    assert asked == ["rebinding.example"]
    with pytest.raises(SourceError, match=r"rebinding\.example: cloud metadata address"):
        visitor.get(good.url("/", "rebinding.example"))
    assert asked == ["rebinding.example"] * 2


def test_every_hop_is_checked(serve, visit, raw, names):
    server = serve()
    server.routes["/"] = lambda _: raw(302, location=server.url("/", "inside.example"))
    with pytest.raises(SourceError, match=r"inside\.example: link-local address 169\.254\.7\.7 refused"):
        visit(resolve=names(inside="169.254.7.7")).get(server.url())


def test_connections_of_local_sources_are_not_lent_to_public_ones(serve, visit, raw, names):
    server = serve({"/": raw(200, b"mine")})
    visitor = visit(resolve=names(feeds="127.0.0.1"))
    url = server.url("/", "feeds.example")
    assert visitor.body(url) == b"mine"  # leaves an open connection to feeds.example behind
    with pytest.raises(SourceError, match="loopback address"):
        visitor.get(url, private=False)
    assert len(server.asked) == 1


def test_the_next_address_is_tried_when_one_is_dead(serve, visit, raw, names):
    server = serve({"/": raw(200, b"x")})
    resolve = names(feeds=["127.0.0.99", "127.0.0.1"])  # nobody listens at the first
    assert visit(resolve=resolve).body(server.url("/", "feeds.example")) == b"x"


def test_a_name_nobody_knows(visit, names):
    with pytest.raises(SourceError, match=r"gone\.example: the name could not be resolved: check"):
        visit(resolve=names()).get("http://gone.example/", private=False)


def test_a_resolver_in_a_moment_of_weakness_is_asked_again(serve, visit, raw):
    server = serve({"/": raw(200, b"x")})
    answers = iter([socket.gaierror(socket.EAI_AGAIN, "later"), ["127.0.0.1"]])

    def resolve(host, port):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert visit(resolve=resolve).body(server.url("/", "feeds.example")) == b"x"


def test_a_resolver_that_hangs_is_left_behind(visit):
    awake = threading.Event()

    def resolve(host, port):
        awake.wait(30)
        return []

    started = time.monotonic()
    with pytest.raises(SourceError, match=r"the name was not resolved within 0\.2 s"):
        visit(Limits(connect=0.2), resolve=resolve).get("http://feeds.example/")
    awake.set()
    assert time.monotonic() - started < 5


def test_a_resolver_without_an_answer(visit):
    with pytest.raises(SourceError, match=r"feeds\.example: "):
        visit(resolve=lambda host, port: []).get("http://feeds.example/")


def test_ipv6(visit, raw):
    try:
        listening = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 on this machine")

    def answer():
        connection, _ = listening.accept()
        with connection:
            asked.append(connection.recv(65536))
            connection.sendall(raw(200, b"six"))

    asked, port = [], listening.getsockname()[1]
    thread = threading.Thread(target=answer)
    thread.start()
    try:
        visitor = visit()
        assert visitor.body(f"http://[::1]:{port}/") == b"six"
        assert f"host: [::1]:{port}\r\n".encode() in asked[0].lower()
        with pytest.raises(SourceError, match="loopback address ::1 refused"):
            visitor.get(f"http://[0:0::1]:{port}/", private=False)
    finally:
        thread.join(10)
        listening.close()


def test_nobody_listening(visit):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    visitor = visit()
    with pytest.raises(SourceError, match=r"127\.0\.0\.1: connection refused"):
        visitor.get(f"http://127.0.0.1:{port}/")
    assert len(visitor.clock.slept) == 2


# --- TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """authority(host, days) -> a server's TLS context, its certificate for `host`; `authority.file` vouches for it."""
    folder = tmp_path_factory.mktemp("tls")
    now = dt.datetime.now(dt.UTC)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])

    def certificate(name, key, *, ca, days):
        begin = now - dt.timedelta(days=400)
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) if not ca else ca_name)
            .issuer_name(ca_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
            .add_extension(x509.KeyUsage(True, False, False, False, False, ca, ca, False, False), critical=True)
            .sign(ca_key, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
        )

    def make(host, days=30):
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = folder / f"{host}{days}.pem"
        file.write_bytes(pem + certificate(host, key, ca=False, days=days))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    make.file = folder / "authority.pem"
    make.file.write_bytes(certificate("authority", ca_key, ca=True, days=300))
    return make


def test_tls_is_verified_against_the_name_not_the_address(serve, visit, raw, names, authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    server = serve({"/": raw(200, b"x")}, tls=authority("feeds.example"))
    visitor = visit(resolve=names(feeds="127.0.0.1", other="127.0.0.1"))
    assert visitor.body(server.url("/", "feeds.example")) == b"x"
    assert visitor.body(server.url("/", "feeds.example")) == b"x"
    assert server.connections == 1
    with pytest.raises(SourceError, match="TLS certificate not valid: Hostname mismatch"):
        visitor.get(server.url("/", "other.example"))


def test_tls_that_nobody_vouches_for(serve, visit, raw, names, authority):
    server = serve({"/": raw(200, b"x")}, tls=authority("feeds.example"))
    with pytest.raises(SourceError, match=r"TLS certificate not valid: unable to get local issuer certificate.*never"):
        visit(resolve=names(feeds="127.0.0.1")).get(server.url("/", "feeds.example"))
    assert server.asked == []


def test_tls_expired(serve, visit, raw, names, authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    server = serve({"/": raw(200, b"x")}, tls=authority("feeds.example", days=-1))
    with pytest.raises(SourceError, match="TLS certificate not valid: certificate has expired"):
        visit(resolve=names(feeds="127.0.0.1")).get(server.url("/", "feeds.example"))


def test_certificates_that_are_not_there(visit, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/at/all.pem")
    with pytest.raises(SourceError, match="check SSL_CERT_FILE"):
        visit().get("https://feeds.example/")


def test_https_asked_of_an_http_server(visit, raw):
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer():
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(raw(400))

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(SourceError, match="does this address speak https"):
            visit().get(f"https://127.0.0.1:{listening.getsockname()[1]}/")
        thread.join(10)


def test_https_is_never_given_up_for_http(serve, visit, raw, names, authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    plain = serve({"/": raw(200, b"x")})
    server = serve({"/": raw(301, location=plain.url())}, tls=authority("feeds.example"))
    with pytest.raises(SourceError, match="redirects from https down to http"):
        visit(resolve=names(feeds="127.0.0.1")).get(server.url("/", "feeds.example"))
    assert plain.asked == []


# --- proxies ---------------------------------------------------------------------------------------------------------


def test_the_environments_proxy_is_used_and_may_be_local(serve, visit, raw, monkeypatch):
    proxy = serve({"*": raw(200, b"by proxy")})
    monkeypatch.setenv("HTTP_PROXY", proxy.url().replace("//", "//ada:pw@"))
    assert visit().body("http://feeds.example/feed?x=1", private=False) == b"by proxy"
    assert proxy.asked[0].line == "GET http://feeds.example/feed?x=1 HTTP/1.1"
    assert proxy.asked[0].headers["proxy-authorization"] == "Basic YWRhOnB3"


def test_no_proxy_and_loopback_go_straight(serve, visit, raw, names, monkeypatch):
    proxy, server = serve({"*": raw(200, b"by proxy")}), serve({"/": raw(200, b"straight")})
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{proxy.port}")
    monkeypatch.setenv("no_proxy", "other.test,.example")
    visitor = visit(resolve=names(feeds="127.0.0.1", localhost="127.0.0.1"))
    assert visitor.body(server.url("/", "feeds.example")) == b"straight"
    assert visitor.body(server.url("/", "localhost")) == b"straight"
    assert visitor.body(server.url("/")) == b"straight"
    assert visitor.body("http://elsewhere.test/") == b"by proxy"


def test_https_tunnels_through_the_proxy_and_is_verified_end_to_end(serve, visit, raw, authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    server = serve({"/": raw(200, b"x")}, tls=authority("feeds.example"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        said = []

        def tunnel():
            client, _ = listening.accept()
            with client, socket.create_connection(("127.0.0.1", server.port)) as there:
                said.append(client.recv(65536))
                client.sendall(b"HTTP/1.1 200 Go ahead\r\n\r\n")
                back = threading.Thread(target=pump, args=(there, client))
                back.start()
                pump(client, there)
                back.join(10)

        def pump(source, target):
            try:
                while data := source.recv(65536):
                    target.sendall(data)
                target.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        thread = threading.Thread(target=tunnel)
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listening.getsockname()[1]}")
        visitor = visit()
        assert visitor.body("https://feeds.example/", private=False) == b"x"
        visitor.fetcher.close()
        thread.join(10)
    assert said[0].startswith(b"CONNECT feeds.example:443 HTTP/1.1\r\n")


def test_a_proxy_that_refuses(serve, visit, raw, monkeypatch):
    proxy = serve({"*": raw(403)})
    monkeypatch.setenv("HTTPS_PROXY", proxy.url())
    with pytest.raises(SourceError, match=r"feeds\.example: the proxy would not connect us \(403 Whatever\)"):
        visit().get("https://feeds.example/")


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("socks5://127.0.0.1:1", "is not an http proxy"),
        ("http://u:s3cret@[x", "cannot be read"),
        ("http://", "cannot be read"),
    ],
)
def test_proxies_we_cannot_use(visit, monkeypatch, proxy, words):
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(SourceError, match=words) as caught:
        visit().get("http://feeds.example/")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("host", ["10.0.0.1", "0xa.1", "169.254.169.254", "[::ffff:10.0.0.1]", "[fd00::1]"])
def test_through_a_proxy_addresses_that_can_be_seen_are_still_checked(serve, visit, raw, monkeypatch, host):
    proxy = serve({"*": raw(200, b"secret")})
    monkeypatch.setenv("HTTP_PROXY", proxy.url())
    with pytest.raises(SourceError, match=r"address .* refused"):
        visit().get(f"http://{host}/", private=False)
    assert proxy.asked == []


@pytest.mark.parametrize("target", ["http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://192.168.0.1/"])
def test_a_public_page_that_redirects_inside(serve, visit, raw, monkeypatch, target):
    inside = serve({"/": raw(200, b"secret")})
    proxy = serve({"*": raw(302, location=target.format(port=inside.port))})
    monkeypatch.setenv("HTTP_PROXY", proxy.url())
    with pytest.raises(SourceError, match=r"address .* refused: set private"):
        visit().get("http://feeds.example/", private=False)
    assert inside.connections == 0
    assert len(proxy.asked) == 1
