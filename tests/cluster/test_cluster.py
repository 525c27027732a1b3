"""The steps as jobs that many workers share: real processes on a real PostgreSQL."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from procrastinate.schema import SchemaManager

from bot import cluster
from bot.core.papers import Listing
from bot.errors import UserError
from bot.pipeline.compose.compose import CHUNK, ComposeReport, compose
from bot.pipeline.deliver.claims import LEASE
from bot.scheduler import COMPOSE_EVERY, DELIVER_EVERY, GRACE, WorkerClock
from bot.store import Database, outbox, papers, ticks
from bot.store.database import LONGEST_IDLE, SESSION
from bot.store.tables.subscriber_rows import SUBSCRIBERS
from tests.conftest import new_postgres_database
from tests.people import sync

ROOT = Path(__file__).resolve().parents[2]
SUBSCRIBED = 30
SUBSCRIBER = """
[[subscribers]]
email = "s{number}@example.org"
digest = "daily 07:30"
trending = 0
[[subscribers.profiles]]
name = "Attention"
keywords = ["attention"]
"""


@pytest.fixture
def url(postgres: str) -> str:
    return new_postgres_database(postgres)


@pytest.fixture
def store(url: str) -> Iterator[Database]:
    database = Database(url)
    database.migrate()
    cluster.migrate_queue(database)
    yield database
    database.close()


@pytest.fixture
def place(tmp_path: Path, url: str, store: Database) -> Path:
    """A folder with the configuration of a cluster, and its subscribers in the database, all due."""
    head = f'database = "{url}"\nengine = "procrastinate"\n[mail]\nfrom = "P <p@example.org>"\nurl = "maildir:mail"\n'
    people = "".join(SUBSCRIBER.format(number=number) for number in range(SUBSCRIBED))
    (tmp_path / "config.toml").write_text(head.replace("postgresql+psycopg", "postgresql") + people)
    paperlark(tmp_path, "migrate")
    paperlark(tmp_path, "compose")  # which brings the subscribers into the database
    make_due(store)
    return tmp_path


def make_due(database: Database) -> None:
    now = datetime.now(UTC)
    with database.record() as tx:
        listing = Listing(title="Attention, Once More", keys=("arxiv:2611.00001",), url="https://arxiv.org/abs/2611.1")
        papers.record(tx, "saved", [listing], now - timedelta(hours=1), first=False)
    with database.write() as tx:
        tx.execute(SUBSCRIBERS.update().values(next_due=now - timedelta(minutes=1)))


def paperlark(place: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bot", *words],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class Workers:
    """Worker processes on one database, and what they did."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.watched = place / "watched"
        self.watched.touch()
        self.logs = place / "log"
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        script = Path(__file__).with_name("worker_process.py")
        with self.logs.open("ab") as log:
            self.running.append(
                subprocess.Popen([sys.executable, str(script), str(self.watched)], cwd=self.place, stderr=log)
            )

    def noted(self, what: str) -> list[tuple[int, int]]:
        """(process, range) of every range begun or done, in their order."""
        lines = [line.split() for line in self.watched.read_text().splitlines()]
        return [(int(pid), int(after)) for pid, said, after in lines if said == what]

    def received(self) -> Counter[str]:
        """How many messages each subscriber got."""
        texts = [file.read_text(errors="replace") for file in (self.place / "mail" / "new").glob("*")]
        return Counter(
            line.partition(": ")[2] for text in texts for line in text.splitlines() if line.startswith("Delivered-To: ")
        )

    def until(self, is_so: Callable[[], bool], seconds: float) -> float:
        began = time.monotonic()
        while not is_so():
            assert time.monotonic() - began < seconds, (self.watched.read_text(), self.logs.read_text())
            time.sleep(0.1)
        return time.monotonic() - began

    def end(self) -> None:
        for process in self.running:
            process.kill()
            process.wait(10)


@pytest.fixture
def workers(place: Path) -> Iterator[Workers]:
    started = Workers(place)
    yield started
    started.end()


EVERYBODY = Counter({f"s{number}@example.org": 1 for number in range(SUBSCRIBED)})


@pytest.mark.timeout(120)
def test_two_workers_share_the_ranges_and_each_subscriber_is_told_once(workers: Workers) -> None:
    workers.start()
    workers.start()

    workers.until(lambda: workers.received().total() >= SUBSCRIBED, 60)
    for process in workers.running:
        process.send_signal(signal.SIGTERM)
    stopped = [process.wait(GRACE + 1) for process in workers.running]

    done = workers.noted("done")
    assert workers.received() == EVERYBODY
    assert len(done) == len({after for _, after in done}) == SUBSCRIBED / 3
    assert {pid for pid, _ in done} == {process.pid for process in workers.running}
    assert stopped == [0, 0]
    assert "Traceback" not in workers.logs.read_text()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSTOP])
