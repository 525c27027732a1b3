"""What is too late to be sent: the next digest tells it instead. Asked before composing and before delivering."""

from datetime import datetime, timedelta

from bot.store import Connection, outbox

DIGEST = timedelta(hours=20)  # after it was made and tried in vain; before that, tomorrow's would find it waiting
ALERT = timedelta(hours=6)
LONE_ALERT = timedelta(days=3)  # of a subscriber who has no digest to tell it instead


def expire(tx: Connection, now: datetime) -> int:
    """Give up what is stale. Returns how many editions.

    A digest that was never tried (we were down) goes out, late; an alert that late is no alert, tried or not."""
    return (
        outbox.expire(tx, "digest", now - DIGEST)
        + outbox.expire(tx, "alert", now - ALERT, untried=True, digest=True)
        + outbox.expire(tx, "alert", now - LONE_ALERT, digest=False)
    )
