"""Subscribers between the configuration, the store and the pipeline: the same plain table everywhere."""

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from bot.core.subscriber.profile_choices import chosen_beside_file, with_profiles_chosen
from bot.core.subscriber.subscriber import Subscriber, subscriber_from
from bot.core.subscriber.validation import TableError
from bot.store.subscribers import SubscriberRecord


def record_for(subscriber: Subscriber, now: datetime) -> SubscriberRecord:
    """A subscriber as the store keeps them; their first digest is the next one after `now`."""
    slot = subscriber.schedule.next_after(now, subscriber.timezone)
    return SubscriberRecord(
        email=subscriber.email,
        data=subscriber.table,
        alerts=any(profile.alert for profile in subscriber.profiles),
        schedule=f"{subscriber.schedule} {subscriber.timezone}",
        next_due=slot.due if slot else None,
    )


def settled_choices(
    configured: Iterable[tuple[Subscriber, Collection[str]]], chosen: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """What subscribers of the file chose by a link, by address, in today's form and without what the file says by
    itself: what it changes later reaches them. `configured`: each with the names of the profiles they share."""
    settled = {}
    for subscriber, shared in configured:
        if own := chosen.get(subscriber.email):
            profiles = chosen_beside_file(own["profiles"], subscriber, shared) if "profiles" in own else None
            others = {key: value for key, value in own.items() if key != "profiles"}
            settled[subscriber.email] = {**others, "profiles": profiles} if profiles else others
    return settled


def records_for(
    configured: Iterable[Subscriber],
    chosen: Mapping[str, Mapping[str, Any]],
    erased: Collection[str],
    hash_of: Callable[[str], str],
    now: datetime,
) -> list[SubscriberRecord]:
    """The subscribers of the file as the store keeps them: with what they chose themselves by a link, which wins, and
    without those who had themselves erased. A choice that no longer fits the file is left out."""
    records = []
    for subscriber in configured:
        if erased and hash_of(subscriber.email) in erased:
            continue
        if own := chosen.get(subscriber.email):
            with suppress(TableError):
                table = {**subscriber.table, **own}
                if "profiles" in own:
                    table["profiles"] = with_profiles_chosen(subscriber, own["profiles"])
                subscriber = subscriber_from(table)
        records.append(record_for(subscriber, now))
    return records
