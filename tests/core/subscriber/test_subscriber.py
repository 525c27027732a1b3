"""Subscribers from their plain tables: what is right makes an equal subscriber again, what is wrong is said with its
place."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.query import parse, profile_query
from bot.core.subscriber.duration import duration, in_short
from bot.core.subscriber.schedule import Schedule
from bot.core.subscriber.subscriber import Subscriber, stored_subscriber, subscriber_from
from bot.core.subscriber.timezone import timezone_doubt, timezone_named
from bot.core.subscriber.validation import Problem, TableError, spelled

ADA: dict[str, Any] = {
    "email": "Ada@Example.ORG",
    "name": "Ada",
    "timezone": "Europe/London",
    "digest": "weekdays 07:30",
    "max_papers": 12,
    "trending": 0,
    "abstract": "full",
    "revisions": True,
    "heartbeat": "1w",
    "alert_every": "1h30m",
    "alert_limit": 3,
    "profiles": [
        {"name": "Attention", "keywords": ["sparse attention", "KV cache"], "exclude": ["survey"], "alert": True},
        {"query": '("mixture of experts" OR =MoE) AND upvotes>=20'},
    ],
}


def problems_of(table: Any) -> list[str]:
    with pytest.raises(TableError) as caught:
        subscriber_from(table)
    return list(caught.value.problems)


def test_a_whole_subscriber() -> None:
    ada = subscriber_from(ADA)

    assert (ada.email, ada.name, ada.timezone, str(ada.schedule)) == (
        "ada@example.org",
        "Ada",
        "Europe/London",
        "weekdays 07:30",
    )
    assert (ada.max_papers, ada.trending, ada.abstract, ada.revisions, ada.alert_limit) == (12, 0, "full", True, 3)
    assert (ada.heartbeat, ada.alert_every) == (timedelta(days=7), timedelta(minutes=90))
    attention, moe = ada.profiles
    assert (attention.name, attention.alert) == ("Attention", True)
    assert attention.query == profile_query(["sparse attention", "KV cache"], ["survey"])
    assert (moe.name, moe.alert) == (ADA["profiles"][1]["query"], False)
    assert moe.query == parse(ADA["profiles"][1]["query"])


def test_what_is_left_out_has_its_default() -> None:
    subscriber = subscriber_from({"email": "a@example.org", "heartbeat": "off"})

    assert subscriber.profiles == ()
    assert subscriber.schedule == Schedule.parse("daily 07:30")
    assert (subscriber.timezone, subscriber.max_papers, subscriber.trending, subscriber.abstract) == (
        "UTC",
        20,
        5,
        "short",
    )
    assert (subscriber.heartbeat, subscriber.revisions) == (None, False)


def test_the_table_makes_an_equal_subscriber_after_years_in_a_database() -> None:
    ada = subscriber_from(ADA)

    again = subscriber_from(json.loads(json.dumps(dict(ada.table))))

    assert again == ada
    assert dict(again.table) == dict(ada.table)
    assert stored_subscriber(json.dumps(ada.table)) == ada


@pytest.mark.parametrize(
    "table",
    [
        {"email": " B@Example.org", "name": " B ", "timezone": " Asia/Tokyo ", "digest": " Weekly  MON 8:00 "},
        {"email": "b@example.org", "heartbeat": "off", "alert_every": "0s", "digest": "off"},
        {"email": "b@example.org", "profiles": [{"keywords": ["rag", "KV cache"]}, {"name": " Q ", "query": " rag "}]},
    ],
)
def test_a_stored_table_is_read_faster_and_no_differently(table: dict[str, Any]) -> None:
    subscriber = subscriber_from(table)

    assert stored_subscriber(json.dumps(subscriber.table)) == subscriber


def test_the_table_keeps_what_was_read_not_how_it_was_written() -> None:
    table = subscriber_from({"email": " Ada@Example.org ", "name": " Ada ", "timezone": " UTC "}).table

    assert table == {"email": "ada@example.org", "name": "Ada", "timezone": "UTC"}


@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        ({"email": ""}, "email", "is missing: the subscriber's address"),
        ({"email": 5}, "email", "expected text in quotes, got 5"),
        ({"email": "ada"}, "email", "'ada' is not a mail address"),
        ({"email": "Ada <ada@example.org>"}, "email", "not a bare mail address"),
        ({"email": "a@example.org, b@example.org"}, "email", "not a mail address"),
        ({"email": "ada@exa\nmple.org"}, "email", "control characters"),
        ({"email": "ada@[127.0.0.1]"}, "email", "not a mail address"),
        ({"email": f"{'a' * 65}@example.org"}, "email", "more than 64"),
        ({"name": "A\r\nBcc: b@example.org"}, "name", "control characters"),
        ({"name": "x" * 201}, "name", "201 characters long"),
        ({"timezone": "London"}, "timezone", 'did you mean "Europe/London"?'),
        ({"timezone": "America/New York"}, "timezone", 'did you mean "America/New_York"?'),
        ({"timezone": "europe/paris"}, "timezone", 'did you mean "Europe/Paris"?'),
        ({"timezone": "Evrope/Rome"}, "timezone", 'did you mean "Europe/Rome"?'),
        ({"timezone": "PST"}, "timezone", '"Europe/London", or "UTC"'),
        ({"timezone": "../../etc/passwd"}, "timezone", "is no time zone"),
        ({"timezone": "localtime"}, "timezone", "is no time zone"),
        ({"digest": "hourly"}, "digest", '"weekly mon 08:00"'),
        ({"digest": True}, "digest", "expected text in quotes, got true"),
        ({"max_papers": 0}, "max_papers", "give 1 to 200"),
        ({"max_papers": True}, "max_papers", "expected a whole number, got true"),
        ({"max_papers": 2.5}, "max_papers", "expected a whole number, got 2.5"),
        ({"trending": -1}, "trending", "give 0 to 100"),
        ({"abstract": "ful"}, "abstract", 'did you mean "full"?'),
        ({"revisions": "yes"}, "revisions", "true or false"),
        ({"heartbeat": "7"}, "heartbeat", 'write "30m", "1h" or "7d"'),
        ({"heartbeat": "1h"}, "heartbeat", "give 1d to 366d"),
        ({"alert_every": "999999w"}, "alert_every", "give 0s to 7d"),
        ({"alert_limit": None}, "alert_limit", "got nothing"),
        ({"profiles": {}}, "profiles", "[[subscribers.profiles]]"),
        ({"profiles": [5]}, "profiles[1]", "expected a table of keys, got 5"),
        ({"profiles": [{"name": "N"}]}, "profiles[N]", "nothing is asked for"),
        ({"profiles": [{"name": "N", "keywords": "rag"}]}, "profiles[N].keywords", 'keywords = ["…"]'),
        ({"profiles": [{"name": "N", "keywords": ["a", 5]}]}, "profiles[N].keywords[2]", "got 5"),
        ({"profiles": [{"name": "N", "keywords": ["rag"], "alert": 1}]}, "profiles[N].alert", "got 1"),
        ({"profiles": [{"keywords": ["rag"], "keyword": "x"}]}, "profiles[1].keyword", 'did you mean "keywords"?'),
        ({"profiles": [{"keywords": ["rag"], "digest": "off"}]}, "profiles[1].digest", "above their profiles"),
        ({"profiles": [{"name": "N", "query": "rag"}] * 2}, "profiles[N].name", "called"),
        ({"profiles": [{"query": f"q{n}"} for n in range(101)]}, "profiles", "100 are the most"),
        ({"schedule": "daily 07:30"}, "schedule", 'called "digest"'),
        ({"tz": "UTC"}, "tz", 'called "timezone"'),
        ({"keywords": ["rag"]}, "keywords", "[[subscribers.profiles]]"),
        ({"max_paper": 5}, "max_paper", 'did you mean "max_papers"?'),
        ({"zzz": 5}, "zzz", "unknown key; known are email"),
    ],
)
def test_each_mistake_is_said_with_its_place(change: dict[str, Any], place: str, said: str) -> None:
    (problem,) = problems_of({"email": "ada@example.org"} | change)

    assert problem.startswith(f"{place}: ")
    assert said in problem


@pytest.mark.parametrize("name", ["👩\u200d🔬", "ශ්\u200dරී", "می\u200cنا"])
def test_a_name_may_hold_joiners(name: str) -> None:
    assert subscriber_from({**ADA, "name": name}).name == name


def test_all_mistakes_are_said_at_once() -> None:
    table = {
        "email": "nobody",
        "timezone": "Mars",
        "profiles": [{"name": "A", "query": "x AND"}, {"name": "B"}],
        "x": 1,
    }

    assert [problem.split(":")[0] for problem in problems_of(table)] == [
        "email",
        "timezone",
        "profiles[A].query",
        "profiles[B]",
        "x",
    ]


def test_a_query_s_mistake_has_a_caret_under_its_column() -> None:
    (problem,) = problems_of({"email": "a@example.org", "profiles": [{"name": "A", "query": "rag (llm"}]})

    first, query, caret = problem.split("\n")
    assert "column" in first
    assert query == "    rag (llm"
    assert caret.strip() == "^"
    assert int(first.split("column ")[1].split(":")[0]) == caret.index("^") - 3


def test_a_keyword_s_mistake_names_the_keyword() -> None:
    table = {"email": "a@example.org", "profiles": [{"name": "A", "keywords": ["rag", '"open'], "exclude": ["x"]}]}
    (problem,) = problems_of(table)

    assert problem.startswith("profiles[A].keywords[2]: column 1: ")


@pytest.mark.parametrize("table", [None, 5, [], "ada@example.org"])
def test_what_is_no_table_is_no_subscriber(table: Any) -> None:
    assert len(problems_of(table)) == 1


@pytest.mark.parametrize(
    ("given_as", "known_as"),
    [
        ("ada@example.org", "ada@example.org"),
        (" Ada.Lovelace+papers@EXAMPLE.org ", "ada.lovelace+papers@example.org"),
        ("ada@bücher.example.org", "ada@xn--bcher-kva.example.org"),
        ("ADA@BÜCHER.example.org", "ada@xn--bcher-kva.example.org"),
        ("ünal@example.org", "ünal@example.org"),
        ("ada@localhost", "ada@localhost"),
        ("ada@papers.local", "ada@papers.local"),
    ],
)
def test_one_person_has_one_address(given_as: str, known_as: str) -> None:
    assert subscriber_from({"email": given_as}).email == known_as
    assert subscriber_from({"email": known_as}).email == known_as


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("GMT+5", '"Etc/GMT-5", with the sign turned round'),
        ("UTC+2", '"Etc/GMT-2", with the sign turned round'),
        ("utc -08:00", '"Etc/GMT+8", with the sign turned round'),
        ("+5:30", 'write the city as in "Europe/London"'),  # Etc/ has whole hours only
        ("UTC+15", 'write the city as in "Europe/London"'),
        ("CEST", 'did you mean "Europe/Berlin"?'),
        ("PST", 'did you mean "America/Los_Angeles"?'),
        ("XQZT", 'write the city as in "Europe/London"'),
        ("localtime", 'write the city as in "Europe/London"'),
        ("New York", 'did you mean "America/New_York"?'),
        ("Etc/GMT+15", 'write the city as in "Europe/London"'),
    ],
)
def test_what_to_write_in_place_of_an_offset_or_an_abbreviation(name: str, said: str) -> None:
    (problem,) = problems_of({"email": "a@example.org", "timezone": name})

    assert said in problem
    assert 'did you mean "Etc/' not in problem


def test_time_zones_that_may_not_be_meant() -> None:
    assert "America/New_York" in timezone_doubt("EST")
    assert "UTC-2" in timezone_doubt("Etc/GMT+2")
    assert [timezone_doubt(name) for name in ("UTC", "Europe/London", "CET", "Etc/GMT", "Etc/GMT+0")] == [""] * 5


@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        ({"language": "klingon"}, "language", 'write "en"'),
        ({"near": 21}, "near", "give 0 to 20"),
        ({"per_week": -1}, "per_week", "give 0 to 1000"),
        ({"pictures": 1}, "pictures", "true or false"),
        ({"max_papers": 10**5000}, "max_papers", "a number of very many digits"),
    ],
)
def test_wishes_for_the_letter_are_checked(change: dict[str, Any], place: str, said: str) -> None:
    test_each_mistake_is_said_with_its_place(change, place, said)


def test_what_another_version_stored_is_read_as_far_as_it_is_known() -> None:
    table = {"email": "ada@example.org", "tomorrow": 1, "profiles": [{"query": "rag", "colour": "red"}]}

    assert stored_subscriber(json.dumps(table)) == subscriber_from(
        {"email": "ada@example.org", "profiles": [{"query": "rag"}]}
    )


def test_what_is_understood_no_more_keeps_nobody_from_their_mail(caplog: pytest.LogCaptureFixture) -> None:
    table = {
        "email": "ada@example.org",
        "abstract": "long",
        "profiles": [{"name": "Old", "query": "rag AND AND"}, {"name": "New", "query": "rag"}],
    }
    ada = stored_subscriber(json.dumps(table))

    assert ada == subscriber_from({"email": "ada@example.org", "profiles": [{"name": "New", "query": "rag"}]})
    assert "profiles[Old].query" in caplog.text


@pytest.mark.parametrize("name", ["UTC", "Europe/London", "America/Argentina/Buenos_Aires", "Etc/GMT+2", "CET"])
def test_time_zones_there_are(name: str) -> None:
    assert timezone_named(name) == name


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["email", "name", "digest", "profiles", "keywords", "query"]), inner)
        ),
        max_leaves=12,
    )
)
def test_any_value_is_a_subscriber_or_a_clear_refusal(value: Any) -> None:
    found: tuple[Problem, ...] = ()
    try:
        subscriber = subscriber_from(value)
    except TableError as error:
        subscriber, found = None, error.found

    assert (subscriber is None) == bool(found)
    assert all(problem.message.strip() for problem in found)
    assert subscriber is None or subscriber_from(subscriber.table) == subscriber


@pytest.mark.parametrize(
    ("text", "length"),
    [("45s", 45), ("30m", 1800), ("1h", 3600), ("7d", 604_800), ("2w", 1_209_600), (" 1H 30M ", 5400), ("0s", 0)],
)
def test_lengths_of_time(text: str, length: int) -> None:
    assert duration(text) == timedelta(seconds=length)
    assert duration(in_short(duration(text))) == duration(text)


@pytest.mark.parametrize("text", ["", "7", "h", "1y", "-1h", "1.5h", "1 hour", "٣h", "99999999999d", "1h\x00"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no length of time: write"):
        duration(text)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), ""),
        (("mail", "rate"), "mail.rate"),
        (("sources", 0, "url"), "sources[hf].url"),
        (("sources", 1), "sources[2]"),
        (("sources", 9, "x"), "sources[10].x"),
        (("subscribers", 0, "profiles", 0, "keywords", 1), "subscribers[a@example.org].profiles[P].keywords[2]"),
    ],
)
def test_places_are_spelled_with_names(path: tuple[str | int, ...], place: str) -> None:
    root = {
        "sources": [{"name": "hf"}, {"name": "two\nlines"}],
        "subscribers": [{"name": "A", "email": "a@example.org", "profiles": [{"name": "P"}]}],
    }

    assert spelled(path, root) == place


def test_a_library_is_one_place_or_several_and_decides_what_a_taste_is_for() -> None:
    def read(**keys: object) -> Subscriber:
        return subscriber_from({"email": "a@example.org", **keys})

    assert read(library="papers.bib").libraries == ("papers.bib",)
    assert read(library=["a.bib", "b/*.ris"]).libraries == ("a.bib", "b/*.ris")
    assert [one.taste for one in (read(), read(library="a.bib"), read(library="a.bib", taste="off"))] == [
        *("off", "profile", "off")
    ]
    assert read(taste="order").taste == "order"
    assert "hush" not in repr(read(library="https://api.zotero.org/users/1/items?key=hush"))
    assert read(library="a.bib").table == {"email": "a@example.org", "library": ("a.bib",)}
    again = subscriber_from(read(library="a.bib", taste="order").table)
    assert (again.libraries, again.taste) == (("a.bib",), "order")
    for wrong in (3, [1], "", ["x"] * 11):
        with pytest.raises(TableError):
            read(library=wrong)
