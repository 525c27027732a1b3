"""Tastes: how well they choose, and what they cost. `python benchmarks/taste.py [--fixtures DIR]`

Readers are made of real papers where their folder is there: each likes one subject, a word of the keywords that the
source itself gave to papers, and keeps so many of its papers of the earlier days; what they have not seen are batches
of 128 later papers. Choosing is right where a paper has the subject among its keywords, which none of the methods is
shown.

    taste      the program's: at most 64 weighted words, run by its matcher
    centroid   the kept papers' mean TF-IDF vector, newer ones weighing more (as zotero-arxiv-daily has it)
    nearest    the likeness to the nearest kept paper
    keyword    the subject itself as a query: what somebody can say who knows its name
    random
"""

import argparse
import json
import random
import re
import resource
import sys
import time
from collections import Counter, defaultdict
from math import log2, log10
from pathlib import Path
from statistics import mean

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
# ruff: noqa: E402

from bot.core.matching import Matcher
from bot.core.matching.bm25 import PLACE_WORTH
from bot.core.papers import Paper
from bot.core.query import QueryError, parse
from bot.core.taste import Background, learn
from bot.core.taste.learn import counted, words_of

METHODS = ("taste", "centroid", "nearest", "keyword", "random")
KEPT = (5, 10, 20, 50)
BATCH = 128
TOP = 10
READERS = 60
MANY = 20_000  # readers, for the cost
NEW = 100  # papers of their letters


def real_papers(folder: Path) -> list[tuple[Paper, frozenset[str]]]:
    """Papers of Hugging Face's days in their order, each with its keywords."""
    found: dict[str, tuple[Paper, frozenset[str]]] = {}
    for file in sorted((folder / "hf_daily_papers_api").glob("20*.json")):
        try:
            entries = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            continue
        for entry in entries if isinstance(entries, list) else []:
            paper = entry.get("paper") if isinstance(entry, dict) else None
            paper = paper if isinstance(paper, dict) else {}
            if paper.get("id") and paper.get("summary"):
                title = " ".join(str(paper.get("title")).split())
                given = " ".join(map(str, paper.get("ai_keywords") or ())).lower()
                keywords = frozenset(word for word in re.findall("[a-z]{5,}", given))
                found.setdefault(paper["id"], (Paper(paper["id"], title, " ".join(paper["summary"].split())), keywords))
    return list(found.values())


def made_papers(number: int = 1_500) -> list[tuple[Paper, frozenset[str]]]:
    """Papers of 40 subjects, each with words of its own among the words of all."""
    lot = random.Random(7)
    common = [f"common{one}x" for one in range(400)]
    subjects = {f"subject{one}x": [f"word{one}x{place}" for place in range(40)] for one in range(40)}
    papers = []
    for one in range(number):
        own = lot.sample(sorted(subjects), 2 if lot.random() < 0.3 else 1)
        words = [
            lot.choice(subjects[lot.choice(own)]) if lot.random() < 0.06 else lot.choice(common) for _ in range(140)
        ]
        words += [subject for subject in own if lot.random() < 0.6]
        lot.shuffle(words)
        papers.append((Paper(f"made:{one}", " ".join(words[:8]), " ".join(words[8:])), frozenset(own)))
    return papers


class Vectors:
    """TF-IDF vectors of all papers, of length one."""

    def __init__(self, papers: list[Paper], background: Background) -> None:
        vectors = [background.vector(counted(paper)) for paper in papers]
        column = {word: place for place, word in enumerate(sorted({word for one in vectors for word in one}))}
        self.rows = np.zeros((len(papers), len(column)), np.float32)
        for row, one in enumerate(vectors):
            for word, value in one.items():
                self.rows[row, column[word]] = value


