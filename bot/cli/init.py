"""The verbs that show and set up: init, demo."""

import shutil
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.console import out, remark
from bot.cli.options import GlobalOptions
from bot.cli.people import sync_file
from bot.cli.wiring import App
from bot.errors import UserError
from bot.pipeline.collect.collect import collect
from bot.pipeline.compose.compose import compose
from bot.pipeline.deliver.deliver import deliver
from bot.resources import shipped


def register(app: typer.Typer) -> None:
    app.command("init")(init)
    app.command("demo")(demo)


def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to write config.toml.")] = Path(),
) -> None:
    """Write a commented config.toml and say the next step. Nothing is ever overwritten."""
    target = folder / "config.toml"
    if target.exists():
        raise UserError(f"{target} exists already; nothing was written.", ["edit it, or name another folder"])
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(shipped("config.example.toml"), target)
    out.print(f"Wrote {target}.")
    where = "" if folder == Path() else f" --config {target}"
    out.print(f"Next: put your address and keywords into it, then `paperlark{where} once --force`.")


def demo(
    context: typer.Context,
    folder: Annotated[Path, typer.Option("--out", help="Where everything is put; emptied first.")] = Path("demo"),
) -> None:
    """The whole story offline, on loopback: a listing served, fetched, matched, rendered, and mailed."""
    from bot.demo import demo as run_demo  # its servers are nothing for a worker to carry

    given: GlobalOptions = context.obj

    def one_pass(config: Path, now: datetime) -> None:
        app = App(GlobalOptions(config_path=config, verbose=given.verbose, quiet=given.quiet))
        sync_file(app, now)
        with app.fetcher(lambda: now) as fetcher:
            collect(app.database, fetcher, app.sources, now)
        compose(app.database, now, app.identity.message_id, force=True)
        report = deliver(app.database, app.sending(), lambda: now)
        app.database.close()
        if report.failed:
            remark(f"something went wrong: {report.trouble or 'see the log'}")
            raise typer.Exit(1)

    run_demo(folder, one_pass, out.print)
