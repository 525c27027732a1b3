"""/admin/TOKEN: the operator's page. It only reads: what comes, who reads, what waits, what is wrong and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import escape
from typing import Any

from flask import Blueprint, Response, abort
from markupsafe import Markup

from bot.mail import tokens
from bot.pipeline.deliver.pacing import CHANNEL, PREFIX
from bot.pipeline.liveness import late_steps
from bot.store import (
    Connection,
    cursors,
    edition_reports,
    history,
    mail_pacing,
    mail_requests,
    returned_mail,
    sources,
    subscribers,
    ticks,
)
from bot.web.site import Site

DAYS = 30
BAR, HEIGHT, GAP = 6, 40, 1  # pixels of a plot
ACCOUNT_DAYS = 14
MOST_ERRORS = 10
AGES = (
    ("under a minute", timedelta(minutes=1)),
    ("under an hour", timedelta(hours=1)),
    ("under a day", timedelta(days=1)),
)
FIXES = {  # by the outcome of a try to send
    "retry": "nothing to do: it is tried again by itself",
    "refused": "that mailbox refuses it; who goes on refusing gets nothing more",
    "ours": "it is about us: `paperlark doctor` looks at the relay, SPF, DKIM and DMARC",
    "too big": "over that server's limit: fewer papers (max_papers) make a smaller letter",
    returned_mail.BOUNCED: "it came back; who goes on refusing gets nothing more",
    returned_mail.OURS: "it came back because of us: `paperlark doctor` looks at the relay, SPF, DKIM and DMARC",
    "unknown": "nobody can say whether it arrived: `paperlark status` lists it, `paperlark why` tells its life",
}
ADVICE = {
    "failing": "paperlark read TYPE recording:N replays what could not be read; docs/sources.md",
    "stale": "look at the source's own page: it may have moved, or be on holiday",
    "waiting": "nothing to do: it asked us to come later",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOverview:
    """One source of the page."""

    name: str
    state: str
    since: datetime
    last_new: datetime | None
    next_try: datetime | None
    reason: str
    advice: str
    plot: Markup
    total: int


def blueprint(site: Site) -> Blueprint:
    pages = Blueprint("admin", __name__)

    @pages.get("/admin/<token>")
    def overview(token: str) -> Response:
        opened = tokens.unseal(site.identity.secret, token.lower())
        now = site.clock()
        if (
            opened is None
            or (opened.purpose, opened.subscriber_id) != ("admin", 0)
            or not tokens.is_live(opened, 0, now)
        ):
            abort(404)
        site.speak_english()
        with site.database.read() as tx:
            return site.page("admin.html", private=True, now=now, **collected(tx, now))

    return pages


def collected(tx: Connection, now: datetime) -> dict[str, Any]:
    """All the page shows."""
    days = [now.date() - timedelta(days=ago) for ago in reversed(range(DAYS))]
    volume = sources.listed_by_day(tx, now - timedelta(days=DAYS))
    signups = mail_requests.asked_by_day(tx, now - timedelta(days=DAYS))
    known = ticks.latest_ticks(tx)
    return {
        "sources": [source_row(name, one, volume.get(name, {}), days) for name, one in sources.records(tx).items()],
        "papers": history.count(tx),
        "statuses": subscribers.count_by_status(tx),
        "origins": subscribers.count_by_origin(tx),
        "asked": len(signups),
        "confirmed": sum(done for _, done in signups),
        "signup_plot": Markup(bars(per_day([at.date() for at, _ in signups], days), "sign-ups by day")),  # noqa: S704
        "next_due": cursors.next_due(tx),
        "waiting": by_age(edition_reports.waiting_since(tx), now),
        "accounts": [(day, edition_reports.accounts(tx, day)) for day in edition_reports.last_days(tx, ACCOUNT_DAYS)],
        "fates": edition_reports.BOOKS,
        "deliveries": edition_reports.count_by_state(tx),
        "held": mail_pacing.held(tx, now, PREFIX),
        "prefix": PREFIX,
        "left_alone": mail_pacing.held(tx, now, CHANNEL),
        "errors": [(*one, FIXES.get(one[1], "")) for one in edition_reports.last_errors(tx, MOST_ERRORS)],
        "ticks": list(known.values()),
        "late": late_steps(known, now),
    }


def source_row(name: str, record: sources.SourceRecord, by_day: dict[date, int], days: list[date]) -> SourceOverview:
    values = [by_day.get(day, 0) for day in days]
    words = f"{name}: {sum(values)} listings in {DAYS} days, {max(values, default=0)} on the busiest"
    return SourceOverview(
        name=name,
        state=record.state,
        since=record.since,
        last_new=record.last_new,
        next_try=record.next_try,
        reason=record.reason,
        advice=ADVICE.get(record.state, ""),
        plot=Markup(bars(values, words)),  # noqa: S704  (made of numbers and escaped words)
        total=sum(values),
    )


def per_day(moments: list[date], days: list[date]) -> list[int]:
    return [moments.count(day) for day in days]


def by_age(moments: list[datetime], now: datetime) -> list[tuple[str, int]]:
    """How many have been due for how long."""
    counted = dict.fromkeys((words for words, _ in AGES), 0) | {"longer": 0}
    for moment in moments:
        counted[next((words for words, age in AGES if now - moment < age), "longer")] += 1
    return list(counted.items())


def bars(values: Sequence[int], words: str) -> str:
    """A plot as SVG, without styles of its own or script: one bar for each value, oldest first. `words` say the same to
    who cannot see it."""
    most = max(values, default=0)
    columns = []
    for number, value in enumerate(values):
        height = round(HEIGHT * value / most) if most else 0
        height = max(height, 1) if value else 0
        columns.append(
            f'<rect x="{number * (BAR + GAP)}" y="{HEIGHT - height}" width="{BAR}" height="{height}"></rect>'
        )
    width = len(values) * (BAR + GAP)
    return (
        f'<svg class="plot" role="img" aria-label="{escape(words)}" width="{width}" height="{HEIGHT}" '
        f'viewBox="0 0 {width} {HEIGHT}"><title>{escape(words)}</title>{"".join(columns)}</svg>'
    )
