"""From an edition as the store keeps it to a message that can be sent. Reads the store, changes nothing.

Papers are shown as they were at the edition's revision, so a retry days later renders the same bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from bot.core.edition import selection
from bot.core.edition.edition import Addressee, Cadence, Edition, Pick, Reason
from bot.core.edition.picks import Picks, notes_from_json
from bot.core.letter.letter import Letter
from bot.core.letter.renderer import LetterRenderer
from bot.core.papers import Paper, trending
from bot.core.query.evaluate_many import Quoter
from bot.core.subscriber.subscriber import Subscriber
from bot.mail import tokens
from bot.mail.message.mailbox import Mailbox, mailbox
from bot.mail.message.mime import Head, Signer, write
from bot.mail.message.types import Message
from bot.pipeline import service_mail
from bot.pipeline.compose.changes import RevisionView
from bot.pipeline.subscribers import subscriber_of
from bot.store import Database, history, subscribers
from bot.store.outbox import SERVICE, Leased
from bot.store.subscribers import StoredSubscriber
from bot.store.thumbs import ThumbKind

LATE = timedelta(hours=1)  # an edition that goes out later than this says so
RISE_OVER = {"weekly": timedelta(days=7), "monthly": timedelta(days=30)}  # of the other cadences: a day
A_DAY = timedelta(days=1)
PAPERS_KEPT = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who writes, and where answers go: from the configuration."""

    sender: Mailbox
    secret: str = field(repr=False)
    reply_to: Mailbox | None = None
    public_url: str = ""
    bounces: str = ""  # "b+{token}@example.org": the envelope sender; empty: the sender's own address
    unsubscribe: str = ""  # "unsub+{token}@example.org"; empty: the sender's address, with the token after a plus
    contact: str = ""
    language: str = "en"  # of letters to whoever chose none
    list_name: str = "Paperlark"
    archive: bool = False  # whether the web process shows the trending letter to everybody

    @property
    def domain(self) -> str:
        return self.sender.email.rpartition("@")[2]

    def message_id(self, kind: str, slot: str, subscriber_id: int) -> str:
        """The one Message-ID an edition ever has."""
        return tokens.message_id(self.secret, kind, slot, subscriber_id, self.domain)


