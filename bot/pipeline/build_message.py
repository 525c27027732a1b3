"""From an edition as the store keeps it to a message that can be sent: load, explain, address, write. Reads the store,
changes nothing.

Papers are shown as they were at the edition's revision, so a retry days later renders the same bytes. Mail that is no
edition has a module of its own: `service_mail`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, Protocol

from bot.core.edition.edition import Addressee, Edition, EditionCadence, Pick, Reason, Section
from bot.core.edition.picks import Picks, PickSection, notes_from_json
from bot.core.letter.letter import CARDS, Letter, NoticeName, ShortForm
from bot.core.papers import Paper
from bot.core.query.evaluate import Quoter
from bot.core.source.health import SourceNote
from bot.core.subscriber.subscriber import Subscriber, stored_subscriber
from bot.mail import tokens
from bot.mail.message.mailbox import Mailbox
from bot.mail.message.mime import Head, Signer, write
from bot.mail.message.types import Message
from bot.pipeline.sender_identity import Identity
from bot.store import Connection, Database, history, summaries, thumbs
from bot.store.history import MetricSnapshot
from bot.store.outbox import Leased
from bot.store.summaries import Sentence, version_of

LATE = timedelta(hours=1)  # an edition that goes out later than this says so
RISE_OVER = {"weekly": timedelta(days=7), "monthly": timedelta(days=30)}  # of the other cadences: a day
A_DAY = timedelta(days=1)
PAPERS_KEPT = 4096
FEWEST_COLLEAGUES = 2
THUMBS: tuple[tokens.Purpose, ...] = ("more", "less", "save")
NO_THUMBS = ("", "", "")


class Renderer(Protocol):
    """Draws letters, as `bot.core.letter.renderer` does; its libraries are loaded where there is one to draw."""

    def letter(self, edition: Edition) -> Letter: ...

    def short(self, edition: Edition, fits: Callable[[str, str], bool]) -> ShortForm: ...

    def notice(self, name: NoticeName, language: str, values: Mapping[str, Any]) -> Letter: ...

    def forget(self) -> None: ...


class _Shown(NamedTuple):
    """A paper as of a revision."""

    paper: Paper
    rise: int | None  # how far its votes had risen
    sentence: Sentence | None  # of a model


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    """All that an edition is made of."""

    leased: Leased
    subscriber: Subscriber
    picks: Picks
    cadence: EditionCadence
    rise_over: timedelta
    shown: Mapping[int, _Shown]
    changes: Mapping[int, str]  # of revised papers, in words
    saved_by: Mapping[int, int]  # papers that others of the subscriber's teams saved
    reads_sentences: bool  # the subscriber reads the language of a model's sentences


@dataclass(frozen=True, slots=True, kw_only=True)
class _Links:
    """Where answers to one edition go; "" for what there is not."""

    unsubscribe_email: str
    unsubscribe_url: str
    browser_url: str
    manage_url: str
    thumbs: Callable[[int], tuple[str, str, str]]  # of a paper: more, less, save


class MessageBuilder:
    """Renders and writes editions. Thread-safe; one per process."""

    def __init__(
        self,
        database: Database,
        make_renderer: Callable[[], Renderer],
        identity: Identity,
        signer: Signer | None = None,
        *,
        summaries_in: str = "",
    ) -> None:
        """`summaries_in`: the language of a model's sentences, which are shown where there are some; "": never."""
        self.database = database
        self._summaries_in = summaries_in
        self._make_renderer = make_renderer
        self.identity = identity
        self.signer = signer
        self._quoter = Quoter()
        self._known: dict[tuple[int, int, timedelta], _Shown] = {}  # by paper, revision, time of the rise
        self._same: Callable[[Paper], Paper] = lru_cache(maxsize=PAPERS_KEPT)(lambda paper: paper)  # one object each

    @cached_property
    def renderer(self) -> Renderer:
        """Made when there is something to draw: its libraries take a tenth of a second and 6 MB, and most runs draw
        nothing."""
        return self._make_renderer()

    def forget(self) -> None:
        """Drop what is remembered of papers and their cards. The next round of sending tells others, and a worker that
        kept them all would grow with every paper it ever told."""
        self._quoter = Quoter()
        self._known = {}
        self._same = lru_cache(maxsize=PAPERS_KEPT)(lambda paper: paper)
        if "renderer" in self.__dict__:
            self.renderer.forget()

    def load_ahead(self, batch: Sequence[Leased]) -> None:
        """Ask the store once for the papers of several editions, whose letters are built next."""
        wanted: dict[tuple[int, timedelta], set[int]] = {}
        for leased in batch:
            cadence = _cadence(leased, stored_subscriber(leased.data))
            wanted.setdefault((leased.revision, RISE_OVER.get(cadence, A_DAY)), set()).update(
                _shown_by(Picks.from_json(leased.picks))
            )
        missing = {key: {one for one in ids if (one, *key) not in self._known} for key, ids in wanted.items()}
        if any(missing.values()):
            self.database.ask(lambda tx: [self._papers_at(tx, key[0], ids, key[1]) for key, ids in missing.items()])

    def build(self, leased: Leased) -> Message:
        """One edition as a message."""
        edition = self.edition(leased, only_for_letter=True)
        return self.write(leased, edition, self.renderer.letter(edition))

    def edition(self, leased: Leased, *, only_for_letter: bool = False) -> Edition:
        """One stored edition with everything it shows put in. A letter has links to act on its cards alone; sealing
        them for every paper would be a tenth of its work."""
        loaded = self._load(leased)
        is_short = only_for_letter and loaded.subscriber.abstract != "full"  # then every paper is a card
        linked = CARDS + 1 if is_short else None  # one may be the lead
        return _explain(loaded, _address(leased, self.identity), self._quoter, self.identity, linked)

    def _load(self, leased: Leased) -> _Loaded:
        """Everything an edition shows, as of its revision: one transaction, and none where all is remembered."""
        subscriber = stored_subscriber(leased.data)
        picks = Picks.from_json(leased.picks)
        cadence = _cadence(leased, subscriber)
        rise_over = RISE_OVER.get(cadence, A_DAY)
        wanted = _shown_by(picks)
        revised = {paper for section in picks.sections if section.kind == "revisions" for paper in section.ids}
        remembered = {paper_id: self._known.get((paper_id, leased.revision, rise_over)) for paper_id in wanted}
        shown = {paper_id: found for paper_id, found in remembered.items() if found is not None}
        changes: dict[int, str] = {}
        saved_by: Mapping[int, int] = {}

        def ask(tx: Connection) -> None:
            shown.update(self._papers_at(tx, leased.revision, wanted - shown.keys(), rise_over))
            if revised and leased.since is not None:
                told = history.revision_before(tx, leased.since)
                changes.update(history.changes_since(tx, revised, told, until=leased.revision))
            nonlocal saved_by
            saved_by = _saved_by(tx, leased.subscriber_id, subscriber.teams, picks.ids)

        if len(shown) < len(wanted) or (revised and leased.since is not None) or subscriber.teams:
            self.database.ask(ask)
        return _Loaded(
            leased=leased,
            subscriber=subscriber,
            picks=picks,
            cadence=cadence,
            rise_over=rise_over,
            shown=shown,
            changes=changes,
            saved_by=saved_by,
            reads_sentences=_is_read_in(self._summaries_in, subscriber.language or self.identity.language),
        )

    def _papers_at(self, tx: Connection, revision: int, ids: set[int], rise_over: timedelta) -> dict[int, _Shown]:
        """Papers as of a revision, and how far their votes have risen in the time before it."""
        at = history.revision_at(tx, revision)
        said = summaries.sentences_of(tx, ids, self._summaries_in) if self._summaries_in else {}
        found = {
            paper_id: _Shown(
                self._same(paper),
                votes_gained(numbers, at, rise_over) if at else None,
                said.get(version_of(paper_id, paper)) if said else None,
            )
            for paper_id, (paper, numbers) in history.with_numbers(tx, ids, revision).items()
        }
        if len(self._known) > PAPERS_KEPT:
            self._known.clear()
        self._known |= {(paper_id, revision, rise_over): shown for paper_id, shown in found.items()}
        return found

    def write(self, leased: Leased, edition: Edition, letter: Letter) -> Message:
        """The letter of an edition with its head, addressed."""
        mine = self.identity
        name = "alerts" if edition.kind == "alert" else "digest"
        head = Head(
            date=leased.made,
            sender=mine.sender,
            to=Mailbox(edition.subscriber.name, leased.email),
            message_id=leased.message_id,
            reply_to=mine.reply_to,
            list_id=f"{name}.paperlark.{mine.domain}",
            list_name=f"{mine.list_name} {name}",
            unsubscribe_url=edition.unsubscribe_url,
            unsubscribe_email=edition.unsubscribe_email,
            help=mine.help,
            archive_url=f"{mine.public_url.rstrip('/')}/archive" if mine.public_url and mine.archive else "",
            feedback_id=f"{leased.day:%Y%m%d}:{leased.kind}:{edition.cadence}:paperlark",
        )
        return Message(
            sender=envelope_sender(leased, mine),
            recipient=leased.email,
            message_id=leased.message_id,
            data=write(letter, head, self.signer),
        )


