"""What composing digests and alerts has in common: drafts, cursors, and writing both down in one transaction."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import ClassVar
from zoneinfo import ZoneInfo

from bot.core.edition.edition import EditionKind
from bot.core.edition.picks import NAMED, Picks, PickSection
from bot.core.subscriber.subscriber import Subscriber
from bot.pipeline.compose.changes import RevisionView
from bot.store import cursors, editions
from bot.store.cursors import Cursor, CursorColumn, NextDue
from bot.store.subscribers import StoredSubscriber

Member = tuple[StoredSubscriber, Subscriber]  # the row, and the settings read from it
MessageId = Callable[[EditionKind, str, int], str]  # (kind, slot, subscriber id) -> Message-ID


class EditionComposer:
    """Decides editions of one kind, a batch of subscribers at a time."""

    kind: ClassVar[EditionKind]
    cursor_column: ClassVar[CursorColumn]

    def __init__(self, view: RevisionView, now: datetime, message_id: MessageId) -> None:
        self.view = view
        self.now = now
        self.message_id = message_id
        self.not_before: datetime | None = None  # when the first of these editions may be sent; None: when they are due
        self._compose_id: int | None = None
        self._local_date = lru_cache(maxsize=4096)(lambda moment, zone: moment.astimezone(ZoneInfo(zone)).date())

    def is_quiet(self, subscriber: Subscriber) -> bool:
        """Whether the subscriber wants no mail on this day of the week."""
        return self._local_date(self.now, subscriber.timezone).weekday() in subscriber.quiet_days

    def drafts(
        self, stored: StoredSubscriber, subscriber: Subscriber, slot: str, due: datetime, picks: Picks, matched: int
    ) -> list[editions.Draft]:
        """An edition for each way it goes: by mail, and by each channel as a slot of its own, so that each is told once
        and tried by itself."""
        mail = editions.Draft(
            subscriber_id=stored.id,
            kind=self.kind,
            slot=slot,
            due=due,
            day=self._local_date(due, subscriber.timezone),
            since=stored.told_at,
            picks=picks.to_json(),
            matched=matched,
            message_id=self.message_id(self.kind, slot, stored.id),
            state="sent" if subscriber.schedule.cadence == "feed" else "waiting",
        )
        if not subscriber.to or mail.state == "sent":
            return [mail]
        slots = {channel: f"{slot} {channel}" for channel in subscriber.channels}
        others = [
            mail._replace(channel=channel, slot=own, message_id=self.message_id(self.kind, own, stored.id))
            for channel, own in slots.items()
        ]
        return [mail, *others] if subscriber.by_mail else others

    def write(
        self,
        drafts: Sequence[editions.Draft],
        moved: Sequence[Cursor],
        folded: Mapping[int, Sequence[int]] | None = None,
    ) -> int:
        """Write editions and move cursors in one transaction; returns how many editions were written.

        `folded`: subscriber id -> expired editions that their draft tells again. A subscriber whose cursor another
        process moved meanwhile is left to it. One who has had an edition of that slot already (their time zone or our
        clock has changed) only gets the next due time: the papers come with the next edition.
        """
        if not moved:
            return 0
        with self.view.database.write() as tx:
            current = cursors.lock(tx, self.cursor_column, [cursor.subscriber_id for cursor in moved])
            ours = [cursor for cursor in moved if current[cursor.subscriber_id] == cursor.expected]
            subscriber_ids = {cursor.subscriber_id for cursor in ours}
            wanted = [draft for draft in drafts if draft.subscriber_id in subscriber_ids]
            compose_id = self._compose_id
            written: set[int] = set()
            if wanted:
                if compose_id is None:
                    compose_id = editions.begin_compose(tx, self.now, self.view.revision.id, self.view.notes)
                places = editions.add(tx, compose_id, self.view.revision.id, wanted, self.not_before)
                written = {subscriber_id for subscriber_id, _, _ in places}
                editions.fold_into_digest(
                    tx, [one for who in written for one in (folded or {}).get(who, ())], compose_id
                )
            had_it_already = {draft.subscriber_id for draft in wanted} - written
            cursors.advance(tx, [cursor for cursor in ours if cursor.subscriber_id not in had_it_already])
            cursors.advance(
                tx,
                [
                    cursor._replace(values=NextDue(cursor.values.next_due))
                    for cursor in ours
                    if cursor.subscriber_id in had_it_already and isinstance(cursor.values, cursors.DigestProgress)
                ],
            )
        self._compose_id = compose_id
        return len(written)


def sections_of(
    names: Sequence[str],
    best: Sequence[Sequence[int]],
    every: Sequence[Collection[int]],
    shares: Sequence[Sequence[int]],
    shown: set[int],
) -> list[PickSection]:
    """A section for each profile that found something: the papers shown, and of those left over, each counted for the
    first profile that wants it, the number and the best."""
    sections = []
    counted = shown
    for name, ranked, found, share in zip(names, best, every, shares, strict=True):
        if len(found) == len(share):
            left = 0
        elif len(names) == 1:
            left = len(found) - len(share) - sum(paper in found for paper in counted.difference(share))
        else:
            others = set(found) - counted
            left = len(others)
            counted = counted | others
        if share or left:
            named = [paper for paper in ranked if paper not in shown][:NAMED] if left else ()
            sections.append(PickSection("profile", name, tuple(share), left, tuple(named)))
    return sections
