"""The pages in a real Chromium: subscribing with and without JavaScript, on a phone, light and dark, with axe-core."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from bot.cli import program
from bot.core.taste import Taste, TasteWord
from bot.core.taste.corrections import Corrections, TasteEdit
from bot.mail import tokens
from bot.pipeline.compose.compose import compose
from bot.store import taste, thumbs
from tests.web.conftest import CONFIG, NOW, SECRET, Start, Web
from tests.web.test_reading import PROFILE, edition_id
from tests.web.test_reading import link as sealed
from tests.web.test_signup import asked_link, collect_papers, link_in, mails

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SHOTS = os.environ.get("PAPERLARK_SHOTS")  # a folder: the pages' pictures go there, to be looked at
TITLES = ("A title as long as those of papers are, with a subtitle that nobody reads to its end", "A Short One")
LEARNT = Taste(
    (
        TasteWord("grasping", 9.0, TITLES, 5),
        TasteWord("gripper", 7.5, TITLES[:1], 2),
        TasteWord("robots", 5.0, TITLES[1:], 2),
        *(TasteWord(f"word{letter}", 4.0, TITLES, 2) for letter in "abcdefghijkl"),
    ),
    liked=6,
)
FIRST_PAGE = 30_000  # bytes, all in


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as running:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = running.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def web(start: Start) -> Web:
    made = start(CONFIG + PROFILE)
    collect_papers(made, 12)
    compose(made.database, made.clock(), made.app.identity.message_id, force=True)
    mails(made)
    with made.database.write() as tx:
        thumbs.give(tx, 1, 2, "save", NOW)
        taste.learnt(tx, 1, LEARNT, "x", (), NOW)
        taste.correct_words(tx, 1, TasteEdit({"gripper": 2.5, "tactile": 6}, ["robots"]), NOW)
    return made


def address(web: Web, path: str) -> str:
    return f"http://127.0.0.1:{web.port}{path}"


def visit(chromium: Any, web: Web, path: str, **how: Any) -> Any:
    page = chromium.new_context(**how).new_page()
    page.set_default_timeout(10_000)
    page.goto(address(web, path))
    return page


def local(url: str) -> str:
    return urlsplit(url).path


def test_subscribing_to_the_first_letter(chromium: Any, web: Web) -> None:
    page = visit(chromium, web, "/", timezone_id="Europe/Madrid")
    assert page.input_value("[name=timezone]") == "Europe/Madrid"
    page.fill("[name=keywords]", "sparse attention\nzebra")
    page.wait_for_selector(".live .preview")
    shown = page.inner_text(".live")
    assert "12 of 12 papers" in shown
    assert "Found nothing: zebra" in shown
    page.fill("[name=email]", "eve@example.net")
    page.select_option("[name=digest]", "weekly mon 08:00")
    web.clock.move(seconds=10)
    page.click("text=Subscribe >> nth=-1")
    assert page.inner_text("h1") == "Look into your inbox"
    (message,) = mails(web)

    page.goto(address(web, link_in(message, "confirm")))
    assert "Every Monday at 08:00 (Europe/Madrid)" in page.inner_text("main")
    page.click("text=Yes, send me this")
    assert page.inner_text("h1") == "You are subscribed"
    assert page.context.cookies() == []
    web.clock.move(seconds=1)
    compose(web.database, web.clock(), web.app.identity.message_id)
    assert [one["To"] for one in mails(web)] == ["eve@example.net"]


def test_a_wrong_query_shows_its_place_while_it_is_typed(chromium: Any, web: Web) -> None:
    page = visit(chromium, web, "/")
    page.click("summary")
    page.fill("[name=query]", "attention AND (zebra")
    page.wait_for_selector(".live .alarm")
    assert "^" in page.inner_text(".live pre")
    page.fill("[name=query]", "attention")
    page.wait_for_selector(".live ol")


def test_without_javascript(chromium: Any, web: Web) -> None:
    page = visit(chromium, web, "/", java_script_enabled=False)
    page.fill("[name=keywords]", "sparse attention")
    page.click("text=Preview")
    assert "12 of 12 papers" in page.inner_text(".live")
    page.fill("[name=email]", "eve@example.net")
    web.clock.move(seconds=10)
    page.click("text=Subscribe >> nth=-1")
    (message,) = mails(web)
    page.goto(address(web, link_in(message, "confirm")))
    page.click("text=Yes, send me this")
    assert page.inner_text("h1") == "You are subscribed"


def test_the_words_of_a_taste_are_changed_without_javascript(chromium: Any, web: Web) -> None:
    page = visit(chromium, web, "/manage/" + sealed(web, "manage"), java_script_enabled=False)
    assert page.is_checked("[aria-label='Keep this weight: gripper']")
    page.fill("[aria-label='Weight of grasping']", "3.5")
    page.check("[aria-label='Remove: tactile']")
    page.click("text=5 more words")
    page.check("[aria-label='Remove: wordl']")
    page.check("text=Bring back robots")
    page.fill("[name=own_words]", "slip^8")
    page.click("text=Save the words")
    assert page.inner_text("[role=status]") == "The words are saved."
    assert page.input_value("[aria-label='Weight of slip']") == "8"
    assert page.inner_text("legend >> text=Removed words") == "Removed words"
    with web.database.read() as tx:
        assert taste.of_subscribers(tx, [1])[1].corrections == Corrections(
            {"gripper": 2.5, "grasping": 3.5, "slip": 8.0}, ("wordl",)
        )
    page.click("text=Put all back as it was learnt")
    assert page.inner_text("[role=status]") == "All words are as they were learnt."
    assert page.input_value("[aria-label='Weight of grasping']") == "9"


def test_the_first_page_is_light_and_asks_nobody_else(chromium: Any, web: Web) -> None:
    page = chromium.new_context().new_page()
    sizes: dict[str, int] = {}
    problems: list[str] = []
    page.on("response", lambda answer: sizes.update({answer.url: len(answer.body())}))
    page.on("console", lambda said: problems.append(said.text))
    page.goto(address(web, "/"), wait_until="networkidle")
    assert {urlsplit(url).netloc for url in sizes} == {f"127.0.0.1:{web.port}"}
    assert sum(sizes.values()) < FIRST_PAGE
    assert problems == []  # nothing the Content-Security-Policy forbids, no missing file


def pages(web: Web) -> dict[str, str]:
    admin = tokens.seal_renewable(SECRET, "admin", 0, epoch=0, now=web.clock())
    return {
        "front": "/",
        "preferences": "/manage/" + sealed(web, "manage"),
        "letter-preferences": "/manage/" + sealed(web, "letter"),
        "leave": "/u/" + tokens.seal(SECRET, "unsubscribe digest", 1),
        "edition": "/e/" + sealed(web, "edition", edition_id(web)),
        "archive": "/archive",
        "archive-day": "/archive/2026-11-20",
        "thumb": "/t/" + tokens.seal(SECRET, "more", 1, 1),
        "admin": f"/admin/{admin}",
        "not-found": "/nowhere",
        "front-german": "/?language=de&keywords=sparse+attention",
        "front-japanese": "/?language=ja&query=attention+AND+(zebra",
        "confirm": asked_link(web),
        "delete": "/manage/" + sealed(web, "delete"),
    }


def collect_a_page(web: Web) -> None:
    """So that the operator's page has a source with a plot."""
    folder = Path(web.app.config.folder)
    (folder / "pages").mkdir(exist_ok=True)
    example = Path(__file__).resolve().parents[2] / "examples" / "pages" / "2026-11-20.txt"
    (folder / "pages" / "1.txt").write_bytes(example.read_bytes())
    config = str(web.app.options.config_path)
    assert CliRunner().invoke(program("collect"), ["--config", config, "collect", "--now", f"{NOW}"]).exit_code == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 1200])
def test_every_page_fits_and_axe_finds_nothing(chromium: Any, web: Web, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    collect_a_page(web)
    page = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}).new_page()
    for name, path in pages(web).items():
        page.goto(address(web, path))
        if name == "front":
            page.fill("[name=keywords]", "sparse attention")
            page.wait_for_selector(".live .preview")
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"{name}-{scheme}-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        found = axe.run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], name


def test_the_keyboard_reaches_everything_in_order(chromium: Any, web: Web) -> None:
    page = visit(chromium, web, "/")
    order = []
    for _ in range(12):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.name || document.activeElement.tagName"))
    wanted = ["keywords", "SUMMARY", "digest", "timezone", "email", "BUTTON", "show"]
    assert [name for name in dict.fromkeys(order) if name in wanted] == wanted
    assert "website" not in order


def test_every_link_of_a_page_leads_somewhere(chromium: Any, web: Web) -> None:
    page = chromium.new_context().new_page()
    for name, path in pages(web).items():
        page.goto(address(web, path))
        links = page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
        ours = {local(url) for url in links if re.match(r"https?://(127\.0\.0\.1|papers\.example\.org)", url)}
        for one in ours:
            assert web.get(one).status == 200, (name, one)
