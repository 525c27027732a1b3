"""`make bench`: the speed and memory we promise, measured here and now, in one table with pass or miss.

    pip install -r benchmarks/requirements.txt
    python benchmarks/run.py [--quick] [--only deliver collect] [--record]

Each row runs one of the benchmarks beside this file, with as much of it as the promise needs; run by themselves they
say more (README.md). Ratios are taken in one run, against an opponent under the same load. All rows take some 20
minutes on two quiet cores; `--quick` some five, with a tenth of the subscribers and of the budget where that grows with
them, which the table says. `--record` writes the table into README.md. What cannot run here (a package is missing) is
no miss.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
README = HERE / "README.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
LONGEST = 1_800  # seconds for one benchmark
CONFIG = """
database = "sqlite:///paperlark.db"
[mail]
from = "P <p@example.org>"
url = "outbox:out"
[[sources]]
name = "saved"
type = "page"
location = "{pages}/*.txt"
[[subscribers]]
email = "ada@example.org"
[[subscribers.profiles]]
name = "Attention"
keywords = ["attention"]
"""
MEMORY = 90  # MB of a run for one subscriber, and of a worker with nothing to do


@dataclass(frozen=True, slots=True)
class Row:
    """One promise: what was measured, and whether it holds; None where that could not be measured."""

    work: str
    budget: str
    measured: str
    holds: bool | None

    @property
    def verdict(self) -> str:
        return "no verdict" if self.holds is None else "pass" if self.holds else "MISS"


class NotMeasured(Exception):
    """A benchmark cannot run here; says why."""


def ran(script: str, *arguments: str) -> str:
    """What a benchmark prints. Raises NotMeasured."""
    command = [sys.executable, str(HERE / script), *arguments]
    try:
        done = subprocess.run(
            command, cwd=HERE.parent, env=surroundings(), capture_output=True, text=True, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"{script} took longer than {LONGEST // 60} minutes") from None
    if done.returncode:
        raise NotMeasured(f"{script}: {(done.stderr.strip().splitlines() or ['it failed'])[-1][:100]}")
    return done.stdout


def surroundings() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(HERE.parent)}


def figures(script: str, *arguments: str) -> Any:
    """The JSON with which a benchmark's output ends."""
    out = ran(script, *arguments, "--json")
    start = next((at for at, line in enumerate(out.splitlines()) if line.startswith(("{", "["))), None)
    if start is None:
        raise NotMeasured(f"{script} printed no figures")
    return json.loads("\n".join(out.splitlines()[start:]))


# -- the promises ------------------------------------------------------------------------------------------------------


def match(quick: bool) -> list[Row]:
    """With `--quick` a miss is no verdict: reading the papers takes as long for a tenth of the profiles."""
    count = 100_000 if quick else 1_000_000
    found = figures("matching.py", "--profiles", str(count), "--opponents-up-to", "0", "--fts5-queries", "2000")
    rows = found[str(count)]
    ours, opponent = rows["ours"], rows.get("fts5", {})
    seconds, top = 0.25 * count / 1e6, 2.0 * count / 1e6
    same = bool(opponent) and opponent["checksum"] in (ours["checksum"], ours.get("head"))
    ratio = opponent["seconds"] / ours["seconds"] if opponent else 0.0
    return [
        Row(
            f"match {count:,} profiles x 1,000 papers, one core",
            f"<= {seconds:g} s",
            f"{ours['seconds']:.3f} s",
            ours["seconds"] <= seconds or (None if quick else False),
        ),
        Row(
            "the same against one FTS5 query per profile",
            ">= 100x, the same pairs",
            f"{ratio:,.0f}x, {'the same' if same else 'OTHER'} pairs",
            same and (ratio >= 100 or (None if quick else False)),
        ),
        Row(
            f"scored 30 best for each of {count:,}, two cores",
            f"<= {top:g} s",
            f"{ours['top_of_two'][0]:.2f} s",
            ours["top_of_two"][0] <= top or (None if quick else False),
        ),
    ]


