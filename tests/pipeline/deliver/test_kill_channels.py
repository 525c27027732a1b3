"""kill -9 at random and at every named step while mail, webhooks and services of Apprise are sent to, by servers that
are slow, stumble, limit, hang up and die themselves. Lost 0; doubled at most one per sending thread and kill, beyond
what the services left in doubt; under "skip" doubled 0, and whatever is missing is listed.

In short here; `make test-channels` has everybody, every step twice, both databases, and services killed and started
again. The figures are in the summary of the run.
"""

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.core.edition.picks import Picks, PickSection
from bot.core.subscriber.subscriber import stored_subscriber
from bot.pipeline.deliver.posts import POSTS
from bot.store import Database, edition_reports, editions, subscribers
from bot.store.editions import Draft
from bot.store.subscribers import SubscriberRecord
from tests.conftest import new_database_url
from tests.pipeline.deliver.killing import Listener, is_alive, kill, sending_processes, wait_for

WHOLE = os.environ.get("PAPERLARK_CHANNELS") == "whole"
PEOPLE = 210 if WHOLE else 21
BEHAVIOURS = ("fine", "slow", "late", "stumbles", "limits", "drops", "deaf")
STEPS = (
    "before DATA",
    "after the final dot",
    "before claim",
    "after claim",
    "before the request",
    "in the request",
    "after the answer",
    "before commit",
    "after commit",
)
PASSED = STEPS * 2 if WHOLE else ("after the final dot", "in the request", "after the answer", "before commit")
RANDOM_KILLS = 12 if WHOLE else 2
DEATHS = 4 if WHOLE else 1  # of the services
PROCESSES = 2 if WHOLE else 1
MAILS = 2  # at a time
PATIENCE = 3.0 if WHOLE else 0.6  # seconds to reach a step: mail may be over, and no content left to die in
SPEED = 120 if WHOLE else 600  # times as fast as real time: a pause of two minutes takes a second

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork"),
    pytest.mark.timeout(600 if WHOLE else 120),
]
pytest.importorskip("apprise")


@pytest.fixture(scope="module")
def nursery() -> Iterator[Callable[..., int]]:
    with sending_processes("channels") as start:
        yield start


