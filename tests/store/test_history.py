"""What was true at any revision can be asked exactly: many histories against a naive model, on both databases."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from bot.core.papers import Listing, Paper, identity
from bot.core.query import parse
from bot.core.query.evaluate import matches
from bot.pipeline.compose.compose import open_view
from bot.store import Database, history, papers
from bot.store.tables.paper_rows import LISTINGS, MERGERS, METRICS, PAPER_KEYS, PAPER_STATES, PAPERS, REVISIONS

NOW = datetime(2026, 11, 16, 8, tzinfo=UTC)
EVERY_TABLE = (METRICS, LISTINGS, PAPER_STATES, PAPER_KEYS, MERGERS, PAPERS, REVISIONS)
WORDS = ("routing", "pruning", "sorting", "folding")
QUERIES = ("lattice", "abstract:pruned", "upvotes>=2", "lattice NOT source:hub", "title:revised OR upvotes>=3")


@st.composite
def listings(draw: st.DrawFn) -> Listing:
    """One of four works, as one of its faces shows it: with any of its identifiers, with or without votes or text."""
    work = draw(st.integers(0, 3))
    names = [f"2611.0000{work}", f"10.1234/work.{work}"]
    faces = draw(st.sampled_from(([0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2], [])))
    url = f"https://lab.example/{work}" if 2 in faces else ""
    title = f"Lattice {WORDS[work]} for people who like {WORDS[work]}{draw(st.sampled_from(('', ' revised')))}"
    abstract = draw(st.sampled_from(("", f"We have pruned {WORDS[work]} until nothing but {WORDS[work]} was left.")))
    return Listing(
        title=title,
        keys=identity.keys_for(title, identifiers=[names[face] for face in faces if face < 2], url=url),
        abstract=abstract,
        authors=draw(st.sampled_from(((), (f"Ada {WORDS[work].title()}", "Grace Folk")))),
        upvotes=draw(st.sampled_from((None, 1, 2, 3))),
        listed=date(2026, 11, 16),
        version=draw(st.sampled_from((None, 1, 2))) if 0 in faces else None,
        announce_type=draw(st.sampled_from(("", "new", "replace"))) if 0 in faces else "",
    )


Batch = tuple[str, list[Listing]]
batches = st.lists(
    st.tuples(st.sampled_from(("lab", "hub", "wire")), st.lists(listings(), min_size=1, max_size=4)),
    min_size=2,
    max_size=6,
)


class Model:
    """The naive truth: a copy of all papers after every revision, and which papers each is made of."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.at: dict[int, dict[int, Paper]] = {0: {}}
        self.parts: dict[int, dict[int, frozenset[int]]] = {0: {}}  # revision -> paper -> the papers it once was

    def run(self, history_of: list[Batch], then: Callable[[], None] = lambda: None) -> None:
        with self.database.write() as tx:
            for table in EVERY_TABLE:
                tx.execute(delete(table))
        for number, (source, batch) in enumerate(history_of):
            named = [replace(one, source=source) for one in batch]
            with self.database.record() as tx:
                recorded = papers.record(tx, source, named, NOW + timedelta(days=number), first=number == 0)
            self.note(recorded.revision)
            then()

    def note(self, revision: int | None) -> None:
        with self.database.read() as tx:
            now = history.seen_since(tx, NOW - timedelta(days=1))
            mergers = tx.execute(select(MERGERS.c.loser, MERGERS.c.winner)).all()
        if revision is None:
            assert now == self.at[self.last]
            return
        parts = {paper_id: frozenset([paper_id]) for paper_id in now}
        became = {loser: winner for loser, winner in mergers}
        for loser in became:
            end = loser
            while end in became:
                end = became[end]
            parts[end] |= {loser}
        self.at[revision], self.parts[revision] = now, parts

    @property
    def last(self) -> int:
        return max(self.at)

    @property
    def revisions(self) -> list[int]:
        return sorted(self.at)


def examples(number: int) -> Any:
    return settings(
        max_examples=number,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        derandomize=True,
        phases=[phase for phase in Phase if phase is not Phase.shrink],
    )


@examples(25)
@given(batches)
def test_what_was_true_then(database: Database, history_of: list[Batch]) -> None:
    model = Model(database)
    model.run(history_of)
    ever = set().union(*model.at.values())
    with database.read() as tx:
        for then in model.revisions:
            before = history.as_of(tx, ever, then)
            assert {paper_id: before[paper_id] for paper_id in model.at[then]} == model.at[then]
            for until in (revision for revision in model.revisions if revision >= then):
                changed = history.changed_since(tx, then, until)
                for paper_id, paper in model.at[until].items():
                    if model.at[then].get(paper_id) != paper:
                        assert changed[paper_id] == paper
                assert all(model.at[until][paper_id] == paper for paper_id, paper in changed.items())
                assert history.seen_since(tx, NOW - timedelta(days=1), until) == model.at[until]
                became = history.current(tx, model.at[then], until)
                for paper_id in model.at[then]:
                    assert paper_id in model.parts[until][became.get(paper_id, paper_id)]
            for winner, losers in history.forebears(tx, model.at[model.last], then).items():
                alive = {loser for loser in losers if loser in model.at[then]}
                assert alive == model.parts[model.last][winner] & model.at[then].keys() - {winner}


