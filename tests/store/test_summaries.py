"""Sentences by a model and what they cost, as rows, on both kinds of database."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core.papers import Paper
from bot.store import Database, summaries
from bot.store.summaries import DailyBudget, Spend, version_of

PAPER = Paper(key="arxiv:2611.00001", title="Attention", abstract="We look twice.")
MINUTE = timedelta(minutes=1)


def test_a_version_is_asked_about_once(database: Database, now: datetime) -> None:
    version = version_of(1, PAPER)

    def ask(moment: datetime, language: str = "en") -> bool:
        with database.write() as tx:
            return summaries.begin(tx, version, language, "finch", moment, MINUTE)

    assert ask(now)
    assert not ask(now + MINUTE / 2), "somebody may still get an answer"
    assert ask(now, "de"), "in another language it is another sentence"
    assert ask(now + MINUTE), "who asked has died"
    with database.write() as tx:
        summaries.keep_answer(tx, version, "en", sentence="It looks twice.")
    assert not ask(now + 10 * MINUTE)
    with database.read() as tx:
        said = summaries.sentences_of(tx, [1, 2], "en")
        known = summaries.questions_about(tx, [1], "en", now)
    assert said == {version: summaries.Sentence("It looks twice.", "finch")}
    assert (known.answered, known.open) == ({version}, set())
    assert version_of(1, replace(PAPER, abstract="We look thrice.")) not in said, "version 2 is another text"
    assert version_of(1, replace(PAPER, upvotes=7)) in said


def test_a_question_without_an_answer_is_open_again(database: Database, now: datetime) -> None:
    version = version_of(1, PAPER)
    for _ in range(2):
        with database.write() as tx:
            assert summaries.begin(tx, version, "en", "finch", now, MINUTE)
            summaries.keep_answer(tx, version, "en")
    with database.write() as tx:
        assert summaries.begin(tx, version, "en", "finch", now, MINUTE)
        summaries.keep_answer(tx, version, "en", objection="a link")
        summaries.keep_answer(tx, version, "en")
    with database.read() as tx:
        assert summaries.questions_about(tx, [1], "en", now).answered == {version}
        assert summaries.sentences_of(tx, [1], "en") == {}


def test_many_at_once_cannot_spend_more_than_the_budget(database: Database, now: datetime) -> None:
    budget = DailyBudget(calls=7, tokens=1_000)
    ready = threading.Barrier(4)

    def spend(_: int) -> int:
        ready.wait(10)
        taken = 0
        for _ in range(5):
            with database.write() as tx:
                taken += summaries.take(tx, now.date(), budget, 100)
        return taken

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(spend, range(4))) == 7
    with database.write() as tx:
        summaries.correct(tx, now.date(), tokens=-50, written=1)
        assert not summaries.take(tx, now.date(), budget, 1)
        assert summaries.take(tx, now.date() + timedelta(days=1), budget, 1_000), "another day"
        assert not summaries.take(tx, now.date() + timedelta(days=1), budget, 1)
    with database.read() as tx:
        assert summaries.spend(tx, now.date()) == Spend(calls=7, tokens=650, written=1)


def test_three_failures_in_a_row_and_it_is_left_alone(database: Database, now: datetime) -> None:
    def fail(until: datetime | None = None) -> bool:
        with database.write() as tx:
            return summaries.note_failure(tx, now, "connection refused", 3, 30 * MINUTE, until)

    def state(moment: datetime) -> tuple[datetime | None, str]:
        with database.read() as tx:
            return summaries.left_alone_until(tx, moment)

    assert [fail(), fail()] == [False, False]
    with database.write() as tx:
        summaries.note_success(tx)
    assert [fail(), fail(), fail()] == [False, False, True]
    assert state(now) == (now + 30 * MINUTE, "connection refused")
    assert state(now + 30 * MINUTE) == (None, "connection refused")
    assert fail(now + 5 * MINUTE), "its own word counts at once"
    assert state(now) == (now + 5 * MINUTE, "connection refused")
    assert state(now - timedelta(days=3))[0] is None, "a clock gone wrong holds nothing for ever"


def test_what_no_letter_shows_any_more_goes(database: Database, now: datetime) -> None:
    with database.write() as tx:
        summaries.begin(tx, version_of(1, PAPER), "en", "finch", now, MINUTE)
        summaries.keep_answer(tx, version_of(1, PAPER), "en", sentence="It looks twice.")
        summaries.take(tx, now.date(), DailyBudget(calls=1, tokens=10), 1)
    for later, kept in ((summaries.KEPT - timedelta(days=1), 1), (summaries.KEPT + timedelta(days=2), 0)):
        with database.write() as tx:
            summaries.prune(tx, now + later)
        with database.read() as tx:
            assert len(summaries.sentences_of(tx, [1], "en")) == kept
            assert summaries.spend(tx, now.date()).calls == kept
