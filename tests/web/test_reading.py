"""Editions in the browser, as citations and feeds, and the public archive: whole, clean, cheap to ask again."""

import io
import json
import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import feedparser
import pytest

from bot.core.source.document import Document, Request
from bot.mail import tokens
from bot.pipeline.compose.compose import compose
from bot.sources.feed import Settings
from bot.sources.feed import parse as parse_feed
from bot.store import edition_reports
from tests.web.conftest import CONFIG, NOW, SECRET, Start, Web
from tests.web.test_signup import collect_papers, mails

PROFILE = """
digest = "daily 07:30"
max_papers = 3
trending = 0
[[subscribers.profiles]]
name = "Attention"
keywords = ["sparse attention"]
"""
NASTY = 'Sparse attention </title><script>x</script> \u202e}} @misc{a, \n[x](javascript:y) "quoted" & \\input{/etc} %'
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def told(start: Start) -> Web:
    """A web process with one edition of 12 papers, of which a letter shows three."""
    web = start(CONFIG + PROFILE)
    collect_papers(web, 12)
    assert compose(web.database, web.clock(), web.app.identity.message_id, force=True).digests == 1
    return web


def link(web: Web, purpose: tokens.Purpose, item: int = 0, epoch: int = 0) -> str:
    return tokens.seal_renewable(SECRET, purpose, 1, item, epoch=epoch, now=web.clock())


def edition_id(web: Web) -> int:
    with web.database.read() as tx:
        return edition_reports.newest_of(tx, 1)


def test_an_edition_is_whole_in_the_browser(told: Web) -> None:
    page = told.get("/e/" + link(told, "edition", edition_id(told)))
    assert page.status == 200
    assert page.text.count('<article class="paper">') == 12
    assert "Attention" in page.words
    assert "more like this" in page.words
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert "unsafe-inline" not in page.headers["content-security-policy"]
    assert "<style" not in page.text
    assert 'style="' not in page.text


def test_citations_hold_everything_in_order(told: Web) -> None:
    bibtexparser, rispy = pytest.importorskip("bibtexparser"), pytest.importorskip("rispy")
    token = link(told, "edition", edition_id(told))
    bib = told.get(f"/e/{token}.bib")
    library = bibtexparser.parse_string(bib.text)
    assert len(library.entries) == 12
    assert not library.failed_blocks
    assert {entry["eprint"] for entry in library.entries} == {f"2611.{one:05}" for one in range(12)}
    assert len({entry.key for entry in library.entries}) == 12
    ris = rispy.load(io.StringIO(told.get(f"/e/{token}.ris").text))
    assert len(ris) == 12
    assert ris[0]["title"] == "Sparse attention number 0"
    assert told.get(f"/e/{token}.md").text.count("\n- [") == 12
    assert "attachment" in bib.headers["content-disposition"]
    assert told.get(f"/e/{token}.exe").status == 404


def test_hostile_papers_do_no_harm_in_any_form(start: Start) -> None:
    web = start(CONFIG + PROFILE)
    collect_papers(web, 2, NASTY)
    compose(web.database, web.clock(), web.app.identity.message_id, force=True)
    token = link(web, "edition", edition_id(web))
    feed = link(web, "feed")
    assert "<script>" not in web.get(f"/e/{token}").text
    bibtexparser = pytest.importorskip("bibtexparser")
    assert len(bibtexparser.parse_string(web.get(f"/e/{token}.bib").text).entries) == 2
    assert not re.search(r"(?<!\\)\]\(javascript", web.get(f"/e/{token}.md").text)
    assert web.get(f"/e/{token}.ris").text.count("TY  - ") == 2
    assert ElementTree.fromstring(web.get(f"/feed/{feed}.atom").text) is not None
    assert len(json.loads(web.get(f"/feed/{feed}.json").text)["items"]) == 2
    assert "<script>" not in web.get(f"/archive/{web.clock().date()}").text


