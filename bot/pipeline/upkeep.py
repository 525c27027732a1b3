"""What keeps the place in order: old rows go, the operator learns what stays broken, returned mail is read."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.core.letter.letter import NoticeName, Pause
from bot.core.subscriber.subscriber import stored_subscriber
from bot.errors import BrokenTemplate, DeliveryError
from bot.mail.incoming import classify
from bot.mail.incoming.mailboxes import Received
from bot.mail.message.types import Transport
from bot.mail.tokens import Token
from bot.pipeline import bounce_rules, service_mail, signup
from bot.pipeline.build_message import MessageBuilder
from bot.pipeline.deliver.pacing import PREFIX, relay_limit, route_limit
from bot.store import Connection, Database, editions, mail_pacing, sources, subscribers, summaries
from bot.store.mail_pacing import RateLimit
from bot.store.sources import SourceRecord
from bot.store.subscribers import StoredSubscriber

log = logging.getLogger(__name__)

KEEP_EDITIONS = timedelta(days=90)
KEEP_ROUTES = timedelta(days=7)  # which a process could not use; it has ended, or the route is well
PERSISTS = timedelta(hours=24)  # before a broken source is worth a mail
PRUNE_PAGES = 500  # of 1,000 editions each: the rest goes the next time


def prune(database: Database, now: datetime) -> int:
    """Delete what is settled and old; the books keep the sums. Returns how many editions went."""
    with database.write() as tx:
        summaries.prune(tx, now)
        mail_pacing.prune(tx, now - KEEP_ROUTES)
    gone, after = 0, 0
    for _ in range(PRUNE_PAGES):
        with database.write() as tx:
            number, following = editions.prune(tx, now - KEEP_EDITIONS, after)
        gone += number
        if following is None:
            break
        after = following
    return gone


def tell_operator(
    database: Database, builder: MessageBuilder, transport: Transport, operator: str, now: datetime
) -> bool:
    """One mail about all sources that have been in trouble for a day, or have told us to stay away, once until they
    recover. Returns whether one went out."""
    if not operator:
        return False
    with database.read() as tx:
        known = sources.records(tx)
    broken = [record for record in known.values() if record.told_operator is None and _persists(record, now)]
    if not broken:
        return False
    notes = tuple(record.note for record in broken)
    if not _tell(transport, builder, operator, "operator", {"sources": notes}, now):
        return False
    with database.write() as tx:
        sources.mark_told(tx, [record.name for record in broken], now)
    return True


def tell_of_flood(
    database: Database, builder: MessageBuilder, transport: Transport, operator: str, now: datetime
) -> bool:
    """One mail a day, at most, about more sign-ups than are served. Returns whether it went out."""
    if not operator or not signup.flood_to_tell(database):
        return False
    if not _tell(transport, builder, operator, "flood", {"limit": signup.HOUSE_HOUR}, now):
        return False
    signup.flood_told(database)
    return True


def tell_of_pauses(
    database: Database, builder: MessageBuilder, relays: Sequence[Transport], operator: str, now: datetime
) -> bool:
    """One mail about relays and domains that mail cannot go to, once until one has worked again. It goes by a relay
    that works, if there is one; the log has it in any case. Returns whether it went out."""
    with database.read() as tx:
        held = mail_pacing.held(tx, now, PREFIX)
    fresh = [limit for limit in held if limit.told_operator is None]
    if not fresh:
        return False
    names = {limit.name for limit in held}
    paused = tuple(_pause(limit, now) for limit in fresh)
    for pause in paused:
        way = f"mail to {pause.domain}" if pause.domain else f"sending by {pause.relay}"
        log.error("%s is paused until %s UTC: %s", way, f"{pause.until:%H:%M}", pause.reason)
    went = False
    usable = [relay for relay in relays if not {relay_limit(relay), route_limit(relay)} & names]
    if operator and usable:
        went = _tell(usable[0], builder, operator, "pause", {"pauses": paused}, now)
    with database.write() as tx:
        mail_pacing.told(tx, [limit.name for limit in fresh], now)
    return went


def _pause(limit: RateLimit, now: datetime) -> Pause:
    name = limit.name.removeprefix(PREFIX)
    domain = name.removeprefix("to:") if name.startswith("to:") else ""
    return Pause(limit.held_until or now, limit.reason, domain=domain, relay="" if domain else name)


def _tell(
    relay: Transport,
    builder: MessageBuilder,
    operator: str,
    name: NoticeName,
    values: Mapping[str, Any],
    now: datetime,
) -> bool:
    """Whether the operator was told. What else is to be done does not depend on it."""
    session = relay.session()
    try:
        session.send(service_mail.notice_to(builder, operator, name, values, now))
    except (DeliveryError, BrokenTemplate) as error:
        log.warning("the operator could not be told: %s", error)
        return False
    finally:
        session.close()
    return True


def _persists(record: SourceRecord, now: datetime) -> bool:
    """Being asked to wait is no trouble until it goes on for a day; 410 is at once, for nothing will change."""
    troubled = record.state in ("failing", "stale") or (record.state == "waiting" and record.failures > 0)
    return record.stopped or (troubled and now - record.since >= PERSISTS)


def answer(
    database: Database, builder: MessageBuilder, transport: Transport, received: Iterable[Received], now: datetime
) -> list[str]:
    """Act on returned mail: bounces, complaints, unsubscribes. Returns a line for each message."""
    lines = []
    for message in received:
        meaning = classify.read_message(message.raw, builder.identity.secret)
        lines.append(_act(database, builder, transport, meaning, now))
        message.done()
    return lines


def _act(
    database: Database, builder: MessageBuilder, transport: Transport, meaning: classify.Incoming, now: datetime
) -> str:
    if meaning.kind == "agreement":
        email = signup.confirm_by_mail(database, builder.identity.secret, meaning.token, meaning.answers, now)
        return f"yes of {email}: subscribed" if email else "yes: to no open question of ours"
    if meaning.token is None:
        return f"{meaning.kind}: nothing to do{f' ({meaning.words})' if meaning.words else ''}"
    with database.write() as tx:
        subscriber = subscribers.by_id(tx, meaning.token.subscriber_id)
        if subscriber is None:
            return f"{meaning.kind}: of a subscriber who is not known any more"
        if meaning.kind == "complaint":
            bounce_rules.end(tx, subscriber, "complained", f"complained: {meaning.words}", now)
            return f"complaint of {subscriber.email}: gets nothing more"
        if meaning.kind == "bounce":
            return _bounced(tx, subscriber, meaning, now)
        if meaning.kind != "unsubscribe":
            return f"{meaning.kind} of {subscriber.email}: nothing to do"
        what = _leave(tx, subscriber, meaning.token, "asked by mail", now)
    if not what:
        return f"unsubscribe of {subscriber.email}: had left already"
    _farewell(builder, transport, subscriber, what == "alerts", now)
    return f"unsubscribe of {subscriber.email}: no more {what}"


def what_ends(token: Token) -> str:
    """What a token's holder leaves: "alerts" alone by an alert's, else "mail"."""
    return "alerts" if token.purpose == "unsubscribe alert" else "mail"


def has_left(token: Token, subscriber: StoredSubscriber) -> bool:
    """Whether what a token's holder leaves has ended already."""
    return subscriber.status in subscribers.FINAL or (what_ends(token) == "alerts" and subscriber.left_alerts)


