"""The trending letter for everybody, day by day, and its feeds. Nothing of any subscriber is in it."""

from datetime import date
from functools import lru_cache

from flask import Blueprint, Response, abort, request

from bot.pipeline import reading
from bot.pipeline.reading import TrendingDay
from bot.store.history import Revision
from bot.web.feeds import TYPES, Feed, entries_of, to_atom, to_json
from bot.web.shown_paper import shown_paper
from bot.web.site import Site

DAYS_KEPT = 64  # rendered days remembered
FEED_DAYS = 7
TODAY, PAST = 300, 86_400  # seconds a day's page may be kept


def blueprint(site: Site) -> Blueprint:
    pages = Blueprint("archive", __name__)

    @lru_cache(maxsize=DAYS_KEPT)
    def ranked(day: date, revision: Revision) -> TrendingDay:
        return reading.trending_at(site.database, day, revision)

    def of_day(day: date) -> TrendingDay | None:
        """A day as it was at its end, or is now; ranked again only when something has come."""
        revision = reading.revision_of(site.database, day, site.clock())
        return ranked(day, revision) if revision else None

    def public(answer: Response, seconds: int) -> Response:
        answer.headers["Cache-Control"] = f"public, max-age={seconds}"
        return answer

    @pages.before_request
    def only_if_public() -> None:
        if not site.settings.archive:
            abort(404)

    @pages.get("/archive")
    def days() -> Response:
        found = reading.archive_days(site.database, site.clock())
        return public(site.page("archive.html", days=found, private=False), TODAY)

    @pages.get("/archive/<day>")
    def day(day: str) -> Response:
        try:
            asked = date.fromisoformat(day)
        except ValueError:
            abort(404)
        found = of_day(asked) if asked.isoformat() == day else None
        if found is None:
            abort(404)
        papers = [shown_paper(paper) for paper in found.papers]
        page = site.page("archive_day.html", day=found.day, papers=papers, private=False)
        return public(page, TODAY if found.day == site.clock().date() else PAST)

    @pages.get("/archive.<any(atom, json):form>")
    def feed(form: str) -> Response:
        found = [one for day in reading.archive_days(site.database, site.clock())[:FEED_DAYS] if (one := of_day(day))]
        first_told = {paper.key: one.made for one in found for paper in one.papers}  # the oldest day wins
        domain = site.identity.domain
        updated = found[0].made if found else site.clock().replace(hour=0, minute=0, second=0, microsecond=0)
        told = [(first_told[paper.key], paper) for one in found for paper in one.papers]
        made = Feed(
            id=f"tag:{domain},2026:archive",
            title="Paperlark: trending papers",
            url=f"{site.base}/archive.{form}",
            home=f"{site.base}/archive",
            updated=updated,
            entries=entries_of(sorted(told, key=lambda one: one[0], reverse=True), domain),
        )
        answer = Response((to_json if form == "json" else to_atom)(made), content_type=TYPES[form])
        answer.add_etag()
        answer.make_conditional(request)
        return public(answer, TODAY)

    return pages
