"""The outbox: editions on their way, from the moment they are decided to their end, whatever that is.

    waiting -> leased -> [sending ->] sent | failed | suppressed | expired | unknown

A lease is a worker's right to an edition for some minutes; when it runs out the edition is simply due again. Every mark
names the lease it was made under, so a worker that comes too late cannot overwrite another's.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, exists, func, insert, select, update

from bot.errors import Outcome
from bot.store.sql import chunks
from bot.store.tables.edition_rows import ATTEMPTS, COMPOSES, EDITIONS, OPEN, OPEN_STATES, MailKind
from bot.store.tables.subscriber_rows import SUBSCRIBERS, Status

# What somebody waits for: a question, a link. No edition of papers.
SERVICE: Literal["service"] = "service"
IN_ORDER: tuple[MailKind, ...] = (SERVICE, "alert", "digest")  # what goes before what

FinalState = Literal["sent", "failed", "suppressed", "expired", "unknown"]
# Mail by our relays, or services: the two leave by runs of their own, so that neither waits for the other.
Lane = Literal["mail", "channels"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """An edition to deliver, with all that is needed to render and address it."""

    id: int
    subscriber_id: int
    kind: MailKind
    slot: str
    compose_id: int
    revision: int
    since: datetime | None
    due: datetime
    day: date
    picks: str
    attempts: int
    message_id: str
    email: str
    data: str
    subscriber_status: Status
    made: datetime
    sources: str
    epoch: int = 0  # of the subscriber's links
    channel: str = ""  # where it goes; "": mail


def lease(
    tx: Connection,
    kind: MailKind,
    by: str,
    now: datetime,
    until: datetime,
    limit: int,
    *,
    alive: Collection[str] = (),
    lane: Lane = "mail",
) -> list[Leased]:
    """Take up to `limit` due editions of a kind and lane for a worker. What one of the `alive` holds is theirs whatever
    the clock says: it may have jumped."""
    due = (
        select(EDITIONS.c.id)
        .where(
            OPEN,
            EDITIONS.c.kind == kind,
            _in_lane(lane),
            EDITIONS.c.next_at <= now,
            EDITIONS.c.state != "sending",
            EDITIONS.c.lease_by.not_in(sorted(alive)),
        )
        .order_by(EDITIONS.c.next_at, EDITIONS.c.id)
        .limit(limit)
    )
    if tx.dialect.name != "sqlite":
        due = due.with_for_update(skip_locked=True)
    taken = (
        tx.execute(
            update(EDITIONS)
            .where(EDITIONS.c.id.in_(due))
            .values(state="leased", lease_by=by, lease_until=until, next_at=until, attempts=EDITIONS.c.attempts + 1)
            .returning(EDITIONS.c.id)
        )
        .scalars()
        .all()
    )
    return _leased(tx, list(taken))


def _in_lane(lane: Lane) -> ColumnElement[bool]:
    return EDITIONS.c.channel == "" if lane == "mail" else EDITIONS.c.channel != ""


def _leased(tx: Connection, ids: list[int]) -> list[Leased]:
    rows = tx.execute(
        select(
            EDITIONS.c.id,
            EDITIONS.c.subscriber_id,
            EDITIONS.c.kind,
            EDITIONS.c.slot,
            EDITIONS.c.compose_id,
            EDITIONS.c.revision,
            EDITIONS.c.since,
            EDITIONS.c.due,
            EDITIONS.c.day,
            EDITIONS.c.picks,
            EDITIONS.c.attempts,
            EDITIONS.c.message_id,
            SUBSCRIBERS.c.email,
            SUBSCRIBERS.c.data,
            SUBSCRIBERS.c.status.label("subscriber_status"),
            COMPOSES.c.at.label("made"),
            COMPOSES.c.sources,
            SUBSCRIBERS.c.epoch,
            EDITIONS.c.channel,
        )
        .join(SUBSCRIBERS, SUBSCRIBERS.c.id == EDITIONS.c.subscriber_id)
        .join(COMPOSES, COMPOSES.c.id == EDITIONS.c.compose_id)
        .where(EDITIONS.c.id.in_(ids))
        .order_by(EDITIONS.c.due, EDITIONS.c.id)
    )
    return [Leased(**row._mapping) for row in rows]


def first_due(tx: Connection, now: datetime, limit: int) -> list[Leased]:
    """Some of the digests that are due first, to be looked at: nobody has them by that."""
    due = select(EDITIONS.c.id).where(OPEN, EDITIONS.c.kind == "digest", EDITIONS.c.next_at <= now)
    return _leased(tx, list(tx.execute(due.order_by(EDITIONS.c.next_at, EDITIONS.c.id).limit(limit)).scalars()))


def by_id(tx: Connection, edition_id: int) -> Leased | None:
    """An edition as it would be sent, to be looked at."""
    return next(iter(_leased(tx, [edition_id])), None)


def by_message_id(tx: Connection, subscriber_id: int, message_id: str) -> Leased | None:
    """A subscriber's edition or question by its Message-ID."""
    mine = and_(EDITIONS.c.subscriber_id == subscriber_id, EDITIONS.c.message_id == message_id)
    found = tx.execute(select(EDITIONS.c.id).where(mine)).scalar()
    return by_id(tx, found) if found is not None else None


