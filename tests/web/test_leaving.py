"""Leaving by a link: GET only asks, POST acts, twice is once, rubbish does nothing; fewer and a pause instead."""

from datetime import timedelta

import pytest

from bot.cli.people import sync_file
from bot.mail import tokens
from bot.store import subscribers
from tests.web.conftest import NOW, SECRET, Web

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PARTS = {"Content-Type": "multipart/form-data; boundary=x"}
ONE_CLICK = "List-Unsubscribe=One-Click"


def link(purpose: tokens.Purpose = "unsubscribe digest") -> str:
    return "/u/" + tokens.seal(SECRET, purpose, 1, 7)


def status(web: Web) -> str:
    ada = web.subscriber()
    assert ada is not None
    return ada.status + (" without alerts" if ada.left_alerts else "")


def test_opening_the_link_changes_nothing(web: Web) -> None:
    for method in ("GET", "HEAD", "GET"):
        answer = web.ask(method, link())
        assert answer.status == 200
    assert '<form method="post"' in answer.text
    assert status(web) == "active"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (FORM, ONE_CLICK),
        (PARTS, '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'),
        ({}, ""),
        (FORM, "whatever=else"),
        (PARTS, "no parts at all"),
    ],
)
def test_posting_acts_at_once_and_again_says_the_same(web: Web, headers: dict[str, str], body: str) -> None:
    first = web.ask("POST", link(), body, headers)
    second = web.ask("POST", link().upper().replace("/U/", "/u/"), body, headers)

    assert first.text == second.text
    assert first.status == second.status == 200
    assert status(web) == "unsubscribed"


def test_leaving_alerts_leaves_the_digest(web: Web) -> None:
    assert web.ask("POST", link("unsubscribe alert"), ONE_CLICK, FORM).status == 200
    assert status(web) == "active without alerts"


def test_fewer_instead_is_weekly_and_the_file_does_not_take_it_back(web: Web) -> None:
    assert "every Monday at 07:30" in web.get(link()).words
    answer = web.post(link(), {"instead": "fewer"})
    assert "every Monday at 07:30" in answer.words
    sync_file(web.app, web.clock())

    ada = web.subscriber()
    assert ada is not None
    assert ada.status == "active"
    assert ada.next_due == NOW + timedelta(days=2, hours=22.5)  # Monday 07:30
    assert '"weekly mon 07:30"' in ada.data


def test_pause_instead_ends_by_itself(web: Web) -> None:
    assert "30 days" in web.post(link(), {"instead": "pause"}).words
    assert status(web) == "paused"
    with web.database.write() as tx:
        subscribers.end_pauses(tx, NOW + timedelta(days=30))
    assert status(web) == "active"


def test_who_has_left_is_not_brought_back_by_another_button(web: Web) -> None:
    web.post(link())
    for wish in ("pause", "fewer"):
        web.post(link(), {"instead": wish})
        assert status(web) == "unsubscribed"


@pytest.mark.parametrize(
    "path",
    [
        "/u/",
        "/u/aaaa",
        "/u/" + "a" * 47,
        "/u/" + tokens.seal("another secret altogether", "unsubscribe digest", 1),
        "/u/" + tokens.seal(SECRET, "bounce", 1),
        "/u/" + tokens.seal(SECRET, "unsubscribe digest", 99),
        "/u/" + tokens.seal_renewable(SECRET, "manage", 1, epoch=0, now=NOW),
        link()[:-1],
        "/u/../../etc/passwd",
    ],
)
def test_what_is_not_our_link_does_nothing(web: Web, path: str) -> None:
    pages = {web.get("/u/nothing").text, web.get(path).text, web.ask("POST", path, ONE_CLICK, FORM).text}
    assert len(pages) == 1  # one page for all
    assert web.get(path).status == 404
    assert web.ask("POST", path, ONE_CLICK, FORM).status == 404
    assert status(web) == "active"
