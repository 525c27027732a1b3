"""What was checked when it was stored is read back without checking, and must come out the same."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.core.subscriber.subscriber import stored_subscriber, subscriber_from

words = st.sampled_from(["sparse attention", "=RAG", "KV cache", "quantiz*", '"a b"~3', "title:survey", "pre-training"])
profiles = st.fixed_dictionaries(
    {"keywords": st.lists(words, min_size=1, max_size=4)},
    optional={
        "name": st.sampled_from(["A", " B ", "Ünï"]),
        "exclude": st.lists(words, max_size=2),
        "query": st.sampled_from(["", "moe OR llm", "upvotes>=20 NOT x"]),
        "alert": st.booleans(),
    },
)
tables = st.fixed_dictionaries(
    {"email": st.just("ada@example.org")},
    optional={
        "name": st.sampled_from(["", "Ada"]),
        "timezone": st.sampled_from(["UTC", "Europe/London"]),
        "digest": st.sampled_from(["daily 07:30", "weekdays 08:00", "weekly mon 08:00", "monthly 31 08:00", "off"]),
        "max_papers": st.integers(1, 200),
        "trending": st.integers(0, 100),
        "abstract": st.sampled_from(["short", "full", "none"]),
        "revisions": st.booleans(),
        "heartbeat": st.sampled_from(["off", "7d", "2w"]),
        "alert_every": st.sampled_from(["30m", "1h"]),
        "alert_limit": st.integers(1, 1000),
        "quiet_days": st.lists(st.sampled_from(["sat", "Sunday", "fri"]), max_size=3),
    },
)


def name_of(profile: dict[str, Any]) -> str:
    """A profile without a name goes by its keywords; no two may go by the same."""
    return (profile.get("name") or ", ".join(profile["keywords"])[:80]).strip()


@given(tables, st.lists(profiles, max_size=3, unique_by=name_of))
def test_a_stored_subscriber_is_the_subscriber_that_was_checked(
    table: dict[str, Any], own: list[dict[str, Any]]
) -> None:
    whole = table | {"profiles": own}

    assert stored_subscriber(json.dumps(whole)) == subscriber_from(whole)


def test_a_keyword_that_is_refused_by_now_ends_nobody() -> None:
    profiles = [
        {"keywords": ["moe", "强化学习*"], "exclude": ["C++*", "tea"]},
        {"keywords": ["程序*"]},
        {"query": "a and b"},
    ]
    stored = stored_subscriber(json.dumps({"email": "ada@example.org", "profiles": profiles}))
    assert [str(profile.query) for profile in stored.profiles] == ["moe NOT tea"]
