"""The answer of a PubMed search (esearch): numbers of articles, and words that PubMed did not know."""

import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from bot.core.source.document import Parsed, Request
from bot.core.text import sanitize
from bot.errors import SourceError
from bot.sources.formats import json_text, xml

BATCH = 200  # articles fetched in one request
MAX_FOUND = 2_000


@dataclass(frozen=True, kw_only=True)
class SearchAnswer:
    """What a search found, and which of its words PubMed did not understand."""

    numbers: tuple[str, ...]
    count: int
    unknown: tuple[str, ...]  # phrases and fields it does not know: nothing is found for them
    loosened: tuple[str, ...]  # quoted phrases it does not know and searches word by word, words it passed over
    messages: tuple[str, ...] = ()


def json_answer(text: str) -> SearchAnswer:
    """The answer in JSON, the form asked for. Raises SourceError."""
    data = json_text.decoded(text)
    if not isinstance(data, dict):
        raise SourceError("the answer is JSON, but not of a PubMed search")
    result = data.get("esearchresult")
    problem = sanitize.line(data.get("error") or _table(result).get("ERROR"), 300)
    if problem:
        raise SourceError(f"PubMed answered: {problem}")
    if not isinstance(result, dict):
        raise SourceError("the answer is JSON, but not of a PubMed search")
    if "count" not in result and "idlist" not in result:
        raise SourceError("the answer of the search holds neither numbers nor their count")
    errors, warnings = _table(result.get("errorlist")), _table(result.get("warninglist"))
    return SearchAnswer(
        numbers=_words(result.get("idlist"), MAX_FOUND),
        count=_integer(result.get("count")),
        unknown=(*_words(errors.get("phrasesnotfound")), *_fields(_words(errors.get("fieldsnotfound")))),
        loosened=(*_words(warnings.get("quotedphrasesnotfound")), *_words(warnings.get("phrasesignored"))),
        messages=_words(warnings.get("outputmessages")),
    )


def xml_answer(root: Element) -> SearchAnswer:
    """The answer in XML, as saved by hand."""
    errors, warnings = xml.child(root, "ErrorList"), xml.child(root, "WarningList")

    def words(part: Element | None, *names: str) -> tuple[str, ...]:
        return _words([xml.text_of(item) for item in xml.children(part, *names)])

    return SearchAnswer(
        numbers=_words([item.text for item in xml.children(xml.child(root, "IdList"), "Id")], MAX_FOUND),
        count=_integer(xml.text_of(root, "Count")),
        unknown=(*words(errors, "PhraseNotFound"), *_fields(words(errors, "FieldNotFound"))),
        loosened=words(warnings, "QuotedPhraseNotFound", "PhraseIgnored"),
        messages=words(warnings, "OutputMessage"),
    )


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _words(value: object, most: int = 20) -> tuple[str, ...]:
    items = value[:most] if isinstance(value, list) else []
    return tuple(word for item in items if (word := sanitize.line(item, 200)))


def _fields(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"[{name.strip('[]')}]" for name in names)


def requests_for(answer: SearchAnswer, request: Request) -> Parsed:
    """What to ask next. Raises SourceError for a search that found nothing because PubMed did not understand it: its
    silence would look like that of a search nothing new matches."""
    numbers = [number for number in dict.fromkeys(answer.numbers) if re.fullmatch(r"[1-9]\d{0,8}", number)]
    if not numbers:
        if answer.unknown:
            raise SourceError(f"PubMed does not know {_listed(answer.unknown)}: correct term, for nothing can match it")
        if answer.count:
            raise SourceError(f"PubMed counts {answer.count} articles but names none")
        return Parsed(quiet="nothing new matches the search", warnings=_doubts(answer))
    if request.kind != "search":
        raise SourceError(
            "a search answer holds only numbers, no articles: let url be the E-utilities' folder, or efetch"
        )
    folder = request.location.partition("esearch.fcgi")[0]
    batches = [numbers[at : at + BATCH] for at in range(0, len(numbers), BATCH)]
    follow = tuple(
        Request(
            location=f"{folder}efetch.fcgi?db=pubmed&retmode=xml&tool=paperlark&id={','.join(batch)}", kind="articles"
        )
        for batch in batches
    )
    many = (
        (f"the search finds {answer.count} articles; the newest {len(numbers)} were read: narrow it",)
        if answer.count > len(numbers)
        else ()
    )
    return Parsed(follow=follow, warnings=(*many, *_doubts(answer)), quiet="the articles follow")


def _doubts(answer: SearchAnswer) -> tuple[str, ...]:
    """What an operator should know of a search that was only half understood."""
    doubts = []
    if answer.unknown:
        doubts.append(f"PubMed does not know {_listed(answer.unknown)}: correct term")
    if answer.loosened:
        doubts.append(f"PubMed does not know {_listed(answer.loosened)} and searches without it or word by word")
    doubts += [f"PubMed says: {text}" for text in answer.messages if text.rstrip(".").lower() != "no items found"]
    return tuple(doubts)


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(repr(word) for word in words[:5])


def _integer(value: object) -> int:
    text = sanitize.line(value, 20)
    return int(text) if text.isdecimal() else 0
