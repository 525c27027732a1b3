"""What deciding digests and alerts has in common: drafts, marks, and writing both down in one transaction."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from bot.core.picks import Picks, PickSection
from bot.core.readers import Subscriber
from bot.pipeline.news import NewsRoom
from bot.store import editions, readers

BATCH = 6_000  # readers matched and committed together: the papers are read once for all of them
NAMED = 5  # of the papers that did not fit, how many are named

Pair = tuple[readers.Reader, Subscriber]
MessageId = Callable[[str, str, int], str]  # (kind, slot, subscriber) -> Message-ID


class Desk:
    """Decides editions of one kind, a batch of readers at a time."""

    def __init__(self, room: NewsRoom, now: datetime, message_id: MessageId) -> None:
        self.room = room
        self.now = now
        self.message_id = message_id
        self._compose_id: int | None = None

    def is_quiet(self, subscriber: Subscriber) -> bool:
        return self.now.astimezone(ZoneInfo(subscriber.timezone)).weekday() in subscriber.quiet_days

    def draft(
        self, reader: readers.Reader, subscriber: Subscriber, kind: str, slot: str, due: datetime, picks: Picks
    ) -> editions.Draft:
        return editions.Draft(
            subscriber_id=reader.id,
            kind=kind,
            slot=slot,
            due=due,
            day=due.astimezone(ZoneInfo(subscriber.timezone)).date(),
            since=reader.told_at,
            picks=picks.to_json(),
            matched=picks.matched,
            message_id=self.message_id(kind, slot, reader.id),
        )

    def write(
        self,
        drafts: Sequence[editions.Draft],
        marks: Sequence[dict[str, Any]],
        expected: dict[int, int | None],
        mark: str,
        folded: Mapping[int, Sequence[int]] | None = None,
    ) -> int:
        """Editions and marks in one transaction. A reader whose mark another process moved meanwhile is left to it. Who
        has had a digest of that date already (their time zone or our clock has changed) is told with the next."""
        if not marks:
            return 0
        with self.room.database.write() as tx:
            current = readers.marks(tx, [row["id"] for row in marks])
            place = 0 if mark == "told" else 1
            mine = {row["id"] for row in marks if current[row["id"]][place] == expected[row["id"]]}
            compose_id = self._compose_id
            if drafts and compose_id is None:
                compose_id = editions.begin_compose(tx, self.now, self.room.revision.id, self.room.notes)
            written: set[int] = set()
            late: set[int] = set()
            if drafts and compose_id is not None:
                own = [draft for draft in drafts if draft.subscriber_id in mine]
                written = {reader for reader, _, _ in editions.add(tx, compose_id, self.room.revision.id, own)}
                late = {draft.subscriber_id for draft in own} - written
                editions.fold(tx, [one for reader in written for one in (folded or {}).get(reader, ())], compose_id)
            readers.advance(tx, [row for row in marks if row["id"] in mine and row["id"] not in late])
            if mark == "told":
                postponed = [{"id": row["id"], "next_due": row["next_due"]} for row in marks if row["id"] in late]
                readers.advance(tx, postponed)
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
        elif len(names) == 1 and len(found) > len(ranked):  # too many to list one by one
            left = len(found) - len(counted.intersection(found) if len(counted) > len(share) else share)
        else:
            others = set(found) - counted
            left = len(others)
            counted = counted | others
        if share or left:
            named = islice((paper for paper in ranked if paper not in shown), NAMED) if left else ()
            sections.append(PickSection(kind="profile", name=name, ids=tuple(share), more=left, more_ids=tuple(named)))
    return sections
