"""One sending thread: takes a few editions at a time, sends each, writes down what became of it.

When a message may leave, and by which relay, is asked of `traffic`; what a refusal means for a subscriber, of
`refusals`.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from bot.errors import DeliveryError
from bot.mail.message.types import Message, Session, Transport
from bot.pipeline import bounce_rules
from bot.pipeline.deliver import worker_ids
from bot.pipeline.deliver.backoff import next_attempt, spread
from bot.pipeline.deliver.pacing import Plan, RelayPacing, is_about_the_relay
from bot.store import Connection, Database, outbox, subscribers
from bot.store.outbox import Final, Leased

log = logging.getLogger(__name__)

OnCrash = Literal["resend", "skip"]

# A message is begun within START of its lease and takes 22 minutes at most (the sum of all time-outs of `bot.mail`),
# so a lease never runs out under a message that is on its way.
LEASE = timedelta(minutes=30)
START = timedelta(minutes=5)
FIRST_CLAIM, MOST = 4, 100  # editions leased at once: as many as go in a second or so
BRISK, SLUGGISH = 0.5, 3.0  # seconds that a batch took
MOST_UNKNOWN = 3  # times a relay may leave us without an answer before we stop repeating the message


@dataclass(slots=True)
class DeliverReport:
    """What became of the editions this run took up."""

    delivered: int = 0
    failed: int = 0  # refused for good, or put off after an error
    suppressed: int = 0
    unknown: int = 0
    expired: int = 0
    waiting: int = 0
    trouble: str = ""  # why sending stopped, where something is wrong
    note: str = ""  # why messages wait, where nothing is

    def add(self, other: "DeliverReport") -> None:
        self.delivered += other.delivered
        self.failed += other.failed
        self.suppressed += other.suppressed
        self.unknown += other.unknown
        self.expired += other.expired


class Sender:
    """One sending thread with one connection to each relay it needs."""

    def __init__(
        self,
        database: Database,
        traffic: RelayPacing,
        build: Callable[[Leased], Message],
        on_crash: OnCrash,
        clock: Callable[[], datetime],
        stop: threading.Event,
        until: datetime | None,
        progress: Callable[[int], None],
    ) -> None:
        self.database = database
        self.traffic = traffic
        self.build = build
        self.on_crash = on_crash
        self.clock = clock
        self.stop = stop
        self.until = until
        self.progress = progress
        self.report = DeliverReport()
        self._claim = FIRST_CLAIM
        self._sessions: dict[str, Session] = {}

    def run(self) -> DeliverReport:
        """Until nothing more is due or may go, or we are to stop."""
        with worker_ids.working() as self.by:
            try:
                while not self.stop.is_set() and (self.until is None or self.clock() < self.until):
                    relay = self.traffic.open_relay()
                    if relay is None:
                        break
                    plan = self._take(relay)
                    if plan is not None:
                        self._work(relay, plan)
                    elif not self._wait_until(self.traffic.next_turn()):
                        break
            finally:
                for session in self._sessions.values():
                    session.close()
                with self.database.write() as tx:
                    outbox.give_back(tx, self.by, self.clock())
        return self.report

    def _take(self, relay: Transport) -> Plan | None:
        """Some of what is due and when it may go: what somebody waits for first, then alerts; None when nothing is."""
        now = self.clock()
        with self.database.write() as tx:
            for kind in outbox.IN_ORDER:
                batch = outbox.lease(tx, kind, self.by, now, now + LEASE, self._claim, alive=worker_ids.at_work())
                if batch:
                    return self.traffic.plan(tx, relay, self.by, batch)
        return None

    def _work(self, relay: Transport, plan: Plan) -> None:
        began, until = time.monotonic(), self.clock() + START
        accepted = -self.report.delivered
        for leased, at in plan.turns:
            if not self._wait_until(at) or self.clock() >= until or not self.traffic.is_valid(plan):
                with self.database.write() as tx:
                    outbox.give_back(tx, self.by, self.clock())
                break
            self._deliver(leased, relay)
            self.progress(1)
        accepted += self.report.delivered
        self.traffic.unused(relay, plan.quota - accepted)
        took = time.monotonic() - began
        self._claim = (
            min(self._claim * 2, MOST) if took < BRISK else max(self._claim // 2, 1) if took > SLUGGISH else self._claim
        )

    def _wait_until(self, moment: datetime | None) -> bool:
        """Wait for a turn, in this thread alone. False: there is none within reach, or we are to stop."""
        if moment is None or self.stop.is_set():
            return False
        wait = moment - self.clock()
        return wait <= self.traffic.reach and not self.stop.wait(max(0.0, wait.total_seconds()))

    # -- one message -----------------------------------------------------------------------------------------------

    def _deliver(self, leased: Leased, relay: Transport, tried: tuple[Transport, ...] = ()) -> None:
        """One edition to its end, or put off."""
        try:
            message = self.build(leased)
            words = self._session(relay).send(message, partial(self._before_data, leased))
        except _LeaseLost:
            log.info("edition %d is another worker's now", leased.id)
        except _NotWanted as why:
            self._finish(leased, why.state, str(why))
        except DeliveryError as error:
            again = self._again(leased, relay, error, (*tried, relay))
            if again is None:
                self._settle(leased, relay, error)
            else:
                self._deliver(*again, (*tried, relay))
        except Exception as error:  # a template, a full disk: never the end of everybody else's mail
            log.exception("edition %d could not be made", leased.id)
            trouble = DeliveryError(f"{type(error).__name__}: {error}", "retry")
            with self.database.write() as tx:
                self._note(tx, leased, trouble)
                self._put_back(tx, leased, trouble)
        else:
            self._finish(leased, "sent", words, relay)

    def _again(
        self, leased: Leased, relay: Transport, error: DeliveryError, tried: tuple[Transport, ...]
    ) -> tuple[Leased, Transport] | None:
        """How to try once more at once: smaller; or by another relay, if this one is to blame and certainly has not
        taken the message."""
        if error.outcome == "too big":
            smaller = bounce_rules.halved(leased.picks)
            again = (replace(leased, picks=smaller), relay) if smaller else None
        elif error.outcome in ("retry", "ours") and is_about_the_relay(error):
            another = self.traffic.open_relay(without=tried)
            again = (leased, another) if another else None
        else:
            again = None
        if again is not None:
            with self.database.write() as tx:
                self._note(tx, leased, error)
                if error.outcome != "too big":
                    self.traffic.refused(tx, relay, leased, error)
        return again

    def _session(self, relay: Transport) -> Session:
        if relay.name not in self._sessions:
            self._sessions[relay.name] = relay.session()
        return self._sessions[relay.name]

    def _before_data(self, leased: Leased) -> None:
        """The recipient is accepted, and nothing of the content has left: the last moment to think again."""
        skip = self.on_crash == "skip"
        with self.database.write() if skip else self.database.read() as tx:
            now = outbox.wanted(tx, leased.id, self.by)
            if not now.is_ours:
                raise _LeaseLost
            if now.subscriber_status == "paused":
                raise _NotWanted("expired", "the subscriber has paused; the first digest after that tells it")
            if now.subscriber_status != "active":
                raise _NotWanted("suppressed", f"the subscriber is {now.subscriber_status}")
            if leased.kind == "alert" and now.left_alerts:
                raise _NotWanted("expired", "the subscriber wants no more alerts; the next digest tells it")
            if skip:
                outbox.begin_sending(tx, leased.id, self.by)

    # -- what became of it -----------------------------------------------------------------------------------------

    def _finish(self, leased: Leased, state: Final, words: str, relay: Transport | None = None) -> None:
        with self.database.write() as tx:
            if not outbox.finish(tx, leased.id, self.by, state, words, self.clock()):
                log.warning("edition %d was settled by another worker", leased.id)
                return
            if relay is not None:
                self.traffic.accepted(tx, relay, leased)
        self._count(state)

    def _count(self, state: Final) -> None:
        counter = "delivered" if state == "sent" else state
        setattr(self.report, counter, getattr(self.report, counter) + 1)

    def _note(self, tx: Connection, leased: Leased, error: DeliveryError) -> None:
        log.info("edition %d: %s %s", leased.id, error.outcome, error.code)
        log.debug("edition %d: %s", leased.id, error)  # a relay's words often hold the address
        outbox.note_attempt(tx, leased.id, self.clock(), error.outcome, str(error))

    def _settle(self, leased: Leased, relay: Transport, error: DeliveryError) -> None:
        """A message that was not accepted, or perhaps was: given up, listed, or put off."""
        now = self.clock()
        with self.database.write() as tx:
            self._note(tx, leased, error)
            state: Final | None = None
            if error.outcome == "refused":
                state = "failed"
                subscriber = subscribers.by_id(tx, leased.subscriber_id)
                if subscriber is not None:
                    kind = bounce_rules.kind_of_refusal(error.code, error.said)
                    bounce_rules.judge(tx, subscriber, kind=kind, edition_id=leased.id, words=str(error), now=now)
            elif error.outcome == "too big":
                state = "failed"
            elif error.outcome == "unknown" and (
                self.on_crash == "skip" or outbox.unknown_tries(tx, leased.id) >= MOST_UNKNOWN
            ):
                state = "unknown"
            if error.outcome in ("retry", "ours", "unknown"):
                held = self.traffic.refused(tx, relay, leased, error)
                if state is None:
                    self._put_back(tx, leased, error, held)
                    return
            settled = outbox.finish(tx, leased.id, self.by, state or "failed", str(error), now)
        if settled:
            self._count(state or "failed")

    def _put_back(self, tx: Connection, leased: Leased, error: DeliveryError, held: datetime | None = None) -> None:
        now = self.clock()
        at = next_attempt(now, leased.attempts, leased.id)
        if held is not None:
            at = max(at, spread(held, timedelta(minutes=1), leased.id))
        if outbox.put_back(tx, leased.id, self.by, at, str(error)):
            self.report.failed += 1


class _LeaseLost(Exception):
    """Another worker has the edition now."""


class _NotWanted(Exception):
    """The subscriber does not want this message any more."""

    def __init__(self, state: Final, why: str) -> None:
        self.state: Final = state
        super().__init__(why)
