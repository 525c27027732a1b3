"""Standing queries against a day's papers: ours beside what else there is, equal results, in one run.

    pip install -r benchmarks/requirements.txt
    python benchmarks/matching.py [--profiles 10000 100000 1000000] [--papers 1000] [--density niche] [--json]

Papers and profiles are invented (matching_corpus.py). Every engine runs in a process of its own and takes texts in;
the pairs (profile, paper) of all have to be the same. Seconds are processor time of one core, the fastest of three for
ours; memory is what the process grew by, building included. Opponents run up to `--opponents-up-to` profiles, where the
ratios are taken; SQLite answers the first `--fts5-queries` of them and the rest is reckoned from these, which the table
says. Ours is also put beside the time of copying its result in memory: nothing that writes the result down is faster.
"""

import argparse
import json
import multiprocessing
import os
import pickle
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
# ruff: noqa: E402
from matching_corpus import CATEGORIES, FAMILIES, Profiles, papers, profiles
from matching_opponents import ENGINES

from bot.core.matching import Matcher
from bot.core.matching.scan import Texts
from bot.core.papers import Paper
from bot.core.query import parse
from bot.core.query.evaluate import Reading

NEEDS = {"sets": "ahocorasick", "roaring": "pyroaring", "mokaccino": "mokaccino", "perq": "perq"}
ROUNDS = 2
SHARE = 6_000  # as many subscribers as one step of composing takes
PART = 250_000
clock = time.thread_time


