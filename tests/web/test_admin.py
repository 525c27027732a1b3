"""The operator's page: what it shows, and that nobody else sees it."""

import re
from datetime import timedelta
from xml.etree import ElementTree

from typer.testing import CliRunner

from bot.cli import program
from bot.mail import tokens
from bot.pipeline.compose.compose import compose
from bot.store import mail_pacing, outbox, ticks
from bot.web.admin import bars
from tests.web.conftest import CONFIG, NOW, SECRET, Start, Web
from tests.web.test_reading import PROFILE
from tests.web.test_signup import collect_papers, post


def page(web: Web) -> str:
    token = tokens.seal_renewable(SECRET, "admin", 0, epoch=0, now=web.clock())
    answer = web.get(f"/admin/{token}")
    assert answer.status == 200
    return answer.text


def test_what_it_shows(start: Start) -> None:
    web = start(CONFIG + PROFILE)
    collect_papers(web, 12)
    compose(web.database, web.clock(), web.app.identity.message_id, force=True)
    post(web)
    with web.database.write() as tx:
        ticks.note(tx, "deliver", NOW - timedelta(hours=1), timedelta(minutes=2))
        outbox.note_attempt(tx, 1, NOW, "ours", "554 5.7.1 <unwelcome> here")
        mail_pacing.hold(tx, "mail:smtp.example.org", NOW, NOW + timedelta(minutes=30), "421 <too> many")
    text = page(web)
    words = " ".join(re.sub(r"<[^>]*>", " ", text).split())
    for said in (
        "12 papers in all",
        "1 active, 1 unconfirmed",
        "file 1, web 1",
        "1 asked to subscribe on the page in 30 days, 0 said yes",
        "No worker: deliver should have run by now",
        "smtp.example.org is held until 09:30 UTC: 421 &lt;too&gt; many",
        "2 under a minute",
        "ours: 554 5.7.1 &lt;unwelcome&gt; here it is about us: `paperlark doctor` looks at the relay",
    ):
        assert said in words, said
    assert "<too>" not in text


def test_it_opens_for_nobody_else(web: Web) -> None:
    token = tokens.seal_renewable(SECRET, "admin", 0, epoch=0, now=NOW)
    assert web.post(f"/admin/{token}").status == 405
    for other in ("manage", "feed"):
        wrong = tokens.seal_renewable(SECRET, other, 1, epoch=0, now=NOW)  # type: ignore[arg-type]
        assert web.get(f"/admin/{wrong}").status == 404
    web.clock.move(days=30, minutes=2)
    assert web.get(f"/admin/{token}").status == 404
    assert web.get(f"/manage/{token}").status == 404


def test_the_verb_prints_the_link(web: Web) -> None:
    config = str(web.app.options.config_path)
    done = CliRunner().invoke(program(), ["--config", config, "admin-link"])
    assert done.exit_code == 0
    assert re.fullmatch(r"https://papers\.example\.org/admin/[a-z2-7]{56}\n", done.stdout)


def test_a_plot_says_the_same_to_who_cannot_see_it() -> None:
    root = ElementTree.fromstring(bars([0, 5, 10], 'hf: 15 "listings" <30 days>'))
    heights = [int(one.attrib["height"]) for one in root.iter("rect")]
    assert heights == [0, 20, 40]
    assert root.attrib["aria-label"] == 'hf: 15 "listings" <30 days>'
    assert "style" not in root.attrib
    assert bars([], "nothing")
