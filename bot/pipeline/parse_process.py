"""Documents are read in processes that can be ended.

A pattern or a library that loops holds Python's interpreter lock: in our own process nothing else would run, no other
source, no signal handler. So what is large, or read by somebody else's code, is handed to a child process. That may
use `CPU_SECONDS` of computing and `MEMORY` for one document, and is killed after `SECONDS` in any case. What is small
and read by a source of ours stays here: all our patterns are bounded, and starting Python takes longer than reading it.

Children start when they are first needed and end with the pool. This file is both sides: `ParserPool` here, `main` in
the child (`python -m bot.pipeline.parse_process`), with pickles of a known length in between. A child
ignores SIGINT and SIGTERM, which reach whole groups of processes, and ends when its input does.
"""

import gc
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from types import ModuleType, TracebackType
from typing import IO, Any, Self, TypeVar

from bot.core.source.document import Document, Parsed
from bot.errors import SourceError

Answer = TypeVar("Answer")
SMALL = 16 * 1024  # bytes read in our own process
AT_ONCE = min(2, os.cpu_count() or 1)
CPU_SECONDS = 10
SECONDS = 30.0
MEMORY = 1024 * 1024 * 1024  # bytes of address space
LONGEST_WORDS = 500
TOO_MUCH = "reading the answer takes more memory than one document may have: given up"
_LENGTH = struct.Struct(">Q")


def read_document(module: Any, document: Document, settings: Any) -> Parsed:
    """What a document holds. Raises SourceError, also for whatever else a source module may raise."""
    try:
        parsed = module.parse(document, settings)
    except SourceError:
        raise
    except MemoryError:
        raise SourceError(TOO_MUCH) from None
    except Exception as crash:  # a source module of somebody else's may raise anything
        raise source_crashed(crash) from crash
    if not isinstance(parsed, Parsed):
        raise SourceError(f"the source did not return what it should ({type(parsed).__name__})")
    return parsed


def read_by_name(module: str, document: Document, settings: Any) -> Parsed:
    """The same by the module's name, for a child."""
    return read_document(import_module(module), document, settings)


def source_crashed(crash: Exception) -> SourceError:
    return SourceError(f"the source stumbled over an answer ({type(crash).__name__}: {first_line(crash)})")


def first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:LONGEST_WORDS]


