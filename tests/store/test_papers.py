"""What a collection changes in the store, on both databases."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.core.papers import Listing, identity
from bot.store import Database, history, papers
from bot.store.papers import Recorded
from bot.store.tables.paper_rows import LISTINGS, MERGERS, METRICS, PAPER_KEYS, PAPER_STATES, PAPERS, REVISIONS

NOW = datetime(2026, 11, 16, 8, tzinfo=UTC)
TABLES = (REVISIONS, PAPERS, PAPER_KEYS, PAPER_STATES, METRICS, LISTINGS, MERGERS)


def listing(title: str, *identifiers: str, url: str = "", source: str = "lab", **more: Any) -> Listing:
    keys = identity.keys_for(title, identifiers=identifiers, url=url, abstract=more.get("abstract", ""))
    return Listing(**{"title": title, "keys": keys, "url": url, "source": source, **more})


def record(
    database: Database, *listings: Listing, source: str = "lab", days: float = 0, first: bool = False
) -> Recorded:
    with database.record() as tx:
        return papers.record(tx, source, listings, NOW + timedelta(days=days), first=first)


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    with database.read() as tx:
        return {table.name: sorted(map(tuple, tx.execute(select(table))), key=repr) for table in TABLES}


def titles(database: Database) -> list[str]:
    with database.read() as tx:
        return sorted(paper.title for paper in history.seen_since(tx, NOW - timedelta(days=999)).values())


SAMPLES = (
    listing(
        "Sparse attention for long documents of all kinds", "2611.00001", abstract="We attend.", authors=("Ada L",)
    ),
    listing("A page without any identifier but its address", url="https://lab.example/posts/1?utm_source=x"),
    listing("Notes"),
    listing("Short title"),
    listing("Introduction", abstract="To the first issue."),
    listing("Introduction", abstract="To the second issue."),
    listing("Quite another paper with a DOI", "10.1234/abc.5", upvotes=3, listed=date(2026, 11, 16)),
    listing("t" * 300),
)


def test_the_same_listings_again_change_nothing(database: Database) -> None:
    first = record(database, *SAMPLES, first=True)
    assert (first.new, first.came) == (len(SAMPLES), len(SAMPLES))
    before = everything(database)
    assert record(database, *SAMPLES, days=1) == Recorded(None)
    assert record(database, *reversed(SAMPLES), days=2) == Recorded(None)
    assert everything(database) == before


def test_a_paper_is_new_once_and_comes_to_each_source(database: Database) -> None:
    """Monday on arXiv, Thursday on Hugging Face, Sunday in a lab's feed: one paper with three listings."""
    name = "Routing tokens through fewer experts"
    assert record(database, listing(name, "2611.00002", source="arxiv", version=1), source="arxiv").new == 1
    hub = record(
        database,
        listing(name, "arXiv:2611.00002", source="hf", hf_url="https://huggingface.co/papers/2611.00002", upvotes=7),
        source="hf",
        days=3,
    )
    assert (hub.new, hub.came, hub.changed) == (0, 1, 1)
    lab = record(
        database,
        listing(name, url="https://lab.example/moe", source="feed", abstract="Experts.", authors=("Ada L",)),
        source="feed",
        days=6,
    )
    assert (lab.new, lab.came) == (0, 1)
    with database.read() as tx:
        (paper,) = history.seen_since(tx, NOW - timedelta(days=1)).values()
        assert tx.execute(select(func.count()).select_from(LISTINGS)).scalar_one() == 3
        assert history.find(tx, "url:https://lab.example/moe") is not None
    assert (paper.key, paper.sources, paper.upvotes) == ("arxiv:2611.00002", ("arxiv", "hf", "feed"), 7)


