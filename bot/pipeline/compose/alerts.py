"""Alerts: the first at once, the rest of a burst together, and no more a day than the subscriber wants."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.core.edition import selection
from bot.core.edition.picks import NAMED, Picks
from bot.core.subscriber.subscriber import Subscriber, stored_subscriber
from bot.pipeline.compose.changes import SubscriberMatches
from bot.pipeline.compose.drafts import EditionComposer, Member, sections_of
from bot.pipeline.compose.per_week import admitted
from bot.store import cursors, editions
from bot.store.cursors import AlertProgress, Chunk, Cursor
from bot.store.subscribers import StoredSubscriber


class AlertComposer(EditionComposer):
    """Decides alerts."""

    kind = "alert"
    cursor_column = "alert_cursor"

    def due(self, chunk: Chunk) -> list[StoredSubscriber]:
        with self.view.database.read() as tx:
            return cursors.alert_due(tx, self.view.revision.id, self.now, chunk)

    def compose(self, batch: Sequence[StoredSubscriber]) -> int:
        """Decide and write the alerts of a batch; returns how many were written. A subscriber's first time here only
        sets their cursor, and papers of the first collection of a source alert nobody."""
        drafts: list[editions.Draft] = []
        moved: list[Cursor] = []
        groups: dict[int, list[Member]] = defaultdict(list)
        for stored in batch:
            subscriber = stored_subscriber(stored.data)
            if self.is_quiet(subscriber):
                moved.append(self._wait_until_tomorrow(stored, subscriber))
            elif stored.alert_cursor is None:
                moved.append(self._seen_all(stored))
            else:
                groups[stored.alert_cursor].append((stored, subscriber))
        for base, members in groups.items():
            changes = self.view.alert_changes(base)
            queries = [[profile.query for profile in subscriber.profiles if profile.alert] for _, subscriber in members]
            most = max(subscriber.max_papers for _, subscriber in members) + NAMED
            found = changes.match(queries, most=most)
            best_of_weeks = admitted(changes, queries, [subscriber for _, subscriber in members])
            for (stored, subscriber), matches, may_show in zip(members, found, best_of_weeks, strict=True):
                if may_show is not None:  # the others are counted in the digest
                    matches.best = [[one for one in ranked if one in may_show] for ranked in matches.best]
                    matches.every = [[one for one in every if one in may_show] for every in matches.every]
                alerts, cursor = self._alert(stored, subscriber, matches)
                drafts += alerts
                moved.append(cursor)
        return self.write(drafts, moved)

    def _alert(
        self, stored: StoredSubscriber, subscriber: Subscriber, matches: SubscriberMatches
    ) -> tuple[list[editions.Draft], Cursor]:
        papers = set().union(*matches.every)
        if not papers:
            return [], self._seen_all(stored)
        today = self.now.astimezone(ZoneInfo(subscriber.timezone)).date()
        sent = stored.alerts_sent if stored.alert_day == today else 0
        if sent >= subscriber.alert_limit:
            if subscriber.schedule.cadence == "off":  # no digest would tell: the papers wait for tomorrow's alerts
                return [], self._wait_until_tomorrow(stored, subscriber)
            return [], self._cursor(
                stored, _progress(stored, self.view.revision.id, overflow=stored.overflow + len(papers))
            )
        names = [profile.name for profile in subscriber.profiles if profile.alert]
        shares = selection.allot(matches.best, subscriber.max_papers)
        shown = set().union(*shares)
        sections = sections_of(names, matches.best, matches.every, shares, shown)
        # Named by where it starts from, so that two processes cannot both tell what follows it.
        slot = f"after-{stored.alert_cursor}"
        picks = Picks(sections=tuple(sections))
        drafts = self.drafts(stored, subscriber, slot, self.now, picks, picks.matched)
        progress = _progress(stored, self.view.revision.id)
        return drafts, self._cursor(
            stored,
            progress._replace(alert_after=self.now + subscriber.alert_every, alert_day=today, alerts_sent=sent + 1),
        )

    def _seen_all(self, stored: StoredSubscriber) -> Cursor:
        """Nothing to tell up to this revision."""
        return self._cursor(stored, _progress(stored, self.view.revision.id))

    def _wait_until_tomorrow(self, stored: StoredSubscriber, subscriber: Subscriber) -> Cursor:
        """No alert before tomorrow; what there is to tell is told then."""
        zone = ZoneInfo(subscriber.timezone)
        tomorrow = self.now.astimezone(zone).date() + timedelta(days=1)
        midnight = datetime.combine(tomorrow, time(), zone).astimezone(UTC)
        return self._cursor(stored, _progress(stored, stored.alert_cursor)._replace(alert_after=midnight))

    @staticmethod
    def _cursor(stored: StoredSubscriber, progress: AlertProgress) -> Cursor:
        return Cursor(stored.id, stored.alert_cursor, progress)


def _progress(stored: StoredSubscriber, revision: int | None, overflow: int | None = None) -> AlertProgress:
    """A subscriber's progress with alerts, seen up to a revision and else as it was."""
    return AlertProgress(
        alert_cursor=revision,
        alert_after=stored.alert_after,
        alert_day=stored.alert_day,
        alerts_sent=stored.alerts_sent,
        overflow=stored.overflow if overflow is None else overflow,
    )
