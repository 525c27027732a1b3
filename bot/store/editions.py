"""Editions as they are written down, counted, found again and pruned. How they leave is in `outbox`."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, NamedTuple

from sqlalchemy import Connection, and_, delete, exists, func, insert, or_, select, update

from bot.core.edition.picks import Picks, PickSection
from bot.errors import Outcome
from bot.store.sql import chunks, insert_or_ignore, insert_rows
from bot.store.tables import (
    ACCOUNTS,
    ATTEMPTS,
    COMPOSES,
    EDITIONS,
    OPEN_STATES,
    SUBSCRIBERS,
    UNTOLD,
    EditionState,
    MailKind,
)

BOOKS = ("matched", "delivered", "waiting", "failed", "suppressed", "expired", "unknown")
SETTLED = ("sent", "failed", "suppressed", "expired")
ACCOUNT_OF = {"sent": "delivered", "waiting": "waiting", "leased": "waiting", "sending": "waiting"}


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


MOST_UNKNOWN = 1_000  # listed
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


def accounts(tx: Connection, day: date | None = None) -> dict[str, int]:
    """The books: matched = delivered + waiting + failed + suppressed + expired + unknown, in matches; of one day or
    of all. `matched` was counted when the matches were made, the others are counted now."""
    books = dict.fromkeys(BOOKS, 0)
    kept = select(ACCOUNTS.c.state, func.sum(ACCOUNTS.c.count)).group_by(ACCOUNTS.c.state)
    now = select(EDITIONS.c.state, func.sum(EDITIONS.c.matched)).group_by(EDITIONS.c.state)
    if day is not None:
        kept, now = kept.where(ACCOUNTS.c.day == day), now.where(EDITIONS.c.day == day)
    for rows in (tx.execute(kept), tx.execute(now)):
        for state, count in rows:
            books[ACCOUNT_OF.get(state, state)] += int(count or 0)
    return books


def last_days(tx: Connection, number: int) -> list[date]:
    """The last days anything was matched on, newest first."""
    days = select(ACCOUNTS.c.day).where(ACCOUNTS.c.state == "matched").order_by(ACCOUNTS.c.day.desc()).limit(number)
    return list(tx.execute(days).scalars())


def unknown(tx: Connection) -> list[tuple[str, str, str]]:
    """Messages that may or may not have arrived, the first thousand: (address, Message-ID, channel or "")."""
    rows = tx.execute(
        select(SUBSCRIBERS.c.email, EDITIONS.c.message_id, EDITIONS.c.channel)
        .join(SUBSCRIBERS, SUBSCRIBERS.c.id == EDITIONS.c.subscriber_id)
        .where(EDITIONS.c.state == "unknown")
        .order_by(EDITIONS.c.id)
        .limit(MOST_UNKNOWN)
    )
    return [(email, message_id, channel) for email, message_id, channel in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An edition that tells of a paper."""

    email: str
    kind: MailKind
    slot: str
    state: EditionState
    sent_at: datetime | None
    message_id: str
    channel: str  # "": mail
    shown: bool  # False: only named among what did not fit
    picks: Picks

    def section_of(self, paper_id: int) -> PickSection:
        """Where it shows or names the paper."""
        return next(one for one in self.picks.sections if paper_id in (*one.ids, *one.more_ids))


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
            EDITIONS.c.channel,
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
            found.append(Told(**values, shown=paper_id in picks.ids, picks=picks))
    return found


def digests_since(tx: Connection, subscriber_id: int, revision: int) -> list[tuple[str, Picks]]:
    """A subscriber's digests that knew of all up to a revision or more, oldest first: slot, and what was told."""
    rows = tx.execute(
        select(EDITIONS.c.slot, EDITIONS.c.picks)
        .where(EDITIONS.c.subscriber_id == subscriber_id, EDITIONS.c.kind == "digest", EDITIONS.c.revision >= revision)
        .order_by(EDITIONS.c.id)
    )
    return [(slot, Picks.from_json(picks)) for slot, picks in rows]


class Attempt(NamedTuple):
    """A try that did not succeed, with the relay's words."""

    at: datetime
    outcome: Outcome
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """All that happened to one message."""

    message_id: str
    email: str
    channel: str  # "": mail
    kind: MailKind
    slot: str
    state: EditionState
    due: datetime
    made: datetime
    sent_at: datetime | None
    revision: int
    words: str
    paper_ids: frozenset[int]
    attempts: tuple[Attempt, ...]


def life(tx: Connection, message_id: str, subscriber_id: int | None) -> Life | None:
    """A message by its Message-ID (with the angle brackets). Found at once among its subscriber's; without the
    subscriber (the secret was another when it was made) all editions are looked through."""
    query = (
        select(EDITIONS, SUBSCRIBERS.c.email, COMPOSES.c.at.label("made"))
        .join(SUBSCRIBERS, SUBSCRIBERS.c.id == EDITIONS.c.subscriber_id)
        .join(COMPOSES, COMPOSES.c.id == EDITIONS.c.compose_id)
        .where(EDITIONS.c.message_id == message_id)
    )
    row = None
    if subscriber_id is not None:
        row = tx.execute(query.where(EDITIONS.c.subscriber_id == subscriber_id)).first()
    row = row or tx.execute(query).first()
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
        channel=row.channel,
        kind=row.kind,
        slot=row.slot,
        state=row.state,
        due=row.due,
        made=row.made,
        sent_at=row.sent_at,
        revision=row.revision,
        words=row.words,
        paper_ids=frozenset(Picks.from_json(row.picks).ids),
        attempts=tuple(Attempt._make(row) for row in tries),
    )


def count_by_state(tx: Connection) -> dict[str, int]:
    """The editions still kept, by state."""
    rows = tx.execute(select(EDITIONS.c.state, func.count()).group_by(EDITIONS.c.state))
    return {state: number for state, number in rows}


class Summary(NamedTuple):
    """An edition without its papers."""

    id: int
    kind: MailKind
    slot: str
    day: date
    state: EditionState
    due: datetime
    sent_at: datetime | None


def of_subscriber(tx: Connection, subscriber_id: int, limit: int = 100) -> list[Summary]:
    """Somebody's digests and alerts, the newest first; one that goes by several channels once."""
    mine = and_(EDITIONS.c.subscriber_id == subscriber_id, EDITIONS.c.kind.in_(("digest", "alert")))
    first = select(func.min(EDITIONS.c.id)).where(mine).group_by(EDITIONS.c.compose_id, EDITIONS.c.kind)
    rows = (
        select(*(EDITIONS.c[name] for name in Summary._fields))
        .where(EDITIONS.c.id.in_(first))
        .order_by(EDITIONS.c.id.desc())
        .limit(limit)
    )
    return [Summary._make(row) for row in tx.execute(rows)]


def newest_of(tx: Connection, subscriber_id: int) -> int:
    """The number of somebody's newest digest or alert; 0 before the first."""
    mine = and_(EDITIONS.c.subscriber_id == subscriber_id, EDITIONS.c.kind.in_(("digest", "alert")))
    return tx.execute(select(func.max(EDITIONS.c.id)).where(mine)).scalar() or 0


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
