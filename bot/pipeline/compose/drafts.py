"""What deciding digests and alerts has in common: drafts, marks, and writing both down in one transaction."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from bot.core.edition.picks import Picks, PickSection
from bot.core.subscriber.subscriber import Subscriber
from bot.pipeline.compose.changes import NewsRoom
from bot.store import cursors, editions, subscribers

BATCH = 6_000  # subscribers matched and committed together: the papers are read once for all of them
NAMED = 5  # of the papers that did not fit, how many are named

Pair = tuple[subscribers.StoredSubscriber, Subscriber]
MessageId = Callable[[str, str, int], str]  # (kind, slot, subscriber) -> Message-ID


class Desk:
    """Decides editions of one kind, a batch of subscribers at a time."""

    def __init__(self, room: NewsRoom, now: datetime, message_id: MessageId) -> None:
        self.room = room
        self.now = now
        self.message_id = message_id
        self._compose_id: int | None = None
        self._local_date = lru_cache(maxsize=4096)(lambda moment, zone: moment.astimezone(ZoneInfo(zone)).date())

    def is_quiet(self, subscriber: Subscriber) -> bool:
        return self._local_date(self.now, subscriber.timezone).weekday() in subscriber.quiet_days

    def draft(
        self,
        stored: subscribers.StoredSubscriber,
        subscriber: Subscriber,
        kind: str,
        slot: str,
        due: datetime,
        picks: Picks,
    ) -> editions.Draft:
        return editions.Draft(
            subscriber_id=stored.id,
            kind=kind,
            slot=slot,
            due=due,
            day=self._local_date(due, subscriber.timezone),
            since=stored.told_at,
            picks=picks.to_json(),
            matched=picks.matched,
            message_id=self.message_id(kind, slot, stored.id),
        )

    def write(
        self,
        drafts: Sequence[editions.Draft],
        names: Sequence[str],
        marks: Sequence[tuple[Any, ...]],
        expected: dict[int, int | None],
        folded: Mapping[int, Sequence[int]] | None = None,
    ) -> int:
        """Editions and marks (see `cursors.advance`; the revision comes first) in one transaction. A subscriber whose
        mark another process moved meanwhile is left to it. Who has had a digest of that date already (their time zone
        or our clock has changed) is told with the next."""
        if not marks:
            return 0
        with self.room.database.write() as tx:
            current = cursors.current(tx, names[0], [mark[0] for mark in marks])
            mine = {mark[0] for mark in marks if current[mark[0]] == expected[mark[0]]}
            compose_id = self._compose_id
            if drafts and compose_id is None:
                compose_id = editions.begin_compose(tx, self.now, self.room.revision.id, self.room.notes)
            written: set[int] = set()
            late: set[int] = set()
            if drafts and compose_id is not None:
                own = [draft for draft in drafts if draft.subscriber_id in mine]
                written = {subscriber for subscriber, _, _ in editions.add(tx, compose_id, self.room.revision.id, own)}
                late = {draft.subscriber_id for draft in own} - written
                editions.fold(
                    tx, [one for subscriber in written for one in (folded or {}).get(subscriber, ())], compose_id
                )
            told = mine - late
            cursors.advance(tx, names, (mark for mark in marks if mark[0] in told))
            if late and "next_due" in names:
                due = 1 + names.index("next_due")
                cursors.advance(tx, ["next_due"], ((mark[0], mark[due]) for mark in marks if mark[0] in late))
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
            named = islice((paper for paper in ranked if paper not in shown), NAMED) if left else ()
            sections.append(PickSection(kind="profile", name=name, ids=tuple(share), more=left, more_ids=tuple(named)))
    return sections
