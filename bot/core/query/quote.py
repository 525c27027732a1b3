"""The words of a paper that made a term of a query true."""

from dataclasses import dataclass

from bot.core.query.ast import FieldName, NumberName


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Words that made a term true, as they stand in the paper."""

    term: str  # the term of the query, canonical
    field: FieldName | NumberName
    text: str
    start: int = -1  # span in the field's text where there is one (title, abstract)
    end: int = -1
