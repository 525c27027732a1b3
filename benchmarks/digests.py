"""Personal digests from the outbox to a loopback server: ours, the usual way, and a client that only posts bytes.

    pip install -r benchmarks/requirements.txt
    python benchmarks/digests.py [--subscribers 4000] [--papers 1000] [--processes 2] [--json]

Every subscriber has five other keywords: words and phrases of the papers, popular ones more often (Zipf). Ours is one
`deliver` as it runs: editions are claimed in a SQLite file, drawn in so many processes, sent over four connections, and
marked on the disk before the next. The usual way is one loop in one process over a sample of the same editions
ready-made: it draws each with Jinja2, puts the styles inline with premailer, builds an EmailMessage and sends it with
smtplib over one connection; it marks nothing. The third has the finished messages in memory and posts them. All post to
the same server, one after the other, and are timed from their first letter on. Read the ratios, not the absolutes.
"""

import argparse
import json
import os
import shutil
import smtplib
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import jinja2  # noqa: E402
import letters  # noqa: E402
import matching_corpus  # noqa: E402
from delivery import post_prebuilt  # noqa: E402
from smtp_servers import sink  # noqa: E402

from bot.core.edition.edition import Edition  # noqa: E402
from bot.core.letter import matched_words, renderer  # noqa: E402
from bot.core.papers import Listing  # noqa: E402
from bot.mail.message.mailbox import mailbox  # noqa: E402
from bot.mail.message.types import Message  # noqa: E402
from bot.mail.transport.from_url import transport  # noqa: E402
from bot.pipeline.build_message import MessageBuilder  # noqa: E402
from bot.pipeline.compose.compose import compose  # noqa: E402
from bot.pipeline.deliver.build_pool import Builder  # noqa: E402
from bot.pipeline.deliver.deliver import DeliverySettings, deliver  # noqa: E402
from bot.pipeline.sender_identity import Identity  # noqa: E402
from bot.store import Database, outbox, papers, subscribers  # noqa: E402
from bot.store.subscribers import SubscriberRecord  # noqa: E402

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
DENSITY = "broad"  # a keyword is in at most a fifth of the papers
IDENTITY = Identity(
    sender=mailbox("Paper Digest <digest@papers.example.org>"),
    secret="a secret for measuring",
    public_url="https://papers.example.org",
    bounces="b+{token}@papers.example.org",
)


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    letters: int
    rate: float  # letters per second
    cpu_ms: float  # of the processes that make and send, per letter


def fill(url: str, number: int, count: int) -> None:
    """A day's papers, subscribers with keywords of their own, and everybody's digest in the outbox."""
    made = matching_corpus.papers(count)
    profiles = matching_corpus.profiles(made, number, DENSITY)
    database = Database(url, durable=False)
    database.migrate()
    listings = [
        Listing(
            title=paper.title,
            abstract=paper.abstract,
            keys=(f"arxiv:2611.{place:05}",),
            authors=paper.authors,
            categories=paper.categories,
            organization=paper.organization,
            upvotes=paper.upvotes,
            url=f"https://arxiv.org/abs/2611.{place:05}",
            pdf_url=f"https://arxiv.org/pdf/2611.{place:05}",
            hf_url=f"https://huggingface.co/papers/2611.{place:05}",
            published=date(2026, 11, 19),
            listed=date(2026, 11, 20),
        )
        for place, paper in enumerate(made)
    ]
    with database.record() as tx:
        papers.record(tx, "arxiv", listings, NOW, first=True)

    def record(place: int) -> SubscriberRecord:
        profile = {"name": f"Watch {place}", "query": profiles.query(place)}
        data = {"email": f"subscriber{place}@example.net", "digest": "daily 07:30", "profiles": [profile]}
        return SubscriberRecord(email=data["email"], data=data, alerts=False, schedule="daily 07:30 UTC", next_due=NOW)

    with database.write() as tx:
        subscribers.add(tx, map(record, range(number)), NOW)
    compose(database, NOW, IDENTITY.message_id)
    database.close()


def press_room(database: Database) -> MessageBuilder:
    press = renderer.LetterRenderer(renderer.environment(jinja2.FileSystemLoader(HERE.parent / "templates")))
    return MessageBuilder(database, lambda: press, IDENTITY)


def claimed(database: Database, number: int) -> list[outbox.Leased]:
    with database.write() as tx:
        return outbox.lease(tx, "digest", "benchmark", NOW, NOW + timedelta(minutes=30), number)


# -- what is measured, each in a process of its own --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Share:
    """One process's part: when it was ready, when each letter was gone, and its processor time."""

    ready: float
    gone: list[float]
    cpu: float


