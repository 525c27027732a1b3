"""Libraries that subscribers name: files, globs, exports on the web, Zotero's web API. Read here, understood by
`bot.core.taste.bibliography`.

A library on the web is asked for once a day and kept in a row. What cannot be read is a problem in words: what was read
of it before stays, and the others are read all the same.
"""

import glob
import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from bot.core.papers import Paper
from bot.core.source.document import Request, UrlState
from bot.core.source.redact import redacted
from bot.core.taste.bibliography import (
    BEGINNING,
    MAX_BYTES,
    MAX_PROBLEMS,
    Library,
    packages_for,
    read_library,
    read_zotero,
)
from bot.errors import SourceError, UserError
from bot.fetch import Fetcher
from bot.pipeline.parse_process import ParserPool
from bot.store import Database, sources, taste
from bot.store.taste import StoredLibrary

READ_AGAIN = timedelta(days=1)
TRY_AGAIN = timedelta(hours=1)  # after a failure
MOST_FILES = 200  # of a glob
ZOTERO_PAGE = 100  # the most that Zotero's API gives at once
ZOTERO_ITEMS = 1_000  # the newest; a taste is learnt from 120
# https://www.zotero.org/support/dev/web_api/v3/basics
_ZOTERO = re.compile(r"(?:/(?:users|groups)/\d+)(?:/collections/[A-Z0-9]+)?(?:/items)?(?:/top)?/?")

_REFUSED = re.compile(r"\banswered 40[13]\b")


class ReadLibraries(NamedTuple):
    """What several libraries hold together. Two with one `digest` hold the same."""

    papers: tuple[Paper, ...]
    problems: tuple[str, ...]
    digest: str


def is_on_the_web(place: str) -> bool:
    return place.startswith(("http://", "https://"))


def shown(place: str) -> str:
    """A place as it may be told: without login and key."""
    return redacted(place) if is_on_the_web(place) else place


def files_of(place: str, folder: Path) -> list[Path]:
    """The files that a path or glob names; none where there are none."""
    path = str(folder / Path(place).expanduser())
    found = [path] if Path(path).is_file() else sorted(glob.glob(path, recursive=True))  # noqa: PTH207  (absolute)
    return [Path(one) for one in found if Path(one).is_file()][:MOST_FILES]


