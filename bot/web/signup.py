"""The front page, the live preview, subscribing and confirming."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, request

from bot.core.subscriber.schedule import Schedule
from bot.core.subscriber.subscriber import Subscriber, subscriber_from
from bot.core.subscriber.validation import TableError
from bot.mail import tokens
from bot.pipeline import signup
from bot.pipeline.preferences import messages_of
from bot.pipeline.recent_papers import RecentPapers
from bot.pipeline.signup import Visit
from bot.web import query_form
from bot.web.query_form import FormError, PreviewView
from bot.web.rate_limit import TokenBucket
from bot.web.site import Site
from bot.web.visitors import is_local, network_of

TOO_QUICK = timedelta(seconds=3)  # no person fills a form so fast
STALE = timedelta(hours=2)
PER_SECOND, BURST = 5, 20  # previews for one network
FIELDS = ("email", "keywords", "query", "digest", "timezone", "language")
DEFAULTS = {"email": "", "keywords": "", "query": "", "digest": "weekdays 07:30", "timezone": "UTC", "language": ""}
SCHEDULES = (
    "weekdays 07:30", "daily 07:30", "daily 18:00", "weekly mon 08:00", "weekly fri 16:00", "monthly 1 08:00", "feed",
)  # fmt: skip


def blueprint(site: Site, papers: RecentPapers) -> Blueprint:
    pages = Blueprint("signup", __name__)
    previews = TokenBucket(PER_SECOND, BURST)

    @pages.get("/")
    def front() -> Response:
        return form_page(site, papers, {name: request.args.get(name, "") for name in ("keywords", "query", "email")})

    @pages.get("/preview")
    def preview() -> Response:
        if not is_local(request) and not previews.take(network_of(request)):
            abort(Response("", 429, {"Retry-After": "1"}))
        tried = try_fields(site, papers, request.args.get("keywords", ""), request.args.get("query", ""))
        wanted = request.accept_mimetypes.best_match(["text/html", "application/json"], default="text/html")
        if wanted == "application/json":
            return Response(json.dumps(query_form.preview_json(tried)), content_type="application/json")
        answer = site.page("_preview.html", **preview_context(tried))
        answer.headers["Vary"] = "Accept, Accept-Language"
        return answer

    @pages.post("/subscribe")
    def subscribe() -> Response:
        """The same page for every address, whatever was done."""
        if site.settings.signup == "off":
            abort(404)
        fields = {name: request.form.get(name, "")[: query_form.LONGEST].strip() for name in FIELDS}
        now = site.clock()
        if request.form.get("show") == "preview":
            return form_page(site, papers, fields)
        if not may_sign_up(site, request.form.get("invite", ""), fields["email"]):
            return form_page(site, papers, fields, status=403)
        given = tokens.moment_signed(site.identity.secret, request.form.get("at", ""))
        if given is not None and now - given > STALE:
            return form_page(site, papers, fields, stale=True)
        subscriber, problems = read_form(fields)
        if subscriber is None:
            return form_page(site, papers, fields, problems, 422)
        asked_by_a_person = (
            given is not None
            and now - given >= TOO_QUICK
            and not request.form.get("website")
            and request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")
        )
        if asked_by_a_person:
            visit = Visit(network=network_of(request), form="/subscribe")
            signup.ask(site.database, site.identity, subscriber, visit, site.takes_mail, now)
        return site.page("asked.html", private=True)

    @pages.get("/confirm/<token>")
    def ask(token: str) -> Response:
        opened, _ = site.opened(token, "confirm")
        found = signup.asked(site.database, opened)
        if found is None:
            abort(404)
        if found.state == "over":
            return site.page("left.html", private=True)
        own = found.subscriber
        previews = [
            (profile.name, query_form.view(papers.try_query(profile.query, site.clock()))) for profile in own.profiles
        ]
        schedule = site.language.schedule(own.schedule, own.timezone)
        return site.page(
            "confirm.html", previews=previews, schedule=schedule, done=found.state == "subscribed", private=True
        )

    @pages.post("/confirm/<token>")
    def confirm(token: str) -> Response:
        opened, _ = site.opened(token, "confirm")
        visit = Visit(network=network_of(request), form="/confirm")
        found = signup.confirm(site.database, opened, visit, site.clock())
        if found is None:
            abort(404)
        if found.state == "over":
            return site.page("left.html", private=True)
        own = found.subscriber
        schedule = site.language.schedule(own.schedule, own.timezone)
        return site.page("confirmed.html", schedule=schedule, private=True)

    return pages


def may_sign_up(site: Site, invitation: str, email: str) -> bool:
    """Whether the form may be used: by everybody, or by whom a link of `paperlark subscribers invite` is for."""
    if site.settings.signup == "invite":
        return signup.is_invited(site.identity.secret, invitation, email, site.clock())
    return site.settings.signup == "open"


def try_fields(site: Site, papers: RecentPapers, keywords: str, query: str) -> Any:
    """What the fields would have brought, or what is wrong with them."""
    asked = query_form.read_query_form(keywords, query)
    return asked if isinstance(asked, FormError) else papers.try_query(asked, site.clock())


def preview_context(tried: Any) -> dict[str, PreviewView | FormError | None]:
    """For the template."""
    if isinstance(tried, FormError):
        return {"error": tried, "preview": None}
    return {"error": None, "preview": query_form.view(tried)}


def form_page(
    site: Site,
    papers: RecentPapers,
    given: dict[str, str],
    problems: Sequence[str] = (),
    status: int = 200,
    *,
    stale: bool = False,
) -> Response:
    """The front page, with what was typed already and what it would have brought."""
    fields = {**DEFAULTS, **{name: value for name, value in given.items() if value}}
    tried: dict[str, Any] = {"error": None, "preview": None}
    if fields["keywords"] or fields["query"]:
        tried = preview_context(try_fields(site, papers, fields["keywords"], fields["query"]))
    invitation = request.values.get("invite", "")
    return site.page(
        "front.html",
        status,
        fields=fields,
        problems=problems,
        stale=stale,
        languages=site.languages.names,
        schedules=schedules_with(site, fields["digest"]),
        at=tokens.signed_moment(site.identity.secret, site.clock()),
        invite=invitation,
        open_form=may_sign_up(site, invitation, fields["email"]),
        private=False,
        **tried,
    )


def schedules_with(site: Site, chosen: str) -> list[tuple[str, str]]:
    """The schedules to choose from, each as it is written and in words; with the one chosen, whatever it is."""
    return [(text, schedule_words(site, text)) for text in dict.fromkeys((*SCHEDULES, chosen))]


def schedule_words(site: Site, text: str) -> str:
    try:
        return site.language.schedule(Schedule.parse(text))
    except ValueError:
        return text


def read_form(fields: dict[str, str]) -> tuple[Subscriber | None, list[str]]:
    """The form's fields as a subscriber, or what is wrong with them."""
    table = signup.table_of(
        fields["email"],
        query_form.keywords_of(fields["keywords"]),
        fields["query"],
        fields["digest"] or DEFAULTS["digest"],
        fields["timezone"] or DEFAULTS["timezone"],
        fields["language"],
    )
    try:
        return subscriber_from(table), []
    except TableError as error:
        return None, messages_of(error)
