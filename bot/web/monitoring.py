"""/health and /metrics: whether the steps are done in time, and the numbers behind. Details are for this machine, or
for who knows the token."""

import hmac
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from datetime import datetime
from typing import Any

from flask import Blueprint, Request, Response, abort, request
from prometheus_client import CollectorRegistry, exposition
from prometheus_client.core import GaugeMetricFamily, Metric

from bot.pipeline.liveness import DATABASE_ANSWERS_WITHIN, liveness
from bot.store import Connection, edition_reports, outbox, sources, subscribers, summaries, ticks
from bot.store.database import answers_within
from bot.web.site import Site
from bot.web.visitors import is_local


def blueprint(site: Site) -> Blueprint:
    pages = Blueprint("monitoring", __name__)
    asking = ThreadPoolExecutor(max_workers=2, thread_name_prefix="health")

    def in_time() -> dict[str, Any]:
        with answers_within(DATABASE_ANSWERS_WITHIN):
            return liveness(site.database, site.clock())

    @pages.get("/health")
    def health() -> Response:
        try:
            state = asking.submit(in_time).result(DATABASE_ANSWERS_WITHIN + 1)
        except TooLate:
            state = {"ok": False, "reason": "the database does not answer in time"}
        shown = state if may_see_details(site, request) else {"ok": state["ok"]}
        return Response(json.dumps(shown), 200 if state["ok"] else 503, content_type="application/json")

    @pages.get("/metrics")
    def metrics() -> Response:
        if not may_see_details(site, request):
            abort(403)
        registry = CollectorRegistry()
        with site.database.read() as tx:
            registry.register(_Once(families(tx, site.clock())))
        return Response(exposition.generate_latest(registry), content_type=exposition.CONTENT_TYPE_PLAIN_0_0_4)

    return pages


def may_see_details(site: Site, request: Request) -> bool:
    """From this machine without a proxy, or with the token."""
    token = site.settings.metrics_token
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if token and scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode()):
        return True
    return is_local(request)


class _Once:
    """Families already made, as a collector."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def families(tx: Connection, now: datetime) -> Iterable[Metric]:
    """Everything Prometheus is told."""
    accounts = edition_reports.accounts(tx)
    yield _gauge("matches", "Matches of subscribers and papers by what became of them.", "fate", accounts)
    gap = 2 * accounts["matched"] - sum(accounts.values())
    yield _gauge("unaccounted", "Matches made that are in no account; anything but 0 is a fault.", "", {"": gap})
    steps = {step: (now - tick.at).total_seconds() for step, tick in ticks.latest_ticks(tx).items()}
    yield _gauge("tick_age_seconds", "Since each step of the worker last ran.", "step", steps)
    records = sources.records(tx)
    state = GaugeMetricFamily("paperlark_source_state", "1 for the state it is in.", labels=["source", "state"])
    for name, record in records.items():
        state.add_metric([name, record.state], 1)
    yield state
    ages = {name: (now - one.last_success).total_seconds() for name, one in records.items() if one.last_success}
    yield _gauge("source_age_seconds", "Since each source was last read.", "source", ages)
    news = {name: (now - one.last_new).total_seconds() for name, one in records.items() if one.last_new}
    yield _gauge("source_news_age_seconds", "Since each source last brought a new paper.", "source", news)
    yield _gauge("outbox_waiting", "Editions on their way.", "", {"": outbox.waiting(tx)})
    oldest = outbox.oldest_waiting(tx)
    age = max(0.0, (now - oldest).total_seconds()) if oldest else 0
    yield _gauge("outbox_age_seconds", "How long the oldest mail on its way has been due.", "", {"": age})
    yield _gauge("deliveries", "Editions of the last 90 days by result.", "result", edition_reports.count_by_state(tx))
    spent = summaries.spend(tx, now.date())
    calls = {"written": spent.written, "thrown away": spent.thrown_away, "failed": spent.failed}
    yield _gauge("summary_calls", "Questions to the language model today (UTC).", "", {"": spent.calls})
    yield _gauge("summary_answers", "What came of them, today (UTC).", "result", calls)
    yield _gauge("summary_tokens", "Tokens they cost, today (UTC).", "", {"": spent.tokens})
    left_alone, _ = summaries.left_alone_until(tx, now)
    yield _gauge("summary_paused", "1 while the model is left alone.", "", {"": int(left_alone is not None)})
    yield _gauge("subscribers", "Subscribers by status.", "status", subscribers.count_by_status(tx))


def _gauge(name: str, words: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"paperlark_{name}", words, labels=[label] if label else [])
    for key, value in values.items():
        family.add_metric([key] if label else [], value)
    return family