def leave(database: Database, token: Token, reason: str, now: datetime) -> None:
    """End what a token of ours stands for. Doing it again changes nothing."""
    with database.write() as tx:
        subscriber = subscribers.by_id(tx, token.subscriber_id)
        if subscriber is not None:
            _leave(tx, subscriber, token, reason, now)


def _leave(tx: Connection, subscriber: StoredSubscriber, token: Token, reason: str, now: datetime) -> str:
    """What has ended now; "" where it had ended already."""
    what = what_ends(token)
    if has_left(token, subscriber):
        return ""
    if what == "alerts":
        subscribers.leave_alerts(tx, subscriber.id)
    else:
        bounce_rules.end(tx, subscriber, "unsubscribed", reason, now)
    return what


def _bounced(tx: Connection, subscriber: StoredSubscriber, meaning: classify.Incoming, now: datetime) -> str:
    """The rules of hard, soft and ours."""
    said = f"{meaning.status} {meaning.words}".strip()
    if meaning.severity == "ours":
        log.error("a message to subscriber %d was refused for what we are (%s)", subscriber.id, meaning.status)
        return f"bounce of {subscriber.email} is about us, not them: {said}"
    kind: bounce_rules.Refusal = "hard" if meaning.severity == "hard" else "soft"
    edition_id = meaning.token.item_id if meaning.token else 0
    done = bounce_rules.judge_bounce(tx, subscriber, kind=kind, edition_id=edition_id, words=said, now=now)
    return f"{kind} bounce of {subscriber.email}: {done}"


def _farewell(
    builder: MessageBuilder, transport: Transport, subscriber: StoredSubscriber, alerts_only: bool, now: datetime
) -> None:
    """A confirmation. That they have left does not depend on it."""
    session = transport.session()
    try:
        language = stored_subscriber(subscriber.data).language
        values = {"address": subscriber.email, "alerts_only": alerts_only}
        session.send(service_mail.notice_to(builder, subscriber.email, "farewell", values, now, language))
    except (DeliveryError, BrokenTemplate) as error:
        log.warning("the farewell note did not go out: %s", error)
    finally:
        session.close()
