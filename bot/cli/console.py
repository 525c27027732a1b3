"""How the command line speaks: results on stdout, everything else on stderr; progress bars only for people."""

import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TextIO

from bot.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

log = logging.getLogger(__name__)


def print_plain(text: str, stream: TextIO) -> None:
    """A line. Where its reader is gone (`paperlark status | head -1`) it has had enough: the work goes on, and the exit
    code is that of the work. Click would exit with 1, which means that a source or a delivery failed."""
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


class Stream:
    """Standard output or error: with colours where somebody looks at it, which alone needs rich, plain elsewhere."""

    def __init__(self, name: Literal["stdout", "stderr"]) -> None:
        self._name = name

    @property
    def has_colours(self) -> bool:
        return bool(getattr(sys, self._name).isatty() or os.environ.get("FORCE_COLOR"))

    @cached_property
    def console(self) -> "Console":
        from rich.console import Console

        # No markup and no emoji: what is printed holds titles and messages from outside, "[sic]" and ":fire:" included.
        return Console(stderr=self._name == "stderr", highlight=False, soft_wrap=True, markup=False, emoji=False)

    def print(self, text: str, *, style: str = "") -> None:
        if self.has_colours:
            self.console.print(text, style=style or None)
        else:
            print_plain(text, getattr(sys, self._name))


out = Stream("stdout")
err = Stream("stderr")


class JsonLines(logging.Formatter):
    """One JSON object per line, for collectors of logs."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


_json_only = False  # whether stderr holds the log and nothing else


def set_up_logging(
    *, verbose: bool = False, quiet: bool = False, style: Literal["text", "json"] = "text", worker: bool = False
) -> None:
    """Logs go to stderr. With style "json" nothing else does: what is said beside is logged, too. A `worker`, whom
    nobody watches, tells what it does."""
    global _json_only  # noqa: PLW0603
    _json_only = style == "json"
    handler: logging.Handler
    if style == "json":
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
    elif sys.stderr.isatty():
        from rich.logging import RichHandler

        handler = RichHandler(console=err.console, show_path=False, show_time=False)
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    usual = logging.INFO if worker else logging.WARNING
    level = logging.DEBUG if verbose else logging.ERROR if quiet else usual
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("bot").setLevel(level)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # it warns of each wake-up while a step still runs
    logging.captureWarnings(_json_only)
    threading.excepthook = _log_death


def _log_death(death: threading.ExceptHookArgs) -> None:
    if death.exc_value is not None and not isinstance(death.exc_value, SystemExit):
        name = death.thread.name if death.thread else "a thread"
        log.error("%s died", name, exc_info=(death.exc_type, death.exc_value, death.exc_traceback))


def remark(text: str) -> None:
    """Something beside the result, for whoever watches."""
    if _json_only:
        log.info("%s", text)
    else:
        err.print(text)


def print_json(value: Any) -> None:
    print_plain(json.dumps(value, ensure_ascii=False, indent=2, default=_plain), sys.stdout)


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)


def complain(error: UserError) -> None:
    """What the user must put right, every problem on a line of its own."""
    if _json_only:
        log.error("%s", "\n".join((error.summary, *error.problems)))
        return
    err.print(error.summary, style="bold red")
    for problem in error.problems:
        err.print("  " + problem.replace("\n", "\n  "))


@contextmanager
def progress_bar(label: str, total: int | None, *, show: bool) -> Iterator[Callable[..., None]]:
    """A bar on a terminal, nothing elsewhere. Yields the function to call for each step done."""
    if not (show and sys.stderr.isatty() and total) or _json_only:
        yield lambda *_: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err.console, transient=True) as bar:
        task = bar.add_task(label, total=total)

        def step(done: object = 1) -> None:
            bar.advance(task, done if isinstance(done, int) else 1)

        yield step


def format_time(value: datetime | None, *, none: str = "never") -> str:
    """A time for people, in UTC to the minute."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if value else none


def plural(number: int, noun: str) -> str:
    """1 paper, 2 papers."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"
