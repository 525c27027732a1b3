"""The outbox: editions from the moment they are decided to their end, whatever that is.

    waiting -> leased -> [sending ->] sent | failed | suppressed | expired | unknown

A lease is a worker's right to an edition for some minutes; when it runs out the edition is simply due again. Every mark
names the lease it was made under, so a worker that comes too late cannot overwrite another's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from bot.core.picks import Picks
from bot.store.rows import chunks, insert_or_ignore
from bot.store.tables import ACCOUNTS, ATTEMPTS, COMPOSES, EDITIONS, OPEN, SUBSCRIBERS

Final = Literal["sent", "failed", "suppressed", "expired", "unknown"]
ACCOUNT_OF = {"sent": "delivered", "waiting": "waiting", "leased": "waiting", "sending": "waiting"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An edition about to be written down."""

    subscriber_id: int
    kind: str
    slot: str
    due: datetime
    day: date
    since: datetime | None
    picks: str  # the pipeline's own JSON
    matched: int
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """An edition to deliver, with all that is needed to render and address it."""

    id: int
    subscriber_id: int
    kind: str
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
    reader_status: str
    made: datetime
    sources: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerted:
    """What an alert told, for the digest that follows it."""

    subscriber_id: int
    picks: str


def begin_compose(tx: Connection, at: datetime, revision: int, sources: str) -> int:
    """Note a run of compose; returns its id."""
    return int(
        tx.execute(
            insert(COMPOSES).values(at=at, revision=revision, sources=sources).returning(COMPOSES.c.id)
        ).scalar_one()
    )


def add(tx: Connection, compose_id: int, revision: int, drafts: Sequence[Draft]) -> set[tuple[int, str, str]]:
    """Write editions down; one whose slot exists already is left out. Returns the (subscriber, kind, slot) written."""
    written: set[tuple[int, str, str]] = set()
    days: dict[date, int] = {}
    for part in chunks(drafts, 1000):
        rows = [
            {
                "subscriber_id": draft.subscriber_id,
                "kind": draft.kind,
                "slot": draft.slot,
                "compose_id": compose_id,
                "revision": revision,
                "since": draft.since,
                "due": draft.due,
                "day": draft.day,
                "picks": draft.picks,
                "matched": draft.matched,
                "message_id": draft.message_id,
                "state": "waiting",
                "next_at": draft.due,
                "lease_by": "",
                "attempts": 0,
                "words": "",
            }
            for draft in part
        ]
        statement = insert_or_ignore(tx, EDITIONS).returning(
            EDITIONS.c.subscriber_id, EDITIONS.c.kind, EDITIONS.c.slot, EDITIONS.c.day, EDITIONS.c.matched
        )
        for subscriber_id, kind, slot, day, matched in tx.execute(statement, rows):
            written.add((subscriber_id, kind, slot))
            days[day] = days.get(day, 0) + matched
    for day, matched in days.items():
        book(tx, day, "matched", matched)
    return written


def book(tx: Connection, day: date, state: str, count: int) -> None:
    """Add to the books of a day."""
    tx.execute(insert_or_ignore(tx, ACCOUNTS), [{"day": day, "state": state, "count": 0}])
    tx.execute(
        update(ACCOUNTS).where(ACCOUNTS.c.day == day, ACCOUNTS.c.state == state).values(count=ACCOUNTS.c.count + count)
    )


def lease(tx: Connection, kind: str, by: str, now: datetime, until: datetime, limit: int) -> list[Leased]:
    """Take up to `limit` due editions of a kind for a worker."""
    due = (
        select(EDITIONS.c.id)
        .where(OPEN, EDITIONS.c.kind == kind, EDITIONS.c.next_at <= now, EDITIONS.c.state != "sending")
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
            SUBSCRIBERS.c.status.label("reader_status"),
            COMPOSES.c.at.label("made"),
            COMPOSES.c.sources,
        )
        .join(SUBSCRIBERS, SUBSCRIBERS.c.id == EDITIONS.c.subscriber_id)
        .join(COMPOSES, COMPOSES.c.id == EDITIONS.c.compose_id)
        .where(EDITIONS.c.id.in_(ids))
        .order_by(EDITIONS.c.due, EDITIONS.c.id)
    )
    return [Leased(**row._mapping) for row in rows]


