"""Relevance: are the papers of a letter the right ones, and in the right order?

Against real votes and judgements where their folder is there (`--fixtures`), and against votes that grow as real ones
do, always: trending across days and weeks, what letters of five tell of a week's best, the order inside a profile, and
precision and recall of keywords. Each beside plain ways to do it (upvotes, newest first, chance, BM25 alone), with 95 %
intervals by bootstrap over days, weeks or pairs. `--program` drives the program itself through real weeks: the lists
served on loopback with the votes they had, `once` three times a day, and what its letters told.
"""

import argparse
import csv
import json
import math
import random
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from bot.core.matching import Matcher
from bot.core.matching.bm25 import PLACE_WORTH
from bot.core.papers import Paper, trending
from bot.core.papers.trending import Snapshot, Span
from bot.core.query import parse, profile_query
from bot.core.query.near import near_query
from bot.core.query.words import words

HERE = Path(__file__).resolve().parent
HOUR = timedelta(hours=1)
FINAL = 72  # hours after which a count may be taken as final
# The share of the final votes that is in so many hours after listing, on Hugging Face's lists of 2024 to 2026.
GROWTH = ((0, 0), (1.5, 0.13), (7, 0.40), (20, 0.69), (62, 0.87), (115, 0.95), (240, 1.0))
PLACES = 10

Order = Callable[[Sequence[Paper], dict[str, list[Snapshot]], datetime, Span], list[Paper]]


class Listed(NamedTuple):
    """A paper of one day's list, and how its votes grew: (hours after the list's midnight UTC, votes)."""

    key: str
    day: date
    counts: tuple[tuple[float, int], ...]

    @property
    def final(self) -> int | None:
        return next((votes for hours, votes in reversed(self.counts) if hours >= FINAL), None)

    def seen_at(self, now: datetime) -> list[Snapshot]:
        midnight = datetime.combine(self.day, time(), UTC)
        seen = [(midnight + hours * HOUR, votes, None, None) for hours, votes in self.counts]
        return [snapshot for snapshot in seen if snapshot[0] <= now]


# ------------------------------------------------------------------------------------------------------------ the votes


def real_votes(file: Path) -> dict[date, list[Listed]]:
    """The lists of a file of observed counts, by day."""
    counts: dict[tuple[date, str], list[tuple[float, int]]] = defaultdict(list)
    with file.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            seen = (float(row["hours_after_midnight_utc"]), int(row["upvotes"]))
            counts[date.fromisoformat(row["list_day"]), row["arxiv_id"]].append(seen)
    days: dict[date, list[Listed]] = defaultdict(list)
    for (day, key), seen_counts in sorted(counts.items()):
        days[day].append(Listed(key, day, tuple(sorted(seen_counts))))
    return dict(days)


def grown_votes(weeks: int = 30) -> dict[date, list[Listed]]:
    """Invented lists whose votes come in as real ones do: few papers have most of them, and some are quicker."""
    random_ = random.Random(11)
    days = {}
    for number in range(weeks * 7):
        day = date(2025, 1, 6) + timedelta(days=number)
        if day.weekday() >= 5:
            continue
        listed = []
        for place in range(random_.randrange(15, 35)):
            final = int(math.exp(random_.gauss(2.7, 1.1))) + 1
            pace = math.exp(random_.gauss(0, 0.35))
            counts: list[tuple[float, int]] = []
            for hours in (1, 4, 7, 12, 17, 24, 31, 48, 55, 72, 96, 120, 168, 240):
                share = float(np.interp(hours * pace, *zip(*GROWTH, strict=True)))
                votes = max(counts[-1][1] if counts else 0, round(final * share + random_.gauss(0, 0.5)))
                counts.append((float(hours), votes))
            listed.append(Listed(f"{day:%y%m}.{place:05d}d{day:%d}", day, tuple(counts)))
        days[day] = listed
    return days


# ----------------------------------------------------------------------------------------------------------- the orders


def by_upvotes(papers: Sequence[Paper], seen: dict[str, list[Snapshot]], now: datetime, over: Span) -> list[Paper]:
    return sorted(papers, key=lambda paper: (-(seen[paper.key][-1][1] or 0), paper.key))