def checksum(query: "np.ndarray[tuple[int], np.dtype[np.int64]]", paper: object) -> int:
    """A number for a set of pairs, whatever their order; those of parts add up."""
    mixed = (query.astype(np.uint64) << np.uint64(20)) + np.asarray(paper).astype(np.uint64)
    for shift, factor in ((31, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # splitmix64
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return int((mixed ^ (mixed >> np.uint64(33))).sum())


def grown() -> float:
    """The peak of the resident set so far, MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1024)


def held() -> float:
    """The resident set as it is now, MB."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
    except OSError:
        return grown()


def timed(work: Callable[[], object], times: int = 1) -> float:
    best = float("inf")
    for _ in range(times):
        begin = clock()
        work()
        best = min(best, clock() - begin)
    return best


def mixed_query(rng: random.Random, profile: Profiles, i: int) -> str:
    """A profile with something of everything the language has."""
    a, b, c, d, e = (f'"{t}"' if " " in t else t for t in (profile.terms[j] for j in profile.chosen[i].tolist()))
    plain = [t for t in (a, b, c, d, e) if t[0] != '"'] or ["carte"]
    return rng.choice(
        [
            f"title:({a}, {b}) OR {c}",
            f"{plain[0][:5]}* OR {c}, {d}",
            f'"{plain[0]} {plain[-1]}"~{rng.randint(1, 9)} OR {c}',
            f"author:{rng.choice(FAMILIES)} ({a}, {b}, {c})",
            f"category:{rng.choice(CATEGORIES)} ({a}, {b}, {c}) NOT {d}",
            f"cat:cs.* {a} OR {b}",
            f"2 of ({a}, {b}, {c}, {d}, {e})",
            f"({a}, {b}, {c}) upvotes>={rng.randint(1, 60)}",
            f"={plain[0].title()} OR {b}",
            f"{a}^2 OR {b} OR {c}^0.5 NOT ({d} {e})",
            f"{plain[0]}-{plain[-1]} OR {b}",
            f"abs:({a} OR {b} ({c} OR {d})) -ti:{e}",
        ]
    )


def measure_ours(made: list[Paper], profile: Profiles, mixed: bool) -> dict[str, Any]:
    count = len(profile.kind)
    rng = random.Random(1)
    texts = [mixed_query(rng, profile, i) if mixed else profile.query(i) for i in range(count)]
    base, begin = held(), clock()
    matcher = Matcher(parse(text) for text in texts)
    built = clock() - begin
    resident = held() - base
    found = matcher.match(made)
    seconds = timed(lambda: matcher.match(made), 5)
    peak = grown() - base
    query, paper = found.pairs()
    other = np.ones_like(found.bits)
    result: dict[str, Any] = {
        "build": built,
        "seconds": seconds,
        "resident": resident,
        "memory": peak,
        "pairs": len(query),
        "checksum": checksum(query, paper),
        "copy": timed(lambda: np.copyto(other, found.bits), 5),
        "alert": timed(lambda: matcher.match(made[:64]), 5),
    }
    if mixed:
        readings = [Reading(paper) for paper in made[:100]]
        told = set(zip(query.tolist(), paper.tolist(), strict=True))
        for q in rng.sample(range(count), 100):
            root = parse(texts[q]).root
            assert [(q, p) in told for p in range(100)] == [reading.true(root) for reading in readings], texts[q]
        result["checked"] = 100 * 100
        return result
    result["top"] = timed(lambda: found.top(30))
    result["share"], result["share_of"] = share_of_composing(texts[:SHARE], made), min(SHARE, count)
    result["top_of_two"] = top_in_two_processes(texts, made)
    return result


def share_of_composing(texts: list[str], made: list[Paper]) -> list[float]:
    """What composing does for every batch of subscribers, the papers being read once: build, match, 30 best."""
    read, queries = Texts(made), [parse(text) for text in texts]
    Matcher(queries[:10]).match(read)
    begin = clock()
    matcher = Matcher(queries)
    built = clock()
    found = matcher.match(read)
    matched = clock()
    found.top(30)
    return [built - begin, matched - built, clock() - matched]


def top_of_part(texts: list[str], made: list[Paper], start: Any, used: Any, place: int) -> None:
    matchers = [Matcher(map(parse, texts[low : low + PART])) for low in range(0, len(texts), PART)]
    for round_ in range(ROUNDS):
        start.wait()
        begin, read = clock(), Texts(made)
        for matcher in matchers:  # so many subscribers at a time: memory stays small
            matcher.match(read).top(30)
        used[round_ * 2 + place] = clock() - begin
        start.wait()


def top_in_two_processes(texts: list[str], made: list[Paper]) -> list[float]:
    """Matching and ranking the 30 best for everyone, text in, with two processes that have built their matchers: wall
    time, and processor time of the busier one (the same where nothing else runs). The faster of two rounds: the first
    also pays for memory the machine gives out for the first time."""
    context = multiprocessing.get_context("spawn")
    half, used, start = len(texts) // 2, context.Array("d", 2 * ROUNDS), context.Barrier(3)
    workers = [
        context.Process(target=top_of_part, args=(part, made, start, used, place))
        for place, part in enumerate((texts[:half], texts[half:]))
    ]
    for worker in workers:
        worker.start()
    rounds = []
    for round_ in range(ROUNDS):
        start.wait()
        begin = time.perf_counter()
        start.wait()
        rounds.append([time.perf_counter() - begin, max(used[round_ * 2 : round_ * 2 + 2])])
    for worker in workers:
        worker.join()
    return min(rounds)


def measure_opponent(name: str, made: list[Paper], profile: Profiles, cap: int) -> dict[str, Any]:
    count = len(profile.kind)
    if name == "fts5" and count > cap:
        profile = profile.head(cap)
    base, engine = held(), ENGINES[name]()
    built = timed(lambda: engine.build(profile))
    pairs, total = 0, 0

    def work() -> None:
        nonlocal pairs, total
        pairs = total = 0
        for paper, found in engine.match(made):
            pairs += len(found)
            total += checksum(found, paper)

    seconds = timed(work)
    used = len(profile.kind)
    return {
        "build": built,
        "seconds": seconds * count / used,
        "memory": grown() - base,
        "pairs": pairs,
        "checksum": total & (1 << 64) - 1,
        "answered": used,
    }


def in_a_process_of_its_own(name: str, args: argparse.Namespace, given: Path) -> dict[str, Any] | None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "result.json")
        command = [sys.executable, __file__, "--engine", name, "--input", str(given), "--out", str(out)]
        command += ["--fts5-queries", str(args.fts5_queries)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        if subprocess.run(command, env=environment, check=False).returncode:
            print(f"  {name}: failed", file=sys.stderr)
            return None
        return json.loads(out.read_text())  # type: ignore[no-any-return]


def engine_main(args: argparse.Namespace) -> None:
    made, profile = pickle.loads(Path(args.input).read_bytes())
    count = len(profile.kind)
    if args.engine in ("ours", "mixed"):
        result = measure_ours(made, profile, args.engine == "mixed")
        if args.engine == "ours" and count > args.fts5_queries:
            found = Matcher(parse(profile.query(i)) for i in range(args.fts5_queries)).match(made)
            result["head"] = checksum(*found.pairs())
    else:
        result = measure_opponent(args.engine, made, profile, args.fts5_queries)
    Path(args.out).write_text(json.dumps(result))


def compare(args: argparse.Namespace) -> dict[str, dict[str, dict[str, Any]]]:
    report: dict[str, dict[str, dict[str, Any]]] = {}
    made = papers(args.papers)
    for count in args.profiles:
        print(f"\n{count:,} profiles x {args.papers:,} papers, {args.density}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            given = Path(folder, "input.pickle")
            given.write_bytes(pickle.dumps((made, profiles(made, count, args.density))))
            report[str(count)] = compare_one(args, count, given)
    return report


def compare_one(args: argparse.Namespace, count: int, given: Path) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    ours = in_a_process_of_its_own("ours", args, given)
    if ours is None:
        return rows
    rows["ours"] = ours
    show("paperlark", ours, ours)
    for name, engine in ENGINES.items():
        if NEEDS.get(name) and not find_spec(NEEDS[name]):
            print(f"  {engine.name:34} left out: {NEEDS[name]} is not installed")
        elif count <= args.opponents_up_to or name == "fts5":
            rows[name] = in_a_process_of_its_own(name, args, given) or {}
            show(engine.name, rows[name], ours)
    mixed = rows["mixed"] = in_a_process_of_its_own("mixed", args, given) or {}
    if mixed:
        answers = f"{mixed['checked']:,} answers the same as those of the plain evaluation"
        print(f"  everything of the language in the mix: match {mixed['seconds']:.3f} s; {answers}")
    print(
        f"  alert batch of 64 papers {1e3 * ours['alert']:.1f} ms; {ours['resident']:.0f} MB resident\n"
        f"  a batch of {ours['share_of']:,} when composing, papers read before: build {1e3 * ours['share'][0]:.0f} ms, "
        f"match {1e3 * ours['share'][1]:.0f} ms, 30 best {1e3 * ours['share'][2]:.0f} ms\n"
        f"  30 best for everyone: {ours['top']:.2f} s on one core, {ours['top_of_two'][0]:.2f} s on two with matching "
        f"({ours['top_of_two'][1]:.2f} s of processor time each)\n"
        f"  copying the result takes {1e3 * ours['copy']:.1f} ms: text in to bits out is "
        f"{ours['seconds'] / ours['copy']:.0f} times that",
        flush=True,
    )
    return rows


def show(name: str, row: dict[str, Any], ours: dict[str, Any]) -> None:
    if not row:
        return
    if "answered" not in row:
        verdict = f"{row['pairs']:,} pairs"
    else:
        whole = row["checksum"] == ours["checksum"]
        part = row["checksum"] == ours.get("head")
        verdict = "same pairs" if whole else f"same pairs for the first {row['answered']:,}" if part else "OTHER PAIRS"
    print(
        f"  {name:34} build {row['build']:7.2f} s  match {row['seconds']:9.3f} s  "
        f"{row['seconds'] / ours['seconds']:7.1f} x  {row['memory']:7.0f} MB  {verdict}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profiles", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--papers", type=int, default=1_000)
    parser.add_argument("--density", choices=["rare", "niche", "broad"], default="niche")
    parser.add_argument("--opponents-up-to", type=int, default=100_000)
    parser.add_argument("--fts5-queries", type=int, default=20_000)
    parser.add_argument("--json", action="store_true", help="the figures as JSON, at the end")
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    parser.add_argument("--input", help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.engine:
        engine_main(args)
        return
    report = compare(args)
    print("\ngrowth of ours:", ", ".join(
        f"{int(count):,}: {rows['ours']['seconds']:.3f} s ({1e6 * rows['ours']['seconds'] / int(count):.3f} us each)"
        for count, rows in report.items() if "ours" in rows
    ))  # fmt: skip
    if args.json:
        print(json.dumps(report))


if __name__ == "__main__":
    main()