def is_reachable(tx: Connection, subscriber_id: int) -> bool:
    """Whether the reader still wants mail: asked right before every message."""
    status = tx.execute(select(SUBSCRIBERS.c.status).where(SUBSCRIBERS.c.id == subscriber_id)).scalar()
    return status == "active"


def begin_sending(tx: Connection, edition_id: int, by: str) -> bool:
    """Note that the body is about to go out: if we die now, nobody knows whether it arrived."""
    return _mark(tx, edition_id, by, state="sending")


def finish(tx: Connection, edition_id: int, by: str, state: Final, words: str, now: datetime) -> bool:
    """The end of an edition. False: the lease had run out and another worker has it."""
    return _mark(tx, edition_id, by, state=state, words=words, sent_at=now if state == "sent" else None)


def put_back(tx: Connection, edition_id: int, by: str, next_at: datetime, words: str = "") -> bool:
    """Not now: due again at `next_at`."""
    return _mark(tx, edition_id, by, state="waiting", next_at=next_at, words=words, lease_by="", lease_until=None)


def give_back(tx: Connection, by: str, now: datetime) -> None:
    """Return all leases of a worker that stops."""
    tx.execute(
        update(EDITIONS)
        .where(EDITIONS.c.lease_by == by, EDITIONS.c.state == "leased")
        .values(state="waiting", next_at=now, lease_by="", lease_until=None, attempts=EDITIONS.c.attempts - 1)
    )


def _mark(tx: Connection, edition_id: int, by: str, **values: Any) -> bool:
    mine = and_(EDITIONS.c.id == edition_id, EDITIONS.c.lease_by == by, EDITIONS.c.state.in_(("leased", "sending")))
    return tx.execute(update(EDITIONS).where(mine).values(**values)).rowcount == 1


def note_attempt(tx: Connection, edition_id: int, at: datetime, outcome: str, words: str) -> None:
    tx.execute(insert(ATTEMPTS).values(edition_id=edition_id, at=at, outcome=outcome, words=words))


def lessees(tx: Connection) -> set[str]:
    """Everyone who holds a lease."""
    rows = tx.execute(select(EDITIONS.c.lease_by).where(OPEN, EDITIONS.c.state != "waiting").distinct())
    return {by for (by,) in rows}


def end_leases(tx: Connection, dead: Iterable[str], now: datetime) -> None:
    """The holders are known to be dead: what they held is due at once."""
    for part in chunks(sorted(dead)):
        tx.execute(update(EDITIONS).where(OPEN, EDITIONS.c.lease_by.in_(part)).values(lease_until=now, next_at=now))


def recover(tx: Connection, now: datetime, *, resend: bool) -> int:
    """Settle editions whose worker died while sending: due again, or `unknown` and listed. Returns how many."""
    values: dict[str, Any] = (
        {"state": "waiting", "next_at": now}
        if resend
        else {"state": "unknown", "words": "the sender died before the relay's answer was written down"}
    )
    died = and_(EDITIONS.c.state == "sending", EDITIONS.c.lease_until <= now)
    return tx.execute(update(EDITIONS).where(died).values(**values)).rowcount


def expire(tx: Connection, kind: str, older_than: datetime) -> int:
    """Give up editions nobody would want any more. The next digest tells what they would have. Returns how many."""
    stale = and_(
        EDITIONS.c.state == "waiting", EDITIONS.c.kind == kind, EDITIONS.c.due < older_than, EDITIONS.c.attempts > 0
    )
    return tx.execute(update(EDITIONS).where(stale).values(state="expired", words="not delivered in time")).rowcount


def suppress(tx: Connection, subscriber_ids: Iterable[int], words: str) -> int:
    """Nothing that waits for these readers goes out any more."""
    number = 0
    for part in chunks(list(subscriber_ids)):
        number += tx.execute(
            update(EDITIONS)
            .where(EDITIONS.c.subscriber_id.in_(part), EDITIONS.c.state == "waiting")
            .values(state="suppressed", words=words)
        ).rowcount
    return number


