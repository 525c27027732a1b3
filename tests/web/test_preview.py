"""The live preview: for programs as JSON, for people as a piece of a page; kept, renewed, limited."""

import json
from datetime import timedelta
from urllib.parse import urlencode

from bot.core.query import parse
from bot.pipeline.recent_papers import RecentPapers
from tests.web.conftest import Start, Web
from tests.web.test_signup import collect_papers

JSON = {"Accept": "application/json"}


def ask(web: Web, **fields: str) -> dict[str, object]:
    answer = web.ask("GET", "/preview?" + urlencode(fields), headers=JSON)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    return dict(json.loads(answer.text))


def test_what_a_query_would_have_brought(web: Web) -> None:
    collect_papers(web, 4)
    found = ask(web, query='"sparse attention" AND (study OR zebra)')

    assert found["papers"] == found["matched"] == 4
    assert found["per_day"] == 4
    assert found["best"][0] == {  # type: ignore[index]
        "title": "Sparse attention number 0",
        "url": "https://arxiv.org/abs/2611.00000",
        "day": "2026-11-20",
    }
    assert found["idle"] == ["zebra"]
    assert found["error"] is None
    assert ask(web, keywords="nothing of the kind\nsparse attention, zebra")["matched"] == 4


def test_a_wrong_query_says_where(web: Web) -> None:
    found = ask(web, query="alpha OR and beta")
    error = found["error"]
    assert isinstance(error, dict)
    assert error["column"] == 10
    assert error["message"]
    assert ask(web, keywords="fine, a AND b")["error"] is None  # several words are a phrase
    error = ask(web, keywords="fine, -alpha")["error"]
    assert isinstance(error, dict)
    assert error["column"] == 7
    assert isinstance(ask(web)["error"], dict)


def test_people_get_a_piece_of_the_page(web: Web) -> None:
    collect_papers(web, 2, "<b>Bold</b> claims")
    answer = web.get("/preview?keywords=claims")
    assert answer.headers["content-type"].startswith("text/html")
    assert "about 2 a day" in answer.words.lower()
    assert "<html" not in answer.text
    assert "<b>" not in answer.text
    caret = web.get("/preview?" + urlencode({"query": "a AND (<i>b"}))
    assert "<pre>" in caret.text
    assert "<i>" not in caret.text


def test_what_would_bring_more_is_named(web: Web) -> None:
    collect_papers(web, 6, "Quantized nets")
    collect_papers(web, 3, "Quantization of quantized nets")
    found = ask(web, query="quantization")
    assert found["matched"] == 3
    assert found["suggestions"] == [{"kind": "form", "term": "quantization", "add": "quantized", "papers": 3}]
    assert "Would bring more: quantized (3)" in web.get("/preview?query=quantization").words


def test_new_papers_are_found_at_once(web: Web) -> None:
    assert ask(web, query="attention")["papers"] == 0
    collect_papers(web, 3)
    assert ask(web, query="attention")["matched"] == 3


def test_exact_words_names_and_numbers_are_found_in_what_is_kept(web: Web) -> None:
    collect_papers(web, 3, "GraphRAG by Ünal")
    recent = RecentPapers(web.database)
    found = {
        text: recent.try_query(parse(text), web.clock() + timedelta(hours=1)).found.matched
        for text in ("=GraphRAG", "=GRAPHRAG", "graphrag", "unal", "=Ünal", "source:saved", "graph*", "upvotes>=1")
    }
    assert found == {
        "=GraphRAG": 3, "=GRAPHRAG": 0, "graphrag": 3, "unal": 3, "=Ünal": 3, "source:saved": 3, "graph*": 3,
        "upvotes>=1": 0,
    }  # fmt: skip


def test_too_many_from_one_network_have_to_wait(start: Start) -> None:
    web = start(proxies=1)
    answers = [
        web.ask("GET", f"/preview?query=word{number}", headers={"X-Forwarded-For": f"203.0.113.{number}"})
        for number in range(40)
    ]
    refused = [answer for answer in answers if answer.status == 429]
    assert refused
    assert refused[0].headers["retry-after"] == "1"
    assert web.ask("GET", "/preview?query=word", headers={"X-Forwarded-For": "198.51.100.1"}).status == 200


def test_the_form_itself_is_no_way_round_the_limit(start: Start) -> None:
    web = start(proxies=1)
    seen = [web.get("/?keywords=attention", X_Forwarded_For="198.51.100.7") for _ in range(40)]
    assert {one.status for one in seen} == {200}
    assert 15 <= sum('class="preview"' in one.text for one in seen) <= 36


def test_the_preview_works_without_javascript(web: Web) -> None:
    collect_papers(web, 2)
    form = {"keywords": "sparse attention", "email": "", "show": "preview"}
    answer = web.post("/subscribe", form)
    assert answer.status == 200
    assert "about 2 a day" in answer.words.lower()
    assert ">sparse attention</textarea>" in answer.text