@pytest.fixture(params=["sqlite", "postgresql"] if WHOLE else ["sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return new_database_url(request, tmp_path / "paperlark.db")


@pytest.fixture
def listeners(tmp_path: Path) -> Iterator[tuple[Listener, Listener]]:
    """A mail relay and the services."""
    made = Listener("sink_process.py", tmp_path / "mails"), Listener("service_process.py", tmp_path / "posts")
    yield made
    for one in made:
        one.kill()


def fill(database: Database, port: int, now: datetime) -> dict[str, str]:
    """An edition by mail, one by a webhook and one by a service for everybody: what each is called, and how its channel
    behaves ("": mail)."""
    drafts, behaviours = [], {}
    picks = Picks(sections=(PickSection(kind="profile", name="p", ids=(1,)),))
    with database.write() as tx:
        compose_id = editions.begin_compose(tx, now, 1, "[]")
        for number in range(PEOPLE):
            behaviour = BEHAVIOURS[number % len(BEHAVIOURS)]
            where = f"127.0.0.1:{port}/{behaviour}/{number}"
            data = {
                "email": f"subscriber{number}@example.net",
                "to": ["mailto:", f"webhook+http://{where}#secret", f"json://{where}"],
            }
            record = SubscriberRecord(
                email=data["email"], data=data, alerts=True, schedule="daily", next_due=now + timedelta(1)
            )
            subscribers.add(tx, [record], now)
            stored = subscribers.by_email(tx, data["email"])
            assert stored is not None
            for channel in ("", *stored_subscriber(json.dumps(data)).channels):
                message_id = f"<{number}.{channel}@example.org>" if channel else f"<{number}@example.org>"
                behaviours[message_id] = behaviour if channel else ""
                drafts.append(
                    Draft(
                        subscriber_id=stored.id,
                        kind="digest",
                        slot=f"2026-11-20 {channel}".strip(),
                        due=now,
                        day=now.date(),
                        since=None,
                        picks=picks.to_json(),
                        matched=picks.matched,
                        message_id=message_id,
                        channel=channel,
                    )
                )
        editions.add(tx, compose_id, 1, drafts)
    return behaviours


@pytest.mark.parametrize("policy", ["resend", "skip"])
def test_nothing_is_lost_whoever_dies(
    policy: str,
    url: str,
    nursery: Callable[..., int],
    listeners: tuple[Listener, Listener],
    record_property: Callable[[str, object], None],
) -> None:
    relay, services = listeners
    database = Database(url, durable=False)
    database.migrate()
    since = time.time()
    behaviours = fill(database, services.port, datetime.fromtimestamp(since, UTC))
    chance = random.Random(f"{policy} {database.sqlite}")
    how = {"url": url, "port": relay.port, "policy": policy, "connections": MAILS, "since": since, "speed": SPEED}

    def open_editions() -> int:
        with database.read() as tx:
            states = "SELECT count(*) FROM edition WHERE state IN ('waiting', 'leased', 'sending')"
            return int(tx.exec_driver_sql(states).scalar() or 0)

    kills = 0
    for step in PASSED:
        first = nursery(**how, step=step, count=chance.randint(1, 3 if "claim" in step else 6))
        others = [nursery(**how, step="", count=0) for _ in range(PROCESSES - 1)]
        end = time.monotonic() + PATIENCE
        while is_alive(first) and time.monotonic() < end:
            time.sleep(0.01)
        kills += sum(map(kill, [first, *others])) + 1 - is_alive(first)
        wait_for([first, *others])
    for number in range(RANDOM_KILLS):
        pids = [nursery(**how, step="", count=0) for _ in range(PROCESSES)]
        time.sleep(chance.uniform(0.05, 1.0 if WHOLE else 0.4))
        if number < DEATHS:
            services.kill()
            time.sleep(0.2)
            services.start()
        kills += sum(map(kill, pids))
        wait_for(pids)
    left = open_editions()
    wait_for([nursery(**how, step="", count=0) for _ in range(PROCESSES)], 300)

    copies: dict[str, int] = Counter()
    for line in relay.lines():
        copies[line.split()[1]] += 1
    in_doubt: dict[str, int] = Counter()
    for line in services.lines():
        message_id, _, fate = line.partition(" ")
        copies[message_id] += 1
        in_doubt[message_id] += fate == "in doubt"
    with database.read() as tx:
        listed = {message_id for _, message_id, _ in edition_reports.unknown(tx)}
        states = Counter(state for (state,) in tx.exec_driver_sql("SELECT state FROM edition"))
        accounts = edition_reports.accounts(tx)
    database.close()
    missing = behaviours.keys() - copies.keys()
    doubled = {"mail": 0, "posts": 0}
    for message_id, number in copies.items():
        doubled["posts" if behaviours[message_id] else "mail"] += number - 1
    doubts = sum(in_doubt.values())
    in_flight = DEATHS * POSTS * PROCESSES
    record_property(
        "kills",
        f"{'SQLite' if 'sqlite' in url else 'PostgreSQL':10} {policy:6} mail and channels: {kills} kills, {left} of "
        f"{len(behaviours)} left for the last run: lost {len(missing - listed)}, doubled {doubled['mail']} mails and "
        f"{doubled['posts']} posts ({doubts} of them left in doubt by services that died {DEATHS} times or hung up), "
        f"unknown {len(listed)} (of them missing {len(missing)})",
    )
    assert kills >= len(PASSED)
    assert missing <= listed  # lost: 0
    assert states["sent"] + states["unknown"] == len(behaviours)
    assert accounts["matched"] == sum(number for name, number in accounts.items() if name != "matched")
    if policy == "resend":
        assert not missing
        assert all(in_doubt[message_id] for message_id in listed)
        assert doubled["mail"] <= kills * MAILS
        assert doubled["posts"] <= kills * POSTS + doubts + in_flight
    else:
        assert doubled == {"mail": 0, "posts": 0}
        assert len(listed) <= kills * (MAILS + POSTS) + doubts + in_flight
