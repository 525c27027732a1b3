"""/health and /metrics: what they say, and to whom."""

import json
from datetime import timedelta

import pytest

from bot.pipeline.liveness import late_steps
from bot.store import ticks
from bot.web.server import connection_limit
from tests.web.conftest import NOW, Start, Web


def tick(web: Web, step: str, ago: timedelta, good_for: timedelta) -> None:
    with web.database.write() as tx:
        ticks.note(tx, step, NOW - ago, good_for)


def test_health_names_the_last_tick_of_each_step(web: Web) -> None:
    assert json.loads(web.get("/health").text) == {"ok": True, "waiting": 0, "ticks": {}}
    tick(web, "deliver", timedelta(minutes=1), timedelta(minutes=2))

    answer = web.get("/health")

    assert answer.status == 200
    assert json.loads(answer.text)["ticks"]["deliver"]["at"] == (NOW - timedelta(minutes=1)).isoformat()
    assert web.ask("PUT", "/health").status == 405


def test_health_is_503_when_nobody_works(web: Web) -> None:
    tick(web, "deliver", timedelta(minutes=5), timedelta(minutes=2))
    tick(web, "collect", timedelta(minutes=1), timedelta(minutes=2))

    answer = web.get("/health")

    assert answer.status == 503
    assert "deliver should have run" in json.loads(answer.text)["reason"]
    assert late_steps({}, NOW) == []


def test_health_is_503_when_the_database_is_gone(web: Web) -> None:
    with web.database.write() as tx:
        tx.exec_driver_sql("DROP TABLE tick")
    assert web.get("/health").status >= 500


FORWARDED = [
    {"X-Forwarded-For": "127.0.0.1"},
    {"Forwarded": "for=127.0.0.1"},
    {"X-Real-IP": "127.0.0.1"},
    {"Via": "1.1 proxy"},
    {"X-Forwarded-Host": "localhost"},
]


@pytest.mark.parametrize("header", FORWARDED)
def test_details_are_not_for_who_comes_through_a_proxy(start: Start, header: dict[str, str]) -> None:
    web = start(metrics_token="let me see")
    tick(web, "deliver", timedelta(0), timedelta(minutes=2))

    answer = web.ask("GET", "/health", headers=header)

    assert json.loads(answer.text) == {"ok": True}
    assert web.ask("GET", "/metrics", headers=header).status == 403
    allowed = {**header, "Authorization": "Bearer let me see"}
    assert "ticks" in web.ask("GET", "/health", headers=allowed).text
    assert web.ask("GET", "/metrics", headers=allowed).status == 200
    for wrong in ("Bearer let me", "Bearer ", "Basic let me see", "let me see"):
        assert web.ask("GET", "/metrics", headers={**header, "Authorization": wrong}).status == 403


def test_metrics(web: Web) -> None:
    tick(web, "deliver", timedelta(minutes=1), timedelta(minutes=2))
    text = web.get("/metrics").text

    assert 'paperlark_matches{fate="delivered"} 0.0' in text
    assert "paperlark_unaccounted 0.0" in text
    assert 'paperlark_tick_age_seconds{step="deliver"} 60.0' in text
    assert 'paperlark_subscribers{status="active"} 1.0' in text
    assert "paperlark_summary_calls 0.0" in text
    assert 'paperlark_summary_answers{result="thrown away"} 0.0' in text
    assert "paperlark_summary_paused 0.0" in text
    assert "paperlark_outbox_age_seconds 0.0" in text


def test_there_is_room_for_many_connections() -> None:
    assert connection_limit() >= 200
