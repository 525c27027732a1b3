"""What a run has claimed of the outbox, handed to its sending threads one at a time: a message that stalls holds up no
other. Which relay, and when, is asked of `pacing`; a claim that nobody begins is given back."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.mail.message.types import Message, Transport
from bot.pipeline.deliver import worker_ids
from bot.pipeline.deliver.marks import MarkWriter
from bot.pipeline.deliver.pacing import RelayPacing, SendingPlan
from bot.store import Connection, outbox
from bot.store.outbox import Lane, Leased

# Renewed every ten seconds. With the worker's tick of twenty, what a dead machine held is another's within a minute.
LEASE = timedelta(seconds=35)
FIRST, MOST = 2, 100  # editions claimed at once: as many as go in a second or so
BRISK, SLUGGISH = 0.5, 3.0  # seconds that a batch lasted
LOOK_AGAIN = 1.0  # seconds, while another thread is still sending

BuildAhead = Callable[[Sequence[Leased]], "list[Future[Message | None]]"]


@dataclass(slots=True)
class Claim:
    """One edition that is ours to send, and when it may go by which relay."""

    leased: Leased
    at: datetime
    relay: Transport
    plan: SendingPlan
    message: "Future[Message | None] | None" = None  # being built by another process


class Claims:
    """Shared by the sending threads of a run."""

    def __init__(
        self,
        marks: MarkWriter,
        pacing: RelayPacing,
        by: str,
        clock: Callable[[], datetime],
        stop: threading.Event,
        build_ahead: BuildAhead | None = None,
        lane: Lane = "mail",
    ) -> None:
        self._marks = marks
        self._pacing = pacing
        self._by = by
        self._clock = clock
        self._stop = stop
        self._build_ahead = build_ahead
        self._lane = lane
        self._queue: deque[Claim] = deque()
        self._in_flight = 0
        self._size = FIRST
        self._is_dry = False  # the last look found nothing due
        self._filled_at = time.monotonic()
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)

    def next(self) -> Claim | None:
        """The next edition to send, at its time; None when nothing more is due or may go, or we are to stop. The caller
        says `finished` of each."""
        while not self._stop.is_set():
            with self._lock:
                # Where others build, the next are claimed before these are gone.
                is_low = self._build_ahead is not None and len(self._queue) <= self._size // 2 and not self._is_dry
                if not self._queue or is_low:
                    self._is_dry = not self._fill()
                may_go_on = bool(self._queue) or not self._is_dry
                claim = self._queue.popleft() if self._queue else None
                self._in_flight += claim is not None
            if claim is None:
                if may_go_on or self._wait_for_more():
                    continue
                return None
            if self._is_valid(claim) and self._wait_until(claim.at) and self._is_valid(claim):
                return claim
            self.give_back(claim)
        return None

    def _is_valid(self, claim: Claim) -> bool:
        return self._pacing.is_valid(claim.plan, claim.leased)

    def finished(self, claim: Claim, *, accepted: bool) -> None:
        """What became of it is written down, or about to be."""
        if not accepted and claim.plan.quota:
            self._marks.write(lambda tx: self._pacing.unused(tx, claim.relay, 1))
        with self._lock:
            self._in_flight -= 1
            self._changed.notify_all()

    def give_back(self, claim: Claim) -> None:
        """One that does not go now, and what is left of the same plan: something was learnt since it was made."""
        with self._lock:
            left = [claim, *(other for other in self._queue if other.plan is claim.plan)]
            self._queue = deque(other for other in self._queue if other.plan is not claim.plan)
        self._return(left)
        with self._lock:
            self._in_flight -= 1
            self._changed.notify_all()

    def close(self) -> None:
        """Give back whatever nobody has begun."""
        with self._lock:
            left, self._queue = list(self._queue), deque()
        self._return(left)

    def _return(self, claims: Sequence[Claim]) -> None:
        if not claims:
            return
        now = self._clock()
        ids = [claim.leased.id for claim in claims]
        unused = sum(bool(claim.plan.quota) for claim in claims)

        def work(tx: Connection) -> None:
            outbox.give_back(tx, self._by, ids, now)
            if unused:
                self._pacing.unused(tx, claims[0].relay, unused)

        self._marks.write(work)

    def _fill(self) -> bool:
        """Claim some more, in their order of haste. False: nothing is due, or no relay may be used."""
        relay = self._pacing.open_relay()
        if relay is None:
            return False
        now = self._clock()
        lasted = time.monotonic() - self._filled_at
        self._filled_at = time.monotonic()
        if lasted < BRISK:
            self._size = min(self._size * 2, MOST)
        elif lasted > SLUGGISH:
            self._size = max(self._size // 2, 1)
        size = MOST if self._pacing.is_on_probation(relay) else self._size  # then there is a choice who goes first

        def work(tx: Connection) -> SendingPlan | None:
            for kind in outbox.IN_ORDER:
                batch = outbox.lease(
                    tx, kind, self._by, now, now + LEASE, size, alive=worker_ids.at_work(), lane=self._lane
                )
                if batch:
                    return self._pacing.plan(tx, relay, self._by, batch)
            return None

        plan = self._marks.write(work)
        if plan is None:
            return False
        claims = [Claim(leased, at, relay, plan) for leased, at in plan.turns]
        if self._build_ahead is not None:
            for claim, message in zip(claims, self._build_ahead([claim.leased for claim in claims]), strict=True):
                claim.message = message
        self._queue.extend(claims)
        return True

    def _wait_for_more(self) -> bool:
        """Nothing is due now. Wait for the next turn that was put back, or look again while others are still sending;
        False: neither."""
        turn = self._pacing.next_turn()
        if turn is not None:
            return self._wait_until(turn)
        with self._lock:
            if not self._in_flight or self._pacing.is_closed:
                return False
            self._changed.wait(LOOK_AGAIN)
        return True

    def _wait_until(self, moment: datetime) -> bool:
        """Wait for a turn, in this thread alone. False: it is out of reach, or we are to stop."""
        if self._stop.is_set():
            return False
        wait = moment - self._clock()
        return wait <= self._pacing.reach and not self._stop.wait(max(0.0, wait.total_seconds()))