def test_what_a_worker_had_begun_that_died_or_hangs_is_done_by_another(
    workers: Workers, store: Database, sent: signal.Signals
) -> None:
    with store.write() as blocking:  # the range with this subscriber can be begun, not committed
        blocking.execute(SUBSCRIBERS.select().where(SUBSCRIBERS.c.email == "s29@example.org").with_for_update())
        workers.start()
        workers.start()
        ranges = SUBSCRIBED / 3
        workers.until(lambda: (len(workers.noted("begun")), len(workers.noted("done"))) == (ranges, ranges - 1), 60)
        [(victim, held)] = set(workers.noted("begun")) - set(workers.noted("done"))
        os.kill(victim, sent)

    took = workers.until(lambda: workers.received().total() >= SUBSCRIBED, 60)

    assert took < 60  # a few seconds on a machine of one's own; with the true waits see below
    assert workers.noted("begun")[-1][1] == held
    workers.until(lambda: held in {after for _, after in workers.noted("done")}, 10)
    assert workers.noted("done")[-1][0] != victim
    if sent == signal.SIGSTOP:
        os.kill(victim, signal.SIGCONT)  # and it goes on with what is another's by now, or finds its transaction ended
        workers.until(lambda: (victim, held) in (*workers.noted("done"), *workers.noted("failed")), 20)
    time.sleep(3)  # a tick more: nothing comes twice
    assert workers.received() == EVERYBODY
    assert "Traceback" not in workers.logs.read_text()


def test_a_dead_machines_work_is_taken_within_a_minute() -> None:
    assert cluster.HEARTBEAT_EVERY * 3 < cluster.DEAD_AFTER
    assert cluster.DEAD_AFTER + COMPOSE_EVERY + cluster.LOOK_EVERY < 50
    assert cluster.FINISH_WITHIN < GRACE
    assert LEASE.total_seconds() + DELIVER_EVERY < 60  # several embedded workers, whom nobody rescues
    assert LONGEST_IDLE + COMPOSE_EVERY < 60  # the rows a stopped worker has locked
    assert f"SET idle_in_transaction_session_timeout = '{LONGEST_IDLE}s'" in SESSION


def test_workers_go_by_the_clock_of_the_database(store: Database, caplog: pytest.LogCaptureFixture) -> None:
    ours = WorkerClock(store.server_time)
    assert abs(ours.set_right() - datetime.now(UTC)) < timedelta(seconds=2)
    assert caplog.records == []

    elsewhere = WorkerClock(lambda: store.server_time() + timedelta(minutes=5))  # of a machine that is late
    elsewhere.set_right()
    assert timedelta(minutes=4, seconds=58) < elsewhere() - datetime.now(UTC) < timedelta(minutes=5, seconds=2)
    assert "this machine's is off by -300 s" in caplog.text


def test_verbs_beside_the_workers_go_by_that_clock_too(place: Path, store: Database) -> None:
    """What a machine claims whose own clock is early or late is neither free at once nor claimed for hours."""
    ahead = "import bot.store.database as d\nfrom datetime import timedelta\nasked = d.Database.server_time\n"
    ahead += "d.Database.server_time = lambda self: asked(self) + timedelta(minutes=10)\n"
    done = in_python(ahead + MAIN.format(verb="deliver") + "main()", place)
    with store.read() as tx:
        at = ticks.latest_ticks(tx)["deliver"].at

    assert timedelta(minutes=9) < at - datetime.now(UTC) < timedelta(minutes=11), done.stderr


def a_part(database: Database, **work: Callable[..., object]) -> Any:
    nothing: dict[str, Callable[..., object]] = {
        "due_sources": lambda now: ["hf", "arxiv"],
        "collect_source": lambda name: None,
        "deliver_slice": lambda holder: None,
        "composed": lambda report: None,
    }
    return cluster.Cluster(database, "<{}.{}.{}@x>".format, cluster.Work(**{**nothing, **work}))


def jobs(database: Database) -> list[tuple[str, dict[str, Any]]]:
    with database.read() as tx:
        return [tuple(row) for row in tx.exec_driver_sql("SELECT queue_name, args FROM procrastinate_jobs ORDER BY id")]


