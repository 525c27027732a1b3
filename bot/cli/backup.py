"""The verbs that copy the database: backup, copy-to."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.console import out, print_json, remark
from bot.cli.options import Json
from bot.cli.wiring import App, app_of
from bot.store import backup as copies


def register(app: typer.Typer) -> None:
    app.command("backup")(backup)
    app.command("copy-to")(copy_to)


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The new file; never one that exists.")],
) -> None:
    """Write a consistent copy of the database to a new SQLite file, while everything runs."""
    app = app_of(context)
    copies.backup(app.database, file)
    size = file.stat().st_size / 1_000_000
    out.print(f"Wrote {file} ({size:,.1f} MB). It holds addresses and the secret of all links: keep it safe.")
    out.print(f"To bring it back: with DATABASE_URL=sqlite:///{file.resolve()}, `paperlark copy-to URL`.")


def copy_to(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="An empty database: sqlite:///… or postgresql://…")],
    json: Json = False,
) -> None:
    """Copy everything to an empty database, from SQLite to PostgreSQL or back."""
    app = app_of(context)
    copied = copies.copy_to(app.database, url, _progress(app))
    if json:
        print_json({"rows": copied})
        return
    out.print(f"Copied {sum(copied.values()):,} rows of {sum(map(bool, copied.values()))} tables.")
    out.print("Next: set DATABASE_URL to the new database. Never let two workers run, one on each.")


def _progress(app: App) -> copies.OnRows:
    def show(table: str, rows: int) -> None:
        if not app.options.quiet and rows % 100_000 == 0:
            remark(f"{table}: {rows:,} rows")

    return show