def quality(name: str, known: list[tuple[Paper, frozenset[str]]]) -> bool:
    """Prints hit@10 and NDCG@10 of each method; whether the taste is nowhere below the centroid."""
    papers = [paper for paper, _ in known]
    split = len(papers) * 2 // 3
    background = Background(papers[:split])
    vectors = Vectors(papers, background)
    often = Counter(word for _, words in known[:split] for word in words)
    later = Counter(word for _, words in known[split:] for word in words)
    subjects = [word for word, count in often.most_common() if count >= 8 and later[word] >= 4][:READERS]
    print(
        f"{name}: {len(papers):,} papers, {len(subjects)} readers of one subject each, batches of {BATCH} later papers"
    )
    print(
        f"  {'kept':>4}  "
        + "".join(f"{method:>18}" for method in ("taste", "centroid", "nearest", "keyword", "random"))
    )
    lot = random.Random(11)
    never_below = True
    for kept in KEPT:
        hits: dict[str, list[float]] = defaultdict(list)
        gains: dict[str, list[float]] = defaultdict(list)
        for subject in subjects:
            liked = [row for row in range(split) if subject in known[row][1]]
            if len(liked) < kept:
                continue
            liked = sorted(lot.sample(liked, kept), reverse=True)  # the newest first
            batch = lot.sample(range(split, len(papers)), min(BATCH, len(papers) - split))
            right = np.array([subject in known[row][1] for row in batch])
            if not right.any():
                continue
            for method, scores in rated(papers, vectors, background, liked, batch, subject, lot).items():
                order = np.argsort(-scores, kind="stable")[:TOP]
                hits[method].append(float(right[order].any()))
                ideal = sum(1 / log2(place + 2) for place in range(min(TOP, int(right.sum()))))
                gains[method].append(sum(1 / log2(place + 2) for place, one in enumerate(order) if right[one]) / ideal)
        if not gains:
            continue
        cells = [f"{mean(hits[one]):.2f} / {mean(gains[one]):.3f}" for one in gains]
        print(f"  {kept:>4}  " + "".join(f"{cell:>18}" for cell in cells) + f"   ({len(gains['taste'])} readers)")
        never_below = never_below and mean(gains["taste"]) >= mean(gains["centroid"]) - 0.005
    print("  (hit@10 / NDCG@10)")
    return never_below


def rated(
    papers: list[Paper],
    vectors: Vectors,
    background: Background,
    liked: list[int],
    batch: list[int],
    subject: str,
    lot: random.Random,
) -> dict[str, np.ndarray]:
    learnt = learn([papers[row] for row in liked], background)
    shown = [papers[row] for row in batch]
    near = vectors.rows[batch] @ vectors.rows[liked].T
    decay = np.array([1 / (1 + log10(place + 1)) for place in range(len(liked))])
    return {
        "taste": matched(learnt.text, shown) if learnt else np.zeros(len(batch)),
        "centroid": near @ (decay / decay.sum()),
        "nearest": near.max(axis=1),
        "keyword": matched(f'"{subject}"', shown),
        "random": np.array([lot.random() for _ in batch]),
    }


def matched(text: str, papers: list[Paper]) -> np.ndarray:
    """The points a query gives to papers, without where it is first mentioned: as compose asks."""
    points = np.zeros(len(papers))
    try:
        query = parse(text)
    except QueryError:
        return points
    ranked, scores = Matcher([query]).match(papers).top(len(papers))
    for paper, score in zip(ranked[0].tolist(), scores[0].tolist(), strict=True):
        if paper >= 0:
            points[paper] = score % PLACE_WORTH
    return points


def cost(known: list[tuple[Paper, frozenset[str]]]) -> None:
    papers = [paper for paper, _ in known]
    background = Background(papers[:1_000])
    lot = random.Random(3)
    for kept in (20, 200):
        liked = lot.sample(papers, min(kept, len(papers)))
        began = time.process_time()
        for _ in range(5):
            learnt = learn(liked, background)
        print(f"learning from {len(liked)} papers: {(time.process_time() - began) / 5 * 1000:.1f} ms of CPU")
    tastes = []
    while len(tastes) < 200:
        learnt = learn(lot.sample(papers, 12), background)
        tastes += [learnt] if learnt else []
    queries = [tastes[number % len(tastes)].query for number in range(MANY)]
    new = papers[-NEW:]
    words = [words_of(paper) for paper in new]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    for start in range(0, MANY, 6_000):  # as compose does
        ranked, _ = Matcher(queries[start : start + 6_000]).match(new).top(40)
        for number, row in enumerate(ranked.tolist()):
            taste = tastes[(start + number) % len(tastes)]
            for paper in row[:10]:
                taste.likeness(words[paper])
    spent = time.process_time() - began
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(
        f"{MANY:,} readers with a taste of up to 64 words, {len(new)} new papers: {spent:.1f} s of CPU, "
        f"{spent / MANY * 1e6:.0f} us a reader, {memory:.0f} MB for a range of 6,000 at a time; "
        f"a million: {spent / MANY * 1e6:.0f} s, the same memory"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fixtures", type=Path, default=HERE.parents[1] / "shared" / "fixtures")
    arguments = parser.parse_args()
    made = made_papers()
    fine = quality("made papers", made)
    real = real_papers(arguments.fixtures)
    if real:
        fine = quality("real papers", real) and fine
    else:
        print(f"no real papers: {arguments.fixtures} does not hold them")
    cost(real or made)
    if not fine:
        sys.exit("a taste chooses worse than the centroid of what is kept")


if __name__ == "__main__":
    main()
