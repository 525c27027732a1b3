"""The options that many verbs share: the global ones, `--json`, and `--now`, which a verb turns into its clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from bot.errors import UserError

Clock = Callable[[], datetime]
Now = Annotated[
    str | None,
    typer.Option("--now", metavar="ISO8601", help="Pretend it is this moment, e.g. 2026-03-29T07:30+02:00."),
]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable: only JSON on stdout.")]

YEARS = range(1970, 3000)  # of --now; around the ends of the calendar dates overflow


@dataclass(slots=True)
class GlobalOptions:
    """What stands before the verb: `paperlark --config FILE --quiet VERB`."""

    config_path: Path
    verbose: bool = False
    quiet: bool = False
    worker: bool = False  # it runs by itself, and logs what it does


def moment_of(text: str | None) -> datetime:
    """`--now`, or the present moment, in UTC. Without an offset it is UTC. Raises UserError."""
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserError(
            f"--now {text!r} is not a moment in ISO 8601.", ["for example 2026-03-29T07:30+02:00"]
        ) from error
    if moment.year not in YEARS:
        raise UserError(f"--now {text!r} is too far away.", [f"give a year from {YEARS[0]} to {YEARS[-1]}"])
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def clock_from(now: str | None) -> Clock:
    """The clock of a run: the real one, or one that starts at `--now` and runs on."""
    if now is None:
        return lambda: datetime.now(UTC)
    start, began = moment_of(now), time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - began)
