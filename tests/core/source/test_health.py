"""Every state a source can be in, and every way from one to another."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.papers import Listing
from bot.core.source import health
from bot.sources.formats import calendars

TUESDAY = datetime(2026, 11, 17, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def weekends(moment: datetime) -> str:
    return "weekend" if moment.weekday() >= 5 else ""


def arxiv(moment: datetime) -> str:
    return calendars.quiet(calendars.feed_day(moment))


def never(moment: datetime) -> str:
    return ""


def always(moment: datetime) -> str:
    return "a saved page changes only when another is saved"


@pytest.mark.parametrize(
    ("came", "quiet", "silent", "patience", "known", "state", "reason"),
    [
        (3, "", 0, 4, True, "fresh", ""),
        (3, "weekend", 0, 4, True, "fresh", ""),  # news at a weekend is news
        (3, "", 99, 4, True, "fresh", ""),  # back after a long silence
        (0, "", 1, 4, True, "fresh", ""),
        (0, "weekend", 1, 4, True, "quiet", "weekend"),
        (0, "", 5, 4, True, "stale", "answers, but nothing new since 2026-11-10"),
        (0, "weekend", 5, 4, True, "stale", "answers, but nothing new since 2026-11-10"),  # a weekend heals nothing
        (0, "", 0, 4, False, "quiet", "nothing new on the list yet"),
        (0, "the feed has no entries", 0, 4, False, "quiet", "the feed has no entries"),
        (0, "the feed has no entries", 5, 4, False, "stale", "has never brought news"),
    ],
)
def test_judgement(came: int, quiet: str, silent: int, patience: int, known: bool, state: str, reason: str) -> None:
    last_new = datetime(2026, 11, 10, tzinfo=UTC) if known else None
    found = health.judge_health(came=came, quiet=quiet, silent=silent * DAY, patience=patience * DAY, last_new=last_new)
    assert found == (state, reason)


@pytest.mark.parametrize(
    ("calendar", "start", "end", "hours"),
    [
        (weekends, "2026-11-20T12", "2026-11-23T12", 24),  # Friday noon to Monday noon
        (never, "2026-11-20T12", "2026-11-23T12", 72),
        (always, "2026-11-20T12", "2026-11-23T12", 0),
        (weekends, "2026-11-21T01", "2026-11-22T22", 0),
        (weekends, "2026-11-17T12", "2026-11-17T11", 0),  # a clock that was put back
        (arxiv, "2026-11-25T05", "2026-11-30T05", 24),  # Thanksgiving, the empty feed after it, and the weekend
        (never, "2020-01-01T00", "2026-11-17T00", 24 * 90),  # further back nobody counts
    ],
)
def test_silence_counts_only_when_news_was_to_be_expected(
    calendar: health.Calendar, start: str, end: str, hours: int
) -> None:
    begin, finish = (datetime.fromisoformat(f"{text}:00+00:00") for text in (start, end))
    assert health.silence(begin, finish, calendar) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("calendar", "rhythm", "days"),
    [
        (weekends, None, 1.5),
        (weekends, 40, 1.5),
        (arxiv, None, 1.5),
        (never, None, 30),
        (never, 1, 4),
        (never, 14, 28),  # a lab that writes every other week is not stale after four days
        (always, None, 30),
    ],
)
def test_patience(calendar: health.Calendar, rhythm: int | None, days: float) -> None:
    assert health.patience(rhythm, TUESDAY, calendar) == timedelta(days=days)


def listings(*days: str, **more: object) -> list[Listing]:
    return [Listing(title=day, published=date.fromisoformat(day) if day else None, **more) for day in days]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("days", "rhythm"),
    [
        ([], None),
        (["2026-11-17"] * 30, None),
        (["2026-11-01", "2026-11-02", "2026-11-03"], None),
        (["2026-11-04", "2026-11-01", "2026-11-02", "2026-11-10", ""], 6),
        (["2010-01-01", "2026-11-01", "2026-11-02", "2026-11-10"], 180),
        (["2010-01-01", *(f"2026-10-{day:02}" for day in range(1, 31))], 1),  # long ago it was another blog
    ],
)
def test_rhythm(days: list[str], rhythm: int | None) -> None:
    assert health.rhythm(listings(*days)) == rhythm


def test_a_field_that_gets_lost_is_missed_until_it_is_back() -> None:
    whole = listings(*["2026-11-17"] * 10, abstract="text", url="https://a.example/")
    without = listings(*["2026-11-17"] * 10, url="https://a.example/")
    known = health.carried(whole)
    assert known == "abstract,published,url"
    assert health.missing(known, whole) == ()
    assert health.missing(known, without) == ("abstract",)
    still = health.carried(without, known)
    assert health.missing(still, without) == ("abstract",)
    assert health.missing(health.carried(whole, still), whole) == ()
    assert health.missing(known, without[:9]) == ()  # too few to tell
    assert health.carried(without[:9], known) == known


def test_a_field_some_lack_is_no_drift() -> None:
    mixed = [*listings(*["2026-11-17"] * 9, abstract="text"), *listings("2026-11-18")]
    assert health.carried(mixed) == "published"


@given(
    st.integers(0, 9000).map(lambda hours: TUESDAY + timedelta(minutes=61 * hours)),
    st.frozensets(st.integers(0, 6)),
    st.frozensets(st.integers(0, 23)),
)
def test_we_come_when_we_are_welcome(target: datetime, days: frozenset[int], hours: frozenset[int]) -> None:
    moment = health.welcome(target, days, hours)
    assert target - timedelta(hours=1) < moment < target + timedelta(days=7)
    if len(days) < 7 and len(hours) < 24:
        assert moment.weekday() not in days
        assert moment.hour not in hours
    else:
        assert moment == target
