"""On which line of a TOML file a key stands, for messages. `tomllib` reads the file; this only finds the places.

Made for text that `tomllib` has accepted: whatever it meets is valid, so it checks nothing.
"""

import re
import tomllib
from bisect import bisect_right

from bot.core.subscriber.validation import Path

_BLANK = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE = re.compile(r"[^\s.=\]\"']+")
_QUOTED = re.compile(
    r'"""(?:\\.|[^\\])*?""""{0,2}' r"|'''.*?''''{0,2}" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]*")


def lines_of(text: str) -> dict[Path, int]:
    """Line numbers from 1 by path; ("sources", 0, "url") -> 12. A table has the line of its header."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


def line_of(lines: dict[Path, int], path: Path) -> int:
    """The line of a path, or of the nearest thing around it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.last: dict[Path, int] = {}  # arrays of tables: the index of the latest
        self._breaks = [found.start() for found in re.finditer("\n", text)]

    def document(self) -> None:
        table: Path = ()
        self._skip(_GAP)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_GAP)

    def _header(self) -> Path:
        line = self._line()
        double = self.text.startswith("[[", self.at)
        self.at += 2 if double else 1
        *around, name = self._key()
        path: Path = ()
        for part in around:
            path = self._latest((*path, part))
        path = (*path, name)
        self.lines.setdefault(path, line)
        if double:
            self.last[path] = self.last.get(path, -1) + 1
        path = self._latest(path)
        self.lines[path] = line
        self.at += 2 if double else 1
        return path

    def _latest(self, path: Path) -> Path:
        return (*path, self.last[path]) if path in self.last else path

    def _pair(self, table: Path) -> None:
        line = self._line()
        path = table
        for part in self._key():
            path = (*path, part)
            self.lines.setdefault(path, line)
        self.at += 1  # the equals sign
        self._value(path)

    def _key(self) -> list[str]:
        """A dotted key; ends at what follows it."""
        parts = []
        while True:
            self._skip(_BLANK)
            found = _QUOTED.match(self.text, self.at) or _BARE.match(self.text, self.at)
            assert found is not None
            self.at = found.end()
            raw = found[0]
            parts.append(next(iter(tomllib.loads(f"{raw} = 0"))) if raw[0] in "\"'" else raw)
            self._skip(_BLANK)
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def _value(self, path: Path) -> None:
        self._skip(_BLANK)
        self.lines.setdefault(path, self._line())
        opening = self.text[self.at]
        if opening in "[{":
            self.at += 1
            self._skip(_GAP)
            number = 0
            while self.text[self.at] not in "]}":
                if opening == "[":
                    self._value((*path, number))
                    number += 1
                else:
                    self._pair(path)
                self._skip(_GAP)
                if self.text[self.at] == ",":
                    self.at += 1
                    self._skip(_GAP)
            self.at += 1
        else:
            self._skip(_QUOTED if opening in "\"'" else _SCALAR)

    def _skip(self, what: re.Pattern[str]) -> None:
        found = what.match(self.text, self.at)
        assert found is not None
        self.at = found.end()

    def _line(self) -> int:
        return bisect_right(self._breaks, self.at - 1) + 1 if self.at else 1
