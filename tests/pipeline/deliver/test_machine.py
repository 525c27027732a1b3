"""Histories of the whole pipeline with faults: papers appear and gain votes, subscribers edit, pause and leave, relays
refuse, stall and swallow, the process dies between any two steps, the clock jumps. Whatever happens: the books balance
after every step, and each match is told once or visibly accounted for.
"""

import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.core.edition.picks import Picks
from bot.core.papers import Listing
from bot.core.subscriber.subscriber import subscriber_from
from bot.errors import DeliveryError
from bot.mail.message.types import Message
from bot.pipeline.compose.compose import compose
from bot.pipeline.deliver.deliver import DeliverySettings, deliver
from bot.pipeline.subscribers import record_for
from bot.store import Connection, Database, edition_reports, papers, subscribers
from bot.store.outbox import Leased

START = datetime(2026, 10, 23, 6, tzinfo=UTC)  # two days before clocks go back in Europe
WORDS = ("alpha", "beta", "gamma")
HOT = 5  # votes
PEOPLE = {
    "alpha@example.net": {"keywords": ["alpha"]},
    "beta@example.com": {"keywords": ["beta"], "alert": True},
    "hot@example.org": {"query": f"upvotes>={HOT}"},
    "editor@example.edu": {"keywords": ["alpha"]},
}


class Killed(BaseException):
    """The process is dead: whatever it does from now on does not happen."""


class Mortal(Database):
    """A database whose process dies at a given commit, before or after it."""

    dies_in = 0  # commits; 0: never
    is_dead = False

    @contextmanager
    def write(self) -> Iterator[Connection]:
        if self.is_dead:
            raise Killed
        with super().write() as tx:
            yield tx
            if self.dies_in == 1 and self.before:
                self.is_dead = True
                raise Killed
        self.dies_in -= self.dies_in > 0
        if self.dies_in == 0 and self.armed:
            self.is_dead = True
            raise Killed

    @contextmanager
    def read(self) -> Iterator[Connection]:
        if self.is_dead:
            raise Killed
        with super().read() as tx:
            yield tx

    armed = False
    before = False

    def arm(self, commits: int, *, before: bool) -> None:
        self.dies_in, self.before, self.armed = commits, before, commits > 0


class Relay:
    """Takes what it is given, or what fate has in store instead."""

    name = "smtp://relay.example:587"

    def __init__(self, database: Mortal) -> None:
        self.database = database
        self.fates: list[str] = []
        self.accepted: list[Message] = []
        self.in_doubt: set[str] = set()  # Message-IDs that were accepted without our knowing

    def session(self) -> "Relay":
        return self

    def close(self) -> None:
        pass

    def send(self, message: Message, before_data: Callable[[], None] | None = None) -> str:
        if self.database.is_dead:
            raise Killed
        fate = self.fates.pop() if self.fates else "fine"
        if fate == "down":
            raise DeliveryError("cannot connect to the relay: refused", "retry")
        if fate == "later":
            raise DeliveryError("recipient refused: 451 4.2.0 later", "retry", code="4.2.0")
        if fate == "too fast":
            raise DeliveryError("recipient refused: 450 4.2.1 too fast", "retry", code="4.2.1")
        if fate == "ours":
            raise DeliveryError("recipient refused: 550 5.7.1 no", "ours", code="5.7.1")
        if fate == "full":
            raise DeliveryError("recipient refused: 552 5.2.2 full", "refused", code="5.2.2")
        if fate == "die before":
            self.database.is_dead = True
            raise Killed
        if before_data is not None:
            before_data()
        if fate == "die within":
            self.database.is_dead = True
            raise Killed
        if fate == "lost after":
            raise DeliveryError("no answer", "unknown")
        self.accepted.append(message)
        if fate == "die after":
            self.database.is_dead = True
            self.in_doubt.add(message.message_id)
            raise Killed
        if fate == "taken after":
            self.in_doubt.add(message.message_id)
            raise DeliveryError("no answer", "unknown")
        return "250 2.0.0 fine"


