"""The store: the only house of sqlmodel. `Database` gives transactions; the modules beside it take one and do one
thing in it, so that what belongs together is committed together.

    database   connecting, transactions, migrations        tables    the rows
    papers     what a collection changes                   history   what is and was true of papers
    sources    how each source is doing, whose turn it is  subscribers   who they are
    turns      who is due, and how far each was told       editions  what each is told; outbox: how it leaves
"""

from bot.store.database import Connection, Database

__all__ = ["Connection", "Database"]
