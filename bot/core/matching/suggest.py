"""What a query misses: other forms of its words, abbreviations and their long forms, and what is said beside them.

Learnt from papers gone by, for people to look at: nothing is added by itself. Each suggestion says how many papers more
it would have brought. Where they come from:

- *forms* share the stem of a word (robotic, robotics) and stand in papers that also hold the term: 15 in a hundred at
  least, which was right for 58 of 100 papers they brought; stems alone would take tokenization for token.
- *abbreviations* are those that at least three papers define ("mixture of experts (MoE)"; Schwartz & Hearst 2003), of
  three letters or more: two letters mean too much.
- *neighbours* are pairs of words that papers the query is true of use much more than others.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bot.core.matching.arrays import repeat_each
from bot.core.matching.matcher import Matcher
from bot.core.matching.texts import ReadTexts, Texts
from bot.core.papers import Paper
from bot.core.query import QueryError, parse
from bot.core.query.acronyms import FUNCTION_WORDS
from bot.core.query.ast import TEXT_FIELDS, Group, Leaf, Node, Number, Query, Term, written
from bot.core.query.plurals import singular
from bot.core.query.words import words

SuggestionKind = Literal["form", "abbreviation", "neighbour"]

TOGETHER = 0.15  # of the papers with a form, so many must also hold the term
DEFINED = 3  # papers that define an abbreviation before it counts
LEAST_LETTERS = 3
HELD = 2  # papers a form stands in at least
FORMS_TRIED = 6  # for each word
NEIGHBOURS_TRIED = 40
MOST_IDEAS = 120
EXAMPLES = 3
READ_FOR_NEIGHBOURS = 300  # matching papers at most

_ENDINGS = sorted(
    """
    ization isation izations isations izing ising izer iser izers isers ized ised ize ise izes ises ational ation
    ations ative ically ical ics ic ings ing ions ion ively ive ities ity ments ment ances ance ences ence ents ent ants
    ant able ible ally al ers er ors or ed es e ly y s
    """.split(),
    key=len,
    reverse=True,
)
_STEM = 4  # letters at least
_DEFINITION = re.compile(r"\(([A-Za-z0-9][\w-]{1,11})\)")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something to add to a query beside one of its terms."""

    kind: SuggestionKind
    term: str  # the term it belongs to
    add: str  # what to write beside it, with OR
    papers: int  # it would have brought, and the query did not
    examples: tuple[Paper, ...]  # the first of them


class Idea(NamedTuple):
    """Something that may be worth adding beside a term."""

    kind: SuggestionKind
    term: Term
    add: Term


class Keys:
    """The distinct singulars of a window's words, and which may say something to somebody."""

    def __init__(self, singulars: Sequence[str]) -> None:
        self.number = {key: number for number, key in enumerate(dict.fromkeys(singulars))}
        self.words = list(self.number)
        self.of_word = np.array([self.number[key] for key in singulars], np.int64)
        self.telling = np.array([len(key) > 2 and key.isalpha() and key not in _EMPTY for key in self.words])


class Window:
    """Papers gone by, read for suggestions once for any number of queries."""

    def __init__(self, papers: Iterable[Paper] | Texts) -> None:
        self.texts = papers if isinstance(papers, Texts) else Texts(papers)

    @cached_property
    def read(self) -> ReadTexts:
        return self.texts.read(exact=False, names=False, exact_names=False)

    def prepare(self) -> None:
        """Learns from the papers now what would else be learnt when the first query is asked."""
        _ = self.families, self.definitions

    @cached_property
    def keys(self) -> "Keys":
        return Keys(self.read.singulars)

    @cached_property
    def families(self) -> dict[str, list[str]]:
        """Words by their stem, those that stand in most texts first."""
        read = self.read
        often = np.bincount(read.token, minlength=len(read.folded))
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for word, key, count in zip(read.folded[1:], read.singulars[1:], often[1:].tolist(), strict=True):
            if len(word) > _STEM and word.isascii() and word.isalpha():
                found[stem(word)][key] += count
        return {
            shared: [word for word, _ in family.most_common()] for shared, family in found.items() if len(family) > 1
        }

    @cached_property
    def definitions(self) -> list[tuple[str, str]]:
        """(short, long) as papers define them, those defined most often first."""
        papers: dict[tuple[str, str], set[int]] = defaultdict(set)
        spelled: dict[tuple[str, str], Counter[tuple[str, str]]] = defaultdict(Counter)
        for number, paper in enumerate(self.texts.papers):
            for short, long in definitions(f"{paper.title}. {paper.abstract}") if paper else ():
                key = short.casefold(), " ".join(map(singular, words(long)))
                papers[key].add(number)
                spelled[key][short, long.lower()] += 1
        often = sorted((key for key in papers if len(papers[key]) >= DEFINED), key=lambda key: -len(papers[key]))
        return [spelled[key].most_common(1)[0][0] for key in often]


