"""The preferences: what each kind of link opens, what a change does, and how somebody goes for good."""

import html
import json
import re
from pathlib import Path

import pytest

from bot.cli.people import sync_file
from bot.core.papers import Listing
from bot.core.taste.learn import Taste, TasteWord
from bot.mail import tokens
from bot.pipeline import preferences
from bot.store import papers, subscribers, taste, thumbs
from tests.web.conftest import CONFIG, NOW, SECRET, Start, Web
from tests.web.test_signup import asked_link, collect_papers, link_in, mails, post

FILE = 1  # the subscriber of the configuration file


@pytest.fixture
def eve(web: Web) -> int:
    """Somebody who subscribed on the page."""
    web.post(asked_link(web))
    stored = web.subscriber("eve@example.net")
    assert stored is not None
    web.clock.move(hours=1)
    return stored.id


def link(web: Web, who: int, purpose: tokens.Purpose = "manage", item: int = 0) -> str:
    with web.database.read() as tx:
        stored = subscribers.by_id(tx, who)
    assert stored is not None
    return "/manage/" + tokens.seal_renewable(SECRET, purpose, who, item, epoch=stored.epoch, now=web.clock())


def stored_of(web: Web, who: int) -> subscribers.StoredSubscriber:
    with web.database.read() as tx:
        stored = subscribers.by_id(tx, who)
    assert stored is not None
    return stored


def form(**changes: str) -> dict[str, str]:
    return {
        "do": "save",
        "digest": "weekly fri 16:00",
        "timezone": "Asia/Tokyo",
        "language": "de",
        "max_papers": "7",
        "p0_keywords": "graph transformers, MoE",
        "p0_exclude": "survey",
        "p1_name": "Hot",
        "p1_query": "diffusion AND upvotes>=20",
        "p1_alert": "1",
        **changes,
    }


