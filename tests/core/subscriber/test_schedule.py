"""Schedules: one slot for every local date they name, whatever the clocks do."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.subscriber.schedule import DueSlot, Schedule

ZONES = [
    "UTC",
    "Europe/London",
    "Europe/Dublin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Africa/Casablanca",
    "Asia/Kathmandu",
]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    "text", ["daily 07:30", "weekdays 23:59", "weekly mon 08:00", "weekly sun 00:00", "monthly 31 08:00", "off"]
)
def test_a_schedule_says_what_it_was_read_from(text: str) -> None:
    assert str(Schedule.parse(text)) == text
    assert Schedule.parse(text.upper()) == Schedule.parse(f"  {text} ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a schedule"),
        ("hourly", '"daily 07:30"'),
        ("daily", "is not a schedule"),
        ("daily 7.30", "07:30"),
        ("daily 24:00", "not a time of day"),
        ("daily 07:60", "not a time of day"),
        ("daily ٠٧:٣٠", "not a time of day"),
        ("weekly 08:00", "is not a schedule"),
        ("weekly moonday 08:00", "mon, tue"),
        ("monthly 0 08:00", "1 to 31"),
        ("monthly 32 08:00", "1 to 31"),
        ("monthly mon 08:00", "1 to 31"),
        ("weekly m 08:00", "mon, tue"),
        ("daily 07:30 sharp", 'like "daily 07:30"'),
        ("weekly", 'like "weekly mon 08:00"'),
        ("off 07:30", "is not a schedule"),
    ],
)
def test_what_is_no_schedule_says_what_would_be(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Schedule.parse(text)


@pytest.mark.parametrize(
    ("text", "zone", "after", "name", "due"),
    [
        ("daily 07:30", "Europe/London", "2026-07-01T06:29Z", "2026-07-01", "2026-07-01T06:30Z"),
        ("daily 07:30", "Europe/London", "2026-07-01T06:30Z", "2026-07-02", "2026-07-02T06:30Z"),
        ("weekdays 07:30", "UTC", "2026-11-20T08:00Z", "2026-11-23", "2026-11-23T07:30Z"),
        ("weekly mon 08:00", "Asia/Tokyo", "2026-11-20T08:00Z", "2026-11-23", "2026-11-22T23:00Z"),
        ("monthly 31 08:00", "UTC", "2026-02-01T00:00Z", "2026-02-28", "2026-02-28T08:00Z"),
        ("monthly 31 08:00", "UTC", "2028-02-01T00:00Z", "2028-02-29", "2028-02-29T08:00Z"),
        ("monthly 30 08:00", "UTC", "2026-04-01T00:00Z", "2026-04-30", "2026-04-30T08:00Z"),
        ("monthly 1 08:00", "UTC", "2026-12-31T00:00Z", "2027-01-01", "2027-01-01T08:00Z"),
        # An hour the night lacks is the next that exists; an hour it has twice counts once.
        ("daily 02:30", "America/New_York", "2026-03-08T05:00Z", "2026-03-08", "2026-03-08T07:30Z"),
        ("daily 01:30", "America/New_York", "2026-11-01T04:00Z", "2026-11-01", "2026-11-01T05:30Z"),
        ("daily 01:30", "America/New_York", "2026-11-01T05:30Z", "2026-11-02", "2026-11-02T06:30Z"),
        ("daily 02:15", "Australia/Lord_Howe", "2026-10-03T13:00Z", "2026-10-04", "2026-10-03T15:45Z"),
        ("daily 00:00", "America/Sao_Paulo", "2018-11-03T12:00Z", "2018-11-04", "2018-11-04T03:00Z"),
        # The night of 30 March 1919 lacked 23:30 in Toronto: the slot of that date is due after midnight.
        ("daily 23:30", "America/Toronto", "1919-03-31T04:00Z", "1919-03-30", "1919-03-31T04:30Z"),
        ("daily 23:30", "America/Toronto", "1919-03-31T04:30Z", "1919-03-31", "1919-04-01T03:30Z"),
        # In Newfoundland midnight came twice: 00:01 became 23:01.
        ("daily 00:00", "America/St_Johns", "2010-11-06T12:00Z", "2010-11-07", "2010-11-07T02:30Z"),
        ("daily 00:00", "America/St_Johns", "2010-11-07T02:30Z", "2010-11-08", "2010-11-08T03:30Z"),
        # Samoa had no 30 December 2011.
        ("daily 07:30", "Pacific/Apia", "2011-12-29T20:00Z", "2011-12-31", "2011-12-30T17:30Z"),
    ],
)
def test_the_next_slot(text: str, zone: str, after: str, name: str, due: str) -> None:
    assert Schedule.parse(text).next_after(moment(after), zone) == DueSlot(name, moment(due))


@pytest.mark.parametrize("day", ["thu", "thur", "thursday", "THURS"])
def test_days_of_the_week_may_be_written_out(day: str) -> None:
    assert str(Schedule.parse(f"weekly {day} 8:05")) == "weekly thu 08:05"


def test_off_is_never_due() -> None:
    off = Schedule.parse("off")
    now = datetime(2026, 11, 20, tzinfo=UTC)

    assert off.next_after(now, "UTC") is None
    assert off.latest_at_or_before(now, "UTC") is None


def test_the_ends_of_the_calendar_have_no_slot_beyond() -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    for text in ("daily 07:30", "weekdays 07:30", "weekly mon 07:30", "monthly 31 07:30"):
        for zone in ("UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"):
            assert Schedule.parse(text).next_after(last, zone) is None
            assert Schedule.parse(text).latest_at_or_before(first, zone) is None


def test_midnight_that_comes_twice_was_the_latest_slot_in_between() -> None:
    slot = Schedule.parse("daily 00:00").latest_at_or_before(moment("2010-11-07T03:00Z"), "America/St_Johns")

    assert slot == DueSlot("2010-11-07", moment("2010-11-07T02:30Z"))


schedules = st.one_of(
    st.builds("{} {:02}:{:02}".format, st.sampled_from(["daily", "weekdays"]), st.integers(0, 23), st.integers(0, 59)),
    st.builds(
        "weekly {} {:02}:{:02}".format, st.sampled_from(["mon", "sat", "sun"]), st.integers(0, 23), st.integers(0, 59)
    ),
    st.builds("monthly {} {:02}:{:02}".format, st.integers(1, 31), st.integers(0, 23), st.integers(0, 59)),
)
moments = st.datetimes(datetime(2005, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@settings(max_examples=200, deadline=None)
@given(schedules, st.sampled_from(ZONES), moments)
def test_slots_follow_each_other_and_each_local_date_has_one(text: str, zone: str, start: datetime) -> None:
    schedule = Schedule.parse(text)
    names = []
    at = start
    for _ in range(12):
        slot = schedule.next_after(at, zone)
        assert slot is not None
        assert slot.due > at
        assert schedule.latest_at_or_before(slot.due, zone) == slot
        assert schedule.next_after(slot.due - timedelta(seconds=1), zone) == slot
        assert slot.due.astimezone(ZoneInfo(zone)).date().isoformat() == slot.name
        names.append(slot.name)
        at = slot.due
    assert names == sorted(set(names))


@pytest.mark.parametrize("zone", ZONES)
def test_every_day_of_ten_years_has_its_digest(zone: str) -> None:
    schedule = Schedule.parse("daily 02:30")
    at = datetime(2008, 12, 31, 23, tzinfo=UTC)
    days = set()
    while (slot := schedule.next_after(at, zone)) and slot.name < "2019-01-01":
        days.add(date.fromisoformat(slot.name))
        at = slot.due
    expected = {
        date(2009, 1, 2) + timedelta(days=number) for number in range((date(2018, 12, 31) - date(2009, 1, 2)).days)
    }
    missing = expected - days

    assert missing == ({date(2011, 12, 30)} if zone == "Pacific/Apia" else set())


@pytest.mark.parametrize(
    ("text", "days"), [("daily 07:30", 1), ("weekdays 07:30", 3), ("weekly mon 07:30", 7), ("monthly 1 07:30", 31)]
)
def test_a_first_edition_looks_back_one_period(text: str, days: int) -> None:
    assert Schedule.parse(text).period == timedelta(days=days)


def test_a_schedule_in_words() -> None:
    words = [
        Schedule.parse(text).in_words("UTC")
        for text in ("daily 07:30", "weekdays 07:30", "weekly fri 07:30", "monthly 2 07:30", "off")
    ]

    assert words == [
        "every day at 07:30 (UTC)",
        "on weekdays at 07:30 (UTC)",
        "every Friday at 07:30 (UTC)",
        "on day 2 of every month at 07:30 (UTC)",
        "alerts only, no digest",
    ]
