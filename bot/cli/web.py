"""The verb of the web process: web."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from bot.cli.console import err
from bot.cli.wiring import App, app_of
from bot.errors import UserError
from bot.mail import tokens
from bot.pipeline import upkeep
from bot.store import editions, outbox
from bot.web import Web


def register(app: typer.Typer) -> None:
    app.command("web")(web)


def web(
    context: typer.Context,
    port: Annotated[int, typer.Option(envvar="PORT", min=1, max=65535, help="Where to listen.")] = 8080,
    host: Annotated[str, typer.Option(help="Which address to listen on.")] = "0.0.0.0",  # noqa: S104
) -> None:
    """Answer the letters' unsubscribe links, and /health."""
    app = app_of(context)
    if not app.config.public_url:
        raise UserError("Nobody could find this web process.", ["set public_url to where it answers, https://…"])
    try:
        from waitress import serve
    except ImportError as error:
        raise UserError("The web process needs its server.", ["pip install 'paperlark[web]'"]) from error
    if not app.state.quiet:
        err.print(f"Answering for {app.config.public_url} on {host}:{port}. Stop it with Ctrl-C.")
    serve(application(app), host=host, port=port, ident=None)


def application(app: App) -> Web:
    """The web process's application, on a configuration's database."""

    def look(text: str) -> str | None:
        token = tokens.unseal(app.identity.secret, text)
        return upkeep.what_ends(token) if token and token.purpose.startswith("unsubscribe") else None

    def leave(text: str, now: datetime) -> str | None:
        token = tokens.unseal(app.identity.secret, text)
        if token is None or not token.purpose.startswith("unsubscribe"):
            return None
        upkeep.leave(app.database, token, "asked by link", now)
        return upkeep.what_ends(token)

    def health() -> dict[str, Any]:
        if not app.database.answers():
            return {"ok": False, "reason": "the database does not answer"}
        with app.database.read() as tx:
            return {"ok": True, "waiting": outbox.waiting(tx)}

    def metrics() -> dict[str, int]:
        with app.database.read() as tx:
            return editions.accounts(tx)

    return Web(leave, look, health, metrics, lambda: datetime.now(UTC))
