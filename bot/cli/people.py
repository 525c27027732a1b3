"""The subscribers of the file and those of the database, together: what a run makes of them, and finding one."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from bot.cli.console import plural
from bot.cli.wiring import App
from bot.core.subscriber.address import one_spelling
from bot.errors import UserError
from bot.pipeline import preferences
from bot.pipeline.subscribers import records_for, settled_choices
from bot.store import file_sync, subscribers
from bot.store.file_sync import SyncPlan
from bot.store.subscribers import StoredSubscriber, SubscriberRecord

log = logging.getLogger(__name__)

NAMED = 5  # people a message names
Chosen = dict[str, Any]  # parts of a subscriber's table


def plan_sync(app: App, now: datetime) -> SyncPlan:
    """What would make the stored subscribers equal to the file's. Nothing is written."""
    records, _ = _records(app, now)
    with app.database.read() as tx:
        return file_sync.planned_changes(tx, records, now)


def sync_file(app: App, now: datetime, *, many: Literal["refuse", "keep", "remove"] = "refuse") -> SyncPlan:
    """Make the stored subscribers equal to the file's. `many`: what to do where half or more of them would be
    removed. Raises UserError where that is refused."""
    records, settled = _records(app, now)
    with app.database.write() as tx:
        planned = file_sync.planned_changes(tx, records, now)
        if planned.removes_many and many != "remove":
            error = _removes_many(app, planned)
            if many == "refuse":
                raise error
            log.error("%s Nobody is removed until `paperlark once --yes` says so.", error.summary)
        file_sync.carry_out(tx, planned, now, remove=many == "remove" or not planned.removes_many)
        for email, before, after in settled:
            subscribers.settle_choices(tx, email, before, after)
    return planned


def _records(app: App, now: datetime) -> tuple[list[SubscriberRecord], list[tuple[str, Chosen, Chosen]]]:
    """The subscribers of the file as the store keeps them, and the choices that are to be put otherwise beside this
    file: address, as they are, as they should be."""
    with app.database.read() as tx:
        chosen, erased = subscribers.choices(tx), subscribers.erased(tx)
    settled = settled_choices(((one, one.shares) for one in app.config.subscribers), chosen)
    hash_of = partial(preferences.hash_of, app.identity.secret)
    records = records_for(app.config.subscribers, settled, erased, hash_of, now)
    return records, [(email, chosen[email], after) for email, after in settled.items() if after != chosen[email]]


def _removes_many(app: App, planned: SyncPlan) -> UserError:
    names = ", ".join(row.email for row in planned.gone[:NAMED])
    more = f" and {len(planned.gone) - NAMED:,} more" if len(planned.gone) > NAMED else ""
    return UserError(
        f"{len(planned.gone):,} of {plural(planned.subscribed, 'subscriber')} of the file would get nothing more: "
        f"{app.options.config_path} does not name them.",
        [
            f"they are {names}{more}",
            "is this the right file for this database? `paperlark check` shows what would change",
            "if it is meant, say so with --yes",
        ],
    )


def everybody(app: App, now: datetime) -> Iterator[StoredSubscriber]:
    """Everybody in the database and in the file, as the next run would find them. Nothing is written."""
    changed = plan_sync(app, now).after(now)
    for row in all_stored(app):
        yield changed.pop(row.email, row)
    yield from changed.values()


def all_stored(app: App, *, but_of_file: bool = False) -> Iterator[StoredSubscriber]:
    """Everybody in the database, a page at a time. `but_of_file`: only those the file does not list."""
    after = 0
    while True:
        with app.database.read() as tx:
            page = subscribers.everyone(tx, after=after, but_of_file=but_of_file)
        if not page:
            return
        yield from page
        after = page[-1].id


def find_subscriber(app: App, email: str, now: datetime) -> StoredSubscriber:
    """Somebody in the database or in the file, by address. Raises UserError."""
    known_as = one_spelling(email)
    found = plan_sync(app, now).after(now).get(known_as)
    if found is None:
        with app.database.read() as tx:
            found = subscribers.by_email(tx, known_as)
    if found is None:
        known = [subscriber.email for subscriber in app.config.subscribers]
        hint = f"the configuration has {', '.join(known[:NAMED])}" if known else "the configuration has none"
        raise UserError(f"There is no subscriber {email}.", [hint])
    return found


def find_stored(app: App, email: str) -> StoredSubscriber:
    """Somebody the database has, by address. Raises UserError."""
    with app.database.read() as tx:
        found = subscribers.by_email(tx, one_spelling(email))
    if found is None:
        find_subscriber(app, email, datetime.now(UTC))  # whoever is in no file either is refused here
        raise UserError(
            f"{email} is in the configuration, and no run has brought them into the database yet.",
            ["`paperlark once` does"],
        )
    return found