def alerted(tx: Connection, subscriber_ids: Sequence[int]) -> list[Alerted]:
    """The alerts of these readers whose papers no digest has passed over yet: all that were not given up."""
    found = []
    for part in chunks(subscriber_ids):
        rows = tx.execute(
            select(EDITIONS.c.subscriber_id, EDITIONS.c.picks)
            .join(SUBSCRIBERS, SUBSCRIBERS.c.id == EDITIONS.c.subscriber_id)
            .where(
                EDITIONS.c.subscriber_id.in_(part),
                EDITIONS.c.kind == "alert",
                EDITIONS.c.state.not_in(("expired", "failed")),
                or_(SUBSCRIBERS.c.told_revision.is_(None), EDITIONS.c.revision > SUBSCRIBERS.c.told_revision),
            )
        )
        found += [Alerted(subscriber_id=reader, picks=picks) for reader, picks in rows]
    return found


def untold(tx: Connection, subscriber_ids: Sequence[int]) -> list[tuple[int, int, str]]:
    """Expired editions no later digest has taken over: (edition, subscriber, picks)."""
    found: list[tuple[int, int, str]] = []
    for part in chunks(subscriber_ids):
        rows = tx.execute(
            select(EDITIONS.c.id, EDITIONS.c.subscriber_id, EDITIONS.c.picks).where(
                EDITIONS.c.subscriber_id.in_(part), EDITIONS.c.state == "expired", EDITIONS.c.folded_into.is_(None)
            )
        )
        found += [(edition, reader, picks) for edition, reader, picks in rows]
    return found


def fold(tx: Connection, expired: Sequence[int], compose_id: int) -> None:
    """These expired editions are told by a digest of that run."""
    for part in chunks(expired):
        tx.execute(update(EDITIONS).where(EDITIONS.c.id.in_(part)).values(folded_into=compose_id))


def last_sent(tx: Connection, subscriber_id: int) -> datetime | None:
    """When anything last went to a reader."""
    return tx.execute(select(func.max(EDITIONS.c.sent_at)).where(EDITIONS.c.subscriber_id == subscriber_id)).scalar()


def ever_sent_before(tx: Connection, subscriber_id: int, edition_id: int) -> bool:
    """Whether a relay accepted anything for a reader before an edition."""
    earlier = and_(EDITIONS.c.subscriber_id == subscriber_id, EDITIONS.c.state == "sent", EDITIONS.c.id < edition_id)
    return tx.execute(select(EDITIONS.c.id).where(earlier).limit(1)).first() is not None


def waiting(tx: Connection) -> int:
    """How many editions are still to be delivered."""
    return tx.execute(select(func.count()).select_from(EDITIONS).where(OPEN)).scalar_one()


def next_at(tx: Connection) -> datetime | None:
    """When the next edition is to be tried."""
    return tx.execute(select(func.min(EDITIONS.c.next_at)).where(OPEN)).scalar()


def accounts(tx: Connection, day: date | None = None) -> dict[str, int]:
    """The books: matched = delivered + waiting + failed + suppressed + expired + unknown, in matches; of one day or
    of all. `matched` was counted when the matches were made, the others are counted now."""
    books = dict.fromkeys(("matched", "delivered", "waiting", "failed", "suppressed", "expired", "unknown"), 0)
    kept = select(ACCOUNTS.c.state, func.sum(ACCOUNTS.c.count)).group_by(ACCOUNTS.c.state)
    now = select(EDITIONS.c.state, func.sum(EDITIONS.c.matched)).group_by(EDITIONS.c.state)
    if day is not None:
        kept, now = kept.where(ACCOUNTS.c.day == day), now.where(EDITIONS.c.day == day)
    for rows in (tx.execute(kept), tx.execute(now)):
        for state, count in rows:
            books[ACCOUNT_OF.get(state, state)] += int(count or 0)
    return books


