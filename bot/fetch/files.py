"""Documents from the disk: a file or a glob, read under the same caps as the network.
URLs are `fetcher`'s."""

import glob
import hashlib
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

from bot.core.source.document import Document, FetchResult, Request, UrlState
from bot.core.source.redact import one_line
from bot.errors import SourceError
from bot.fetch.errors import in_bytes
from bot.fetch.limits import Limits
from bot.fetch.politeness import PolitenessStore


def read_files(
    request: Request, base: Path, politeness: PolitenessStore, scope: str, now: datetime, limits: Limits
) -> FetchResult:
    """The files `request.location` names, in order of their names; those that are as remembered are left out.

    Raises SourceError for a missing file, a glob without a match, and whatever cannot be read.
    """
    documents, states, count = [], [], 0
    for path in _paths(request.location, base, limits):
        body, status = _content(path, limits)
        count += len(body)
        mark = f"{len(body)}-{status.st_mtime_ns}-{hashlib.blake2b(body, digest_size=16).hexdigest()}"
        state = politeness.url_state(scope + str(path))
        if state is not None and state.etag == mark:
            continue
        saved = datetime.fromtimestamp(status.st_mtime, UTC).date()
        documents.append(Document(request=request, location=str(path), body=body, fetched=now, saved=saved))
        states.append(UrlState(url=scope + str(path), etag=mark))
    return FetchResult(documents=tuple(documents), url_states=tuple(states), bytes_read=count)


def _paths(location: str, base: Path, limits: Limits) -> list[Path]:
    if not location or "\0" in location:
        raise SourceError("no file named: give a file, a glob such as pages/*.txt, or a URL")
    try:
        named = base / Path(location).expanduser()
    except RuntimeError:  # ~nobody
        named = base / location
    try:
        if named.is_dir():
            folder = one_line(location).rstrip("/")
            raise SourceError(f"{folder} is a folder: name its files, for instance {folder}/*.txt")
        if named.exists() or not glob.has_magic(location):
            return [named]
    except OSError as error:
        raise SourceError(f"{one_line(location)} cannot be read: {error.strerror}") from None
    paths = []
    for found in glob.iglob(str(named), recursive=True):  # noqa: PTH207  (Path.glob takes no absolute pattern)
        if Path(found).is_file():
            paths.append(Path(found))
        if len(paths) > limits.files:
            raise SourceError(f"{one_line(location)} matches more than {limits.files} files: make it narrower")
    if not paths:
        raise SourceError(f"{one_line(location)} matches no file (looked from {base.resolve()}): check the pattern")
    return sorted(paths)


def _content(path: Path, limits: Limits) -> tuple[bytes, os.stat_result]:
    shown = one_line(str(path), 300)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise SourceError(f"{shown} is not a regular file")
        with path.open("rb") as file:
            body = file.read(limits.body + 1)
    except FileNotFoundError:
        raise SourceError(f"{shown}: no such file: check the name") from None
    except OSError as error:
        raise SourceError(f"{shown} cannot be read: {error.strerror}") from None
    if len(body) > limits.body:
        raise SourceError(f"{shown} is larger than {in_bytes(limits.body)}, left alone")
    return body, status
