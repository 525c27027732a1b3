"""The Flask application: every route, the headers of every answer, and one page for each kind of error."""

from collections.abc import Callable

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from bot.pipeline.recent_papers import RecentPapers
from bot.web import (
    admin,
    archive,
    assets,
    confirming,
    editions,
    feed_pages,
    leaving,
    monitoring,
    preferences,
    signup,
    thumbs,
)
from bot.web.site import Site

MOST_BODY = 65_536  # bytes of any request's body
MOST_FIELDS = 200
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "interest-cohort=()",
}


def create_app(site: Site, papers: RecentPapers | None = None) -> Flask:
    """The application of one web process."""
    app = Flask("paperlark", static_folder=None, template_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=MOST_BODY, MAX_FORM_MEMORY_SIZE=MOST_BODY, MAX_FORM_PARTS=MOST_FIELDS)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # it would redirect to whatever host the visitor names
    papers = papers or RecentPapers(site.database)
    for pages in (monitoring, assets, leaving, editions, feed_pages, archive, thumbs, admin):
        app.register_blueprint(pages.blueprint(site))
    for with_papers in (signup, confirming, preferences):
        app.register_blueprint(with_papers.blueprint(site, papers))
    answer_errors(app, site)
    app.after_request(harden)
    if site.settings.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=site.settings.proxies, x_proto=site.settings.proxies, x_host=0
        )
    else:
        warn_of_proxies(app)
    return app


def answer_errors(app: Flask, site: Site) -> None:
    """One page for each kind of error, for all who meet it. It is in the visitor's language: a link that opens nothing
    does not tell whose it was."""

    def page(code: int) -> Response:
        g.pop("language", None)
        title, text = error_words(code, site.language.gettext)
        return site.page("message.html", code, title=title, text=text, private=True)

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        answer = page(error.code or 500)
        for name, value in error.get_headers():
            if name in ("Allow", "Retry-After"):
                answer.headers[name] = value
        return answer

    @app.errorhandler(Exception)
    def broken(error: Exception) -> Response:
        app.logger.exception("a page could not be made", exc_info=error)
        return page(500)


def harden(answer: Response) -> Response:
    """The headers of every answer."""
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    answer.headers.setdefault("Cache-Control", "no-store")
    if "public" not in answer.headers["Cache-Control"]:
        answer.headers.setdefault("X-Robots-Tag", "noindex, nofollow")
    return answer


def warn_of_proxies(app: Flask) -> None:
    """Behind a proxy nobody told us of, all visitors share one network, and its limits: say so once."""
    warned = False

    @app.before_request
    def look() -> None:
        nonlocal warned
        if not warned and "X-Forwarded-For" in request.headers:
            warned = True
            app.logger.warning(
                "requests come through a proxy (X-Forwarded-For), but [web] proxies is 0: all visitors count as one "
                "network; set proxies = 1 if the proxy is yours"
            )


def error_words(code: int, _: Callable[[str], str]) -> tuple[str, str]:
    """Title and text of the page for an error."""
    known = {
        404: (
            _("Not a link of ours"),
            _("It may have been cut off, or its time is over. A newer letter has fresh links."),
        ),
        405: (_("Not possible"), _("This address can only be opened, or used by its own form.")),
        413: (_("Too much"), _("That is more than any form of ours holds.")),
        429: (_("A little slower, please"), _("Try again in a moment.")),
        500: (_("Something went wrong here"), _("Nothing was lost. Try again in a while.")),
    }
    return known.get(code, (_("Not possible"), _("That was not understood.")))