def test_votes_make_history_but_no_change(database: Database) -> None:
    one = listing("Voted upon", "2611.00003", upvotes=1, listed=date(2026, 11, 16))
    record(database, one)
    again = record(database, listing("Voted upon", "2611.00003", upvotes=9, listed=date(2026, 11, 16)), days=1)
    assert (again.new, again.changed, again.voted) == (0, 0, 1)
    with database.read() as tx:
        paper_id, _ = history.find(tx, "arxiv:2611.00003") or (0, None)
        assert [snapshot.upvotes for snapshot in history.snapshots(tx, [paper_id], until=99)[paper_id]] == [1, 9]
        assert history.as_of(tx, [paper_id], 1)[paper_id].upvotes == 1


def test_a_replacement_of_an_unknown_paper_is_no_news_but_of_a_known_one_is_a_change(database: Database) -> None:
    second = listing("Bounds, revisited", "2611.00004", version=2, announce_type="replace", source="arxiv")
    assert record(database, second, source="arxiv") == Recorded(None)
    record(database, listing("Bounds", "2611.00004", version=1, announce_type="new", source="arxiv"), source="arxiv")
    again = record(database, second, source="arxiv", days=1)
    assert (again.new, again.changed) == (0, 1)
    with database.read() as tx:
        paper_id, _ = history.find(tx, "arxiv:2611.00004") or (0, None)
        assert history.changes_since(tx, [paper_id], 1) == {paper_id: "v2, title"}
        assert history.changes_since(tx, [paper_id], 1, until=1) == {}
        assert history.as_of(tx, [paper_id], 1)[paper_id].title == "Bounds"


def test_titles_that_say_nothing_never_merge(database: Database) -> None:
    record(database, *(listing("Introduction", abstract=f"Of issue {number}.") for number in range(5)))
    record(database, *(listing("Editorial", url=f"https://journal.example/{number}") for number in range(5)))
    assert len(titles(database)) == 10


def test_two_papers_may_share_a_title(database: Database) -> None:
    """Recording them again finds each of them, though their title leads to both."""
    same = "Attention is not what you need"
    both = (
        listing(same, abstract="On the psychology of road traffic and its many signs.", authors=("Grace H",)),
        listing(same, abstract="We remove softmax layers from transformers entirely.", authors=("Alan T",)),
    )
    assert record(database, *both).new == 2
    assert record(database, *both, days=1) == Recorded(None)


def test_thousands_of_namesakes_stay_quick(database: Database) -> None:
    begin = time.perf_counter()
    crowd = [
        listing("Weekly update", abstract=" ".join(f"word{number * prime}" for prime in (7919, 7927, 7933)))
        for number in range(1500)
    ]
    assert record(database, *crowd).new == 1500
    assert record(database, *crowd, days=1) == Recorded(None)
    assert time.perf_counter() - begin < 20


def test_a_wrong_identifier_in_somebodys_metadata_merges_nothing(database: Database) -> None:
    """Authors paste the DOI of the paper they cite; two arXiv numbers are two papers whatever else they share."""
    record(
        database,
        listing("Birds of the northern coast", "2611.00010", "10.1234/birds", authors=("Ada Lovelace",)),
        listing("Fishes of the southern sea", "2611.00011", authors=("Grace Hopper",)),
    )
    wrong = listing("Fishes of the southern sea", "2611.00011", "10.1234/birds", authors=("Grace Hopper",), version=2)
    record(database, wrong, days=1)
    assert titles(database) == ["Birds of the northern coast", "Fishes of the southern sea"]
    third = listing("Mosses nobody looked at", "10.1234/birds", "2611.00012", authors=("Alan Turing",))
    assert record(database, third, days=2).new == 1
    assert record(database, third, wrong, days=3) == Recorded(None)


def test_a_text_that_names_two_papers_is_one_of_them(database: Database) -> None:
    record(database, listing("A reply to an earlier note", "2611.00020", "2611.00021"))
    assert record(database, listing("An earlier note on something else", "2611.00021")).new == 1


def test_an_address_used_again_is_another_paper(database: Database) -> None:
    page = "https://lab.example/paper-of-the-week"
    record(database, listing("Crystals grow in zero gravity", url=page, authors=("Ada L",)))
    second = listing("Why rivers meander across plains", url=page, authors=("Alan T",))
    assert record(database, second, days=7).new == 1
    assert record(database, second, days=8) == Recorded(None)
    assert record(database, listing("Crystals grow in zero-gravity!", url=page, authors=("Ada L",)), days=9).new == 0