def _saved_by(tx: Connection, subscriber_id: int, teams: frozenset[str], ids: set[int]) -> Mapping[int, int]:
    """How many others of the subscriber's teams saved each paper; of one alone nothing is told."""
    if not teams:
        return {}
    others = thumbs.saved_by_others(tx, subscriber_id, ids)
    counts = Counter(paper for paper, data in others if teams & stored_subscriber(data).teams)
    return {paper: count for paper, count in counts.items() if count >= FEWEST_COLLEAGUES}


def _shown_by(picks: Picks) -> set[int]:
    """The papers a letter shows, or names among those that did not fit."""
    return picks.ids | {paper for section in picks.sections for paper in section.more_ids}


def _address(leased: Leased, mine: Identity) -> _Links:
    """The links of an edition that act for its subscriber."""
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
            return NO_THUMBS
        more, less, save = (f"{base}/t/{seal(kind, paper_id)}" for kind in THUMBS)
        return more, less, save

    goodbye = seal("unsubscribe alert" if leased.kind == "alert" else "unsubscribe digest", leased.id)
    return _Links(
        unsubscribe_email=tokens.token_address(mine.answer_template, goodbye),
        unsubscribe_url=f"{base}/u/{goodbye}" if base.startswith("https://") else "",
        browser_url=page("e", "edition"),
        manage_url=page("manage", "letter"),
        thumbs=thumbs,
    )


