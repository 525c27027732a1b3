"""What doctor finds around the database, the disk, the clock and the outbox."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.mail.checks.findings import Finding
from bot.pipeline.diagnostics import check_up, file_system
from bot.store import Database, mail_pacing, outbox


def at(findings: list[Finding], level: str) -> list[str]:
    return [one.what for one in findings if one.level == level]


@pytest.fixture
def present() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def durable(database_url: str) -> Any:
    database = Database(database_url)
    database.migrate()
    yield database
    database.close()


def test_a_new_database_is_healthy(durable: Database, present: datetime) -> None:
    found = check_up(durable, present)
    assert at(found, "problem") == []
    assert any("every commit on the disk" in what for what in at(found, "fine"))


def test_commits_that_a_power_cut_can_undo(store: Database, present: datetime) -> None:
    assert any("synchronous is 1" in what for what in at(check_up(store, present), "problem"))


def test_a_clock_behind_what_has_been_written(durable: Database, post_on: Any, clock: Any, present: datetime) -> None:
    clock.now = present
    post_on(durable, clock).fill(["ada@example.net"])
    assert at(check_up(durable, present), "problem") == []
    found = at(check_up(durable, present - timedelta(days=3)), "problem")
    assert any("something was written at" in what for what in found)
    assert durable.sqlite or any("the database's clock" in what for what in found)


def test_what_is_held_what_waits_and_what_is_unknown(durable: Database, post_on: Any, clock: Any) -> None:
    clock.now = datetime.now(UTC)
    post = post_on(durable, clock)
    post.fill(["ada@example.net", "bob@example.net"])
    with durable.write() as tx:
        (one,) = outbox.lease(tx, "digest", "w", clock.now, clock.now + timedelta(minutes=30), 1)
        outbox.finish(tx, one.id, "w", "unknown", "", clock.now)
    found = check_up(durable, clock.move(hours=3))
    assert any("an edition waits since" in what for what in at(found, "problem"))
    assert "a message may or may not have arrived" in at(found, "advice")
    with durable.write() as tx:
        mail_pacing.hold(tx, "mail:to:big.example", clock.now, clock.now + timedelta(minutes=15), "5.7.1 no")
    assert any(
        "mail to big.example is paused" in what and "5.7.1 no" in what
        for what in at(check_up(durable, clock.now), "problem")
    )


def test_which_file_system(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "overlay / overlay rw 0 0\nserver:/x /data nfs4 rw 0 0\n/dev/sda1 /data/local ext4 rw 0 0\n"
        "tmpfs /my\\040disk tmpfs rw 0 0\n"
    )
    kinds = [file_system(Path(name), mounts) for name in ("/p.db", "/data/p.db", "/data/local/a/p.db", "/my disk/p.db")]
    assert kinds == ["overlay", "nfs4", "ext4", "tmpfs"]
    assert file_system(Path("/p.db"), tmp_path / "none") == ""


@pytest.mark.skipif(os.name != "posix", reason="other rights there")
def test_a_database_that_everybody_can_read(tmp_path: Path, present: datetime) -> None:
    file = tmp_path / "store.db"
    database = Database(f"sqlite:///{file}")
    database.migrate()
    assert not any("can read" in what for what in at(check_up(database, present), "advice"))
    file.chmod(0o644)
    (found,) = [one for one in check_up(database, present) if "everybody on this machine can read" in one.what]
    database.close()
    assert (found.level, found.fix) == ("advice", f"chmod 600 {file}*")
