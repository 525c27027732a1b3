"""What is wrong around the database, the clock and the outbox, each with the way to put it right. The relay and the DNS
are looked at in `bot.mail`."""

import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path

from bot.mail.checks.findings import Finding, advice, fine, problem
from bot.pipeline.deliver.pacing import CHANNEL, PREFIX
from bot.store import Database, edition_reports, mail_pacing
from bot.store.diagnostics import Facts, look

NETWORKED = (
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "ceph",
    "glusterfs",
    "lustre",
    "fuse.sshfs",
    "fuse.s3fs",
    "afs",
)
VANISHING = {"tmpfs": "in memory", "ramfs": "in memory", "overlay": "in a container's own layer"}
LITTLE, VERY_LITTLE = 1_000_000_000, 100_000_000  # bytes free
SLOW_COMMIT = 0.05  # seconds: twenty messages a second at most
OFF = timedelta(minutes=2)  # between two clocks
OVERDUE = timedelta(hours=2)


def check_up(database: Database, now: datetime) -> list[Finding]:
    """Findings on the database, its disk, the clock and what waits to be sent."""
    facts = look(database)
    return [
        *(_sqlite(facts, facts.file) if facts.file else _postgresql(facts)),
        *_speed(facts),
        *_clock(facts, now),
        *_outbox(database, facts, now),
    ]


def _sqlite(facts: Facts, file: Path) -> list[Finding]:
    found = []
    if facts.damage:
        found.append(
            problem(
                f"the database is damaged: {facts.damage}",
                "restore it from a backup; `sqlite3 FILE .recover` saves what it can",
            )
        )
    mode, level = facts.settings["journal_mode"], facts.settings["synchronous"]
    if mode != "wal":
        found.append(
            problem(
                f"the journal mode is {mode}, not WAL: readers and the writer block each other",
                "put the database on a local disk",
            )
        )
    elif level not in ("2", "3"):  # FULL, EXTRA
        found.append(
            problem(
                f"synchronous is {level}: a power cut may undo what was sent already, and send it again",
                "remove whatever sets it",
            )
        )
    else:
        found.append(fine(f"{file}: SQLite {facts.version}, WAL, every commit on the disk"))
    return [*found, *_disk(file), *_others(file), *_rights(file)]


def _rights(file: Path) -> list[Finding]:
    """New databases are made for their owner alone; an older one may be open to everybody."""
    if os.name != "posix" or not file.exists() or not file.stat().st_mode & 0o004:
        return []
    return [
        advice(
            f"everybody on this machine can read {file}: addresses, and what links are made of", f"chmod 600 {file}*"
        )
    ]


def _disk(file: Path) -> list[Finding]:
    found = []
    kind = file_system(file)
    if kind in NETWORKED:
        found.append(
            problem(
                f"the database is on a network file system ({kind}): SQLite's locks do not hold there",
                "move it to a local disk, or use PostgreSQL",
            )
        )
    elif kind in VANISHING:
        found.append(
            advice(
                f"the database is {VANISHING[kind]} ({kind}): it goes when that goes",
                "put it on a volume, or use PostgreSQL",
            )
        )
    free = shutil.disk_usage(file.parent).free
    said = f"{free / 1e9:.1f} GB free where the database is"
    if free < VERY_LITTLE:
        found.append(problem(said, "make room: a full disk stops everything"))
    elif free < LITTLE:
        found.append(advice(said, "make room before it is full"))
    else:
        found.append(fine(said))
    if not os.access(file.parent, os.W_OK):
        found.append(
            problem(
                f"{file.parent} cannot be written to: SQLite needs two files beside the database",
                "let this user write to the folder",
            )
        )
    return found


