"""Terms of a query that can never bring a paper, as what they ask for is excluded: the keyword "diffusion model" where
"diffusion" is excluded. For `check`.

Found by trying: a term is taken to be true, with all that follows from it (a paper with "diffusion model" has
"diffusion"), everything else as well disposed as can be; if the query is still false, the term is of no use. What is
not found out is taken to be possible.
"""

from functools import lru_cache
from itertools import product

from bot.core.papers import Paper
from bot.core.query.ast import VALUE_FIELDS, Leaf, Number, Query, Term, true
from bot.core.query.evaluate import COMPARE, Reading
from bot.core.query.words import units

MOST_WORDS = 5  # of longer phrases the readings would be many
MOST_BOTH_WAYS = 4  # terms that stand behind NOT and elsewhere, too: all their ways are tried
OPEN_COMPOUND = 4  # letters of the shorter word: "data set" is also written as one, "diffusion model" is not
_ENDING = "zqzq"  # stands for the rest of a word that only has to begin so
_OTHER = "qzqz"  # a word that no query has


def never_matching(query: Query) -> tuple[Leaf, ...]:
    """The wanted terms that bring no paper whatever comes; all of them: the query matches nothing, ever."""
    leaves, wanted, unwanted = list(dict.fromkeys(query.leaves())), query.wanted(), query.unwanted()
    if not unwanted and not any(isinstance(leaf, Number) for leaf in leaves):
        return ()
    both_ways = [leaf for leaf in wanted if leaf in unwanted]
    if len(both_ways) > MOST_BOTH_WAYS:
        return ()
    useless: set[Leaf] = set()
    useless.update(one for one in wanted if isinstance(one, Number) and one.comparison == "<" and not one.value)
    while True:
        found = {leaf for leaf in wanted if leaf not in useless and not _possible(query, leaf, both_ways, useless)}
        if not found:
            return tuple(leaf for leaf in wanted if leaf in useless)
        useless |= found


def _possible(query: Query, leaf: Leaf, both_ways: list[Leaf], useless: set[Leaf]) -> bool:
    """Whether the query can be true of a paper of which a term is."""
    wanted, at_risk = set(query.wanted()), {*query.unwanted(), *useless}
    follows = {other for other in query.leaves() if other in at_risk and implies(leaf, other)}
    held = {
        other: other in follows or (other in wanted and other not in useless and not _exclude_each_other(leaf, other))
        for other in query.leaves()
    }
    free = [other for other in both_ways if other not in follows]
    return any(
        true(query.root, {**held, **dict(zip(free, ways, strict=True))}.__getitem__)
        for ways in product((True, False), repeat=len(free))
    )


@lru_cache(maxsize=1 << 12)
def implies(one: Leaf, other: Leaf) -> bool:
    """Whether every paper that has one term has the other, as far as can be told."""
    if isinstance(one, Number) or isinstance(other, Number):
        if not (isinstance(one, Number) and isinstance(other, Number) and one.name == other.name):
            return False
        counts = [count for count in _counts_around(one, other) if COMPARE[one.comparison](count, one.value)]
        return bool(counts) and all(COMPARE[other.comparison](count, other.value) for count in counts)
    if one._replace(weight=1.0) == other._replace(weight=1.0):
        return True
    if one.field in VALUE_FIELDS or other.field in VALUE_FIELDS:
        begin = other.words[0].removesuffix("*")
        return one.field == other.field and begin != other.words[0] and one.words[0].startswith(begin)
    if other.exact and not one.exact:
        return False
    texts = _texts(one)
    return bool(texts) and all(Reading(paper).true(other) for text in texts for paper in _papers(one.field, text))


def _texts(term: Term) -> list[str]:
    """The shortest texts that a term is true of, but for plurals; [] where there would be too many."""
    words = [word[:-1] + _ENDING if word.endswith("*") else word for word in term.words]
    if len(words) > MOST_WORDS:
        return []
    if term.near:
        gap = " ".join([_OTHER] * (term.near - len(words) + 1))
        orders = (words, words[::-1])
        return [f"{order[0]} {gap} {' '.join(order[1:])}" for order in orders]
    if term.exact or term.field in ("author", "org"):
        return [" ".join(words)]
    readings: list[tuple[str, int]] = [("", 0)]
    found: list[str] = []
    while readings:
        said, read = readings.pop()
        if read == len(words):
            found.append(said)
        joined = read + 1 < len(words) and min(len(words[read]), len(words[read + 1])) <= OPEN_COMPOUND
        readings += [(f"{said} {unit}", after) for unit, after in units(words, read, joined=joined)]
    return found


def _papers(field: str, text: str) -> list[Paper]:
    """Papers with a text where a term of a field may be found."""
    title, abstract = Paper("k", text), Paper("k", "", text)
    if field == "author":
        return [Paper("k", "", authors=(text,))]
    if field == "org":
        return [Paper("k", "", organization=text)]
    return [title] if field == "title" else [abstract] if field == "abstract" else [title, abstract]


def _exclude_each_other(one: Leaf, other: Leaf) -> bool:
    """Whether no paper can have both: conditions on one number."""
    if not (isinstance(one, Number) and isinstance(other, Number) and one.name == other.name):
        return False
    return not any(
        COMPARE[one.comparison](count, one.value) and COMPARE[other.comparison](count, other.value)
        for count in _counts_around(one, other)
    )


def _counts_around(one: Number, other: Number) -> list[int]:
    """Counts on all sides of two conditions."""
    return sorted({max(0, value + step) for value in (0, one.value, other.value) for step in (-1, 0, 1)})
