"""What comes back. The reports are written here, as Postfix, Exchange, qmail and the feedback loops write them."""

import email
import email.policy
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.mail.incoming import bounces
from bot.mail.incoming.bounces import severity
from bot.mail.incoming.classify import read_message
from bot.mail.tokens import Token, seal

SECRET = "a secret"
BOUNCE = seal(SECRET, "bounce", 7, 9)
GOODBYE = seal(SECRET, "unsubscribe digest", 7, 9)
FORGED = seal("another secret", "bounce", 7, 9)
FIXTURES = Path(__file__).resolve().parents[3].parent / "shared" / "fixtures"


def dsn(
    to: str = f"b+{BOUNCE}@papers.example.org",
    action: str = "failed",
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 5.1.1 <ada@example.net>: no such user",
    returned: str = "",
    subject: str = "Undelivered Mail Returned to Sender",
) -> bytes:
    return f"""Return-Path: <>
Delivered-To: {to}
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
Subject: {subject}
To: {to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
Original-Envelope-Id: d.2026-11-20.abc
Arrival-Date: Fri, 20 Nov 2026 12:00:05 +0000

Final-Recipient: rfc822; ada@example.net
Original-Recipient: rfc822;ada@example.net
Action: {action}
Status: {status}
Diagnostic-Code: {diagnostic}

--b1
Content-Type: text/rfc822-headers

{returned or "Subject: 20 November"}

--b1--
""".replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    ("status", "diagnostic", "action", "verdict", "told"),
    [
        ("5.1.1", "smtp; 550 5.1.1 no such user", "failed", "hard", "5.1.1"),
        ("5.1.10", "smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound", "failed", "hard", "5.1.10"),
        ("5.1.0", "", "failed", "hard", "5.1.0"),
        ("5.1.2", "", "failed", "hard", "5.1.2"),
        ("5.0.0", "smtp; 550 5.1.1 no such user", "failed", "hard", "5.1.1"),
        ("5.0.0 (permanent failure)", "", "failed", "soft", "5.0.0"),
        ("5.0.0", "smtp; 550 no such user here", "failed", "hard", "5.0.0"),
        (
            "5.4.1",
            "smtp; 550 5.4.1 Recipient address rejected: Access denied. AS(201806281)",
            "failed",
            "hard",
            "5.4.1",
        ),
        ("5.2.2", "smtp; 552 5.2.2 over quota", "failed", "soft", "5.2.2"),
        ("5.2.1", "", "failed", "soft", "5.2.1"),
        ("4.4.7", "", "failed", "soft", "4.4.7"),
        ("5.7.1", "smtp; 550 5.7.1 blocked", "failed", "ours", "5.7.1"),
        ("5.0.0", "smtp; 550 5.7.26 unauthenticated", "failed", "ours", "5.7.26"),
        ("5.3.4", "", "failed", "ours", "5.3.4"),
        ("", "smtp; 550 no such user", "failed", "soft", ""),
        ("5.1.1", "smtp; 450 4.2.2 full", "error", "hard", "5.1.1"),
        ("5.1.1", "smtp; 550 5.1.1 your IP is on our block list", "failed", "ours", "5.1.1"),
        ("5.2.0", "smtp; 550 5.2.0 sender address rejected", "failed", "ours", "5.2.0"),
        ("5.0.0", "smtp; 550 message looks like spam", "failed", "ours", "5.0.0"),
    ],
)
def test_a_delivery_report(status: str, diagnostic: str, action: str, verdict: str, told: str) -> None:
    incoming = read_message(dsn(status=status, diagnostic=diagnostic, action=action), SECRET)
    assert incoming.kind == "bounce"
    assert incoming.severity == verdict
    assert incoming.status == told
    assert incoming.token == Token("bounce", 7, 9)
    assert incoming.recipient == "ada@example.net"
    assert incoming.words == " ".join(diagnostic.split())


@pytest.mark.parametrize(("status", "action"), [("4.4.1", "delayed"), ("5.1.1", "delayed"), ("4.2.2", "")])
def test_a_delay_is_no_bounce(status: str, action: str) -> None:
    incoming = read_message(dsn(status=status, action=action), SECRET)
    assert (incoming.kind, incoming.severity) == ("delay", None)


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_good_news_is_no_bounce(action: str) -> None:
    assert read_message(dsn(action=action, status="2.0.0"), SECRET).kind == "other"


