"""Subscribing on the web page: who is asked whether it was them, how often, and what a yes does.

Whatever the address, the visitor is told the same. Limits are counted by rows, so that all web processes share them.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from bot.core.subscriber.address import normal_address
from bot.core.subscriber.subscriber import Subscriber, stored_subscriber, subscriber_from
from bot.mail import tokens
from bot.mail.tokens import Token
from bot.pipeline import service_mail
from bot.pipeline.preferences import forget_rows, hash_of
from bot.pipeline.sender_identity import Identity
from bot.pipeline.service_mail import ServiceMail
from bot.pipeline.subscribers import record_for
from bot.store import Connection, Database, consents, mail_requests, outbox, settings, subscribers
from bot.store.mail_requests import Counts, MailRequest, RequestKind
from bot.store.subscribers import StoredSubscriber

log = logging.getLogger(__name__)

WORDING = "2026-11"  # version of what the form says somebody agrees to: change it with the text

BETWEEN = timedelta(minutes=10)  # two mails to one address
ADDRESS_DAY = 3
NETWORK_HOUR = 20
HOUSE_HOUR = 60  # of people who have not confirmed
FLOOD = "sign-up flood"  # the setting that says since when, and whether the operator knows
TELL_AGAIN = timedelta(days=1)
UNCONFIRMED_LIFE = timedelta(days=7)
REQUEST_LIFE = timedelta(days=31)  # longer than any limit or link

INVITATION_DAYS, LONGEST_INVITATION = 30, 365

SignUpOutcome = Literal["asked", "known", "silent", "address limit", "network limit", "house limit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Where a form came from."""

    network: str
    form: str  # the page


def invitation(secret: str, ends: datetime, email: str = "") -> str:
    """What opens the form where subscribing is by invitation: for anybody, or for one address alone."""
    return tokens.signed_moment(secret, ends, "invite", email)


def is_invited(secret: str, text: str, email: str, now: datetime) -> bool:
    """Whether an invitation holds for an address: it is for anybody or for this one, and not over."""
    with suppress(ValueError):
        email = normal_address(email)
    known = (tokens.moment_signed(secret, text, "invite", about) for about in ("", email))
    return any(ends is not None and now < ends for ends in known)


def limit_reached(counts: Counts, now: datetime, *, unconfirmed: bool) -> SignUpOutcome | None:
    """Which limit forbids one more mail; None if none does. That of the whole installation is for those who have not
    confirmed."""
    if counts.address_day >= ADDRESS_DAY or (counts.address_last and now - counts.address_last < BETWEEN):
        return "address limit"
    if counts.network_hour >= NETWORK_HOUR:
        return "network limit"
    if unconfirmed and counts.unconfirmed_hour >= HOUSE_HOUR:
        return "house limit"
    return None


def ask(
    database: Database,
    identity: Identity,
    subscriber: Subscriber,
    visit: Visit,
    takes_mail: Callable[[str], bool],
    now: datetime,
) -> SignUpOutcome:
    """Somebody typed this address into the form. At most one mail goes to it: a question, or for who is subscribed
    already the way to the preferences; nothing to who once complained."""
    with database.read() as tx:  # without a lock: a flood must not stand in everybody else's way
        outcome = _judge(tx, identity, subscriber.email, visit, now)[0]
    # The DNS is asked whoever it is: how long the answer takes must not tell who is known here.
    if outcome not in ("network limit", "house limit") and not takes_mail(subscriber.email.rpartition("@")[2]):
        outcome = "silent"
    if outcome not in ("asked", "known"):
        _note(database, outcome, now)
        return outcome
    with database.write() as tx:
        mail_requests.lock_counts(tx)
        outcome, stored = _judge(tx, identity, subscriber.email, visit, now)
        if outcome == "known" and stored is not None:
            language = stored_subscriber(stored.data).language
            _request(tx, identity, stored.id, "manage", "", visit, now, language)
        elif outcome == "asked":
            table = dict(subscriber.table)
            number = stored.id if stored else subscribers.add_unconfirmed(tx, subscriber.email, table, now)
            data = json.dumps(table, ensure_ascii=False)
            _request(tx, identity, number, "confirm", data, visit, now, subscriber.language)
            consents.add(tx, number, "asked", at=now, wording=WORDING, form=visit.form, network=visit.network)
    _note(database, outcome, now)
    return outcome


def _judge(
    tx: Connection, identity: Identity, email: str, visit: Visit, now: datetime
) -> tuple[SignUpOutcome, StoredSubscriber | None]:
    stored = subscribers.by_email(tx, email)
    status = stored.status if stored else subscribers.status_of_erased(tx, hash_of(identity.secret, email))
    if status == "complained":
        return "silent", stored
    known = status in ("active", "paused")
    counts = mail_requests.counts(tx, stored.id if stored else None, visit.network, now)
    return limit_reached(counts, now, unconfirmed=not known) or ("known" if known else "asked"), stored


def _request(
    tx: Connection,
    identity: Identity,
    subscriber_id: int,
    kind: RequestKind,
    data: str,
    visit: Visit,
    now: datetime,
    language: str,
    to: str = "",
) -> None:
    number = mail_requests.add(tx, subscriber_id, kind, visit.network, data, now)
    service_mail.queue(tx, subscriber_id, ServiceMail(kind, number, to, language), now, identity.message_id)