def by_ids(tx: Connection, edition_ids: list[int]) -> list[Leased]:
    """Several, the newest first."""
    return sorted(_leased(tx, edition_ids), key=lambda one: -one.id)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What there is to know right before an edition goes out."""

    is_ours: bool  # the lease still holds
    subscriber_status: str
    left_alerts: bool


_WANTED = (
    select(EDITIONS.c.lease_by, EDITIONS.c.state, EDITIONS.c.kind, SUBSCRIBERS.c.status, SUBSCRIBERS.c.left_alerts)
    .join(SUBSCRIBERS, SUBSCRIBERS.c.id == EDITIONS.c.subscriber_id)
    .where(EDITIONS.c.id == bindparam("_id"))
)


def wanted(tx: Connection, edition_id: int, by: str) -> Wanted:
    """Whether an edition is still ours to send and its subscriber still wants it."""
    row = tx.execute(_WANTED, {"_id": edition_id}).first()
    if row is None:
        return Wanted(False, "", False)
    holder, state, kind, status, left_alerts = row
    if kind == SERVICE and status != "complained":
        status = "active"  # they asked for it this minute, whatever they were before
    return Wanted(holder == by and state in ("leased", "sending"), status, left_alerts)


def begin_sending(tx: Connection, edition_id: int, by: str) -> bool:
    """Note that the body is about to go out: if we die now, nobody knows whether it arrived."""
    return _mark(tx, edition_id, by, state="sending")


# Made once: building a statement costs several times what SQLite takes to run it, and this one runs for every message.
# A fate that becomes known late (the lease ended, nobody else has taken the edition) is written all the same.
_MINE = and_(
    EDITIONS.c.id == bindparam("_id"),
    EDITIONS.c.lease_by == bindparam("_by"),
    EDITIONS.c.state.in_((*OPEN_STATES, "unknown")),
)
_FINISH = (
    update(EDITIONS)
    .where(_MINE)
    .values(
        state=bindparam("_state"),
        words=bindparam("_words"),
        sent_at=bindparam("_at", type_=EDITIONS.c.sent_at.type),
    )
)


def finish(tx: Connection, edition_id: int, by: str, state: FinalState, words: str, now: datetime) -> bool:
    """The end of an edition; writing it twice changes nothing (the first answer of the database may have been lost).
    False: the lease had run out and another worker has it."""
    at = now if state == "sent" else None
    values = {"_id": edition_id, "_by": by, "_state": state, "_words": words, "_at": at}
    if tx.execute(_FINISH, values).rowcount == 1:
        return True
    row = tx.execute(select(EDITIONS.c.lease_by, EDITIONS.c.state).where(EDITIONS.c.id == edition_id)).first()
    return row is not None and tuple(row) == (by, state)


def put_back(tx: Connection, edition_id: int, by: str, next_at: datetime, words: str = "") -> bool:
    """Not now: due again at `next_at`."""
    return _mark(tx, edition_id, by, state="waiting", next_at=next_at, words=words, lease_by="", lease_until=None)


def defer(tx: Connection, by: str, moments: Mapping[int, tuple[datetime, str]]) -> None:
    """Not now, for reasons that are not the editions' own, and no try: edition -> due again at, and why."""
    statement = (
        update(EDITIONS)
        .where(EDITIONS.c.id == bindparam("_id"), EDITIONS.c.lease_by == by, EDITIONS.c.state == "leased")
        .values(
            state="waiting",
            next_at=bindparam("_at", type_=EDITIONS.c.next_at.type),
            words=bindparam("_words"),
            attempts=EDITIONS.c.attempts - 1,
            lease_by="",
            lease_until=None,
        )
    )
    if moments:
        tx.execute(statement, [{"_id": one, "_at": at, "_words": why} for one, (at, why) in moments.items()])