class MessageBuilder:
    """Renders and writes editions. Thread-safe; one per process."""

    def __init__(
        self, database: Database, renderer: LetterRenderer, identity: Identity, signer: Signer | None = None
    ) -> None:
        self.database = database
        self.renderer = renderer
        self.identity = identity
        self.signer = signer
        self._quoter = Quoter()
        self._known: dict[tuple[int, int, timedelta], tuple[Paper, int | None]] = {}  # at a revision: paper, rise
        self._same: Callable[[Paper], Paper] = lru_cache(maxsize=PAPERS_KEPT)(lambda paper: paper)  # one object each

    def build(self, leased: Leased) -> Message:
        """One edition, or one mail of service, as a message."""
        if leased.kind == SERVICE:
            return self._service(leased)
        edition = self.edition(leased)
        return Message(
            sender=self._envelope_sender(leased),
            recipient=leased.email,
            message_id=leased.message_id,
            data=write(self.renderer.letter(edition), self._head(leased, edition), self.signer),
        )

    def _service(self, leased: Leased) -> Message:
        """What a visitor of the web pages waits for."""
        with self.database.read() as tx:
            stored = subscribers.by_id(tx, leased.subscriber_id)
        mine = self.identity
        letter = service_mail.letter(leased, stored.epoch if stored else 0, mine.secret, mine.public_url)
        recipient = service_mail.read(leased).to or leased.email
        head = Head(
            date=leased.made,
            sender=mine.sender,
            to=mailbox(recipient),
            message_id=leased.message_id,
            reply_to=mine.reply_to,
        )
        return Message(
            sender=self._envelope_sender(leased),
            recipient=recipient,
            message_id=leased.message_id,
            data=write(letter, head, self.signer),
        )

    def note(self, address: str, letter: Letter, now: datetime) -> Message:
        """A letter that is not an edition, to one person."""
        mine = self.identity
        message_id = tokens.message_id(mine.secret, "note", f"{now.isoformat()} {address}", 0, mine.domain)
        head = Head(date=now, sender=mine.sender, to=mailbox(address), message_id=message_id, reply_to=mine.reply_to)
        return Message(
            sender=mine.sender.email, recipient=address, message_id=message_id, data=write(letter, head, self.signer)
        )

    def preview(
        self, stored: StoredSubscriber, picks: Picks, view: RevisionView, now: datetime
    ) -> tuple[str, Letter, Message]:
        """The next digest of a subscriber as web page, letter and message, without an edition in the store."""
        subscriber = subscriber_of(stored.data)
        leased = Leased(
            id=0,
            subscriber_id=stored.id,
            kind="digest",
            slot=now.isoformat(),
            compose_id=0,
            revision=view.revision.id,
            since=stored.told_at,
            due=now,
            day=now.astimezone(ZoneInfo(subscriber.timezone)).date(),
            picks=picks.to_json(),
            attempts=0,
            message_id=self.identity.message_id("digest", now.isoformat(), stored.id),
            email=stored.email,
            data=stored.data,
            subscriber_status=stored.status,
            made=now,
            sources=view.notes,
        )
        edition = self.edition(leased)
        return self.renderer.page(edition), self.renderer.letter(edition), self.build(leased)

    def edition(self, leased: Leased) -> Edition:
        """One stored edition with everything it shows put in."""
        subscriber = subscriber_of(leased.data)
        picks = Picks.from_json(leased.picks)
        wanted = picks.ids | {paper for section in picks.sections for paper in section.more_ids}
        cadence = _cadence(leased.kind, subscriber)
        rise_over = RISE_OVER.get(cadence, A_DAY)
        shown, rises = self._papers_at(leased.revision, wanted, rise_over)
        changes = self._changes(leased, picks)
        entered = {paper for section in picks.sections for paper in section.entered}

        def dress(paper_id: int, paper: Paper) -> Pick:
            return Pick(
                paper=paper,
                more_url=self._thumb_url(leased, "more", paper_id),
                less_url=self._thumb_url(leased, "less", paper_id),
                save_url=self._thumb_url(leased, "save", paper_id),
                reasons=self._reasons(subscriber, paper),
                rise=rises.get(paper_id),
                rise_over=rise_over if paper_id in rises else None,
                entered_top=paper_id in entered,
                news=changes.get(paper_id, ""),
            )

        late = leased.made - leased.due > LATE
        return Edition(
            kind="alert" if leased.kind == "alert" else "digest",
            cadence=cadence,
            slot=leased.slot,
            day=leased.day,
            made=leased.made,
            since=leased.since,
            subscriber=_addressee(subscriber, self.identity.language),
            sections=selection.sections(picks, shown, dress),
            sources=notes_from_json(leased.sources),
            alerted=picks.alerted,
            overflow=picks.overflow,
            late_since=leased.due if late else None,
            heartbeat=picks.heartbeat,
            unsubscribe_url=self._unsubscribe_url(leased),
            unsubscribe_email=self._unsubscribe_email(leased),
            browser_url=self._page_url(leased, "e", "edition"),
            manage_url=self._page_url(leased, "manage", "letter"),
            contact=self.identity.contact,
        )

    # -- papers ----------------------------------------------------------------------------------------------------

    def _papers_at(self, revision: int, ids: set[int], rise_over: timedelta) -> tuple[dict[int, Paper], dict[int, int]]:
        """Papers as of a revision, and how far their votes have risen in the time before it."""
        if len(self._known) > PAPERS_KEPT:
            self._known.clear()
        missing = {paper_id for paper_id in ids if (paper_id, revision, rise_over) not in self._known}
        if missing:
            with self.database.read() as tx:
                at = history.revision_at(tx, revision)
                papers = history.as_of(tx, missing, revision)
                snapshots = history.snapshots(tx, missing, until=revision)
            for paper_id, paper in papers.items():
                rise = trending.rise(snapshots.get(paper_id, ()), at, rise_over) if at else None
                self._known[paper_id, revision, rise_over] = (self._same(paper), rise)
        places = ((paper_id, (paper_id, revision, rise_over)) for paper_id in ids)
        known = {paper_id: self._known[place] for paper_id, place in places if place in self._known}
        rises = {paper_id: rise for paper_id, (_, rise) in known.items() if rise}
        return {paper_id: paper for paper_id, (paper, _) in known.items()}, rises

    def _changes(self, leased: Leased, picks: Picks) -> dict[int, str]:
        """What changed of the papers in the revisions section, in words."""
        ids = {paper for section in picks.sections if section.kind == "revisions" for paper in section.ids}
        if not ids or leased.since is None:
            return {}
        with self.database.read() as tx:
            return history.changes_since(tx, ids, history.revision_before(tx, leased.since), until=leased.revision)

    def _reasons(self, subscriber: Subscriber, paper: Paper) -> tuple[Reason, ...]:
        """Every profile of the subscriber the paper answers, with the words that answered."""
        return tuple(
            [
                Reason(profile=profile.name, quotes=quotes)
                for profile in subscriber.profiles
                if (quotes := self._quoter.answer(profile.query, paper)) is not None
            ]
        )

    # -- head and envelope -----------------------------------------------------------------------------------------

    def _head(self, leased: Leased, edition: Edition) -> Head:
        mine = self.identity
        alert = leased.kind == "alert"
        return Head(
            date=leased.made,
            sender=mine.sender,
            to=Mailbox(edition.subscriber.name, leased.email),
            message_id=leased.message_id,
            reply_to=mine.reply_to,
            list_id=f"{'alerts' if alert else 'digest'}.paperlark.{mine.domain}",
            list_name=f"{mine.list_name} {'alerts' if alert else 'digest'}",
            unsubscribe_url=edition.unsubscribe_url,
            unsubscribe_email=edition.unsubscribe_email,
            archive_url=f"{mine.public_url.rstrip('/')}/archive" if mine.public_url and mine.archive else "",
            feedback_id=f"{leased.day:%Y%m%d}:{leased.kind}:{edition.cadence}:paperlark",
        )

    def _envelope_sender(self, leased: Leased) -> str:
        if not self.identity.bounces:
            return self.identity.sender.email
        token = tokens.seal(self.identity.secret, "bounce", leased.subscriber_id, leased.id)
        return tokens.address(self.identity.bounces, token)

    def _unsubscribe_email(self, leased: Leased) -> str:
        """An address whose mail ends this kind of edition for this subscriber."""
        local, _, domain = self.identity.sender.email.rpartition("@")
        template = self.identity.unsubscribe or f"{local}+{{token}}@{domain}"
        return tokens.address(template, self._unsubscribe_token(leased))

    def _unsubscribe_url(self, leased: Leased) -> str:
        base = self.identity.public_url.rstrip("/")
        return f"{base}/u/{self._unsubscribe_token(leased)}" if base.startswith("https://") else ""

    def _thumb_url(self, leased: Leased, kind: ThumbKind, paper_id: int) -> str:
        """What this subscriber says of a paper, as a link; "" without a web process."""
        base = self.identity.public_url.rstrip("/")
        return f"{base}/t/{tokens.seal(self.identity.secret, kind, leased.subscriber_id, paper_id)}" if base else ""

    def _page_url(self, leased: Leased, path: str, purpose: tokens.Purpose) -> str:
        """A page about this edition and what a letter may open; "" without a web process, or for a letter that is only
        looked at."""
        base = self.identity.public_url.rstrip("/")
        if not base or not leased.id:
            return ""
        secret, now = self.identity.secret, leased.made
        token = tokens.seal_renewable(secret, purpose, leased.subscriber_id, leased.id, epoch=leased.epoch, now=now)
        return f"{base}/{path}/{token}"

    def _unsubscribe_token(self, leased: Leased) -> str:
        purpose: tokens.Purpose = "unsubscribe alert" if leased.kind == "alert" else "unsubscribe digest"
        return tokens.seal(self.identity.secret, purpose, leased.subscriber_id, leased.id)


def _cadence(kind: str, subscriber: Subscriber) -> Cadence:
    cadence = subscriber.schedule.cadence
    if kind == "alert" or cadence == "off":
        return "instant"
    return "daily" if cadence == "feed" else cadence


def _addressee(subscriber: Subscriber, language: str) -> Addressee:
    return Addressee(
        email=subscriber.email,
        name=subscriber.name,
        timezone=subscriber.timezone,
        schedule=str(subscriber.schedule),
        abstract=subscriber.abstract,
        language=subscriber.language or language,
        pictures=subscriber.pictures,
    )
