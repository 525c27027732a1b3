"""What a refusal for good means for a subscriber, whether the relay says it at once or a bounce says it later."""

from datetime import datetime, timedelta
from typing import Literal

from bot.mail.incoming.bounces import HARD
from bot.mail.refusal_words import reason
from bot.store import Connection, editions, outbox, subscribers
from bot.store.subscribers import Status, StoredSubscriber

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
