"""deliver: database -> mail. Claim, build, send, write down; one message at a time on each connection.

Whatever dies at whatever instant, no edition is lost; at most one message per sending thread can be repeated, with the
same Message-ID, and with on_crash = "skip" none is: those whose fate is unknowable are listed instead.
"""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.errors import UserError
from bot.mail.message.types import OnCrash
from bot.mail.transport.from_url import Transport
from bot.pipeline import expiry
from bot.pipeline.deliver import backoff, worker_ids
from bot.pipeline.deliver.build_pool import LOOK_AT, SHARE_FROM, Build, Builder, BuildPool, LoadAhead, each_by_itself
from bot.pipeline.deliver.claims import LEASE, Claims
from bot.pipeline.deliver.marks import ANSWER, MarkWriter
from bot.pipeline.deliver.outcomes import Outcomes
from bot.pipeline.deliver.pacing import RateLimits, RelayPacing
from bot.pipeline.deliver.refusals import Refusals
from bot.pipeline.deliver.sender import DeliverReport, Round, Sender
from bot.store import Database, outbox
from bot.store.database import answers_within
from bot.store.outbox import Lane

__all__ = ["DeliverReport", "DeliverySettings", "deliver", "put_in_order"]

log = logging.getLogger(__name__)

A_MOMENT = 0.1  # seconds
MINUTE = 60.0  # seconds after which a run that goes on is put in order, and says what it has done


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """How messages leave: from the configuration."""

    transport: Transport
    build: Build  # renders and writes one edition; pure but for reading the store
    load_ahead: LoadAhead = each_by_itself
    make_builder: Callable[[], Builder] | None = None  # the same made anew in another process: where very many are due
    # For building, where very many are due. More than two want more memory than small machines with many cores have.
    processes: int = min(2, os.cpu_count() or 1)
    on_crash: OnCrash = "resend"
    connections: int = 4
    per_minute: float = 0  # messages to a relay; 0: no limit
    domain_per_minute: float = 0  # messages to one recipient domain; 0: no limit
    warm_up: int = 0  # messages on a relay's first day, half as many again each further day of use; 0: no limit
    lane: Lane = "mail"  # which editions of the outbox these are
    fallbacks: tuple[Transport, ...] = ()  # used, in this order, while those before are held or have had their share


