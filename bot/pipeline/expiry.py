"""What is too late to be sent, or has nowhere to go any more: the next digest tells it instead. Asked before composing
and before delivering."""

from datetime import datetime, timedelta

from bot.core.subscriber.subscriber import stored_subscriber
from bot.store import Connection, outbox

DIGEST = timedelta(hours=20)  # after it was made and tried in vain; before that, tomorrow's would find it waiting
ALERT = timedelta(hours=6)
LONE_ALERT = timedelta(days=3)  # of a subscriber who has no digest to tell it instead
NO_LONGER = "the channel is no longer one of the subscriber's"


def expire(tx: Connection, now: datetime) -> int:
    """Give up what is stale, and what waits for a channel that its subscriber has no more. Returns how many editions.

    A digest that was never tried (we were down) goes out, late; an alert that late is no alert, tried or not."""
    gone = sum(
        outbox.close_channel(tx, who, channel, NO_LONGER)
        for who, data, channel in outbox.open_channels(tx)
        if channel not in stored_subscriber(data).channels
    )
    return (
        gone
        + outbox.expire(tx, "digest", now - DIGEST)
        + outbox.expire(tx, "alert", now - ALERT, untried=True, digest=True)
        + outbox.expire(tx, "alert", now - LONE_ALERT, digest=False)
    )
