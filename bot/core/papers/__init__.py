"""Papers: the values, which listings are one paper, and how hot a paper is.

    paper      Paper and Listing        identity   the keys a listing is known by
    merge      many listings, one paper dedup      which stored paper a listing belongs to
    trending   order by votes and age   notice  corrections, front matter and the like, told from papers
    citation   as BibTeX and RIS

Nothing here reads a document (see `bot.sources`) or a database (see `bot.store`).
"""

from bot.core.papers.paper import Listing, Paper, paper_from, plain

__all__ = ["Listing", "Paper", "paper_from", "plain"]