def test_feeds_are_read_by_feed_readers_and_our_own_source(told: Web) -> None:
    token = link(told, "feed")
    atom = told.get(f"/feed/{token}.atom")
    assert atom.headers["content-type"].startswith("application/atom+xml")
    read = feedparser.parse(atom.text)
    assert not read.bozo
    assert len(read.entries) == 12
    assert read.entries[0].id.startswith("tag:example.org,2026:paper/arxiv:2611.")
    assert read.entries[0].link.startswith("https://arxiv.org/abs/2611.")
    root = ElementTree.fromstring(atom.text)
    for entry in [root, *root.findall(f"{ATOM}entry")]:  # RFC 4287 4.1: what each must have, once
        for name in ("id", "title", "updated"):
            assert len(entry.findall(ATOM + name)) == 1
    made = json.loads(told.get(f"/feed/{token}.json").text)
    assert made["version"] == "https://jsonfeed.org/version/1.1"
    assert len(made["items"]) == 12
    assert all(item["id"] and item["content_text"] and item["url"] for item in made["items"])
    assert SECRET not in atom.text
    assert "ada@example.org" not in atom.text
    assert our_source_reads(atom.text) == 12


def our_source_reads(text: str) -> int:
    settings = Settings(url="https://papers.example.org/feed")
    made = Document(
        request=Request(location=settings.url),
        location=settings.url,
        body=text.encode(),
        fetched=NOW,
        content_type="application/atom+xml",
    )
    return len(parse_feed(made, settings).listings)


