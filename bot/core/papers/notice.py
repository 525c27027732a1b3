"""What stands in a journal's feed beside its articles: corrections, retractions, front matter, book reviews. Pure.

Publishers call them alike the world over, and known by these names they can be kept out of letters. Careful where
science uses the same words: "Corrections to scaling" and "Retraction of the tongue" are articles."""

import re
from typing import NamedTuple

from bot.core.papers.paper import Paper, PaperKind

MAX_TITLE = 1_000  # characters looked at
MAX_WORDS = 60  # characters of the words that name a notice

# Titles that begin so are no articles, whatever follows.
_OPENINGS: dict[PaperKind, str] = {
    "correction": r"errat(?:um|a)\b|corrigend(?:um|a)\b|addendum to\b|(?:author|publisher)(?:[’']s)? correction\b"
    r"|fe de erratas\b|(?:druckfehler)?berichtigung\b|勘误|更正|訂正",
    "retraction": r"(?:notice|statement) of (?:retraction|withdrawal|removal|concern)\b"
    r"|(?:retraction|withdrawal|removal) (?:notice|note|statement)\b|(?:editorial )?expressions? of concern\b",
    "front matter": r"(?:issue|subscription|publication) (?:and copyright )?information\b|information for authors\b"
    r"|(?:instructions|guide|guidelines) (?:to|for) authors\b|author guidelines\b|table of contents\b|masthead\W{0,9}$"
    r"|cover\W{0,9}$|front ?matter\b|back ?matter\b|title page\b|editorial (?:advisory )?board\b|call for papers\b"
    r"|目次|目录|目錄"
    r"|(?:author|subject|keyword|volume) index\b|(?:thanks?|thank you|acknowledge?ments?) (?:to|of) (?:our |the )?"
    r"(?:peer )?(?:reviewers|referees)\b|list of (?:reviewers|referees)\b",
    "book review": r"book reviews?\b(?! (?:as|in|of the)\b)|書評|书评",
}
# Titles that begin so, and then come to an end, a colon, or what they are about in quotes.
_MARKED_OPENINGS: dict[PaperKind, str] = {
    "correction": r"corrections?|addendum|clarification",
    "retraction": r"retraction|retracted|(?-i:WITHDRAWN|REMOVED)"
    r"|(?:retracted|withdrawn|removed) (?:article|paper|chapter)",
    "front matter": r"contents|toc|in this issue|(?:reviewers|referees)(?: (?:in |of |for )?\d{4})?|calendar"
    r"|graphical abstract|(?:(?:inside|outside|front|back) ){1,2}cover"
    r"|cover (?:image|picture|feature|page|art|profile)",
    "book review": r"media review",
}
_MARK = (
    r"(?:\s{0,9}(?:[:：]|\W{0,9}$|[–—-]\s|[\])])|\s+(?:to|for|of|in):?\s*[\"'“‘«„\[]|\s+(?:to|for):"
    r"|\s+(?:to|for)\s[^:]{1,60}\bet al\b|\s+(?:to|for|of) (?:the|this) (?:article|paper)\b|\s\()"
)
_PATTERNS: dict[PaperKind, re.Pattern[str]] = {
    kind: re.compile(rf"\W{{0,5}}(?:{opening}|(?:{_MARKED_OPENINGS[kind]}){_MARK})", re.IGNORECASE)
    for kind, opening in _OPENINGS.items()
}
# Or they end so: "Larks at dawn - Corrigendum".
_ENDINGS: dict[PaperKind, re.Pattern[str]] = {
    "correction": re.compile(
        r"(?:\s[–—-]\s|[.:]\s|[(\[])(?:corrigend(?:um|a)|errat(?:um|a)|correction)\W{0,5}$", re.IGNORECASE
    ),
    "book review": re.compile(r"[(\[]book review\W{0,5}$", re.IGNORECASE),
}
# Of a text without an abstract, these say that it is none of science.
_BARE = re.compile(
    r"\W{0,5}(?:guest |the )?(?:editorials?|introduction|preface|foreword|prologue|epilogue|afterword"
    r"|obituar(?:y|ies)|news|announcements?|letters?(?: to the editor)?|abstracts?|acknowledge?ments?|proceedings"
    r"|programme?|index|highlights)\W{0,9}",
    re.IGNORECASE,
)
_RETRACTED = re.compile(r"\W{0,5}(?:retracted|withdrawn|removed)\b", re.IGNORECASE)


class Notice(NamedTuple):
    """What a title says its text is; `kind` is "" for an article."""

    kind: PaperKind = ""
    is_retracted: bool = False  # an article that its publisher took back: "RETRACTED: Song learning in larks"


def _found(kind: PaperKind, title: str) -> re.Match[str] | None:
    ending = _ENDINGS.get(kind)
    return _PATTERNS[kind].match(title) or (ending.search(title) if ending else None)


def notice_of(title: str, abstract: str = "") -> Notice:
    """What a title announces. One that says nothing else ("Editorial", "Introduction") is front matter where there is
    no abstract."""
    title = title[:MAX_TITLE]
    for kind in _PATTERNS:
        if _found(kind, title):
            return Notice(kind, kind == "retraction" and _RETRACTED.match(title) is not None)
    return Notice("front matter") if not abstract and _BARE.fullmatch(title) else Notice()


def notice_words(paper: Paper) -> str:
    """The words that make a paper a notice: its kind, and what its title calls it. "" for an article. A query that is
    true of these words asks for such notices."""
    if not paper.kind:
        return ""
    title = paper.title[:MAX_TITLE]
    found = _found(paper.kind, title) or _BARE.fullmatch(title)
    said = found[0] if found else ""
    return f"{paper.kind}: {said}" if len(said) <= MAX_WORDS else paper.kind
