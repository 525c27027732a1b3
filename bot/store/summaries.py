"""Sentences by a language model, and what was spent on them."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, select, update

from bot.core.papers import Paper
from bot.store.sql import among, chunks, insert_or_ignore
from bot.store.tables.edition_rows import COMPOSES, EDITIONS
from bot.store.tables.rate_limit_rows import LIMITS
from bot.store.tables.summary_rows import MODEL_SPEND, SUMMARIES

BREAKER = "summaries: the model"  # in `rate_limit`; no host is called that
FURTHEST = timedelta(days=2)  # the model is left alone for no longer: a row that says so was written by a wrong clock
KEPT = timedelta(days=120)  # longer than editions, which may be looked at in a browser


class Version(NamedTuple):
    """One text of a paper: what a sentence is about."""

    paper_id: int
    digest: str  # of its title and abstract


def version_of(paper_id: int, paper: Paper) -> Version:
    """What a sentence about this text of a paper is kept under."""
    text = f"{paper.title}\n{paper.abstract}"
    return Version(paper_id, hashlib.blake2b(text.encode(errors="replace"), digest_size=8).hexdigest())


class Sentence(NamedTuple):
    """What a model said."""

    text: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """What was asked of the model on one day (UTC)."""

    calls: int = 0
    tokens: int = 0
    written: int = 0  # sentences that may be shown
    thrown_away: int = 0
    failed: int = 0  # calls without an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyBudget:
    """What may be spent a day."""

    calls: int
    tokens: int


class Fresh(NamedTuple):
    """A digest that was composed a moment ago and has not been touched since."""

    id: int
    picks: str
    revision: int
    next_at: datetime
    composed: datetime


def sentences_of(tx: Connection, ids: Collection[int], language: str) -> dict[Version, Sentence]:
    """What may be shown of these papers."""
    mine = and_(among(tx, SUMMARIES.c.paper_id, ids), SUMMARIES.c.language == language, SUMMARIES.c.sentence != "")
    columns = (SUMMARIES.c.paper_id, SUMMARIES.c.version, SUMMARIES.c.sentence, SUMMARIES.c.model)
    return {
        Version(paper_id, version): Sentence(sentence, model)
        for paper_id, version, sentence, model in tx.execute(select(*columns).where(mine))
    }


class Questions(NamedTuple):
    """Which versions need not be asked about."""

    answered: set[Version]
    open: set[Version]  # somebody has asked and may still get an answer


def questions_about(tx: Connection, ids: Collection[int], language: str, since: datetime) -> Questions:
    """What has been asked of these papers; without an answer, since a moment."""
    columns = (SUMMARIES.c.paper_id, SUMMARIES.c.version, SUMMARIES.c.sentence, SUMMARIES.c.objection, SUMMARIES.c.at)
    mine = and_(among(tx, SUMMARIES.c.paper_id, ids), SUMMARIES.c.language == language)
    found = Questions(set(), set())
    for row in tx.execute(select(*columns).where(mine)):
        if row.sentence or row.objection:
            found.answered.add(Version(row.paper_id, row.version))
        elif row.at > since:
            found.open.add(Version(row.paper_id, row.version))
    return found


def begin(tx: Connection, version: Version, language: str, model: str, now: datetime, given_up: timedelta) -> bool:
    """Note that a sentence is asked for. False: there is an answer, or another process asked a moment ago and may still
    get one."""
    mine = and_(
        SUMMARIES.c.paper_id == version.paper_id,
        SUMMARIES.c.version == version.digest,
        SUMMARIES.c.language == language,
    )
    row = {
        "paper_id": version.paper_id,
        "version": version.digest,
        "language": language,
        "model": model,
        "at": now,
        "sentence": "",
        "objection": "",
    }
    if tx.execute(insert_or_ignore(tx, SUMMARIES).returning(SUMMARIES.c.paper_id), row).first() is not None:
        return True
    stale = and_(mine, SUMMARIES.c.sentence == "", SUMMARIES.c.objection == "", SUMMARIES.c.at <= now - given_up)
    return tx.execute(update(SUMMARIES).where(stale).values(at=now, model=model)).rowcount == 1


def keep_answer(tx: Connection, version: Version, language: str, *, sentence: str = "", objection: str = "") -> None:
    """Keep an answer: a sentence that may be shown, or why it may not. With neither the question is open again."""
    mine = and_(
        SUMMARIES.c.paper_id == version.paper_id,
        SUMMARIES.c.version == version.digest,
        SUMMARIES.c.language == language,
    )
    if sentence or objection:
        tx.execute(update(SUMMARIES).where(mine).values(sentence=sentence, objection=objection))
    else:
        tx.execute(delete(SUMMARIES).where(mine, SUMMARIES.c.sentence == "", SUMMARIES.c.objection == ""))


def take(tx: Connection, day: date, budget: DailyBudget, tokens: int) -> bool:
    """Count a call of so many tokens, at most, before it is made. False: that would be more than the day's budget."""
    _day(tx, day)
    left = and_(MODEL_SPEND.c.calls < budget.calls, MODEL_SPEND.c.tokens <= budget.tokens - tokens)
    spent = update(MODEL_SPEND).where(MODEL_SPEND.c.day == day, left)
    values = {"calls": MODEL_SPEND.c.calls + 1, "tokens": MODEL_SPEND.c.tokens + tokens}
    return tx.execute(spent.values(values)).rowcount == 1


