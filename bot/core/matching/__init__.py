"""Many standing queries against many papers at once, on numpy. Gives the same answers as `bot.core.query.evaluate`.

matcher      the face        plans, batches, scan, term_index, proximity   how it finds matches
top_k, bm25  the best papers of each query                                 backtest   a query on papers gone by
"""

from bot.core.matching.matcher import Matcher, Matches

__all__ = ["Matcher", "Matches"]