def people(database: Database, count: int) -> None:
    from bot.core.subscriber.subscriber import subscriber_from
    from bot.pipeline.subscribers import record_for

    now = datetime.now(UTC)
    tables = [{"email": f"s{number}@example.org", "digest": "daily 07:30"} for number in range(count)]
    with database.write() as tx:
        sync(tx, [record_for(subscriber_from(one), now) for one in tables], now)
    make_due(database)


def test_whoever_plans_each_range_is_asked_for_once(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.pipeline.compose.compose.CHUNK", 4)
    people(store, 22)
    now = datetime.now(UTC)
    parts = [a_part(store) for _ in range(4)]
    barrier = threading.Barrier(4)
    planned: list[int | None] = []

    def plan_at_once(part: Any) -> None:
        barrier.wait()
        planned.append(part.plan(now))

    threads = [threading.Thread(target=plan_at_once, args=[part]) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    planned.append(parts[0].plan(now))

    assert Counter(planned) == {None: 4, 6: 1}
    assert [args["upto"] - args["after"] for _, args in jobs(store)] == [4, 4, 4, 4, 4, 2]
    assert CHUNK == 6_000


def test_each_source_is_asked_for_once_and_sending_once_by_each_worker(store: Database) -> None:
    for part in (a_part(store), a_part(store)):
        for _ in range(2):
            assert part.ask_to_collect(datetime.now(UTC)) == 2
            part.ask_to_deliver()

    asked = sorted((queue, args.get("name", "")) for queue, args in jobs(store))
    assert asked == [("collect", "arxiv"), ("collect", "hf"), ("deliver", ""), ("deliver", "")]


@pytest.mark.timeout(60)
def test_a_job_that_fails_is_asked_for_again(store: Database, caplog: pytest.LogCaptureFixture) -> None:
    people(store, 3)
    tries: list[ComposeReport] = []
    stop = threading.Event()

    def composed(report: ComposeReport) -> None:
        tries.append(report)
        raise UserError("no luck")

    part = a_part(store, composed=composed, collect_source=lambda name: 1 / 0)
    thread = threading.Thread(target=part.run, args=[stop])
    thread.start()
    until = time.monotonic() + 20
    while len(tries) < 1 and time.monotonic() < until:
        part.ask_to_collect(datetime.now(UTC))
        part.plan(datetime.now(UTC))
        time.sleep(0.2)
    while jobs(store) and time.monotonic() < until:
        time.sleep(0.2)
    stop.set()
    thread.join(20)

    assert not thread.is_alive()
    assert tries == [ComposeReport(digests=3)]
    assert jobs(store) == []
    assert {"compose failed; it will be tried again: no luck", "collect failed; it will be tried again"} <= {
        record.message for record in caplog.records
    }


@pytest.mark.timeout(60)
def test_jobs_of_another_version_are_thrown_away_and_stop_nobody(store: Database) -> None:
    """Two versions share the queue while one takes the other's place: what one does not know is asked for again."""
    people(store, 3)
    done: list[ComposeReport] = []
    part = a_part(store, composed=done.append)
    with store.write() as tx:
        tx.exec_driver_sql(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES"
            " ('compose', 'compose_range', '{}'), ('compose', 'compose_chunk', '{\"shard\": 1}'),"
            " ('collect', 'collect', '{}')"
        )
    stop = threading.Event()
    thread = threading.Thread(target=part.run, args=[stop])
    thread.start()
    until = time.monotonic() + 30
    while not done and time.monotonic() < until:
        part.plan(datetime.now(UTC))
        time.sleep(0.2)
    while jobs(store) and time.monotonic() < until:
        time.sleep(0.2)
    stop.set()
    thread.join(20)

    assert done == [ComposeReport(digests=3)]
    assert jobs(store) == []
    with store.read() as tx:  # nothing of finished jobs stays
        left = "SELECT (SELECT count(*) FROM procrastinate_events), (SELECT count(*) FROM procrastinate_workers)"
        assert tuple(tx.exec_driver_sql(left).one()) == (0, 0)


@pytest.mark.timeout(60)
def test_a_range_that_kills_worker_after_worker_is_left_alone_for_an_hour(store: Database) -> None:
    people(store, 3)
    part, now = a_part(store), datetime.now(UTC)
    assert part.plan(now)
    with store.write() as tx:  # begun by a worker there is no more, for the last time
        tx.exec_driver_sql("UPDATE procrastinate_jobs SET status = 'doing', attempts = %s", (cluster.MOST_DEATHS - 1,))
    stop = threading.Event()
    thread = threading.Thread(target=part.run, args=[stop])
    thread.start()
    until, rescued = time.monotonic() + 20, 0
    while not rescued and time.monotonic() < until:
        rescued = part.rescue()
        time.sleep(0.2)
    planned = part.plan(now + timedelta(minutes=1)), jobs(store)
    later = part.plan(now + timedelta(minutes=61)), jobs(store)
    stop.set()
    thread.join(20)

    assert rescued == 1
    assert planned == (0, [])
    assert (later[0], len(later[1])) == (1, 1)


@pytest.mark.parametrize("ended", [True, False])
def test_what_a_job_had_leased_is_due_when_it_is_over_or_dead(store: Database, ended: bool) -> None:
    """A lease bears the name of its job, and ends with it: whoever goes on too late sends nothing."""
    people(store, 3)
    now = datetime.now(UTC)
    compose(store, now, "<{}.{}.{}@x>".format)
    with store.write() as tx:
        tx.exec_driver_sql("INSERT INTO procrastinate_workers DEFAULT VALUES")
        tx.exec_driver_sql(
            "INSERT INTO procrastinate_jobs (id, queue_name, task_name, status, worker_id) VALUES"
            " (12, 'deliver', 'deliver_slice', 'doing', NULL), (13, 'deliver', 'deliver_slice', 'doing', 1)"
        )
        if ended:
            tx.exec_driver_sql("DELETE FROM procrastinate_jobs WHERE id = 12")
        assert len(outbox.lease(tx, "digest", "job:12", now, now + LEASE, 2)) == 2
        assert len(outbox.lease(tx, "digest", "job:13", now, now + LEASE, 2)) == 1  # this one is at work
    part, stop = a_part(store), threading.Event()
    thread = threading.Thread(target=part.run, args=[stop])
    thread.start()
    until, taken = time.monotonic() + 20, 0
    while not taken and time.monotonic() < until:
        part.rescue()
        time.sleep(0.2)
        with store.write() as tx:
            taken = len(outbox.lease(tx, "digest", "job:14", datetime.now(UTC), now + LEASE, 9))
    stop.set()
    thread.join(20)

    assert taken == 2
    with store.read() as tx:
        holders = [[outbox.wanted(tx, one, by).is_ours for one in (1, 2, 3)] for by in ("job:12", "job:13", "job:14")]
    assert [sum(held) for held in holders] == [0, 1, 2]


def test_nobody_is_due_where_there_is_nobody(store: Database) -> None:
    assert a_part(store).plan(datetime.now(UTC)) == 0
    assert jobs(store) == []


@pytest.mark.timeout(60)
@pytest.mark.parametrize("step", ["plan", "rescue"])
def test_rows_that_somebody_keeps_locked_hold_up_the_handing_out_of_work_for_seconds(
    store: Database, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction that is left open at psql, or of a process that stands still: then the tick fails with a line that
    says why, and the next one finds the rows free."""
    monkeypatch.setattr("bot.store.database.PLANNING_WAITS", 1)
    people(store, 3)
    part, now, stop = a_part(store), datetime.now(UTC), threading.Event()
    thread = threading.Thread(target=part.run, args=[stop])
    if step == "rescue":
        compose(store, now, "<{}.{}.{}@x>".format)
        with store.write() as tx:
            outbox.lease(tx, "digest", "job:12", now, now + LEASE, 3)
        thread.start()
        while part._loop is None:
            time.sleep(0.1)
    else:
        with store.write() as tx:  # a pause that is over, for `plan` to end
            tx.execute(SUBSCRIBERS.update().values(status="paused", paused_until=now - timedelta(hours=1)))

    def do() -> None:
        part.rescue() if step == "rescue" else part.plan(now)

    with store.write() as tx:
        tx.exec_driver_sql(f"SELECT id FROM {'edition' if step == 'rescue' else 'subscriber'} FOR UPDATE")
        began = time.monotonic()
        with pytest.raises(UserError, match="locked by another transaction for too long"):
            do()
        assert time.monotonic() - began < 5
    do()
    stop.set()
    if step == "rescue":
        thread.join(20)
        with store.read() as tx:
            assert outbox.due(tx, datetime.now(UTC)) == 3
    else:
        assert len(jobs(store)) == 1


def test_a_range_whose_rows_are_locked_keeps_no_other_from_being_composed(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an engine, where one process walks through all ranges: this one comes again at the next tick."""
    monkeypatch.setattr("bot.store.database.SESSION", ("SET lock_timeout = '1s'",))
    monkeypatch.setattr("bot.pipeline.compose.compose.CHUNK", 4)
    people(store, 12)
    worker, now = Database(store.url), datetime.now(UTC)
    with store.write() as tx:
        tx.exec_driver_sql("SELECT id FROM subscriber WHERE id = 2 FOR UPDATE")
        with pytest.raises(UserError, match="locked by another transaction"):
            compose(worker, now, "<{}.{}.{}@x>".format)
    with store.read() as tx:
        assert outbox.due(tx, now) == 8
    assert compose(worker, now, "<{}.{}.{}@x>".format) == ComposeReport(digests=4)
    worker.close()


def functions(database: Database) -> set[str]:
    with database.read() as tx:
        return set(tx.exec_driver_sql("SELECT proname FROM pg_proc WHERE proname LIKE 'procrastinate%%'").scalars())


def test_the_queue_has_its_tables_made_once(url: str) -> None:
    database = Database(url)
    database.migrate()
    (before, after), again = cluster.migrate_queue(database), cluster.migrate_queue(database)
    database.close()

    assert (before, after > "03.04") == (None, True)
    assert again == (after, after)


@pytest.fixture
def older(postgres: str) -> Iterator[Database]:
    """A database with our tables and those of the queue as an earlier Procrastinate left them."""
    database = Database(new_postgres_database(postgres))
    database.migrate()
    with psycopg.connect(database.url.replace("+psycopg", ""), autocommit=True) as connection:
        for change in sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql")):
            if change.stem > "03.02.00_01":
                break
            connection.execute(change.read_text().encode())
            last = change.stem
        connection.execute(f"COMMENT ON TABLE procrastinate_jobs IS '{last}'".encode())
    yield database
    database.close()


def test_the_queues_tables_are_upgraded_change_by_change(store: Database, older: Database) -> None:
    before, after = cluster.migrate_queue(older)
    found = functions(older)

    assert before < "03.02" < "03.04" < after
    assert found == functions(store)


@pytest.mark.timeout(90)
def test_the_queue_is_upgraded_by_all_at_once_while_workers_use_it(
    older: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they cannot do with the older tables, or in the midst of a change, they do with the new ones."""
    monkeypatch.setattr("bot.pipeline.compose.compose.CHUNK", 4)
    monkeypatch.setattr(cluster, "LOOK_EVERY", 0.3)
    people(older, 40)
    stop, parts, changed = threading.Event(), [a_part(older), a_part(older)], []
    threads = [threading.Thread(target=part.run, args=[stop]) for part in parts]
    threads += [threading.Thread(target=lambda: changed.append(cluster.migrate_queue(older))) for _ in range(3)]
    for thread in threads[:2]:
        thread.start()
    with suppress(Exception):  # by the older tables: it may well not be possible
        parts[0].plan(datetime.now(UTC))
    for thread in threads[2:]:
        thread.start()
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with suppress(Exception):
            parts[0].rescue()
            if parts[0].plan(datetime.now(UTC)) == 0:
                break
        time.sleep(0.3)
    stop.set()
    for thread in threads:
        thread.join(25)

    assert not any(thread.is_alive() for thread in threads)
    assert len({after for _, after in changed}) == 1
    assert len(changed) == 3
    assert jobs(older) == []
    with older.read() as tx:
        assert tx.exec_driver_sql("SELECT count(*), count(DISTINCT subscriber_id) FROM edition").one() == (40, 40)


def test_tables_of_somebody_else_are_left_alone(store: Database) -> None:
    with store.write() as tx:
        tx.exec_driver_sql("COMMENT ON TABLE procrastinate_jobs IS NULL")

    with pytest.raises(UserError, match="not of this program's making"):
        cluster.migrate_queue(store)


def in_python(words: str, place: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", words],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


MAIN = "import sys; sys.argv = ['paperlark', {verb!r}]\nfrom bot.cli import main\n"


def test_embedded_imports_nothing_of_the_engine(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[mail]\nfrom = "p@example.org"\n' + SUBSCRIBER.format(number=1))
    look = "try:\n    main()\nexcept SystemExit as end:\n    print(end.code)\n"
    look += "print(sorted({'procrastinate', 'bot.cluster', 'psycopg'} & sys.modules.keys()))"
    done = in_python(MAIN.format(verb="once") + look, tmp_path)

    assert done.stdout.splitlines()[-2:] == ["0", "[]"], done.stdout + done.stderr


def test_without_its_extra_it_says_what_to_install(place: Path) -> None:
    done = in_python("import sys; sys.modules['procrastinate'] = None\n" + MAIN.format(verb="run") + "main()", place)

    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "pip install 'paperlark[cluster]'" in done.stderr


def test_sqlite_is_refused_with_the_reason_and_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('engine = "procrastinate"\n')
    done = in_python(MAIN.format(verb="run") + "main()", tmp_path)

    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "line 1" in done.stderr
    assert "postgresql://" in done.stderr
