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
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from bot.core.papers import Paper
from bot.core.source.document import Request, UrlState
from bot.core.source.redact import redacted
from bot.core.taste.bibliography import MAX_BYTES, Library, read_library
from bot.errors import SourceError, UserError
from bot.fetch import Fetcher
from bot.store import Database, sources, taste
from bot.store.taste import StoredLibrary

READ_AGAIN = timedelta(days=1)
TRY_AGAIN = timedelta(hours=1)  # after a failure
MOST_FILES = 200  # of a glob
ZOTERO_PAGE = 100  # the most that Zotero's API gives at once
ZOTERO_ITEMS = 1_000  # the newest; a taste is learnt from 120
# https://www.zotero.org/support/dev/web_api/v3/basics
_ZOTERO = re.compile(r"(?:/(?:users|groups)/\d+)(?:/collections/[A-Z0-9]+)?(?:/items)?(?:/top)?/?")


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
    """Reads libraries. `folder`: where relative paths begin."""

    def __init__(self, database: Database, fetcher: Fetcher, folder: Path) -> None:
        self._database = database
        self._fetcher = fetcher
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
                self._files[known] = _file(file)
            yield file, self._files[known]

    # -- the web ---------------------------------------------------------------------------------------------------

    def _on_the_web(self, place: str, now: datetime, *, private: bool) -> StoredLibrary:
        """A library as it is kept, asked for again when a day has passed."""
        name = _digest(place.encode())
        with self._database.read() as tx:
            kept = taste.kept_library(tx, name)
        if kept is not None and now - READ_AGAIN < kept.read_at <= now:
            return kept
        states: tuple[UrlState, ...] = ()
        try:
            if (address := _zotero(place)) is not None:
                body: bytes | None = self._items(*address, private=private)
            else:
                request = Request(
                    location=place, accept="application/x-bibtex, application/json, text/plain, */*;q=0.5"
                )
                result = self._fetcher.fetch(request, private=private, scope=f"library {name} " if kept else "")
                states = result.url_states if kept else ()
                body = result.documents[0].body if result.documents else None
        except SourceError as error:
            said = _without(place, str(error))
            before = kept.papers if kept else ()
            old = StoredLibrary(now - READ_AGAIN + TRY_AGAIN, kept.digest if kept else "", before, (said,))
            return self._keep(name, old, states)
        if body is None and kept is not None:  # as it was
            return self._keep(name, StoredLibrary(now, kept.digest, kept.papers, kept.problems), states)
        found = _read(body or b"")
        return self._keep(name, StoredLibrary(now, _digest(body or b""), found.papers, found.problems), states)

    def _keep(self, name: str, read: StoredLibrary, states: Sequence[UrlState]) -> StoredLibrary:
        with self._database.write() as tx:
            taste.keep_library(tx, name, read)
            sources.remember_urls(tx, states)
        return read

    def _items(self, base: str, key: str, *, private: bool) -> bytes:
        """The newest items of a Zotero library as one JSON list. Pages are asked for until one brings nothing new, for
        a server may give fewer at once than it is asked for. Raises SourceError."""
        items: dict[str, object] = {}
        secret = (("Zotero-API-Key", key),) if key else ()
        while len(items) < ZOTERO_ITEMS:
            query = {"format": "json", "sort": "dateAdded", "direction": "desc", "limit": ZOTERO_PAGE}
            request = Request(
                location=f"{base}?{urlencode({**query, 'start': len(items)})}",
                accept="application/json",
                headers=(("Zotero-API-Version", "3"),),
                secret_headers=secret,
            )
            documents = self._fetcher.fetch(request, private=private).documents
            try:
                page = json.loads(documents[0].body) if documents else []
            except (ValueError, RecursionError):
                raise SourceError("Zotero's answer is no JSON: is this the address of its web API?") from None
            before = len(items)
            for item in page if isinstance(page, list) else []:
                items.setdefault(str(item.get("key")) if isinstance(item, dict) else str(item), item)
            if len(items) == before:
                break
        return json.dumps(list(items.values())).encode()


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


def _file(file: Path) -> Library:
    try:
        with file.open("rb") as stream:
            return _read(stream.read(MAX_BYTES + 1))
    except OSError as error:
        return Library(problems=(f"cannot be read: {error.strerror}",))


def _read(body: bytes) -> Library:
    try:
        return read_library(body)
    except ModuleNotFoundError as error:
        raise UserError("Reading a library needs two more packages.", ["pip install 'paperlark[library]'"]) from error


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
