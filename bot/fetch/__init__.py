"""All that is fetched: documents by URL or from files, asked for politely and read with suspicion. The only httpx.

What the documents mean belongs to `bot.sources`; what is remembered of their URLs, and whose turn it is at a host, to
the database (through `PolitenessStore`)."""

from bot.fetch.fetcher import Fetcher
from bot.fetch.limits import Limits
from bot.fetch.politeness import MemoryPoliteness, PolitenessStore

__all__ = ["Fetcher", "Limits", "MemoryPoliteness", "PolitenessStore"]
