"""What became of a message, as rows: each function is work for one transaction, and may be repeated in another."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.errors import DeliveryError
from bot.mail.message.types import Transport
from bot.pipeline import bounce_rules
from bot.pipeline.deliver.backoff import next_attempt, spread
from bot.pipeline.deliver.pacing import RelayPacing
from bot.store import Connection, outbox, subscribers
from bot.store.outbox import FinalState, Leased

log = logging.getLogger(__name__)

REFUSED_LAST = timedelta(minutes=2)  # after a pause others of the same domain come within a minute; they go first


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Of one run, under its lease."""

    pacing: RelayPacing
    by: str
    clock: Callable[[], datetime]

    def sent(self, tx: Connection, leased: Leased, words: str, relay: Transport) -> bool:
        """A relay has taken it. False: the lease was lost, and another worker has settled it."""
        if not self.ended(tx, leased, "sent", words):
            return False
        self.pacing.accepted(tx, relay, leased)
        return True

    def ended(self, tx: Connection, leased: Leased, state: FinalState, words: str) -> bool:
        """It goes no further, whatever the reason."""
        if outbox.finish(tx, leased.id, self.by, state, words, self.clock()):
            return True
        log.warning("edition %d was settled by another worker", leased.id)
        return False

    def refused(self, tx: Connection, leased: Leased, error: DeliveryError) -> bool:
        """The relay takes nothing for this recipient: the subscriber is judged."""
        self.note(tx, leased, error)
        if not self.ended(tx, leased, "failed", str(error)):
            return False
        subscriber = subscribers.by_id(tx, leased.subscriber_id)
        if subscriber is not None:
            kind = bounce_rules.kind_of_refusal(error.code, error.said)
            bounce_rules.judge_refusal(
                tx, subscriber, kind=kind, edition_id=leased.id, words=str(error), now=self.clock()
            )
        return True

    def refused_for_what_we_are(self, tx: Connection, leased: Leased, relay: Transport, error: DeliveryError) -> bool:
        """The relay refuses everybody, in words that speak of the recipient: sending pauses, nobody is judged."""
        ours = DeliveryError(str(error), "ours", code=error.code, said=error.said)
        self.note(tx, leased, ours)
        return self.put_back(tx, leased, ours, self.pacing.close_relay(tx, relay, str(error)))

    def put_off(self, tx: Connection, leased: Leased, relay: Transport, error: DeliveryError) -> bool:
        """Not this time: what is to blame is held or slowed down."""
        self.note(tx, leased, error)
        return self.put_back(tx, leased, error, self.pacing.refused(tx, relay, leased, error))

    def put_back(self, tx: Connection, leased: Leased, error: DeliveryError, held: datetime | None = None) -> bool:
        at = next_attempt(self.clock(), leased.attempts, leased.id)
        if held is not None:
            at = max(at, spread(held + REFUSED_LAST, timedelta(minutes=1), leased.id))
        return outbox.put_back(tx, leased.id, self.by, at, str(error))

    def note(self, tx: Connection, leased: Leased, error: DeliveryError) -> None:
        """Keep what was said, for `status`."""
        log.info("edition %d: %s %s", leased.id, error.outcome, error.code)
        log.debug("edition %d: %s", leased.id, error)  # a relay's words often hold the address
        outbox.note_attempt(tx, leased.id, self.clock(), error.outcome, str(error))
