"""100 feeds of 200 entries, first time and unchanged: ours beside `reader`, each round in a process of its own.

    pip install -r benchmarks/requirements.txt
    python benchmarks/fetching.py [--feeds 100] [--entries 200] [--runs 3] [--json]

The feeds are served on loopback with ETag and gzip. These programs are measured side by side, interleaved:

    parts     our fetcher and feed source, nothing stored: what `collect` spends on the network and on parsing
    collect   `paperlark collect` as a user runs it, with its SQLite database (left out while that verb is missing)
    reader    the reader library with its SQLite database, updating with as many threads
    imports   SQLModel and httpx are imported, and nothing is done: less than that `collect` cannot take

Each is also run with no feeds at all ("start", on a database that is there): what importing and opening takes, which a
worker pays once. The ratios are given for the whole process and without that. Seconds are wall time of the whole
process; requests and bytes are counted by the server; memory is the peak of the largest process (on Linux and macOS).
Of several runs the fastest counts.
"""

import argparse
import gzip
import json
import os
import pickle
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve()
THREADS = 8
ROUNDS = ("create", "start", "first", "unchanged")
WITHOUT_FEEDS = ("create", "start")
WORDS = (
    "attention",
    "sparse",
    "model",
    "learning",
    "token",
    "gradient",
    "policy",
    "graph",
    "kernel",
    "reward",
    "prompt",
)


# --- the feeds and their server --------------------------------------------------------------------------------------


def feed(number: int, entries: int) -> bytes:
    """An Atom feed of invented papers, each with an abstract of about a kilobyte."""
    chance = random.Random(number)
    text = lambda words: " ".join(chance.choices(WORDS, k=words))  # noqa: E731
    items = "".join(
        f"<entry><id>tag:example.org,2026:{number}-{n}</id><title>{text(9)} {number}-{n}</title>"
        f"<link href='https://example.org/{number}/{n}'/><updated>2026-11-{n % 20 + 1:02}T08:00:00Z</updated>"
        f"<author><name>Ada {number}</name></author><author><name>Grace {n}</name></author>"
        f"<summary>{text(150)}</summary></entry>"
        for n in range(entries)
    )
    head = f"<id>tag:example.org,2026:{number}</id><title>Feed {number}</title><updated>2026-11-21T08:00:00Z</updated>"
    return f"<?xml version='1.0'?><feed xmlns='http://www.w3.org/2005/Atom'>{head}{items}</feed>".encode()


