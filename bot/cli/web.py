"""The verbs of the web process: web, admin-link."""

import signal
from datetime import UTC, datetime
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import jinja2
import typer

from bot.cli.console import out, remark
from bot.cli.wiring import App, app_of
from bot.errors import UserError
from bot.mail import tokens
from bot.pipeline.recent_papers import RecentPapers

if TYPE_CHECKING:
    from bot.web.site import Site

NEEDS = UserError("The web process needs Flask and its server.", ["pip install 'paperlark[web]'"])


def register(app: typer.Typer) -> None:
    app.command("web")(web)
    app.command("admin-link")(admin_link)


def web(
    context: typer.Context,
    port: Annotated[int, typer.Option(envvar="PORT", min=1, max=65535, help="Where to listen.")] = 8080,
    host: Annotated[str, typer.Option(help="Which address to listen on.")] = "0.0.0.0",  # noqa: S104
) -> None:
    """Answer the web pages: subscribing, preferences, leaving, archive and feeds; and /health."""
    app = app_of(context)
    _needs_public_url(app)
    try:
        from bot.web.app import create_app
        from bot.web.server import serve
    except ImportError as error:
        raise NEEDS from error
    papers = RecentPapers(app.database)
    papers.read_ahead(datetime.now(UTC))
    application = create_app(site(app), papers)
    signal.signal(signal.SIGTERM, _stop)

    def listening() -> None:
        if not app.options.quiet:
            remark(f"Answering for {app.config.public_url} on {host}:{port}. Stop it with Ctrl-C.")

    serve(application, host=host, port=port, listening=listening)


def admin_link(context: typer.Context) -> None:
    """Print a signed link to the operator's page, good for 30 days."""
    app = app_of(context)
    _needs_public_url(app)
    token = tokens.seal_renewable(app.identity.secret, "admin", 0, epoch=0, now=app.clock()())
    out.print(f"{app.config.public_url.rstrip('/')}/admin/{token}")


def site(app: App) -> "Site":
    """What the pages need, from a configuration."""
    from bot.mail.checks.dns import takes_mail
    from bot.web.mail_domains import MailDomains
    from bot.web.site import Site, WebSettings

    environment = jinja2.Environment(
        loader=app.templates.loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True  # a sentence may be broken over lines
    return Site(
        database=app.database,
        identity=app.identity,
        builder=app.builder,
        templates=environment,
        clock=app.clock(),
        settings=WebSettings(
            signup=app.config.web.signup,
            archive=app.config.web.archive,
            proxies=app.config.web.proxies,
            metrics_token=app.config.web.metrics_token,
        ),
        takes_mail=MailDomains(takes_mail).takes_mail,
    )


def _needs_public_url(app: App) -> None:
    if not app.config.public_url:
        raise UserError("Nobody could find this web process.", ["set public_url to where it answers, https://…"])


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