def envelope_sender(leased: Leased, mine: Identity) -> str:
    """Where a bounce goes: an address that says whose it is, where the configuration has one."""
    if not mine.bounces:
        return mine.sender.email
    return tokens.token_address(mine.bounces, tokens.seal(mine.secret, "bounce", leased.subscriber_id, leased.id))


def _explain(loaded: _Loaded, links: _Links, quoter: Quoter, mine: Identity, linked: int | None) -> Edition:
    """The edition with its papers put in, and why each is there. So many of each section, None for all, get links to
    act on them."""
    leased, subscriber, picks = loaded.leased, loaded.subscriber, loaded.picks
    return Edition(
        kind="alert" if leased.kind == "alert" else "digest",
        cadence=loaded.cadence,
        slot=leased.slot,
        day=leased.day,
        made=leased.made,
        since=leased.since,
        subscriber=_addressee(subscriber, mine.language),
        sections=_sections(loaded, links, quoter, linked),
        sources=_notes(leased.sources),
        alerted=picks.alerted,
        overflow=picks.overflow,
        late_since=leased.due if leased.made - leased.due > LATE else None,
        heartbeat=picks.heartbeat,
        unsubscribe_url=links.unsubscribe_url,
        unsubscribe_email=links.unsubscribe_email,
        browser_url=links.browser_url,
        manage_url=links.manage_url,
        contact=mine.contact,
    )


def _sections(loaded: _Loaded, links: _Links, quoter: Quoter, linked: int | None) -> tuple[Section, ...]:
    """A paper no longer in the store is left out; a section with nothing shown and nothing left over falls away."""
    sections = []
    for part in loaded.picks.sections:
        ids = [paper_id for paper_id in part.ids if paper_id in loaded.shown]
        acted_on = frozenset(ids[:linked])
        picks = tuple([_pick(paper_id, loaded, links, quoter, part, paper_id in acted_on) for paper_id in ids])
        named = tuple([loaded.shown[paper_id].paper for paper_id in part.more_ids if paper_id in loaded.shown])
        if picks or part.more:
            sections.append(Section(kind=part.kind, name=part.name, picks=picks, more=part.more, more_papers=named))
    return tuple(sections)


def _is_read_in(language: str, letter_language: str) -> bool:
    """Whether sentences in a language suit a letter: its own language, or English, which its papers are in anyway."""
    return language.partition("-")[0] in ("en", letter_language.partition("-")[0])


def _pick(paper_id: int, loaded: _Loaded, links: _Links, quoter: Quoter, part: PickSection, has_links: bool) -> Pick:
    """One paper with every profile of the subscriber it answers and the words that answered, what it is like, what
    became of it, and its links."""
    like = part.like_of(paper_id)
    paper, rise, sentence = loaded.shown[paper_id]
    sentence = sentence if loaded.reads_sentences else None
    more, less, save = links.thumbs(paper_id) if has_links else NO_THUMBS
    return Pick(
        paper=paper,
        more_url=more,
        less_url=less,
        save_url=save,
        reasons=tuple(
            [
                Reason(profile=profile.name, quotes=quotes)
                for profile in loaded.subscriber.profiles
                if (quotes := quoter.answer(profile.query, paper)) is not None
            ]
        ),
        rise=rise or None,
        rise_over=loaded.rise_over if rise else None,
        entered_top=paper_id in part.entered,
        like=like.title if like else "",
        like_words=like.words if like else (),
        saved_by=loaded.saved_by.get(paper_id, 0),
        news=loaded.changes.get(paper_id, ""),
        summary=sentence.text if sentence else "",
        summary_by=sentence.model if sentence else "",
    )


def votes_gained(numbers: Sequence[MetricSnapshot], now: datetime, over: timedelta) -> int | None:
    """In the time `over` before `now`, by the numbers of a paper, oldest first; None where the number at its beginning
    is not known."""
    known = [(one.at, one.upvotes) for one in numbers if one.upvotes is not None and one.at <= now]
    before = [votes for moment, votes in known if moment <= now - over]
    return known[-1][1] - before[-1] if before else None


def _cadence(leased: Leased, subscriber: Subscriber) -> EditionCadence:
    cadence = subscriber.schedule.cadence
    if leased.kind == "alert" or cadence == "off":
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
