"""What a letter says around its papers: an overview, the lead, counts, sources in trouble, how to leave. Values for
the templates; words that few letters share are PersonalText. Pure.

What it shows of one paper belongs to `paper_view`, sentences to the templates.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.core.edition.edition import Edition, EditionCadence, EditionKind, Pick, Section, SectionKind
from bot.core.letter.letter import CARDS, PersonalText
from bot.core.letter.localize import Words
from bot.core.letter.paper_view import best_link, links_of, name_of, title_of
from bot.core.papers import Paper
from bot.core.source.health import SourceStateName
from bot.core.text.sanitize import shortened, web_address

MAX_TROUBLED = 6  # sources in trouble told one by one; the rest is counted
ROOM = 14  # cards and headings of sections in a letter: one of twenty papers has to stay seven screens long
SHORT_ALERT = 2  # papers an alert shows as cards; one with more is a list
MOST_NAMED = 8  # papers named of those that did not fit: at most 3 of a section, and at least one
OVERVIEW = 40  # characters of a line of the overview: what a phone shows in one


class NamedPaper(NamedTuple):
    """A paper that did not fit, by its title."""

    title: str
    url: str
    upvotes: int | None


class OverviewLine(NamedTuple):
    """A section in a line: how many papers it found for the letter, and the title of its best."""

    kind: SectionKind
    name: PersonalText
    papers: PersonalText  # how many, as the language writes numbers
    title: PersonalText


class Lead(NamedTuple):
    """The paper that matters most to the subscriber, and the section it stands for."""

    pick: Pick
    kind: SectionKind
    name: PersonalText


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionView:
    """One section without the lead."""

    kind: SectionKind
    name: PersonalText  # the profile's; "" for the others
    cards: tuple[Pick, ...]
    compact: tuple[Pick, ...]
    shown: int  # the lead included, where it is of this section
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
    cadence: EditionCadence
    day: date
    since: date | None
    late_since: datetime | None
    heartbeat: bool
    profile: str  # of an alert, where all its papers are for one profile
    shown: int  # papers shown, each once
    matched: int  # of them under a profile
    taste: int
    near: int
    trending: int
    revisions: int
    more: int  # found but not shown
    found: int  # for the profiles, shown or not
    alerted: int
    overflow: int
    troubled: tuple[SourceLine, ...]  # sources that fail or are stale
    more_troubled: int  # of them not told one by one
    sources: int


class Imprint(NamedTuple):
    """Why the subscriber gets this, and how to leave."""

    kind: EditionKind
    name: PersonalText
    email: PersonalText
    schedule: str  # in words
    timezone: str
    unsubscribe_url: PersonalText
    unsubscribe_email: PersonalText
    unsubscribe_mailto: PersonalText  # the same as a link
    browser_url: PersonalText
    manage_url: PersonalText
    contact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterView:
    """A whole letter, before it is words: `letter` in the templates."""

    head: LetterHead
    titles: tuple[PersonalText, ...]
    overview: tuple[OverviewLine, ...]
    lead: Lead | None
    sections: tuple[SectionView, ...]
    imprint: Imprint


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """A time zone by name; UTC for one that does not exist."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def letter_view(edition: Edition, words: Words, cards: int = CARDS) -> LetterView:
    """An edition as the templates see it: one-line strings without control or direction characters. At most `cards`
    papers of a section are cards; 0 makes every paper but the lead compact."""
    here = zone(edition.subscriber.timezone)
    lead = _lead(edition)
    named = min(3, max(1, MOST_NAMED // max(1, len(edition.sections))))
    shares = zip(edition.sections, _cards(edition, cards), strict=True)
    sections = tuple(_section(section, lead, share, named) for section, share in shares)
    papers = edition.papers
    first = [lead.pick.paper] if lead else []
    rest = [paper for paper in papers if lead is None or paper.key != lead.pick.paper.key]
    has_overview = lead is not None and len(papers) > CARDS
    return LetterView(
        head=_head(edition, words, here),
        titles=tuple([PersonalText(title_of(paper.title)) for paper in [*first, *rest][:10]]),
        overview=tuple([_overview(section, words) for section in edition.sections]) if has_overview else (),
        lead=lead,
        sections=tuple(section for section in sections if section.cards or section.compact or section.more),
        imprint=_imprint(edition, words),
    )


def _lead(edition: Edition) -> Lead | None:
    """The best of the subscriber's profiles: of the first paper of each, the one that answers most profiles, then the
    one with most votes. Without one, the first that trends. An alert and a letter of one paper need none."""
    if edition.kind == "alert" or len(edition.papers) < 2:
        return None
    firsts = [(section, section.picks[0]) for section in edition.sections if section.picks]
    of_profiles = [one for one in firsts if one[0].kind == "profile"] or [
        one for one in firsts if one[0].kind == "taste"
    ]
    trending = [one for one in firsts if one[0].kind == "trending"]
    found = max(of_profiles or trending[:1], key=_matters, default=None)
    return Lead(found[1], found[0].kind, PersonalText(name_of(found[0].name))) if found else None


def _matters(one: tuple[Section, Pick]) -> tuple[int, int]:
    return len(one[1].reasons), one[1].paper.upvotes or 0


def _cards(edition: Edition, most: int) -> list[int]:
    """How many papers of each section are cards."""
    count = len(edition.sections)
    if edition.subscriber.abstract == "full" and most:
        return [len(edition.papers)] * count
    if edition.kind == "alert":
        return [min(most, SHORT_ALERT if len(edition.papers) <= SHORT_ALERT else 1)] * count
    shares, left = divmod(max(0, ROOM - count), count) if count else (0, 0)
    return [min(most, CARDS, max(1, shares + (place < left))) for place in range(count)]


def _section(section: Section, lead: Lead | None, cards: int, named: int) -> SectionView:
    picks = tuple(pick for pick in section.picks if lead is None or pick is not lead.pick)
    return SectionView(
        kind=section.kind,
        name=PersonalText(name_of(section.name)),
        cards=picks[:cards],
        compact=picks[cards:],
        shown=len(section.picks),
        more=section.more,
        named=tuple(_named(paper) for paper in section.more_papers[: min(section.more, named)]),
    )


def _overview(section: Section, words: Words) -> OverviewLine:
    best = [pick.paper for pick in section.picks] or list(section.more_papers)
    name = name_of(section.name)
    title = shortened(title_of(best[0].title), max(OVERVIEW - (len(name) or 10), OVERVIEW // 2)) if best else ""
    papers = words.number(len(section.picks) + section.more)
    return OverviewLine(section.kind, PersonalText(name), PersonalText(papers), PersonalText(title))


def _head(edition: Edition, words: Words, here: ZoneInfo) -> LetterHead:
    lines = [
        SourceLine(name=name_of(note.name), state=note.state, words=name_of(words.state(note, here), 200))
        for note in edition.sources
        if note.state in ("failing", "stale")
    ]
    shown = {
        kind: sum(len(section.picks) for section in edition.sections if section.kind == kind)
        for kind in ("profile", "taste", "near", "trending", "revisions")
    }
    sections = edition.sections
    return LetterHead(
        kind=edition.kind,
        cadence=edition.cadence,
        day=edition.day,
        since=edition.since.astimezone(here).date() if edition.since else None,
        late_since=edition.late_since.astimezone(here) if edition.late_since else None,
        heartbeat=edition.heartbeat,
        profile=name_of(sections[0].name) if edition.kind == "alert" and len(sections) == 1 else "",
        shown=len(edition.papers),
        matched=shown["profile"],
        taste=shown["taste"],
        near=shown["near"],
        trending=shown["trending"],
        revisions=shown["revisions"],
        more=sum(section.more for section in sections),
        found=shown["profile"] + sum(section.more for section in sections if section.kind == "profile"),
        alerted=edition.alerted,
        overflow=edition.overflow,
        troubled=tuple(sorted(lines, key=lambda line: line.state)[:MAX_TROUBLED]),  # the failing ones first
        more_troubled=max(0, len(lines) - MAX_TROUBLED),
        sources=len(edition.sources),
    )


def _imprint(edition: Edition, words: Words) -> Imprint:
    subscriber = edition.subscriber
    goodbye = name_of(edition.unsubscribe_email, 320)
    return Imprint(
        kind=edition.kind,
        name=PersonalText(name_of(subscriber.name)),
        email=PersonalText(name_of(subscriber.email, 320)),
        schedule=name_of(words.schedule(subscriber.schedule, subscriber.timezone), 160),
        timezone=name_of(subscriber.timezone),
        unsubscribe_url=PersonalText(web_address(edition.unsubscribe_url)),
        unsubscribe_email=PersonalText(goodbye),
        unsubscribe_mailto=PersonalText(f"mailto:{quote(goodbye, safe='@+')}?subject=unsubscribe" if goodbye else ""),
        browser_url=PersonalText(web_address(edition.browser_url)),
        manage_url=PersonalText(web_address(edition.manage_url)),
        contact=name_of(edition.contact, 320),
    )


@lru_cache(maxsize=4_096)
def _named(paper: Paper) -> NamedPaper:
    return NamedPaper(title_of(paper.title), best_link(links_of(paper)), paper.upvotes)