class Counting(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, feeds: list[bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.feeds = [(body, gzip.compress(body, 6)) for body in feeds]
        self.lock = threading.Lock()
        self.requests = self.sent = 0

    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{self.server_port}/{n}.atom" for n in range(len(self.feeds))]

    def count(self, sent: int) -> None:
        with self.lock:
            self.requests += 1
            self.sent += sent

    def taken(self) -> tuple[int, int]:
        with self.lock:
            counted = self.requests, self.sent
            self.requests = self.sent = 0
        return counted


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Counting

    def do_GET(self) -> None:
        plain, zipped = self.server.feeds[int(self.path.strip("/").partition(".")[0])]
        etag = f'"{len(plain)}-{self.path}"'
        if self.headers.get("If-None-Match") == etag:
            status, body, headers = 304, b"", {}
        else:
            squeezed = "gzip" in self.headers.get("Accept-Encoding", "")
            body = zipped if squeezed else plain
            status, headers = 200, {"Content-Length": str(len(body)), "Content-Type": "application/atom+xml"}
            if squeezed:
                headers["Content-Encoding"] = "gzip"
        self.server.count(len(body))
        self.send_response(status)
        for name, value in {**headers, "ETag": etag}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


# --- what runs in the child processes --------------------------------------------------------------------------------


def parts(urls: list[str], folder: Path) -> int:
    from bot.core.source.document import Progress
    from bot.fetch import Fetcher, MemoryPoliteness
    from bot.sources import feed as source

    remembered = folder / "states"
    politeness = MemoryPoliteness(pickle.loads(remembered.read_bytes()) if remembered.exists() else ())
    states = []

    def one(url: str) -> int:
        settings = source.Settings(url=url)
        (request,) = source.requests(settings, Progress(), datetime.now(UTC))
        answer = fetcher.fetch(request, private=True)
        states.extend(answer.url_states)
        return sum(len(source.parse(document, settings).listings) for document in answer.documents)

    with Fetcher(politeness, clock=lambda: datetime.now(UTC)) as fetcher, ThreadPoolExecutor(THREADS) as pool:
        count = sum(pool.map(one, urls))
    remembered.write_bytes(pickle.dumps(states))
    return count


def reader(urls: list[str], folder: Path) -> int:
    from reader import make_reader

    with make_reader(str(folder / "reader.sqlite")) as library:
        before = library.get_entry_counts().total
        for url in urls:
            library.add_feed(url, exist_ok=True)
        library.update_feeds(workers=THREADS, scheduled=False)
        return library.get_entry_counts().total - before


def imports(urls: list[str], folder: Path) -> int:
    import httpx  # noqa: F401
    import sqlmodel  # noqa: F401

    return 0


CHILDREN = {"parts": parts, "reader": reader, "imports": imports}


def collect_command(urls: list[str], folder: Path, round_: str) -> list[str]:
    config = folder / "config.toml"
    sources = "".join(
        f'[[sources]]\nname = "feed{n}"\ntype = "feed"\nurl = "{url}"\nevery = "1h"\nprivate = true\n'
        for n, url in enumerate([] if round_ in WITHOUT_FEEDS else urls)
    )
    config.write_text(f'database = "sqlite:///{folder / "paperlark.db"}"\n[mail]\nurl = "outbox:{folder}"\n{sources}')
    now = datetime.now(UTC) + timedelta(hours=2 * ROUNDS.index(round_))
    return [sys.executable, "-m", "bot", "--config", str(config), "collect", "--json", "--now", now.isoformat()]


# --- measuring -------------------------------------------------------------------------------------------------------


def measured(command: list[str], server: Counting, folder: Path) -> dict[str, float]:
    """One child process: seconds, requests, bytes, peak memory, and how many entries were new to it."""
    server.taken()
    with (folder / "stdout").open("w+b") as stdout, (folder / "stderr").open("w+b") as stderr:
        begin = time.perf_counter()
        child = subprocess.Popen(command, stdout=stdout, stderr=stderr, cwd=HERE.parents[1])
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        stderr.seek(0)
        if child.returncode:
            raise SystemExit(f"{' '.join(command[1:5])} failed:\n{stderr.read().decode()[-2000:]}")
        said = json.loads(stdout.read())
    requests, sent = server.taken()
    unit = 1 if sys.platform == "darwin" else 1024
    new = said["new"] if "new" in said else sum(each["new"] for each in said.get("sources", said).values())
    return {
        "seconds": seconds,
        "cpu": usage.ru_utime + usage.ru_stime,
        "requests": requests,
        "bytes": sent,
        "peak": usage.ru_maxrss * unit,
        "new": new,
    }


def programs() -> list[str]:
    def works(*command: str) -> bool:
        done = subprocess.run([sys.executable, *command], cwd=HERE.parents[1], capture_output=True, check=False)
        return done.returncode == 0

    found = []
    for name, probe in (
        ("parts", ("-c", "import bot.fetch, bot.sources.feed")),
        ("collect", ("-m", "bot", "collect", "--help")),
        ("reader", ("-c", "import reader")),
        ("imports", ("-c", "import sqlmodel, httpx")),
    ):
        if works(*probe):
            found.append(name)
        else:
            print(f"{name} is left out: it cannot be run here", file=sys.stderr)
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--feeds", type=int, default=100)
    options.add_argument("--entries", type=int, default=200)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--json", action="store_true")
    options.add_argument("--child", nargs=2, metavar=("PROGRAM", "FOLDER"), help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.child:
        name, folder = chosen.child
        urls = json.loads((Path(folder) / "urls.json").read_text())
        print(json.dumps({"new": CHILDREN[name](urls, Path(folder))}))
        return

    server = Counting([feed(n, chosen.entries) for n in range(chosen.feeds)])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    names = programs()
    runs: dict[str, dict[str, list[dict[str, float]]]] = {name: {r: [] for r in ROUNDS} for name in names}
    for _ in range(chosen.runs):
        for name in names:
            with tempfile.TemporaryDirectory() as temporary:
                folder = Path(temporary)
                for round_ in ROUNDS:
                    urls = [] if round_ in WITHOUT_FEEDS else server.urls()
                    (folder / "urls.json").write_text(json.dumps(urls))
                    command = [sys.executable, str(HERE), "--child", name, temporary]
                    if name == "collect":
                        command = collect_command(server.urls(), folder, round_)
                    runs[name][round_].append(measured(command, server, folder))
    server.shutdown()
    server.server_close()
    best = {
        name: {
            round_: {
                key: (statistics.median if key in ("requests", "bytes", "new") else min)(run[key] for run in of[round_])
                for key in of[round_][0]
            }
            for round_ in ROUNDS
        }
        for name, of in runs.items()
    }
    print(json.dumps(best, indent=2) if chosen.json else table(best, chosen.feeds, chosen.entries))


def table(best: dict[str, dict[str, dict[str, float]]], feeds: int, entries: int) -> str:
    lines = [
        f"{feeds} feeds of {entries} entries on loopback",
        f"{'':20}{'seconds':>9}{'cpu s':>9}{'requests':>10}{'MB sent':>9}{'peak MB':>9}{'new':>8}",
    ]
    for round_ in ROUNDS[1:]:
        for name, of in best.items():
            if name == "imports" and round_ != "start":
                continue
            now = of[round_]
            lines.append(
                f"{round_ + ' ' + name:20}{now['seconds']:9.2f}{now['cpu']:9.2f}{now['requests']:10.0f}"
                f"{now['bytes'] / 1e6:9.1f}{now['peak'] / 1e6:9.0f}{now['new']:8.0f}"
            )
        for name in best:
            if name not in ("reader", "imports") and "reader" in best and round_ != "start":
                mine, theirs = best[name][round_], best["reader"][round_]
                ours, others = (of[round_]["seconds"] - of["start"]["seconds"] for of in (best[name], best["reader"]))
                lines.append(
                    f"  reader takes {theirs['seconds'] / mine['seconds']:.1f} times the time of {name}, "
                    f"{others / max(ours, 0.01):.1f} times without their starts; "
                    f"{name} {mine['peak'] / theirs['peak']:.1f} times the memory of reader"
                )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parents[1]))
    main()