class ParserPool:
    """Reads documents for many threads, at most `AT_ONCE` of them in children at a time. A context manager."""

    def __init__(self, *, cpu_seconds: int = CPU_SECONDS, seconds: float = SECONDS) -> None:
        self._limits = cpu_seconds, seconds
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._busy: set[_Child] = set()
        self._killed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all children that are idle."""
        with self._lock:
            while self._idle:
                self._idle.pop().end()

    def kill(self) -> None:
        """End all children, whatever they are doing; the documents they read fail, and no other child starts."""
        with self._lock:
            self._killed = True
            for child in self._busy:
                child.kill()

    def parse(self, module: Any, document: Document, settings: Any) -> Parsed:
        """What a document holds. Raises SourceError, also when reading it takes too long or too much."""
        ours = getattr(module, "__name__", "").startswith("bot.sources.")
        if not isinstance(module, ModuleType) or (ours and len(document.body) <= SMALL):
            return read_document(module, document, settings)
        return self.run(read_by_name, module.__name__, document, settings)

    def run(self, function: Callable[..., Answer], *arguments: Any) -> Answer:
        """What a function of a module answers, in a child. Raises SourceError, also when it takes too long or too much,
        or raises anything else."""
        with self._free:
            child = self._take()
            fit = False
            try:
                answer: Answer = child.run(function, arguments)
                fit = True
                return answer
            except SourceError:
                fit = True
                raise
            except _ChildEnded as ended:
                raise SourceError(str(ended)) from None
            finally:
                self._give_back(child, fit=fit)

    def _take(self) -> "_Child":
        with self._lock:
            if self._killed:
                raise SourceError("not read, for we are being stopped")
            child = self._idle.pop() if self._idle else _Child(*self._limits)
            self._busy.add(child)
            return child

    def _give_back(self, child: "_Child", *, fit: bool) -> None:
        with self._lock:
            self._busy.discard(child)
            if fit and not self._killed:
                self._idle.append(child)
                return
        child.end()


class _ChildEnded(Exception):
    """A child was killed or died over a document; says why."""


class _Child:
    def __init__(self, cpu_seconds: int, seconds: float) -> None:
        self._cpu_seconds, self._seconds = cpu_seconds, seconds
        path = os.pathsep.join(filter(None, sys.path))
        self._process = subprocess.Popen(  # noqa: S603  (this very file)
            [sys.executable, "-m", __name__, str(cpu_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )

    def run(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Raises SourceError if the function does, `_ChildEnded` if the child must not be used again."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        task = pickle.dumps((function, arguments), pickle.HIGHEST_PROTOCOL)
        expired = threading.Event()

        def kill() -> None:
            expired.set()
            self.kill()

        timer = threading.Timer(self._seconds, kill)
        timer.daemon = True
        timer.start()
        try:
            _write(self._process.stdin, task)
            message = _read(self._process.stdout)
        except (OSError, EOFError):
            raise _ChildEnded(self._why(expired.is_set())) from None
        finally:
            timer.cancel()
        answer, failure = pickle.loads(message)  # noqa: S301  (of our own program)
        if failure is not None:
            words, retry_at, gone = failure
            raise SourceError(words, retry_at=retry_at, gone=gone)
        return answer

    def _why(self, expired: bool) -> str:
        """Why the child is gone, in words for `status`."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        ended_by = -(self._process.returncode or 0)
        if expired or ended_by == getattr(signal, "SIGXCPU", None):
            limit = self._seconds if expired else self._cpu_seconds
            return f"reading the answer took longer than {limit:g} s, given up: is the document what it should be?"
        return (
            f"reading the answer ended the process that did it ({_name(ended_by)}): is the document what it should be?"
        )

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> None:
        self.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"exit code {-number}"


def _write(pipe: IO[bytes], message: bytes) -> None:
    pipe.write(_LENGTH.pack(len(message)))
    pipe.write(message)
    pipe.flush()


def _read(pipe: IO[bytes]) -> bytes:
    """One message. Raises EOFError where the other side has ended."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    message: bytes = pipe.read(length)
    if len(message) < length:
        raise EOFError
    return message


# --- In the child -----------------------------------------------------------------------------------------------------


def main() -> None:
    """Read documents from standard input until it ends."""
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    cpu_seconds = int(sys.argv[1])
    tasks = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not come between the messages
    _limit_memory()
    gc.set_threshold(50_000, 20, 50)  # of a document nearly all that is made is in the answer
    while True:
        try:
            task = _read(tasks)
        except EOFError:
            return
        _limit_time(cpu_seconds)
        answer, failure = None, None
        try:
            function, arguments = pickle.loads(task)  # noqa: S301  (of our own program)
            del task
            answer = function(*arguments)
        except SourceError as error:
            failure = (str(error), error.retry_at, error.gone)
        except MemoryError:
            failure = (TOO_MUCH, None, False)
        except Exception as crash:  # noqa: BLE001  (a settings class that cannot be unpickled, say)
            failure = (str(source_crashed(crash)), None, False)
        _write(answers, pickle.dumps((answer, failure), pickle.HIGHEST_PROTOCOL))
        answer = arguments = None


def _limit_memory() -> None:
    with suppress(ImportError, ValueError, OSError):  # Windows has no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time(cpu_seconds: int) -> None:
    """From now on so many seconds of computing; then the system ends the process, whatever it is doing."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used) + 1 + cpu_seconds, hard))


if __name__ == "__main__":
    main()