@pytest.mark.parametrize(
    "to", ["digest@papers.example.org", f"b+{FORGED}@papers.example.org", f"b+{BOUNCE[:-1]}a@papers.example.org", ""]
)
def test_a_report_without_our_token_is_nobodys_business(to: str) -> None:
    incoming = read_message(dsn(to=to), SECRET)
    assert (incoming.kind, incoming.token) == ("other", None)
    assert "without proof" in incoming.words
    assert (
        read_message(
            dsn(to=to, returned="List-Unsubscribe: <https://papers.example.org/u/" + FORGED + ">"), SECRET
        ).token
        is None
    )


def test_servers_may_change_the_case_of_an_address() -> None:
    assert read_message(dsn(to=f"B+{BOUNCE.upper()}@PAPERS.EXAMPLE.ORG"), SECRET).kind == "bounce"


def test_the_returned_header_proves_it_where_the_relay_took_our_envelope_away() -> None:
    returned = (
        f"Subject: x\nList-Unsubscribe: <https://papers.example.org/u/{GOODBYE}>,\n <mailto:u+{GOODBYE}@x.example>"
    )
    incoming = read_message(dsn(to="digest@papers.example.org", returned=returned), SECRET)
    assert incoming.kind == "bounce"
    assert incoming.token == Token("unsubscribe digest", 7, 9)


@pytest.mark.parametrize(
    "text",
    [
        f"To: unsub+{GOODBYE}@papers.example.org\r\nFrom: ada@example.net\r\nSubject: unsubscribe\r\n\r\n",
        f"To: <UNSUB+{GOODBYE.upper()}@papers.example.org>\r\n\r\n\r\n",
        f"Delivered-To: papers+u.{GOODBYE}@example.org\r\nTo: undisclosed-recipients:;\r\nSubject: Re:\r\n\r\nhi\r\n",
        f"X-Original-To: unsub+{GOODBYE}@papers.example.org\r\nAuto-Submitted: auto-generated\r\n\r\n",
        f"To: a@b.example,\r\n unsub+{GOODBYE}@papers.example.org\r\nReturn-Path: <>\r\nContent-Type: a/b\r\n\r\n",
    ],
)
def test_any_mail_to_the_address_is_a_goodbye(text: str) -> None:
    incoming = read_message(text.encode(), SECRET)
    assert incoming.kind == "unsubscribe"
    assert incoming.token == Token("unsubscribe digest", 7, 9)


@pytest.mark.parametrize(
    "header", ["Auto-Submitted: auto-replied", "Subject: Automatische Antwort: x", "Subject: 自動応答: x"]
)
def test_a_program_that_answers_for_a_person_says_no_goodbye(header: str) -> None:
    raw = f"To: unsub+{GOODBYE}@papers.example.org\r\nFrom: ada@example.net\r\n{header}\r\n\r\nI am away.\r\n"
    assert read_message(raw.encode(), SECRET).kind == "auto-reply"


def test_a_token_elsewhere_is_no_goodbye() -> None:
    for text in (
        f"To: help@papers.example.org\r\nSubject: {GOODBYE}@\r\n\r\nu+{GOODBYE}@papers.example.org\r\n",
        f"To: ada@example.net\r\nList-Unsubscribe: <mailto:unsub+{GOODBYE}@papers.example.org>\r\n\r\nour own\r\n",
        f"To: unsub+{seal('other', 'unsubscribe all', 7)}@papers.example.org\r\n\r\n",
    ):
        assert read_message(text.encode(), SECRET).kind == "other"


def arf(kind: str = "abuse", mail_from: str = "", unsubscribe: str = GOODBYE) -> bytes:
    return f"""From: feedback@provider.example
To: abuse@papers.example.org
Subject: FW: 20 November
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b1"

--b1
Content-Type: text/plain

This is an email abuse report.

--b1
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: Provider-Feedback/1.0
Version: 1
Original-Mail-From: <{mail_from}>
Original-Rcpt-To: redacted@provider.example

--b1
Content-Type: message/rfc822

From: Paper Digest <digest@papers.example.org>
To: redacted@provider.example
Subject: 20 November
List-Unsubscribe: <https://papers.example.org/u/{unsubscribe}>

Good morning.

--b1--
""".encode()


def test_a_complaint() -> None:
    for raw in (arf(), arf("fraud"), arf(mail_from=f"b+{BOUNCE}@papers.example.org", unsubscribe="redacted")):
        incoming = read_message(raw, SECRET)
        assert incoming.kind == "complaint"
        assert incoming.token is not None
        assert incoming.token.subscriber_id == 7
        assert "Provider-Feedback" in incoming.words