def give_back(tx: Connection, by: str, ids: Sequence[int], now: datetime) -> None:
    """Return what a worker has leased and does not begin."""
    for part in chunks(ids):
        tx.execute(
            update(EDITIONS)
            .where(EDITIONS.c.id.in_(part), EDITIONS.c.lease_by == by, EDITIONS.c.state == "leased")
            .values(state="waiting", next_at=now, lease_by="", lease_until=None, attempts=EDITIONS.c.attempts - 1)
        )


def renew(tx: Connection, by: str, until: datetime) -> None:
    """A worker is alive: its leases go on."""
    held = and_(OPEN, EDITIONS.c.lease_by == by, EDITIONS.c.state != "waiting")
    tx.execute(update(EDITIONS).where(held).values(lease_until=until, next_at=until))


def accepted_before(tx: Connection, subscriber_ids: Collection[int]) -> set[int]:
    """Those of these subscribers for whom a relay has ever taken a message."""
    found: set[int] = set()
    for part in chunks(sorted(set(subscriber_ids))):
        sent = and_(EDITIONS.c.subscriber_id.in_(part), EDITIONS.c.state == "sent", _in_lane("mail"))
        found.update(tx.execute(select(EDITIONS.c.subscriber_id).where(sent).distinct()).scalars())
    return found


def _mark(tx: Connection, edition_id: int, by: str, **values: Any) -> bool:
    mine = and_(EDITIONS.c.id == edition_id, EDITIONS.c.lease_by == by, EDITIONS.c.state.in_(("leased", "sending")))
    return tx.execute(update(EDITIONS).where(mine).values(**values)).rowcount == 1


def note_attempt(tx: Connection, edition_id: int, at: datetime, outcome: Outcome, words: str) -> None:
    tx.execute(insert(ATTEMPTS).values(edition_id=edition_id, at=at, outcome=outcome, words=words))


def lessees(tx: Connection) -> set[str]:
    """Everyone who holds a lease."""
    rows = tx.execute(select(EDITIONS.c.lease_by).where(OPEN, EDITIONS.c.state != "waiting").distinct())
    return {by for (by,) in rows}


def last_lease_end(tx: Connection) -> datetime | None:
    """When the last of all leases runs out, unless it is renewed; None where there are none."""
    return tx.execute(select(func.max(EDITIONS.c.lease_until)).where(OPEN, EDITIONS.c.state != "waiting")).scalar()


def end_leases(tx: Connection, dead: Iterable[str], now: datetime) -> None:
    """The holders are known to be dead: what they held is due at once."""
    for part in chunks(sorted(dead)):
        tx.execute(update(EDITIONS).where(OPEN, EDITIONS.c.lease_by.in_(part)).values(lease_until=now, next_at=now))


def recover(tx: Connection, now: datetime, *, resend: bool, alive: Collection[str] = ()) -> int:
    """Settle editions whose worker died while sending: due again, or `unknown` and listed. Returns how many."""
    values: dict[str, Any] = (
        {"state": "waiting", "next_at": now}
        if resend
        else {"state": "unknown", "words": "the sender died before the relay's answer was written down"}
    )
    died = and_(EDITIONS.c.state == "sending", EDITIONS.c.lease_until <= now, EDITIONS.c.lease_by.not_in(sorted(alive)))
    return tx.execute(update(EDITIONS).where(OPEN, died).values(**values)).rowcount


def due_after_clock_fault(tx: Connection, now: datetime, furthest: timedelta, *, alive: Collection[str] = ()) -> int:
    """Nothing is ever put off for longer than `furthest`: what is due later than that was put off by a clock that ran
    ahead and has been set right. Returns how many are due now instead."""
    ahead = and_(
        OPEN,
        EDITIONS.c.kind.in_(("alert", "digest")),
        EDITIONS.c.next_at > now + furthest,
        EDITIONS.c.lease_by.not_in(sorted(alive)),
    )
    return tx.execute(
        update(EDITIONS)
        .where(ahead)
        .values(next_at=now, lease_until=case((EDITIONS.c.state == "waiting", None), else_=now))
    ).rowcount


