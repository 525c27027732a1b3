"""From an edition as the store keeps it to a message that can be sent. Reads the store, changes nothing.

Papers are shown as they were at the edition's revision, so a retry days later renders the same bytes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from bot.core.edition import selection
from bot.core.edition.edition import Addressee, Edition, EditionCadence, Pick, Reason
from bot.core.edition.picks import Picks, notes_from_json
from bot.core.letter.letter import Letter
from bot.core.letter.notices import NoticeName
from bot.core.letter.renderer import LetterRenderer
from bot.core.papers import Paper, trending
from bot.core.query.evaluate_many import Quoter
from bot.core.source.health import SourceNote
from bot.core.subscriber.subscriber import Subscriber
from bot.mail import tokens
from bot.mail.message.mailbox import Mailbox, mailbox
from bot.mail.message.mime import Head, Signer, write
from bot.mail.message.types import Message
from bot.pipeline import service_mail
from bot.pipeline.subscribers import subscriber_of
from bot.store import Connection, Database, history, subscribers
from bot.store.outbox import SERVICE, Leased
from bot.store.subscribers import StoredSubscriber

LATE = timedelta(hours=1)  # an edition that goes out later than this says so
RISE_OVER = {"weekly": timedelta(days=7), "monthly": timedelta(days=30)}  # of the other cadences: a day
A_DAY = timedelta(days=1)
PAPERS_KEPT = 4096
THUMBS: tuple[tokens.Purpose, ...] = ("more", "less", "save")


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
    reads_answers: bool = False  # whether there is an inbox, so that a question may be answered by mail
    language: str = "en"  # of letters to whoever chose none
    list_name: str = "Paperlark"
    archive: bool = False  # whether the web process shows the trending letter to everybody

    @property
    def domain(self) -> str:
        return self.sender.email.rpartition("@")[2]

    @property
    def help(self) -> str:
        """Where a question goes: the contact, if it is an https address or a mailbox; ""."""
        if self.contact.startswith(("https://", "http://")):
            return self.contact
        try:
            return mailbox(self.contact).email if self.contact else ""
        except ValueError:
            return ""

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
        self._known: dict[tuple[int, int, timedelta], _Shown] = {}  # by paper, revision, time of the rise
        self._same: Callable[[Paper], Paper] = lru_cache(maxsize=PAPERS_KEPT)(lambda paper: paper)  # one object each

    def forget(self) -> None:
        """Drop what is remembered of papers and their cards. The next round of sending tells others, and a worker that
        kept them all would grow with every paper it ever told."""
        self._quoter = Quoter()
        self._known = {}
        self._same = lru_cache(maxsize=PAPERS_KEPT)(lambda paper: paper)
        self.renderer.forget()

    def build(self, leased: Leased) -> Message:
        """One edition, or one mail of service, as a message."""
        if leased.kind == SERVICE:
            return self._service(leased)
        links = self._address(leased)
        edition = self._explain(leased, self._load(leased), links)
        return self._write(leased, edition, self.renderer.letter(edition), links)

    def edition(self, leased: Leased) -> Edition:
        """One stored edition with everything it shows put in."""
        return self._explain(leased, self._load(leased), self._address(leased))

    def _service(self, leased: Leased) -> Message:
        """What a visitor of the web pages waits for."""
        with self.database.read() as tx:
            stored = subscribers.by_id(tx, leased.subscriber_id)
        mine = self.identity
        mail = service_mail.read_request(leased)
        token = service_mail.token(leased, stored.epoch if stored else 0, mine.secret)
        answer_to = self._answer_address(token) if mail.kind == "confirm" else None
        values = service_mail.values(mail, token, mine.public_url, by_reply=answer_to is not None)
        letter = self.renderer.notice(mail.kind, mail.language or mine.language, values)
        recipient = mail.to or leased.email
        head = Head(
            date=leased.made,
            sender=mine.sender,
            to=mailbox(recipient),
            message_id=leased.message_id,
            reply_to=answer_to or mine.reply_to,
        )
        return Message(
            sender=self._envelope_sender(leased),
            recipient=recipient,
            message_id=leased.message_id,
            data=write(letter, head, self.signer),
        )

    def notice(
        self, address: str, name: NoticeName, values: Mapping[str, Any], now: datetime, language: str = ""
    ) -> Message:
        """A letter that is not an edition, to one person; in the configuration's language where none is named. Raises
        BrokenTemplate."""
        mine = self.identity
        letter = self.renderer.notice(name, language or mine.language, values)
        message_id = tokens.message_id(mine.secret, "notice", f"{now.isoformat()} {address}", 0, mine.domain)
        head = Head(date=now, sender=mine.sender, to=mailbox(address), message_id=message_id, reply_to=mine.reply_to)
        return Message(
            sender=mine.sender.email, recipient=address, message_id=message_id, data=write(letter, head, self.signer)
        )

    def preview(
        self, stored: StoredSubscriber, picks: Picks, revision: int, notes: str, now: datetime
    ) -> tuple[str, Letter, Message]:
        """The next digest of a subscriber as web page, letter and message, without an edition in the store. `notes` are
        the sources' states as JSON."""
        subscriber = subscriber_of(stored.data)
        leased = Leased(
            id=0,
            subscriber_id=stored.id,
            kind="digest",
            slot=now.isoformat(),
            compose_id=0,
            revision=revision,
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
            sources=notes,
        )
        links = self._address(leased)
        edition = self._explain(leased, self._load(leased), links)
        letter = self.renderer.letter(edition)
        return letter.html_page, letter, self._write(leased, edition, letter, links)

    # -- load: what the store knows --------------------------------------------------------------------------------

    def _load(self, leased: Leased) -> "_Loaded":
        """Everything an edition shows, as of its revision; one transaction, and none where all is remembered."""
        subscriber = subscriber_of(leased.data)
        picks = Picks.from_json(leased.picks)
        cadence = _cadence(leased.kind, subscriber)
        rise_over = RISE_OVER.get(cadence, A_DAY)
        wanted = picks.ids | {paper for section in picks.sections for paper in section.more_ids}
        revised = {paper for section in picks.sections if section.kind == "revisions" for paper in section.ids}
        remembered = {paper_id: self._known.get((paper_id, leased.revision, rise_over)) for paper_id in wanted}
        shown = {paper_id: found for paper_id, found in remembered.items() if found is not None}
        changes: dict[int, str] = {}
        if len(shown) < len(wanted) or (revised and leased.since is not None):
            fresh, changes = self.database.ask(
                lambda tx: (
                    self._papers_at(tx, leased.revision, wanted - shown.keys(), rise_over),
                    _changes(tx, leased, revised),
                )
            )
            shown |= fresh
        return _Loaded(subscriber, picks, cadence, rise_over, shown, changes)

    def _papers_at(self, tx: Connection, revision: int, ids: set[int], rise_over: timedelta) -> "dict[int, _Shown]":
        """Papers as of a revision, and how far their votes have risen in the time before it."""
        at = history.revision_at(tx, revision)
        snapshots = history.snapshots(tx, ids, until=revision)
        found: dict[int, _Shown] = {}
        for paper_id, paper in history.as_of(tx, ids, revision).items():
            rise = trending.rise(snapshots.get(paper_id, ()), at, rise_over) if at else None
            found[paper_id] = (self._same(paper), rise)
        if len(self._known) > PAPERS_KEPT:
            self._known.clear()
        self._known |= {(paper_id, revision, rise_over): shown for paper_id, shown in found.items()}
        return found

    # -- explain: why each paper is there --------------------------------------------------------------------------

    def _explain(self, leased: Leased, loaded: "_Loaded", links: "_Links") -> Edition:
        subscriber, picks = loaded.subscriber, loaded.picks
        entered = {paper for section in picks.sections for paper in section.entered}

        def dress(paper_id: int, paper: Paper) -> Pick:
            rise = loaded.shown[paper_id][1]
            more, less, save = links.thumbs(paper_id)
            return Pick(
                paper=paper,
                more_url=more,
                less_url=less,
                save_url=save,
                reasons=self._reasons(subscriber, paper),
                rise=rise or None,
                rise_over=loaded.rise_over if rise else None,
                entered_top=paper_id in entered,
                news=loaded.changes.get(paper_id, ""),
            )

        papers = {paper_id: paper for paper_id, (paper, _) in loaded.shown.items()}
        return Edition(
            kind="alert" if leased.kind == "alert" else "digest",
            cadence=loaded.cadence,
            slot=leased.slot,
            day=leased.day,
            made=leased.made,
            since=leased.since,
            subscriber=_addressee(subscriber, self.identity.language),
            sections=selection.sections(picks, papers, dress),
            sources=_notes(leased.sources),
            alerted=picks.alerted,
            overflow=picks.overflow,
            late_since=leased.due if leased.made - leased.due > LATE else None,
            heartbeat=picks.heartbeat,
            unsubscribe_url=links.unsubscribe_url,
            unsubscribe_email=links.unsubscribe_email,
            browser_url=links.browser_url,
            manage_url=links.manage_url,
            contact=self.identity.contact,
        )

    def _reasons(self, subscriber: Subscriber, paper: Paper) -> tuple[Reason, ...]:
        """Every profile of the subscriber the paper answers, with the words that answered."""
        return tuple(
            [
                Reason(profile=profile.name, quotes=quotes)
                for profile in subscriber.profiles
                if (quotes := self._quoter.answer(profile.query, paper)) is not None
            ]
        )

    # -- address: the envelope, and links that act for this subscriber ---------------------------------------------

    def _address(self, leased: Leased) -> "_Links":
        mine = self.identity
        base = mine.public_url.rstrip("/")

        def seal(purpose: tokens.Purpose, item: int) -> str:
            return tokens.seal(mine.secret, purpose, leased.subscriber_id, item)

        def page(path: str, purpose: tokens.Purpose) -> str:
            """A page about this edition and what a letter may open; "" without a web process, or for a letter that is
            only looked at."""
            if not base or not leased.id:
                return ""
            token = tokens.seal_renewable(
                mine.secret, purpose, leased.subscriber_id, leased.id, epoch=leased.epoch, now=leased.made
            )
            return f"{base}/{path}/{token}"

        def thumbs(paper_id: int) -> tuple[str, str, str]:
            """What this subscriber says of a paper, as links; "" without a web process."""
            if not base:
                return "", "", ""
            more, less, save = (f"{base}/t/{seal(kind, paper_id)}" for kind in THUMBS)
            return more, less, save

        goodbye = seal("unsubscribe alert" if leased.kind == "alert" else "unsubscribe digest", leased.id)
        return _Links(
            envelope_sender=self._envelope_sender(leased),
            unsubscribe_email=tokens.token_address(mine.unsubscribe or _with_token(mine.sender.email), goodbye),
            unsubscribe_url=f"{base}/u/{goodbye}" if base.startswith("https://") else "",
            browser_url=page("e", "edition"),
            manage_url=page("manage", "letter"),
            thumbs=thumbs,
        )

    def _answer_address(self, token: str) -> Mailbox | None:
        """Where a yes by mail goes: to the inbox we read, with the question's token. None where there is none, or its
        address has no room for a token."""
        mine = self.identity
        if not mine.reads_answers:
            return None
        try:
            return mailbox(tokens.token_address(mine.unsubscribe or _with_token(mine.sender.email), token))
        except ValueError:
            return None

    def _envelope_sender(self, leased: Leased) -> str:
        if not self.identity.bounces:
            return self.identity.sender.email
        token = tokens.seal(self.identity.secret, "bounce", leased.subscriber_id, leased.id)
        return tokens.token_address(self.identity.bounces, token)

    # -- write: bytes ----------------------------------------------------------------------------------------------

    def _write(self, leased: Leased, edition: Edition, letter: Letter, links: "_Links") -> Message:
        mine = self.identity
        name = "alerts" if leased.kind == "alert" else "digest"
        head = Head(
            date=leased.made,
            sender=mine.sender,
            to=Mailbox(edition.subscriber.name, leased.email),
            message_id=leased.message_id,
            reply_to=mine.reply_to,
            list_id=f"{name}.paperlark.{mine.domain}",
            list_name=f"{mine.list_name} {name}",
            unsubscribe_url=links.unsubscribe_url,
            unsubscribe_email=links.unsubscribe_email,
            help=mine.help,
            archive_url=f"{mine.public_url.rstrip('/')}/archive" if mine.public_url and mine.archive else "",
            feedback_id=f"{leased.day:%Y%m%d}:{leased.kind}:{edition.cadence}:paperlark",
        )
        return Message(
            sender=links.envelope_sender,
            recipient=leased.email,
            message_id=leased.message_id,
            data=write(letter, head, self.signer),
        )


