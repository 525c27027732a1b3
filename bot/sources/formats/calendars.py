"""arXiv's calendar: when a batch is announced, and on which days none is.

Announcements are made Sunday to Thursday at 20:00 US Eastern time; the feed is rebuilt at the midnight that follows and
holds that one batch for a day. Source: https://info.arxiv.org/help/availability.html."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")
# Published by arXiv for the year; years without a list of their own follow the rules in `_by_rule`.
_PUBLISHED = {
    2026: {
        date(2026, 1, 1): "New Year's Day",
        date(2026, 1, 19): "Martin Luther King Jr. Day",
        date(2026, 6, 19): "Juneteenth",
        date(2026, 7, 3): "Independence Day",
        date(2026, 9, 7): "Labor Day",
        date(2026, 11, 26): "Thanksgiving",
        date(2026, 12, 25): "Christmas",
        date(2026, 12, 29): "end of the year",
        date(2026, 12, 31): "end of the year",
    }
}


def holiday(day: date) -> str:
    """The name of arXiv's holiday on a day, or ""."""
    year = _PUBLISHED.get(day.year)
    return (_by_rule(day.year) if year is None else year).get(day, "")


def quiet(day: date) -> str:
    """Why the feed of this day (US Eastern) may hold no batch: "weekend", "holiday (Thanksgiving)", or "".

    A holiday has no announcement in its evening, so the feed of the day after is as empty as its own may be.
    """
    if day.weekday() >= 5:
        return "weekend"
    name = holiday(day) or holiday(day - timedelta(days=1))
    return f"holiday ({name})" if name else ""


def feed_day(moment: datetime) -> date:
    """The day whose feed is being served at this moment."""
    return moment.astimezone(EASTERN).date()


def missed(last: datetime, now: datetime, limit: int) -> tuple[date, ...]:
    """The days whose feed was up and gone between two moments, at most `limit` days back, oldest first.

    Holidays count: arXiv defers announcements without notice, and asking costs one request.
    """
    today, day = feed_day(now), feed_day(last) + timedelta(days=1)
    day = max(day, today - timedelta(days=limit))
    days = (day + timedelta(days=n) for n in range((today - day).days))
    return tuple(day for day in days if day.weekday() < 5)


def submitted(days: tuple[date, ...]) -> tuple[datetime, datetime]:
    """When the papers of these feed days were submitted, generously: batches close at 14:00 Eastern on the working day
    before; what moderation or a holiday held back came up to three days earlier."""
    start = datetime(days[0].year, days[0].month, days[0].day, 14, tzinfo=EASTERN) - timedelta(days=5)
    end = datetime(days[-1].year, days[-1].month, days[-1].day, tzinfo=EASTERN)
    return start, end


def _by_rule(year: int) -> dict[date, str]:
    independence = date(year, 7, 4)
    observed = independence + timedelta(days={5: -1, 6: 1}.get(independence.weekday(), 0))
    return {
        date(year, 1, 1): "New Year's Day",
        _nth(year, 1, 0, 3): "Martin Luther King Jr. Day",
        date(year, 6, 19): "Juneteenth",
        observed: "Independence Day",
        _nth(year, 9, 0, 1): "Labor Day",
        _nth(year, 11, 3, 4): "Thanksgiving",
        date(year, 12, 25): "Christmas",
        date(year, 12, 31): "end of the year",
    }


def _nth(year: int, month: int, weekday: int, count: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (count - 1))
