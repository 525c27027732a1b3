"""What the installation decided once for itself."""

import secrets

from sqlalchemy import Connection, select, update

from bot.store.database import Database
from bot.store.sql import insert_or_ignore
from bot.store.tables.installation_rows import SETTINGS

SECRET = select(SETTINGS.c.value).where(SETTINGS.c.name == "secret")


def own_secret(database: Database) -> str:
    """The secret that signs this installation's addresses, made at the first need. `PAPERLARK_SECRET` replaces it."""
    with database.read() as tx:
        secret = tx.execute(SECRET).scalar()
    if secret is None:
        with database.write() as tx:
            tx.execute(insert_or_ignore(tx, SETTINGS), [{"name": "secret", "value": secrets.token_urlsafe(32)}])
            secret = tx.execute(SECRET).scalar_one()
    return str(secret)


def get(tx: Connection, name: str) -> str | None:
    """One value."""
    return tx.execute(select(SETTINGS.c.value).where(SETTINGS.c.name == name)).scalar()


def put(tx: Connection, name: str, value: str) -> None:
    tx.execute(insert_or_ignore(tx, SETTINGS), [{"name": name, "value": value}])
    tx.execute(update(SETTINGS).where(SETTINGS.c.name == name).values(value=value))