def compose(quick: bool) -> list[Row]:
    count = 100_000 if quick else 1_000_000
    small, large = figures("compose.py", "--subscribers", str(count // 10), str(count))
    seconds = 40 * count / 1e6
    growth = (large["seconds"] / large["subscribers"]) / (small["seconds"] / small["subscribers"])
    return [
        Row(
            f"compose {count:,} editions, SQLite, every commit on disk",
            f"<= {seconds:g} s, <= 400 MB, linear",
            f"{large['seconds']:.1f} s, {large['megabytes']:.0f} MB, {growth:.2f}x a tenth's time for each",
            large["seconds"] <= seconds and large["megabytes"] <= 400 and growth <= 1.2,
        )
    ]


def machines(quick: bool) -> list[Row]:
    # Each worker reads the new papers once, a second or so: with fewer subscribers that would be most of it.
    count, workers = (100_000, (1, 2)) if quick else (1_000_000, (1, 2, 4, 8))
    work = f"compose {count:,} editions by {' '.join(map(str, workers))} workers, PostgreSQL"
    if not (HERE / "scaling.py").exists():
        raise NotMeasured("there is no scaling.py")
    out = ran("scaling.py", "--subscribers", str(count), "--workers", *map(str, workers))
    rows = [line.split() for line in out.splitlines() if re.match(r"\s*\d+\s+[\d.]+\s+[\d.]+\s", line)]
    if len(rows) != len(workers):
        raise NotMeasured("scaling.py printed no figures")
    most = max(float(row[4]) for row in rows)
    return [Row(work, "CPU per edition <= 1.2x that of one", f"{most:.2f}x at most", most <= 1.2)]


def deliver(quick: bool) -> list[Row]:
    count = 1_000 if quick else 4_000
    found = figures("digests.py", "--subscribers", str(count))
    what, ratios = max(found["ratios"].items(), key=lambda row: row[1]["of_the_usual_way"])
    return [
        Row(
            f"deliver {count:,} personal digests, outbox and rendering in",
            ">= 10x render + premailer + EmailMessage",
            f"{ratios['of_the_usual_way']:.1f}x ({what})",
            ratios["of_the_usual_way"] >= 10,
        )
    ]


def collect(quick: bool) -> list[Row]:
    found = figures("fetching.py", "--runs", "1" if quick else "3")
    if "reader" not in found or "collect" not in found:
        raise NotMeasured("the package `reader` is not installed")
    rows = []
    for round_, least in (("first", 2.0), ("unchanged", 1.5)):
        ours, theirs = found["collect"][round_], found["reader"][round_]
        whole = theirs["seconds"] / ours["seconds"]
        bare = [found[name][round_]["seconds"] - found[name]["start"]["seconds"] for name in ("reader", "collect")]
        after = bare[0] / max(bare[1], 0.01)
        rows.append(
            Row(
                f"collect 100 feeds x 200 entries, {round_}",
                f">= {least:g}x `reader`",
                f"{whole:.1f}x as a whole process, {after:.1f}x without its start",
                whole >= least,
            )
        )
    memory = found["collect"]["first"]["peak"] / found["reader"]["first"]["peak"]
    rows.append(Row("its peak memory", "<= 1.2x `reader`", f"{memory:.1f}x", memory <= 1.2))
    return rows


def web(quick: bool) -> list[Row]:
    found = figures("web.py", "20000")
    return [
        Row(
            "live preview over 20,000 papers at 20 a second",
            "p95 <= 150 ms",
            f"p95 {found['preview_p95'] * 1000:.0f} ms",
            found["preview_p95"] <= 0.15,
        ),
        Row(
            "one-click goodbyes beside 100 slow connections",
            ">= 200/s, p99 < 1 s",
            f"{found['goodbyes']:.0f}/s, p99 {found['goodbyes_p99'] * 1000:.0f} ms",
            found["goodbyes"] >= 200 and found["goodbyes_p99"] < 1,
        ),
    ]


def small(quick: bool) -> list[Row]:
    """One subscriber, nothing new; and a worker that has nothing to do."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.toml").write_text(CONFIG.format(pages=HERE.parent / "examples" / "pages"))
        once = [one_run([sys.executable, "-m", "bot", "once"], folder) for _ in range(4)][1:]
        idle = idle_worker(folder, 10 if quick else 30)
    seconds, memory = min(once)[0], max(one[1] for one in once)
    return [
        Row(
            "`once` for one subscriber, nothing new",
            f"<= 1.5 s, <= {MEMORY} MB",
            f"{seconds:.2f} s, {memory:.0f} MB",
            seconds <= 1.5 and memory <= MEMORY,
        ),
        Row("a worker with nothing to do", f"<= {MEMORY} MB", f"{idle:.0f} MB", idle <= MEMORY),
    ]


def one_run(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds, and the peak of memory in MB."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=surroundings(), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise NotMeasured(f"{' '.join(command[2:])} failed")
    unit = 1 << 20 if sys.platform == "darwin" else 1024
    return time.perf_counter() - began, usage.ru_maxrss / unit


def idle_worker(folder: Path, seconds: int) -> float:
    """What a worker holds after so many seconds, MB."""
    status = Path("/proc/self/status")
    if not status.exists():
        raise NotMeasured("the memory of another process is read from /proc")
    worker = subprocess.Popen(
        [sys.executable, "-m", "bot", "--quiet", "run"], cwd=folder, env=surroundings(), stdout=subprocess.DEVNULL
    )
    try:
        time.sleep(seconds)
        said = Path(f"/proc/{worker.pid}/status").read_text()
        return int(said.partition("VmRSS:")[2].split()[0]) / 1024
    finally:
        worker.terminate()
        worker.wait(30)


PROMISES: dict[str, Callable[[bool], list[Row]]] = {
    "match": match,
    "compose": compose,
    "machines": machines,
    "deliver": deliver,
    "collect": collect,
    "web": web,
    "small": small,
}


# -- the table ---------------------------------------------------------------------------------------------------------


def table(rows: Sequence[Row]) -> str:
    """As Markdown, which a terminal shows as well."""
    cells = [("work", "budget", "measured", ""), *((row.work, row.budget, row.measured, row.verdict) for row in rows)]
    wide = [max(len(row[column]) for row in cells) for column in range(4)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, wide, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in wide) + "|")
    return "\n".join(lines)


def recorded(text: str, rows: Sequence[Row], when: str) -> str:
    """README.md with the table in its place."""
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (mark and end):
        raise SystemExit(f"README.md has no place for the figures: {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{when}\n\n{table(rows)}\n{END}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", choices=list(PROMISES), default=list(PROMISES), metavar="PROMISE")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    rows: list[Row] = []
    began = time.perf_counter()
    for name in options.only:
        print(f"{name} …", end=" ", flush=True, file=sys.stderr)
        start = time.perf_counter()
        try:
            rows += PROMISES[name](options.quick)
        except NotMeasured as why:
            rows.append(Row(name, "", str(why), None))
        print(f"{time.perf_counter() - start:.0f} s", flush=True, file=sys.stderr)
    minutes = (time.perf_counter() - began) / 60
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    when = f"{datetime.now(UTC):%Y-%m-%d}, {machine}, {minutes:.0f} minutes{', --quick' if options.quick else ''}:"
    print(f"\n{when}\n\n{table(rows)}")
    if options.record:
        README.write_text(recorded(README.read_text(encoding="utf-8"), rows, when), encoding="utf-8")
    missed = [row.work for row in rows if row.holds is False]
    if missed:
        sys.exit(f"\nmissed: {'; '.join(missed)}")


if __name__ == "__main__":
    main()
