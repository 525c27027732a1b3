"""Editions as they are written down, looked up for the next decision, and pruned. How they leave is in `outbox`, what
became of them in `edition_reports`."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, NamedTuple

from sqlalchemy import Connection, and_, delete, exists, func, insert, or_, select, update

from bot.store.sql import chunks, insert_or_ignore, insert_rows
from bot.store.tables.edition_rows import ACCOUNTS, ATTEMPTS, COMPOSES, EDITIONS, OPEN_STATES, UNTOLD, MailKind
from bot.store.tables.subscriber_rows import SUBSCRIBERS

SETTLED = ("sent", "failed", "suppressed", "expired")


class Draft(NamedTuple):
    """An edition about to be written down. (A tuple, for a million of them.)"""

    subscriber_id: int
    kind: MailKind
    slot: str
    due: datetime
    day: date
    since: datetime | None
    picks: str  # `Picks.to_json`
    matched: int
    message_id: str
    state: Literal["waiting", "sent"] = "waiting"  # sent: it is read in a feed, no mail goes out
    channel: str = ""  # where it goes; "": mail


PLACE = ("subscriber_id", "kind", "slot")  # there is one edition for each
ADDED = (*Draft._fields, "next_at", "compose_id", "revision", "lease_by", "attempts", "words")


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


def add(
    tx: Connection, compose_id: int, revision: int, drafts: Sequence[Draft], not_before: datetime | None = None
) -> set[tuple[int, str, str]]:
    """Write editions down; one whose slot exists already is left out. Returns the (subscriber, kind, slot) written.
    `not_before`: none of them may be sent before; None: when each is due.

    The subscribers' rows must be locked (`cursors.lock`), so that nobody adds the same ones meanwhile.
    """
    places = {(draft.subscriber_id, draft.kind, draft.slot): draft for draft in drafts}
    rows = [(*draft, not_before or draft.due, compose_id, revision, "", 0, "") for draft in places.values()]
    newest = tx.execute(select(func.max(EDITIONS.c.id))).scalar() or 0
    if insert_rows(tx, EDITIONS, ADDED, rows, unless=PLACE) < len(rows):
        written: set[tuple[int, str, str]] = set()
        for part in chunks([draft.subscriber_id for draft in places.values()]):
            mine = and_(EDITIONS.c.subscriber_id.in_(part), EDITIONS.c.id > newest)
            rows_of_mine = tx.execute(select(*(EDITIONS.c[name] for name in PLACE)).where(mine))
            written.update((subscriber, kind, slot) for subscriber, kind, slot in rows_of_mine)
        places = {place: draft for place, draft in places.items() if place in written}
    days: dict[date, int] = defaultdict(int)
    for draft in places.values():
        days[draft.day] += draft.matched
    for day, matched in days.items():
        book(tx, day, "matched", matched)
    return set(places)


def book(tx: Connection, day: date, state: str, count: int) -> None:
    """Add to the books of a day."""
    tx.execute(insert_or_ignore(tx, ACCOUNTS), [{"day": day, "state": state, "count": 0}])
    tx.execute(
        update(ACCOUNTS).where(ACCOUNTS.c.day == day, ACCOUNTS.c.state == state).values(count=ACCOUNTS.c.count + count)
    )


def alerted(tx: Connection, subscriber_ids: Sequence[int]) -> list[Alerted]:
    """The alerts of these subscribers whose papers no digest has passed over yet: all that were not given up."""
    found = []
    for part in chunks(subscriber_ids):
        rows = tx.execute(
            select(EDITIONS.c.subscriber_id, EDITIONS.c.picks)
            .join(SUBSCRIBERS, SUBSCRIBERS.c.id == EDITIONS.c.subscriber_id)
            .where(
                EDITIONS.c.subscriber_id.in_(part),
                EDITIONS.c.kind == "alert",
                EDITIONS.c.state.not_in(("expired", "failed")),
                or_(SUBSCRIBERS.c.digest_cursor.is_(None), EDITIONS.c.revision > SUBSCRIBERS.c.digest_cursor),
            )
        )
        found += [Alerted(subscriber_id=subscriber, picks=picks) for subscriber, picks in rows]
    return found


class UntoldEdition(NamedTuple):
    """An edition that expired, and that no later digest has taken over."""

    id: int
    subscriber_id: int
    picks: str


def untold(tx: Connection, subscriber_ids: Sequence[int]) -> list[UntoldEdition]:
    """The expired editions of these subscribers that a digest is still to tell: what reached them by another channel,
    or is still on its way there, is told."""
    found: list[UntoldEdition] = []
    if tx.execute(select(EDITIONS.c.id).where(UNTOLD).limit(1)).first() is None:  # as a rule
        return found
    twin = EDITIONS.alias()
    told_elsewhere = exists().where(
        twin.c.subscriber_id == EDITIONS.c.subscriber_id,
        twin.c.compose_id == EDITIONS.c.compose_id,
        twin.c.kind == EDITIONS.c.kind,
        twin.c.state.in_((*OPEN_STATES, "sent", "unknown")),
    )
    for part in chunks(subscriber_ids):
        rows = tx.execute(
            select(EDITIONS.c.id, EDITIONS.c.subscriber_id, EDITIONS.c.picks).where(
                EDITIONS.c.subscriber_id.in_(part), UNTOLD, ~told_elsewhere
            )
        )
        found += [UntoldEdition._make(row) for row in rows]
    return found


def fold_into_digest(tx: Connection, expired: Sequence[int], compose_id: int) -> None:
    """These expired editions are told by a digest of that run."""
    for part in chunks(expired):
        tx.execute(update(EDITIONS).where(EDITIONS.c.id.in_(part)).values(folded_into=compose_id))


def last_sent(tx: Connection, subscriber_ids: Sequence[int]) -> dict[int, datetime]:
    """When anything last went to each of these subscribers."""
    found: dict[int, datetime] = {}
    for part in chunks(subscriber_ids):
        sent = and_(EDITIONS.c.subscriber_id.in_(part), EDITIONS.c.sent_at.is_not(None))
        latest = select(EDITIONS.c.subscriber_id, func.max(EDITIONS.c.sent_at)).where(sent)
        found.update({subscriber: at for subscriber, at in tx.execute(latest.group_by(EDITIONS.c.subscriber_id))})
    return found


def ever_sent_before(tx: Connection, subscriber_id: int, edition_id: int) -> bool:
    """Whether a relay accepted anything for a subscriber before an edition."""
    mail = and_(EDITIONS.c.subscriber_id == subscriber_id, EDITIONS.c.channel == "")
    earlier = and_(mail, EDITIONS.c.state == "sent", EDITIONS.c.id < edition_id)
    return tx.execute(select(EDITIONS.c.id).where(earlier).limit(1)).first() is not None


def delete_of(tx: Connection, subscriber_ids: Sequence[int]) -> None:
    """Everything these people were or would be told goes; the books keep the sums."""
    for part in chunks(subscriber_ids):
        mine = EDITIONS.c.subscriber_id.in_(part)
        counted = select(EDITIONS.c.day, EDITIONS.c.state, func.sum(EDITIONS.c.matched)).where(mine)
        for day, state, matched in tx.execute(counted.group_by(EDITIONS.c.day, EDITIONS.c.state)).all():
            book(tx, day, state if state in (*SETTLED, "unknown") else "suppressed", int(matched or 0))
        tx.execute(delete(ATTEMPTS).where(ATTEMPTS.c.edition_id.in_(select(EDITIONS.c.id).where(mine))))
        tx.execute(delete(EDITIONS).where(mine))


def prune(tx: Connection, before: datetime, after: int = 0, limit: int = 1000) -> tuple[int, int | None]:
    """Delete settled editions due before a moment, a page of editions at a time, oldest first, and carry their matches
    over into the books. What was `unknown` stays until a person has seen it.

    Returns how many were deleted, and the id after which to go on; None: what follows is younger.
    """
    page = tx.execute(
        select(EDITIONS.c.id, EDITIONS.c.day, EDITIONS.c.state, EDITIONS.c.matched, EDITIONS.c.due)
        .where(EDITIONS.c.id > after)
        .order_by(EDITIONS.c.id)
        .limit(limit)
    ).all()
    old = [row for row in page if row.due < before]
    settled = [row for row in old if row.state in SETTLED]
    totals: dict[tuple[date, str], int] = defaultdict(int)
    for row in settled:
        totals[row.day, row.state] += row.matched
    for (day, state), matched in totals.items():
        book(tx, day, state, matched)
    for part in chunks([row.id for row in settled]):
        tx.execute(delete(ATTEMPTS).where(ATTEMPTS.c.edition_id.in_(part)))
        tx.execute(delete(EDITIONS).where(EDITIONS.c.id.in_(part)))
    return len(settled), page[-1].id if old and len(page) == limit else None
