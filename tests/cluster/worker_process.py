"""`paperlark run` with small ranges and short waits, to be watched and killed: worker_process.py FILE [HOW]

To FILE goes a line when a range is begun and when it is done or not: "PID begun AFTER", "PID done AFTER",
"PID failed AFTER". HOW is JSON: at the COUNT-th passing of STEP the process sends itself SIGNAL, with CHUNK subscribers
in a range; unless it is QUICK, all waits are the true ones.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bot import cluster, scheduler
from bot.cli import main
from bot.pipeline.compose import compose
from bot.pipeline.deliver.sender import Sender
from bot.store import cursors, database
from bot.store.cursors import Chunk
from tests.pipeline.deliver.sending_process import Trap

how = {"step": "", "count": 0, "signal": "SIGKILL", "chunk": 3, "quick": True}
watched, how = sys.argv[1], how | json.loads(sys.argv[2] if len(sys.argv) > 2 else "{}")

compose.CHUNK = how["chunk"]
if how["quick"]:
    scheduler.COMPOSE_EVERY = scheduler.DELIVER_EVERY = 2
    cluster.HEARTBEAT_EVERY, cluster.DEAD_AFTER, cluster.LOOK_EVERY = 0.5, 4.0, 0.5
    database.SESSION = cluster.SESSION = tuple(statement.replace("'30s'", "'4s'") for statement in database.SESSION)


def note(words: str) -> None:
    with Path(watched).open("a") as file:
        file.write(f"{os.getpid()} {words}\n")


compose_chunk = compose.ChunkComposer.compose_chunk


def noted(self: compose.ChunkComposer, chunk: Chunk) -> compose.ComposeReport:
    note(f"begun {chunk.after}")
    time.sleep(0.3 if how["quick"] else 0.0)
    try:
        report = compose_chunk(self, chunk)
    except Exception:
        note(f"failed {chunk.after}")
        raise
    note(f"done {chunk.after}")
    return report


compose.ChunkComposer.compose_chunk = noted  # type: ignore[method-assign]
if __name__ == "__main__":  # processes that build letters import this file
    trap = Trap(how["step"], how["count"], signal.Signals[how["signal"]])
    trap.lay_all()
    trap.lay(cluster, "plan", after="in plan")
    trap.lay(compose.ChunkComposer, "compose_chunk", before="before a range", after="after a range")
    trap.lay(cursors, "advance", after="in mid-range")
    trap.lay(Sender, "_before_content", before="between RCPT and DATA", after="after the last look")
    sys.argv = ["paperlark", "run"]
    main()
