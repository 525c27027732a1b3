"""`paperlark run` with small ranges and short waits, to be watched and killed: worker_process.py FILE

To FILE goes a line when a range is begun and when it is done or not: "PID begun AFTER", "PID done AFTER",
"PID failed AFTER".
"""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bot import cluster, scheduler
from bot.cli import main
from bot.pipeline.compose import compose
from bot.store import database
from bot.store.cursors import Chunk

compose.CHUNK = 3
scheduler.COMPOSE_EVERY = scheduler.DELIVER_EVERY = 2
cluster.HEARTBEAT_EVERY, cluster.DEAD_AFTER, cluster.LOOK_EVERY = 0.5, 4.0, 0.5
database.SESSION = tuple(statement.replace("'30s'", "'4s'") for statement in database.SESSION)
compose_chunk = compose.ChunkComposer.compose_chunk
watched = sys.argv[1]


def note(words: str) -> None:
    with Path(watched).open("a") as file:
        file.write(f"{os.getpid()} {words}\n")


def noted(self: compose.ChunkComposer, chunk: Chunk) -> compose.ComposeReport:
    note(f"begun {chunk.after}")
    time.sleep(0.3)
    try:
        report = compose_chunk(self, chunk)
    except Exception:
        note(f"failed {chunk.after}")
        raise
    note(f"done {chunk.after}")
    return report


compose.ChunkComposer.compose_chunk = noted  # type: ignore[method-assign]
sys.argv = ["paperlark", "run"]
main()
