"""When each step of the worker last ran. Written by whoever runs a step, read by /health."""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import Connection, select, update

from bot.store.sql import insert_or_ignore
from bot.store.tables.installation_rows import TICKS

Step = Literal["collect", "compose", "deliver"]


class Tick(NamedTuple):
    """The last run of a step."""

    step: Step
    at: datetime
    due_by: datetime  # if it has not run again by then, nobody is working


def note(tx: Connection, step: Step, now: datetime, good_for: timedelta) -> None:
    """A step ran at `now`, and will again within `good_for`."""
    values = {"at": now, "due_by": now + good_for}
    tx.execute(insert_or_ignore(tx, TICKS), [{"step": step, **values}])
    tx.execute(update(TICKS).where(TICKS.c.step == step).values(**values))


def note_by_hand(tx: Connection, step: Step, now: datetime, good_for: timedelta) -> None:
    """The same by a run from cron or a shell. Beside a worker, which promises to be back much sooner, it is good for no
    longer than the worker's own: a step done by hand must not hide that the worker is gone."""
    last = latest_ticks(tx).get(step)
    if last is not None and now - last.at < good_for:
        good_for = min(good_for, last.due_by - last.at)
    note(tx, step, now, good_for)


def latest_ticks(tx: Connection) -> dict[str, Tick]:
    rows = tx.execute(select(TICKS.c.step, TICKS.c.at, TICKS.c.due_by).order_by(TICKS.c.step))
    return {row.step: Tick._make(row) for row in rows}
