"""Editions to be looked at: in a browser or a feed reader, as they were told and with everything that did not fit; or
before they are told."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.core.edition.edition import Edition
from bot.core.edition.picks import Picks, PickSection
from bot.core.letter.letter import Letter
from bot.core.papers import Paper
from bot.core.subscriber.subscriber import Subscriber, stored_subscriber
from bot.mail.message.types import Message
from bot.pipeline.build_message import MessageBuilder
from bot.pipeline.compose.changes import RevisionView
from bot.store import Database, edition_reports, history, outbox
from bot.store.history import Revision
from bot.store.outbox import Leased
from bot.store.subscribers import StoredSubscriber

MOST_LEFT_OVER = 500  # of one profile: who asks for more wants another query
FEED_EDITIONS = 40
ARCHIVE_PAPERS = 20
ARCHIVE_DAYS = 60


def edition(database: Database, builder: MessageBuilder, subscriber_id: int, edition_id: int) -> Edition | None:
    """One edition of a subscriber, whole; None where it is not theirs, or not kept any more."""
    with database.read() as tx:
        stored = outbox.by_id(tx, edition_id)
    if stored is None or stored.subscriber_id != subscriber_id or stored.kind == outbox.SERVICE:
        return None
    return whole(database, builder, stored)


def whole(database: Database, builder: MessageBuilder, stored: Leased) -> Edition:
    """An edition with all that stood behind "n more"."""
    picks = Picks.from_json(stored.picks)
    if any(section.more > len(section.more_ids) for section in picks.sections):
        picks = _completed(database, stored, picks, stored_subscriber(stored.data))
        stored = replace(stored, picks=picks.to_json())
    return builder.edition(stored)


def unsent_letter(
    builder: MessageBuilder, stored: StoredSubscriber, picks: Picks, revision: int, notes: str, now: datetime
) -> tuple[Letter, Message]:
    """The next digest of a subscriber as letter and message, without an edition in the store. `notes` are the sources'
    states as JSON."""
    slot = now.isoformat()
    unsent = Leased(
        id=0,
        subscriber_id=stored.id,
        kind="digest",
        slot=slot,
        compose_id=0,
        revision=revision,
        since=stored.told_at,
        due=now,
        day=now.astimezone(ZoneInfo(stored_subscriber(stored.data).timezone)).date(),
        picks=picks.to_json(),
        attempts=0,
        message_id=builder.identity.message_id("digest", slot, stored.id),
        email=stored.email,
        data=stored.data,
        subscriber_status=stored.status,
        made=now,
        sources=notes,
    )
    edition = builder.edition(unsent)
    letter = builder.renderer.letter(edition)
    return letter, builder.write(unsent, edition, letter)


def _completed(database: Database, stored: Leased, picks: Picks, subscriber: Subscriber) -> Picks:
    """The picks with every paper that was only counted, found again by the profiles as of that revision."""
    view = RevisionView(database, Revision(stored.revision, stored.made), "[]")
    if stored.since is None:
        changes = view.first_changes(stored.due - subscriber.schedule.period)
    else:
        with database.read() as tx:
            changes = view.changes_since(history.revision_before(tx, stored.since))
    most = MOST_LEFT_OVER + len(picks.ids)
    (found,) = changes.match([[profile.query for profile in subscriber.profiles]], most=most, over=None)
    by_name = {profile.name: ranked for profile, ranked in zip(subscriber.profiles, found.best, strict=True)}
    taken = picks.ids | {paper for section in picks.sections for paper in section.more_ids}
    sections: list[PickSection] = []
    for section in picks.sections:
        if section.kind == "profile" and section.more > len(section.more_ids):
            wanted = section.more - len(section.more_ids)
            rest = [paper for paper in by_name.get(section.name, ()) if paper not in taken][:wanted]
            taken.update(rest)
            section = section._replace(more_ids=(*section.more_ids, *rest))
        sections.append(section)
    return picks._replace(sections=tuple(sections))


def newest_edition(database: Database, subscriber_id: int) -> int:
    """The number of a subscriber's newest edition, 0 before the first: all a feed reader's "anything new?" costs."""
    with database.read() as tx:
        return edition_reports.newest_of(tx, subscriber_id)


def feed_editions(database: Database, builder: MessageBuilder, subscriber_id: int) -> list[Edition]:
    """A subscriber's last editions, the newest first, each whole."""
    with database.read() as tx:
        ids = [one.id for one in edition_reports.of_subscriber(tx, subscriber_id, limit=FEED_EDITIONS)]
        stored = outbox.by_ids(tx, ids)
    return [whole(database, builder, one) for one in stored]


def papers_of(told: Edition) -> list[Paper]:
    """Every paper of an edition, shown or behind "n more", each once, in order."""
    papers: dict[str, Paper] = {}
    for section in told.sections:
        for paper in (*(pick.paper for pick in section.picks), *section.more_papers):
            papers.setdefault(paper.key, paper)
    return list(papers.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendingDay:
    """The trending papers of one day."""

    day: date
    made: datetime
    papers: tuple[Paper, ...]


def archive_days(database: Database, now: datetime) -> list[date]:
    """The days the archive has, newest first: those on which papers came."""
    with database.read() as tx:
        return history.days(tx, now - timedelta(days=ARCHIVE_DAYS), now)


def revision_of(database: Database, day: date, now: datetime) -> Revision | None:
    """The last revision of a day (UTC) of the archive; None where nothing came on it, or it is not kept."""
    if not now.date() - timedelta(days=ARCHIVE_DAYS) <= day <= now.date():
        return None
    with database.read() as tx:
        number = history.revision_before(tx, min(now, _end_of(day, now)))
        at = history.revision_at(tx, number)
    return Revision(number, at) if at is not None and at.date() == day else None


def trending_at(database: Database, day: date, revision: Revision) -> TrendingDay:
    """The hottest papers as of a revision, as old as a daily letter's trending section may hold."""
    ids = list(RevisionView(database, revision, "[]").trend("day").recent)[:ARCHIVE_PAPERS]
    with database.read() as tx:
        papers = history.as_of(tx, ids, revision.id)
    return TrendingDay(day=day, made=revision.at, papers=tuple(papers[one] for one in ids if one in papers))


def _end_of(day: date, now: datetime) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), now.tzinfo)
