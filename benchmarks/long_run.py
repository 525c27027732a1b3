"""A worker over a long time: six feeds that change every minute, and what grows meanwhile.

    python benchmarks/long_run.py [MINUTES] [--feeds 6] [--entries 200] [--json]

`paperlark run` is started with feeds on loopback, each of which gains an entry a minute, and a subscriber with alerts.
Every 30 seconds it notes, as Linux tells: the resident set (in all, and what of it is anonymous: files mapped in can
be dropped at any time), threads, file descriptors, child processes with their memory, and the size of the
write-ahead log. At the end it says how much the anonymous memory grew from the third quarter of the time to the last
(the medians: a look in the midst of a round finds more).
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve()
EVERY = 30.0  # seconds between two looks
WORDS = "virus lattice study of northern lakes and rivers under sparse attention with linear kernels".split()


class Feeds(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, entries: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.entries = entries
        self.began = time.monotonic()

    def document(self, path: str) -> bytes:
        """The newest entries of a feed; one more for every minute that has passed."""
        newest = self.entries + int((time.monotonic() - self.began) // 60)
        abstract = " ".join(WORDS[n % len(WORDS)] for n in range(150))
        items = "".join(
            f"<entry><id>tag:example.org,2026:{path}-{n}</id><title>{WORDS[n % len(WORDS)]} paper {n} of {path}</title>"
            f"<link href='https://example.org{path}/{n}'/><updated>{datetime.now(UTC):%Y-%m-%d}T08:00:00Z</updated>"
            f"<author><name>Ada {n}</name></author><summary>Number {n}. {abstract}</summary></entry>"
            for n in range(newest, newest - self.entries, -1)
        )
        return f"<feed xmlns='http://www.w3.org/2005/Atom'><id>{path}</id><title>Feed</title>{items}</feed>".encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Feeds

    def do_GET(self) -> None:
        body = self.server.document(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/atom+xml")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def configuration(folder: Path, port: int, feeds: int) -> Path:
    sources = "".join(
        f'[[sources]]\nname = "feed{n}"\ntype = "feed"\nurl = "http://127.0.0.1:{port}/{n}"\nevery = "1m"\n'
        "private = true\n"
        for n in range(feeds)
    )
    path = folder / "config.toml"
    path.write_text(
        f'database = "sqlite:///{folder / "paperlark.db"}"\n'
        f'[mail]\nfrom = "bot@example.org"\nurl = "outbox:{folder / "outbox"}"\n{sources}'
        '[[subscribers]]\nemail = "ada@example.org"\ndigest = "daily 07:30"\n'
        '[[subscribers.profiles]]\nname = "Lattices"\nkeywords = ["lattice"]\nalert = true\n'
    )
    return path


def look(pid: int, folder: Path, began: float) -> dict[str, float]:
    """What a process holds now; sizes in MB."""
    table = {
        name: value.split()
        for name, _, value in (line.partition(":") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    }
    of = lambda name: int(table[name][0]) / 1024  # noqa: E731
    wal = folder / "paperlark.db-wal"
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    for task in Path(f"/proc/{pid}/task").iterdir():
        if task.name != str(pid):
            children += [int(child) for child in (task / "children").read_text().split()]
    held = 0.0
    for child in children:
        try:
            status = Path(f"/proc/{child}/status").read_text()
        except OSError:
            continue
        held += sum(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("RssAnon"))
    return {
        "minutes": (time.monotonic() - began) / 60,
        "rss": of("VmRSS"),
        "anonymous": of("RssAnon"),
        "threads": int(table["Threads"][0]),
        "files": len(list(Path(f"/proc/{pid}/fd").iterdir())),
        "children": len(children),
        "children_anonymous": held,
        "wal": wal.stat().st_size / 2**20 if wal.exists() else 0.0,
        "database": (folder / "paperlark.db").stat().st_size / 2**20 if (folder / "paperlark.db").exists() else 0.0,
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("minutes", type=float, nargs="?", default=60)
    options.add_argument("--feeds", type=int, default=6)
    options.add_argument("--entries", type=int, default=200)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    server = Feeds(chosen.entries)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    curve: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        config = configuration(folder, server.server_port, chosen.feeds)
        with (folder / "log").open("wb") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "bot", "--config", str(config), "run"],
                cwd=HERE.parents[1],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
            )
        began = time.monotonic()
        try:
            while time.monotonic() - began < chosen.minutes * 60:
                time.sleep(EVERY)
                if worker.poll() is not None:
                    raise SystemExit(f"the worker ended:\n{(folder / 'log').read_text()[-2000:]}")
                curve.append(look(worker.pid, folder, began))
                if not chosen.json:
                    print(line(curve[-1]), flush=True)
        finally:
            worker.send_signal(signal.SIGTERM)
            stopping = time.monotonic()
            worker.wait(60)
            took = time.monotonic() - stopping
    held = [now["anonymous"] for now in curve]
    half, last = len(held) // 2, len(held) * 3 // 4
    grown = median(held[last:]) - median(held[half:last]) if half < last < len(held) else 0.0
    if chosen.json:
        print(json.dumps({"curve": curve, "grown_in_the_last_quarter": grown, "seconds_to_stop": took}))
    else:
        print(f"grown in the last quarter: {grown:+.1f} MB anonymous; stopped {took:.1f} s after SIGTERM")


def line(now: dict[str, float]) -> str:
    return (
        f"{now['minutes']:6.1f} min  rss {now['rss']:6.1f} MB  anonymous {now['anonymous']:6.1f} MB  "
        f"threads {now['threads']:2.0f}  files {now['files']:3.0f}  "
        f"children {now['children']:.0f} ({now['children_anonymous']:.1f} MB)  wal {now['wal']:5.2f} MB  "
        f"database {now['database']:6.2f} MB"
    )


if __name__ == "__main__":
    main()