def newest_first(papers: Sequence[Paper], seen: dict[str, list[Snapshot]], now: datetime, over: Span) -> list[Paper]:
    return sorted(papers, key=lambda paper: (-(paper.listed or now.date()).toordinal(), paper.key))


def by_chance(papers: Sequence[Paper], seen: dict[str, list[Snapshot]], now: datetime, over: Span) -> list[Paper]:
    shuffled = sorted(papers, key=lambda paper: paper.key)
    random.Random(now.isoformat()).shuffle(shuffled)
    return shuffled


def by_velocity(half_life: float, gravity: float) -> Order:
    """Hacker News' formula with votes that fade: what this program did before, and what was proposed instead."""

    def score(paper: Paper, seen: list[Snapshot], now: datetime) -> float:
        listed = trending.listing_moment(paper, now)
        heat, before = 1.0, 0
        for number, (moment, votes, _comments, _stars) in enumerate(seen):
            given = moment - max(moment - listed, timedelta(0)) / 2 if number == 0 else moment
            heat += max((votes or 0) - before, 0) * 0.5 ** ((now - given) / HOUR / half_life)
            before = max(before, votes or 0)
        return float(heat**0.8 / (max((now - listed) / HOUR, 0) + 2) ** gravity)

    def order(papers: Sequence[Paper], seen: dict[str, list[Snapshot]], now: datetime, over: Span) -> list[Paper]:
        return sorted(papers, key=lambda paper: (-score(paper, seen[paper.key], now), paper.key))

    return order


def by_root(papers: Sequence[Paper], seen: dict[str, list[Snapshot]], now: datetime, over: Span) -> list[Paper]:
    def score(paper: Paper) -> float:
        hours = max((now - trending.listing_moment(paper, now)) / HOUR, 0)
        return float(((seen[paper.key][-1][1] or 0) + 1) / (hours + 6) ** 0.5)

    return sorted(papers, key=lambda paper: (-score(paper), paper.key))


ORDERS: dict[str, Order] = {
    "ours": lambda papers, seen, now, over: trending.rank(papers, seen, now, over=over),
    "plain upvotes": by_upvotes,
    "half-life 12 h, gravity 1.3": by_velocity(12, 1.3),
    "half-life 24 h, gravity 0.3": by_velocity(24, 0.3),
    "half-life 14 d, no gravity": by_velocity(14 * 24, 0),
    "(votes + 1) / (hours + 6)^0.5": by_root,
    "newest first": newest_first,
    "chance": by_chance,
}


# ------------------------------------------------------------------------------------------------------------- measures


def ndcg(order: Sequence[str], worth: dict[str, int], places: int = PLACES) -> float:
    """Normalized discounted cumulative gain of the first places; 1: nothing could be better."""
    discounts = [1 / math.log2(place + 2) for place in range(places)]
    best = sum(map(math.prod, zip(discounts, sorted(worth.values(), reverse=True), strict=False)))
    return sum(discount * worth[key] for discount, key in zip(discounts, order, strict=False)) / best if best else 1.0


def interval(values: Sequence[float]) -> str:
    """The mean, and where it lies with 95 % by bootstrap."""
    array = np.array(values, float)
    if not len(array):
        return "      -"
    draws = np.random.default_rng(5).choice(array, (1000, len(array))).mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return f"{array.mean():6.3f} [{low:.3f}, {high:.3f}]"


class Moment(NamedTuple):
    """Papers of some days' lists at a moment a letter is made, and what came of them."""

    now: datetime
    papers: list[Paper]
    seen: dict[str, list[Snapshot]]
    final: dict[str, int]

    @property
    def still_to_come(self) -> dict[str, int]:
        return {key: max(votes - (self.seen[key][-1][1] or 0), 0) for key, votes in self.final.items()}