def ours(port: int, url: str, processes: int) -> Share:
    """One `deliver`, as it runs: four connections, building in so many processes."""
    database = Database(url)
    gone: list[float] = []
    room = press_room(database)
    settings = DeliverySettings(
        transport=transport(f"smtp://127.0.0.1:{port}?per_connection=1000000"),
        build=room.build,
        load_ahead=room.load_ahead,
        make_builder=partial(builder_of, url),
        processes=processes,
    )
    ready, before = time.monotonic(), cpu_seconds()
    deliver(database, settings, lambda: NOW, progress=lambda _: gone.append(time.monotonic()))
    database.close()
    return Share(ready, gone, cpu_seconds() - before)


def builder_of(url: str) -> Builder:
    room = press_room(Database(url))
    return Builder(room.build, room.load_ahead)


def cpu_seconds() -> float:
    """Of this process and of those it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def usual(port: int, editions: Sequence[Edition]) -> Share:
    make = letters.usual(renderer.environment(jinja2.FileSystemLoader(HERE.parent / "templates")))
    make(editions[0])
    ready, before, gone = time.monotonic(), cpu_seconds(), []
    with smtplib.SMTP("127.0.0.1", port, local_hostname="localhost") as client:
        for edition in editions:
            client.sendmail("digest@papers.example.org", [edition.subscriber.email], make(edition))
            gone.append(time.monotonic())
    return Share(ready, gone, cpu_seconds() - before)


def posting(port: int, messages: list[Message]) -> Share:
    ready, before = time.monotonic(), cpu_seconds()
    post_prebuilt(port, messages)
    return Share(ready, [time.monotonic()] * len(messages), cpu_seconds() - before)


def measured(what: str, work: Callable[..., Share], *given: object) -> Row:
    """In a process of its own, from its first letter on: what starting takes is not counted."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        share = pool.submit(work, *given).result()
    gone = sorted(share.gone)
    began, left = (gone[0], len(gone) - 1) if gone[0] < gone[-1] else (share.ready, len(gone))
    return Row(what, left, left / (gone[-1] - began), share.cpu / len(gone) * 1000)


def measure(number: int, count: int, most: int) -> tuple[str, list[Row]]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="paperlark-digests-") as folder, sink() as (server, port):
        filled = Path(folder) / "filled.db"
        fill(f"sqlite:///{filled}", number, count)

        def copy(name: str) -> str:
            return f"sqlite:///{shutil.copy(filled, Path(folder) / name)}"

        database = Database(copy("sample.db"))
        room, sample = press_room(database), claimed(database, min(number, 1_500))
        editions = [room.edition(leased) for leased in sample]
        messages = [room.build(leased) for leased in sample]
        database.close()
        rows.append(measured("the usual way", usual, port, editions[:60]))
        for processes in sorted({1, most}):
            rows.append(measured(f"ours, {processes} building", ours, port, copy(f"ours{processes}.db"), processes))
        rows.append(measured("posting bytes", posting, port, messages))
        shown = [pick for edition in editions for section in edition.sections for pick in section.picks]
        looks = {(pick.paper.key, matched_words.hits(pick.reasons)) for pick in shown if pick.reasons}
        matched = sum(bool(pick.reasons) for pick in shown)
        size = sum(len(message.data) for message in messages) / len(messages)
    title = (
        f"{number:,} subscribers of {count:,} papers into {server}: {len(shown) / len(editions):.0f} papers and"
        f" {size / 1000:.0f} KB a letter;\nof {matched:,} papers shown in {len(editions):,} letters"
        f" {len(looks) / matched:.0%} have matched words no letter before had in that paper"
    )
    return title, rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=4_000)
    parser.add_argument("--papers", type=int, default=1_000)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    title, rows = measure(options.subscribers, options.papers, options.processes)
    rates = {row.what: row.rate for row in rows}
    ratios = {
        row.what: {
            "of_the_usual_way": round(row.rate / rates["the usual way"], 1),
            "of_posting_bytes": round(row.rate / rates["posting bytes"], 2),
        }
        for row in rows
        if row.what.startswith("ours")
    }
    if options.json:
        print(json.dumps({"title": title, "rows": [asdict(row) for row in rows], "ratios": ratios}, indent=2))
        return
    print(f"{title}\n\n{'':<30}{'letters':>9}{'a second':>10}{'CPU ms each':>13}")
    for row in rows:
        print(f"{row.what:<30}{row.letters:>9,}{row.rate:>10,.0f}{row.cpu_ms:>13.2f}")
    print()
    for what, ratio in ratios.items():
        print(f"{what}: {ratio['of_the_usual_way']}x the usual way, {ratio['of_posting_bytes']:.0%} of posting bytes")


if __name__ == "__main__":
    main()
