"""Refusals of recipients, judged together: where a relay says the same of several subscribers at different domains, it
is the relay that is out of order, or we are, whatever its words."""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field

from bot.core.subscriber.address import domain_of
from bot.errors import DeliveryError
from bot.mail.message.types import Transport
from bot.mail.refusal_words import same
from bot.pipeline.bounce_rules import speaks_of_us
from bot.pipeline.deliver.marks import MarkWriter
from bot.pipeline.deliver.outcomes import Outcomes
from bot.store.outbox import Leased

WAIT = 60.0  # seconds that a refusal waits for others like it
IN_A_ROW = 3  # refusals alike, at as many domains, with nothing taken in between


@dataclass(slots=True)
class Alike:
    """What a relay said in the same words."""

    relay: Transport
    words: str
    waiting: list[tuple[Leased, DeliveryError]] = field(default_factory=list)
    since: float = 0.0  # monotonic, of the first that waits
    domains: set[str] = field(default_factory=set)  # of all in this round, judged ones too
    number: int = 0
    in_a_row: set[str] = field(default_factory=set)  # domains, since the relay last took something
    is_ours: bool = False


class Refusals:
    """Of one round; shared by its sending threads."""

    def __init__(self, outcomes: Outcomes, marks: MarkWriter) -> None:
        self.failed = 0  # editions that were given up or put off
        self._outcomes = outcomes
        self._marks = marks
        self._groups: dict[tuple[str, str], Alike] = {}
        self._accepted: dict[str, int] = defaultdict(int)
        self._lock = threading.Lock()

    def accepted(self, relay: Transport) -> None:
        with self._lock:
            self._accepted[relay.name] += 1
            for group in self._groups.values():
                if group.relay.name == relay.name:
                    group.in_a_row.clear()

    def add(self, leased: Leased, relay: Transport, error: DeliveryError) -> None:
        """A recipient was refused. It is judged some time later, or at once where the verdict is plain."""
        words = same(error.said)
        standing = same(self._outcomes.pacing.trouble_of(relay).partition(": ")[2])
        with self._lock:
            group = self._groups.setdefault((relay.name, words), Alike(relay, words))
            if not group.waiting:
                group.since = time.monotonic()
            group.waiting.append((leased, error))
            group.number += 1
            group.domains.add(domain_of(leased.email))
            group.in_a_row.add(domain_of(leased.email))
            group.is_ours |= len(group.in_a_row) >= IN_A_ROW or bool(words and words == standing)
            is_plain = group.is_ours
        if is_plain:
            self.judge(only=group)

    def judge(self, *, only: Alike | None = None, everything: bool = False) -> None:
        """Write the verdicts: of one group, of what has waited for long, or at the end of all."""
        now = time.monotonic()
        with self._lock:
            due: list[tuple[Alike, list[tuple[Leased, DeliveryError]]]] = []
            for group in [only] if only else list(self._groups.values()):
                if group.waiting and (only or everything or now - group.since > WAIT):
                    group.is_ours |= speaks_of_us(len(group.domains), group.number, self._accepted[group.relay.name])
                    due.append((group, group.waiting))
                    group.waiting = []
        for group, waiting in due:
            for leased, error in waiting:
                self._settle(group, leased, error)

    def _settle(self, group: Alike, leased: Leased, error: DeliveryError) -> None:
        if group.is_ours:
            settled = self._marks.write(
                lambda tx: self._outcomes.refused_for_what_we_are(tx, leased, group.relay, error)
            )
        else:
            settled = self._marks.write(lambda tx: self._outcomes.refused(tx, leased, error))
        with self._lock:
            self.failed += settled
