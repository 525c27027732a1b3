"""What one reader gets: an edition (what to tell, and why) and the letter (how it reads)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from bot.core.papers import Paper

EditionKind = Literal["digest", "alert"]
Cadence = Literal["daily", "weekdays", "weekly", "monthly", "instant"]
SectionKind = Literal["profile", "trending", "revisions"]
SourceStateName = Literal["fresh", "waiting", "quiet", "stale", "failing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Words that made a term true, as they stand in the paper."""

    term: str  # the term of the query, canonical
    field: str  # "title" | "abstract" | "author" | "category" | "org" | "source" | "upvotes" | "comments" | "stars"
    text: str
    start: int = -1  # span in the field's text where there is one (title, abstract)
    end: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a paper is there: one of the reader's profiles, and what in the paper answered it."""

    profile: str
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """One paper of an edition."""

    paper: Paper
    reasons: tuple[Reason, ...] = ()
    rise: int | None = None  # votes gained over `rise_over`
    rise_over: timedelta | None = None
    entered_top: bool = False  # "new in the top"
    news: str = ""  # what changed, for a paper told before: "v2", "withdrawn", "now published in …"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Papers under one heading. What did not fit is counted in `more`, and the first of it named."""

    kind: SectionKind
    name: str
    picks: tuple[Pick, ...]
    more: int = 0
    more_papers: tuple[Paper, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNote:
    """The state of one source, for the reader and for `status`."""

    name: str
    state: SourceStateName
    since: datetime | None = None  # UTC: in this state since
    last_new: datetime | None = None  # UTC: when it last brought a new paper
    next_try: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """What a letter needs to know of its reader."""

    email: str
    name: str = ""
    timezone: str = "UTC"
    schedule: str = ""  # in words: "on weekdays at 07:30"
    abstract: Literal["full", "short", "none"] = "short"
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """All that a letter shows, decided. Rendering it is a pure function."""

    kind: EditionKind
    cadence: Cadence
    slot: str  # names it once and for all: "2026-11-20", or a moment for alerts and forced editions
    day: date  # the reader's local date
    made: datetime  # UTC
    since: datetime | None  # UTC: what happened after this is told
    reader: Addressee
    sections: tuple[Section, ...] = ()
    sources: tuple[SourceNote, ...] = ()
    alerted: int = 0  # papers left out because an alert told them already
    overflow: int = 0  # papers here because the alert ceiling was reached
    late_since: datetime | None = None  # this edition was due then and goes out late
    heartbeat: bool = False  # nothing new; sent only to say so
    unsubscribe_url: str = ""  # https page, where there is a web process
    unsubscribe_email: str = ""  # an address; any mail to it unsubscribes
    contact: str = ""  # who runs this

    @property
    def papers(self) -> tuple[Paper, ...]:
        """Every paper shown, each once, in order."""
        return tuple({pick.paper.key: pick.paper for section in self.sections for pick in section.picks}.values())


class Own(str):
    """Words, or a chunk of a letter, that few letters share: not worth drawing a template for, nor remembering."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A rendered edition. The parts come in chunks that end in a line feed: equal chunks of many letters (most of a
    paper's card) are the same string object, so that whoever encodes them can do it once."""

    subject: str
    html: tuple[str, ...]
    text: tuple[str, ...]
    language: str = "en"

    @property
    def html_page(self) -> str:
        return "".join(self.html)

    @property
    def text_page(self) -> str:
        return "".join(self.text)