def unknown(tx: Connection, limit: int = 1000) -> list[tuple[str, str]]:
    """Messages that may or may not have arrived: (address, Message-ID)."""
    rows = tx.execute(
        select(SUBSCRIBERS.c.email, EDITIONS.c.message_id)
        .join(SUBSCRIBERS, SUBSCRIBERS.c.id == EDITIONS.c.subscriber_id)
        .where(EDITIONS.c.state == "unknown")
        .order_by(EDITIONS.c.id)
        .limit(limit)
    )
    return [(email, message_id) for email, message_id in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An edition that tells of a paper."""

    email: str
    kind: str
    slot: str
    state: str
    sent_at: datetime | None
    message_id: str
    shown: bool  # False: only named among what did not fit


def telling(tx: Connection, paper_id: int, *, subscriber_id: int | None = None) -> list[Told]:
    """The editions that show or name a paper, oldest first. Reads every candidate's picks: for a person's question."""
    query = (
        select(
            SUBSCRIBERS.c.email,
            EDITIONS.c.kind,
            EDITIONS.c.slot,
            EDITIONS.c.state,
            EDITIONS.c.sent_at,
            EDITIONS.c.message_id,
            EDITIONS.c.picks,
        )
        .join(SUBSCRIBERS, SUBSCRIBERS.c.id == EDITIONS.c.subscriber_id)
        .where(EDITIONS.c.picks.contains(str(paper_id)))
        .order_by(EDITIONS.c.id)
    )
    if subscriber_id is not None:
        query = query.where(EDITIONS.c.subscriber_id == subscriber_id)
    found = []
    for row in tx.execute(query):
        picks = Picks.from_json(row.picks)
        named = {paper for section in picks.sections for paper in section.more_ids}
        if paper_id in picks.ids or paper_id in named:
            values = {name: value for name, value in row._mapping.items() if name != "picks"}
            found.append(Told(**values, shown=paper_id in picks.ids))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """All that happened to one message."""

    message_id: str
    email: str
    kind: str
    slot: str
    state: str
    due: datetime
    made: datetime
    sent_at: datetime | None
    revision: int
    words: str
    paper_ids: frozenset[int]
    attempts: tuple[tuple[datetime, str, str], ...]


def life(tx: Connection, message_id: str) -> Life | None:
    """A message by its Message-ID (with the angle brackets)."""
    row = tx.execute(
        select(EDITIONS, SUBSCRIBERS.c.email, COMPOSES.c.at.label("made"))
        .join(SUBSCRIBERS, SUBSCRIBERS.c.id == EDITIONS.c.subscriber_id)
        .join(COMPOSES, COMPOSES.c.id == EDITIONS.c.compose_id)
        .where(EDITIONS.c.message_id == message_id)
    ).first()
    if row is None:
        return None
    tries = tx.execute(
        select(ATTEMPTS.c.at, ATTEMPTS.c.outcome, ATTEMPTS.c.words)
        .where(ATTEMPTS.c.edition_id == row.id)
        .order_by(ATTEMPTS.c.id)
    )
    return Life(
        message_id=row.message_id,
        email=row.email,
        kind=row.kind,
        slot=row.slot,
        state=row.state,
        due=row.due,
        made=row.made,
        sent_at=row.sent_at,
        revision=row.revision,
        words=row.words,
        paper_ids=frozenset(Picks.from_json(row.picks).ids),
        attempts=tuple((at, outcome, words) for at, outcome, words in tries),
    )


def prune(tx: Connection, before: datetime, limit: int = 1000) -> int:
    """Delete settled editions composed before a moment, a chunk at a time, and carry their matches over into the
    books. What was `unknown` stays until a person has seen it. Returns how many were deleted."""
    rows = tx.execute(
        select(EDITIONS.c.id, EDITIONS.c.day, EDITIONS.c.state, EDITIONS.c.matched)
        .where(EDITIONS.c.state.in_(("sent", "failed", "suppressed", "expired")), EDITIONS.c.due < before)
        .order_by(EDITIONS.c.id)
        .limit(limit)
    ).all()
    totals: dict[tuple[date, str], int] = {}
    for _, day, state, matched in rows:
        totals[day, state] = totals.get((day, state), 0) + matched
    for (day, state), matched in totals.items():
        book(tx, day, state, matched)
    for part in chunks([row.id for row in rows]):
        tx.execute(delete(ATTEMPTS).where(ATTEMPTS.c.edition_id.in_(part)))
        tx.execute(delete(EDITIONS).where(EDITIONS.c.id.in_(part)))
    return len(rows)
