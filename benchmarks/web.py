"""The web process under load, as a process of its own: the live preview over 20,000 papers at 20 a second, and
one-click goodbyes while a hundred slow connections stay open.

    python benchmarks/web.py [PAPERS] [--json]
"""

import http.client
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from bot.core.papers import Listing
from bot.mail import tokens
from bot.store import Database, papers, subscribers

SECRET = "a secret nobody can guess"
SECONDS, PER_SECOND = 15, 20
SUBSCRIBERS, SLOW, THREADS = 3_000, 100, 8
PREVIEW_BUDGET, GOODBYES_BUDGET = 0.150, 200


def main() -> None:
    number = next((int(argument) for argument in sys.argv[1:] if argument.isdecimal()), 20_000)
    with tempfile.TemporaryDirectory() as folder:
        words = fill(Path(folder), number)
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "--config", f"{folder}/config.toml", "--quiet", "web", "--host", "127.0.0.1"],
            env={**os.environ, "PORT": str(port)},
        )
        try:
            wait_for(port)
            found = measure(port, process.pid, words, number)
        finally:
            process.terminate()
            process.wait(60)
    if "--json" in sys.argv:
        print(json.dumps(found))


def fill(folder: Path, number: int) -> list[str]:
    """A database of papers and subscribers; returns the papers' words, the frequent ones first."""
    (folder / "config.toml").write_text(
        f'secret = "{SECRET}"\npublic_url = "https://papers.example.org"\n[mail]\nfrom = "P <p@example.org>"\n'
        '[[sources]]\nname = "s"\ntype = "page"\nlocation = "*.txt"\n'
    )
    chance = random.Random(1)
    words = ["".join(chance.choices("bcdfghklmnprstvw", k=2)) + f"a{index}" for index in range(30_000)]
    weights = [1 / (index + 5) for index in range(len(words))]
    database = Database(f"sqlite:///{folder}/paperlark.db", durable=False)
    database.migrate()
    now = datetime.now(UTC)
    for day in range(29, -1, -1):
        listings = [
            Listing(
                title=" ".join(chance.choices(words, weights, k=9)),
                keys=(f"arxiv:{day:02}{index:05}",),
                abstract=" ".join(chance.choices(words, weights, k=180)),
                authors=("Ada Lovelace", "Alan Turing"),
                source="s",
            )
            for index in range(number // 30)
        ]
        with database.record() as tx:
            papers.record(tx, "s", listings, now - timedelta(days=day, minutes=1), first=False)
    with database.write() as tx:
        subscribers.add(
            tx,
            [
                subscribers.SubscriberRecord(
                    email=f"s{index}@example.org",
                    data={"email": f"s{index}@example.org"},
                    alerts=False,
                    schedule="",
                    next_due=None,
                )
                for index in range(SUBSCRIBERS)
            ],
            now,
        )
    database.close()
    return words


def measure(port: int, pid: int, words: list[str], number: int) -> dict[str, float]:
    chance = random.Random(2)
    ask(port, "GET", "/preview?query=warmup")
    print(f"{number:,} papers, read for the preview: {memory(pid)} MB")
    queries = [
        f'{chance.choice(words[:2000])} OR "{chance.choice(words[:50])} {chance.choice(words[:50])}" '
        f"OR {chance.choice(words[:500])}"
        for _ in range(SECONDS * PER_SECOND)
    ]
    took = at_rate(queries, lambda query: ask(port, "GET", f"/preview?query={quote(query)}", "application/json"))
    p95 = took[int(len(took) * 0.95)]
    print(
        f"preview at {PER_SECOND}/s: median {took[len(took) // 2] * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms "
        f"(budget {PREVIEW_BUDGET * 1000:.0f}), memory {memory(pid)} MB"
    )
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(SLOW)]
    for one in slow:
        one.sendall(b"POST /subscribe HTTP/1.1\r\nHost: x\r\n")
    links = [f"/u/{tokens.seal(SECRET, 'unsubscribe digest', index + 1)}" for index in range(SUBSCRIBERS)]
    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        took = sorted(pool.map(lambda link: ask(port, "POST", link), links))
    rate = len(links) / (time.perf_counter() - began)
    p99 = took[int(len(took) * 0.99)]
    print(
        f"one-click goodbyes beside {SLOW} slow connections: {rate:.0f}/s (budget {GOODBYES_BUDGET}), "
        f"p99 {p99 * 1000:.0f} ms, memory {memory(pid)} MB"
    )
    for one in slow:
        one.close()
    return {"preview_p95": p95, "goodbyes": rate, "goodbyes_p99": p99}


def ask(port: int, method: str, path: str, accept: str = "*/*") -> float:
    """Seconds until the whole answer is there."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Accept": accept}
    body = None
    if method == "POST":
        body, headers["Content-Type"] = "List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    return time.perf_counter() - began


def at_rate(queries: list[str], work: Callable[[str], float]) -> list[float]:
    """Each at its moment, whether those before are done or not; the times, sorted."""
    took: list[float] = []
    lock = threading.Lock()
    began = time.perf_counter()

    def one(place: int) -> None:
        time.sleep(max(0.0, began + place / PER_SECOND - time.perf_counter()))
        due = began + place / PER_SECOND
        work(queries[place])
        with lock:
            took.append(time.perf_counter() - due)

    with ThreadPoolExecutor(40) as pool:
        list(pool.map(one, range(len(queries))))
    return sorted(took)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def wait_for(port: int) -> None:
    for _ in range(200):
        try:
            ask(port, "GET", "/health")
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the web process does not answer")


def memory(pid: int) -> int:
    """Resident, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


if __name__ == "__main__":
    main()
