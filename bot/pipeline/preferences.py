"""What subscribers change themselves by a link: fewer mails, a pause, their profiles, their address, all their links;
and that everything known of them goes. Doing any of it again changes nothing more."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bot.core.subscriber.profile_choices import profiles_chosen
from bot.core.subscriber.schedule import Schedule
from bot.core.subscriber.subscriber import Subscriber, stored_subscriber, subscriber_from
from bot.core.subscriber.validation import TableError
from bot.mail import tokens
from bot.pipeline.subscribers import record_for
from bot.store import (
    Connection,
    Database,
    consents,
    edition_reports,
    editions,
    mail_requests,
    subscribers,
    taste,
    thumbs,
)
from bot.store.subscribers import StoredSubscriber

if TYPE_CHECKING:
    from bot.core.taste.corrections import TasteEdit

# What a page may change; the rest of the table is its author's.
CHANGEABLE = ("digest", "timezone", "language", "profiles", "max_papers", "trending", "taste")
PROFILE_FORM = frozenset({"name", "keywords", "exclude", "query", "alert"})  # what its form has of a profile


def calmer(schedule: Schedule) -> Schedule | None:
    """The next calmer rhythm at the same time of day; None where there is none."""
    if schedule.cadence in ("daily", "weekdays"):
        return Schedule("weekly", schedule.at, 0)
    if schedule.cadence == "weekly":
        return Schedule("monthly", schedule.at, 1)
    return None


def fewer(database: Database, subscriber_id: int, now: datetime) -> Schedule:
    """Mail less often. Returns the schedule there is now."""
    with database.write() as tx:
        stored = subscribers.by_id(tx, subscriber_id)
        if stored is None:
            return Schedule("off")
        own = stored_subscriber(stored.data)
        less = calmer(own.schedule)
        if less is None:
            return own.schedule
        _change(tx, stored, {"digest": str(less)}, now)
    return less


def pause(database: Database, subscriber_id: int, until: datetime, now: datetime) -> None:
    """No mail until then; what is missed comes in one digest. Who has left stays gone."""
    with database.write() as tx:
        stored = subscribers.by_id(tx, subscriber_id)
        if stored is not None and stored.status in ("active", "paused"):
            subscribers.set_status(tx, stored.email, "paused", "asked by link", now, until=until)


def resume(database: Database, subscriber_id: int, now: datetime) -> None:
    """The end of a pause."""
    with database.write() as tx:
        stored = subscribers.by_id(tx, subscriber_id)
        if stored is not None and stored.status == "paused":
            subscribers.set_status(tx, stored.email, "active", "asked by link", now)


def change(database: Database, subscriber_id: int, wishes: Mapping[str, Any], now: datetime) -> Subscriber | None:
    """New settings, all or none. Raises TableError with what is wrong."""
    with database.write() as tx:
        stored = subscribers.by_id(tx, subscriber_id)
        return _change(tx, stored, wishes, now) if stored is not None else None


def _change(tx: Connection, stored: StoredSubscriber, wishes: Mapping[str, Any], now: datetime) -> Subscriber:
    before = json.loads(stored.data)
    table = {**before, **{key: wishes[key] for key in CHANGEABLE if key in wishes}}
    if "profiles" in wishes:
        table["profiles"] = _with_their_other_keys(wishes["profiles"], before.get("profiles", []))
    subscriber = subscriber_from(table)
    record = record_for(subscriber, now)
    same = (str(subscriber.schedule), subscriber.timezone) == _clock_of(stored)
    record = record if not same else _with_due(record, stored.next_due)
    chosen = None
    if stored.origin == "file":
        # A form sends every setting. One that stays as it was is no choice: the file goes on to decide it, as it must
        # where a profile is shared by many.
        known, earlier = stored_subscriber(stored.data), subscribers.choices_of(tx, stored.id)
        was, after = _settings(known), _settings(subscriber)
        chosen = earlier | {key: table[key] for key in CHANGEABLE if key in wishes and after[key] != was[key]}
        if after["profiles"] != was["profiles"] and not isinstance(earlier.get("profiles"), list):
            chosen.pop("profiles", None)
            if profiles := profiles_chosen(known, subscriber, earlier.get("profiles")):
                chosen["profiles"] = profiles
    subscribers.change(tx, stored.id, record, chosen)
    return subscriber


def correct_taste(database: Database, subscriber_id: int, edit: "TasteEdit | None", now: datetime) -> None:
    """Words of a taste as the subscriber wants them; None: all as they are learnt. Raises CorrectionError."""
    with database.write() as tx:
        if subscribers.by_id(tx, subscriber_id) is not None:
            taste.correct_words(tx, subscriber_id, edit, now)


def _with_their_other_keys(
    wished: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Profiles of a form with what it has no field for, which stays with the name."""
    kept = {
        one["name"]: {key: value for key, value in one.items() if key not in PROFILE_FORM}
        for one in before
        if "name" in one
    }
    return [{**kept.get(one.get("name", ""), {}), **one} for one in wished]


