"""The profile language: from text to a query, and what a query is true of.

    language   text to Query and back       parser, term_parser, lexer   reading the text
    ast        the parts of a query         words, scripts, plurals      text as folded words
    evaluate   the meaning of a query       places                       where a term stands in a text
    impossible, near                        keywords that can match nothing; what is near a query

Finding many queries in many papers at once belongs to `bot.core.matching`.
"""

from bot.core.query.language import Query, QueryError, Term, parse, profile_errors, profile_query, seems_a_query

__all__ = ["Query", "QueryError", "Term", "parse", "profile_errors", "profile_query", "seems_a_query"]
