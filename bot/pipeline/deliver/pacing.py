"""When, and by which relay, a message may leave: rates, warming up, slowing down, holds, fail-over.

What is learnt is kept in rows (`bot.store.mail_pacing`), so that a restart forgets nothing and processes share it; but
who cannot even reach a relay learns nothing of others, whose route may be well: on PostgreSQL, where workers may be on
many machines, that is noted for the process alone. (All who use one SQLite database are on one machine.)
Nothing here ever sleeps: a message whose turn is far off is put back until then.
"""

import heapq
import platform
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.subscriber.address import domain_of
from bot.errors import DeliveryError
from bot.mail.message.types import Transport
from bot.pipeline.deliver import backoff
from bot.pipeline.deliver.worker_ids import process_name
from bot.store import Connection, Database, mail_pacing, outbox
from bot.store.mail_pacing import RateLimit
from bot.store.outbox import Leased

PREFIX = "mail:"
CHANNEL = "channel:"
NEAR = timedelta(seconds=10)  # a turn this close is waited for
QUEUE = timedelta(minutes=30)  # of a domain: who does not find a place in it comes again within this time
PROBED = timedelta(minutes=1)  # how soon a channel that took one post again is given the next
STREAK = 3  # failures in a row that speak of the relay and not of a message
WAITS = "waits for its turn"
GROWTH = 1.5  # of the daily share while warming up

# Replies that are about the relay or our connection to it, whatever message they were given to.
ABOUT_THE_RELAY = frozenset(("421", "454", "530", "534", "535", "538", "4.3.2", "4.4.2", "5.7.8", "5.7.9"))
TOO_FAST = frozenset(("4.2.1", "4.4.5", "4.5.3", "4.7.28"))
TOO_FAST_WORDS = re.compile(
    r"421 4\.7|\brate\b|too (?:many|fast|quick)|throttl|slow down|limit exceeded", re.IGNORECASE
)
CHANNEL_STUMBLES = frozenset(("http 408", "http 425", "http 429"))  # and all that is not 4xx
SERVICE_ENDS = re.compile(r": 421[ -]")


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """What we promised the other side, or ourselves. 0: no limit."""

    per_minute: float = 0  # messages to each relay
    domain_per_minute: float = 0  # messages to each recipient domain
    warm_up: int = 0  # messages on the first day of use of a relay, half as many again each further day


@dataclass(slots=True)
class SendingPlan:
    """Leased editions with the moments they may go, in order. All others have been put back."""

    turns: list[tuple[Leased, datetime]] = field(default_factory=list)
    quota: int = 0  # of today's share of the relay, taken for them
    lessons: int = 0  # how much had been learnt when it was made