def test_feeds_are_valid_atom(told: Web, tmp_path: Path) -> None:
    """By the grammar of RFC 4287, with ordinary and with hostile papers; every id stands once."""
    if shutil.which("xmllint") is None:
        pytest.skip("xmllint is not installed")
    collect_papers(told, 3, NASTY)
    told.clock.move(hours=1)
    compose(told.database, told.clock(), told.app.identity.message_id, force=True)
    grammar = Path(__file__).with_name("atom.rng")
    for path in (f"/feed/{link(told, 'feed')}.atom", "/archive.atom"):
        text = told.get(path).text
        (tmp_path / "feed.xml").write_text(text)
        command = ["xmllint", "--nonet", "--noout", "--relaxng", str(grammar), str(tmp_path / "feed.xml")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        ids = [one.text for one in ElementTree.fromstring(text).iter(f"{ATOM}id")]
        assert len(ids) == len(set(ids)) > 10


def test_asking_a_feed_again(told: Web) -> None:
    path = f"/feed/{link(told, 'feed')}.atom"
    first = told.get(path)
    etag = first.headers["etag"]
    for _ in range(3):
        again = told.get(path, If_None_Match=etag)
        assert again.status == 304
        assert again.text == ""
    plain = told.get(path)
    assert plain.status == 429
    assert 0 < int(plain.headers["retry-after"]) <= 300
    told.clock.move(days=1)
    collect_papers(told, 14)
    compose(told.database, told.clock(), told.app.identity.message_id, force=True)
    newer = told.get(path, If_None_Match=etag)
    assert newer.status == 200
    assert newer.headers["etag"] != etag
    assert len(feedparser.parse(newer.text).entries) == 14


def test_a_feed_is_bounded(start: Start) -> None:
    web = start(CONFIG + PROFILE)
    collect_papers(web, 150, "Sparse attention " + "and more " * 900)
    compose(web.database, web.clock(), web.app.identity.message_id, force=True)
    for form in ("atom", "json"):
        answer = web.get(f"/feed/{link(web, 'feed')}.{form}")
        assert len(answer.text.encode()) <= 512 * 1024
    assert len(feedparser.parse(web.get(f"/feed/{link(web, 'feed')}.atom").text).entries) <= 100


def test_feed_as_a_cadence_sends_no_mail(start: Start) -> None:
    web = start(CONFIG + PROFILE.replace("daily 07:30", "feed"))
    collect_papers(web, 12)
    web.clock.move(days=1)
    assert compose(web.database, web.clock(), web.app.identity.message_id).digests == 1
    assert mails(web) == []
    assert len(feedparser.parse(web.get(f"/feed/{link(web, 'feed')}.atom").text).entries) == 12
    with web.database.read() as tx:
        books = edition_reports.accounts(tx)
    assert books["matched"] == books["delivered"] == 12


def test_a_letter_has_its_links_and_no_others_open_with_them(told: Web) -> None:
    (letter,) = mails(told)
    body = letter.get_body(("html",))
    assert body is not None
    found = set(re.findall(r"https://papers\.example\.org(/\w+/[a-z2-7]+)", body.get_content()))
    kinds = {path.split("/")[1] for path in found}
    assert {"u", "e", "manage", "t"} <= kinds
    assert letter["List-Archive"] == "<https://papers.example.org/archive>"
    for path in found:
        assert told.get(path).status == 200, path
        token = path.split("/")[2]
        for other in ("confirm", "admin"):
            assert told.get(f"/{other}/{token}").status == 404
            assert told.post(f"/{other}/{token}").status in (404, 405)
        assert told.get(f"/feed/{token}.atom").status == 404


def test_renewed_links_open_nothing_but_leaving_and_thumbs_do(told: Web) -> None:
    from bot.pipeline import preferences

    edition, feed = link(told, "edition", edition_id(told)), link(told, "feed")
    preferences.renew_links(told.database, 1)
    assert told.get(f"/e/{edition}").status == told.get(f"/feed/{feed}.atom").status == 404
    assert told.get("/u/" + tokens.seal(SECRET, "unsubscribe digest", 1)).status == 200
    assert told.get("/t/" + tokens.seal(SECRET, "more", 1, 1)).status == 200
    assert told.get("/feed/" + link(told, "feed", epoch=1) + ".atom").status == 200


def test_editions_of_others_are_not_shown(told: Web) -> None:
    stranger = tokens.seal_renewable(SECRET, "edition", 1, edition_id(told) + 1, epoch=0, now=told.clock())
    assert told.get(f"/e/{stranger}").status == 404
    assert told.get("/e/" + link(told, "feed")).status == 404


def test_the_archive(told: Web) -> None:
    assert "2026-11-20" in told.get("/archive").text
    day = told.get("/archive/2026-11-20")
    assert "Sparse attention number 11" in day.words
    assert "public" in day.headers["cache-control"]
    assert "/t/" not in day.text
    for path in ("2026-11-21", "2026-11-19", "1999-01-01", "20261120", "x", "2026-11-20x"):
        assert told.get(f"/archive/{path}").status == 404
    feed = told.get("/archive.atom")
    assert len(feedparser.parse(feed.text).entries) == 12
    assert told.get("/archive.atom", If_None_Match=feed.headers["etag"]).status == 304
    as_json = told.get("/archive.json")
    items = json.loads(as_json.text)["items"]
    assert as_json.headers["content-type"].startswith("application/feed+json")
    assert [item["id"] for item in items] == [entry.id for entry in feedparser.parse(feed.text).entries]
    assert told.get("/archive.json", If_None_Match=as_json.headers["etag"]).status == 304
    assert told.get("/archive.xml").status == 404


def test_no_archive_where_none_is_wanted(start: Start) -> None:
    web = start(archive=False)
    for path in ("/archive", "/archive/2026-11-20", "/archive.atom", "/archive.json"):
        assert web.get(path).status == 404


def test_thumbs(told: Web) -> None:
    from bot.store import thumbs

    def given() -> set[tuple[int, str]]:
        with told.database.read() as tx:
            return {(thumb.paper_id, thumb.kind) for thumb in thumbs.of_subscriber(tx, 1)}

    more, less, save = ("/t/" + tokens.seal(SECRET, kind, 1, 2) for kind in thumbs.KINDS)
    assert "Sparse attention number 1" in told.get(more).words
    assert given() == set()
    told.post(more)
    told.post(more)
    told.post(save)
    assert given() == {(2, "more"), (2, "save")}
    told.post(less)
    assert given() == {(2, "less"), (2, "save")}
    told.post(less, {"undo": "1"})
    assert given() == {(2, "save")}
    assert told.get("/t/" + tokens.seal(SECRET, "more", 1, 999)).status == 404
    told.clock.now += timedelta(days=4000)
    assert told.get(more).status == 200
