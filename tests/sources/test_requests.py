"""What the sources ask for: today, after missed days, of a mirror; and what they follow up."""

from dataclasses import replace
from datetime import UTC, date, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.core.source.document import Document, Progress, Request
from bot.errors import SourceError
from bot.sources import SOURCES, arxiv, biorxiv, huggingface, page, pubmed

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
EMPTY = (
    '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:o="http://a9.com/-/spec/opensearch/1.1/"><title>Query</title>'
    "<o:totalResults>{total}</o:totalResults><o:startIndex>{start}</o:startIndex></feed>"
)


def answer(request: Request, body: str, fetched: datetime = MONDAY) -> Document:
    return Document(request=request, location=request.location, body=body.encode("utf-8"), fetched=fetched)


def since(day: int) -> Progress:
    return Progress(last_success=datetime(2026, 11, day, 18, tzinfo=UTC), read_since=datetime(2026, 10, 1, tzinfo=UTC))


def test_huggingface_asks_for_each_missed_day_and_the_last_seen_one_again() -> None:
    asked = huggingface.requests(huggingface.Settings(url="http://127.0.0.1:1/x?limit=100&sort=new"), since(20), MONDAY)
    asked = [request for request in asked if request.day is None or request.day.day >= 20]
    assert [request.day for request in asked] == [None, date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22)]
    assert [request.late for request in asked] == [False, False, True, True]
    assert parse_qs(urlsplit(asked[1].location).query) == {"limit": ["100"], "sort": ["new"], "date": ["2026-11-20"]}
    assert len(huggingface.requests(huggingface.Settings(), since(1), MONDAY)) == 11
    assert len(huggingface.requests(huggingface.Settings(catch_up=0), since(1), MONDAY)) == 1


def test_huggingface_looks_at_the_votes_of_a_week_once_a_day() -> None:
    """Most votes come after the day of the list, and a weekly letter is about the week."""
    first_today = huggingface.requests(huggingface.Settings(), since(22), MONDAY)
    assert [request.day.day for request in first_today if request.day] == [16, 17, 18, 19, 20, 22]
    assert not any(request.late for request in first_today)
    later = huggingface.requests(huggingface.Settings(), since(23), MONDAY)
    assert [request.day for request in later] == [None]
    # Days from before the list was first read would bring papers that are no news.
    begun = replace(since(22), read_since=datetime(2026, 11, 19, 8, tzinfo=UTC))
    asked = huggingface.requests(huggingface.Settings(), begun, MONDAY)
    assert [request.day.day for request in asked if request.day] == [19, 20, 22]


def test_huggingface_follows_a_list_as_long_as_its_limit() -> None:
    item = '{"paper": {"id": "2603.0000%d", "title": "T%d"}}'
    request = Request(location="http://127.0.0.1:1/x?limit=2&date=2026-11-20", kind="day", day=date(2026, 11, 20))
    full = huggingface.parse(answer(request, f"[{item % (1, 1)},{item % (2, 2)}]"), huggingface.Settings())
    assert [parse_qs(urlsplit(more.location).query)["p"] for more in full.follow] == [["1"]]
    assert full.listings[0].listed == date(2026, 11, 20)
    assert not huggingface.parse(answer(request, f"[{item % (1, 1)}]"), huggingface.Settings()).follow
    assert huggingface.parse(answer(request, "[]"), huggingface.Settings()).quiet


def test_an_empty_newest_list_is_no_quiet_day() -> None:
    asked = Request(location="http://127.0.0.1:1/x", kind="list")
    empty = huggingface.parse(answer(asked, "[]"), huggingface.Settings())
    assert (empty.quiet, empty.stale) == ("", "the newest list is empty")


def test_arxiv_asks_in_small_groups_and_the_api_only_after_a_missed_day() -> None:
    settings = arxiv.Settings(categories=("cs.cl", "stat.ML", "hep-th", "math"), per_feed=3)
    asked = arxiv.requests(settings, since(20), MONDAY)
    assert [request.location for request in asked] == [
        "https://rss.arxiv.org/atom/cs.CL+stat.ML+hep-th",
        "https://rss.arxiv.org/atom/math",
    ]
    caught = arxiv.requests(settings, since(18), MONDAY)[2:]
    assert [request.late for request in caught] == [True, True]
    search = parse_qs(urlsplit(caught[0].location).query)["search_query"][0]
    assert search.startswith("(cat:cs.CL OR cat:stat.ML OR cat:hep-th) AND submittedDate:[2026111")


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://127.0.0.1:1/{categories}.xml", "http://127.0.0.1:1/cs.CL.xml"),
        ("http://127.0.0.1:1/atom/", "http://127.0.0.1:1/atom/cs.CL"),
        ("http://127.0.0.1:1/rss", "http://127.0.0.1:1/rss/cs.CL"),
        ("http://127.0.0.1:1/monday.xml", "http://127.0.0.1:1/monday.xml"),
    ],
)
def test_arxiv_of_a_mirror_never_asks_arxiv(url: str, asked: str) -> None:
    found = arxiv.requests(arxiv.Settings(categories=("cs.CL",), url=url), since(2), MONDAY)
    assert [request.location for request in found] == [asked]
    with_api = arxiv.Settings(categories=("cs.CL",), url=url, api_url="http://127.0.0.1:1/api")
    assert arxiv.requests(with_api, since(2), MONDAY)[1].location.startswith("http://127.0.0.1:1/api?search_query=")


