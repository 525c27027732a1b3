"""Tastes as their readers meet them: learnt by a run, used in letters, shown by the verb."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.cli.test_cli import Ran, mails, run, text_of  # noqa: F401  (a fixture)

Run = Callable[..., Ran]
KEY = "zot-0123456789"

GRASPING = (
    "Tactile sensing lets a gripper feel when grasping slips",
    "A gripper that learns grasping from few demonstrations",
    "Grasping transparent objects with a soft gripper",
    "Tactile grasping of deformable objects in clutter",
    "Dexterous grasping from a single tactile view",
    "Slip detection for a tactile gripper",
)
NEW = {
    "2611.20001": "A tactile gripper for grasping fruit",
    "2611.20002": "Grasping cables with a soft tactile gripper",
    "2611.20003": "Sparse attention for very long documents",
    "2611.20004": "Language models that prove theorems",
    "2611.20005": "Video tokenizers without a codebook",
    "2611.20006": "Attention heads that remember",
}
CONFIG = """
database = "sqlite:///paperlark.db"
[mail]
from = "Paperlark <digest@example.org>"
url = "maildir:mail"
[[sources]]
name = "hf"
type = "huggingface"
url = "{server}/papers"
private = true
catch_up = 0
[[subscribers]]
email = "ada@example.org"
digest = "daily 07:30"
trending = {trending}
{keys}
"""


def bibtex(titles: tuple[str, ...]) -> str:
    return "\n".join(
        f"@article{{k{number}, title = {{{title}}}, year = {{2025}}, abstract = {{We study this. {title}.}}}}"
        for number, title in enumerate(titles)
    )


@dataclass
class Served:
    """What the server has, and what it was asked."""

    papers: dict[str, str] = field(default_factory=lambda: dict(NEW))
    pages: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def served() -> Iterator[Served]:
    world = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            world.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            parts = urlsplit(self.path)
            if parts.path == "/papers":
                entry = {"upvotes": 3}
                body: Any = [
                    {
                        "paper": {"id": number, "title": title, "summary": f"We report on it. {title}.", **entry},
                        "publishedAt": "2026-11-20T00:00:00.000Z",
                        "title": title,
                    }
                    for number, title in world.papers.items()
                ]
            else:
                body = world.pages.get(parts.path)
                body = body(parse_qs(parts.query)) if callable(body) else body
            status = 404 if body is None else 200
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    world.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield world
    server.shutdown()
    server.server_close()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, served: Served) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "papers.bib").write_text(bibtex(GRASPING))
    configure(tmp_path, served, 'library = "papers.bib"')
    return tmp_path


def configure(place: Path, served: Served, keys: str, trending: int = 0) -> None:
    (place / "config.toml").write_text(CONFIG.format(server=served.url, keys=keys, trending=trending))


def letter(place: Path) -> str:
    """The text of the last letter, in one line."""
    return " ".join(text_of(mails(place)[-1]).split()) if (place / "mail").is_dir() else ""


def version(place: Path) -> int:
    connection = sqlite3.connect(place / "paperlark.db")
    try:
        row = connection.execute("SELECT version FROM taste").fetchone()
        return int(row[0]) if row else 0
    finally:
        connection.close()


def once(run: Run, moment: str = "2026-11-20T09:00Z") -> Any:  # noqa: F811
    ran = run("once", "--force", "--json", "--now", moment)
    assert ran.code == 0, ran.err
    return ran.json


def test_papers_like_those_they_keep_have_a_section_and_say_why(place: Path, run: Run) -> None:  # noqa: F811
    done = once(run)
    text = letter(place)

    assert done["delivered"] == 1
    assert "2 new papers like those you keep." in text
    assert "== Like the papers you keep 2 ==" in text
    assert "A tactile gripper for grasping fruit" in text
    assert "Like your “" in text
    assert "grasping" in text.partition("Like your “")[2][:160]
    assert "theorems" not in text
    explained = run("explain", "ada@example.org", "2611.20001", "--now", "2026-11-20T09:05Z").out
    assert "Told as like the papers they keep in the digest" in explained


def test_nothing_is_told_twice_and_what_is_new_comes_next(place: Path, served: Served, run: Run) -> None:  # noqa: F811
    once(run)
    again = once(run, "2026-11-20T10:00Z")
    served.papers["2611.20009"] = "Tactile skin for a grasping gripper"
    later = once(run, "2026-11-20T11:00Z")

    assert (again["digests"], later["digests"]) == (0, 1)
    assert "Tactile skin" in "".join(text_of(mail) for mail in mails(place))
    assert sum("grasping fruit" in text_of(mail) for mail in mails(place)) == 1


def test_it_is_learnt_again_only_when_something_has_changed(place: Path, run: Run) -> None:  # noqa: F811
    once(run)
    once(run, "2026-11-20T10:00Z")
    unchanged = version(place)
    (place / "papers.bib").write_text(bibtex((*GRASPING, "Grasping with suction cups")))
    once(run, "2026-11-20T11:00Z")

    assert (unchanged, version(place)) == (1, 2)


def test_with_order_the_profiles_bring_the_same_in_another_order(place: Path, served: Served, run: Run) -> None:  # noqa: F811
    profile = '[[subscribers.profiles]]\nname = "All"\nkeywords = ["attention", "grasping", "theorems", "video"]'
    plain, ordered = [], []
    for use, found in (("off", plain), ("order", ordered)):
        configure(place, served, f'library = "papers.bib"\ntaste = "{use}"\nmax_papers = 10\n{profile}')
        once(run, "2026-11-20T09:00Z")
        preview = run("preview", "ada@example.org", "--out", use, "--days", "2", "--now", "2026-11-20T09:30Z")
        assert preview.code == 0
        text = (place / use / "ada@example.org.txt").read_text()
        found += [title for title in NEW.values() if title in " ".join(text.split())]
        found.sort(key=" ".join(text.split()).rindex)

    assert sorted(plain) == sorted(ordered)
    places = [sum(found.index(title) for title in found if "rasping" in title) for found in (plain, ordered)]
    assert "rasping" in ordered[0]
    assert places[1] < places[0]
    assert "Like the papers you keep" not in (place / "order" / "ada@example.org.txt").read_text()


def test_alerts_know_nothing_of_it(place: Path, served: Served, run: Run) -> None:  # noqa: F811
    profile = '[[subscribers.profiles]]\nkeywords = ["theorems"]\nalert = true'
    configure(place, served, f'library = "papers.bib"\n{profile}')
    once(run)
    served.papers["2611.20010"] = "Tactile grasping again with a gripper"
    served.papers["2611.20011"] = "More theorems"
    told = run("once", "--json", "--now", "2026-11-20T12:00Z").json

    assert told["alerts"] == 1
    alert = next(mail for mail in mails(place) if "More theorems" in text_of(mail))
    assert "grasping again" not in text_of(alert)


def test_with_too_few_papers_there_is_no_taste_and_it_says_so(place: Path, served: Served, run: Run) -> None:  # noqa: F811
    (place / "papers.bib").write_text(bibtex(GRASPING[:4]))
    configure(place, served, 'library = "papers.bib"', trending=3)
    done = once(run)
    shown = run("taste", "ada@example.org", "--now", "2026-11-20T09:00Z")

    assert done["delivered"] == 1, "as without a profile: what trends"
    assert "Like the papers you keep" not in letter(place)
    assert shown.code == 2
    assert "4 papers in the library" in shown.err
    assert "5 papers or more" in shown.err


def test_thumbs_alone_are_a_taste_and_less_counts_against(place: Path, served: Served, run: Run) -> None:  # noqa: F811
    configure(place, served, 'taste = "profile"', trending=6)
    served.papers |= {f"2611.3000{number}": title for number, title in enumerate(GRASPING)}
    once(run)
    connection = sqlite3.connect(place / "paperlark.db")
    rows = connection.execute("SELECT id, data FROM paper").fetchall()
    for paper_id, data in rows:
        title = json.loads(data)["title"]
        kind = "more" if title in GRASPING else "less" if "theorems" in title else ""
        if kind:
            connection.execute("INSERT INTO thumb VALUES (1, ?, ?, '2026-11-20 09:30:00.000000')", (paper_id, kind))
    connection.commit()
    connection.close()
    served.papers["2611.20012"] = "A gripper with tactile pads for grasping"
    once(run, "2026-11-20T11:00Z")
    shown = run("taste", "ada@example.org", "--json", "--now", "2026-11-20T11:05Z").json

    assert (shown["liked"], shown["disliked"], shown["version"], shown["use"]) == (6, 1, 2, "profile")
    assert any("Like your “" in text_of(mail) and "tactile pads" in text_of(mail) for mail in mails(place))


def test_zotero_is_asked_page_by_page_with_its_key_in_a_header(place: Path, served: Served, run: Run) -> None:  # noqa: F811
    items = [
        {"key": f"K{number}", "data": {"itemType": "journalArticle", "title": title, "date": "2025-03-01"}}
        for number, title in enumerate(GRASPING)
    ]
    items.insert(2, {"key": "N1", "data": {"itemType": "note", "note": "no paper"}})

    def page(query: dict[str, list[str]]) -> list[Any]:
        start = int(query["start"][0])
        return items[start : start + 3]  # fewer than were asked for

    served.pages["/users/4711/items/top"] = page
    place_of_it = f"{served.url}/users/4711/items?key={KEY}"
    configure(place, served, f'library = "{place_of_it}"\nprivate = true')
    once(run)
    shown = run("taste", "ada@example.org", "--json", "--now", "2026-11-20T09:05Z")
    asked = [(path, headers) for path, headers in served.asked if path.startswith("/users/")]

    assert shown.json["library"] == 6
    assert "Like the papers you keep" in letter(place)
    assert [parse_qs(urlsplit(path).query)["start"] for path, _ in asked] == [["0"], ["3"], ["6"], ["7"]]
    assert all(headers["zotero-api-key"] == KEY and KEY not in path for path, headers in asked)
    assert KEY not in shown.out + shown.err


def test_a_library_on_the_web_is_asked_for_once_a_day_and_kept_when_it_fails(
    place: Path,
    served: Served,
    run: Run,  # noqa: F811
) -> None:
    served.pages["/my.bib"] = bibtex(GRASPING).encode()
    configure(place, served, f'library = "{served.url}/my.bib"\nprivate = true')
    for moment in ("2026-11-20T09:00Z", "2026-11-20T12:00Z"):
        once(run, moment)
    number = sum(path == "/my.bib" for path, _ in served.asked)
    del served.pages["/my.bib"]
    once(run, "2026-11-21T12:00Z")
    shown = run("taste", "ada@example.org", "--json", "--now", "2026-11-21T12:05Z").json

    assert number == 1
    assert version(place) == 1, "what cannot be read is as it was"
    assert shown["library"] == 6
    assert "404" in shown["problems"][0]


def test_a_library_on_loopback_is_refused_unless_private(place: Path, served: Served, run: Run) -> None:  # noqa: F811
    served.pages["/my.bib"] = bibtex(GRASPING).encode()
    configure(place, served, f'library = "{served.url}/my.bib"', trending=1)
    once(run)
    shown = run("taste", "ada@example.org", "--json", "--now", "2026-11-20T09:05Z").json

    assert not any(path == "/my.bib" for path, _ in served.asked)
    assert "private = true" in shown["problems"][0]


def test_check_names_a_library_that_is_not_there(place: Path, served: Served, run: Run) -> None:  # noqa: F811
    configure(place, served, 'library = ["papers.bib", "gone/*.ris"]')
    checked = run("check", "--now", "2026-11-20T09:00Z")

    assert checked.code == 0
    assert "there is no library" in checked.err
    assert "gone/*.ris" in checked.err
    assert "papers.bib" not in checked.err.partition("there is no library")[2]
    configure(place, served, 'library = "papers.bib"\ntaste = "ordr"')
    refused = run("check")
    assert refused.code == 2
    assert 'did you mean "order"?' in refused.err


def test_the_verb_shows_words_weights_sources_and_the_query(place: Path, run: Run) -> None:  # noqa: F811
    once(run)
    shown = run("taste", "ada@example.org", "--now", "2026-11-20T09:05Z").out

    assert "Learnt from 6 papers" in shown
    assert "     9  " in shown
    assert any(word in shown.partition("The best")[0] for word in ("grasping", "gripper"))
    assert "like " in shown.partition("The best of the last 30 days")[2]
    assert "[[subscribers.profiles]]" in shown
    assert 'taste = "profile"' in shown