class Libraries:
    """Reads libraries, each in a process that can be ended, for they hold anything. `folder`: where relative paths
    begin."""

    def __init__(self, database: Database, fetcher: Fetcher, parsers: ParserPool, folder: Path) -> None:
        self._database = database
        self._fetcher = fetcher
        self._parsers = parsers
        self._folder = folder
        self._files: dict[tuple[str, int, int], Library] = {}  # by path, time and size

    def digest(self, places: Sequence[str], now: datetime, *, private: bool) -> str:
        """What tells whether anything has changed, without reading what has not. Libraries on the web are asked for
        where a day has passed."""
        parts = []
        for place in places:
            if is_on_the_web(place):
                parts.append(self._on_the_web(place, now, private=private).digest)
            else:
                parts += [f"{file} {stat.st_mtime_ns} {stat.st_size}" for file, stat in self._stats(place)]
        return _digest(json.dumps([list(places), parts]).encode())

    def read(self, places: Sequence[str], now: datetime, *, private: bool) -> ReadLibraries:
        """All papers of these libraries, those of the first one first. Raises UserError where the packages that read
        them are missing."""
        papers: dict[str, Paper] = {}
        problems: list[str] = []
        for place in places:
            if is_on_the_web(place):
                kept = self._on_the_web(place, now, private=private)
                found = [(shown(place), kept.papers, kept.problems)]
            else:
                found = [(str(file), one.papers, one.problems) for file, one in self._in_files(place)]
                if not found:
                    problems.append(f"{place}: there is no such file")
            for name, of_it, wrong in found:
                problems += [f"{name}: {problem}" for problem in wrong]
                for paper in of_it:
                    papers.setdefault(paper.key, paper)
        return ReadLibraries(tuple(papers.values()), tuple(problems), self.digest(places, now, private=private))

    # -- files -----------------------------------------------------------------------------------------------------

    def _stats(self, place: str) -> Iterator[tuple[Path, os.stat_result]]:
        for file in files_of(place, self._folder):
            try:
                yield file, file.stat()
            except OSError:
                continue

    def _in_files(self, place: str) -> Iterator[tuple[Path, Library]]:
        for file, stat in self._stats(place):
            known = (str(file), stat.st_mtime_ns, stat.st_size)
            if known not in self._files:
                self._files[known] = self._read_file(file)
            yield file, self._files[known]

    def _read_file(self, file: Path) -> Library:
        try:
            with file.open("rb") as stream:
                return self._parse(stream.read(MAX_BYTES + 1))
        except OSError as error:
            return Library(problems=(f"cannot be read: {error.strerror}",))
        except SourceError as error:
            return Library(problems=(str(error),))

    # -- the web ---------------------------------------------------------------------------------------------------

    def _on_the_web(self, place: str, now: datetime, *, private: bool) -> StoredLibrary:
        """A library as it is kept, asked for again when a day has passed. One that cannot be read, or in which no paper
        is found any more, stays as it was, with a problem that says so."""
        name = _digest(place.encode())
        with self._database.read() as tx:
            kept = taste.kept_library(tx, name)
        if kept is not None and now - READ_AGAIN < kept.read_at <= now:
            return kept
        states: tuple[UrlState, ...] = ()
        try:
            if (address := _zotero(place)) is not None:
                read = self._items(*address, kept, now, private=private)
            else:
                request = Request(
                    location=place, accept="application/x-bibtex, application/json, text/plain, */*;q=0.5"
                )
                result = self._fetcher.fetch(request, private=private, scope=f"library {name} " if kept else "")
                if result.documents:
                    body = result.documents[0].body
                    found = self._parse(body)
                    read = StoredLibrary(now, _digest(body), found.papers, found.problems)
                else:  # as it was
                    read = kept._replace(read_at=now) if kept else StoredLibrary(now, "", (), ())
                states = result.url_states if kept else ()
            if not read.papers and read.problems and kept is not None and kept.papers:
                raise SourceError(read.problems[0])
        except SourceError as error:
            before = kept or StoredLibrary(now, "", (), ())
            read = before._replace(read_at=_asked_again(error, now), problems=(_without(place, str(error)),))
            states = ()
        with self._database.write() as tx:
            taste.keep_library(tx, name, read)
            sources.remember_urls(tx, states)
        return read

    def _items(
        self, base: str, key: str, before: StoredLibrary | None, now: datetime, *, private: bool
    ) -> StoredLibrary:
        """The newest items of a Zotero library. Pages are asked for until one brings nothing new, for a server may give
        fewer at once than it is asked for. Where it wants no more questions for now, those read so far come before what
        was known. Raises SourceError."""
        items: set[str] = set()
        pages: list[Library] = []
        content = hashlib.blake2b(digest_size=16)
        read_at, bytes_read = now, 0
        while len(items) < ZOTERO_ITEMS and bytes_read < MAX_BYTES:
            try:
                body = self._page(base, key, len(items), private=private)
            except SourceError as error:
                if not (pages and error.retry_at):
                    raise
                said = f"only its newest {len(items)} items were read: {error}"
                pages.append(Library(before.papers if before else (), (said,)))
                read_at = _asked_again(error, now)
                break
            page = self._parsers.run(read_zotero, body)
            if page.items <= items:
                break
            items |= page.items
            pages.append(page.found)
            content.update(body)
            bytes_read += len(body)
        papers: dict[str, Paper] = {}
        for one in pages:
            for paper in one.papers:
                papers.setdefault(paper.key, paper)
        newest_first = sorted(papers.values(), key=lambda paper: paper.published or date.min, reverse=True)
        problems = tuple(problem for one in pages for problem in one.problems)
        return StoredLibrary(read_at, content.hexdigest(), tuple(newest_first), problems[: MAX_PROBLEMS + 1])

    def _page(self, base: str, key: str, start: int, *, private: bool) -> bytes:
        query = {"format": "json", "sort": "dateAdded", "direction": "desc", "limit": ZOTERO_PAGE}
        request = Request(
            location=f"{base}?{urlencode({**query, 'start': start})}",
            accept="application/json",
            headers=(("Zotero-API-Version", "3"),),
            secret_headers=(("Zotero-API-Key", key),) if key else (),
        )
        try:
            documents = self._fetcher.fetch(request, private=private).documents
        except SourceError as error:
            if not _REFUSED.search(str(error)):
                raise
            why = "check the key in its address, ?key=… (https://www.zotero.org/settings/keys)"
            raise SourceError(f"Zotero does not show this library to us: {why}") from error
        return documents[0].body if documents else b"[]"

    def _parse(self, body: bytes) -> Library:
        """Raises SourceError where reading takes too long or too much; UserError where a package is missing."""
        for package in packages_for(body[:BEGINNING]):
            if find_spec(package) is None:
                why = ["pip install 'paperlark[library]'"]
                raise UserError("Reading a library needs two more packages.", why)
        return self._parsers.run(read_library, body)


def _asked_again(error: SourceError, now: datetime) -> datetime:
    """When a library that could not be read counts as read, so that it is asked for again in an hour, or when its
    server wants us back."""
    wait = max(TRY_AGAIN, error.retry_at - now) if error.retry_at else TRY_AGAIN
    return now - READ_AGAIN + min(wait, READ_AGAIN)


def _zotero(place: str) -> tuple[str, str] | None:
    """The address of the items and the key, of a library in Zotero's web API; None for any other address."""
    parts = urlsplit(place)
    if not _ZOTERO.fullmatch(parts.path):
        return None
    path = parts.path.rstrip("/").removesuffix("/top").removesuffix("/items")
    key = dict(parse_qsl(parts.query)).get("key", "")
    return urlunsplit(parts._replace(path=f"{path}/items/top", query="", fragment="")), key


def _without(place: str, words: str) -> str:
    """What an error says, without the key in an address."""
    for _, value in parse_qsl(urlsplit(place).query):
        words = words.replace(value, "…") if len(value) > 3 else words
    return words


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
