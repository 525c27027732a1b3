"""What subscribers correct in what was learnt of them: a weight or a word of their own, a word they do not want.

Corrections are kept beside what was learnt and put over it whenever it is used, so they hold however often it is learnt
again. Words are compared without plural endings, as everywhere in a taste.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from bot.core.query import QueryError, Term, parse
from bot.core.query.plurals import singular
from bot.core.query.words import SMALL_WORDS
from bot.core.taste.learn import EVERYDAY, LEAST_WEIGHT, MAX_WORDS, STRONGEST, Taste, TasteWord
from bot.core.text.translatable import Translatable
from bot.errors import UserError

LIGHTEST = 0.1
MOST_REMOVED = 500
LONGEST_TEXT = 4_000  # characters of a field or an option
LONGEST_WORD = 60
SHOWN = 40  # characters of an entry that is no word
_BETWEEN = re.compile(r"[,\n\r，、;；]+")


class CorrectionError(UserError):
    """Corrections that cannot be made; `problems` has a sentence for each."""

    def __init__(self, problems: Iterable[str]) -> None:
        super().__init__("The words are as they were.", list(problems))


@dataclass(frozen=True, slots=True)
class TasteEdit:
    """What a subscriber wants changed: words with a weight of their choice, words they do not want, words that are to
    be as they are learnt."""

    weights: Mapping[str, float] = field(default_factory=dict)
    removed: Collection[str] = ()
    as_learnt: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Corrections:
    """All that a subscriber has corrected: word -> weight, and the words that are removed."""

    weights: Mapping[str, float] = field(default_factory=dict)
    removed: tuple[str, ...] = ()

    def edited(self, edit: TasteEdit, learnt: Taste | None) -> "Corrections":
        """With these changes. A word of their own that is not learnt is gone when it is removed. Raises
        CorrectionError."""
        learnt_words = {singular(one.word) for one in learnt.words} if learnt else set()
        weights = {singular(word): (word, weight) for word, weight in self.weights.items()}
        removed = {singular(word): word for word in self.removed}
        for word in edit.as_learnt:
            weights.pop(singular(word), None)
            removed.pop(singular(word), None)
        for word in edit.removed:
            own = weights.pop(singular(word), None)
            if own is None or singular(word) in learnt_words:
                removed[singular(word)] = word
        for word, weight in edit.weights.items():
            removed.pop(singular(word), None)
            weights[singular(word)] = (word, weight)
        if len(weights) > MAX_WORDS:
            too_many = Translatable(
                "{words} words with a weight of your own; {most} are the most", words=len(weights), most=MAX_WORDS
            )
            raise CorrectionError([too_many])
        if len(removed) > MOST_REMOVED:
            too_many = Translatable("{words} removed words; {most} are the most", words=len(removed), most=MOST_REMOVED)
            raise CorrectionError([too_many])
        return Corrections(dict(weights.values()), tuple(removed.values()))


def corrected(learnt: Taste, corrections: Corrections) -> Taste | None:
    """What was learnt, with a subscriber's corrections over it; None where no word is left.

    Their own words stay in any case; of the others the strongest that a query has room for. How much a paper must hold
    to be like theirs follows the weights: it changes as the mean of the liked papers does.
    """
    if not (corrections.weights or corrections.removed):
        return learnt
    removed = set(map(singular, corrections.removed))
    own = {singular(word): (word, weight) for word, weight in corrections.weights.items()}
    kept = []
    own_words = []
    for one in learnt.words:
        folded = singular(one.word)
        if folded in own:
            own_words.append(replace(one, weight=own.pop(folded)[1], is_own=True))
        elif folded not in removed:
            kept.append(one)
    own_words += [TasteWord(word, weight, (), is_own=True) for word, weight in own.values()]
    chosen = sorted(own_words + kept[: MAX_WORDS - len(own_words)], key=lambda one: (-one.weight, one.word))
    if not chosen:
        return None
    return replace(learnt, words=tuple(chosen), least=_least(learnt, chosen))


def _least(learnt: Taste, chosen: list[TasteWord]) -> float:
    """What a paper must weigh under other weights. Never what one word alone brings, where there are two."""
    before = _mean_weight(learnt.words)
    scaled = learnt.least * _mean_weight(chosen) / before if before else learnt.least
    two_words = max(one.weight for one in chosen) + LEAST_WEIGHT
    return min(max(scaled, two_words), sum(one.weight for one in chosen))


def _mean_weight(words: Iterable[TasteWord]) -> float:
    """What the liked papers weigh together."""
    return sum(one.weight * one.papers for one in words)


def own_words(text: str) -> dict[str, float]:
    """Words with weights as a subscriber writes them: `tactile^6, gripper`, with commas or one a line. Raises
    CorrectionError with every problem."""
    if len(text) > LONGEST_TEXT:
        too_long = Translatable(
            "{characters:,} characters are too many: a taste has {most} words at most",
            characters=len(text),
            most=MAX_WORDS,
        )
        raise CorrectionError([too_long])
    found: dict[str, float] = {}
    problems: list[str] = []
    seen: set[str] = set()
    for entry in filter(None, (" ".join(part.split()) for part in _BETWEEN.split(text))):
        try:
            word, weight = own_word(entry)
        except CorrectionError as error:
            problems += error.problems
            continue
        if singular(word) in seen:
            problems += _refused(entry, Translatable("this word is there twice")).problems
        seen.add(singular(word))
        found[word] = weight
    if len(found) > MAX_WORDS:
        problems.append(Translatable("{words} words; {most} are the most", words=len(found), most=MAX_WORDS))
    if problems:
        raise CorrectionError(problems)
    return found


def own_word(entry: str) -> tuple[str, float]:
    """One word with its weight: `tactile^6`. Raises CorrectionError."""
    try:
        term = parse(entry).root
    except QueryError as error:
        raise _refused(entry, error.reason) from None
    is_plain = isinstance(term, Term) and not (term.field or term.exact or term.near)
    if not is_plain or not isinstance(term, Term) or term.words[0].endswith("*"):
        raise _refused(
            entry, Translatable("a taste holds single words, as in tactile^6; a profile can ask for anything else")
        )
    if len(term.words) > 1:
        raise _refused(entry, Translatable("a taste holds single words; write a profile for a phrase"))
    (word,) = term.words
    if len(word) > LONGEST_WORD:
        raise _refused(entry, Translatable("this is too long for a word"))
    if word in SMALL_WORDS or word in EVERYDAY:
        raise _refused(entry, Translatable("this word stands in papers of every field and tells none from another"))
    if not LIGHTEST <= term.weight <= STRONGEST:
        raise _refused(entry, Translatable("a weight is from {least:g} to {most:g}", least=LIGHTEST, most=STRONGEST))
    return word, round(term.weight, 1)


def _refused(entry: str, reason: str) -> CorrectionError:
    shown = "".join(c if c.isprintable() else " " for c in entry)
    shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"
    return CorrectionError([Translatable("“{entry}”: {reason}", entry=shown, reason=reason)])
