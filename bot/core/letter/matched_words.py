"""What a subscriber's profiles add to the card of a paper: their words marked in it, and why it is there. Pure."""

from dataclasses import dataclass
from typing import NamedTuple

from bot.core.edition.edition import Pick, Reason
from bot.core.letter.excerpts import Passage
from bot.core.letter.letter import PersonalText
from bot.core.letter.paper_view import CardKey, name_of, paper_view, title_of
from bot.core.letter.partial_template import Fill
from bot.core.query.quote import Quote
from bot.core.text.sanitize import shortened

SHOWN_QUOTES = 5
MAX_LIKE = 90  # characters of the title of a paper that another is like
QUOTED = ("title", "abstract", "author", "category", "org", "source")  # fields with words; the others have numbers


class Why(NamedTuple):
    """Why a paper is under its heading, where its card does not show it: the words that answered, each with the fields
    it stands in (none for a condition on a number, "stars>=100", and for words of a taste), the other profiles that
    asked for it, and the paper of the subscriber's own that it is like."""

    words: tuple[tuple[PersonalText, tuple[str, ...]], ...]
    more: int  # words not named
    others: tuple[PersonalText, ...]
    like: PersonalText | str = ""


class MatchedWords(NamedTuple):
    """The words of a paper that answered a subscriber's profiles, as they stand in it."""

    title: tuple[str, ...] = ()
    abstract: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """What matched words do to a card: its texts with the matches marked, and the words seen by that."""

    fills: dict[str, Fill]
    seen: frozenset[str]  # in lower case


class CardTexts:
    """The texts of a card that matched words are looked for in. Two are equal only if they are the same."""

    def __init__(self, key: CardKey) -> None:
        shown = paper_view(key)
        self._title, self._line, self._abstract = map(Passage, (shown.title, shown.line, shown.abstract))

    def marks(self, hits: MatchedWords) -> Marks:
        """The matched words marked, in the one line as in the abstract."""
        spans = {
            "title": (self._title.text, self._title.spans(hits.title)),
            "line": (self._line.text, self._line.spans(hits.abstract)),
            "abstract": (self._abstract.text, self._abstract.spans(hits.abstract)),
        }
        seen = {" ".join(text[start:end].lower().split()) for text, found in spans.values() for start, end in found}
        return Marks({name: Fill(*one, is_personal=bool(one[1])) for name, one in spans.items()}, frozenset(seen))


def why_shown(pick: Pick, section: str, shows: frozenset[str]) -> Why | None:
    """What there is to say of a paper under the heading `section` beside the words that are marked in it. `shows` are
    those words in lower case. None: the marks say it all."""
    if pick.like or pick.like_words:
        said = tuple([(PersonalText(name_of(word)), ()) for word in pick.like_words])
        return Why(said, 0, (), PersonalText(shortened(title_of(pick.like), MAX_LIKE)) if pick.like else "")
    words: tuple[tuple[PersonalText, tuple[str, ...]], ...] = ()
    more = 0
    others = []
    for reason in pick.reasons:
        name = name_of(reason.profile)
        if name != section:
            others.append(PersonalText(name))
        elif not any(_is_seen(one, shows) for one in reason.quotes):
            words, more = _words(reason.quotes)
    found = Why(words, more, tuple(others))
    return found if words or others else None


def _is_seen(one: Quote, shows: frozenset[str]) -> bool:
    """Whether a card shows it already: by a mark, or, what a condition on the votes asks, on the chip."""
    return one.field == "upvotes" or " ".join(one.text.lower().split()) in shows


def hits(reasons: tuple[Reason, ...]) -> MatchedWords:
    """The words that answered in title and abstract, each once."""
    quotes = [one for reason in reasons for one in reason.quotes]
    return MatchedWords(_distinct(quotes, "title"), _distinct(quotes, "abstract"))


def _distinct(quotes: list[Quote], field: str) -> tuple[str, ...]:
    found = [one.text for one in quotes if one.field == field and one.text]
    return tuple(dict.fromkeys(found)) if len(found) > 1 else tuple(found)


def _words(quotes: tuple[Quote, ...]) -> tuple[tuple[tuple[PersonalText, tuple[str, ...]], ...], int]:
    places: dict[str, tuple[str, list[str]]] = {}
    for one in quotes:
        quoted = one.field in QUOTED
        text = name_of(one.text if quoted else one.term)
        if text:
            fields = places.setdefault(text.casefold(), (text, []))[1]
            if quoted and one.field not in fields:
                fields.append(one.field)
    words = tuple((PersonalText(text), tuple(fields)) for text, fields in places.values())
    return words[:SHOWN_QUOTES], max(0, len(words) - SHOWN_QUOTES)
