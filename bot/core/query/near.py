"""What is near a query without answering it: papers that hold some words of its phrases. Pure.

"sparse attention for graphs" is near a paper on attention in sparse graphs. On judged papers that no keyword matched,
the three with most points (BM25) were wanted in 10 of 11 cases (benchmarks/relevance.py).
"""

from bot.core.query.ast import TEXT_FIELDS, Group, Leaf, Node, Query, Term
from bot.core.query.words import SMALL_WORDS

MOST_PHRASES = 32  # of one query


def near_query(query: Query) -> Query | None:
    """True of papers that hold two words or more of one phrase of a query, and nothing that it excludes; None where the
    query has no phrase. It may be true of what the query itself is true of, too."""
    wanted = query.wanted()
    phrases = [group for leaf in wanted if (group := _two_of(leaf)) is not None][:MOST_PHRASES]
    if not phrases:
        return None
    root: Node = phrases[0] if len(phrases) == 1 else Group("or", tuple(phrases))
    excluded = [leaf for leaf in query.leaves() if leaf not in wanted]
    if excluded:
        nothing = excluded[0] if len(excluded) == 1 else Group("or", tuple(excluded))
        root = Group("and", (root, Group("not", (nothing,))))
    return Query(root)


def _two_of(leaf: Leaf) -> Group | None:
    """At least two of the words of a phrase, small words aside."""
    if not isinstance(leaf, Term) or leaf.field not in TEXT_FIELDS or leaf.exact:
        return None
    words = [word for word in dict.fromkeys(leaf.words) if word not in SMALL_WORDS and len(word) > 1]
    if len(words) < 2:
        return None
    parts = tuple(Term(leaf.field, (word,)) for word in words)
    return Group("and", parts) if len(parts) == 2 else Group("of", parts, 2)