_Shown: TypeAlias = "tuple[Paper, int | None]"  # a paper as of a revision, and how far its votes had risen


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What an edition is made of."""

    subscriber: Subscriber
    picks: Picks
    cadence: EditionCadence
    rise_over: timedelta
    shown: dict[int, _Shown]
    changes: dict[int, str]  # of revised papers, in words


@dataclass(frozen=True, slots=True, kw_only=True)
class _Links:
    """Where answers to one edition go; "" for what there is not."""

    envelope_sender: str
    unsubscribe_email: str
    unsubscribe_url: str
    browser_url: str
    manage_url: str
    thumbs: Callable[[int], tuple[str, str, str]]  # of a paper: more, less, save


def _changes(tx: Connection, leased: Leased, revised: set[int]) -> dict[int, str]:
    """What changed of the papers in the revisions section, in words."""
    if not revised or leased.since is None:
        return {}
    return history.changes_since(tx, revised, history.revision_before(tx, leased.since), until=leased.revision)


def _with_token(address: str) -> str:
    """The address that takes a token after a plus."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{{token}}@{domain}"


def _cadence(kind: str, subscriber: Subscriber) -> EditionCadence:
    cadence = subscriber.schedule.cadence
    if kind == "alert" or cadence == "off":
        return "instant"
    return "daily" if cadence == "feed" else cadence


@lru_cache(maxsize=64)
def _notes(text: str) -> tuple[SourceNote, ...]:
    """The sources' states: the same text for every edition of a run."""
    return notes_from_json(text)


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