def send_link(
    database: Database,
    identity: Identity,
    stored: StoredSubscriber,
    kind: RequestKind,
    visit: Visit,
    now: datetime,
    new_address: str = "",
) -> SignUpOutcome:
    """A subscriber asks on a page of theirs for a link by fresh mail. The same limits hold; a new address that has a
    subscriber already, or complained, gets nothing."""
    with database.write() as tx:
        mail_requests.lock_counts(tx)
        outcome = limit_reached(mail_requests.counts(tx, stored.id, visit.network, now), now, unconfirmed=False)
        if outcome:
            return outcome
        if new_address:
            other = subscribers.by_email(tx, new_address)
            erased = subscribers.status_of_erased(tx, hash_of(identity.secret, new_address))
            if (other is not None and other.status != "unconfirmed") or erased == "complained":
                return "silent"
        language = stored_subscriber(stored.data).language
        _request(tx, identity, stored.id, kind, new_address, visit, now, language, to=new_address)
    return "known"


def _note(database: Database, outcome: SignUpOutcome, now: datetime) -> None:
    """A flood is said once a day: in the log now, to the operator by the next round (`tell_of_flood`)."""
    if outcome != "house limit":
        return
    with database.read() as tx:
        since = settings.get(tx, FLOOD)
    if since and now - datetime.fromisoformat(since.removesuffix(" told")) < TELL_AGAIN:
        return
    with database.write() as tx:
        settings.put(tx, FLOOD, now.isoformat())
    log.warning("more than %d people asked to subscribe within an hour; no more are asked for now", HOUSE_HOUR)


def flood_to_tell(database: Database) -> bool:
    """Whether the operator does not know of a flood yet."""
    with database.read() as tx:
        since = settings.get(tx, FLOOD)
    return since is not None and not since.endswith(" told")


def flood_told(database: Database) -> None:
    with database.write() as tx:
        since = settings.get(tx, FLOOD)
        if since is not None:
            settings.put(tx, FLOOD, f"{since.removesuffix(' told')} told")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a link of a confirmation is about."""

    request: MailRequest
    subscriber: Subscriber
    state: Literal["open", "subscribed", "over"]  # over: they have left since


def asked(database: Database, token: Token) -> Asked | None:
    """What somebody is about to confirm; None where nothing is left of it."""
    with database.read() as tx:
        request = mail_requests.by_id(tx, token.item_id)
        stored = subscribers.by_id(tx, token.subscriber_id)
    if request is None or stored is None or request.kind != "confirm" or request.subscriber_id != stored.id:
        return None
    if stored.status == "complained":
        return None
    state: Literal["open", "subscribed", "over"] = "open"
    if stored.status in ("active", "paused"):
        state = "subscribed"
    elif request.done_at is not None or request.at < stored.status_since:
        state = "over"
    return Asked(request, subscriber_from(json.loads(request.data)), state)


def confirm(database: Database, token: Token, visit: Visit, now: datetime) -> Asked | None:
    """Yes: active from now on, with a first edition of the last period due at once. A second yes changes nothing, nor
    does one older than a goodbye. Returns how it stands then."""
    found = asked(database, token)
    if found is None or found.state != "open":
        return found
    with database.write() as tx:
        stored = subscribers.by_id(tx, token.subscriber_id)
        if stored is None or not mail_requests.mark_done(tx, found.request.id, now):
            return found  # somebody else was faster
        record = record_for(found.subscriber, now)
        first = now if found.subscriber.schedule.cadence != "off" else None
        subscribers.start_again(tx, stored.id, replace(record, next_due=first), now)
        consents.add(tx, stored.id, "confirmed", at=now, wording=WORDING, form=visit.form, network=visit.network)
    return replace(found, state="subscribed")


def confirm_by_mail(database: Database, secret: str, token: Token | None, answers: Sequence[str], now: datetime) -> str:
    """A person answered our question with a yes: as if they had pressed the button. Proof is the token of the address
    they wrote to, or the Message-ID of the question, which nobody else knows. Returns the address; "" for no proof."""
    with database.read() as tx:
        proof = token or next((found for one in answers if (found := _question(tx, secret, one))), None)
        stored = subscribers.by_id(tx, proof.subscriber_id) if proof else None
    if proof is None or stored is None or not tokens.is_live(proof, stored.epoch, now):
        return ""
    answer = confirm(database, proof, Visit(network="", form="reply by mail"), now)
    return answer.subscriber.email if answer is not None and answer.state == "subscribed" else ""


def _question(tx: Connection, secret: str, message_id: str) -> Token | None:
    """The token of a question whose Message-ID this is."""
    subscriber_id = tokens.subscriber_in(secret, message_id)
    leased = outbox.by_message_id(tx, subscriber_id, message_id) if subscriber_id else None
    if leased is None or leased.kind != outbox.SERVICE or service_mail.read_request(leased).kind != "confirm":
        return None
    return tokens.unseal(secret, service_mail.proof(leased, secret))


def table_of(
    email: str, keywords: list[str], query: str, digest: str, timezone: str, language: str = ""
) -> Mapping[str, Any]:
    """The form's fields as a subscriber's table."""
    profile: dict[str, Any] = {}
    if keywords:
        profile["keywords"] = keywords
    if query:
        profile["query"] = query
    table: dict[str, Any] = {"email": email, "digest": digest, "timezone": timezone}
    if language:
        table["language"] = language
    if profile:
        table["profiles"] = [profile]
    return table


def upkeep(database: Database, now: datetime) -> int:
    """Who has not confirmed within a week goes, with every row about them. Returns how many."""
    with database.write() as tx:
        gone = subscribers.delete_unconfirmed(tx, now - UNCONFIRMED_LIFE)
        forget_rows(tx, gone)
        mail_requests.prune(tx, now - REQUEST_LIFE)
    if gone:
        database.scrub()
    return len(gone)
