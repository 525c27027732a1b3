"""A look at the way mail goes out, without sending any: reachable, encrypted, logged in, and what it can do."""

import os
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bot.errors import DeliveryError
from bot.mail.checks.findings import Finding, advice, fine, problem
from bot.mail.transport.connection import Timeouts, is_loopback
from bot.mail.transport.folders import MaildirTransport, OutboxTransport
from bot.mail.transport.from_url import transport
from bot.mail.transport.smtp import Relay, SmtpSession, SmtpTransport

SMALLEST_LIMIT = 500_000  # bytes: a digest with both parts may have 150,000
RENEWAL = 14  # days before its end at which a certificate should have been renewed


def check_relay(url: str, senders: Sequence[str], now: datetime, timeouts: Timeouts | None = None) -> list[Finding]:
    """Findings on the transport an URL names. `senders` are envelope senders the relay must take (one with a token
    among them, where bounces come back that way). Raises ValueError for an URL that names none."""
    way = transport(url, timeouts=timeouts or Timeouts(connect=10, greeting=15, command=15))
    if isinstance(way, OutboxTransport | MaildirTransport):
        return [_folder(way.name, way.folder)]
    assert isinstance(way, SmtpTransport)
    session = way.session()
    try:
        session.connect()
        return [
            *_encryption(way.relay, session, now),
            *_login(way.relay),
            *_features(session),
            *_senders(session, senders),
        ]
    except DeliveryError as error:
        return [problem(str(error), _fix(error, way.relay))]
    finally:
        session.close()


def _folder(name: str, folder: Path) -> Finding:
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
        return advice(
            f"mail goes to {name} and to nobody's inbox", "set mail.url to smtp(s)://USER:PASS@HOST to send it"
        )
    return problem(f"{name} cannot be written to", f"create {folder} and let this user write to it")


def _encryption(relay: Relay, session: SmtpSession, now: datetime) -> list[Finding]:
    tls = session.connection.tls if session.connection else None
    if tls is None:
        if is_loopback(relay.host):
            return [fine(f"{relay.name} answers (in clear text, on this machine)")]
        return [problem(f"{relay.name} is spoken to in clear text", "remove ?tls=off from mail.url")]
    found = [fine(f"{relay.name} answers, encrypted with {tls.version()}")]
    certificate = tls.getpeercert() or {}
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    days = (ends - now).days
    if days < RENEWAL:
        found.append(
            advice(f"the relay's certificate ends in {days} days ({ends:%Y-%m-%d})", "have its operator renew it")
        )
    else:
        found.append(fine(f"its certificate is good until {ends:%Y-%m-%d}"))
    return found


def _login(relay: Relay) -> list[Finding]:
    if relay.login is not None:
        return [fine("it takes our login")]
    if is_loopback(relay.host):
        return []
    return [advice("we send without a login", "give USER:PASS in mail.url unless the relay knows us by our address")]


def _features(session: SmtpSession) -> list[Finding]:
    features, found = session.features, []
    if "PIPELINING" in features:
        found.append(fine("it takes several commands at once (PIPELINING)"))
    else:
        found.append(
            advice("it offers no PIPELINING: twice the round trips per message", "raise mail.connections instead")
        )
    limit = features.get("SIZE", "")
    if limit.isdecimal() and 0 < int(limit) < SMALLEST_LIMIT:
        found.append(problem(f"it takes no message above {limit} bytes", "lower max_papers, or have its limit raised"))
    if "SMTPUTF8" not in features:
        found.append(
            advice("it offers no SMTPUTF8", "subscribers with letters beyond ASCII before the @ need a relay that does")
        )
    return found


def _senders(session: SmtpSession, senders: Sequence[str]) -> list[Finding]:
    found = []
    for sender in senders:
        reply = session.ask_sender(sender)
        if reply.is_fine:
            found.append(fine(f"it takes mail from <{sender}>"))
        else:
            found.append(
                problem(
                    f"it refuses mail from <{sender}>: {reply.words}",
                    "verify the domain or address with the relay's operator",
                )
            )
    return found


def _fix(error: DeliveryError, relay: Relay) -> str:
    text = str(error)
    if "login" in text:
        return "check user and password in mail.url; many providers want an app password or auth=xoauth2"
    if "certificate" in text:
        return "use the host name the certificate is for, or give the authority with ?ca=FILE"
    if "STARTTLS" in text:
        return "use smtps:// with port 465, or another port"
    if error.outcome == "retry":
        hint = "; many networks block port 25, try 587 or 465" if relay.port == 25 else ""
        return f"is the host name right, the port open from here, the relay up?{hint}"
    return "ask the relay's operator, who will find its words in the log"
