"""Whether anybody wants a taste, which is asked after every collection: in a module of its own, since a collection has
no other use for the tables of subscribers, and declaring them takes longer than the answer."""

from sqlalchemy import Connection, text

_WANTED = text(
    """
    SELECT 1 FROM subscriber
    WHERE status = 'active' AND (data LIKE '%"library"%' OR data LIKE '%"taste"%') LIMIT 1
    """
)


def taste_wanted(tx: Connection) -> bool:
    """Whether `taste.with_taste` would find anybody."""
    return tx.execute(_WANTED).first() is not None
