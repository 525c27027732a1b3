"""What a letter says around its papers: counts, dates, sources, how to leave. Values for the templates; words that few
letters share are PersonalText. Pure.

What it shows of one paper belongs to `paper_view`, sentences to the templates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.core.edition.edition import Cadence, Edition, EditionKind, Pick, Section, SectionKind
from bot.core.letter.letter import PersonalText
from bot.core.letter.localize import Words
from bot.core.letter.paper_view import best_link, links_of, name_of, title_of
from bot.core.papers import Paper
from bot.core.source.state import SourceStateName
from bot.core.text.sanitize import web_address

MAX_SOURCES = 24  # told one by one; the rest is counted


class NamedPaper(NamedTuple):
    """A paper that did not fit, by its title."""

    title: PersonalText
    url: PersonalText


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionView:
    """One section."""

    kind: SectionKind
    name: PersonalText  # the profile's; "" for the others
    picks: tuple[Pick, ...]
    shown: int
    more: int
    named: tuple[NamedPaper, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    """The state of one source. `words` say it whole: "failing since Tue 17 Nov: connection refused"."""

    name: str
    state: SourceStateName
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterHead:
    """What the masthead and the subject say. Dates and moments are the subscriber's own; nothing else of the subscriber
    is in it, so that many subscribers share one masthead."""

    kind: EditionKind
    cadence: Cadence
    day: date
    since: date | None
    late_since: datetime | None
    heartbeat: bool
    profile: str  # of an alert, where all its papers are for one profile
    shown: int  # papers shown, each once
    matched: int  # of them under a profile
    trending: int
    revisions: int
    more: int  # found but not shown
    found: int  # for the profiles, shown or not
    alerted: int
    overflow: int
    troubled: tuple[SourceLine, ...]  # sources that fail or are stale
    sources: int


class Imprint(NamedTuple):
    """Why the subscriber gets this, and how to leave."""

    kind: EditionKind
    name: PersonalText
    email: PersonalText
    schedule: str
    timezone: str
    unsubscribe_url: PersonalText
    unsubscribe_email: PersonalText
    unsubscribe_mailto: PersonalText  # the same as a link
    contact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterView:
    """A whole letter, before it is words: `letter` in the templates."""

    head: LetterHead
    titles: tuple[PersonalText, ...]
    sections: tuple[SectionView, ...]
    sources: tuple[SourceLine, ...]
    more_sources: int
    imprint: Imprint


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """A time zone by name; UTC for one that does not exist."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def letter_view(edition: Edition, words: Words) -> LetterView:
    """An edition as the templates see it: one-line strings without control or direction characters."""
    here = zone(edition.subscriber.timezone)
    parts = tuple(_section(section) for section in edition.sections)
    lines = tuple(
        SourceLine(name=name_of(note.name), state=note.state, words=name_of(words.state(note, here), 200))
        for note in edition.sources
    )
    papers = edition.papers
    shown = {
        kind: sum(part.shown for part in parts if part.kind == kind) for kind in ("profile", "trending", "revisions")
    }
    subscriber = edition.subscriber
    goodbye = name_of(edition.unsubscribe_email, 320)
    head = LetterHead(
        kind=edition.kind,
        cadence=edition.cadence,
        day=edition.day,
        since=edition.since.astimezone(here).date() if edition.since else None,
        late_since=edition.late_since.astimezone(here) if edition.late_since else None,
        heartbeat=edition.heartbeat,
        profile=parts[0].name if edition.kind == "alert" and len(parts) == 1 else "",
        shown=len(papers),
        matched=shown["profile"],
        trending=shown["trending"],
        revisions=shown["revisions"],
        more=sum(part.more for part in parts),
        found=shown["profile"] + sum(part.more for part in parts if part.kind == "profile"),
        alerted=edition.alerted,
        overflow=edition.overflow,
        troubled=tuple(line for line in lines if line.state in ("failing", "stale"))[:MAX_SOURCES],
        sources=len(lines),
    )
    return LetterView(
        head=head,
        titles=tuple([PersonalText(title_of(paper.title)) for paper in papers[:10]]),
        sections=parts,
        sources=_worst_first(lines)[:MAX_SOURCES],
        more_sources=max(0, len(lines) - MAX_SOURCES),
        imprint=Imprint(
            kind=edition.kind,
            name=PersonalText(name_of(subscriber.name)),
            email=PersonalText(name_of(subscriber.email, 320)),
            schedule=name_of(subscriber.schedule),
            timezone=name_of(subscriber.timezone),
            unsubscribe_url=PersonalText(web_address(edition.unsubscribe_url)),
            unsubscribe_email=PersonalText(goodbye),
            unsubscribe_mailto=PersonalText(
                f"mailto:{quote(goodbye, safe='@+')}?subject=unsubscribe" if goodbye else ""
            ),
            contact=name_of(edition.contact, 320),
        ),
    )


def _mailto(address: str) -> str:
    return f"mailto:{quote(address, safe='@+')}?subject=unsubscribe" if address else ""


def _section(section: Section) -> SectionView:
    return SectionView(
        kind=section.kind,
        name=PersonalText(name_of(section.name)),
        picks=section.picks,
        shown=len(section.picks),
        more=section.more,
        named=tuple(_named(paper) for paper in section.more_papers[: section.more]),
    )


@lru_cache(maxsize=4_096)
def _named(paper: Paper) -> NamedPaper:
    return NamedPaper(PersonalText(title_of(paper.title)), PersonalText(best_link(links_of(paper))))


def _worst_first(lines: Sequence[SourceLine]) -> tuple[SourceLine, ...]:
    """What needs attention first; else in their own order."""
    order: dict[SourceStateName, int] = {"failing": 0, "stale": 1}
    return tuple(sorted(lines, key=lambda line: order.get(line.state, 2)))