class RelayPacing:
    """Shared by all sending threads of one run."""

    def __init__(
        self,
        database: Database,
        relays: Sequence[Transport],
        limits: RateLimits,
        clock: Callable[[], datetime],
        patience: timedelta,
    ) -> None:
        self.relays = tuple(relays)
        self.limits = limits
        self.reach = max(NEAR, patience)
        self.trouble = ""  # why sending stopped somewhere
        self.note = ""  # why messages wait although nothing is wrong
        self._database = database
        self._clock = clock
        self._known: dict[str, RateLimit] = {}
        self._streak: dict[str, list[str]] = {}  # of a relay: the domains of its failures in a row
        self.is_closed = False  # no relay may be used now
        self._spent: set[str] = set()  # relays without a turn or share left for this run
        self._turns: list[datetime] = []  # heap: when messages that were put back have theirs
        self._lessons = 0  # holds and slow-downs of this run
        self._lock = threading.Lock()

    # -- which way -------------------------------------------------------------------------------------------------

    def open_relay(self, *, without: Sequence[Transport] = ()) -> Transport | None:
        """The first relay that may be used now; None when all are held or have had their share."""
        names = [name for relay in self.relays for name in self._relay_limits(relay)]
        self._known |= self._database.ask(lambda tx: mail_pacing.known(tx, names))
        usable = [relay for relay in self.relays if relay not in without and self._hold_of(relay) is None]
        if not usable and not without and (limit := self._hold_of(self.relays[0])) is not None:
            self.trouble = self.trouble or f"sending is paused until {limit.held_until:%H:%M} UTC: {limit.reason}"
        chosen = next((relay for relay in usable if relay.name not in self._spent), None)
        if not without:
            self.is_closed = chosen is None
        return chosen

    def is_on_probation(self, relay: Transport) -> bool:
        """Whether a relay was in trouble and has taken nothing since."""
        return any(limit.trips for limit in self._known_of(relay))

    def trouble_of(self, relay: Transport) -> str:
        """What a relay that has taken nothing since said when it was in trouble; ""."""
        return next((limit.reason for limit in self._known_of(relay) if limit.trips), "")

    def _relay_limits(self, relay: Transport) -> tuple[str, ...]:
        """The names of what is known of a relay: by all, and by this process of its own route."""
        return tuple(dict.fromkeys((relay_limit(relay), self._route(relay))))

    def _route(self, relay: Transport) -> str:
        return relay_limit(relay) if self._database.sqlite else route_limit(relay)

    def _hold_of(self, relay: Transport) -> RateLimit | None:
        return next((limit for limit in self._known_of(relay) if limit.holds(self._clock())), None)

    def _known_of(self, relay: Transport) -> list[RateLimit]:
        return [self._known[name] for name in self._relay_limits(relay) if name in self._known]

    def is_valid(self, plan: SendingPlan, leased: Leased) -> bool:
        """Whether nothing has been learnt since the plan was made that would change it for this edition."""
        return plan.lessons == self._lessons and not (leased.channel and self._is_held(_domain_limit(leased)))

    def _is_held(self, name: str) -> bool:
        limit = self._known.get(name)
        return limit is not None and limit.holds(self._clock()) is not None

    # -- when ------------------------------------------------------------------------------------------------------

    def plan(self, tx: Connection, relay: Transport, by: str, batch: Sequence[Leased]) -> SendingPlan:
        """Give each of a batch its turn; who has none soon is put back until then."""
        now = self._clock()
        way = relay_limit(relay)
        domains = {leased.id: _domain_limit(leased) for leased in batch}
        known = mail_pacing.known(tx, {*self._relay_limits(relay), *domains.values()})
        self._known |= known
        gaps = {name: self._gap(name, known.get(name)) for name in (way, *domains.values())}
        paced = {name for name, gap in gaps.items() if gap}
        locked = mail_pacing.locked(tx, paced | {_queue(name) for name in paced - {way}}, now)
        free = {name: max(now, limit.next_free) for name, limit in locked.items()}  # as far as turns are given away

        plan = SendingPlan(lessons=self._lessons)
        batch = self._probes_first(tx, batch, list(known.values()))
        put_back: dict[int, tuple[datetime, str]] = {}
        probed: set[str] = set()  # a channel that was in trouble is tried with one post
        for leased in batch:
            domain = domains[leased.id]
            limit = known.get(domain)
            at = max(free.get(way, now), free.get(domain, now))
            if limit and (until := limit.holds(now)):
                put_back[leased.id] = (backoff.spread(until, timedelta(minutes=1), leased.id), limit.reason)
            elif leased.channel and limit and limit.trips and domain in probed:
                put_back[leased.id] = (backoff.spread(now + PROBED, PROBED, leased.id), limit.reason)
            elif domain in paced and free[domain] > now + NEAR:
                put_back[leased.id] = (self._queued(free, domain, gaps[domain], leased, now), WAITS)
            elif at > now + NEAR:
                put_back[leased.id] = (at, WAITS)
                if at > now + self.reach:
                    self._spend(relay, f"{relay.name} is given no more than its rate")
            else:
                plan.turns.append((leased, at))
                probed.add(domain)
                free |= {name: at + timedelta(seconds=gaps[name]) for name in (way, domain) if name in paced}
        plan.turns.sort(key=lambda turn: turn[1])
        mail_pacing.free_from(tx, {name: moment for name, moment in free.items() if moment > locked[name].next_free})
        self._share(tx, relay, plan, put_back, now)
        outbox.defer(tx, by, put_back)
        with self._lock:
            for at, why in put_back.values():
                if why == WAITS:
                    heapq.heappush(self._turns, at)
        return plan

    def _probes_first(self, tx: Connection, batch: Sequence[Leased], limits: Sequence[RateLimit]) -> Sequence[Leased]:
        """Where a way was in trouble, it is tried with those whom it took mail for before; last come those it refused:
        one subscriber who is always refused must not keep it closed for all."""
        if not any(limit.trips for limit in limits):
            return batch
        before = outbox.accepted_before(tx, [leased.subscriber_id for leased in batch])
        return sorted(batch, key=lambda leased: (leased.attempts > 1, leased.subscriber_id not in before))

    def next_turn(self) -> datetime | None:
        """When the next message that was put back has its turn."""
        with self._lock:
            while self._turns and self._turns[0] <= self._clock():
                heapq.heappop(self._turns)
            return self._turns[0] if self._turns else None

    def _gap(self, name: str, limit: RateLimit | None = None) -> float:
        """Seconds between two messages this way: what we promised, or what we were taught if that is more."""
        rate = self.limits.domain_per_minute if name.startswith((f"{PREFIX}to:", CHANNEL)) else self.limits.per_minute
        return max(60 / rate if rate else 0.0, limit.gap if limit else 0.0)

    def _queued(self, free: dict[str, datetime], domain: str, gap: float, leased: Leased, now: datetime) -> datetime:
        """A place behind all others that wait for a domain."""
        queue = _queue(domain)
        at = max(free[domain], free[queue])
        if at > now + QUEUE:
            return backoff.spread(now + QUEUE / 2, QUEUE / 2, leased.id)
        free[queue] = at + timedelta(seconds=gap)
        return at

    def _share(
        self,
        tx: Connection,
        relay: Transport,
        plan: SendingPlan,
        put_back: dict[int, tuple[datetime, str]],
        now: datetime,
    ) -> None:
        """Keep to the day's share of a relay that is being warmed up."""
        if not self.limits.warm_up or not plan.turns:
            return
        wanted = len(plan.turns)
        plan.quota = mail_pacing.take_quota(tx, relay.name, now.date(), wanted, self.limits.warm_up, GROWTH)
        if plan.quota < wanted:
            why = f"{relay.name} is being warmed up and has had its share of today"
            self._spend(relay, why)
            put_back.update({leased.id: (now, why) for leased, _ in plan.turns[plan.quota :]})
            del plan.turns[plan.quota :]

    def _spend(self, relay: Transport, why: str) -> None:
        self._spent.add(relay.name)
        self.note = why

    def unused(self, tx: Connection, relay: Transport, number: int) -> None:
        """So many of a plan did not leave."""
        mail_pacing.give_back_quota(tx, relay.name, self._clock().date(), number)

    # -- what is learnt --------------------------------------------------------------------------------------------

    def accepted(self, tx: Connection, relay: Transport, leased: Leased) -> None:
        """A message was taken: whatever was held against its way is forgiven, step by step."""
        self._streak[relay.name] = []
        for name in (*self._relay_limits(relay), _domain_limit(leased)):
            limit = self._known.get(name)
            if limit is not None and limit.is_on_probation:
                limit.gap, limit.trips, limit.held_until = backoff.faster(limit.gap), 0, None
                mail_pacing.recovered(tx, name, limit.gap)

    def refused(self, tx: Connection, relay: Transport, leased: Leased, error: DeliveryError) -> datetime | None:
        """A message was not taken, for a reason that is not its subscriber's: hold or slow what is to blame. Returns
        until when the way of this message is held, if it is."""
        now = self._clock()
        words = str(error)
        if error.outcome == "retry" and is_too_fast(error):
            name = relay_limit(relay) if is_about_the_relay(error) else _domain_limit(leased)
            gap = backoff.slower(self._known[name].gap if name in self._known else 0.0)
            mail_pacing.slow_down(tx, name, now, gap)
            self._lessons += not leased.channel
        if leased.channel:
            return self._leave_alone(tx, leased, error, now)
        domain = _domain_limit(leased)
        about_relay = is_about_the_relay(error)
        if error.outcome == "ours" and not about_relay and self._is_about_one_subscriber(relay, leased):
            self.trouble = self.trouble or words
            return None
        if error.outcome == "ours" or about_relay:
            self._streak.setdefault(relay.name, []).append("" if about_relay else domain)
        held: datetime | None = None
        if error.outcome == "ours" and not about_relay:
            held = self._hold(tx, domain, backoff.OUR_FAULT_PAUSE, words, now)
        if self._is_down(relay):
            first = backoff.OUR_FAULT_PAUSE if error.outcome == "ours" else backoff.PAUSE
            self._hold(tx, relay_limit(relay) if error.code else self._route(relay), first, words, now)
            self._streak[relay.name] = []
        if error.outcome == "ours":
            self.trouble = self.trouble or words
        return held

    def _leave_alone(self, tx: Connection, leased: Leased, error: DeliveryError, now: datetime) -> datetime | None:
        """A service that does not answer, stumbles or wants us later is left alone, so that no sending thread waits for
        it that others need; a refusal may speak of one post."""
        if error.retry_at is not None and error.retry_at > now:
            until = min(error.retry_at, now + backoff.LONGEST_PAUSE)
            return self._hold(tx, _domain_limit(leased), backoff.PAUSE, str(error), now, until)
        if error.code in CHANNEL_STUMBLES or not error.code.startswith("http 4"):
            return self._hold(tx, _domain_limit(leased), backoff.PAUSE, str(error), now)
        return None

    def close_relay(self, tx: Connection, relay: Transport, words: str) -> datetime:
        """A relay refuses everybody: nothing goes by it for a while. Returns until when."""
        return self._hold(tx, relay_limit(relay), backoff.OUR_FAULT_PAUSE, words, self._clock())

    def _is_about_one_subscriber(self, relay: Transport, leased: Leased) -> bool:
        """Whether somebody is refused again although their way has taken mail for others since: it is no reason to hold
        those up once more."""
        ways = [self._known.get(name) for name in (*self._relay_limits(relay), _domain_limit(leased))]
        return leased.attempts > 1 and not any(way is not None and way.trips for way in ways)

    def _is_down(self, relay: Transport) -> bool:
        """Whether the last failures speak of a relay, and not of one domain behind it."""
        streak = self._streak.get(relay.name, [])
        if self.is_on_probation(relay):
            return bool(streak)
        return len(streak) >= STREAK and ("" in streak or len(set(streak)) > 1)

    def _hold(
        self, tx: Connection, name: str, first: timedelta, words: str, now: datetime, wanted: datetime | None = None
    ) -> datetime:
        limit = mail_pacing.locked(tx, [name], now)[name]
        until = limit.holds(now) or wanted or now + backoff.hold_time(first, limit.trips)
        mail_pacing.hold(tx, name, now, until, words)
        limit.held_until, limit.reason, limit.trips = until, words, limit.trips + 1
        self._known[name] = limit
        if name.startswith(CHANNEL):
            return until  # it matters to nobody else, and many may fail one after the other
        self._lessons += 1
        self.trouble = self.trouble or words
        return until


def is_about_the_relay(error: DeliveryError) -> bool:
    """Whether a failure says nothing of the message: no connection, no TLS, no login, no answer, "service ends"."""
    return not error.code or error.code in ABOUT_THE_RELAY or SERVICE_ENDS.search(str(error)) is not None


def is_too_fast(error: DeliveryError) -> bool:
    """Whether a relay that puts a message off complains of our speed."""
    words = str(error)
    return error.code in TOO_FAST or TOO_FAST_WORDS.search(words) is not None


def relay_limit(relay: Transport) -> str:
    """The name of what all know of a relay."""
    return f"{PREFIX}{relay.name}"


def route_limit(relay: Transport) -> str:
    """The name of what this process alone knows of a relay; the host's name is for who reads it."""
    return f"{relay_limit(relay)}{mail_pacing.FROM}{platform.node()}/{process_name()[:6]}"


def _domain_limit(leased: Leased) -> str:
    return f"{CHANNEL}{leased.channel}" if leased.channel else f"{PREFIX}to:{domain_of(leased.email)}"


def _queue(domain_limit: str) -> str:
    return f"{PREFIX}queue:{domain_limit}"
