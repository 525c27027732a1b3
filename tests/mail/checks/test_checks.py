"""What `doctor` says of relays and domains: real connections, and a real DNS server on loopback."""

import datetime as dt
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.mail.checks.dns import Domains, check_domains, dkim, dmarc, dns_lookup, spf, takes_mail
from bot.mail.checks.findings import Finding
from bot.mail.checks.relay import check_relay
from bot.mail.message.dkim import DkimSigner

Start = Callable[..., Any]
NOW = dt.datetime.now(dt.UTC)
SENDERS = ["digest@papers.example.org", "b+token@papers.example.org"]


def levels(found: list[Finding]) -> set[str]:
    assert all(finding.fix for finding in found if finding.level != "fine")
    assert not any("\n" in finding.what + finding.fix for finding in found)
    return {finding.level for finding in found}


def said(found: list[Finding]) -> str:
    return "\n".join(f"{finding.level}: {finding.what} ({finding.fix})" for finding in found)


def test_a_good_relay(relay: Start, authority: Any) -> None:
    server = relay(features=("AUTH PLAIN", "PIPELINING", "SMTPUTF8", "SIZE 30000000"), context=authority.server())
    url = f"smtp://user:hunter2@127.0.0.1:{server.port}?tls=on&ca={authority.ca}"
    found = check_relay(url, SENDERS, NOW)
    assert levels(found) == {"fine"}
    text = said(found)
    for word in ("TLSv1.", "good until", "login", "PIPELINING", "<b+token@papers.example.org>"):
        assert word in text
    assert "hunter2" not in text
    assert server.accepted == []
    assert not any(line.startswith("DATA") for line in server.commands)
    late = check_relay(url, [], NOW + dt.timedelta(days=25))
    assert "ends in 4 days" in said(late) or "ends in 5 days" in said(late)


def test_a_poor_relay(relay: Start) -> None:
    def script(talk: Any, line: str) -> str | None:
        return "553 5.7.1 not your address" if line.startswith("MAIL FROM:<b+") else None

    found = check_relay(f"smtp://127.0.0.1:{relay(script, features=('SIZE 1000',)).port}", SENDERS, NOW)
    text = said(found)
    assert "problem: it takes no message above 1000 bytes" in text
    assert "problem: it refuses mail from <b+token@papers.example.org>: 553 5.7.1 not your address" in text
    assert "fine: it takes mail from <digest@papers.example.org>" in text
    assert "advice: it offers no PIPELINING" in text


@pytest.mark.parametrize(
    ("features", "query", "login", "complaint", "fix"),
    [
        ((), "tls=on", "", "no STARTTLS", "smtps://"),
        (("AUTH PLAIN",), "tls=off", "user:hunter2@", "refused the login", "app password"),
    ],
)
def test_a_relay_that_will_not(
    features: tuple[str, ...], query: str, login: str, complaint: str, fix: str, relay: Start
) -> None:
    def script(talk: Any, line: str) -> str | None:
        return "535 5.7.8 wrong" if line.startswith("AUTH") else None

    server = relay(script, features=features)
    (finding,) = check_relay(f"smtp://{login}127.0.0.1:{server.port}?{query}", SENDERS, NOW)
    assert finding.level == "problem"
    assert complaint in finding.what
    assert fix in finding.fix
    assert "hunter2" not in said([finding])


def test_a_bad_certificate_and_nobody_there(relay: Start, authority: Any) -> None:
    server = relay(context=authority.server())
    (finding,) = check_relay(f"smtp://127.0.0.1:{server.port}?tls=on", SENDERS, NOW)
    assert "certificate" in finding.what
    assert "?ca=FILE" in finding.fix
    server.stop()
    (finding,) = check_relay(f"smtp://127.0.0.1:{server.port}", SENDERS, NOW)
    assert "cannot connect" in finding.what


def test_folders(tmp_path: Path) -> None:
    (finding,) = check_relay(f"outbox:{tmp_path}/new/folder", [], NOW)
    assert finding.level == "advice"
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_text("in the way")
    (finding,) = check_relay(f"maildir:{tmp_path}/file/below", [], NOW)
    assert finding.level == "problem"
    with pytest.raises(ValueError):
        check_relay("ftp://x", [], NOW)


Zone = dict[tuple[str, str], list[str]]


