"""deliver: database -> mail. Lease, render, send, mark; each message is its own commit.

Whatever dies at whatever instant, no edition is lost; at most one message per sending thread can be repeated, with the
same Message-ID, and with on_crash = "skip" none is: those whose fate is unknowable are listed instead.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.mail.message.types import Message
from bot.mail.transport.from_url import Transport
from bot.pipeline import expiry
from bot.pipeline.deliver import backoff, worker_ids
from bot.pipeline.deliver.pacing import RateLimits, RelayPacing
from bot.pipeline.deliver.sender import FIRST_CLAIM, DeliverReport, OnCrash, Sender
from bot.store import Database, outbox
from bot.store.outbox import Leased

__all__ = ["DeliverReport", "DeliverySettings", "deliver", "put_in_order"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """How messages leave: from the configuration."""

    transport: Transport
    build: Callable[[Leased], Message]  # renders and writes one edition; pure but for reading the store
    on_crash: OnCrash = "resend"
    connections: int = 4
    per_minute: float = 0  # messages to a relay; 0: no limit
    domain_per_minute: float = 0  # messages to one recipient domain; 0: no limit
    warm_up: int = 0  # messages on a relay's first day, half as many again each further day of use; 0: no limit
    fallbacks: tuple[Transport, ...] = ()  # used, in this order, while those before are held or have had their share


def deliver(
    database: Database,
    sending: DeliverySettings,
    clock: Callable[[], datetime],
    *,
    stop: threading.Event | None = None,
    patience: timedelta = timedelta(0),
    at_most: timedelta | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> DeliverReport:
    """Send what is due, alerts first. Returns when nothing more is due, when every relay is held or its rate asks for
    a pause longer than `patience` (or some seconds), when `at_most` has passed, or when `stop` is set; what is in
    flight is finished."""
    stop = stop or threading.Event()
    report = DeliverReport(expired=put_in_order(database, sending, clock()))
    with database.read() as tx:
        due = outbox.due(tx, clock())
    manners = RateLimits(
        per_minute=sending.per_minute, domain_per_minute=sending.domain_per_minute, warm_up=sending.warm_up
    )
    traffic = RelayPacing(database, (sending.transport, *sending.fallbacks), manners, clock, patience)
    until = clock() + at_most if at_most else None
    threads = min(sending.connections, -(-due // FIRST_CLAIM))
    if threads:
        senders = [
            Sender(database, traffic, sending.build, sending.on_crash, clock, stop, until, progress)
            for _ in range(threads)
        ]
        with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="deliver") as pool:
            for job in [pool.submit(sender.run) for sender in senders]:
                report.add(job.result())
    with database.read() as tx:
        report.waiting = outbox.waiting(tx)
    report.trouble, report.note = traffic.trouble, traffic.note
    return report


def put_in_order(database: Database, sending: DeliverySettings, now: datetime) -> int:
    """Before anything is sent: what dead workers held is due again (or unknown), what a clock gone wrong has put off
    is due now, what is stale is given up. Returns how many editions were given up."""
    with database.write() as tx:
        outbox.end_leases(tx, {by for by in outbox.lessees(tx) if worker_ids.is_dead(by)}, now)
        outbox.recover(tx, now, resend=sending.on_crash == "resend", alive=worker_ids.at_work())
        outbox.come_back(tx, now, backoff.FURTHEST, alive=worker_ids.at_work())
        return expiry.expire(tx, now)
