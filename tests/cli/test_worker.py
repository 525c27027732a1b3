"""What the worker notes of its steps, and what /health makes of that."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.cli.options import GlobalOptions
from bot.cli.wiring import App
from bot.cli.worker import Worker
from bot.errors import UserError
from bot.pipeline.liveness import liveness
from bot.scheduler import WorkerClock

IDLE = timedelta(seconds=90)


class Clock(WorkerClock):
    """Stands still until it is told to move."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def worker(tmp_path: Path) -> Any:
    config = tmp_path / "config.toml"
    config.write_text(
        f'database = "sqlite:///{tmp_path / "p.db"}"\n[mail]\nfrom = "p@example.org"\nurl = "outbox:out"\n'
    )
    app = App(GlobalOptions(config_path=config))
    yield Worker(app, None, Clock())  # type: ignore[arg-type]  # nothing is fetched here
    app.database.close()


def tick(worker: Worker, *, fails: bool) -> None:
    with worker.ticking("compose", IDLE):
        if fails:
            raise UserError("no luck")


def test_a_step_that_fails_at_every_tick_is_late_in_the_end(worker: Worker) -> None:
    clock: Any = worker.clock
    tick(worker, fails=False)
    for _ in range(40):
        clock.now += timedelta(seconds=20)
        with pytest.raises(UserError):
            tick(worker, fails=True)
        assert liveness(worker.app.database, clock.now)["ok"]
    for _ in range(10):
        clock.now += timedelta(seconds=20)
        with pytest.raises(UserError):
            tick(worker, fails=True)
    state = liveness(worker.app.database, clock.now)
    assert (state["ok"], "compose" in state["reason"]) == (False, True)

    tick(worker, fails=False)
    assert liveness(worker.app.database, clock.now)["ok"]
    clock.now += timedelta(seconds=91)
    assert not liveness(worker.app.database, clock.now)["ok"]
