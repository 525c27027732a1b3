"""The ways mail takes, as rows that outlive a restart: whose turn it is at a relay or for a domain, what is held and
why, and how much a relay was given each day. When to hold what is decided in `bot.pipeline.lanes`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, func, select, update

from bot.store.sql import insert_or_ignore
from bot.store.tables import HANDED, PACES

FAR = timedelta(hours=6)  # nothing is held or queued for longer: a row that says so was written by a clock gone wrong


@dataclass(slots=True, kw_only=True)
class Lane:
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
    def is_scarred(self) -> bool:
        """Whether a success changes what is known of it."""
        return self.trips > 0 or self.gap > 0


COLUMNS = [PACES.c[name] for name in Lane.__slots__]


def known(tx: Connection, names: Iterable[str]) -> dict[str, Lane]:
    """What is written of these names."""
    rows = tx.execute(select(*COLUMNS).where(PACES.c.name.in_(sorted(set(names)))))
    return {lane.name: lane for lane in (Lane(**row._mapping) for row in rows)}


def locked(tx: Connection, names: Iterable[str], now: datetime) -> dict[str, Lane]:
    """The same with a row for every name, locked until the end of `tx`; always in the order of names, so that two
    processes never wait for each other."""
    wanted = sorted(set(names))
    if not wanted:
        return {}
    tx.execute(insert_or_ignore(tx, PACES), [{"name": name, "next_free": now, "reason": ""} for name in wanted])
    rows = tx.execute(select(*COLUMNS).where(PACES.c.name.in_(wanted)).order_by(PACES.c.name).with_for_update())
    lanes = [Lane(**row._mapping) for row in rows]
    for lane in lanes:
        if lane.next_free > now + FAR:
            lane.next_free = now
    return {lane.name: lane for lane in lanes}


def free_from(tx: Connection, moments: Mapping[str, datetime]) -> None:
    """Turns have been given away up to these moments."""
    for name, moment in sorted(moments.items()):
        tx.execute(update(PACES).where(PACES.c.name == name).values(next_free=moment))


def hold(tx: Connection, name: str, now: datetime, until: datetime, reason: str) -> None:
    """Nothing goes this way before `until`. One who finds it held already changes nothing."""
    lane = locked(tx, [name], now)[name]
    if lane.holds(now):
        return
    tx.execute(
        update(PACES).where(PACES.c.name == name).values(held_until=until, reason=reason, trips=PACES.c.trips + 1)
    )


def slow_down(tx: Connection, name: str, now: datetime, gap: float) -> None:
    """At least `gap` seconds between messages from now on."""
    next_free = max(locked(tx, [name], now)[name].next_free, now + timedelta(seconds=gap))
    tx.execute(update(PACES).where(PACES.c.name == name).values(gap=gap, next_free=next_free))


def recovered(tx: Connection, name: str, gap: float) -> None:
    """Something went this way and was accepted."""
    tx.execute(
        update(PACES)
        .where(PACES.c.name == name)
        .values(gap=gap, trips=0, held_until=None, reason="", told_operator=None)
    )


def take_quota(tx: Connection, relay: str, day: date, wanted: int, start: int, growth: float) -> int:
    """Take up to `wanted` from what a relay that is being warmed up may be given on a day: `start` messages on the
    first day it is used, `growth` times as many on each further day of use. Returns how many may go."""
    tx.execute(insert_or_ignore(tx, HANDED), [{"relay": relay, "day": day, "count": 0}])
    given = tx.execute(
        select(HANDED.c.count).where(HANDED.c.relay == relay, HANDED.c.day == day).with_for_update()
    ).scalar_one()
    days = tx.execute(
        select(func.count()).where(HANDED.c.relay == relay, HANDED.c.day < day, HANDED.c.count > 0)
    ).scalar_one()
    limit = start * growth ** min(days, 100)
    granted: int = max(0, min(wanted, int(limit) - given))
    give_back_quota(tx, relay, day, -granted)
    return granted


def give_back_quota(tx: Connection, relay: str, day: date, number: int) -> None:
    """What was taken and not used."""
    tx.execute(update(HANDED).where(HANDED.c.relay == relay, HANDED.c.day == day).values(count=HANDED.c.count - number))


def held(tx: Connection, now: datetime, prefix: str) -> list[Lane]:
    """Everything of that prefix that is held, the longest hold first."""
    rows = tx.execute(
        select(*COLUMNS)
        .where(PACES.c.held_until > now, PACES.c.held_until <= now + FAR, PACES.c.name.startswith(prefix))
        .order_by(PACES.c.held_until.desc(), PACES.c.name)
    )
    return [Lane(**row._mapping) for row in rows]


def told(tx: Connection, names: Iterable[str], now: datetime) -> None:
    """The operator knows of these."""
    tx.execute(update(PACES).where(PACES.c.name.in_(sorted(names))).values(told_operator=now))
