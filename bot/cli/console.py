"""How the command line speaks: results on stdout, everything else on stderr; progress bars only for people."""

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from bot.errors import UserError

# No markup and no emoji: what is printed holds titles and messages from outside, "[sic]" and ":fire:" included.
out = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)


class JsonLines(logging.Formatter):
    """One JSON object per line, for collectors of logs."""

    def format(self, record: logging.LogRecord) -> str:
        format_time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry = {
            "time": format_time,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def set_up_logging(*, verbose: bool = False, quiet: bool = False, style: str = "text") -> None:
    """Logs go to stderr. `style`: "text" or "json"."""
    handler: logging.Handler
    if style == "json":
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
    elif sys.stderr.isatty():
        from rich.logging import RichHandler

        handler = RichHandler(console=err, show_path=False, show_time=False)
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    level = logging.DEBUG if verbose else logging.ERROR if quiet else logging.WARNING
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("bot").setLevel(level)


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)


def complain(error: UserError) -> None:
    """What the user must put right, every problem on a line of its own."""
    err.print(error.summary, style="bold red")
    for problem in error.problems:
        err.print("  " + problem.replace("\n", "\n  "))


@contextmanager
def progress_bar(label: str, total: int | None, *, show: bool) -> Iterator[Callable[..., None]]:
    """A bar on a terminal, nothing elsewhere. Yields the function to call for each step done."""
    if not (show and err.is_terminal and total):
        yield lambda *_: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(label, total=total)

        def step(done: object = 1) -> None:
            bar.advance(task, done if isinstance(done, int) else 1)

        yield step


def format_time(value: datetime | None, *, none: str = "never") -> str:
    """A time for people, in UTC to the minute."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if value else none


def plural(number: int, noun: str, more: str = "") -> str:
    """1 paper, 2 papers."""
    return f"{number:,} {noun if number == 1 else more or noun + 's'}"