def test_everything_is_changed_by_a_fresh_link(web: Web, eve: int) -> None:
    page = web.get(link(web, eve))
    assert "eve@example.net" in page.words
    assert ">sparse attention</textarea>" in page.text
    assert "/feed/" in page.text

    answer = web.post(link(web, eve), form())

    assert answer.status == 200
    assert "Saved." in answer.words
    stored = stored_of(web, eve)
    table = json.loads(stored.data)
    assert table["digest"] == "weekly fri 16:00"
    assert table["language"] == "de"
    assert table["profiles"] == [
        {"keywords": ["graph transformers", "MoE"], "exclude": ["survey"]},
        {"name": "Hot", "query": "diffusion AND upvotes>=20", "alert": True},
    ]
    assert stored.alerts
    assert stored.next_due is not None
    assert stored.next_due.isoformat() == "2026-11-27T07:00:00+00:00"
    web.post(link(web, eve), form(p1_gone="1"))
    assert len(json.loads(stored_of(web, eve).data)["profiles"]) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"p1_query": "a AND (b"}, "^"),
        ({"digest": "now and then"}, "is not a schedule"),
        ({"timezone": "<b>"}, "is no time zone"),
        ({"max_papers": "999"}, "200"),
        ({"max_papers": "0"}, "out of range"),
        ({"max_papers": "-5"}, "out of range"),
        ({"max_papers": "99999"}, "200"),
        ({"max_papers": "1e2"}, "whole number"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_changes(web: Web, eve: int, changes: dict[str, str], said: str) -> None:
    before = stored_of(web, eve)
    answer = web.post(link(web, eve), form(**changes))
    assert answer.status == 422
    assert said in answer.words
    assert "<b>" not in answer.text
    assert stored_of(web, eve) == before
    for name, typed in form(**changes).items():  # it stands there to be mended
        if name not in ("do", "language", "p1_alert"):
            assert html.escape(typed, quote=False) in answer.text, name
    assert '<option value="de" lang="de" selected>' in answer.text


def test_a_letters_link_opens_only_what_harms_nobody(web: Web, eve: int) -> None:
    collect_papers(web, 1)
    letter = link(web, eve, "letter", 3)
    page = web.get(letter)
    assert "e•••@example.net" in page.words
    for secret in ("eve@example.net", "sparse attention", "/feed/", "Export", "Delete", "Renew", 'name="email"'):
        assert secret not in page.text
    before = stored_of(web, eve)
    for wish in ("save", "renew", "address", "export", "delete", "nonsense", ""):
        assert web.post(letter, {**form(), "do": wish, "email": "mallory@example.net"}).status == 404
    assert stored_of(web, eve) == before
    assert mails(web) == []

    assert "every Monday" in web.post(letter, {"do": "fewer"}).words
    assert "No mail until then" in web.post(letter, {"do": "pause", "until": "2026-12-24"}).words
    paused = stored_of(web, eve)
    assert paused.status == "paused"
    assert paused.paused_until is not None
    assert paused.paused_until.isoformat() == "2026-12-23T23:00:00+00:00"  # midnight in Paris
    web.post(letter, {"do": "resume"})
    assert stored_of(web, eve).status == "active"
    assert web.post(letter, {"do": "pause", "until": "1999-01-01"}).status == 422
    web.post(letter, {"do": "link"})
    (message,) = mails(web)
    assert message["To"] == "eve@example.net"
    assert "eve@example.net" in web.get(link_in(message, "manage")).words


def test_links_end(web: Web, eve: int) -> None:
    for purpose, life in (("manage", {"days": 30}), ("letter", {"days": 30}), ("delete", {"minutes": 30})):
        old = link(web, eve, purpose)  # type: ignore[arg-type]
        assert web.get(old).status == 200
        web.clock.move(**life)
        web.clock.move(minutes=2)
        assert web.get(old).status == web.post(old, {"do": "fewer"}).status == 404
    for purpose in ("feed", "edition", "confirm", "admin"):
        assert web.get(link(web, eve, purpose)).status == 404  # type: ignore[arg-type]
    assert web.get("/manage/" + tokens.seal(SECRET, "unsubscribe digest", eve)).status == 404


def test_renewing(web: Web, eve: int) -> None:
    old, feed = link(web, eve), tokens.seal_renewable(SECRET, "feed", eve, epoch=0, now=web.clock())
    answer = web.post(old, {"do": "renew"})
    assert web.get(old).status == web.get(f"/feed/{feed}.atom").status == 404
    new = re.search(r'href="https://papers\.example\.org(/manage/[a-z2-7]+)"', answer.text)
    assert new is not None
    assert web.get(new[1]).status == 200


def test_a_new_address_says_yes_itself(web: Web, eve: int) -> None:
    web.post(link(web, eve), {"do": "address", "email": "Eve.New@example.com"})
    (message,) = mails(web)
    assert message["To"] == "eve.new@example.com"
    confirm = link_in(message, "manage")
    assert "eve.new@example.com" in web.get(confirm).words
    assert stored_of(web, eve).email == "eve@example.net"
    assert web.post(confirm).status == 200
    changed = stored_of(web, eve)
    assert changed.email == "eve.new@example.com"
    assert json.loads(changed.data)["email"] == "eve.new@example.com"
    assert web.post(confirm).status == 200
    assert web.subscriber("eve@example.net") is None


def test_an_address_that_is_somebodys_gets_nothing(web: Web, eve: int) -> None:
    same = web.post(link(web, eve), {"do": "address", "email": "ada@example.org"}).words
    assert mails(web) == []
    web.clock.move(minutes=11)
    assert web.post(link(web, eve), {"do": "address", "email": "free@example.org"}).words == same
    assert len(mails(web)) == 1
    assert web.post(link(web, FILE), {"do": "address", "email": "ada2@example.org"}).status == 422
    assert mails(web) == []


def test_export_has_everything(web: Web, eve: int) -> None:
    web.post(link(web, eve), {"do": "export"})
    (message,) = mails(web)
    answer = web.get(link_in(message, "manage"))
    assert answer.headers["content-type"] == "application/json"
    data = json.loads(answer.text)
    assert data["email"] == "eve@example.net"
    assert [one["act"] for one in data["consents"]] == ["asked", "confirmed"]
    assert data["settings"]["profiles"] == [{"keywords": ["sparse attention"]}]


def test_deleting_leaves_only_a_keyed_hash(web: Web, eve: int) -> None:
    with web.database.write() as tx:
        thumbs.give(tx, eve, 1, "more", NOW)
    web.post(link(web, eve), {"do": "delete"})
    (message,) = mails(web)
    sure = link_in(message, "manage")
    assert "Delete everything?" in web.get(sure).words
    assert web.subscriber("eve@example.net") is not None
    assert "Deleted" in web.post(sure).words

    assert web.subscriber("eve@example.net") is None
    assert web.get(sure).status == web.post(sure).status == 404
    assert web.get("/u/" + tokens.seal(SECRET, "unsubscribe digest", eve)).status == 404
    for path in Path(web.app.config.folder).glob("paperlark.db*"):
        assert b"eve@example.net" not in path.read_bytes(), path
    with web.database.read() as tx:
        assert [one.email for one in subscribers.everyone(tx)] == ["ada@example.org"]
        assert subscribers.erased(tx) == {preferences.hash_of(SECRET, "eve@example.net"): "removed"}


def test_who_was_deleted_comes_back_only_by_themselves(web: Web, eve: int) -> None:
    preferences.erase(web.database, SECRET, eve, web.clock())
    preferences.erase(web.database, SECRET, FILE, web.clock())
    sync_file(web.app, web.clock())
    assert web.subscriber("ada@example.org") is None
    post(web)
    (message,) = mails(web)
    web.post(link_in(message, "confirm"))
    again = web.subscriber("eve@example.net")
    assert again is not None
    assert again.status == "active"
    assert again.id != eve


def test_thumbs_are_shown_and_undone_and_what_is_kept_is_a_file(start: Start) -> None:
    web = start()
    with web.database.record() as tx:
        listing = Listing(title="A <i>kept</i> paper", keys=("arxiv:2611.00001",), source="saved")
        papers.record(tx, "saved", [listing], NOW, first=False)
    with web.database.write() as tx:
        thumbs.give(tx, FILE, 1, "save", NOW)
    page = web.get(link(web, FILE, "letter"))
    assert "Kept" in page.words
    assert "<i>" not in page.text
    assert "kept" in web.get(link(web, FILE, "letter") + ".bib").text
    web.post(link(web, FILE, "letter"), {"do": "undo", "kind": "save", "paper": "1"})
    with web.database.read() as tx:
        assert thumbs.of_subscriber(tx, FILE) == []


def test_what_somebody_of_the_file_chose_outlasts_it(web: Web) -> None:
    web.post(link(web, FILE), form())
    sync_file(web.app, web.clock())
    table = json.loads(stored_of(web, FILE).data)
    assert table["digest"] == "weekly fri 16:00"
    assert table["profiles"][1]["name"] == "Hot"
    assert stored_of(web, FILE).origin == "file"


LEARNT = Taste((TasteWord("grasping", 9.0, ("Mine",)), TasteWord("gripper", 4.5, ("Mine",))), liked=6)


def test_a_taste_is_shown_chosen_and_forgotten(web: Web, eve: int) -> None:
    assert "It takes five papers" in web.get(link(web, eve)).words
    with web.database.write() as tx:
        taste.learnt(tx, eve, LEARNT, "x", (), NOW)

    page = web.get(link(web, eve))
    saved = web.post(link(web, eve), form(taste="order", language="en"))
    table = json.loads(stored_of(web, eve).data)
    again = web.post(link(web, eve), form(taste="order", language="en", digest="daily 08:00"))
    web.post(link(web, eve), form(taste="everything", language="en"))

    assert "Learnt from 6 papers." in page.words
    assert ">grasping^9, gripper^4.5</textarea>" in page.text
    assert "grasping" not in web.get(link(web, eve, "letter", 1)).text, "not by the link of a letter"
    assert (saved.status, again.status) == (200, 200)
    assert table["taste"] == "order"
    assert json.loads(stored_of(web, eve).data)["taste"] == "order"
    web.post(link(web, eve), form(taste="off", language="en"))
    assert json.loads(stored_of(web, eve).data)["taste"] == "off"
    preferences.erase(web.database, SECRET, eve, NOW)
    with web.database.read() as tx:
        assert taste.of_subscribers(tx, [eve]) == {}


def test_who_never_chose_a_taste_has_none_in_their_table(web: Web, eve: int) -> None:
    web.post(link(web, eve), form(taste="off"))

    assert "taste" not in json.loads(stored_of(web, eve).data)


def test_a_setting_saved_as_it_was_is_no_choice_and_a_shared_profile_stays_shared(start: Start) -> None:
    shared = '[[profiles]]\nname = "Lab reading"\nkeywords = ["graph transformers", "MoE"]\nexclude = ["survey"]\n'
    web = start(f'{CONFIG}shared = ["Lab reading"]\n{shared}')
    same = form(p0_name="Lab reading", p1_query="")

    web.post(link(web, FILE), same)
    with web.database.read() as tx:
        assert set(subscribers.choices(tx)["ada@example.org"]) == {"digest", "timezone", "language", "max_papers"}

    web.post(link(web, FILE), same | {"p0_keywords": "diffusion"})
    with web.database.read() as tx:
        chosen = subscribers.choices(tx)["ada@example.org"]
    assert [profile["keywords"] for profile in chosen["profiles"]["own"]] == [["diffusion"]]
    assert chosen["digest"] == "weekly fri 16:00"


def test_a_form_leaves_alone_what_it_has_no_field_for(start: Start) -> None:
    shared = '[[profiles]]\nname = "Lab reading"\nkeywords = ["graph transformers"]\ncolleagues = true\n'
    web = start(f'{CONFIG}shared = ["Lab reading"]\n{shared}')

    web.post(link(web, FILE), form(p0_name="Lab reading", p0_keywords="diffusion", p1_name="Hot"))

    profiles = json.loads(stored_of(web, FILE).data)["profiles"]
    assert [(one["name"], one.get("colleagues", False)) for one in profiles] == [("Lab reading", True), ("Hot", False)]
    assert profiles[0]["keywords"] == ["diffusion"]