def moments(days: dict[date, list[Listed]], last: date, back: int, hour: float, complete: float) -> Moment | None:
    """The lists of a day and of those before it, seen at an hour of that day (or after it); None where too little of
    them was ever looked at."""
    now = datetime.combine(last, time(), UTC) + hour * HOUR
    window = [listed for day in days if 0 <= (last - day).days <= back for listed in days[day]]
    known = [one for one in window if one.final is not None and one.seen_at(now)]
    if len(known) < max(15, complete * len(window)):
        return None
    return Moment(
        now,
        [Paper(key=one.key, title=one.key, listed=one.day) for one in known],
        {one.key: one.seen_at(now) for one in known},
        {one.key: one.final or 0 for one in known},
    )


def of_days(days: dict[date, list[Listed]], hour: float) -> list[Moment]:
    """Letters of a day: this list and the one before it."""
    found = []
    for before, day in zip(sorted(days), sorted(days)[1:], strict=False):
        moment = moments(days, day, (day - before).days, hour, 0.6) if (day - before).days <= 4 else None
        if moment and len({paper.listed for paper in moment.papers}) == 2:
            found.append(moment)
    return found


def at_any_hour(days: dict[date, list[Listed]], back: int) -> list[Moment]:
    """Letters at some hour of any day, of the lists of so many days before it and of its own where there is one."""
    random_ = random.Random(back)
    found = (moments(days, day, back, random_.uniform(0, 24), 0.3) for day in sorted(days))
    return [moment for moment in found if moment]


def of_weeks(days: dict[date, list[Listed]], hour: float) -> list[Moment]:
    """Letters of a week, on Mondays."""
    found = []
    for day in sorted(days):
        moment = moments(days, day, 6, hour, 0.5) if day.weekday() == 0 else None
        if moment and len({paper.listed for paper in moment.papers}) >= 5:
            found.append(moment)
    return found


def trending_table(name: str, all_moments: list[Moment], over: Span) -> None:
    print(
        f"\n{name}: {len(all_moments)} letters. NDCG@{PLACES} on final votes | on votes still to come | best ten shown"
    )
    for label, order in ORDERS.items():
        final, to_come, shown = [], [], []
        for moment in all_moments:
            ranked = [paper.key for paper in order(moment.papers, moment.seen, moment.now, over)]
            final.append(ndcg(ranked, moment.final))
            to_come.append(ndcg(ranked, moment.still_to_come))
            best = sorted(moment.final, key=lambda key: (-moment.final[key], key))[:PLACES]
            shown.append(len(set(best) & set(ranked[:PLACES])) / len(best))
        print(f"  {label:32} {interval(final)}   {interval(to_come)}   {interval(shown)}")


def told_table(name: str, days: dict[date, list[Listed]], hour: float = 8, places: int = 5) -> None:
    """Which of a week's ten best a daily reader of five places was told, by the rule of `bot.pipeline.compose`."""
    weeks: dict[tuple[int, int], list[date]] = defaultdict(list)
    for day in sorted(days):
        weeks[day.isocalendar()[:2]].append(day)
    shares: dict[str, list[float]] = {label: [] for label in ORDERS}
    for own in weeks.values():
        listed = [one for day in own for one in days[day]]
        final = {one.key: one.final for one in listed if one.final is not None}
        early = [one for one in listed if one.counts[0][0] <= 12]
        if len(own) < 5 or len(final) < 0.6 * len(listed) or len(early) < 0.6 * len(listed):
            continue
        best = set(sorted(final, key=lambda key: (-final[key], key))[:PLACES])
        for label, order in ORDERS.items():
            told: set[str] = set()
            for day in own:
                now = datetime.combine(day, time(), UTC) + hour * HOUR
                seen = {one.key: one.seen_at(now) for one in listed if one.key in final and one.day <= day}
                papers = [Paper(key=one.key, title=one.key, listed=one.day) for one in listed if seen.get(one.key)]
                recent = [paper for paper in papers if paper.key not in told and trending.is_recent(paper, now)]
                told.update(paper.key for paper in order(recent, seen, now, "day")[:places])
            shares[label].append(len(best & told) / PLACES)
    print(f"\n{name}: {len(shares['ours'])} weeks. Of the week's ten best, told by five daily letters of five")
    for label, values in shares.items():
        print(f"  {label:32} {interval(values)}")


