"""The ways mail takes, as rows that outlive a restart: whose turn it is at a relay or for a domain, what is held and
why, and how much a relay was given each day. When to hold what is decided in `bot.pipeline.deliver.pacing`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, and_, delete, func, select, update

from bot.store.sql import insert_or_ignore
from bot.store.tables.rate_limit_rows import LIMITS, QUOTAS

FAR = timedelta(hours=6)  # nothing is held or queued for longer: a row that says so was written by a clock gone wrong
FROM = " from "  # between a relay and who cannot reach it


@dataclass(slots=True, kw_only=True)
class RateLimit:
    """A relay, or a domain behind it. Times are UTC."""

    name: str
    next_free: datetime
    held_until: datetime | None = None
    reason: str = ""
    gap: float = 0.0  # seconds between messages, learnt from complaints
    trips: int = 0  # how often in a row it had to be held
    told_operator: datetime | None = None

    def holds(self, now: datetime) -> datetime | None:
        """Until when nothing may go this way; None when it is free."""
        return self.held_until if self.held_until and now < self.held_until <= now + FAR else None

    @property
    def is_on_probation(self) -> bool:
        """Whether a success changes what is known of it."""
        return self.trips > 0 or self.gap > 0


COLUMNS = [LIMITS.c[name] for name in RateLimit.__slots__]


def known(tx: Connection, names: Iterable[str]) -> dict[str, RateLimit]:
    """What is written of these names."""
    rows = tx.execute(select(*COLUMNS).where(LIMITS.c.name.in_(sorted(set(names)))))
    return {limit.name: limit for limit in (RateLimit(**row._mapping) for row in rows)}


def locked(tx: Connection, names: Iterable[str], now: datetime) -> dict[str, RateLimit]:
    """The same with a row for every name, locked until the end of `tx`; always in the order of names, so that two
    processes never wait for each other."""
    wanted = sorted(set(names))
    if not wanted:
        return {}
    tx.execute(insert_or_ignore(tx, LIMITS), [{"name": name, "next_free": now, "reason": ""} for name in wanted])
    rows = tx.execute(select(*COLUMNS).where(LIMITS.c.name.in_(wanted)).order_by(LIMITS.c.name).with_for_update())
    limits = [RateLimit(**row._mapping) for row in rows]
    for limit in limits:
        if limit.next_free > now + FAR:
            limit.next_free = now
    return {limit.name: limit for limit in limits}


def free_from(tx: Connection, moments: Mapping[str, datetime]) -> None:
    """Turns have been given away up to these moments."""
    for name, moment in sorted(moments.items()):
        tx.execute(update(LIMITS).where(LIMITS.c.name == name).values(next_free=moment))


def hold(tx: Connection, name: str, now: datetime, until: datetime, reason: str) -> None:
    """Nothing goes this way before `until`. One who finds it held already changes nothing."""
    limit = locked(tx, [name], now)[name]
    if limit.holds(now):
        return
    tx.execute(
        update(LIMITS).where(LIMITS.c.name == name).values(held_until=until, reason=reason, trips=LIMITS.c.trips + 1)
    )


def slow_down(tx: Connection, name: str, now: datetime, gap: float) -> None:
    """At least `gap` seconds between messages from now on."""
    next_free = max(locked(tx, [name], now)[name].next_free, now + timedelta(seconds=gap))
    tx.execute(update(LIMITS).where(LIMITS.c.name == name).values(gap=gap, next_free=next_free))


def recovered(tx: Connection, name: str, gap: float) -> None:
    """Something went this way and was accepted."""
    tx.execute(
        update(LIMITS)
        .where(LIMITS.c.name == name)
        .values(gap=gap, trips=0, held_until=None, reason="", told_operator=None)
    )


def take_quota(tx: Connection, relay: str, day: date, wanted: int, start: int, growth: float) -> int:
    """Take up to `wanted` from what a relay that is being warmed up may be given on a day: `start` messages on the
    first day it is used, `growth` times as many on each further day of use. Returns how many may go."""
    tx.execute(insert_or_ignore(tx, QUOTAS), [{"relay": relay, "day": day, "count": 0}])
    given = tx.execute(
        select(QUOTAS.c.count).where(QUOTAS.c.relay == relay, QUOTAS.c.day == day).with_for_update()
    ).scalar_one()
    days = tx.execute(
        select(func.count()).where(QUOTAS.c.relay == relay, QUOTAS.c.day < day, QUOTAS.c.count > 0)
    ).scalar_one()
    limit = start * growth ** min(days, 100)
    granted: int = max(0, min(wanted, int(limit) - given))
    give_back_quota(tx, relay, day, -granted)
    return granted


def give_back_quota(tx: Connection, relay: str, day: date, number: int) -> None:
    """What was taken and not used."""
    tx.execute(update(QUOTAS).where(QUOTAS.c.relay == relay, QUOTAS.c.day == day).values(count=QUOTAS.c.count - number))


def held(tx: Connection, now: datetime, prefix: str) -> list[RateLimit]:
    """Everything of that prefix that is held, the longest hold first."""
    rows = tx.execute(
        select(*COLUMNS)
        .where(LIMITS.c.held_until > now, LIMITS.c.held_until <= now + FAR, LIMITS.c.name.startswith(prefix))
        .order_by(LIMITS.c.held_until.desc(), LIMITS.c.name)
    )
    return [RateLimit(**row._mapping) for row in rows]


def told(tx: Connection, names: Iterable[str], now: datetime) -> None:
    """The operator knows of these."""
    tx.execute(update(LIMITS).where(LIMITS.c.name.in_(sorted(names))).values(told_operator=now))


def prune(tx: Connection, before: datetime) -> None:
    """What processes knew of their own routes goes with them."""
    old = and_(LIMITS.c.name.contains(FROM), LIMITS.c.held_until < before)
    tx.execute(delete(LIMITS).where(old))
