"""Editions to try templates on, ordinary and nasty. Every paper, person and place in them is invented. Pure.

`preview` and `check` render them, and the tests keep their letters as files.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bot.core.edition.edition import Addressee, Edition, EditionCadence, EditionKind, Pick, Reason, Section
from bot.core.letter.sample_papers import BIRDSONG, LARKSPUR, LINEAR, ROUTERS, TINY, twenty
from bot.core.papers import Paper
from bot.core.query.ast import FieldName
from bot.core.query.quote import Quote
from bot.core.source.health import SourceNote

NOW = datetime(2026, 11, 20, 7, 30, 4, tzinfo=UTC)
DAY = date(2026, 11, 20)
SUBSCRIBER = Addressee(email="ada@example.org", name="Ada", timezone="Europe/London", schedule="weekdays 07:30")

FRESH = (
    SourceNote(name="hf", state="fresh", last_new=NOW),
    SourceNote(name="arxiv", state="quiet", last_new=NOW - timedelta(days=2), reason="weekend"),
)
FAILING = SourceNote(
    name="lab",
    state="failing",
    since=datetime(2026, 11, 17, 9, tzinfo=UTC),
    reason="connection refused by lab.example.org",
)
STALE = SourceNote(
    name="journal", state="stale", since=datetime(2026, 11, 14, 9, tzinfo=UTC), reason="answers, but nothing new"
)
WAITING = SourceNote(name="blog", state="waiting", next_try=NOW + timedelta(hours=1), reason="asked us to wait")


def quote(words: str, *fields: FieldName) -> tuple[Quote, ...]:
    """The same words quoted from several fields."""
    return tuple(Quote(term=words, field=field, text=words) for field in fields)


def picked(paper: Paper, profile: str = "", words: str = "", *fields: FieldName, **facts: Any) -> Pick:
    """A paper, in a profile for one reason."""
    reasons = (
        (Reason(profile=profile, quotes=quote(words, *(fields or ("title",))) if words else ()),) if profile else ()
    )
    return Pick(paper=paper, reasons=reasons, **facts)


def section(name: str, *picks: Pick, more: int = 0, named: Sequence[Paper] = ()) -> Section:
    return Section(kind="profile", name=name, picks=picks, more=more, more_papers=tuple(named))


def trending(*picks: Pick) -> Section:
    return Section(kind="trending", name="", picks=picks)


def sample_edition(
    *sections: Section, kind: EditionKind = "digest", cadence: EditionCadence = "weekdays", **other: Any
) -> Edition:
    """An edition of 20 November 2026 for Ada."""
    values: dict[str, Any] = {
        "slot": DAY.isoformat(),
        "day": DAY,
        "made": NOW,
        "since": NOW - timedelta(days=1),
        "subscriber": SUBSCRIBER,
        "sources": FRESH,
        "unsubscribe_email": "unsub+mfrggzdfmztwq2lk@papers.example.org",
        "contact": "The Librarian <librarian@example.org>",
    }
    return Edition(kind=kind, cadence=cadence, sections=sections, **(values | other))


SPARSE = Pick(
    paper=LARKSPUR,
    reasons=(
        Reason(
            profile="Efficient attention",
            quotes=quote("Sparse Attention", "title", "abstract") + quote("KV cache", "abstract"),
        ),
        Reason(profile="Hot papers", quotes=(Quote(term="upvotes>=100", field="upvotes", text="141"),)),
    ),
    rise=84,
    rise_over=timedelta(days=1),
    entered_top=True,
)
EFFICIENT = section(
    "Efficient attention", SPARSE, picked(LINEAR, "Efficient attention", "Linear Attention", "title", "abstract")
)
MIXTURES = section(
    "Mixtures",
    picked(ROUTERS, "Mixtures", "mixture-of-experts", "abstract", rise=34, rise_over=timedelta(days=1)),
    more=2,
    named=(LINEAR, TINY),
)
HOT = trending(Pick(paper=BIRDSONG, rise=9, rise_over=timedelta(days=1)))


SENTENCE = "Counting tokens shows that a router that breaks ties by recency wastes next to none of them."


def many(count: int, abstract: str = LARKSPUR.abstract) -> tuple[Pick, ...]:
    """That many papers, all different."""
    return tuple(
        picked(
            replace(
                LARKSPUR,
                key=f"arxiv:2611.{70000 + number}",
                title=f"Larkspur {number}: More Sparse Attention",
                abstract=abstract,
                url=f"https://arxiv.org/abs/2611.{70000 + number}",
            ),
            "Efficient attention",
            "Sparse Attention",
            "title",
        )
        for number in range(1, count + 1)
    )


def full_letter(**other: Any) -> Edition:
    """Twenty papers in three profiles and the trending list."""
    papers = twenty()

    def shown(first: int, last: int, profile: str, *words: str) -> list[Pick]:
        wanted = [(paper, next((word for word in words if word in paper.title), "")) for paper in papers[first:last]]
        return [
            picked(paper, profile, word, rise=(paper.upvotes or 0) // 3 or None, rise_over=timedelta(days=1))
            for paper, word in wanted
        ]

    return sample_edition(
        section("Agents", *shown(0, 4, "Agents", "Tool", "Planning"), more=8, named=papers[10:13]),
        section("World models", *shown(4, 8, "World models", "World Models", "World Model")),
        section("Efficient training", *shown(8, 15, "Efficient training", "Scale", "Optimisers")),
        trending(*[replace(pick, reasons=()) for pick in shown(15, 20, "")]),
        **other,
    )


def near(section: Section) -> Section:
    """The papers of a section as the best that do not answer a profile."""
    picks = tuple(replace(pick, reasons=()) for pick in section.picks)
    return Section(kind="near", name="", picks=picks)


def liked(section: Section) -> Section:
    """The papers of a section as those that are like what the subscriber keeps."""
    words = ("router", "expert", "recency")
    picks = tuple(
        replace(pick, reasons=(), like="How Experts Divide the Work", like_words=words[: 3 - number % 2])
        for number, pick in enumerate(section.picks)
    )
    return Section(kind="taste", name="", picks=picks)


def linked(edition: Edition) -> Edition:
    """The edition as it is where there is a web process, for a subscriber who wants a picture."""
    site = "https://papers.example.org"

    def own(pick: Pick) -> Pick:
        token = pick.paper.key.rpartition(":")[2].replace(" ", "")
        links = {f"{name}_url": f"{site}/t/{name[0]}{token}qyz7h2" for name in ("more", "less", "save")}
        return replace(pick, **links)  # type: ignore[arg-type]

    return replace(
        edition,
        sections=tuple(replace(one, picks=tuple(map(own, one.picks))) for one in edition.sections),
        subscriber=replace(edition.subscriber, pictures=True),
        unsubscribe_url=f"{site}/u/mfrggzdf",
        manage_url=f"{site}/manage/mfrggzdf",
        browser_url=f"{site}/e/mfrggzdf",
    )


def titled(title: str, **facts: Any) -> Edition:
    """A digest of one paper with that title."""
    return sample_edition(
        section(
            "Efficient attention",
            picked(replace(LARKSPUR, title=title, **facts), "Efficient attention", "sparse attention", "abstract"),
        )
    )


def ordinary() -> dict[str, Edition]:
    """One edition of every kind, as subscribers get them."""
    week, month = timedelta(days=7), timedelta(days=30)
    rising = replace(SPARSE, rise=141, rise_over=week)
    return {
        "daily": sample_edition(EFFICIENT, MIXTURES, HOT, cadence="daily"),
        "daily_linked": linked(sample_edition(EFFICIENT, MIXTURES, HOT, cadence="daily")),
        "weekdays": sample_edition(
            EFFICIENT, MIXTURES, HOT, since=NOW - timedelta(days=3), sources=(*FRESH, FAILING, STALE, WAITING)
        ),
        "weekly": sample_edition(
            section("Efficient attention", rising), MIXTURES, HOT, cadence="weekly", since=NOW - week
        ),
        "monthly": sample_edition(
            section("Efficient attention", rising), MIXTURES, HOT, cadence="monthly", since=NOW - month
        ),
        "alert": sample_edition(section("Efficient attention", SPARSE), kind="alert", cadence="instant"),
        "alert_burst": sample_edition(EFFICIENT, section("Mixtures", *MIXTURES.picks), kind="alert", cadence="instant"),
        "one_paper": sample_edition(section("Mixtures", *MIXTURES.picks)),
        "trending_matched": sample_edition(trending(picked(ROUTERS, "Mixtures", "mixture-of-experts", "abstract"))),
        "only_trending": sample_edition(HOT, cadence="daily", since=None),
        "heartbeat": sample_edition(heartbeat=True, since=NOW - week),
        "heartbeat_troubled": sample_edition(heartbeat=True, since=NOW - week, sources=(*FRESH, FAILING)),
        "late": sample_edition(
            EFFICIENT,
            late_since=NOW - timedelta(days=2),
            since=NOW - timedelta(days=3),
            unsubscribe_url="https://papers.example.org/u/mfrggzdf",
        ),
        "after_alerts": sample_edition(MIXTURES, alerted=2, overflow=3),
        "revisions": sample_edition(
            MIXTURES,
            Section(
                kind="revisions",
                name="",
                picks=(Pick(paper=LARKSPUR, news="v2"), Pick(paper=replace(LINEAR, withdrawn=True), news="")),
            ),
        ),
        "near": sample_edition(EFFICIENT, near(MIXTURES), HOT),
        "only_near": sample_edition(near(MIXTURES), near(EFFICIENT)),
        "taste": sample_edition(EFFICIENT, liked(MIXTURES), HOT),
        "only_taste": sample_edition(liked(MIXTURES), HOT),
        "by_model": sample_edition(
            section("Mixtures", replace(MIXTURES.picks[0], summary=SENTENCE, summary_by="finch-2b"))
        ),
        "twenty": full_letter(),
        "twenty_linked": linked(full_letter()),
        "no_abstracts": sample_edition(EFFICIENT, MIXTURES, subscriber=replace(SUBSCRIBER, abstract="none")),
        "full_abstracts": sample_edition(EFFICIENT, MIXTURES, subscriber=replace(SUBSCRIBER, abstract="full")),
    }


def nasty() -> dict[str, Edition]:
    """What the world may send."""
    word = "Donaudampfschifffahrtsgesellschaftskapitaenskajuetentuer" * 6
    crowd = tuple(f"{given} {family}" for given in ("Ada", "Bo", "Cy", "Di") for family in map(str, range(166)))
    hostile = "\x00\ud800\u202e<b>\"'&\x1b[31m"
    return {
        "two_hundred": sample_edition(
            section("Efficient attention", *many(20), more=180, named=[pick.paper for pick in many(5)])
        ),
        "too_big": sample_edition(
            section("Efficient attention", *many(60, LARKSPUR.abstract * 4)),
            subscriber=replace(SUBSCRIBER, abstract="full"),
        ),
        "crowd": titled("Six Hundred and Sixty-Four Authors Agree", authors=crowd),
        "script": titled("<script>alert('x')</script> & </title><img src=x onerror=alert(1)> \"quoted\""),
        "injection": titled("=?UTF-8?Q?=0A?=Bcc: eve@example.net\r\nBcc: eve@example.net\x00\x1b[31m"),
        "bidi": titled("Safe\u202egnp.exe\u202c and \u2066isolated\u2069 \u200f\u061ctext"),
        "emoji": titled("🐦 Larks 🏳️‍🌈 and 👩🏽‍🔬: ½ a dozen ﬁne ⚗️ results"),
        "tex": titled(
            r"$O(n^{2})$ Is Not the End: \emph{Sub-Quadratic} Attention by Erd\H{o}s--R\'enyi Graphs",
            abstract=r"We show $\alpha \le \frac{1}{2}$ for 85.1\% of {\em all} graphs. It costs \$5. \foo{bar} stays.",
        ),
        "long_word": titled(word[:300], abstract=f"{word[:300]} {word[:300]}", organization=word[:300]),
        "right_to_left": titled(
            "قبرة: انتباه متناثر يتذكر أين نظر", abstract="الانتباه المتناثر يوفر الذاكرة. נעשה שימוש ב-KV cache בלבד."
        ),
        "east_asian": titled("雲雀：見た場所を覚えている疎な注意機構", abstract="疎な注意機構は記憶を節約する。" * 12),
        "links": titled(
            "Links That Are None",
            url="javascript:alert(1)",
            pdf_url='https://example.org/a b?x="><script>',
            hf_url="data:text/html,x",
            code_url="http://user:secret@example.org/",
            project_url="https://example.org/?a=1&b=2#c",
            doi='10.1000/<weird>"quoted" %zz',
        ),
        "hostile_everywhere": sample_edition(
            Section(
                kind="profile",
                name=f"Profile {hostile}",
                picks=(
                    picked(
                        Paper(
                            key="title:h",
                            title=f"Title {hostile}",
                            abstract=f"Abstract {hostile}",
                            authors=(f"Author {hostile}",) * 9,
                            categories=(hostile,) * 99,
                            organization=hostile,
                            summary=hostile,
                            note=hostile,
                            journal=hostile,
                            sources=(hostile,),
                            doi=f"10.1/{hostile}",
                            upvotes=-3,
                            comments=10**12,
                            stars=0,
                        ),
                        f"Profile {hostile}",
                        f"words {hostile}",
                        "title",
                        news=hostile,
                    ),
                ),
                more=10**9,
                more_papers=(TINY, replace(TINY, title=hostile)),
            ),
            subscriber=Addressee(
                email="o'hara+<x>@example.org", name=hostile, timezone="No/Where", schedule=hostile, language="xx"
            ),
            sources=(SourceNote(name=hostile, state="failing", reason=hostile * 99),),
            contact=hostile,
            unsubscribe_url="javascript:alert(1)",
        ),
        "nothing": sample_edition(sources=(), contact="", unsubscribe_email="", since=None),
        "bare": sample_edition(section("P", Pick(paper=TINY)), subscriber=Addressee(email="a@b.example"), sources=()),
    }


def all_editions() -> dict[str, Edition]:
    """Every sample by name."""
    return ordinary() | nasty()
