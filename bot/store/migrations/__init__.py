"""The history of the schema, told by Alembic. Only `Database.migrate` comes here, and only when there is work."""

import logging
from pathlib import Path

import alembic.command
import alembic.config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from bot.errors import UserError

logging.getLogger("alembic").setLevel(logging.WARNING)


def upgrade(connection: Connection, shown: str) -> None:
    """Bring the schema up to date within the connection's transaction; `shown` names the database in messages.

    Raises UserError when the database is newer than this program.
    """
    settings = alembic.config.Config()
    settings.set_main_option("script_location", str(Path(__file__).parent))
    settings.set_main_option("path_separator", "os")
    before = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(settings).walk_revisions()}
    if before is not None and before not in known:
        raise UserError(f"The database {shown} was made by a newer Paperlark.", ["update the program"])
    settings.attributes["connection"] = connection
    alembic.command.upgrade(settings, "head")
