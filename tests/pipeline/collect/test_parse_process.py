"""Documents that hold the interpreter: their process is ended, their source fails with words, nobody else notices."""

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bot.core.source.document import Document, Request
from bot.errors import SourceError
from bot.pipeline import parse_process
from bot.pipeline.parse_process import ParserPool
from bot.sources import feed

# A source as somebody else might write it. Its pattern takes for ever on a long line, and Python's `re` lets nothing
# else run meanwhile: neither a thread nor a signal handler.
EVIL = """
import os, re, sys, time
from dataclasses import dataclass
from bot.core.papers import Listing
from bot.core.source.document import Parsed, Request
from bot.errors import SourceError

@dataclass(frozen=True)
class Settings:
    url: str = ""

def requests(settings, progress, now):
    return [Request(location=settings.url)]

def quiet(settings, now):
    return ""

def parse(document, settings):
    word, _, rest = document.body.decode().partition(" ")
    print("noise on standard output", flush=True)
    if word == "hang":
        re.fullmatch(r"(a+)+b", rest)
    if word == "sleep":
        time.sleep(60)
    if word == "hoard":
        hoard = [bytearray(2**26) for _ in range(64)]
    if word == "die":
        os._exit(3)
    if word == "exit":
        sys.exit(3)
    if word == "stumble":
        raise ZeroDivisionError("by\\nzero")
    if word == "refuse":
        raise SourceError("this is no list", gone=True)
    if word == "nonsense":
        return 5
    return Parsed(listings=(Listing(title=f"{rest} read by {os.getpid()}"),))
"""


SECONDS = 20  # for a second of computing on a machine that has others to do, too


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a source of its own, installed as far as Python can tell."""
    (tmp_path / "evil_source.py").write_text(EVIL)
    about = tmp_path / "evil_source-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: evil-source\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[paperlark.sources]\nevil = evil_source\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.fixture
def evil(folder: Path) -> Iterator[Any]:
    yield importlib.import_module("evil_source")
    sys.modules.pop("evil_source", None)


@pytest.fixture
def pool() -> Iterator[ParserPool]:
    with ParserPool(cpu_seconds=1, seconds=SECONDS) as parsers:
        yield parsers


def document(body: bytes) -> Document:
    return Document(request=Request(location="x"), location="x", body=body, fetched=datetime(2026, 11, 17, tzinfo=UTC))


def reader(pool: ParserPool, evil: ModuleType, body: bytes = b"fine x") -> int:
    """The process that reads a document."""
    (listing,) = pool.parse(evil, document(body), evil.Settings()).listings
    return int(listing.title.rpartition(" ")[2])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"hang " + b"a" * 64, "took longer than 1 s, given up"),
        (b"hoard", "more memory than one document may have"),
        (b"die", "ended the process that did it (exit code 3)"),
        (b"exit", "ended the process that did it (exit code 3)"),
        (b"stumble", "stumbled over an answer (ZeroDivisionError: by zero)"),
        (b"refuse", "this is no list"),
        (b"nonsense", "did not return what it should (int)"),
    ],
)
def test_what_goes_wrong_is_told_and_the_next_document_is_read(
    pool: ParserPool, evil: Any, body: bytes, words: str
) -> None:
    began = time.monotonic()
    with pytest.raises(SourceError) as failure:
        pool.parse(evil, document(body), evil.Settings())
    assert words in str(failure.value)
    assert failure.value.gone == (body == b"refuse")
    assert time.monotonic() - began < SECONDS
    assert reader(pool, evil) != os.getpid()


def test_a_document_that_waits_is_given_up_too(evil: Any) -> None:
    with ParserPool(seconds=1) as pool, pytest.raises(SourceError, match="took longer than 1 s, given up"):
        pool.parse(evil, document(b"sleep"), evil.Settings())


def test_a_process_reads_many_documents_and_ends_with_the_pool(evil: Any) -> None:
    with ParserPool() as pool:
        child = reader(pool, evil)
        assert {reader(pool, evil, b"fine " + b"x" * 5_000_000) for _ in range(3)} == {child}
        os.kill(child, signal.SIGTERM)  # as systemd sends it to all processes of a unit
        os.kill(child, signal.SIGINT)
        assert reader(pool, evil) == child
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_only_small_documents_of_our_own_sources_are_read_here(monkeypatch: pytest.MonkeyPatch, evil: Any) -> None:
    def no_process(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(parse_process.subprocess, "Popen", no_process)
    small = b"<rss version='2.0'><channel><title>Lab</title><item><title>A lattice</title></item></channel></rss>"
    settings = feed.Settings(url="https://lab.example/")
    with ParserPool() as pool:
        assert len(pool.parse(feed, document(small), settings).listings) == 1
        for module, body in ((feed, small + b" " * parse_process.SMALL), (evil, b"fine x")):
            with pytest.raises(AssertionError, match="a process was started"):
                pool.parse(module, document(body), settings)


def test_only_the_source_that_hangs_suffers(place: Any, evil: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.pipeline.collect.collect.ParserPool", lambda: ParserPool(cpu_seconds=1, seconds=SECONDS))
    place.web.pages["/hang"] = lambda asked: b"hang " + b"a" * 64
    place.web.pages["/fine"] = lambda asked: b"fine x"
    for name in ("hang", "fine"):
        place.add(name, evil, evil.Settings(place.web.url(f"/{name}")))
    report = place.collect()
    assert (report["fine"].state, report["fine"].new) == ("fresh", 1)
    assert report["hang"].state == "failing"
    assert "took longer than 1 s" in report["hang"].error


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM there")
def test_the_worker_obeys_sigterm_while_a_document_hangs(folder: Path, web: Any) -> None:
    web.pages["/hang"] = lambda asked: b"hang " + b"a" * 64
    (folder / "config.toml").write_text(
        f'database = "sqlite:///{folder / "p.db"}"\n[mail]\nfrom = "bot@example.org"\nurl = "outbox:{folder}/out"\n'
        f'[[sources]]\nname = "evil"\ntype = "evil"\nurl = "{web.url("/hang")}"\nprivate = true\n'
    )
    root = str(Path(__file__).resolve().parents[3])
    worker = subprocess.Popen(
        [sys.executable, "-m", "bot", "--config", str(folder / "config.toml"), "run"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), root))},
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 30
        while not web.asked and time.monotonic() < until:
            time.sleep(0.1)
        assert web.asked
        time.sleep(2)  # now its child is in the pattern
        began = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(40) == 0
        assert time.monotonic() - began < 20
    finally:
        worker.kill()
        worker.wait()
