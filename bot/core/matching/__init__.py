"""Many standing queries against many papers at once, on numpy. Gives the same answers as `bot.core.query.evaluate`.

matcher   the face      texts, term_index, scan, proximity   which terms are in which papers
plans     queries of one form, evaluated together            top_k, bm25   the best papers of each query
backtest, suggest   what a query would have brought from papers gone by, and what else would
"""

from bot.core.matching.matcher import Matcher, Matches

__all__ = ["Matcher", "Matches"]