def correct(
    tx: Connection, day: date, *, tokens: int = 0, written: int = 0, thrown_away: int = 0, failed: int = 0
) -> None:
    """What came of a call that was counted: so many tokens more (or fewer) than thought, and with which end."""
    table = MODEL_SPEND.c
    _day(tx, day)
    tx.execute(
        update(MODEL_SPEND)
        .where(table.day == day)
        .values(
            tokens=table.tokens + tokens,
            written=table.written + written,
            thrown_away=table.thrown_away + thrown_away,
            failed=table.failed + failed,
        )
    )


def _day(tx: Connection, day: date) -> None:
    row = {"day": day, "calls": 0, "tokens": 0, "written": 0, "thrown_away": 0, "failed": 0}
    tx.execute(insert_or_ignore(tx, MODEL_SPEND), row)


def spend(tx: Connection, day: date) -> Spend:
    """What was spent on a day."""
    row = tx.execute(select(MODEL_SPEND).where(MODEL_SPEND.c.day == day)).first()
    return Spend(**{name: row._mapping[name] for name in Spend.__slots__}) if row else Spend()


def left_alone_until(tx: Connection, now: datetime) -> tuple[datetime | None, str]:
    """Until when the model is not asked (None: it is), and what it last failed for ("": it answered)."""
    row = tx.execute(select(LIMITS.c.held_until, LIMITS.c.reason).where(LIMITS.c.name == BREAKER)).first()
    if row is None:
        return None, ""
    is_held = row.held_until is not None and now < row.held_until <= now + FURTHEST
    return row.held_until if is_held else None, row.reason


def note_failure(
    tx: Connection, now: datetime, reason: str, most: int, pause: timedelta, until: datetime | None
) -> bool:
    """Count a failure; after `most` in a row, or where the model itself says `until` when, it is left alone. Returns
    whether it is now."""
    tx.execute(insert_or_ignore(tx, LIMITS), {"name": BREAKER, "next_free": now, "reason": ""})
    mine = LIMITS.c.name == BREAKER
    tx.execute(update(LIMITS).where(mine).values(trips=LIMITS.c.trips + 1, reason=reason))
    in_a_row = tx.execute(select(LIMITS.c.trips).where(mine)).scalar_one()
    if until is None and in_a_row < most:
        return False
    tx.execute(update(LIMITS).where(mine).values(held_until=until or now + pause, trips=0))
    return True


def note_success(tx: Connection) -> None:
    """The model answers."""
    tx.execute(update(LIMITS).where(LIMITS.c.name == BREAKER).values(trips=0, held_until=None, reason=""))


def fresh_digests(tx: Connection, since: datetime, until: datetime, limit: int) -> list[Fresh]:
    """Digests composed after `since` and due by `until` that nobody has tried to send yet."""
    rows = tx.execute(
        select(EDITIONS.c.id, EDITIONS.c.picks, EDITIONS.c.revision, EDITIONS.c.next_at, COMPOSES.c.at)
        .join(COMPOSES, COMPOSES.c.id == EDITIONS.c.compose_id)
        .where(
            EDITIONS.c.kind == "digest",
            EDITIONS.c.state == "waiting",
            EDITIONS.c.attempts == 0,
            EDITIONS.c.next_at <= until,
            COMPOSES.c.at > since,
        )
        .order_by(EDITIONS.c.id)
        .limit(limit)
    )
    return [Fresh(*row) for row in rows]


def set_next(tx: Connection, ids: Sequence[int], moment: datetime) -> None:
    """When these editions are due, as far as nobody has tried to send them."""
    for part in chunks(ids):
        untouched = and_(EDITIONS.c.id.in_(part), EDITIONS.c.state == "waiting", EDITIONS.c.attempts == 0)
        tx.execute(update(EDITIONS).where(untouched).values(next_at=moment))


def prune(tx: Connection, now: datetime) -> None:
    """Drop what no letter shows any more."""
    tx.execute(delete(SUMMARIES).where(SUMMARIES.c.at < now - KEPT))
    tx.execute(delete(MODEL_SPEND).where(MODEL_SPEND.c.day < (now - KEPT).date()))