def suggestions(query: Query, window: Window, most: int = 6, *, neighbours: bool = True) -> list[Suggestion]:
    """What would have brought more: forms and abbreviations, those that bring most first, then neighbours.

    At most so many, and at most half as many neighbours, which take as long again.
    """
    wanted = [leaf for leaf in query.wanted() if isinstance(leaf, Term) and leaf.field in TEXT_FIELDS and not leaf.near]
    terms = list(dict.fromkeys(term._replace(weight=1.0) for term in wanted))
    if not terms or not window.texts.papers:
        return []
    ideas = list(dict.fromkeys(idea for term in terms for idea in _ideas(term, window)))[:MOST_IDEAS]
    if not ideas and not neighbours:
        return []  # without a look at the papers
    found, matched = _judged(query, ideas, window)
    if neighbours:
        near, _ = _judged(query, _beside(terms, matched, window), window)
        found += near[: max(1, most // 2)]
    known = {written(leaf._replace(weight=1.0)) for leaf in query.leaves() if isinstance(leaf, Term)}
    unique: dict[str, Suggestion] = {}
    for one in found:
        if one.add not in known:
            unique.setdefault(one.add, one)
    return list(unique.values())[:most]


def in_words(found: Sequence[Suggestion], days: int) -> list[str]:
    """Suggestions for people: "robotics: also written robot, 26 more in 30 days"."""
    said = {
        "form": "{0.term}: also written {0.add}",
        "abbreviation": "{0.term}: also {0.add}",
        "neighbour": "often in the same papers: {0.add}",
    }
    return [f"{said[one.kind].format(one)}, {one.papers} more in {days} day{'s' * (days != 1)}" for one in found]


# ---------------------------------------------------------------------------------------------------------- candidates


def stem(word: str) -> str:
    """A word without its ending, for finding its relations; British as American."""
    key = singular(word)
    key = key[:-3] + "or" if key.endswith("our") else key
    for ending in _ENDINGS:
        if key.endswith(ending) and len(key) - len(ending) >= _STEM:
            key = key[: -len(ending)]
            break
    return key[:-1] if key.endswith("ll") else key


def definitions(text: str) -> Iterator[tuple[str, str]]:
    """(short, long) for every abbreviation that a text defines in parentheses behind its long form."""
    for found in _DEFINITION.finditer(text):
        short = found[1]
        if short[-1] == "s" and short[-2:-1].isupper():
            short = short[:-1]
        if sum(map(str.isalpha, short)) < LEAST_LETTERS or sum(map(str.isupper, short)) < 2:
            continue
        if long := long_form(short, text[max(0, found.start() - 120) : found.start()]):
            yield short, long


def long_form(short: str, before: str) -> str:
    """The shortest end of a text of which an abbreviation takes its letters, the first from a word's begin; "": none.

    Schwartz & Hearst (2003): letter by letter from the right.
    """
    spoken = re.split(r"[.;:()]\s", before)[-1].rstrip()
    spoken = " ".join(spoken.split()[-min(len(short) + 5, 2 * len(short)) :])
    at = len(spoken)
    for place in range(len(short) - 1, -1, -1):
        c = short[place].lower()
        if not c.isalnum():
            continue
        at -= 1
        while at >= 0 and not (spoken[at].lower() == c and (place or not at or not spoken[at - 1].isalnum())):
            at -= 1
        if at < 0:
            return ""
    long = spoken[at:]
    is_one_word = len(long.split()) == 1 and "-" not in long
    return "" if is_one_word or len(long) <= len(short) or short.lower() in long.lower().split() else long


def _ideas(term: Term, window: Window) -> Iterator[Idea]:
    """Other ways to say a term."""
    spelled = tuple(singular(word.lower()) for word in term.words)
    for short, long in window.definitions:
        if tuple(map(singular, words(long))) == spelled:
            yield from _abbreviation(term, short)
        elif len(spelled) == 1 and spelled[0] == singular(short.lower()):
            yield from _abbreviation(term, f'"{long}"')
    if term.exact:
        return
    for place, word in enumerate(term.words):
        if not (word.isascii() and word.isalpha()):
            continue
        family = window.families.get(stem(word), ())
        for other in [one for one in family if one != singular(word)][:FORMS_TRIED]:
            yield Idea("form", term, term._replace(words=(*term.words[:place], other, *term.words[place + 1 :])))


def _abbreviation(term: Term, text: str) -> Iterator[Idea]:
    """A term as the language reads it, in the field of another."""
    try:
        root = parse(text).root
    except QueryError:
        return
    if isinstance(root, Term) and not root.field:
        yield Idea("abbreviation", term, root._replace(field=term.field))


def _beside(terms: Sequence[Term], matched: NDArray[np.int64], window: Window) -> list[Idea]:
    """Pairs of words in many of the papers a query is true of, without those of the query."""
    read, keys = window.read, window.keys
    texts = read.tokens.texts_of(matched[:READ_FOR_NEIGHBOURS])
    _, place = repeat_each(texts, read.tokens.begin[texts], np.maximum(read.tokens.size[texts] - 1, 0))
    first, second = keys.of_word[read.token[place]], keys.of_word[read.token[place + 1]]
    own = [keys.number[key] for term in terms for word in term.words if (key := singular(word)) in keys.number]
    telling = keys.telling.copy()
    telling[own] = False
    kept = telling[first] & telling[second]
    pair = first[kept] * len(keys.words) + second[kept]
    paper = read.tokens.paper[read.tokens.text[place[kept]]]
    pairs, counts = np.unique(np.unique(np.stack([pair, paper]), axis=1)[0], return_counts=True)
    often = np.argsort(-counts, kind="stable")[:NEIGHBOURS_TRIED]
    return [
        Idea(
            "neighbour",
            terms[0],
            Term(terms[0].field, tuple(keys.words[one] for one in divmod(number, len(keys.words)))),
        )
        for number in pairs[often[counts[often] >= DEFINED]].tolist()
    ]


_EMPTY = FUNCTION_WORDS | frozenset(
    """
    both via based using use novel new propose proposed present introduce show shown demonstrate result method approach
    model paper work study task performance state art recent experiment extensive across different existing high low
    large small significant significantly improve achieve provide code available thi known
    """.split()
)


# ------------------------------------------------------------------------------------------------------------- judging


def _judged(query: Query, ideas: Sequence[Idea], window: Window) -> tuple[list[Suggestion], NDArray[np.int64]]:
    """The ideas that papers bear out, with what each would have brought; and the papers the query is true of."""
    asked = [query]
    for idea in ideas:
        wider = Query(_with_beside(query.root, idea.term, idea.add))
        asked += [Query(idea.term), Query(idea.add), wider]
    truth = _truth(asked, window)
    now = truth[0]
    found: list[tuple[float, Suggestion]] = []
    for place, idea in enumerate(ideas):
        of_term, of_add, wider_now = truth[1 + 3 * place : 4 + 3 * place]
        more = np.flatnonzero(wider_now & ~now)
        holders, both = int(of_add.sum()), int((of_add & (now if idea.kind == "neighbour" else of_term)).sum())
        if not len(more) or holders < HELD or (idea.kind != "abbreviation" and both < TOGETHER * holders):
            continue
        examples = tuple(paper for number in more[:EXAMPLES].tolist() if (paper := window.texts.papers[number]))
        worth = both / holders if idea.kind == "neighbour" else float(len(more))
        found.append((worth, Suggestion(idea.kind, written(idea.term), written(idea.add), len(more), examples)))
    found.sort(key=lambda one: -one[0])
    return [suggestion for _, suggestion in found], np.flatnonzero(now)


def _truth(queries: Sequence[Query], window: Window) -> NDArray[np.bool_]:
    """[queries, papers]: which query is true of which paper."""
    truth = np.zeros((len(queries), len(window.texts.papers)), bool)
    truth[Matcher(queries).match(window.texts).pairs()] = True
    return truth


def _with_beside(node: Node, term: Leaf, add: Term) -> Node:
    """A part of a query in which a term may also be another."""
    if not isinstance(node, Group):
        bare = node if isinstance(node, Number) else node._replace(weight=1.0)
        return Group("or", (node, add)) if bare == term else node
    return node._replace(parts=tuple(_with_beside(part, term, add) for part in node.parts))