def test_arxiv_asks_twice_before_it_believes_in_nothing() -> None:
    settings = arxiv.Settings(categories=("cs.CL",))
    first = arxiv.requests(settings, since(18), MONDAY)[1]
    once = arxiv.parse(answer(first, EMPTY.format(total=0, start=0)), settings)
    assert [more.kind for more in once.follow] == ["api-again"]
    assert once.follow[0].location != first.location
    twice = arxiv.parse(answer(once.follow[0], EMPTY.format(total=0, start=0)), settings)
    assert twice.quiet == "nothing was submitted on the missed days"
    assert not twice.follow
    with pytest.raises(SourceError, match="counts 900 papers but sent none"):
        arxiv.parse(answer(once.follow[0], EMPTY.format(total=900, start=500)), settings)


def test_arxiv_is_quiet_at_weekends_and_holidays() -> None:
    settings = arxiv.Settings(categories=("cs.CL",))
    assert arxiv.quiet(settings, MONDAY) == ""
    assert arxiv.quiet(settings, datetime(2026, 11, 21, 12, tzinfo=UTC)) == "weekend"
    assert arxiv.quiet(settings, datetime(2026, 11, 26, 12, tzinfo=UTC)) == "holiday (Thanksgiving)"


def test_biorxiv_pages_through_what_was_posted() -> None:
    settings = biorxiv.Settings(server="medrxiv")
    asked = biorxiv.requests(settings, since(20), MONDAY)
    assert [request.location for request in asked] == [
        "https://api.biorxiv.org/details/medrxiv/2026-11-18/2026-11-23/0"
    ]
    row = '{"doi": "10.1101/1", "title": "T", "version": "1", "date": "2026-11-20"}'
    body = '{"messages": [{"status": "ok", "cursor": 0, "total": "2"}], "collection": [ROW]}'.replace("ROW", row)
    found = biorxiv.parse(answer(asked[0], body), settings)
    assert [more.location[-13:] for more in found.follow] == ["/2026-11-23/1"]
    last = biorxiv.parse(answer(found.follow[0], body.replace('"cursor": 0', '"cursor": 1')), settings)
    assert not last.follow


def test_pubmed_fetches_what_a_search_found_in_batches_from_the_same_house() -> None:
    settings = pubmed.Settings(term="larks[Title]", url="http://127.0.0.1:1/eutils/")
    (asked,) = pubmed.requests(settings, since(20), MONDAY)
    assert parse_qs(urlsplit(asked.location).query)["mindate"] == ["2026/11/18"]
    numbers = ",".join(f'"{n}"' for n in range(1, 451))
    found = pubmed.parse(answer(asked, f'{{"esearchresult": {{"count": "450", "idlist": [{numbers}]}}}}'), settings)
    assert [more.location.count(",") + 1 for more in found.follow] == [200, 200, 50]
    assert all(more.location.startswith("http://127.0.0.1:1/eutils/efetch.fcgi?") for more in found.follow)


@pytest.mark.parametrize(
    ("source", "keys", "says"),
    [
        ("page", {"location": " "}, "location is empty"),
        ("page", {"location": "x", "year": 26}, "year is 26"),
        ("huggingface", {"url": "ftp://example.org"}, "http"),
        ("arxiv", {"categories": ()}, "categories is empty"),
        ("arxiv", {"categories": ("cs.CL", "computer science")}, "'computer science' is no category"),
        ("feed", {"url": "example.org/feed"}, "http"),
        ("biorxiv", {"server": "arxiv"}, '"biorxiv" or "medrxiv"'),
        ("pubmed", {"term": ""}, "term is empty"),
    ],
)
def test_settings_that_cannot_be_say_so(source: str, keys: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        SOURCES[source].Settings(**keys)


@pytest.mark.parametrize(
    ("today", "year", "listed", "published"),
    [
        (date(2026, 2, 1), 0, date(2026, 1, 5), date(2025, 12, 30)),
        (date(2026, 1, 2), 0, date(2025, 1, 5), date(2024, 12, 30)),
        (date(2026, 2, 1), 2021, date(2021, 1, 5), date(2020, 12, 30)),
    ],
)
def test_a_page_without_a_year_is_the_last_that_fits(today: date, year: int, listed: date, published: date) -> None:
    prose = "A sentence of an invented abstract that goes on for a while and says nothing. " * 5
    text = f"Daily Papers\n\nJan 5\n\nA Title of Some Length\n\n{prose}\n\n  • 2 authors\n·\nDec 30 4\n"
    document = Document(
        request=Request(location="x"),
        location="x",
        body=text.encode(),
        fetched=datetime(2026, 2, 1, tzinfo=UTC),
        saved=today,
    )
    (found,) = page.parse(document, page.Settings(location="x", year=year)).listings
    assert (found.listed, found.published, found.comments, found.author_count) == (listed, published, 4, 2)