@examples(40)
@given(batches)
def test_the_same_batch_again_changes_nothing(database: Database, history_of: list[Batch]) -> None:
    model = Model(database)
    model.run(history_of)
    source, batch = history_of[-1]
    named = [replace(one, source=source) for one in batch]
    with database.record() as tx:
        papers.record(tx, source, named, NOW, first=False)  # what was just learnt may tell what an earlier one was of
    for _ in range(2):
        with database.record() as tx:
            assert papers.record(tx, source, named, NOW, first=False) == papers.Recorded(None)


@examples(40)
@given(batches)
def test_no_history_makes_one_paper_of_two_works(database: Database, history_of: list[Batch]) -> None:
    model = Model(database)
    model.run(history_of)
    for paper in model.at[model.last].values():
        assert len({word for word in WORDS if word in repr(paper)}) == 1


@examples(40)
@given(batches, st.lists(st.booleans(), min_size=6, max_size=6))
def test_news_is_what_is_true_now_and_of_nothing_it_was_made_of_then(
    database: Database, history_of: list[Batch], reads: list[bool]
) -> None:
    """A subscriber who looks at some of the revisions only is told, each time, by a diff against the last one."""
    model = Model(database)
    queries = [parse(text) for text in QUERIES]
    looked = [0]
    turns = iter(reads)

    def look() -> None:
        if not next(turns) or model.last == looked[-1]:
            return
        base, until = looked[-1], model.last
        looked.append(until)
        (found,) = open_view(database, NOW).changes_since(base).match([queries], most=99)
        for query, told, best in zip(queries, found.every, found.best, strict=True):
            expected = {
                paper_id
                for paper_id, paper in model.at[until].items()
                if matches(query, paper)
                and not any(
                    matches(query, model.at[base][part])
                    for part in model.parts[until][paper_id]
                    if part in model.at[base]
                )
            }
            assert set(told) == set(best) == expected
            assert len(told) == len(best) == len(expected)

    model.run(history_of, look)


@pytest.mark.parametrize("revision", [0, 1, 99])
def test_an_empty_store(database: Database, revision: int) -> None:
    with database.read() as tx:
        assert history.latest_revision(tx) is None
        assert history.as_of(tx, [1, 2], revision) == {}
        assert history.changed_since(tx, 0, revision) == {}
        assert history.changes_since(tx, [], 0) == {}
        assert history.forebears(tx, [1], revision) == {}
        assert history.current(tx, [1], revision) == {}
        assert history.revision_before(tx, NOW) == 0


@pytest.mark.parametrize("preprint_first", [True, False])
@pytest.mark.parametrize("known_both", [True, False])
def test_who_was_told_under_another_name_is_not_told_again(
    database: Database, preprint_first: bool, known_both: bool
) -> None:
    """A lab's page was told; then it turns out to be the preprint that came before it, or after it."""
    people = ("Ada Lovelace", "Grace Hopper")
    url = "https://lab.example/pruned"
    page = Listing(
        title="What we pruned", keys=identity.keys_for("What we pruned", url=url), abstract="Pruned.", authors=people
    )
    title = "Lattices of all sorts, considered"
    preprint = Listing(title=title, keys=identity.keys_for(title, identifiers=["2611.00009"]), authors=people)
    both = Listing(title=title, keys=identity.keys_for(title, identifiers=["2611.00009"], url=url), authors=people)

    def record(*batch: Listing) -> int:
        with database.record() as tx:
            papers.record(tx, "lab", batch, NOW, first=False)
        with database.read() as tx:
            return (history.latest_revision(tx) or pytest.fail("nothing was recorded")).id

    def news(base: int) -> list[int]:
        view = open_view(database, NOW)
        return [len(found) for found in view.changes_since(base).match([[parse("abstract:pruned")]], most=9)[0].every]

    first = (preprint, page) if preprint_first else (page, preprint)
    base = record(*(first if known_both else [page]))
    assert news(0) == [1]
    if not known_both:
        assert record(preprint) > base
        assert news(base) == [0]
    assert record(both) > base
    assert news(base) == [0]
    assert news(0) == [1]
