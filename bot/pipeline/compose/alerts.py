"""Alerts: the first at once, the rest of a burst together, and no more a day than the subscriber wants."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bot.core.edition import selection
from bot.core.edition.picks import Picks
from bot.core.subscriber.subscriber import Subscriber
from bot.pipeline.compose.changes import Found
from bot.pipeline.compose.drafts import BATCH, NAMED, Desk, Pair, sections_of
from bot.pipeline.subscribers import subscriber_of
from bot.store import cursors, editions, subscribers


class AlertMark(NamedTuple):
    """How far alerts have told a subscriber, and what holds the next one back (see `subscribers.StoredSubscriber`)."""

    subscriber: int
    alert_cursor: int | None
    alert_after: datetime | None
    alert_day: date | None
    alerts_sent: int
    overflow: int


class AlertDesk(Desk):
    """Decides alerts."""

    def page(self, after: int, shard: cursors.Shard, *, few: bool) -> list[subscribers.StoredSubscriber]:
        latest = self.room.revision.id
        with self.room.database.read() as tx:
            return cursors.alert_due(tx, latest, self.now, after=after, limit=BATCH, shard=shard, few=few)

    def compose(self, batch: Sequence[subscribers.StoredSubscriber]) -> int:
        """Decide and write the alerts of a batch. The first collection of a source, and a subscriber's first time here,
        set the mark and alert of nothing."""
        drafts: list[editions.Draft] = []
        marks: list[AlertMark] = []
        groups: dict[int | None, list[Pair]] = defaultdict(list)
        for stored in batch:
            groups[stored.alert_cursor].append((stored, subscriber_of(stored.data)))
        for base, members in groups.items():
            marks += [self._sleep_on(stored, subscriber) for stored, subscriber in members if self.is_quiet(subscriber)]
            members = [pair for pair in members if not self.is_quiet(pair[1])]
            if not members:
                continue
            if base is None:
                marks += [self._alert_mark(stored) for stored, _ in members]
                continue
            news = self.room.alert_news(base)
            queries = [[profile.query for profile in subscriber.profiles if profile.alert] for _, subscriber in members]
            most = max(subscriber.max_papers for _, subscriber in members) + NAMED
            for (stored, subscriber), hits in zip(members, news.match(queries, most=most), strict=True):
                draft, mark = self._alert(stored, subscriber, hits)
                drafts += [draft] if draft else []
                marks.append(mark)
        expected = {stored.id: stored.alert_cursor for stored in batch}
        return self.write(drafts, AlertMark._fields[1:], marks, expected)

    def _alert(
        self, stored: subscribers.StoredSubscriber, subscriber: Subscriber, hits: Found
    ) -> tuple[editions.Draft | None, AlertMark]:
        papers = set().union(*hits.every) if hits.every else set()
        if not papers:
            return None, self._alert_mark(stored)
        today = self.now.astimezone(ZoneInfo(subscriber.timezone)).date()
        sent = stored.alerts_sent if stored.alert_day == today else 0
        if sent >= subscriber.alert_limit:
            if subscriber.schedule.cadence == "off":  # no digest would tell: the papers wait for tomorrow's alerts
                return None, self._sleep_on(stored, subscriber)
            return None, self._alert_mark(stored)._replace(overflow=stored.overflow + len(papers))
        profiles = [profile for profile in subscriber.profiles if profile.alert]
        shares = selection.allot(hits.best, subscriber.max_papers)
        shown = {paper for share in shares for paper in share}
        sections = sections_of([profile.name for profile in profiles], hits.best, hits.every, shares, shown)
        # Named by where it starts from, so that two processes cannot both tell what follows it.
        slot = f"after-{stored.alert_cursor}"
        draft = self.draft(stored, subscriber, "alert", slot, self.now, Picks(sections=tuple(sections)))
        mark = self._alert_mark(stored)
        return draft, mark._replace(
            alert_after=self.now + subscriber.alert_every, alert_day=today, alerts_sent=sent + 1
        )

    def _sleep_on(self, stored: subscribers.StoredSubscriber, subscriber: Subscriber) -> AlertMark:
        """No alert before tomorrow; what there is to tell waits."""
        zone = ZoneInfo(subscriber.timezone)
        tomorrow = self.now.astimezone(zone).date() + timedelta(days=1)
        midnight = datetime.combine(tomorrow, time(), zone).astimezone(UTC)
        return self._alert_mark(stored)._replace(alert_cursor=stored.alert_cursor, alert_after=midnight)

    def _alert_mark(self, subscriber: subscribers.StoredSubscriber) -> AlertMark:
        return AlertMark(
            subscriber=subscriber.id,
            alert_cursor=self.room.revision.id,
            alert_after=subscriber.alert_after,
            alert_day=subscriber.alert_day,
            alerts_sent=subscriber.alerts_sent,
            overflow=subscriber.overflow,
        )
