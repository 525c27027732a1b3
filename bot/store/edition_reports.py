"""What became of editions, for those who ask: readers, operators, monitors. Nothing here changes anything."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, and_, func, select

from bot.core.edition.picks import Picks, PickSection
from bot.errors import Outcome
from bot.store.outbox import IN_ORDER
from bot.store.tables.edition_rows import ACCOUNTS, ATTEMPTS, COMPOSES, EDITIONS, OPEN, EditionState, MailKind
from bot.store.tables.subscriber_rows import SUBSCRIBERS

BOOKS = ("matched", "delivered", "waiting", "failed", "suppressed", "expired", "unknown")
ACCOUNT_OF = {"sent": "delivered", "waiting": "waiting", "leased": "waiting", "sending": "waiting"}
MOST_UNKNOWN = 1_000  # listed


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


def count_by_state(tx: Connection) -> dict[str, int]:
    """The editions still kept, by state."""
    rows = tx.execute(select(EDITIONS.c.state, func.count()).group_by(EDITIONS.c.state))
    return {state: number for state, number in rows}


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


def last_errors(tx: Connection, limit: int) -> list[Attempt]:
    """The last tries that did not succeed."""
    rows = select(ATTEMPTS.c.at, ATTEMPTS.c.outcome, ATTEMPTS.c.words).order_by(ATTEMPTS.c.id.desc()).limit(limit)
    return [Attempt._make(row) for row in tx.execute(rows)]


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


def waiting_since(tx: Connection) -> list[datetime]:
    """When each edition on its way was due, the longest first; some thousands at most."""
    due = select(EDITIONS.c.due).where(OPEN, EDITIONS.c.kind.in_(IN_ORDER)).order_by(EDITIONS.c.due).limit(10_000)
    return list(tx.execute(due).scalars())


class UnsentEdition(NamedTuple):
    """An edition that did not go out, and the relay's last words on it."""

    email: str
    channel: str  # "": mail
    state: EditionState  # "waiting": it is tried again; "failed": it is not
    at: datetime | None  # of the last try
    words: str


def unsent(tx: Connection, limit: int) -> list[UnsentEdition]:
    """The newest editions that a relay did not take."""
    tried = select(func.max(ATTEMPTS.c.at)).where(ATTEMPTS.c.edition_id == EDITIONS.c.id).scalar_subquery()
    rows = tx.execute(
        select(SUBSCRIBERS.c.email, EDITIONS.c.channel, EDITIONS.c.state, tried, EDITIONS.c.words)
        .join(SUBSCRIBERS, SUBSCRIBERS.c.id == EDITIONS.c.subscriber_id)
        .where(EDITIONS.c.state.in_(("waiting", "failed")), EDITIONS.c.words != "")
        .order_by(EDITIONS.c.id.desc())
        .limit(limit)
    )
    return [UnsentEdition._make(row) for row in rows]