def test_a_complaint_without_proof_or_taken_back() -> None:
    assert read_message(arf(unsubscribe="redacted"), SECRET).kind == "other"
    assert read_message(arf(unsubscribe=FORGED), SECRET).kind == "other"
    assert read_message(arf("not-spam"), SECRET).kind == "other"


@pytest.mark.parametrize(
    "header",
    [
        "From: ada@example.net\r\nAuto-Submitted: auto-replied\r\nSubject: Away",
        "From: ada@example.net\r\nSubject: Out of Office: 20 November",
        "From: ada@example.net\r\nX-Autoreply: yes\r\nSubject: Danke",
        "From: ada@example.net\r\nPrecedence: auto_reply\r\nSubject: Gracias",
        "From: ada@example.net\r\nReturn-Path: <>\r\nSubject: Ich bin im Urlaub",
        "From: ada@example.net\r\nAuto-Submitted: auto-generated; why\r\nSubject: Ticket opened",
        "From: ada@example.net\r\nPrecedence: bulk\r\nSubject: Undeliverable",
        "From: ada@example.net\r\nX-Auto-Response-Suppress: All\r\nSubject: Undelivered until Monday",
        "From: ada@example.net\r\nSubject: =?utf-8?B?6Ieq5YuV5b+c562UOiA=?= undelivered",
        "From: postmaster@example.net\r\nSubject: Automatische Antwort: 550 5.1.1",
        "From: ada@example.net\r\nSubject: =?iso-8859-1?Q?R=E9ponse_automatique?= : not delivered",
    ],
)
def test_automatic_replies_change_nothing(header: str) -> None:
    raw = f"{header}\r\nTo: b+{BOUNCE}@papers.example.org\r\n\r\nI am away until Monday.\r\n".encode()
    assert read_message(raw, SECRET).kind == "auto-reply"


PROSE = {
    "qmail": (
        "Return-Path: <>\nFrom: MAILER-DAEMON@example.net\nSubject: failure notice\n",
        "Hi. This is the qmail-send program at example.net.\nI'm afraid I wasn't able to deliver your message.\n\n"
        "<ada@example.net>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
        "--- Below this line is a copy of the message.\n\n"
        "Return-Path: <digest@papers.example.org>\nSee section 5.7.1 of the paper.\n",
        ("hard", "5.1.1"),
    ),
    "exim": (
        "Return-Path: <>\nFrom: Mail Delivery System <Mailer-Daemon@example.net>\nSubject: Mail delivery failed\n",
        "A message that you sent could not be delivered.\n\n  ada@example.net\n"
        "    SMTP error from remote mail server after RCPT\n    host mx.example.net: 550 no such user\n",
        ("soft", "550"),
    ),
    "code": (
        "From: postmaster@example.net\nSubject: Delivery failure\n",
        "Your message was not delivered.\n\nThe server said: 554 mailbox disabled\n",
        ("soft", "554"),
    ),
    "blocked": (
        "From: postmaster@example.net\nSubject: Undeliverable: 20 November\n",
        "550 5.7.1 message content rejected\n",
        ("ours", "5.7.1"),
    ),
    "late": (
        "From: MAILER-DAEMON@example.net\nSubject: Warning: could not send message for past 4 hours\n",
        "Delivery failed so far; we will keep trying for 5 days. 451 4.4.1 no answer\n",
        ("delay", ""),
    ),
    "returned text is not the reason": (
        "From: MAILER-DAEMON@example.net\nSubject: Returned mail\n",
        "It failed.\n\n----- Original message -----\nWe prove theorem 5.1.1 and 5.1.2.\n",
        ("soft", ""),
    ),
}


@pytest.mark.parametrize("mailer", PROSE)
def test_a_mailers_own_words(mailer: str) -> None:
    header, body, (verdict, status) = PROSE[mailer]
    incoming = read_message(f"{header}To: b+{BOUNCE}@papers.example.org\n\n{body}".encode(), SECRET)
    expected = ("delay", None, "") if verdict == "delay" else ("bounce", verdict, status)
    assert (incoming.kind, incoming.severity, incoming.status) == expected
    # Words alone are proof of nothing.
    assert read_message(f"{header}To: digest@papers.example.org\n\n{body}".encode(), SECRET).kind != "bounce"


def test_a_person_who_answers_is_left_to_a_person() -> None:
    header = f"From: ada@example.net\nTo: b+{BOUNCE}@papers.example.org\nSubject: Re: 20 November\n"
    raw = f"{header}\nYour page failed to load.\n"
    assert read_message(raw.encode(), SECRET).kind == "other"