def _settings(subscriber: Subscriber) -> dict[str, Any]:
    """What a subscriber may change, each setting in its one spelling."""
    profiles = [(profile.name, str(profile.query), profile.alert) for profile in subscriber.profiles]
    return {**subscriber.model_dump(by_alias=True), "profiles": profiles, "taste": subscriber.taste}


def _clock_of(stored: StoredSubscriber) -> tuple[str, str]:
    own = stored_subscriber(stored.data)
    return str(own.schedule), own.timezone


def _with_due(record: subscribers.SubscriberRecord, due: datetime | None) -> subscribers.SubscriberRecord:
    """Settings that are not about time leave the time of the next digest alone."""
    return subscribers.SubscriberRecord(
        email=record.email, data=record.data, alerts=record.alerts, schedule=record.schedule, next_due=due
    )


def change_address(database: Database, subscriber_id: int, email: str, now: datetime, network: str) -> bool:
    """The new address has said yes. False where somebody else has it."""
    with database.write() as tx:
        stored = subscribers.by_id(tx, subscriber_id)
        if stored is None:
            return False
        if stored.email == email:
            return True
        other = subscribers.by_email(tx, email)
        if other is not None and other.status != "unconfirmed":
            return False
        if other is not None:
            forget_rows(tx, [other.id])
        subscriber = subscriber_from({**json.loads(stored.data), "email": email})
        subscribers.change(tx, stored.id, _with_due(record_for(subscriber, now), stored.next_due), None)
        subscribers.set_origin(tx, stored.id, "web")  # the file speaks of the old address
        consents.add(tx, stored.id, "changed address", at=now, wording="", form="/manage", network=network)
    return True


def renew_links(database: Database, subscriber_id: int) -> None:
    """All older links to preferences, feeds and editions end. Leaving and thumbs of old letters go on."""
    with database.write() as tx:
        subscribers.renew_links(tx, subscriber_id)


def export(database: Database, stored: StoredSubscriber) -> dict[str, Any]:
    """All that is known of somebody, for themselves."""
    own = stored_subscriber(stored.data)
    with database.read() as tx:
        opinions = thumbs.of_subscriber(tx, stored.id)
        agreed = consents.log(tx, stored.id)
        asked = mail_requests.of_subscriber(tx, stored.id)
        sent = edition_reports.of_subscriber(tx, stored.id, limit=10_000)
        learnt = taste.of_subscribers(tx, [stored.id]).get(stored.id)
    return {
        "email": stored.email,
        "status": stored.status,
        "since": stored.status_since.isoformat(),
        "origin": stored.origin,
        # The addresses of channels are keys to them, and the operator's.
        "settings": {**json.loads(stored.data), **({"to": list(own.channels)} if own.to else {})},
        "editions": [
            {
                "kind": one.kind,
                "slot": one.slot,
                "state": one.state,
                "sent": _iso(one.sent_at),
            }
            for one in sent
        ],
        "thumbs": [{"paper": one.paper_id, "kind": one.kind, "at": one.at.isoformat()} for one in opinions],
        "taste": {
            "learnt": learnt.learnt.text if learnt and learnt.learnt else "",
            "weights": dict(learnt.corrections.weights) if learnt else {},
            "removed": list(learnt.corrections.removed) if learnt else [],
        },
        "consents": [
            {"at": one.at.isoformat(), "act": one.act, "wording": one.wording, "form": one.form, "network": one.network}
            for one in agreed
        ],
        "requests": [{"at": one.at.isoformat(), "kind": one.kind, "network": one.network} for one in asked],
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def erase(database: Database, secret: str, subscriber_id: int, now: datetime) -> None:
    """Everything that is known of somebody goes, at once; a keyed hash of the address is left, so that no list brings
    them back."""
    with database.write() as tx:
        stored = subscribers.by_id(tx, subscriber_id)
        if stored is None or stored.origin == "deleted":
            return
        subscribers.erase(tx, stored.id, hash_of(secret, stored.email), now)
        forget_rows(tx, [stored.id])
    database.scrub()


def hash_of(secret: str, email: str) -> str:
    """What is left of an address."""
    return tokens.keyed_hash(secret, "address", email)


def forget_rows(tx: Connection, subscriber_ids: list[int]) -> None:
    """Every row about these people but their own; what they were told is carried over into the books."""
    editions.delete_of(tx, subscriber_ids)
    thumbs.delete_of(tx, subscriber_ids)
    taste.delete_of(tx, subscriber_ids)
    consents.delete_of(tx, subscriber_ids)
    mail_requests.delete_of(tx, subscriber_ids)


def messages_of(error: TableError) -> list[str]:
    """What is wrong with new settings, in words, without the places of a file."""
    return [problem.message for problem in error.found]


def local_midnight(text: str, timezone: str) -> datetime | None:
    """The moment a date begins for somebody, from a form's "2026-12-24"; None for anything else."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d")  # noqa: DTZ007  (the zone comes in the next line)
        return day.replace(tzinfo=ZoneInfo(timezone))
    except ValueError:
        return None
