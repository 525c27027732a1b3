"""The network's one house: documents by URL or from files, asked for politely and read with suspicion.
What the documents mean belongs to `bot.sources`; what is remembered of them, to the store (through `Ledger`)."""

from bot.fetch.errors import redacted
from bot.fetch.fetcher import Fetcher
from bot.fetch.limits import Limits
from bot.fetch.politeness import Ledger, Memory

__all__ = ["Fetcher", "Ledger", "Limits", "Memory", "redacted"]
