"""What one subscriber is told at one slot: an edition. How it reads is a letter (`bot.core.letter`)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from bot.core.papers import Paper
from bot.core.query.quote import Quote
from bot.core.source.health import SourceNote

EditionKind = Literal["digest", "alert"]
EditionCadence = Literal["daily", "weekdays", "weekly", "monthly", "instant"]
# taste: like the papers they keep; near: like a profile, without answering it
SectionKind = Literal["profile", "taste", "near", "trending", "revisions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a paper is there: one of the subscriber's profiles, and what in the paper answered it."""

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
    like: str = ""  # the title of a paper they keep that this one is like, where that is why it is here,
    like_words: tuple[str, ...] = ()  # and the words that speak for it
    saved_by: int = 0  # of those who share a profile of the subscriber's, where they want that told
    news: str = ""  # what changed, for a paper told before: "v2", "withdrawn", "now published in …"
    summary: str = ""  # a sentence by a language model, in the subscriber's language; shown where the source has none,
    summary_by: str = ""  # and always with the model's name
    more_url: str = ""  # signed links of this subscriber's, where there is a web process: more like this,
    less_url: str = ""  # less like this,
    save_url: str = ""  # keep it


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Papers under one heading. What did not fit is counted in `more`, and the first of it named."""

    kind: SectionKind
    name: str
    picks: tuple[Pick, ...]
    more: int = 0
    more_papers: tuple[Paper, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """What a letter needs to know of its subscriber."""

    email: str
    name: str = ""
    timezone: str = "UTC"
    schedule: str = ""  # as it is configured: "weekdays 07:30"
    abstract: Literal["full", "short", "none"] = "short"
    language: str = "en"
    pictures: bool = False  # of the first paper


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """All that a letter shows, decided. Rendering it is a pure function."""

    kind: EditionKind
    cadence: EditionCadence
    slot: str  # names it once and for all: "2026-11-20", or a moment for alerts and forced editions
    day: date  # the subscriber's local date
    made: datetime  # UTC
    since: datetime | None  # UTC: what happened after this is told
    subscriber: Addressee
    sections: tuple[Section, ...] = ()
    sources: tuple[SourceNote, ...] = ()
    alerted: int = 0  # papers left out because an alert told them already
    overflow: int = 0  # papers here because the alert ceiling was reached
    late_since: datetime | None = None  # this edition was due then and goes out late
    heartbeat: bool = False  # nothing new; sent only to say so
    unsubscribe_url: str = ""  # https page, where there is a web process
    unsubscribe_email: str = ""  # an address; any mail to it unsubscribes
    browser_url: str = ""  # this edition as a web page, with all that did not fit
    manage_url: str = ""  # where the subscriber changes how often and what: "fewer mails"
    contact: str = ""  # who runs this

    @property
    def papers(self) -> tuple[Paper, ...]:
        """Every paper shown, each once, in order."""
        return tuple({pick.paper.key: pick.paper for section in self.sections for pick in section.picks}.values())