TROUBLE = ("fine", "down", "later", "too fast", "ours", "full", "die before", "die within", "die after")
FATES = st.lists(st.sampled_from((*TROUBLE, "die after", "lost after", "taken after")), max_size=5)
DEATHS = st.sampled_from([0, 0, 0, 1, 2, 3, 4, 5])  # commits
FOUND = st.lists(st.tuples(st.sets(st.sampled_from(WORDS), min_size=1), st.integers(0, 9)), min_size=1, max_size=3)


def build(leased: Leased) -> Message:
    return Message(
        sender="b@example.org", recipient=leased.email, message_id=leased.message_id, data=leased.picks.encode()
    )


class History(RuleBasedStateMachine):
    template: ClassVar[Path]  # an empty database with its schema
    policy: ClassVar[str]

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="paperlark-history-"))
        shutil.copy(self.template, self.folder / "p.db")
        self.now = START
        self.latest = START
        self.database = self.connect()
        self.relay = Relay(self.database)
        self.papers: dict[int, tuple[frozenset[str], int]] = {}  # number -> words, votes
        self.born: dict[int, int] = {}  # number -> tick
        self.tick = 0
        self.keywords: dict[str, list[tuple[int, str]]] = {"editor@example.edu": [(0, "alpha")]}
        self.gone: set[str] = set()
        for email in PEOPLE:
            self.edit(email, PEOPLE[email])
        self.record([(0, frozenset(["seed"]), 0)])
        compose(self.database, self.now, self.message_id, force=True)  # everybody's first edition: nothing
        self.collect_papers = 0

    def connect(self) -> Mortal:
        return Mortal(f"sqlite:///{self.folder / 'p.db'}", durable=False)

    def teardown(self) -> None:
        if not hasattr(self, "folder"):
            return
        try:
            self.settle()
            self.check_everything_was_told()
        finally:
            self.database.close()
            shutil.rmtree(self.folder)

    @staticmethod
    def message_id(kind: str, slot: str, subscriber: int) -> str:
        return f"<{kind}.{slot}.{subscriber}@papers.example.org>"

    def record(self, found: list[tuple[int, frozenset[str], int]]) -> None:
        listings = [
            Listing(
                title=f"Paper {number:04d} on {' and '.join(sorted(words))}",
                keys=(f"arxiv:2610.{number:05d}",),
                source="hf",
                upvotes=votes,
            )
            for number, words, votes in found
        ]
        with self.database.record() as tx:
            papers.record(tx, "hf", listings, self.now, first=False)

    def edit(self, email: str, profile: dict[str, Any]) -> None:
        table = {
            "email": email,
            "timezone": "Europe/Berlin",
            "digest": "daily 02:30",  # the hour that comes twice
            "trending": 0,
            "max_papers": 200,
            "alert_every": "1m",
            "alert_limit": 1000,
            "profiles": [{"name": "P", **profile}],
        }
        entry = record_for(subscriber_from(table), self.now)
        with self.database.write() as tx:
            known = subscribers.by_email(tx, email)
            if known is None:
                subscribers.add(tx, [entry], self.now)
            else:
                tx.exec_driver_sql("UPDATE subscriber SET data = ? WHERE email = ?", (_json(table), email))

    # -- what happens ----------------------------------------------------------------------------------------------

    @rule(found=FOUND)
    def feed_grows(self, found: list[tuple[set[str], int]]) -> None:
        self.tick += 1
        fresh = []
        for words, votes in found:
            number = len(self.papers) + 1
            self.papers[number] = (frozenset(words), votes)
            self.born[number] = self.tick
            fresh.append((number, frozenset(words), votes))
        self.record(fresh)

    @rule(found=FOUND, hours=st.sampled_from([0.1, 24, 24, 30]), fates=FATES, dies_in=DEATHS, before=st.booleans())
    def a_round(
        self, found: list[tuple[set[str], int]], hours: float, fates: list[str], dies_in: int, before: bool
    ) -> None:
        """What mostly happens: papers come, and are told."""
        self.feed_grows(found)
        self.time_passes(hours)
        self.compose(0, False)
        self.deliver(fates, dies_in, before)

    @rule(found=FOUND, trouble=st.sampled_from(["down", "later", "ours", "taken after"]), days=st.integers(1, 3))
    def a_bad_time(self, found: list[tuple[set[str], int]], trouble: str, days: int) -> None:
        """Nothing goes for longer than an edition keeps."""
        self.feed_grows(found)
        for _ in range(days):
            self.time_passes(24)
            self.compose(0, False)
            for _ in range(3):
                self.deliver([trouble] * 20, 0, False)
                self.time_passes(3)

    @precondition(lambda self: self.papers)
    @rule(data=st.data(), more=st.integers(1, 6))
    def votes_rise(self, data: st.DataObject, more: int) -> None:
        number = data.draw(st.sampled_from(sorted(self.papers)))
        words, votes = self.papers[number]
        self.papers[number] = (words, votes + more)
        self.record([(number, words, votes + more)])

    @rule(dies_in=DEATHS, before=st.booleans())
    def compose(self, dies_in: int, before: bool) -> None:
        self.perhaps_dying(dies_in, before, lambda: compose(self.database, self.now, self.message_id))

    @rule(fates=FATES, dies_in=DEATHS, before=st.booleans())
    def deliver(self, fates: list[str], dies_in: int, before: bool) -> None:
        self.relay.fates = list(fates)
        self.perhaps_dying(dies_in, before, self.send)
        self.relay.fates = []

    def send(self) -> None:
        sending = DeliverySettings(transport=self.relay, build=build, on_crash=self.policy, connections=1)  # type: ignore[arg-type]
        deliver(self.database, sending, lambda: self.now)

    def perhaps_dying(self, dies_in: int, before: bool, step: Callable[[], object]) -> None:
        self.database.arm(dies_in, before=before)
        accepted = len(self.relay.accepted)
        with suppress(Killed):
            step()
        if self.database.is_dead:  # the fate of the last message may never have been written down
            self.relay.in_doubt.update(message.message_id for message in self.relay.accepted[accepted:][-1:])
            self.database.close()
            self.database = self.relay.database = self.connect()
        self.database.arm(0, before=False)

    @rule(hours=st.sampled_from([0.05, 1, 5, 13, 24, 24, 50]))
    def time_passes(self, hours: float) -> None:
        self.now += timedelta(hours=hours)
        self.latest = max(self.latest, self.now)

    @rule(hours=st.sampled_from([-2, 2, -30]))
    def clock_jumps(self, hours: float) -> None:
        self.now += timedelta(hours=hours)
        self.latest = max(self.latest, self.now)

    @rule(word=st.sampled_from(WORDS))
    def profile_edited(self, word: str) -> None:
        self.tick += 1
        self.keywords["editor@example.edu"].append((self.tick, word))
        self.edit("editor@example.edu", {"keywords": [word]})

    @rule(status=st.sampled_from(["active", "paused"]))
    def editor_pauses_or_comes_back(self, status: str) -> None:
        with self.database.write() as tx:
            known = subscribers.by_email(tx, "editor@example.edu")
            if known and known.status in ("active", "paused"):
                subscribers.set_status(tx, "editor@example.edu", status, "asked", self.now)  # type: ignore[arg-type]

    @rule()
    def alpha_leaves(self) -> None:
        from bot.pipeline import bounce_rules

        with self.database.write() as tx:
            known = subscribers.by_email(tx, "alpha@example.net")
            if known and known.status == "active":
                bounce_rules.end(tx, known, "unsubscribed", "asked", self.now)
        self.gone.add("alpha@example.net")

    # -- what must hold --------------------------------------------------------------------------------------------

    @invariant()
    def the_books_balance(self) -> None:
        if not hasattr(self, "database"):
            return
        with self.database.read() as tx:
            books = edition_reports.accounts(tx)
        assert books["matched"] == sum(number for name, number in books.items() if name != "matched"), books

    @invariant()
    def each_paper_is_told_once(self) -> None:
        if not hasattr(self, "relay"):
            return
        told: dict[tuple[str, int], set[str]] = defaultdict(set)
        copies: Counter[str] = Counter()
        for message in self.relay.accepted:
            copies[message.message_id] += 1
            for paper in Picks.from_json(message.data.decode()).ids:
                told[message.recipient, paper].add(message.message_id)
        for (email, paper), ids in told.items():
            certain = ids - self.relay.in_doubt
            assert len(certain) <= 1, f"{email} was told of {paper} in {sorted(ids)}"
        for message_id, number in copies.items():
            assert number == 1 or (message_id in self.relay.in_doubt and self.policy == "resend"), message_id

    def settle(self) -> None:
        """The relay is well again, the clock is right, everybody comes back from their pause; some days pass."""
        self.now = max(self.now, self.latest)
        with self.database.write() as tx:
            known = subscribers.by_email(tx, "editor@example.edu")
            if known and known.status == "paused":
                subscribers.set_status(tx, "editor@example.edu", "active", "back", self.now)
        for _ in range(12):
            self.now += timedelta(hours=14)
            compose(self.database, self.now, self.message_id)
            self.send()
        self.the_books_balance()
        self.each_paper_is_told_once()

    def check_everything_was_told(self) -> None:
        """Every match was told, or stands in the books as failed, suppressed or unknown; as expired only for those who
        have left, for the next digest tells it to all others."""
        accounted: dict[str, set[int]] = defaultdict(set)
        with self.database.read() as tx:
            assert edition_reports.accounts(tx)["waiting"] == 0
            rows = tx.exec_driver_sql(
                "SELECT s.email, e.state, e.picks, e.folded_into "
                "FROM edition e JOIN subscriber s ON s.id = e.subscriber_id"
            ).all()
            statuses = dict(tx.exec_driver_sql("SELECT email, status FROM subscriber").all())
            numbers = {
                paper_id: int(key.removeprefix("arxiv:2610."))
                for paper_id, key in tx.exec_driver_sql("SELECT id, key FROM paper").all()
            }
        for email, state, text, folded in rows:
            assert state != "expired" or folded is not None or statuses[email] != "active", "expired and forgotten"
            if state != "expired" or statuses[email] != "active":
                accounted[email] |= {numbers[paper] for paper in Picks.from_json(text).ids}
        for email in PEOPLE:
            if statuses[email] != "active":
                continue
            missing = self.expected(email) - accounted[email]
            assert not missing, f"{email} never heard of {sorted(missing)}"
        for message in self.relay.accepted:
            heard = {numbers[paper] for paper in Picks.from_json(message.data.decode()).ids}
            assert heard <= accounted[message.recipient], "told, and not in the books"

    def expected(self, email: str) -> set[int]:
        if email == "hot@example.org":
            return {number for number, (_, votes) in self.papers.items() if votes >= HOT}
        if email == "editor@example.edu":
            return {
                number
                for number, (words, _) in self.papers.items()
                if all(word in words for word in self.keywords_since(self.born[number]))
            }
        word = str(PEOPLE[email]["keywords"][0])
        return {number for number, (words, _) in self.papers.items() if word in words}

    def keywords_since(self, tick: int) -> set[str]:
        """Every keyword of the editor's profile from a tick on."""
        history = self.keywords["editor@example.edu"]
        now = [word for when, word in history if when <= tick][-1]
        return {now, *(word for when, word in history if when > tick)}


def _json(table: dict[str, Any]) -> str:
    import json

    return json.dumps(table, ensure_ascii=False, sort_keys=True)


def run(policy: str, folder: Path) -> None:
    database = Database(f"sqlite:///{folder / 'template.db'}", durable=False)
    database.migrate()
    with database.write() as tx:
        tx.exec_driver_sql("SELECT 1")
    database.close()
    History.template, History.policy = folder / "template.db", policy
    run_state_machine_as_test(
        History,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_every_history_with_resend(tmp_path: Path) -> None:
    run("resend", tmp_path)


def test_every_history_with_skip(tmp_path: Path) -> None:
    run("skip", tmp_path)