def deliver(
    database: Database,
    settings: DeliverySettings,
    clock: Callable[[], datetime],
    *,
    stop: threading.Event | None = None,
    patience: timedelta = timedelta(0),
    holder: str = "",
    interim: Callable[[DeliverReport], None] | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> DeliverReport:
    """Send what is due, alerts first, and what falls due meanwhile. Returns when nothing more is due, when every relay
    is held or its rate asks for a pause longer than `patience` (or some seconds), or when `stop` is set; what is in
    flight is finished. With `patience` it waits half a minute for what a dead process had claimed, too. `holder`: under
    which name it leases editions, if not one of this process's own.

    A run lasts as long as its slowest message, and the other connections go on with whatever falls due. A worker is
    therefore told every minute, and at the end, what has become of editions since it was told last: `interim`.
    """
    stop = stop or threading.Event()
    with answers_within(ANSWER):
        report = _deliver(database, settings, clock, stop, patience, holder, interim, progress)
        if patience and _claims_ran_out(database, settings.lane, clock, stop):
            more = _deliver(database, settings, clock, stop, patience, holder, interim, progress)
            more.add(report)
            more.trouble, more.note = more.trouble or report.trouble, more.note or report.note
            return more
        return report


def _deliver(
    database: Database,
    settings: DeliverySettings,
    clock: Callable[[], datetime],
    stop: threading.Event,
    patience: timedelta,
    holder: str,
    interim: Callable[[DeliverReport], None] | None,
    progress: Callable[[int], None],
) -> DeliverReport:
    report = DeliverReport(expired=put_in_order(database, settings, clock()))
    told = DeliverReport()
    with database.read() as tx:
        due = outbox.due(tx, clock(), settings.lane)
    limits = RateLimits(
        per_minute=settings.per_minute, domain_per_minute=settings.domain_per_minute, warm_up=settings.warm_up
    )
    pacing = RelayPacing(database, (settings.transport, *settings.fallbacks), limits, clock, patience)

    def every_minute(so_far: DeliverReport) -> None:
        nonlocal told
        report.expired += put_in_order(database, settings, clock())
        now = replace(report, trouble=pacing.trouble, note=pacing.note)
        now.add(so_far)
        now.waiting = database.ask(outbox.waiting)
        if interim is not None:
            interim(now.since(told))
        told = now

    if due:
        threads = settings.connections if interim is not None else min(settings.connections, due)
        pool = None
        if settings.make_builder is not None and settings.processes > 1 and due >= SHARE_FROM:
            first = database.ask(lambda tx: outbox.first_due(tx, clock(), LOOK_AT))
            builder = Builder(settings.build, settings.load_ahead)
            pool = BuildPool(builder, settings.make_builder, settings.processes, first, before_copying=database.close)
        try:
            report.add(_send(database, settings, pacing, clock, stop, threads, holder, every_minute, progress, pool))
        finally:
            if pool is not None:
                pool.close()
    report.waiting = database.ask(outbox.waiting)
    report.trouble, report.note = pacing.trouble, pacing.note
    if interim is not None and due:
        interim(report.since(told))
    return report


def _claims_ran_out(database: Database, lane: Lane, clock: Callable[[], datetime], stop: threading.Event) -> bool:
    """Whether anything is due again that somebody had claimed who did not renew it: we wait for that. On SQLite it is
    known at once who is dead."""
    ends = None if database.file is not None else database.ask(outbox.last_lease_end)
    if ends is None or stop.is_set():
        return False
    stop.wait(min(max(ends - clock(), timedelta(0)), LEASE).total_seconds() + A_MOMENT)
    return not stop.is_set() and database.ask(lambda tx: outbox.due(tx, clock(), lane)) > 0


def _send(
    database: Database,
    settings: DeliverySettings,
    pacing: RelayPacing,
    clock: Callable[[], datetime],
    stop: threading.Event,
    threads: int,
    holder: str,
    every_minute: Callable[[DeliverReport], None],
    progress: Callable[[int], None],
    pool: BuildPool | None,
) -> DeliverReport:
    """One round: claim, send and write down with so many threads, until nothing more may go."""
    with (
        worker_ids.working(database, holder) as by,
        MarkWriter(database, lambda tx: outbox.renew(tx, by, clock() + LEASE), stop) as marks,
    ):
        outcomes = Outcomes(pacing, by, clock)
        shared = Round(
            database=database,
            claims=Claims(marks, pacing, by, clock, stop, pool.build_ahead if pool else None, settings.lane),
            pacing=pacing,
            outcomes=outcomes,
            refusals=Refusals(outcomes, marks),
            marks=marks,
            build=settings.build,
            on_crash=settings.on_crash,
            progress=progress,
        )
        senders = [Sender(shared) for _ in range(threads)]
        try:
            with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="deliver") as workers:
                jobs = [workers.submit(sender.run) for sender in senders]
                while wait(jobs, timeout=MINUTE).not_done:
                    try:
                        every_minute(_sum_of(senders, shared.refusals))
                    except UserError as error:  # the database does not answer; the senders find out by themselves
                        log.warning("%s", error.summary)
            for job in jobs:
                job.result()
            shared.refusals.judge(everything=True)
        finally:
            shared.claims.close()
    return _sum_of(senders, shared.refusals)


def _sum_of(senders: Sequence[Sender], refusals: Refusals) -> DeliverReport:
    total = DeliverReport(failed=refusals.failed)
    for sender in senders:
        total.add(sender.report)
    return total


def put_in_order(database: Database, settings: DeliverySettings, now: datetime) -> int:
    """Before anything is sent: what dead workers held is due again (or unknown), what a clock gone wrong has put off
    is due now, what is stale is given up. Returns how many editions were given up."""
    with database.write() as tx:
        outbox.end_leases(tx, {by for by in outbox.lessees(tx) if worker_ids.is_dead(database, by)}, now)
        outbox.recover(tx, now, resend=settings.on_crash == "resend", alive=worker_ids.at_work())
        outbox.due_after_clock_fault(tx, now, backoff.FURTHEST, alive=worker_ids.at_work())
        return expiry.expire(tx, now)
