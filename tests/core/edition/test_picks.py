"""Picks as text: JSON that holds what differs from its usual value, and nothing else."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.core.edition.picks import Like, Picks, PickSection

TEXTS = st.text('a "\\\n\x00/é\u2028🦉', max_size=6)
IDS = st.lists(st.integers(0, 2**40), max_size=4).map(tuple)
LIKES = st.builds(Like, st.integers(0, 99), TEXTS, st.lists(TEXTS, max_size=2).map(tuple))
SECTIONS = st.builds(
    PickSection,
    kind=st.sampled_from(["profile", "taste", "near", "trending", "revisions"]),
    name=TEXTS,
    ids=IDS,
    more=st.integers(0, 9),
    more_ids=IDS,
    entered=IDS,
    likes=st.lists(LIKES, max_size=2).map(tuple),
)
PICKS = st.builds(
    Picks,
    sections=st.lists(SECTIONS, max_size=3).map(tuple),
    alerted=st.integers(0, 2),
    overflow=st.integers(0, 2),
    heartbeat=st.booleans(),
)


def as_table(picks: Picks) -> dict[str, Any]:
    """What the text should hold, each key in its place."""
    always = ("kind", "name", "ids")
    sections = [
        {key: value for key, value in section._asdict().items() if key in always or value} for section in picks.sections
    ]
    others = {key: value for key, value in picks._asdict().items() if key != "sections" and value}
    return {"sections": sections, **others}


@given(PICKS)
def test_picks_come_back_from_their_text(picks: Picks) -> None:
    assert Picks.from_json(picks.to_json()) == picks


@given(PICKS)
def test_the_text_is_what_json_makes_of_them_without_blanks(picks: Picks) -> None:
    assert picks.to_json() == json.dumps(as_table(picks), ensure_ascii=False, separators=(",", ":"))