def expire(
    tx: Connection, kind: MailKind, older_than: datetime, *, untried: bool = False, digest: bool | None = None
) -> int:
    """Give up editions made before a moment that nobody would want any more; the next digest tells what they would
    have. Only those that were tried, unless `untried`; with `digest` only those of subscribers who have a digest, or
    have none. Returns how many."""
    made = select(COMPOSES.c.id).where(COMPOSES.c.at < older_than)
    stale = and_(OPEN, EDITIONS.c.state == "waiting", EDITIONS.c.kind == kind, EDITIONS.c.compose_id.in_(made))
    if not untried:
        stale = and_(stale, EDITIONS.c.attempts > 0)
    if digest is not None:
        has = SUBSCRIBERS.c.next_due.is_not(None) if digest else SUBSCRIBERS.c.next_due.is_(None)
        stale = and_(stale, exists().where(SUBSCRIBERS.c.id == EDITIONS.c.subscriber_id, has))
    return _give_up(tx, stale, "not delivered in time")


def _give_up(tx: Connection, those: ColumnElement[bool], words: str) -> int:
    """Returns how many editions have expired."""
    # What a relay may have taken must not be told again under another name.
    perhaps = EDITIONS.c.id.in_(select(ATTEMPTS.c.edition_id).where(ATTEMPTS.c.outcome == "unknown"))
    tx.execute(
        update(EDITIONS)
        .where(those, perhaps)
        .values(state="unknown", words="not repeated in time; it may have arrived")
    )
    return tx.execute(update(EDITIONS).where(those).values(state="expired", words=words)).rowcount


def suppress(tx: Connection, subscriber_ids: Iterable[int], words: str) -> int:
    """Nothing that waits for these subscribers goes out any more."""
    number = 0
    for part in chunks(list(subscriber_ids)):
        number += tx.execute(
            update(EDITIONS)
            .where(EDITIONS.c.subscriber_id.in_(part), EDITIONS.c.state == "waiting")
            .values(state="suppressed", words=words)
        ).rowcount
    return number


def unsuppress(tx: Connection, subscriber_id: int, words: str, now: datetime) -> None:
    """What was suppressed with these words waits again: they were a mistake."""
    mine = and_(EDITIONS.c.subscriber_id == subscriber_id, EDITIONS.c.state == "suppressed", EDITIONS.c.words == words)
    tx.execute(update(EDITIONS).where(mine).values(state="waiting", next_at=now, words=""))


def waiting(tx: Connection) -> int:
    """How many editions are still to be delivered."""
    return tx.execute(select(func.count()).select_from(EDITIONS).where(OPEN)).scalar_one()


def due(tx: Connection, now: datetime, lane: Lane = "mail") -> int:
    """How many editions may be tried now."""
    ready = (OPEN, EDITIONS.c.next_at <= now, _in_lane(lane))
    return tx.execute(select(func.count()).select_from(EDITIONS).where(*ready)).scalar_one()


def open_channels(tx: Connection) -> list[tuple[int, str, str]]:
    """Where editions that wait are to go beside mail: (subscriber, their table, channel)."""
    rows = tx.execute(
        select(SUBSCRIBERS.c.id, SUBSCRIBERS.c.data, EDITIONS.c.channel)
        .join(SUBSCRIBERS, SUBSCRIBERS.c.id == EDITIONS.c.subscriber_id)
        .where(OPEN, _in_lane("channels"))
        .distinct()
    )
    return [(subscriber, data, channel) for subscriber, data, channel in rows]


def close_channel(tx: Connection, subscriber_id: int, channel: str, words: str) -> int:
    """Nothing that waits for this subscriber goes out by that channel; the next digest tells what nothing else told.
    Returns how many editions have expired."""
    mine = and_(EDITIONS.c.subscriber_id == subscriber_id, EDITIONS.c.channel == channel, EDITIONS.c.state == "waiting")
    return _give_up(tx, mine, words)


def unknown_tries(tx: Connection, edition_id: int) -> int:
    """How often a relay left us without an answer to a whole message."""
    tries = and_(ATTEMPTS.c.edition_id == edition_id, ATTEMPTS.c.outcome == "unknown")
    return tx.execute(select(func.count()).select_from(ATTEMPTS).where(tries)).scalar_one()


def next_at(tx: Connection) -> datetime | None:
    """When the next edition is to be tried."""
    return tx.execute(select(func.min(EDITIONS.c.next_at)).where(OPEN)).scalar()


def oldest_waiting(tx: Connection) -> datetime | None:
    """When the oldest mail on its way was due. What waits for a service is no part of whether we work."""
    return tx.execute(select(func.min(EDITIONS.c.due)).where(OPEN, _in_lane("mail"))).scalar()


def due_of_kind(tx: Connection, kind: MailKind, now: datetime) -> int:
    """How many of one kind may be tried now."""
    ready = (OPEN, EDITIONS.c.kind == kind, EDITIONS.c.next_at <= now)
    return tx.execute(select(func.count()).select_from(EDITIONS).where(*ready)).scalar_one()