# -------------------------------------------------------------------------------------------------- inside the profiles


class Judged(NamedTuple):
    """A pair of a profile of one keyword and a paper. 2: it is about it; 1: wanted; 0: not wanted."""

    profile: str
    paper: Paper
    label: int


def judged_pairs(file: Path) -> list[Judged]:
    return [
        Judged(row["profile"], Paper(key=row["arxiv_id"], title=row["title"], abstract=row["abstract"]), row["label"])
        for row in json.loads(file.read_text(encoding="utf-8"))
    ]


def auc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """How probable it is that a wanted one comes before an unwanted one; ties count half."""
    good = np.array([score for score, label in zip(scores, labels, strict=True) if label])
    bad = np.array([score for score, label in zip(scores, labels, strict=True) if not label])
    if not len(good) or not len(bad):
        return 0.5
    before = good[:, None] - bad[None, :]
    return float((before > 0).mean() + (before == 0).mean() / 2)


def auc_interval(scores: Sequence[float], labels: Sequence[bool]) -> str:
    random_ = random.Random(3)
    places = range(len(scores))
    draws = []
    for _ in range(500):
        drawn = random_.choices(places, k=len(scores))
        draws.append(auc([scores[at] for at in drawn], [labels[at] for at in drawn]))
    low, high = np.quantile(draws, [0.025, 0.975])
    return f"{auc(scores, labels):6.3f} [{low:.3f}, {high:.3f}]"


def order_table(pairs: list[Judged]) -> None:
    papers = list({pair.paper.key: pair.paper for pair in pairs}.values())
    profiles = sorted({pair.profile for pair in pairs})
    ranked, scores = Matcher([profile_query([profile]) for profile in profiles]).match(papers).top(len(papers))
    score_of = {
        (profile, papers[paper].key): score
        for profile, best, own in zip(profiles, ranked.tolist(), scores.tolist(), strict=True)
        for paper, score in zip(best, own, strict=True)
        if paper >= 0
    }
    found = [pair for pair in pairs if (pair.profile, pair.paper.key) in score_of]
    whole = [float(score_of[pair.profile, pair.paper.key]) for pair in found]
    chance = random.Random(9)
    ways: dict[str, list[float]] = {
        "ours (place, BM25, trend)": whole,
        "BM25 alone": [score % PLACE_WORTH for score in whole],
        "place of the first mention alone": [score // PLACE_WORTH for score in whole],
        "newest first": [float(pair.paper.key.replace(".", "")) for pair in found],
        "chance": [chance.random() for _ in found],
    }
    print(f"\norder inside a profile: AUC over {len(found)} judged matches | wanted before unwanted | about it first")
    for label, values in ways.items():
        wanted = auc_interval(values, [pair.label > 0 for pair in found])
        about = auc_interval(values, [pair.label == 2 for pair in found])
        print(f"  {label:34} {wanted}   {about}")


def exact_words(profile: str, paper: Paper) -> bool:
    """The keyword as it is typed, whatever its case."""
    return f" {profile.casefold()} " in f" {' '.join((paper.title + ' ' + paper.abstract).casefold().split())} "


def near_keys(profile: str, papers: list[Paper], ours: set[tuple[str, str]], places: int = 3) -> list[str]:
    """What `near = 3` would show of these papers: the most relevant that the profile is not true of."""
    query = near_query(profile_query([profile]))
    if query is None:
        return []
    ranked, scores = Matcher([query]).match(papers).top(len(papers))
    found = [
        (-(score % PLACE_WORTH), place, papers[paper].key)
        for place, (paper, score) in enumerate(zip(ranked[0].tolist(), scores[0].tolist(), strict=True))
        if paper >= 0 and (profile, papers[paper].key) not in ours
    ]
    return [key for _, _, key in sorted(found)[:places]]


def found_table(pairs: list[Judged]) -> None:
    """Precision and recall on the pairs that were judged; they are drawn from what several systems found."""
    papers = list({pair.paper.key: pair.paper for pair in pairs}.values())
    profiles = sorted({pair.profile for pair in pairs})
    matched = Matcher([profile_query([profile]) for profile in profiles]).match(papers).pairs()
    ours = {(profiles[query], papers[paper].key) for query, paper in zip(*map(np.ndarray.tolist, matched), strict=True)}
    near = {(profile, key) for profile in profiles for key in near_keys(profile, papers, ours)}
    by_words, _ = Matcher([parse(", ".join(words(profile))) for profile in profiles]).match(papers).top(10)
    best_words = {
        (profile, papers[paper].key)
        for profile, best in zip(profiles, by_words.tolist(), strict=True)
        for paper in best
        if paper >= 0
    }
    chance = random.Random(4)
    ways = {
        "ours": lambda pair: (pair.profile, pair.paper.key) in ours,
        "ours, and the three nearest": lambda pair: (pair.profile, pair.paper.key) in ours | near,
        "the three nearest alone": lambda pair: (pair.profile, pair.paper.key) in near,
        "exact words": lambda pair: exact_words(pair.profile, pair.paper),
        "any of the words, ten best by BM25": lambda pair: (pair.profile, pair.paper.key) in best_words,
        "chance": lambda pair: chance.random() < 0.5,
    }
    print(f"\nprecision and recall on {len(pairs)} judged pairs of {len(profiles)} keywords")
    for label, way in ways.items():
        found = [way(pair) for pair in pairs]
        precision = [float(pair.label > 0) for pair, hit in zip(pairs, found, strict=True) if hit]
        recall = [float(hit) for pair, hit in zip(pairs, found, strict=True) if pair.label > 0]
        print(f"  {label:36} precision {interval(precision)}   recall {interval(recall)}")


# --------------------------------------------------------------------------------------------------- the program itself


class Lists(BaseHTTPRequestHandler):
    """Hugging Face's daily lists as they were at a moment."""

    days: dict[date, list[Listed]]
    now: datetime

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query).get("date")
        past = [day for day in self.days if datetime.combine(day, time(), UTC) <= self.now]
        wanted = [date.fromisoformat(asked[0])] if asked else past and [max(past)]
        items = []
        for day in wanted:
            for one in self.days.get(day, []):
                seen = one.seen_at(self.now)
                if seen:
                    inner = {"id": one.key, "title": f"On {one.key}", "upvotes": seen[-1][1]}
                    inner |= {"submittedOnDailyAt": f"{day}T00:30:00.000Z"}
                    items.append({"paper": inner, "title": inner["title"]})
        body = json.dumps(items).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