def test_a_papers_title_in_the_subject_makes_no_reply() -> None:
    header = "From: MAILER-DAEMON@example.net\nSubject: Undeliverable: Auto-reply and vacation, out of office\n"
    assert (
        read_message(f"{header}To: b+{BOUNCE}@papers.example.org\n\n550 5.1.1 nobody\n".encode(), SECRET).kind
        == "bounce"
    )


def test_severity_follows_the_table() -> None:
    verdicts = {
        status: severity(status)
        for status in ("5.1.1", "5.1.10", "5.1.6", "5.2.2", "4.2.2", "5.7.0", "4.7.0", "550", "")
    }
    assert verdicts == {
        **dict.fromkeys(("5.1.1", "5.1.10"), "hard"),
        **dict.fromkeys(("5.1.6", "5.2.2", "4.2.2", "550", ""), "soft"),
        **dict.fromkeys(("5.7.0", "4.7.0"), "ours"),
    }


def test_without_flufl_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flufl.bounce", None)
    raw = f"From: ada@example.net\nTo: b+{BOUNCE}@papers.example.org\nSubject: hello\n\nhello\n"
    assert read_message(raw.encode(), SECRET).kind == "other"
    assert read_message(dsn(), SECRET).kind == "bounce"


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary(max_size=400) | st.text(max_size=300).map(lambda text: dsn(diagnostic=text, returned=text, subject=text))
)
def test_any_bytes_have_a_meaning(raw: bytes) -> None:
    assert read_message(raw, SECRET).kind in ("bounce", "complaint", "unsubscribe", "auto-reply", "other")


@given(st.data())
def test_a_damaged_report_is_read_or_left(data: st.DataObject) -> None:
    raw = bytearray(dsn())
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=10))
    assert read_message(bytes(raw), SECRET).kind in ("bounce", "complaint", "unsubscribe", "auto-reply", "other")


def test_bombs() -> None:
    deep = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (level, level) for level in range(3000)
    )
    assert read_message(b"To: x@example.org\n" + deep, SECRET).kind == "other"
    nested = b"Content-Type: message/rfc822\n\n" * 3000
    assert read_message(nested, SECRET).kind == "other"
    assert read_message(b"a: b\n" * 300_000, SECRET).kind == "other"
    for prose in ("-" * 100_000, ":" * 100_000, " " * 100_000, "- \n" * 50_000, "fail" * 50_000, "5.1." * 50_000):
        header = f"From: MAILER-DAEMON@x\nTo: b+{BOUNCE}@papers.example.org\nSubject: failure notice\n"
        assert read_message(f"{header}\n{prose}".encode(), SECRET).kind == "bounce"
    assert read_message(dsn(diagnostic="x" * 2_000_000), SECRET).kind in ("bounce", "other")


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the shared fixtures are not here")
def test_the_bounces_of_the_fixtures_are_recognised_or_left_on_purpose() -> None:
    found: dict[str, bounces.Report | None] = {}
    for path in sorted(FIXTURES.glob("bounces/*.*")):
        if path.suffix in (".txt", ".eml"):
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.compat32)
            found[path.name] = bounces.read_report(message) or bounces.read_prose(message)
    left = {name for name, report in found.items() if report is None}
    # A virus warning that says nothing of delivery, and an automatic reply.
    assert left == {"bounce_01.txt", "qmail_08.txt"}
    kinds = [report.kind for report in found.values() if report is not None]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"failed": 67, "delayed": 9, "complaint": 1}
    assert found["simple_03.txt"].kind == "delayed"  # "Eventually the mail delivery software will give up"
    assert found["yahoo_01.txt"].kind == "failed"  # "I'm not going to try again"
    hard = {name for name, report in found.items() if report is not None and severity(report.status) == "hard"}
    assert {"dsn_11.txt", "fk_office365.eml", "ml_multi_address_bounce1.eml", "yahoo_11.txt"} <= hard
    assert not hard & {"fk_mailbox-full.eml", "ml_report_422.eml", "dsn_05.txt", "fk_delayed.eml"}


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the shared fixtures are not here")
def test_no_odd_message_of_the_fixtures_is_taken_for_anything() -> None:
    paths = sorted(FIXTURES.glob("email_messages/*.eml")) + sorted(FIXTURES.glob("bounces/*.*"))
    kinds = [read_message(path.read_bytes(), SECRET).kind for path in paths]
    assert len(kinds) >= 100
    assert set(kinds) <= {"other", "auto-reply"}  # for nothing in them is ours
