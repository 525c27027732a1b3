"""The front page with its form, the live preview, and subscribing."""

import json
from collections.abc import Sequence
from datetime import timedelta

from flask import Blueprint, Response, abort, request

from bot.core.subscriber.schedule import Schedule
from bot.core.subscriber.subscriber import Subscriber, subscriber_from
from bot.core.subscriber.validation import TableError
from bot.mail import tokens
from bot.pipeline import signup
from bot.pipeline.preferences import messages_of
from bot.pipeline.recent_papers import RecentPapers, Tried
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
    form = FrontPage(site, papers)

    @pages.get("/")
    def front() -> Response:
        return form.page({name: request.args.get(name, "") for name in ("keywords", "query", "email")})

    @pages.get("/preview")
    def preview() -> Response:
        tried = form.tried(request.args.get("keywords", ""), request.args.get("query", ""))
        if tried is None:
            abort(Response("", 429, {"Retry-After": "1"}))
        wanted = request.accept_mimetypes.best_match(["text/html", "application/json"], default="text/html")
        if wanted == "application/json":
            answer = Response(json.dumps(query_form.preview_json(tried)), content_type="application/json")
        else:
            answer = site.page("_preview.html", **preview_values(tried))
        answer.headers["Vary"] = "Accept, Accept-Language"
        return answer

    @pages.post("/subscribe")
    def subscribe() -> Response:
        return form.subscribe()

    return pages


class FrontPage:
    """The form, what it would bring, and what happens when it is sent."""

    def __init__(self, site: Site, papers: RecentPapers) -> None:
        self.site = site
        self.papers = papers
        self.previews = TokenBucket(PER_SECOND, BURST)

    def tried(self, keywords: str, query: str) -> Tried | FormError | None:
        """What the fields would have brought, or what is wrong with them; None for who asks too often."""
        if not is_local(request) and not self.previews.take(network_of(request)):
            return None
        asked = query_form.read_query_form(keywords, query)
        return asked if isinstance(asked, FormError) else self.papers.try_query(asked, self.site.clock())

    def page(
        self, given: dict[str, str], problems: Sequence[str] = (), status: int = 200, *, stale: bool = False
    ) -> Response:
        """The front page, with what was typed already and what it would have brought."""
        fields = {**DEFAULTS, **{name: value for name, value in given.items() if value}}
        tried = self.tried(fields["keywords"], fields["query"]) if fields["keywords"] or fields["query"] else None
        invitation = request.values.get("invite", "")
        return self.site.page(
            "front.html",
            status,
            fields=fields,
            problems=problems,
            stale=stale,
            languages=self.site.languages.names,
            schedules=schedules_with(self.site, fields["digest"]),
            at=tokens.signed_moment(self.site.identity.secret, self.site.clock()),
            invite=invitation,
            open_form=may_sign_up(self.site, invitation, fields["email"]),
            private=False,
            **preview_values(tried),
        )

    def subscribe(self) -> Response:
        """The same page for every address, whatever was done."""
        if self.site.settings.signup == "off":
            abort(404)
        fields = {name: request.form.get(name, "")[: query_form.LONGEST].strip() for name in FIELDS}
        if request.form.get("show") == "preview":
            return self.page(fields)
        if not may_sign_up(self.site, request.form.get("invite", ""), fields["email"]):
            return self.page(fields, status=403)
        age = age_of_form(self.site)
        if age is not None and age > STALE:
            return self.page(fields, stale=True)
        subscriber, problems = read_form(fields)
        if subscriber is None:
            return self.page(fields, problems, 422)
        if by_a_person(age):
            visit = Visit(network=network_of(request), form="/subscribe")
            signup.ask(
                self.site.database, self.site.identity, subscriber, visit, self.site.takes_mail, self.site.clock()
            )
        return self.site.page("asked.html", private=True)


def may_sign_up(site: Site, invitation: str, email: str) -> bool:
    """Whether the form may be used: by everybody, or by whom a link of `paperlark subscribers invite` is for."""
    if site.settings.signup == "invite":
        return signup.is_invited(site.identity.secret, invitation, email, site.clock())
    return site.settings.signup == "open"


def age_of_form(site: Site) -> timedelta | None:
    """How long ago the form was given out that comes back now; None where we did not."""
    given = tokens.moment_signed(site.identity.secret, request.form.get("at", ""))
    return site.clock() - given if given is not None else None


def by_a_person(age: timedelta | None) -> bool:
    """Whether a form was filled as people do: not at once, with the hidden field empty, on a page of ours."""
    return (
        age is not None
        and age >= TOO_QUICK
        and not request.form.get("website")
        and request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")
    )


def preview_values(tried: Tried | FormError | None) -> dict[str, PreviewView | FormError | None]:
    """For the template."""
    if isinstance(tried, FormError):
        return {"error": tried, "preview": None}
    return {"error": None, "preview": query_form.view(tried) if tried is not None else None}


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
