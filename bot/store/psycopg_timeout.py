"""A PostgreSQL connection whose every wait for an answer has an end."""

import time
from collections.abc import Callable, Generator
from typing import Any

import psycopg


class ConnectionWithTimeout(psycopg.Connection[Any]):
    """Gives up, and closes itself, when the server has said nothing for `seconds()` seconds: whoever asked may use
    another connection. Raises psycopg.OperationalError."""

    _seconds: Callable[[], float]

    @classmethod
    def connect(cls, *arguments: Any, seconds: Callable[[], float], **named: Any) -> "ConnectionWithTimeout":  # type: ignore[override]
        cls._seconds = staticmethod(seconds)
        return super().connect(*arguments, **named)

    def wait(self, gen: Generator[Any, Any, Any], *arguments: Any, **named: Any) -> Any:
        """psycopg asks the generator again at short intervals, whether anything has come or not."""
        return super().wait(self._bounded(gen), *arguments, **named)

    def _bounded(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        seconds = self._seconds()
        deadline = time.monotonic() + seconds
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() > deadline:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"no answer within {seconds:.0f} s; its process may be stopped")
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value
