"""Tastes as rows, on both kinds of database: learning and correcting leave one another alone."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from sqlalchemy import update

from bot.core.taste.corrections import Corrections, TasteEdit
from bot.core.taste.learn import Taste, TasteWord
from bot.store import Database, taste
from bot.store.tables.taste_rows import TASTES

LEARNT = Taste((TasteWord("grasping", 9.0, ("Mine",), 5), TasteWord("gripper", 4.5, ("Mine",), 2)), liked=6, least=9.3)


def kept(database: Database) -> taste.StoredTaste:
    with database.read() as tx:
        return taste.of_subscribers(tx, [1])[1]


def test_what_is_learnt_and_what_is_corrected_are_kept_side_by_side(database: Database, now: datetime) -> None:
    with database.write() as tx:
        assert taste.correct_words(tx, 1, TasteEdit({"tactile": 6.0}, ["gripper"]), now) is None, (
            "nothing is learnt yet"
        )
        taste.learnt(tx, 1, LEARNT, "x", ("a line",), now)
    first = kept(database)
    with database.write() as tx:
        taste.learnt(tx, 1, LEARNT, "y", (), now)
        taste.correct_words(tx, 1, TasteEdit(as_learnt=["gripper"]), now)
        taste.correct_words(tx, 1, TasteEdit(as_learnt=["gripper"]), now)
    second = kept(database)

    assert (first.learnt, first.version, first.learnt_from, first.problems) == (LEARNT, 2, "x", ("a line",))
    assert first.taste is not None
    assert first.taste.text == "grasping^9, tactile^6"
    assert (second.version, second.learnt_from, second.corrections) == (4, "y", Corrections({"tactile": 6.0}))


def test_of_two_corrections_at_once_none_is_lost(database: Database, now: datetime) -> None:
    with database.write() as tx:
        taste.learnt(tx, 1, LEARNT, "x", (), now)
    words = [f"word{letter}" for letter in "abcdefgh"]

    def correct(word: str) -> None:
        with database.write() as tx:
            taste.correct_words(tx, 1, TasteEdit({word: 2.0}), now)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(correct, words))

    assert set(kept(database).corrections.weights) == set(words)


def test_what_an_older_version_learnt_is_read_and_corrected(database: Database, now: datetime) -> None:
    """It did not count the papers that hold a word."""
    with database.write() as tx:
        taste.learnt(tx, 1, LEARNT, "x", (), now)
        old = '{"words": [["grasping", 9.0, ["Mine"]], ["gripper", 4.5, []]], "liked": 6, "disliked": 0, "least": 9.3}'
        tx.execute(update(TASTES).values(data=old))
        corrected = taste.correct_words(tx, 1, TasteEdit({"gripper": 2.0}), now)

    assert kept(database).learnt is not None
    assert corrected is not None
    assert (corrected.text, corrected.least) == ("grasping^9, gripper^2", 9.3)