class NameServer:
    """A DNS server of one zone."""

    def __init__(self) -> None:
        self.zone: Zone = {}
        self.is_ill = False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address: tuple[str, int] = self.socket.getsockname()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def lookup(self, name: str, kind: str) -> list[str]:
        return dns_lookup(name, kind, server=self.address, seconds=3)

    def stop(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", self.address)
        self.thread.join(5)
        self.socket.close()

    def _serve(self) -> None:
        while True:
            packet, client = self.socket.recvfrom(4096)
            if not packet:
                return
            query = dns.message.from_wire(packet)
            question = query.question[0]
            name, kind = str(question.name).rstrip(".").lower(), dns.rdatatype.to_text(question.rdtype)
            answer = dns.message.make_response(query)
            answer.flags |= dns.flags.RA
            if self.is_ill:
                answer.set_rcode(dns.rcode.SERVFAIL)
            elif found := self.zone.get((name, kind)):
                answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
            elif not any(known == name for known, _ in self.zone):
                answer.set_rcode(dns.rcode.NXDOMAIN)
            self.socket.sendto(answer.to_wire(), client)


@pytest.fixture
def nameserver() -> Iterator[NameServer]:
    server = NameServer()
    yield server
    server.stop()


def text(value: str) -> str:
    """A TXT record in the strings of up to 255 bytes it is made of."""
    return " ".join(f'"{value[start : start + 200]}"' for start in range(0, len(value), 200))


@pytest.fixture(scope="session")
def signer(rsa_pem: bytes) -> DkimSigner:
    return DkimSigner("example.org", "lark", rsa_pem)


@pytest.fixture
def domains(signer: DkimSigner) -> Domains:
    return Domains(
        sender="papers.example.org",
        envelope="papers.example.org",
        dkim_name=signer.record_name,
        dkim_record=signer.record,
    )


@pytest.fixture
def good(nameserver: NameServer, signer: DkimSigner) -> NameServer:
    nameserver.zone = {
        ("papers.example.org", "TXT"): [
            text("other=thing"),
            text("v=spf1 include:_spf.relay.example ip4:192.0.2.1 -all"),
        ],
        ("_spf.relay.example", "TXT"): [text("v=spf1 a:mail.relay.example mx ~all")],
        ("papers.example.org", "MX"): ["10 mx.example.org."],
        (signer.record_name, "TXT"): [text(signer.record)],
        ("_dmarc.example.org", "TXT"): [text("v=DMARC1; p=none; rua=mailto:dmarc@example.org")],
    }
    return nameserver


def test_good_domains(good: NameServer, domains: Domains) -> None:
    found = check_domains(domains, good.lookup)
    assert levels(found) == {"fine"}
    assert len(found) == 4


def test_nothing_there(nameserver: NameServer, domains: Domains) -> None:
    found = check_domains(domains, nameserver.lookup)
    assert levels(found) == {"problem"}
    assert len(found) == 4
    assert domains.dkim_record in said(found)
    assert "_dmarc.papers.example.org" in said(found)


def test_no_answer_is_one_finding(good: NameServer, domains: Domains) -> None:
    good.is_ill = True
    (finding,) = check_domains(domains, good.lookup)
    assert finding.level == "advice"
    assert "no answer" in finding.what


def of(zone: Zone) -> Callable[[str, str], list[str]]:
    return lambda name, kind: zone.get((name, kind), [])


@pytest.mark.parametrize(
    ("records", "level", "complaint"),
    [
        (["v=spf1 ip4:192.0.2.1 -all"], "fine", ""),
        (["V=SPF1 redirect=_spf.example.org"], "fine", ""),
        (["v=spf1 ip4:192.0.2.1 +all"], "problem", "anybody"),
        (["v=spf1 all"], "problem", "anybody"),
        (["v=spf1 ip4:192.0.2.1 ?all"], "advice", "forbids nothing"),
        (["v=spf1 mx"], "advice", "forbids nothing"),
        (["v=spf1 -all", "v=spf1 ~all"], "problem", "2 SPF records"),
        (["v=spf10 -all"], "problem", "no SPF record"),
        (["v=spf1 include:loop.example -all"], "problem", "look-ups"),
        (["v=spf1 " + " ".join(f"a:h{number}.example" for number in range(11)) + " -all"], "problem", "11 look-ups"),
    ],
)
def test_spf(records: list[str], level: str, complaint: str) -> None:
    zone = {("example.org", "TXT"): records, ("loop.example", "TXT"): ["v=spf1 include:loop.example -all"]}
    found = spf("example.org", of(zone))
    assert levels(found) == {level}
    assert complaint in said(found)


@pytest.mark.parametrize(
    ("change", "level", "complaint"),
    [
        (lambda record: record, "fine", ""),
        (lambda record: record.replace("p=", "p= ").replace("k=rsa; ", ""), "fine", ""),
        (lambda record: "v=DKIM1; p=", "problem", "revoked"),
        (lambda record: record.replace("p=MIIB", "p=MIIC"), "problem", "not the one"),
        (lambda record: record.replace("k=rsa", "k=rsa; t=y"), "advice", "test"),
        (lambda record: "v=spf1 -all", "problem", "no DKIM key"),
    ],
)
def test_dkim(change: Callable[[str], str], level: str, complaint: str, signer: DkimSigner) -> None:
    found = dkim(signer.record_name, signer.record, of({(signer.record_name, "TXT"): [change(signer.record)]}))
    assert levels(found) == {level}
    assert complaint in said(found)


@pytest.mark.parametrize(
    ("record", "level", "complaint"),
    [
        ("v=DMARC1; p=reject; rua=mailto:a@example.org", "fine", ""),
        ("v=DMARC1;p=none", "advice", "no reports"),
        ("v=DMARC1; p=none; pct=50; ri=1; rua=mailto:a@x.example", "advice", "pct, ri"),
        ("v=DMARC1; rua=mailto:a@x.example", "problem", "no policy"),
        ("v=DMARC1; p=none; rua=mailto:a@x.example; aspf=s", "advice", "aspf=s"),
        ("v=DMARC1; p=none; rua=mailto:a@x.example; adkim=s", "problem", "we sign for example.org"),
        ("v=DMARC2; p=none", "problem", "no DMARC record"),
    ],
)
def test_dmarc(record: str, level: str, complaint: str) -> None:
    domains = Domains(
        sender="papers.example.org",
        envelope="bounces.example.org",
        dkim_name="lark._domainkey.example.org",
        dkim_record="",
    )
    found = dmarc(domains, of({("_dmarc.example.org", "TXT"): [record]}))
    assert levels(found) == {level}
    assert complaint in said(found)


@pytest.mark.parametrize(
    ("envelope", "is_kin"),
    [("example.org", True), ("bounces.example.org", True), ("bounces.relay.example", False), ("b.other.org", False)],
)
def test_alignment_and_the_way_back(envelope: str, is_kin: bool) -> None:
    domains = Domains(sender="papers.example.org", envelope=envelope)
    found = check_domains(domains, of({(envelope, "MX"): ["mx.x.example."]}))
    assert ("no kin" not in said(found)) is is_kin
    assert "takes mail, so bounces can come back" in said(found)
    assert "null MX" in said(check_domains(domains, of({(envelope, "MX"): ["."]})))
    assert "A record" in said(check_domains(domains, of({(envelope, "A"): ["192.0.2.1"]})))
    assert "bounces are lost" in said(check_domains(domains, of({})))


def test_without_dnspython() -> None:
    def lookup(name: str, kind: str) -> list[str]:
        raise ImportError

    (finding,) = check_domains(Domains(sender="a.example", envelope="a.example"), lookup)
    assert "dnspython" in finding.fix


@given(st.lists(st.text(max_size=80) | st.text(max_size=60).map(lambda rest: f"v=spf1 {rest}"), max_size=3))
def test_any_records_are_judged(records: list[str]) -> None:
    domains = Domains(sender="a.example", envelope="a.example", dkim_name="l._domainkey.a.example", dkim_record="p=x")
    found = check_domains(domains, lambda name, kind: records)
    assert found
    assert levels(found) <= {"fine", "advice", "problem"}


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({("a.example", "MX"): ["mx.a.example."]}, True),
        ({("a.example", "MX"): ["."]}, False),  # RFC 7505: takes no mail
        ({("a.example", "A"): ["192.0.2.1"], (".", "NS"): ["a.root-servers.net."]}, True),
        ({("a.example", "AAAA"): ["2001:db8::1"], (".", "NS"): ["a.root-servers.net."]}, True),
        ({(".", "NS"): ["a.root-servers.net."]}, False),
        ({}, True),  # a resolver that knows nothing is no DNS
    ],
)
def test_whether_a_domain_takes_mail(known: dict[tuple[str, str], list[str]], expected: bool) -> None:
    assert takes_mail("a.example", lambda name, kind: known.get((name, kind), [])) is expected


def test_no_answer_is_no_refusal() -> None:
    def silent(name: str, kind: str) -> list[str]:
        raise OSError("timed out")

    assert takes_mail("a.example", silent)
