"""The words of a taste as a form, and what a subscriber changed in it. Decisions only; no request is seen here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from bot.core.letter.paper_view import title_of
from bot.core.taste.corrections import CorrectionError, TasteEdit, own_word, own_words
from bot.core.taste.learn import MAX_WORDS, TasteWord
from bot.core.text.sanitize import shortened
from bot.store.taste import StoredTaste
from bot.store.thumbs import ThumbKind

AT_ONCE = 10  # words shown before the others are asked for
TITLES = 2  # of the papers a word comes from
LONGEST_TITLE = 48
LONGEST_WEIGHT = 20
FIELDS = ("word", "was", "weight", "own", "pin", "gone")  # of a row: `w3_weight`
MOST_ROWS = 1_000  # of words and removed words in a form


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleView:
    """A paper that a word comes from: the subscriber pressed a thumb for it, or it is of their library ("")."""

    text: str
    thumb: ThumbKind | Literal[""]


@dataclass(frozen=True, slots=True, kw_only=True)
class WordView:
    """One word of the form."""

    word: str
    weight: str
    is_own: bool
    learnt: str  # the weight it was learnt with; "" for a word of their own
    papers: int
    titles: list[TitleView]
    was: str  # the weight there is, where another one could not be saved
    pinned: bool
    gone: bool = False

    @property
    def more(self) -> int:
        return max(0, self.papers - len(self.titles))


@dataclass(frozen=True, slots=True, kw_only=True)
class TasteView:
    """What is learnt of a subscriber and what they corrected, for the page."""

    liked: int
    words: list[WordView]
    removed: list[str]
    text: str  # all of it as a query

    @property
    def is_corrected(self) -> bool:
        return bool(self.removed) or any(one.is_own for one in self.words)


def taste_view(
    stored: StoredTaste | None, thumbs: Mapping[str, ThumbKind], typed: Mapping[str, str] | None = None
) -> TasteView | None:
    """None where too little is known to learn from. `thumbs`: by title, what was pressed for a paper. `typed`: a form
    that could not be saved, which stands there to be mended."""
    if stored is None or stored.learnt is None:
        return None
    learnt = {one.word: f"{one.weight:g}" for one in stored.learnt.words}
    rows = {} if typed is None else {row["word"]: row for row in _rows(typed)}
    words = [
        _word_view(one, learnt.get(one.word, ""), thumbs, rows.get(one.word))
        for one in (stored.taste.words if stored.taste else ())
    ]
    text = stored.taste.text if stored.taste else ""
    return TasteView(liked=stored.learnt.liked, words=words, removed=sorted(stored.corrections.removed), text=text)


def _word_view(
    one: TasteWord, learnt: str, thumbs: Mapping[str, ThumbKind], typed: Mapping[str, str] | None
) -> WordView:
    titles = [
        TitleView(text=shortened(title_of(title), LONGEST_TITLE), thumb=thumbs.get(title, ""))
        for title in one.titles[:TITLES]
    ]
    weight = f"{one.weight:g}"
    return WordView(
        word=one.word,
        weight=typed["weight"][:LONGEST_WEIGHT] if typed else weight,
        was=weight,
        is_own=one.is_own,
        learnt=learnt,
        papers=one.papers,
        titles=titles,
        pinned=bool(typed["pin"]) if typed else one.is_own,
        gone=bool(typed and typed["gone"]),
    )


def _rows(form: Mapping[str, str]) -> Iterator[dict[str, str]]:
    for number in range(MOST_ROWS):
        row = {name: form.get(f"w{number}_{name}", "").strip() for name in FIELDS}
        if not row["word"]:
            return
        yield row


def edit_from(form: Mapping[str, str]) -> TasteEdit:
    """What the form asks to change. What a row shows is sent with it (`_was`, `_own`): a weight that was learnt anew
    since the page was made is no wish. Raises CorrectionError with every problem."""
    weights: dict[str, float] = {}
    removed, as_learnt = [], []
    problems: list[str] = []
    for row in _rows(form):
        try:
            word, asked = own_word(f"{row['word']}^{row['weight'].replace(',', '.')}")
        except CorrectionError as error:
            problems += error.problems
            continue
        if row["gone"]:
            removed.append(word)
        elif row["weight"] != row["was"] or (row["pin"] and not row["own"]):
            weights[word] = asked
        elif row["own"] and not row["pin"]:
            as_learnt.append(word)
    for number in range(MOST_ROWS):
        if not (word := form.get(f"r{number}_word", "").strip()):
            break
        if form.get(f"r{number}_back"):
            as_learnt.append(word)
    try:
        weights |= own_words(form.get("own_words", ""))
    except CorrectionError as error:
        problems += error.problems
    if problems:
        raise CorrectionError(problems[:MAX_WORDS])
    return TasteEdit(weights, removed, as_learnt)
