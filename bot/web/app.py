"""The Flask application: every route, the headers of every answer, and one page for each kind of error."""

from collections.abc import Callable

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from bot.pipeline.recent_papers import RecentPapers
from bot.web import admin, archive, assets, editions, feed_pages, leaving, monitoring, preferences, signup, thumbs
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
    warned = False
    papers = papers or RecentPapers(site.database)
    for pages in (monitoring, assets, leaving, editions, feed_pages, archive, thumbs, admin):
        app.register_blueprint(pages.blueprint(site))
    for with_papers in (signup, preferences):
        app.register_blueprint(with_papers.blueprint(site, papers))

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        g.pop("language", None)  # one page for all: a link that opens nothing does not tell whose it was
        title, words = error_words(error.code or 500, site.language.gettext)
        answer = site.page("message.html", error.code or 500, title=title, text=words, private=True)
        for name, value in error.get_headers():
            if name in ("Allow", "Retry-After"):
                answer.headers[name] = value
        return answer

    @app.errorhandler(Exception)
    def broken(error: Exception) -> Response:
        app.logger.exception("a page could not be made", exc_info=error)
        g.pop("language", None)
        title, words = error_words(500, site.language.gettext)
        return site.page("message.html", 500, title=title, text=words, private=True)

    @app.after_request
    def harden(answer: Response) -> Response:
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        answer.headers.setdefault("Cache-Control", "no-store")
        if "public" not in answer.headers["Cache-Control"]:
            answer.headers.setdefault("X-Robots-Tag", "noindex, nofollow")
        return answer

    @app.before_request
    def notice_proxies() -> None:
        """Behind a proxy nobody told us of, all visitors share one network, and its limits."""
        nonlocal warned
        if not warned and not site.settings.proxies and "X-Forwarded-For" in request.headers:
            warned = True
            app.logger.warning(
                "requests come through a proxy (X-Forwarded-For), but [web] proxies is 0: all visitors count as one "
                "network; set proxies = 1 if the proxy is yours"
            )

    if site.settings.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=site.settings.proxies, x_proto=site.settings.proxies, x_host=0
        )
    return app


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
