"""`to`: what is a channel, and that its secrets stay out of every word about it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jinja2
import pytest

from bot.core.edition.edition import Addressee, Edition, Pick, Section
from bot.core.letter import samples
from bot.core.letter.renderer import LetterRenderer, environment
from bot.core.subscriber.channel import channel_name
from bot.core.subscriber.subscriber import Subscriber, stored_subscriber, subscriber_from
from bot.core.subscriber.validation import TableError

SECRET = "T0PS3CR3T"
TEMPLATES = Path(__file__).resolve().parents[3] / "templates"

TITLE = (
    "Wake up @everyone and <!channel> at @here, p < q, http://@everyone https://x.org/<!channel> "
    "[arXiv](https://evil.example) [https://arxiv.org/abs/1](https://evil.example) <https://evil.example|arXiv> @room"
)


@pytest.fixture(scope="module")
def renderer() -> LetterRenderer:
    return LetterRenderer(environment(jinja2.FileSystemLoader(TEMPLATES)))


def of(*to: Any) -> Subscriber:
    return subscriber_from({"email": "ada@example.org", "to": list(to)})


def test_without_channels_letters_go_by_mail() -> None:
    assert subscriber_from({"email": "ada@example.org"}).by_mail
    assert not subscriber_from({"email": "ada@example.org"}).channels


def test_channels_stand_beside_mail_or_instead_of_it() -> None:
    beside, instead = of("mailto:", f"slack://{SECRET}/B/C"), of(f"slack://{SECRET}/B/C")

    assert beside.by_mail
    assert not instead.by_mail
    assert list(beside.channels.values()) == [f"slack://{SECRET}/B/C"]
    assert of("mailto:Ada@Example.org").by_mail


def test_a_channel_has_the_same_name_everywhere_and_no_secret_in_it() -> None:
    address = f"discord://123/{SECRET}"

    assert channel_name(address) == channel_name(address)
    assert channel_name(address).startswith("discord:")
    assert channel_name(address) != channel_name(address + "x")
    assert SECRET not in channel_name(address)
    assert SECRET not in repr(of(address))


@pytest.mark.parametrize(
    ("to", "words"),
    [
        (f"https://hooks.example.org/{SECRET}", "webhook+https"),
        (f"webhook+https://hooks.example.org/{SECRET}", "needs a secret"),
        (f"mailto://u:{SECRET}@gmail.com", "relay of [mail]"),
        ("mailto:grace@example.org", "own address"),
        (f"slack {SECRET}", "no address of a channel"),
        ("slack://", "no address of a channel"),
        (f"slack://{SECRET}\n", "no address of a channel"),
        (7, "text in quotes"),
        (f"webhook+http://[::1#{SECRET}", "host of this webhook"),
        (f"webhook+http://#{SECRET}", "host of this webhook"),
        (f"webhook+http://example.org:99999/{SECRET}#{SECRET}", "host of this webhook"),
        (f"slack://{SECRET}/" + "x" * 3000, "no address of a channel"),
    ],
)
def test_what_is_no_channel_is_refused_without_quoting_it(to: Any, words: str) -> None:
    with pytest.raises(TableError) as refused:
        of(to)
    assert words in str(refused.value)
    assert SECRET not in str(refused.value)


def test_the_same_channel_twice_and_too_many_are_refused() -> None:
    with pytest.raises(TableError, match="twice"):
        of(f"slack://{SECRET}/B/C", f"slack://{SECRET}/B/C")
    with pytest.raises(TableError, match="most"):
        of(*(f"slack://{SECRET}/{number}" for number in range(11)))
    with pytest.raises(TableError, match="list"):
        subscriber_from({"email": "ada@example.org", "to": f"slack://{SECRET}/B/C"})


def test_channels_survive_the_store() -> None:
    before = of("mailto:", f"slack://{SECRET}/B/C")

    assert stored_subscriber(json.dumps(before.table)) == before


@pytest.mark.parametrize("room", [300, 700, 2000, 4096, 40_000])
def test_a_short_form_fits_and_counts_what_it_leaves_out(renderer: LetterRenderer, room: int) -> None:
    edition = max(samples.all_editions().values(), key=lambda one: len(one.papers))
    short = renderer.short(edition, lambda title, body: len(title) + len(body) <= room)
    shown = short.body.count("\n• ")

    assert len(short.title) + len(short.body) <= room
    assert shown <= sum(len(section.picks) for section in edition.sections)
    if shown < sum(len(section.picks) for section in edition.sections):
        assert "more" in short.body
        wider = renderer.short(edition, lambda title, body: len(title) + len(body) <= 2 * room).body
        assert wider.count("\n• ") >= shown


def test_titles_give_no_orders_to_a_chat(renderer: LetterRenderer) -> None:
    ordinary = next(iter(samples.ordinary().values()))
    paper = next(pick.paper for section in ordinary.sections for pick in section.picks)
    shouting = type(paper)(key="title:x", title=TITLE, url="https://arxiv.org/abs/2411.00001")
    edition = Edition(
        kind="alert",
        cadence="instant",
        slot="x",
        day=ordinary.day,
        made=ordinary.made,
        since=None,
        subscriber=Addressee(email="ada@example.org"),
        sections=(Section(kind="profile", name="@channel", picks=(Pick(paper=shouting),)),),
    )
    short = renderer.short(edition, lambda title, body: True)

    for text in (short.title, short.body):
        for order in ("@everyone", "<!channel>", "@here", "@channel", "@room", "](", "<https"):
            assert order not in text
    assert "p < q" in short.body
    assert "https://arxiv.org/abs/2411.00001" in short.body


def test_where_no_paper_has_room_the_link_stays_whole(renderer: LetterRenderer) -> None:
    ordinary = next(iter(samples.ordinary().values()))
    edition = replace(ordinary, browser_url="https://papers.example.org/e/" + "t" * 60)
    short = renderer.short(edition, lambda title, body: len(body) <= 100)

    assert short.body == edition.browser_url
    assert renderer.short(edition, lambda title, body: not body).body == ""