CONFIG = """
database = "sqlite:///{folder}/p.db"
[mail]
from = "digest@example.org"
url = "outbox:{folder}/outbox"
[[sources]]
name = "hf"
type = "huggingface"
url = "http://127.0.0.1:{port}/lists"
private = true
[[subscribers]]
email = "daily@example.org"
digest = "weekdays 08:00"
max_papers = 5
[[subscribers]]
email = "weekly@example.org"
digest = "weekly mon 08:00"
max_papers = 10
"""


def program_table(days: dict[date, list[Listed]], weeks: int) -> None:
    """The program over whole weeks (Monday to the next Monday's letter), a fresh database for each; of the lists only
    what is known to the end."""
    days = {day: [one for one in listed if one.final is not None] for day, listed in days.items()}
    mondays = [moment.now.date() for moment in of_weeks(days, 8)][-weeks:]
    weekly, upvotes, shown, daily = [], [], [], []
    for monday in mondays:
        first = monday - timedelta(days=7)
        told = drive(days, first, monday)
        now = datetime.combine(monday, time(8), UTC)
        listed = [one for day in days if first < day <= monday for one in days[day]]
        final = {one.key: one.final for one in listed if one.final is not None and one.seen_at(now)}
        letter = [key for key in told.get(("weekly@example.org", monday), []) if key in final]
        plain = sorted(final, key=lambda key: (-(days_seen(listed, key, now)[-1][1] or 0), key))
        best = set(sorted(final, key=lambda key: (-final[key], key))[:PLACES])
        weekly.append(ndcg(letter, final))
        upvotes.append(ndcg(plain, final))
        shown.append(len(best & set(letter)) / PLACES)
        five = {key for (who, _), keys in told.items() if who.startswith("daily") for key in keys}
        daily.append(len(best & five) / PLACES)
    print(f"\nthe program itself, {len(mondays)} weeks, three collections a day")
    print(f"  weekly letter of ten, NDCG@{PLACES} on final votes     {interval(weekly)}")
    print(f"  plain upvotes as they were then             {interval(upvotes)}")
    print(f"  of the week's ten best, in the weekly letter {interval(shown)}")
    print(f"  of the week's ten best, told by daily letters of five {interval(daily)}")


