"""All that is fetched: documents by URL or from files, asked for politely and read with suspicion. The only httpx.

What the documents mean belongs to `bot.sources`; what is remembered of their URLs, and whose turn it is at a host, to
the database (through `PolitenessStore`)."""

import sys

# httpx brings a command line of its own, for which it reads rich and pygments: a third of the time it takes to import,
# and some MB. It does without where there is none.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

from bot.fetch.fetcher import Fetcher  # noqa: E402
from bot.fetch.limits import Limits  # noqa: E402
from bot.fetch.politeness import MemoryPoliteness, PolitenessStore  # noqa: E402

__all__ = ["Fetcher", "Limits", "MemoryPoliteness", "PolitenessStore"]
