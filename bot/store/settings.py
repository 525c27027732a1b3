"""What the installation decided once for itself."""

import secrets

from sqlalchemy import Connection, select

from bot.store.rows import insert_or_ignore
from bot.store.tables import SETTINGS


def own_secret(tx: Connection) -> str:
    """The secret that signs this installation's addresses, made at the first need. `PAPERLARK_SECRET` replaces it."""
    tx.execute(insert_or_ignore(tx, SETTINGS), [{"name": "secret", "value": secrets.token_urlsafe(32)}])
    return str(tx.execute(select(SETTINGS.c.value).where(SETTINGS.c.name == "secret")).scalar_one())
