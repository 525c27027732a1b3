"""What subscribers of the file choose of their profiles on the page, beside those that the file shares; it goes on to
decide what they left as it was."""

import json
import os

import pytest

from bot.cli.people import sync_file
from bot.config import load
from bot.store import subscribers
from tests.web.conftest import CONFIG, Start, Web
from tests.web.test_preferences import FILE, form, link, stored_of

LAB = '[[profiles]]\nname = "Lab"\nkeywords = ["graph transformers"]\ncolleagues = true\n'
COURSE = '[[profiles]]\nname = "Course"\nquery = "enzymes"\n'
MINE = '[[subscribers.profiles]]\nname = "Mine"\nquery = "diffusion"\n'
SAVED = {"p0_name": "Mine", "p0_keywords": "", "p0_exclude": "", "p0_query": "diffusion", "p1_name": "Lab"}
SAVED |= {"p1_keywords": "graph transformers", "p1_query": "", "p1_alert": ""}


def configuration(lab: str = LAB, shared: str = '"Lab"', mine: str = MINE) -> str:
    return f"{CONFIG}shared = [{shared}]\n{mine}{lab}{COURSE}"


@pytest.fixture
def web(start: Start) -> Web:
    return start(configuration())


def save(web: Web, **changes: str) -> None:
    assert web.post(link(web, FILE), form(**{**SAVED, **changes})).status == 200


def the_file_becomes(web: Web, text: str) -> None:
    path = web.app.options.config_path
    path.write_text(text)
    web.app.config = load(path, os.environ)
    sync_file(web.app, web.clock())


def profiles(web: Web) -> dict[str, str]:
    table = json.loads(stored_of(web, FILE).data)
    return {one["name"]: one.get("query") or ", ".join(one["keywords"]) for one in table["profiles"]}


def test_a_change_of_ones_own_leaves_the_shared_one_shared(web: Web) -> None:
    save(web, p0_query="diffusion AND images", p2_name="Third", p2_query="proteins")
    assert profiles(web) == {"Mine": "diffusion AND images", "Lab": "graph transformers", "Third": "proteins"}
    sync_file(web.app, web.clock())
    assert profiles(web) == {"Mine": "diffusion AND images", "Lab": "graph transformers", "Third": "proteins"}
    assert json.loads(stored_of(web, FILE).data)["profiles"][1]["colleagues"] is True

    the_file_becomes(web, configuration(LAB.replace("graph transformers", "state space models"), '"Lab", "Course"'))
    assert profiles(web) == {
        "Mine": "diffusion AND images",
        "Lab": "state space models",
        "Course": "enzymes",
        "Third": "proteins",
    }


def test_a_changed_and_a_removed_shared_profile_stay_so_until_they_are_as_the_file_has_them(web: Web) -> None:
    save(web, p0_gone="1", p1_keywords="graph kernels")
    the_file_becomes(web, configuration(LAB.replace("graph transformers", "state space models")))
    assert profiles(web) == {"Lab": "graph kernels"}

    again = {"p0_name": "Lab", "p0_query": "", "p0_keywords": "state space models"}
    save(web, **again, p1_name="Mine", p1_keywords="", p1_query="diffusion")
    sync_file(web.app, web.clock())
    the_file_becomes(web, configuration(LAB.replace("graph transformers", "proteins")))
    assert profiles(web) == {"Mine": "diffusion", "Lab": "proteins"}


def test_what_an_older_version_stored_of_a_shared_profile_no_longer_holds_it(web: Web) -> None:
    """It stored every profile, whether it had been changed or not."""
    old = {
        "digest": "weekly fri 16:00",
        "profiles": [{"name": "Lab", "keywords": ["long ago"]}, {"name": "Mine", "query": "diffusion AND images"}],
    }
    stored = stored_of(web, FILE)
    with web.database.write() as tx:
        record = subscribers.SubscriberRecord(
            email=stored.email, data=json.loads(stored.data), alerts=False, schedule=stored.schedule, next_due=None
        )
        subscribers.change(tx, FILE, record, old)
    sync_file(web.app, web.clock())

    assert profiles(web) == {"Mine": "diffusion AND images", "Lab": "graph transformers"}
    assert json.loads(stored_of(web, FILE).data)["digest"] == "weekly fri 16:00", "all else is still their choice"
    with web.database.read() as tx:
        assert subscribers.choices(tx)["ada@example.org"]["profiles"] == {
            "own": [{"name": "Mine", "query": "diffusion AND images"}],
            "gone": [],
        }
    the_file_becomes(web, configuration(LAB.replace("graph transformers", "state space models")))
    assert profiles(web)["Lab"] == "state space models"
