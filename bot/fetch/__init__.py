"""The network's one house: documents by URL or from files, asked for politely and read with suspicion.
What the documents mean belongs to `bot.sources`; what is remembered of them, to the store (through `Ledger`)."""

from bot.fetch.fetcher import Fetcher
from bot.fetch.ledger import Ledger, Memory
from bot.fetch.limits import Limits
from bot.fetch.words import redacted

__all__ = ["Fetcher", "Ledger", "Limits", "Memory", "redacted"]
