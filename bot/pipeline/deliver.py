"""deliver: database -> mail. Lease, render, send, mark; each message is its own commit.

Whatever dies at whatever instant, no edition is lost; at most one message per sending thread can be repeated, with the
same Message-ID, and with on_crash = "skip" none is: those whose fate is unknowable are listed instead.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bot.errors import DeliveryError
from bot.mail.transport import Message, Session, Transport
from bot.pipeline import workers
from bot.pipeline.backoff import next_attempt
from bot.store import Database, editions, readers
from bot.store.editions import Leased
from bot.store.sources import Pace

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)
CLAIM = 50  # editions leased at once
BLOCK = 10.0  # seconds of a relay's rate taken at once
OUR_FAULT_PAUSE = timedelta(minutes=15)
STALE = {"alert": timedelta(hours=6), "digest": timedelta(hours=20)}


@dataclass(slots=True)
class DeliverReport:
    """What became of the editions this run took up."""

    delivered: int = 0
    failed: int = 0  # refused for good, or put off after an error
    suppressed: int = 0
    unknown: int = 0
    expired: int = 0
    waiting: int = 0
    trouble: str = ""  # why sending stopped, where it did

    def add(self, other: "DeliverReport") -> None:
        self.delivered += other.delivered
        self.failed += other.failed
        self.suppressed += other.suppressed
        self.unknown += other.unknown
        self.trouble = self.trouble or other.trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """How messages leave: from the configuration."""

    transport: Transport
    build: Callable[[Leased], Message]  # renders and writes one edition; pure but for reading the store
    on_crash: Literal["resend", "skip"] = "resend"
    connections: int = 4
    per_minute: float = 0  # 0: no limit


def deliver(
    database: Database,
    sending: Sending,
    clock: Callable[[], datetime],
    *,
    stop: threading.Event | None = None,
    patience: timedelta = timedelta(0),
    progress: Callable[[int], None] = lambda done: None,
) -> DeliverReport:
    """Send what is due, alerts first. Returns when nothing more is due, the relay asks for a pause longer than
    `patience`, or `stop` is set; what is in flight is finished."""
    stop = stop or threading.Event()
    pace = Pace(database)
    report = DeliverReport()
    with database.write() as tx:
        editions.end_leases(tx, {by for by in editions.lessees(tx) if workers.is_dead(by)}, clock())
        editions.recover(tx, clock(), resend=sending.on_crash == "resend")
        report.expired = sum(editions.expire(tx, kind, clock() - age) for kind, age in STALE.items())
        waiting = editions.waiting(tx)
    held = pace.held(sending.transport.name, clock())
    if held and held[0] - clock() > patience:
        report.trouble = f"sending is paused until {held[0]:%H:%M} UTC: {held[1]}"
    elif waiting:
        threads = max(1, min(sending.connections, -(-waiting // CLAIM)))
        with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="deliver") as pool:
            jobs = [
                pool.submit(_Courier(database, sending, pace, clock, stop, patience, progress).run)
                for _ in range(threads)
            ]
            for job in jobs:
                report.add(job.result())
    with database.read() as tx:
        report.waiting = editions.waiting(tx)
    return report


class _Courier:
    """One sending thread with one connection."""

    def __init__(
        self,
        database: Database,
        sending: Sending,
        pace: Pace,
        clock: Callable[[], datetime],
        stop: threading.Event,
        patience: timedelta,
        progress: Callable[[int], None],
    ) -> None:
        self.database = database
        self.sending = sending
        self.pace = pace
        self.clock = clock
        self.stop = stop
        self.patience = patience
        self.progress = progress
        self.by = workers.new_name()
        self.report = DeliverReport()
        self.seconds_each = 60 / sending.per_minute if sending.per_minute else 0.0
        self.claim = max(1, min(CLAIM, int(BLOCK / self.seconds_each))) if self.seconds_each else CLAIM

    def run(self) -> DeliverReport:
        session = self.sending.transport.session()
        try:
            while not self.stop.is_set() and (batch := self._lease()):
                until = self.clock() + LEASE / 2
                for leased in batch:
                    if self.stop.is_set() or self.clock() >= until or not self._wait_for_turn():
                        break
                    if not self._deliver(session, leased):
                        return self.report
                    self.progress(1)
                else:
                    continue
                break
        finally:
            session.close()
            with self.database.write() as tx:
                editions.give_back(tx, self.by, self.clock())
        return self.report

    def _lease(self) -> list[Leased]:
        now = self.clock()
        with self.database.write() as tx:
            return editions.lease(tx, "alert", self.by, now, now + LEASE, self.claim) or editions.lease(
                tx, "digest", self.by, now, now + LEASE, self.claim
            )

    def _wait_for_turn(self) -> bool:
        """Keep to the relay's rate. False: our turn is too far off to wait for."""
        if not self.seconds_each:
            return True
        now = self.clock()
        turn = self.pace.reserve(self.sending.transport.name, self.seconds_each, now)
        wait = turn - now
        return wait <= max(self.patience, timedelta(seconds=BLOCK)) and not self.stop.wait(
            max(0.0, wait.total_seconds())
        )

    def _deliver(self, session: Session, leased: Leased) -> bool:
        """One edition to its end, or put off. False: stop sending for now."""
        with self.database.read() as tx:
            reader = readers.by_id(tx, leased.subscriber_id)
        if reader is None or reader.status not in ("active", "paused"):
            self._finish(leased, "suppressed", f"the reader is {reader.status if reader else 'gone'}")
            return True
        try:
            message = self.sending.build(leased)
            words = session.send(message, self._before_data(leased) if self.sending.on_crash == "skip" else None)
        except _LeaseLost:
            return True
        except DeliveryError as error:
            return self._react(leased, error)
        except Exception as error:  # a template, a full disk: never the end of everybody else's mail
            log.exception("edition %d could not be made", leased.id)
            return self._react(leased, DeliveryError(f"{type(error).__name__}: {error}", "retry"))
        self._finish(leased, "sent", words)
        return True

    def _before_data(self, leased: Leased) -> Callable[[], None]:
        def mark() -> None:
            with self.database.write() as tx:
                if not editions.begin_sending(tx, leased.id, self.by):
                    raise _LeaseLost

        return mark

    def _finish(self, leased: Leased, state: editions.Final, words: str) -> None:
        with self.database.write() as tx:
            if not editions.finish(tx, leased.id, self.by, state, words, self.clock()):
                log.warning("edition %d was settled by another worker", leased.id)
                return
        counter = "delivered" if state == "sent" else state
        setattr(self.report, counter, getattr(self.report, counter) + 1)

    def _react(self, leased: Leased, error: DeliveryError) -> bool:
        now = self.clock()
        words = str(error)
        log.info("edition %d: %s: %s", leased.id, error.outcome, words)
        with self.database.write() as tx:
            editions.note_attempt(tx, leased.id, now, error.outcome, words)
        if error.outcome == "refused":
            self._finish(leased, "failed", words)
            with self.database.write() as tx:
                readers.set_status(tx, leased.email, "bounced", words, now)
                editions.suppress(tx, [leased.subscriber_id], "the address was refused")
            return True
        if error.outcome == "unknown" and self.sending.on_crash == "skip":
            self._finish(leased, "unknown", words)
            return True
        self.report.failed += 1
        with self.database.write() as tx:
            editions.put_back(tx, leased.id, self.by, next_attempt(now, leased.attempts, leased.id), words)
        if error.outcome == "ours":
            self.pace.hold(self.sending.transport.name, now + OUR_FAULT_PAUSE, words)
            self.report.trouble = words
            self.stop.set()
            return False
        return True


class _LeaseLost(Exception):
    """Another worker has the edition now."""
