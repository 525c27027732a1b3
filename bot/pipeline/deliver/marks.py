"""One thread writes for all sending threads of a run: whatever they have to note at the same time is one transaction.

On a disk a commit takes as long as several messages, and SQLite lets one writer in at a time. A sending thread goes on
to prepare its next message meanwhile, but begins no next content before its own mark is on the disk.

What is known is kept: a message that a relay has taken is marked as soon as the database answers, however long that
takes (at most `LONGEST_WAIT`, or `STOPPING` after we were told to stop).
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Any, TypeVar

from bot.errors import UserError
from bot.store import Connection, Database
from bot.store.database import answers_within

log = logging.getLogger(__name__)

T = TypeVar("T")

LONGEST_WAIT = 600.0  # seconds for a database that does not answer, while marks of sent messages wait
ANSWER = 20.0  # seconds that we wait for one answer of the database
STOPPING = 23.0  # seconds after a stop: platforms kill 30 s after SIGTERM, the worker gives up after 25
AGAIN = 0.5  # seconds between two tries
BEAT = 10.0  # seconds between two renewals of our leases


class Note:
    """Something to write. Its work may be done more than once, in transactions that fail, so it changes rows alone."""

    __slots__ = ("future", "is_fate", "work")

    def __init__(self, work: Callable[[Connection], Any], *, is_fate: bool) -> None:
        self.work = work
        self.is_fate = is_fate  # of a message that has left
        self.future: Future[Any] = Future()


class MarkWriter:
    """A context: its thread ends with it, after everything is written."""

    def __init__(self, database: Database, renew: Callable[[Connection], object], stop: threading.Event) -> None:
        """`renew` is done every ten seconds: it says in the database that we are alive."""
        self._database = database
        self._renew = renew
        self._stop = stop
        self._notes: list[Note] = []
        self._ready = threading.Condition()
        self._is_closing = False
        self._stopped_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="deliver-marks", daemon=True)

    def __enter__(self) -> "MarkWriter":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._ready:
            self._is_closing = True
            self._ready.notify()
        self._thread.join()

    def submit(self, work: Callable[[Connection], T], *, is_fate: bool = False) -> "Future[T]":
        """Do this in the next transaction. The future is done when that is durable."""
        note = Note(work, is_fate=is_fate)
        with self._ready:
            self._notes.append(note)
            self._ready.notify()
        return note.future

    def write(self, work: Callable[[Connection], T]) -> T:
        """The same, waited for. Raises what the work raises, and UserError where the database does not answer."""
        return self.submit(work).result()

    def _run(self) -> None:
        with answers_within(ANSWER):
            self._write_until_closed()

    def _write_until_closed(self) -> None:
        next_beat = time.monotonic() + BEAT
        while True:
            with self._ready:
                self._ready.wait_for(
                    lambda: self._notes or self._is_closing, timeout=max(0.0, next_beat - time.monotonic())
                )
                notes, self._notes = self._notes, []
                if not notes and self._is_closing:
                    return
            if time.monotonic() >= next_beat:
                next_beat = time.monotonic() + BEAT
                notes.append(Note(self._renew, is_fate=False))
            if notes:
                self._write(notes)

    def _write(self, notes: list[Note]) -> None:
        """One transaction for all of them."""
        try:
            results = self._committed(notes)
        except UserError as error:  # the database does not answer
            for note in notes:
                note.future.set_exception(error)
        except BaseException as error:  # noqa: BLE001 - whatever it was, it belongs to whom it happened to
            if len(notes) == 1:
                notes[0].future.set_exception(error)
                return
            for note in notes:  # one of them is at fault; the others are written each by itself
                self._write([note])
        else:
            for note, result in zip(notes, results, strict=True):
                note.future.set_result(result)

    def _committed(self, notes: list[Note]) -> list[Any]:
        """What each has returned, once that is durable. Where the database does not answer it is asked again at once,
        on another connection; then, if a message's fate is among the notes, for as long as that is worth waiting for.
        Raises UserError, and what the work raises."""
        began, tries = time.monotonic(), 0
        fates = sum(note.is_fate for note in notes)
        while True:
            tries += 1
            try:
                with self._database.write() as tx:
                    return [note.work(tx) for note in notes]
            except UserError as error:
                if tries == 1:
                    continue
                if not fates:
                    raise
                if self._has_waited_enough(began):
                    log.error("%d sent messages could not be written down, and may be sent again: %s", fates, error)
                    raise
                if tries == 2:
                    log.warning("waiting for the database, to write down what was sent: %s", error.summary)
                time.sleep(AGAIN)

    def _has_waited_enough(self, began: float) -> bool:
        now = time.monotonic()
        if self._stopped_at is None and self._stop.is_set():
            self._stopped_at = now
        return now - began > LONGEST_WAIT or (self._stopped_at is not None and now - self._stopped_at > STOPPING)
