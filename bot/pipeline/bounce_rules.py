"""What a refusal for good means for a subscriber, whether the relay says it at once or a bounce says it later; and what
to do about a letter that is too big."""

from datetime import datetime, timedelta

from bot.core.edition.picks import Picks, PickSection
from bot.mail.incoming.bounces import HARD
from bot.store import Connection, editions, outbox, subscribers
from bot.store.subscribers import StoredSubscriber

SOFT_LIMIT = 5  # soft refusals ...
SOFT_WINDOW = timedelta(days=30)  # ... within this end a subscriber
# At RCPT a bare reply code is the relay's own finding: no such mailbox, not here, no such name.
HARD_AT_ONCE = HARD | {"5.1.3", "5.1.6", "550", "551", "553"}
NAMED = 5  # of the papers that do not fit, how many are named


def judge(
    tx: Connection, subscriber: StoredSubscriber, *, hard: bool, edition_id: int, words: str, now: datetime
) -> str:
    """Count a refusal and end the subscriber where the rules say so; returns what was done, in words.

    Hard (no such address): the first ends it, the second if anything was ever accepted for it before. Soft (mailbox
    full, disabled): the fifth within 30 days.
    """
    if subscriber.status in subscribers.FINAL:
        return "gets nothing already"
    count = subscribers.count_bounce(tx, subscriber.id, now, now - SOFT_WINDOW)
    if hard:
        if count < 2 and editions.ever_sent_before(tx, subscriber.id, edition_id):
            return f"once more and they get nothing ({words})"
        end(tx, subscriber, "bounced", words, now)
        return f"gets nothing more ({words})"
    if count < SOFT_LIMIT:
        return f"{count} of {SOFT_LIMIT}"
    end(tx, subscriber, "bounced", f"{count} soft bounces within {SOFT_WINDOW.days} days: {words}", now)
    return "one too many, gets nothing more"


def end(tx: Connection, subscriber: StoredSubscriber, status: subscribers.Status, reason: str, now: datetime) -> None:
    """A subscriber gets nothing more, not even what waits for them."""
    subscribers.set_status(tx, subscriber.email, status, reason, now)
    outbox.suppress(tx, [subscriber.id], reason)


def halved(text: str) -> str | None:
    """Stored picks with half as many papers shown; the rest is counted, and the first of it named. None when there is
    nothing left to leave out."""
    picks = Picks.from_json(text)
    if len(picks.ids) < 2:
        return None
    keep = len(picks.ids) // 2
    sections: list[PickSection] = []
    for section in picks.sections:
        shown, left = section.ids[:keep], section.ids[keep:]
        keep -= len(shown)
        named = (*left, *section.more_ids)[:NAMED]
        sections.append(section._replace(ids=shown, more=section.more + len(left), more_ids=named))
    return picks._replace(sections=tuple(sections)).to_json()
