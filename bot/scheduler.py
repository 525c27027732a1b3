"""The worker: APScheduler wakes one short tick per step; signals stop it. Nothing is decided or remembered here.

The jobs are only wake-ups: all due times are rows, so a tick that is missed, late or doubled does no harm, and a
machine that slept for two days finds what is overdue with its first tick.
"""

import ctypes
import logging
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler

from bot.errors import PaperlarkError

log = logging.getLogger(__name__)

GRACE = 25.0  # seconds to finish what is in flight: Heroku kills after 30
COLLECT_EVERY = 60  # seconds between looks at which source is due
COMPOSE_EVERY = 20
DELIVER_EVERY = 20  # and right after composing
CHANNELS_EVERY = 20
REQUESTS_EVERY = 2  # somebody in front of a web page waits for this mail
WAKE_AFTER = 0.5  # after composing
SUMMARIES_EVERY = 2  # letters wait for these
TASTES_EVERY = 300
CARE_EVERY = 3600
NOTICED = timedelta(seconds=2)  # what two clocks may differ by
M_ARENA_MAX = -8  # of glibc's malloc.h


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticks:
    """What to do at each wake-up. What may take long gets the event that says stop."""

    collect: Callable[[datetime, threading.Event], object]
    compose: Callable[[datetime], object]
    deliver: Callable[[threading.Event], object]
    channels: Callable[
        [threading.Event], object
    ]  # what goes elsewhere than to mailboxes, so that mail never waits for it
    requests: Callable[[threading.Event], object]  # mail that somebody waits for
    summaries: Callable[[threading.Event], object]  # sentences by a model that letters wait for, a little
    tastes: Callable[[threading.Event], object]  # learn those that have become others
    care: Callable[[datetime], object]  # prune, tell the operator, read the inbox


class WorkerClock:
    """The time, by PostgreSQL's clock where it is the database: machines that share work by moments in its rows must
    agree on it, and their own clocks may be minutes apart."""

    def __init__(self, server_time: Callable[[], datetime] | None = None) -> None:
        self._server_time = server_time
        self._ahead = timedelta(0)  # of the server's clock

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def set_right(self) -> datetime:
        """Compare with the server's, and return the time. Raises what asking for it raises."""
        if self._server_time is not None:
            before = datetime.now(UTC)
            server = self._server_time()
            ahead = server - (before + (datetime.now(UTC) - before) / 2)
            if abs(ahead - self._ahead) > NOTICED:
                self._ahead = ahead
                log.warning("the database's clock is used: this machine's is off by %.0f s", -ahead.total_seconds())
        return self()


def work(ticks: Ticks, *, clock: WorkerClock | None = None, stop: threading.Event | None = None) -> bool:
    """Keep the clock until SIGTERM or SIGINT (or `stop`), then finish what is in flight within 25 s.
    Returns whether it did; what has not is safe in its rows, and its threads are to be left behind."""
    clock, stop = clock or WorkerClock(), stop or threading.Event()
    _stop_on_signals(stop)
    _share_one_heap()
    scheduler = BackgroundScheduler(
        timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
    )

    composed = threading.Event()

    def compose() -> None:
        ticks.compose(clock.set_right())
        composed.set()

    jobs: list[tuple[str, Callable[[], object], int]] = [
        ("collect", lambda: ticks.collect(clock(), stop), COLLECT_EVERY),
        ("compose", compose, COMPOSE_EVERY),
        ("deliver", lambda: ticks.deliver(stop), DELIVER_EVERY),
        ("channels", lambda: ticks.channels(stop), CHANNELS_EVERY),
        ("requests", lambda: ticks.requests(stop), REQUESTS_EVERY),
        ("summaries", lambda: ticks.summaries(stop), SUMMARIES_EVERY),
        ("tastes", lambda: ticks.tastes(stop), TASTES_EVERY),
        ("care", lambda: ticks.care(clock()), CARE_EVERY),
    ]
    for name, tick, seconds in jobs:
        scheduler.add_job(
            _guarded(name, tick, stop), "interval", seconds=seconds, id=name, next_run_time=datetime.now(UTC)
        )
    scheduler.start()
    log.info("worker started")
    while not stop.wait(WAKE_AFTER):
        # What was composed goes out at once. Delivering is a job of its own, as a message that stalls for minutes must
        # not keep anybody's alert from being composed. It is woken from here: a job that touches the scheduler while
        # that shuts down would wait for the scheduler, which waits for the job.
        if composed.is_set():
            composed.clear()
            scheduler.modify_job("deliver", next_run_time=datetime.now(UTC))
    log.info("stopping: finishing what is in flight")
    return _finish(scheduler)


def _guarded(name: str, tick: Callable[[], object], stop: threading.Event) -> Callable[[], None]:
    """A tick that fails is logged and comes again: the worker itself never ends because of one."""

    def run() -> None:
        if stop.is_set():
            return
        try:
            tick()
        except PaperlarkError as error:  # says itself what is wrong
            log.error("%s failed; it will be tried again: %s", name, " ".join(str(error).split()))
        except Exception:
            log.exception("%s failed; it will be tried again", name)
        if name not in ("requests", "summaries"):  # these come every few seconds and leave nothing behind
            _give_memory_back()

    return run


def _share_one_heap() -> None:
    """Keeps the worker's memory level. glibc gives threads heaps of their own, and what one of them has freed no other
    can use: a worker whose ticks run in ever other threads grows for hours. Where there is no glibc nothing happens."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def _give_memory_back() -> None:
    """What a tick has freed goes back to the system, so that the next one starts from the same size."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _stop_on_signals(stop: threading.Event) -> None:
    if threading.current_thread() is not threading.main_thread():
        return

    def handle(number: int, _frame: FrameType | None) -> None:
        log.info("received %s", signal.Signals(number).name)
        stop.set()  # a second signal changes nothing: we are stopping already

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)


def _finish(scheduler: Any) -> bool:
    """Wait for running ticks, but not longer than the platform gives us."""
    waiter = threading.Thread(target=scheduler.shutdown, kwargs={"wait": True}, daemon=True)
    waiter.start()
    waiter.join(GRACE)
    if waiter.is_alive():
        log.warning(
            "not everything finished in %.0f s; the rest is in the database and goes on at the next start", GRACE
        )
    else:
        log.info("stopped")
    return not waiter.is_alive()
