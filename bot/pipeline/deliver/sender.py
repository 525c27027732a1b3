"""One sending thread: one edition at a time, sent and written down.

Whose turn it is, and by which relay, is asked of `claims`; what a failure leads to is in `outcomes` and `refusals`.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial

from bot.core.edition.picks import Picks
from bot.errors import BrokenTemplate, DeliveryError, UserError
from bot.mail.message.types import Message, OnCrash, Session, Transport
from bot.pipeline.deliver.build_pool import Build
from bot.pipeline.deliver.claims import Claims
from bot.pipeline.deliver.marks import ANSWER, MarkWriter
from bot.pipeline.deliver.outcomes import Outcomes
from bot.pipeline.deliver.pacing import RelayPacing, is_about_the_relay
from bot.pipeline.deliver.refusals import Refusals
from bot.store import Connection, Database, outbox
from bot.store.database import answers_within
from bot.store.outbox import FinalState, Leased

log = logging.getLogger(__name__)

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

    def since(self, earlier: "DeliverReport") -> "DeliverReport":
        """What has been added to an earlier state of the same counts."""
        return DeliverReport(
            delivered=self.delivered - earlier.delivered,
            failed=self.failed - earlier.failed,
            suppressed=self.suppressed - earlier.suppressed,
            unknown=self.unknown - earlier.unknown,
            expired=self.expired - earlier.expired,
            waiting=self.waiting,
            trouble=self.trouble,
            note=self.note,
        )

    def count(self, state: FinalState) -> None:
        if state == "sent":
            self.delivered += 1
        elif state == "failed":
            self.failed += 1
        elif state == "suppressed":
            self.suppressed += 1
        elif state == "unknown":
            self.unknown += 1
        else:
            self.expired += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What the sending threads of one run share."""

    database: Database
    claims: Claims
    pacing: RelayPacing
    outcomes: Outcomes
    refusals: Refusals
    marks: MarkWriter
    build: Build
    on_crash: OnCrash
    progress: Callable[[int], None]