def test_two_papers_that_turn_out_to_be_one(database: Database) -> None:
    """A lab's page and a preprint, known apart until a listing names both."""
    page = listing("Our work on gates", url="https://lab.example/gates", authors=("Ada Lovelace", "Grace Hopper"))
    record(database, page, first=True)
    record(
        database, listing("Gated networks, properly", "2611.00030", authors=("Ada Lovelace", "G. Hopper"), upvotes=2)
    )
    with database.read() as tx:
        page_id, _ = history.find(tx, "url:https://lab.example/gates") or (0, None)
        preprint_id, _ = history.find(tx, "arxiv:2611.00030") or (0, None)
    both = listing(
        "Gated networks, properly", "2611.00030", url="https://lab.example/gates", authors=("Ada Lovelace", "G. Hopper")
    )
    recorded = record(database, both, days=1)
    assert recorded.new == 0
    assert recorded.revision is not None
    with database.read() as tx:
        assert tx.execute(select(func.count()).select_from(PAPERS)).scalar_one() == 1
        found = history.find(tx, "url:https://lab.example/gates")
        assert found is not None
        assert (found[0], found[1].first_seen) == (preprint_id, NOW)
        assert history.current(tx, [page_id, preprint_id], recorded.revision) == {page_id: preprint_id}
        assert history.current(tx, [page_id], recorded.revision - 1) == {}
        assert history.forebears(tx, [preprint_id], recorded.revision - 1) == {preprint_id: {page_id}}
        assert history.forebears(tx, [preprint_id], recorded.revision) == {}
        # What was true before it turned out is still known, under the numbers of then.
        assert history.as_of(tx, [page_id, preprint_id], recorded.revision - 1)[page_id].title == "Our work on gates"
        assert set(history.changed_since(tx, 0, recorded.revision - 1)) == {page_id, preprint_id}
        assert set(history.changed_since(tx, 0, recorded.revision)) == {preprint_id}
    record(database, both, page, days=2)
    assert record(database, both, page, days=3) == Recorded(None)


def test_recordings_of_two_processes_take_turns(database: Database, database_url: str) -> None:
    """Both databases: no listing is lost, none is doubled, and revisions are in order."""
    batches = [
        [listing(f"Paper number {number} of many", f"2611.{10000 + number}") for number in range(start, start + 30)]
        for start in (0, 15)
    ]
    barrier = threading.Barrier(2)

    def one(batch: list[Listing], source: str) -> None:
        store = Database(database_url, durable=False)
        barrier.wait()
        for _ in range(5):
            record(store, *batch, source=source)
        store.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, batches, ("a", "b")))
    assert len(titles(database)) == 45
    with database.read() as tx:
        assert tx.execute(select(func.count()).select_from(LISTINGS)).scalar_one() == 60


@pytest.mark.parametrize("title", ["", "…", "\u202e"])
def test_a_title_of_nothing_has_a_key_all_the_same(database: Database, title: str) -> None:
    one = listing(title or "?", abstract="Something.")
    assert record(database, one).new == 1
    assert record(database, one) == Recorded(None)


def test_five_thousand_listings_take_time_in_proportion(tmp_path: Any) -> None:
    store = Database(f"sqlite:///{tmp_path / 'many.db'}", durable=False)
    store.migrate()

    def seconds(start: int, count: int) -> float:
        batch = [
            listing(f"Paper {number} on a subject of its own", f"{2600 + number // 90000 + 1}.{10000 + number % 90000}",
                    abstract=f"It says {number}. " * 60, upvotes=number % 50)
            for number in range(start, start + count)
        ]  # fmt: skip
        begin = time.process_time()
        record(store, *batch)
        return time.process_time() - begin

    small = seconds(0, 1000)
    large = seconds(1000, 5000)
    store.close()
    assert large < 20 * max(small, 0.05)  # five times as many: a square would be 25, and a busy machine triples it
