"""kill -9 at random and at every named step: lost 0; doubled at most one per sending thread and kill, with the same
Message-ID; under "skip" doubled 0, and whatever is missing is listed. The figures are in the summary of the run."""

import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.store import Database, edition_reports
from tests.pipeline.deliver.killing import Listener, kill, sending_processes, wait_for

STEPS = ("before claim", "after claim", "before DATA", "after the final dot", "before commit", "after commit")
EDITIONS = 300
THREADS = 2
RANDOM_KILLS = 6

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


@pytest.fixture(scope="module")
def nursery() -> Iterator[Callable[..., int]]:
    with sending_processes() as start:
        yield start


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Listener]:
    listener = Listener("sink_process.py", tmp_path / "received")
    yield listener
    listener.kill()


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("policy", ["resend", "skip"])
def test_nothing_is_lost_whenever_it_is_killed(
    policy: str,
    processes: int,
    database_url: str,
    database: Database,
    post_on: Any,
    clock: Any,
    nursery: Callable[..., int],
    sink: Listener,
    record_property: Callable[[str, object], None],
) -> None:
    post = post_on(database, clock)
    people = [f"subscriber{number}@example.net" for number in range(EDITIONS)]
    post.fill(people)
    chance = random.Random(f"{policy} {processes} {database.sqlite}")
    how = {"url": database_url, "port": sink.port, "policy": policy, "connections": THREADS}

    def open_editions() -> int:
        return sum(state in ("waiting", "leased", "sending") for state in post.states().values())

    kills = 0
    for step in STEPS:
        first = nursery(**how, step=step, count=chance.randint(1, 3 if "claim" in step else 12))
        others = [nursery(**how, step="", count=0) for _ in range(processes - 1)]
        wait_for([first])
        kills += open_editions() > 0  # else it may have ended because all was done
        kills += sum(map(kill, others))
        wait_for(others)
    for _ in range(RANDOM_KILLS):
        pids = [nursery(**how, step="", count=0) for _ in range(processes)]
        for pid in pids:
            time.sleep(chance.uniform(0.02, 0.3))
            kills += kill(pid)
        wait_for(pids)
    left = open_editions()
    wait_for([nursery(**how, step="", count=0) for _ in range(processes)])

    copies: dict[str, list[str]] = defaultdict(list)
    for line in sink.lines():
        recipient, message_id = line.split()
        copies[recipient].append(message_id)
    states = Counter(post.states().values())
    with database.read() as tx:
        listed = {email for email, _, _ in edition_reports.unknown(tx)}
    missing = set(people) - copies.keys()
    doubled = sum(len(ids) - 1 for ids in copies.values())
    where = f"{'SQLite' if database.sqlite else 'PostgreSQL':10} {policy:6} {processes} process(es)"
    record_property(
        "kills",
        f"{where} {kills:2} kills, {left:3} of {EDITIONS} left for the last run: lost {len(missing - listed)}, "
        f"doubled {doubled}, unknown {len(listed)} (of them missing {len(missing)})",
    )
    assert kills >= len(STEPS)
    assert missing <= listed  # lost: 0
    assert all(set(ids) == {f"<digest.2026-11-20.{email}>"} for email, ids in copies.items())
    assert states["sent"] + states["unknown"] == EDITIONS
    post.books()
    if policy == "resend":
        assert not missing
        assert not listed
        assert doubled <= kills * THREADS
    else:
        assert doubled == 0
        assert len(listed) <= kills * THREADS