class Sender:
    """One sending thread with one connection to each relay it needs."""

    def __init__(self, shared: Round) -> None:
        self.shared = shared
        self.report = DeliverReport()
        self._sessions: dict[str, Session] = {}
        self._last_mark: Future[bool] | None = None  # of the message before, while it is being written

    def run(self) -> DeliverReport:
        """Until nothing more is due or may go, or we are to stop."""
        with answers_within(ANSWER):
            return self._run()

    def _run(self) -> DeliverReport:
        claims = self.shared.claims
        try:
            while (claim := claims.next()) is not None:
                before = self.report.delivered
                try:
                    self._deliver(claim.leased, claim.relay, claim.message)
                finally:
                    claims.finished(claim, accepted=self.report.delivered > before)
                self.shared.progress(1)
                self.shared.refusals.judge()
            self._await_last_mark()
        finally:
            for session in self._sessions.values():
                session.close()
        return self.report

    # -- one message -----------------------------------------------------------------------------------------------

    def _deliver(
        self,
        leased: Leased,
        relay: Transport,
        ahead: "Future[Message | None] | None" = None,
        tried: tuple[Transport, ...] = (),
    ) -> None:
        """One edition to its end, or put off."""
        try:
            message = (ahead.result() if ahead is not None else None) or self.shared.build(leased)
            words = self._session(relay).send(message, partial(self._before_content, leased))
        except _LeaseLost:
            log.info("edition %d is another worker's now", leased.id)
        except _NotWanted as why:
            self._end(leased, why.state, str(why))
        except DeliveryError as error:
            again = self._again(leased, relay, error, (*tried, relay))
            if again is None:
                self._settle(leased, relay, error)
            else:
                self._deliver(*again, tried=(*tried, relay))
        except UserError:  # the database does not answer; the lease ends by itself
            raise
        except Exception as error:  # a template, a full disk: never the end of everybody else's mail
            said_in_words = isinstance(error, BrokenTemplate) and not log.isEnabledFor(logging.DEBUG)
            log.error("edition %d could not be made: %s", leased.id, error, exc_info=not said_in_words)
            trouble = DeliveryError(f"{type(error).__name__}: {error}", "retry")
            self._put_back(leased, trouble)
        else:
            self._sent(leased, words, relay)

    def _again(
        self, leased: Leased, relay: Transport, error: DeliveryError, tried: tuple[Transport, ...]
    ) -> tuple[Leased, Transport] | None:
        """How to try once more at once: smaller; or by another relay, if this one is to blame and certainly has not
        taken the message."""
        shared = self.shared
        if error.outcome == "too big":
            smaller = Picks.from_json(leased.picks).halved()
            if smaller is None:
                return None
            shared.marks.write(lambda tx: shared.outcomes.note(tx, leased, error))
            return replace(leased, picks=smaller.to_json()), relay
        if error.outcome in ("retry", "ours") and is_about_the_relay(error):
            another = shared.pacing.open_relay(without=tried)
            if another is None:
                return None

            def failed(tx: Connection) -> None:
                shared.outcomes.note(tx, leased, error)
                shared.pacing.refused(tx, relay, leased, error)

            shared.marks.write(failed)
            return leased, another
        return None

    def _session(self, relay: Transport) -> Session:
        if relay.name not in self._sessions:
            self._sessions[relay.name] = relay.session()
        return self._sessions[relay.name]

    def _before_content(self, leased: Leased) -> None:
        """The recipient is accepted, and nothing of the content has left: the last moment to think again. The message
        before is written down by now, or waited for, so that a death leaves one message in doubt and not two."""
        self._await_last_mark()
        skip = self.shared.on_crash == "skip"

        def look(tx: Connection) -> outbox.Wanted:
            now = outbox.wanted(tx, leased.id, self.shared.outcomes.by)
            if skip and now.is_ours and _why_not(leased, now) is None:
                outbox.begin_sending(tx, leased.id, self.shared.outcomes.by)
            return now

        now = self.shared.marks.write(look) if skip else self.shared.database.ask(look)
        if not now.is_ours:
            raise _LeaseLost
        if (why := _why_not(leased, now)) is not None:
            raise why

    # -- what became of it -----------------------------------------------------------------------------------------

    def _sent(self, leased: Leased, words: str, relay: Transport) -> None:
        """The relay has it. While that is being written, the next message is prepared."""
        log.debug("edition %d: taken by %s", leased.id, relay.name)
        self.shared.refusals.accepted(relay)
        outcomes = self.shared.outcomes
        self._last_mark = self.shared.marks.submit(lambda tx: outcomes.sent(tx, leased, words, relay), is_fate=True)
        self.report.delivered += 1

    def _await_last_mark(self) -> None:
        mark, self._last_mark = self._last_mark, None
        if mark is not None and not mark.result():
            self.report.delivered -= 1

    def _end(self, leased: Leased, state: FinalState, words: str) -> None:
        outcomes = self.shared.outcomes
        if self.shared.marks.write(lambda tx: outcomes.ended(tx, leased, state, words)):
            self.report.count(state)

    def _put_back(self, leased: Leased, error: DeliveryError) -> None:
        outcomes = self.shared.outcomes

        def work(tx: Connection) -> bool:
            outcomes.note(tx, leased, error)
            return outcomes.put_back(tx, leased, error)

        self.report.failed += self.shared.marks.write(work)

    def _settle(self, leased: Leased, relay: Transport, error: DeliveryError) -> None:
        """A message that was not accepted, or perhaps was: given up, listed, or put off."""
        outcomes, on_crash = self.shared.outcomes, self.shared.on_crash
        if error.outcome == "refused":
            self.shared.refusals.add(leased, relay, error)
            return

        def work(tx: Connection) -> FinalState | None:
            if error.outcome == "too big":
                outcomes.note(tx, leased, error)
                return "failed" if outcomes.ended(tx, leased, "failed", str(error)) else None
            if error.outcome == "unknown":
                tries = outbox.unknown_tries(tx, leased.id) + 1
                if on_crash == "skip" or tries >= MOST_UNKNOWN:
                    outcomes.note(tx, leased, error)
                    outcomes.pacing.refused(tx, relay, leased, error)
                    return "unknown" if outcomes.ended(tx, leased, "unknown", str(error)) else None
            return "failed" if outcomes.put_off(tx, leased, relay, error) else None

        state = self.shared.marks.write(work)
        if state is not None:
            self.report.count(state)


class _LeaseLost(Exception):
    """Another worker has the edition now."""


class _NotWanted(Exception):
    """The subscriber does not want this message any more."""

    def __init__(self, state: FinalState, why: str) -> None:
        self.state: FinalState = state
        super().__init__(why)


def _why_not(leased: Leased, now: outbox.Wanted) -> _NotWanted | None:
    """Why an edition that is ours does not go after all; None if it does."""
    if now.subscriber_status == "paused":
        return _NotWanted("expired", "the subscriber has paused; the first digest after that tells it")
    if now.subscriber_status != "active":
        return _NotWanted("suppressed", f"the subscriber is {now.subscriber_status}")
    if leased.kind == "alert" and now.left_alerts:
        return _NotWanted("expired", "the subscriber wants no more alerts; the next digest tells it")
    return None
