"""What the sections of the configuration share: where the file stands, addresses, files and folders."""

import glob
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, ValidationInfo

from bot.core.subscriber.validation import Problem, as_in_file


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a configuration is read in, handed to every validator as pydantic's context."""

    folder: Path = Path()  # of the file: relative paths in it begin here
    environ: Mapping[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)  # what works, but hardly as meant, is added here


def surroundings(info: ValidationInfo) -> Surroundings:
    """The surroundings a validator was called in."""
    return info.context if isinstance(info.context, Surroundings) else Surroundings()


def optional(check: Callable[[str], str]) -> AfterValidator:
    """What `check` makes of a text, if there is one; its ValueError is a problem of the key."""
    return AfterValidator(lambda text: check(text) if text else "")


def existing(test: Callable[[Path], bool], kind: str) -> AfterValidator:
    """A file or folder that must be there, made absolute; "" if none is named."""

    def place(text: str, info: ValidationInfo) -> str:
        if not text:
            return ""
        there = surroundings(info).folder / text
        if not test(there):
            raise ValueError(f"there is no {kind} {there}")
        return str(there)

    return AfterValidator(place)


def is_there(place: str, folder: Path) -> bool:
    """Whether a path names a file, or a glob at least one."""
    path = str(folder / Path(place).expanduser())
    return Path(path).is_file() or any(Path(one).is_file() for one in glob.iglob(path, recursive=True))  # noqa: PTH207


def absolute(url: str, folder: Path) -> str:
    """An address of mail, with the folder it may name made absolute."""
    scheme, colon, rest = url.partition(":")
    return f"{scheme}:{folder / rest}" if scheme in ("outbox", "maildir") and colon and rest else url


def checked_web_address(text: str) -> str:
    """An http(s) address without a slash at its end. Raises ValueError."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or not re.fullmatch(r"[^\s<>\",]+", text):
        raise ValueError(f"{text[:80]!r} is no address such as https://papers.example.org")
    return text.rstrip("/")


def doubles(tables: Any, spelled: Callable[[str], str], *keys: str) -> list[Problem]:
    """No two tables of one name, be they right in other respects or not. The name is the first key there is;
    `spelled` gives its one spelling."""
    seen: set[str] = set()
    found = []
    for number, table in enumerate(tables if isinstance(tables, list) else []):
        given = [table[key] for key in keys if key in table] if isinstance(table, Mapping) else []
        if not given or not isinstance(given[0], str) or not given[0]:
            continue
        name = spelled(given[0])
        if name in seen:
            found.append(Problem((number, keys[0]), f"{as_in_file(given[0])} is there already"))
        seen.add(name)
    return found
