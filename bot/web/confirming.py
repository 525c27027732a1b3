"""/confirm/TOKEN: what somebody would get, and the button that says yes to it."""

from flask import Blueprint, Response, abort, request

from bot.core.subscriber.subscriber import Subscriber
from bot.mail.tokens import Token
from bot.pipeline import signup
from bot.pipeline.recent_papers import RecentPapers
from bot.pipeline.signup import Asked, Visit
from bot.web import query_form
from bot.web.query_form import PreviewView
from bot.web.site import Site
from bot.web.visitors import network_of


def blueprint(site: Site, papers: RecentPapers) -> Blueprint:
    pages = Blueprint("confirming", __name__)

    def opened(token: str) -> Token:
        return site.opened(token, "confirm")[0]

    @pages.get("/confirm/<token>")
    def ask(token: str) -> Response:
        return page_of(signup.asked(site.database, opened(token)), "confirm.html")

    @pages.post("/confirm/<token>")
    def confirm(token: str) -> Response:
        visit = Visit(network=network_of(request), form="/confirm")
        return page_of(signup.confirm(site.database, opened(token), visit, site.clock()), "confirmed.html")

    def page_of(found: Asked | None, template: str) -> Response:
        """How it stands: open, said yes to, or over since they have left."""
        if found is None:
            abort(404)
        if found.state == "over":
            return site.page("left.html", private=True)
        own = found.subscriber
        return site.page(
            template,
            previews=previews(own) if found.state == "open" else [],
            schedule=site.language.schedule(own.schedule, own.timezone),
            done=found.state == "subscribed",
            private=True,
        )

    def previews(own: Subscriber) -> list[tuple[str, PreviewView]]:
        """Each profile, and what it would have brought."""
        now = site.clock()
        return [(profile.name, query_form.view(papers.try_query(profile.query, now))) for profile in own.profiles]

    return pages
