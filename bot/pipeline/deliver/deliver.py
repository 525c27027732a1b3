"""deliver: database -> mail. Claim, build, send, write down; one message at a time on each connection.

Whatever dies at whatever instant, no edition is lost; at most one message per sending thread can be repeated, with the
same Message-ID, and with on_crash = "skip" none is: those whose fate is unknowable are listed instead.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.mail.transport.from_url import Transport
from bot.pipeline import expiry
from bot.pipeline.deliver import backoff, worker_ids
from bot.pipeline.deliver.build_pool import SHARE_FROM, Build, BuildPool
from bot.pipeline.deliver.claims import LEASE, Claims
from bot.pipeline.deliver.marks import ANSWER, MarkWriter
from bot.pipeline.deliver.outcomes import Outcomes
from bot.pipeline.deliver.pacing import RateLimits, RelayPacing
from bot.pipeline.deliver.refusals import Refusals
from bot.pipeline.deliver.sender import DeliverReport, OnCrash, Round, Sender
from bot.store import Database, outbox
from bot.store.database import answers_within

__all__ = ["DeliverReport", "DeliverySettings", "deliver", "put_in_order"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """How messages leave: from the configuration."""

    transport: Transport
    build: Build  # renders and writes one edition; pure but for reading the store
    make_builder: Callable[[], Build] | None = None  # the same made anew in another process: where very many are due
    # For building, where very many are due. More than two want more memory than small machines with many cores have.
    processes: int = min(2, os.cpu_count() or 1)
    on_crash: OnCrash = "resend"
    connections: int = 4
    per_minute: float = 0  # messages to a relay; 0: no limit
    domain_per_minute: float = 0  # messages to one recipient domain; 0: no limit
    warm_up: int = 0  # messages on a relay's first day, half as many again each further day of use; 0: no limit
    fallbacks: tuple[Transport, ...] = ()  # used, in this order, while those before are held or have had their share


def deliver(
    database: Database,
    settings: DeliverySettings,
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
    with answers_within(ANSWER):
        return _deliver(database, settings, clock, stop or threading.Event(), patience, at_most, progress)


def _deliver(
    database: Database,
    settings: DeliverySettings,
    clock: Callable[[], datetime],
    stop: threading.Event,
    patience: timedelta,
    at_most: timedelta | None,
    progress: Callable[[int], None],
) -> DeliverReport:
    report = DeliverReport(expired=put_in_order(database, settings, clock()))
    with database.read() as tx:
        due = outbox.due(tx, clock())
    limits = RateLimits(
        per_minute=settings.per_minute, domain_per_minute=settings.domain_per_minute, warm_up=settings.warm_up
    )
    pacing = RelayPacing(database, (settings.transport, *settings.fallbacks), limits, clock, patience)
    if due:
        until = clock() + at_most if at_most else None
        threads = settings.connections if at_most else min(settings.connections, due)
        pool = None
        if settings.make_builder is not None and settings.processes > 1 and due >= SHARE_FROM:
            pool = BuildPool(settings.make_builder, settings.processes)
        try:
            report.add(_send(database, settings, pacing, clock, stop, until, threads, progress, pool))
        finally:
            if pool is not None:
                pool.close()
    report.waiting = database.ask(outbox.waiting)
    report.trouble, report.note = pacing.trouble, pacing.note
    return report


def _send(
    database: Database,
    settings: DeliverySettings,
    pacing: RelayPacing,
    clock: Callable[[], datetime],
    stop: threading.Event,
    until: datetime | None,
    threads: int,
    progress: Callable[[int], None],
    pool: BuildPool | None,
) -> DeliverReport:
    """One round: claim, send and write down with so many threads, until nothing more may go."""
    report = DeliverReport()
    with (
        worker_ids.working() as by,
        MarkWriter(database, lambda tx: outbox.renew(tx, by, clock() + LEASE), stop) as marks,
    ):
        outcomes = Outcomes(pacing, by, clock)
        shared = Round(
            database=database,
            claims=Claims(marks, pacing, by, clock, stop, until, pool.build_ahead if pool else None),
            pacing=pacing,
            outcomes=outcomes,
            refusals=Refusals(outcomes, marks),
            marks=marks,
            build=settings.build,
            on_crash=settings.on_crash,
            progress=progress,
        )
        try:
            with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="deliver") as senders:
                for job in [senders.submit(Sender(shared).run) for _ in range(threads)]:
                    report.add(job.result())
            shared.refusals.judge(everything=True)
            report.failed += shared.refusals.failed
        finally:
            shared.claims.close()
    return report


def put_in_order(database: Database, settings: DeliverySettings, now: datetime) -> int:
    """Before anything is sent: what dead workers held is due again (or unknown), what a clock gone wrong has put off
    is due now, what is stale is given up. Returns how many editions were given up."""
    with database.write() as tx:
        outbox.end_leases(tx, {by for by in outbox.lessees(tx) if worker_ids.is_dead(by)}, now)
        outbox.recover(tx, now, resend=settings.on_crash == "resend", alive=worker_ids.at_work())
        outbox.due_after_clock_fault(tx, now, backoff.FURTHEST, alive=worker_ids.at_work())
        return expiry.expire(tx, now)
