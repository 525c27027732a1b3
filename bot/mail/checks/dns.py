"""What the DNS must say for mail of ours to be believed: SPF, DKIM, DMARC, and an MX for what comes back.

The rules are pure; `dns_lookup` asks, and only it needs the network (dnspython, which email-validator brings along).
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bot.mail.checks.findings import Finding, advice, fine, problem

Lookup = Callable[
    [str, str], list[str]
]  # (name, "TXT" | "MX" | "A") -> texts; [] if there are none; OSError: no answer

SPF_LOOKUPS = 10  # RFC 7208 4.6.4
DEPTH = 10
SHORTEST_KEY = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Domains:
    """Where our mail says it is from. `dkim_record` is what our own signer needs there; "" if the relay signs."""

    sender: str  # domain of From
    envelope: str  # domain of the envelope sender: SPF is asked about it, bounces go to it
    dkim_name: str = ""  # "paperlark._domainkey.example.org"
    dkim_record: str = ""


def check_domains(domains: Domains, lookup: Lookup) -> list[Finding]:
    """Findings on all four. A DNS that does not answer is one finding, not four."""
    try:
        return [
            *_alignment(domains),
            *spf(domains.envelope, lookup),
            *(dkim(domains.dkim_name, domains.dkim_record, lookup) if domains.dkim_name else ()),
            *dmarc(domains, lookup),
            *_mx(domains.envelope, lookup),
        ]
    except ImportError:
        return [advice("the DNS was not asked", "pip install dnspython")]
    except OSError as error:
        return [
            advice(
                f"the DNS gives no answer ({error})", "is this machine online? Try again, or check with another tool"
            )
        ]


def dns_lookup(name: str, kind: str, *, seconds: float = 5, server: tuple[str, int] | None = None) -> list[str]:
    """Ask the system's resolver, or the one at `server`. Raises ImportError without dnspython."""
    import dns.exception
    import dns.resolver

    resolver = dns.resolver.Resolver(configure=server is None)
    if server is not None:
        resolver.nameservers, resolver.port = [server[0]], server[1]
    try:
        answer = resolver.resolve(name, kind, lifetime=seconds, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except dns.exception.DNSException as error:
        raise OSError(str(error)) from None
    if kind == "TXT":
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
    if kind == "MX":
        return [str(record.exchange) for record in answer]
    return [str(record) for record in answer]


def takes_mail(domain: str, lookup: Lookup = partial(dns_lookup, seconds=2)) -> bool:
    """Whether a domain takes mail: it has an MX that is not null (RFC 7505), or an address of its own (RFC 5321 5.1).

    Where the DNS gives no answer, nobody is refused; nor where it is none: a resolver that does not even know the root
    (in a container, behind a firewall) says of every domain that there is no such thing.
    """
    try:
        exchanges = lookup(domain, "MX")
        if exchanges:
            return any(exchange.strip(".") for exchange in exchanges)
        return bool(lookup(domain, "A") or lookup(domain, "AAAA")) or not lookup(".", "NS")
    except (OSError, ImportError):
        return True


def _alignment(domains: Domains) -> list[Finding]:
    if _is_kin(domains.sender, domains.envelope):
        return []
    return [
        advice(
            f"bounces go to {domains.envelope}, which is no kin of {domains.sender}: SPF counts for nothing with DMARC",
            f"use an address in {domains.sender} or below it for bounces, or rely on DKIM alone",
        )
    ]


def spf(domain: str, lookup: Lookup) -> list[Finding]:
    """RFC 7208."""
    records = [text for text in lookup(domain, "TXT") if re.match(r"v=spf1(?:\s|$)", text, re.IGNORECASE)]
    example = (
        f'a TXT record at {domain}, such as "v=spf1 include:YOUR-RELAY -all" (your relay\'s operator has the words)'
    )
    if not records:
        return [problem(f"{domain} has no SPF record", f"add {example}")]
    if len(records) > 1:
        return [problem(f"{domain} has {len(records)} SPF records, so none counts", "merge them into one")]
    found = []
    terms = records[0].lower().split()[1:]
    if {"all", "+all"} & set(terms):
        found.append(problem(f"the SPF record of {domain} lets anybody send (+all)", "end it with -all or ~all"))
    elif not any(term.endswith("all") and term[0] in "-~" for term in terms) and not any(
        "redirect=" in term for term in terms
    ):
        found.append(advice(f"the SPF record of {domain} forbids nothing", "end it with -all or ~all"))
    lookups = _spf_lookups(records[0], lookup, DEPTH)
    if lookups > SPF_LOOKUPS:
        found.append(
            problem(
                f"the SPF record of {domain} needs {lookups} look-ups; receivers stop at 10", "remove unused includes"
            )
        )
    return found or [fine(f"{domain} has an SPF record")]


def _spf_lookups(record: str, lookup: Lookup, depth: int) -> int:
    number = 0
    for term in record.split()[1:]:
        name, _, value = term.lstrip("+-~?").lower().replace("=", ":", 1).partition(":")
        if name.partition("/")[0] in ("a", "mx", "ptr", "exists", "include", "redirect"):
            number += 1
        if name in ("include", "redirect") and depth and number <= 2 * SPF_LOOKUPS and "%" not in value:
            inner = [text for text in lookup(value, "TXT") if text.lower().startswith("v=spf1")]
            number += _spf_lookups(inner[0], lookup, depth - 1) if inner else 0
    return number


def dkim(name: str, record: str, lookup: Lookup) -> list[Finding]:
    """RFC 6376 3.6.1, against what our signer needs."""
    published = [text for text in lookup(name, "TXT") if "p=" in text]
    if not published:
        return [problem(f"{name} has no DKIM key", f'add a TXT record there: "{record}"')]
    if len(published) > 1:
        return [problem(f"{name} has {len(published)} DKIM keys", "keep the one of the running signer")]
    tags = _tags(published[0])
    key = re.sub(r"\s", "", tags.get("p", ""))
    if not key:
        return [problem(f"the DKIM key at {name} is revoked (p= is empty)", f'set the TXT record to "{record}"')]
    if key != re.sub(r"\s", "", _tags(record).get("p", "")):
        return [problem(f"the DKIM key at {name} is not the one we sign with", f'set the TXT record to "{record}"')]
    try:
        bits = (len(base64.b64decode(key)) - 38) * 8  # a DER public key has some 38 bytes beside the modulus
    except ValueError:
        return [problem(f"the DKIM key at {name} is damaged", f'set the TXT record to "{record}"')]
    if bits < SHORTEST_KEY:
        return [advice(f"the DKIM key at {name} is short", "make one of 2048 bits")]
    if "y" in tags.get("t", "").split(":"):
        return [advice(f"the DKIM key at {name} is marked as a test (t=y)", "remove t=y")]
    return [fine(f"{name} holds our DKIM key")]


def dmarc(domains: Domains, lookup: Lookup) -> list[Finding]:
    """RFC 9989: the record of the domain, else of a parent."""
    labels = domains.sender.split(".")
    names = [".".join(labels[start:]) for start in range(max(1, len(labels) - 1))]
    for name in names:
        records = [text for text in lookup(f"_dmarc.{name}", "TXT") if re.match(r"v=DMARC1\s*(?:;|$)", text)]
        if records:
            break
    else:
        fix = f'add a TXT record at _dmarc.{domains.sender}: "v=DMARC1; p=none; rua=mailto:postmaster@{domains.sender}"'
        return [problem(f"{domains.sender} has no DMARC record, which the large providers want", fix)]
    where = f"_dmarc.{name}"
    if len(records) > 1:
        return [problem(f"{where} has {len(records)} DMARC records, so none counts", "keep one")]
    tags = _tags(records[0])
    found = []
    if tags.get("p", "").lower() not in ("none", "quarantine", "reject"):
        found.append(problem(f"{where} names no policy", "add p=none (or quarantine, reject)"))
    if gone := sorted({"pct", "rf", "ri"} & tags.keys()):
        found.append(advice(f"{where} has {', '.join(gone)}, which RFC 9989 took away", "remove it"))
    if "rua" not in tags:
        found.append(advice(f"{where} asks for no reports", "add rua=mailto:… to hear of failures"))
    if tags.get("aspf", "r").lower() == "s" and domains.envelope != domains.sender:
        found.append(
            advice(
                f"{where} wants the envelope's domain to be exactly {domains.sender}", "remove aspf=s, or rely on DKIM"
            )
        )
    signed = domains.dkim_name.partition("._domainkey.")[2]
    if signed and not (
        signed == domains.sender or (tags.get("adkim", "r").lower() != "s" and _is_kin(signed, domains.sender))
    ):
        found.append(
            problem(f"we sign for {signed}, which DMARC does not take for {domains.sender}", "sign for the From domain")
        )
    return found or [fine(f"{where} holds a DMARC record")]


def _mx(domain: str, lookup: Lookup) -> list[Finding]:
    exchanges = lookup(domain, "MX")
    if [exchange for exchange in exchanges if exchange.rstrip(".")]:
        return [fine(f"{domain} takes mail, so bounces can come back")]
    if exchanges:
        return [problem(f"{domain} says that it takes no mail (null MX), so bounces are lost", "give it an MX record")]
    if lookup(domain, "A"):
        return [advice(f"{domain} has no MX record; bounces go to its A record", "give it an MX record")]
    return [
        problem(f"{domain} takes no mail, so bounces are lost and some receivers refuse ours", "give it an MX record")
    ]


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}


def _is_kin(one: str, other: str) -> bool:
    """Whether two domains look like one organisation's: near enough without the public suffix list."""
    labels = [domain.lower().rstrip(".").split(".")[::-1] for domain in (one, other)]
    common = 0
    for left, right in zip(*labels, strict=False):
        if left != right:
            break
        common += 1
    return common == min(map(len, labels)) or common > 2 or (common == 2 and len(labels[0][1]) > 3)
