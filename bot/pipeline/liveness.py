"""Whether somebody works: the database answers, and every step has run when it should have. Told by /health and by the
verb `health`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.store import Database, outbox, ticks
from bot.store.ticks import Tick

DATABASE_ANSWERS_WITHIN = 5.0  # seconds


def liveness(database: Database, now: datetime) -> dict[str, Any]:
    """`ok`, the `reason` where it is not, how many editions are `waiting`, and the `ticks`: when each step last ran,
    and by when it must run again."""
    if not database.answers():
        return {"ok": False, "reason": "the database does not answer"}
    with database.read() as tx:
        known, waiting = ticks.latest_ticks(tx), outbox.waiting(tx)
    late = late_steps(known, now)
    state: dict[str, Any] = {"ok": not late, "waiting": waiting}
    if late:
        state["reason"] = f"no worker, or one that fails: {', '.join(late)} should have run by now"
    steps = {step: {"at": tick.at.isoformat(), "due_by": tick.due_by.isoformat()} for step, tick in known.items()}
    return {**state, "ticks": steps}


def late_steps(known: Mapping[str, Tick], now: datetime) -> list[str]:
    """The steps that should have run again. One that never ran is not late: the worker may not have been started."""
    return [step for step, tick in known.items() if now > tick.due_by]
