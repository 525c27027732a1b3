"""The day a date states, however it is written; none rather than a wrong one."""

import time
from datetime import date

import pytest

from bot.sources.formats.dates import stated_day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2016/6/29 15:07:41", date(2016, 6, 29)),
        ("2026-6-30", date(2026, 6, 30)),
        ("20230829T195932Z", date(2023, 8, 29)),
        ("2023-12-31T23:59:59-11:00", date(2023, 12, 31)),
        ("2014-281", date(2014, 10, 8)),
        ("2004년 05월 28일  오후 01:31:15", date(2004, 5, 28)),
        ("2014年5月28日 13:31", date(2014, 5, 28)),
        ("1412769600", date(2014, 10, 8)),
        ("1412769600000", date(2014, 10, 8)),
        ("Wed, 01 Jul 15 00:00:00 +0200", date(2015, 7, 1)),
        ("Fri, 13 Nov 99 11:11:11 GMT", date(1999, 11, 13)),
        ("Wed Oct  8 12:00:00 2014", date(2014, 10, 8)),
        ("Tue Mar  8 12:00:00 EST 2016", date(2016, 3, 8)),
        ("Mon, May 25 2020 04:45:26 +0000", date(2020, 5, 25)),
        ("October 8, 2014", date(2014, 10, 8)),
        ("8th October 2014", date(2014, 10, 8)),
        ("Mon, 08 Sept 2014 12:00:00 GMT", date(2014, 9, 8)),
        ("Mi, 08 Okt 2014 12:00:00 +0200", date(2014, 10, 8)),
        ("mar., 08 oct. 2014 12:00:00 +0200", date(2014, 10, 8)),  # Tuesday, not March
        ("1er février 2020", date(2020, 2, 1)),
        ("Mi, 04 Mär 2026 12:00:00 +0100", date(2026, 3, 4)),
        ("mié, 08 dic 2014 12:00:00 +0100", date(2014, 12, 8)),
        ("8 de outubro de 2014", date(2014, 10, 8)),
        ("Чт, 5 февраля 2021", date(2021, 2, 5)),
        ("08.10.2014 12:00", date(2014, 10, 8)),
        ("25/12/2014", date(2014, 12, 25)),
        ("12/25/2014", date(2014, 12, 25)),
        ("10/08/2014", None),
        ("Tue, 32 Oct 2014 12:00:00 GMT", None),
        ("2014-10", None),
        ("October 2014", None),
        ("2014", None),
        ("Summer 2020", None),
        ("1404-08-12", None),  # of the Persian calendar
        ("yesterday at 12:00", None),
        ("", None),
    ],
)
def test_stated_day(text: str, day: date | None) -> None:
    assert stated_day(text) == day


@pytest.mark.parametrize("piece", ["1", "a", "1 a ", "2014-", "Oct ", "8 Oct ", " ", "年"])
def test_linear_in_its_length(piece: str) -> None:
    started = time.process_time()
    stated_day(piece * 200_000)
    assert time.process_time() - started < 1
