"""arXiv's calendar: which days have a batch, and which were missed."""

from datetime import UTC, date, datetime

import pytest

from bot.sources.formats import calendars


@pytest.mark.parametrize(
    ("day", "why"),
    [
        (date(2026, 11, 21), "weekend"),
        (date(2026, 11, 24), ""),
        (date(2026, 11, 26), "holiday (Thanksgiving)"),
        (date(2026, 11, 27), "holiday (Thanksgiving)"),
        (date(2027, 1, 18), "holiday (Martin Luther King Jr. Day)"),
        (date(2027, 7, 5), "holiday (Independence Day)"),
    ],
)
def test_why_a_feed_is_empty(day: date, why: str) -> None:
    assert calendars.quiet(day) == why


def test_the_feed_changes_at_midnight_eastern_time() -> None:
    assert calendars.feed_day(datetime(2026, 7, 1, 3, 59, tzinfo=UTC)) == date(2026, 6, 30)
    assert calendars.feed_day(datetime(2026, 7, 1, 4, 0, tzinfo=UTC)) == date(2026, 7, 1)
    assert calendars.feed_day(datetime(2026, 12, 1, 4, 59, tzinfo=UTC)) == date(2026, 11, 30)


def test_missed_days_are_those_between_and_no_weekends() -> None:
    wednesday, monday = datetime(2026, 11, 18, 12, tzinfo=UTC), datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert calendars.missed(wednesday, monday, 14) == (date(2026, 11, 19), date(2026, 11, 20))
    assert calendars.missed(wednesday, datetime(2026, 11, 19, 12, tzinfo=UTC), 14) == ()
    assert len(calendars.missed(datetime(2026, 1, 1, tzinfo=UTC), monday, 14)) == 10


def test_the_window_of_submission_covers_weekend_and_moderation() -> None:
    start, end = calendars.submitted((date(2026, 11, 19), date(2026, 11, 20)))
    assert start < datetime(2026, 11, 17, 19, tzinfo=UTC)  # Tuesday 14:00, where Wednesday evening's batch begins
    assert end >= datetime(2026, 11, 19, 19, tzinfo=UTC)  # Thursday 14:00, where the batch of Friday's feed ends
