"""What a refusal for good means for a subscriber, whether the relay says it at once or a bounce says it later."""

import logging
from datetime import datetime, timedelta
from typing import Literal

from bot.core.subscriber.address import domain_of
from bot.mail.incoming.bounces import HARD
from bot.mail.refusal_words import reason, same
from bot.store import Connection, editions, outbox, returned_mail, subscribers
from bot.store.subscribers import Status, StoredSubscriber

log = logging.getLogger(__name__)

SOFT_LIMIT = 5  # soft refusals, each on another day ...
SOFT_WINDOW = timedelta(days=30)  # ... within this end a subscriber
NO_SUCH_ADDRESS = HARD | {"5.1.3", "5.1.6"}
# Where the relay says it itself: no such mailbox, not here, no such name; if its words do not say otherwise.
PERHAPS_NO_SUCH_ADDRESS = frozenset(("550", "551", "553"))

Refusal = Literal["hard", "unclear", "soft"]


def kind_of_refusal(code: str, words: str) -> Refusal:
    """What a relay's refusal of a recipient amounts to. `code` is the enhanced status code, or the bare reply code.

    hard     there is no such address: the code says so, or the words do
    unclear  a bare 550 that does not say why
    soft     anything else: a full mailbox, one that is switched off
    """
    why = reason(words)
    if why == "mailbox" or code.startswith("5.2."):
        return "soft"
    if code in NO_SUCH_ADDRESS or why == "no such address":
        return "hard"
    return "unclear" if code in PERHAPS_NO_SUCH_ADDRESS else "soft"


def speaks_of_us(domains: int, refused: int, accepted: int) -> bool:
    """Whether a round's equal refusals are no finding about the recipients: of several domains, and no mere few among
    many that were taken. (Among thousands some addresses have always gone, and large hosts have one wording.)"""
    return (domains >= 3 and refused * 10 >= accepted) or (domains == 2 and refused >= accepted)


def judge_refusal(
    tx: Connection, subscriber: StoredSubscriber, *, kind: Refusal, edition_id: int, words: str, now: datetime
) -> str:
    """Count a refusal, at most one a day, and end the subscriber where the rules say so; returns what was done, in
    words.

    Hard: the first ends it, the second if anything was ever accepted for it before. Unclear: the second. Soft: the
    fifth within 30 days.
    """
    if subscriber.status in (*subscribers.FINAL, "unconfirmed"):
        return "gets nothing already"
    count = subscribers.count_bounce(tx, subscriber.id, now, now - SOFT_WINDOW)
    if kind != "soft":
        if count < 2 and (kind == "unclear" or editions.ever_sent_before(tx, subscriber.id, edition_id)):
            return f"once more and they get nothing ({words})"
        end(tx, subscriber, "bounced", words, now)
        return f"gets nothing more ({words})"
    if count < SOFT_LIMIT:
        return f"{count} of {SOFT_LIMIT}"
    end(tx, subscriber, "bounced", f"{count} soft bounces within {SOFT_WINDOW.days} days: {words}", now)
    return "one too many, gets nothing more"


def end(tx: Connection, subscriber: StoredSubscriber, status: Status, reason: str, now: datetime) -> None:
    """A subscriber gets nothing more, not even what waits for them."""
    subscribers.set_status(tx, subscriber.email, status, reason, now)
    outbox.suppress(tx, [subscriber.id], reason)


def judge_bounce(
    tx: Connection, subscriber: StoredSubscriber, *, kind: Refusal, edition_id: int, words: str, now: datetime
) -> str:
    """The same for a message that came back, and beside it whatever else came back of the same round: equal words from
    several domains are no finding about the recipients. Who was ended before that was plain is active again."""
    returned_mail.note_return(tx, edition_id, now, words)
    alike = [one for one in returned_mail.of_round(tx, edition_id) if _said(one.words) == _said(words)]
    people = {one.subscriber_id: domain_of(one.email) for one in alike}
    domains = len(set(people.values()))
    arrived = returned_mail.taken_in_round(tx, edition_id) - len(people)
    if not speaks_of_us(domains, len(people), arrived):
        return judge_refusal(tx, subscriber, kind=kind, edition_id=edition_id, words=words, now=now)
    for one in alike:
        if returned_mail.are_ours(tx, one.edition_id) and one.edition_id != edition_id:
            _take_back(tx, one, now)
    log.error("messages to %d subscribers at %d domains came back with the same words: %s", len(people), domains, words)
    return f"about us, not them: {len(people)} at {domains} domains came back with the same words ({words})"


def _said(words: str) -> str:
    """What two reports have in common that say the same."""
    return same(words) or words


def _take_back(tx: Connection, bounce: returned_mail.Bounce, now: datetime) -> None:
    """A bounce that was counted against its subscriber turns out to be about us."""
    subscriber = subscribers.by_id(tx, bounce.subscriber_id)
    if subscriber is None:
        return
    if subscriber.status != "bounced":
        subscribers.uncount_bounce(tx, subscriber.id)
    elif bounce.words in subscriber.status_reason:
        subscribers.set_status(tx, subscriber.email, "active", "what came back was about us", now)
        outbox.unsuppress(tx, subscriber.id, subscriber.status_reason, now)