def days_seen(listed: list[Listed], key: str, now: datetime) -> list[Snapshot]:
    return next(one.seen_at(now) for one in listed if one.key == key)


def drive(days: dict[date, list[Listed]], first: date, last: date) -> dict[tuple[str, date], list[str]]:
    """Run `once` three times a day; returns what each letter told: (address, day) -> keys in order."""
    from bot.cli import program
    from bot.core.edition.picks import Picks
    from bot.store import Database, history
    from bot.store.tables.edition_rows import EDITIONS
    from bot.store.tables.subscriber_rows import SUBSCRIBERS

    handler = type("Handler", (Lists,), {"days": days, "now": datetime.combine(first, time(), UTC)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    told: dict[tuple[str, date], list[str]] = {}
    once = program("once")
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.toml"
        config.write_text(CONFIG.format(folder=folder, port=server.server_port), encoding="utf-8")
        moment = datetime.combine(first, time(1), UTC)
        while moment <= datetime.combine(last, time(8), UTC):
            handler.now = moment  # type: ignore[attr-defined]
            once(["--quiet", "--config", str(config), "once", "--now", moment.isoformat()], standalone_mode=False)
            moment += timedelta(hours=7 if moment.hour == 1 else 8 if moment.hour == 8 else 9)
        with closing(Database(f"sqlite:///{folder}/p.db")) as database, database.read() as tx:
            whose = SUBSCRIBERS.c.id == EDITIONS.c.subscriber_id
            rows = tx.execute(EDITIONS.select().add_columns(SUBSCRIBERS.c.email).join(SUBSCRIBERS, whose)).all()
            for row in rows:
                picks = Picks.from_json(row.picks)
                papers = history.as_of(tx, picks.ids, row.revision)
                keys = [papers[one].key.removeprefix("arxiv:") for part in picks.sections for one in part.ids]
                told[row.email, row.day] = keys
    server.shutdown()
    server.server_close()
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fixtures", type=Path, default=HERE.parents[1] / "shared" / "fixtures")
    parser.add_argument("--program", type=int, default=0, metavar="WEEKS", help="drive the program through real weeks")
    arguments = parser.parse_args()
    votes, judged = (
        arguments.fixtures / name for name in ("hf_votes_over_time/votes.csv", "judged_keywords/judged.json")
    )
    print("order                              mean [95 % interval]")
    sets = {"votes that grow as real ones do": grown_votes()}
    if votes.exists():
        sets["real votes"] = real_votes(votes)
    for name, days in sets.items():
        trending_table(f"a day's letter at 8:00, {name}", of_days(days, 8), "day")
        trending_table(f"a day's letter at 24:30, {name}", of_days(days, 24.5), "day")
        trending_table(f"a day's letter at any hour, three days of lists, {name}", at_any_hour(days, 3), "day")
        trending_table(f"a week's letter on Monday at 8:00, {name}", of_weeks(days, 8), "week")
        trending_table(f"a week's letter at any hour of any day, {name}", at_any_hour(days, 6), "week")
        told_table(f"daily letters, {name}", days)
    if judged.exists():
        pairs = judged_pairs(judged)
        order_table(pairs)
        found_table(pairs)
    if not votes.exists() or not judged.exists():
        print(f"\nno real votes or judgements: {arguments.fixtures} does not hold them")
    if arguments.program and votes.exists():
        program_table(sets["real votes"], arguments.program)


if __name__ == "__main__":
    main()
