import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.mail.transport.connection import Timeouts
from bot.mail.transport.folders import MaildirTransport, OutboxTransport
from bot.mail.transport.from_url import relay_of, transport
from bot.mail.transport.smtp import SmtpTransport

SECRET = "s3cr/et:p@ss"


@pytest.mark.parametrize(
    ("url", "kind", "name"),
    [
        ("outbox:outbox", OutboxTransport, "outbox:outbox"),
        ("outbox:/var/tmp/out?parts=no", OutboxTransport, "outbox:/var/tmp/out"),
        ("maildir:/var/mail/papers", MaildirTransport, "maildir:/var/mail/papers"),
        ("smtp://localhost", SmtpTransport, "smtp://localhost:587"),
        ("smtp://user:pass@mail.example.org:25/", SmtpTransport, "smtp://mail.example.org:25"),
        ("smtps://user:s3cr%2Fet%3Ap%40ss@mail.example.org", SmtpTransport, "smtps://mail.example.org:465"),
        ("smtp://[::1]:2525", SmtpTransport, "smtp://[::1]:2525"),
    ],
)
def test_the_way_an_url_names(url: str, kind: type, name: str) -> None:
    way = transport(url)
    assert isinstance(way, kind)
    assert way.name == name


@pytest.mark.parametrize(
    ("url", "tls"),
    [
        ("smtp://mail.example.org", "starttls"),
        ("smtp://mail.example.org?tls=off", "off"),
        ("smtp://localhost", "off"),
        ("smtp://127.0.0.2:25", "off"),
        ("smtp://[::1]", "off"),
        ("smtp://127.0.0.1?tls=on", "starttls"),
        ("smtp://localhost.example.org", "starttls"),
        ("smtps://localhost", "implicit"),
    ],
)
def test_encryption_is_insisted_on(url: str, tls: str) -> None:
    assert relay_of(url).tls == tls


def test_options() -> None:
    relay = relay_of(
        "smtp://ada%40example.org@mail.example.org?auth=XOAUTH2&token_command=oama+access+ada&helo=h.example.org&per_connection=5"
    )
    assert relay.login is not None
    assert (relay.login.user, relay.login.method) == ("ada@example.org", "xoauth2")
    assert relay.login.token_command == "oama access ada"
    assert (relay.helo, relay.per_connection) == ("h.example.org", 5)
    assert relay_of("smtp://x.example", helo="me.example").helo == "me.example"
    way = transport("smtp://x.example", timeouts=Timeouts(connect=1))
    assert isinstance(way, SmtpTransport)
    assert way.relay.timeouts.connect == 1


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", "outbox:DIR"),
        ("outbox", "outbox:DIR"),
        ("outbox:", "wants a folder"),
        ("maildir://host/path", "wants a folder"),
        ("outbox:x?part=no", "no option"),
        ("maildir:x?parts=no", "no option"),
        ("http://example.org", "no way to send mail"),
        ("sendmail:/usr/sbin/sendmail", "no way to send mail"),
        ("smtp://", "percent-encode"),
        ("smtp://host:99999", "percent-encode"),
        ("smtp://u:pa/ss@host", "percent-encode"),
        ("smtp://u:p#ss@host", "percent-encode"),
        ("smtp://host/path", "percent-encode"),
        ("smtp://ho st", "host name"),
        ("smtp://user@host", "without a password"),
        ("smtp://:pass@host", "without a user"),
        ("smtp://host?auth=plain", "without a user"),
        ("smtp://u:p%00@host", "NUL"),
        ("smtp://u:p@host?auth=cram-md5", "auth is"),
        ("smtp://u:p@host?auth=plain&token_command=x", "goes with"),
        ("smtp://host?tsl=off", "'tsl'"),
        ("smtp://host?tls=maybe", "on or off"),
        ("smtps://host?tls=off", "by nature"),
        ("smtp://host?helo=a+b", "no name to greet with"),
        ("smtp://host?per_connection=0", "1 or more"),
        ("smtps://host?ca=/does/not/exist.pem", "/does/not/exist.pem"),
    ],
)
def test_bad_urls_are_told_in_one_line(url: str, complaint: str) -> None:
    with pytest.raises(ValueError) as caught:
        transport(url)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_password_is_nowhere() -> None:
    way = transport("smtps://user:s3cr%2Fet%3Ap%40ss@mail.example.org?per_connection=7")
    assert isinstance(way, SmtpTransport)
    assert way.relay.login is not None
    assert way.relay.login.password == SECRET
    for shown in (way.name, repr(way), repr(way.relay), repr(way.relay.login), str(way.session())):
        assert "s3cr" not in shown
    for url in (
        "smtps://user:s3cr@host:x",
        "smtps://user:s3cr@ho st",
        "smtps://user:s3cr@host?x=y",
        "smtps://user:s3c/r@host",
    ):
        with pytest.raises(ValueError) as caught:
            transport(url)
        assert "s3c" not in str(caught.value)


@given(st.text(max_size=60).map(lambda text: f"smtp://{text}") | st.text(max_size=60))
def test_any_text_is_a_way_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        transport(text)
