"""Compose: how long it takes to decide and write down everybody's edition, and how much memory.

Subscribers with five keywords each and 1,000 new papers, all invented, into the outbox of a SQLite file that survives a
power cut (every commit waits for the disk). The database is filled by one process and composed by another, so that the
peak of memory is that of composing alone. Growth should be linear: microseconds per subscriber stay.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bot.core.papers import Listing
from bot.mail import tokens
from bot.pipeline.compose.compose import compose
from bot.store import Database, papers, subscribers
from bot.store.subscribers import SubscriberRecord

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
STEMS = (
    "spar dens lin quad graf tok lang vis aud rob med chem phys econ law bio geo astr cry nan sem syn lex mod".split()
)
ENDINGS = "ing ent ization ic al er or ous ive ism ology gram form scope metric net bert former gan vae flow".split()
WORDS = [stem + middle + ending for middle in ("", "a", "o", "ul", "er") for stem in STEMS for ending in ENDINGS]


def listings(random_: random.Random, number: int) -> list[Listing]:
    """Papers whose words are as unevenly common as those of a language."""
    weights = [1 / (place + 3) for place in range(len(WORDS))]
    made = []
    for index in range(number):
        title = " ".join(random_.choices(WORDS, weights, k=8))
        made.append(
            Listing(
                title=title,
                abstract=" ".join(random_.choices(WORDS, weights, k=150)),
                keys=(f"arxiv:2611.{index:05d}", f"title:{title}"),
                upvotes=random_.randrange(80),
                url=f"https://arxiv.org/abs/2611.{index:05d}",
                listed=date(2026, 11, 20),
            )
        )
    return made


def message_id(kind: str, slot: str, subscriber: int) -> str:
    return tokens.message_id("secret", kind, slot, subscriber, "example.org")


def fill(url: str, number: int) -> None:
    """A database with so many subscribers who are due, and a day's papers."""
    random_ = random.Random(1)
    rare = WORDS[400:]  # each in about two per cent of the papers
    database = Database(url, durable=False)
    database.migrate()
    with database.record() as tx:
        papers.record(tx, "s", listings(random_, 1000), NOW, first=True)

    def record(index: int) -> SubscriberRecord:
        profile = {"name": "Keywords", "keywords": random_.sample(rare, 5)}
        data = {"email": f"r{index}@example.org", "digest": "daily 07:30", "profiles": [profile]}
        return SubscriberRecord(email=data["email"], data=data, alerts=False, schedule="daily 07:30 UTC", next_due=NOW)

    for start in range(0, number, 20_000):
        with database.write() as tx:
            subscribers.add(tx, (record(index) for index in range(start, min(number, start + 20_000))), NOW)
    database.close()


def measure(url: str, number: int, processes: int) -> None:
    database = Database(url)
    began = time.perf_counter()
    report = compose(database, NOW, message_id, processes=processes)
    seconds = time.perf_counter() - began
    database.close()
    # With several processes: the parent's peak and as much as the largest child's for each of them.
    own, child = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    used = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    megabytes = own + child * processes if child else own
    row = {"digests": report.digests, "seconds": seconds, "cpu": used, "megabytes": megabytes}
    print(json.dumps(row))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--part", choices=["fill", "measure"], help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part == "fill":
        fill(arguments.url, arguments.subscribers[0])
        return
    if arguments.part == "measure":
        measure(arguments.url, arguments.subscribers[0], arguments.processes)
        return
    rows = []
    if not arguments.json:
        print(f"{'subscribers':>10} {'digests':>10} {'seconds':>9} {'us/subscriber':>10} {'cpu s':>8} {'peak MB':>8}")
    for number in arguments.subscribers:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, "--subscribers", str(number), "--processes", str(arguments.processes)]
            command += ["--url", f"sqlite:///{folder}/paperlark.db", "--part"]
            subprocess.run([*command, "fill"], check=True)
            row = json.loads(subprocess.run([*command, "measure"], check=True, capture_output=True, text=True).stdout)
        rows.append({"subscribers": number, **row})
        if arguments.json:
            continue
        facts = f"{number:>10,} {row['digests']:>10,} {row['seconds']:>9.2f} {row['seconds'] / number * 1e6:>10.1f}"
        print(f"{facts} {row['cpu']:>8.2f} {row['megabytes']:>8.0f}", flush=True)
    if arguments.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