def file_system(file: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """The kind of file system a file is on; "" where the system does not say."""
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return ""
    best, kind = -1, ""
    for line in lines:
        _, place, this, *_ = line.split(" ")
        folder = Path(place.replace("\\040", " "))
        if (folder == file or folder in file.parents) and len(folder.parts) >= best:
            best, kind = len(folder.parts), this
    return kind


def _others(file: Path) -> list[Finding]:
    """Other processes that have the database open, as far as we may see."""
    others = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.parts[2] != str(os.getpid()) and link.readlink() == file:
                others.add(link.parts[2])
        except OSError:
            continue
    if len(others) > 2:  # a worker and a web process are as it should be
        return [
            advice(
                f"{len(others)} other processes have the database open",
                "one worker is enough on SQLite: more only wait for one another",
            )
        ]
    return []


def _postgresql(facts: Facts) -> list[Finding]:
    found = []
    for name, right, why in (
        ("fsync", "on", "a power cut may destroy the database"),
        ("full_page_writes", "on", "a power cut may destroy the database"),
        ("synchronous_commit", "on", "a crash of the server may undo what was sent already, and send it again"),
        ("server_encoding", "UTF8", "titles will not fit"),
    ):
        if facts.settings[name] not in (right, "remote_apply", "remote_write"):
            found.append(problem(f"{name} is {facts.settings[name]}: {why}", f"set it to {right}"))
    return found or [fine(f"PostgreSQL {facts.version}, every commit on the disk")]


def _speed(facts: Facts) -> list[Finding]:
    said = f"a commit takes {facts.commit_seconds * 1000:.1f} ms"
    if facts.commit_seconds > SLOW_COMMIT:
        return [
            advice(
                f"{said}: at most {1 / facts.commit_seconds:.0f} messages a second",
                "is the disk a network disk, or very busy?",
            )
        ]
    return [fine(said)]


def _clock(facts: Facts, now: datetime) -> list[Finding]:
    found = []
    if facts.newest and facts.newest > now + OFF:
        found.append(
            problem(
                f"the clock says {now:%Y-%m-%d %H:%M} UTC, but something was written at {facts.newest:%Y-%m-%d %H:%M}",
                "set the clock (NTP); what a clock that ran ahead has put off is taken up again by itself",
            )
        )
    if facts.server_clock and abs(facts.server_clock - now) > OFF:
        found.append(
            problem(
                f"the database's clock says {facts.server_clock:%Y-%m-%d %H:%M:%S} UTC, ours {now:%H:%M:%S}",
                "run NTP on both machines",
            )
        )
    return found or [fine(f"the clock says {now:%Y-%m-%d %H:%M} UTC, and nothing contradicts it")]


def _outbox(database: Database, facts: Facts, now: datetime) -> list[Finding]:
    found = []
    with database.read() as tx:
        held = mail_pacing.held(tx, now, PREFIX)
        left_alone = mail_pacing.held(tx, now, CHANNEL)
        unknown = edition_reports.unknown(tx)
    for limit in held:
        name = limit.name.removeprefix(PREFIX)
        who = f"mail to {name.removeprefix('to:')}" if name.startswith("to:") else f"sending by {name}"
        found.append(
            problem(
                f"{who} is paused until {limit.held_until:%H:%M} UTC: {limit.reason}",
                "put right what its words say; it is tried again by itself",
            )
        )
    for limit in left_alone:
        found.append(
            advice(
                f"a channel is left alone until {limit.held_until:%H:%M} UTC: {limit.reason}",
                "it is tried again by itself; mail and other channels go on (docs/channels.md)",
            )
        )
    if facts.oldest_waiting and now - facts.oldest_waiting > OVERDUE and not held:
        found.append(
            problem(
                f"an edition waits since {facts.oldest_waiting:%Y-%m-%d %H:%M} UTC",
                "does the worker run? `paperlark status` shows what the relay said",
            )
        )
    if unknown:
        count = "a message" if len(unknown) == 1 else f"{len(unknown)} messages"
        found.append(advice(f"{count} may or may not have arrived", "`paperlark status` lists them"))
    return found or [fine("nothing in the outbox is overdue")]
