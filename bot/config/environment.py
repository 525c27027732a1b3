"""What the environment puts into the configuration: `${NAME}` in any text, and the variables that override a key.

What comes from there is often a password, so it is taken out again of whatever is said about it.
"""

import re
from collections.abc import Mapping
from typing import Any

from bot.core.subscriber.validation import Path, Problem, did_you_mean

OVERRIDES: dict[str, Path] = {
    "DATABASE_URL": ("database",),
    "MAIL_URL": ("mail", "url"),
    "PAPERLARK_SECRET": ("secret",),
}
SHORTEST_HIDDEN = 4  # characters; what is shorter stands in too many other words
_VARIABLE = re.compile(r"\$(\$?)\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Environment:
    """The variables, and which of them have been used for what."""

    def __init__(self, variables: Mapping[str, str], problems: list[Problem]) -> None:
        self.variables = variables
        self.problems = problems
        self.overridden: dict[Path, str] = {}
        self._used: dict[str, str] = {}

    def applied(self, table: Mapping[str, Any]) -> dict[str, Any]:
        """The table with everything from the environment in it."""
        self.overridden = {path: name for name, path in OVERRIDES.items() if self.variables.get(name, "").strip()}
        whole = self._filled(table, ())
        for path, name in self.overridden.items():
            value = self._used[name] = self.variables[name].strip()
            place = whole
            for part in path[:-1]:
                place = place.setdefault(part, {})
            if isinstance(place, dict):
                place[path[-1]] = value
        return dict(whole)

    def _filled(self, value: Any, path: Path) -> Any:
        if path in self.overridden:
            return value  # nobody will read it
        if isinstance(value, Mapping):
            return {key: self._filled(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self._filled(item, (*path, number)) for number, item in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        return _VARIABLE.sub(lambda found: self._variable(found, path), value)

    def _variable(self, found: re.Match[str], path: Path) -> str:
        escaped, name = found.groups()
        if escaped:
            return found[0][1:]
        if not _NAME.fullmatch(name):
            self.problems.append(
                Problem(path, f"{found[0]} names no variable: write ${{NAME}}, or $${{ for a plain ${{")
            )
        elif name not in self.variables:
            near = did_you_mean(name, self.variables)
            self.problems.append(Problem(path, f"the environment has no variable {name}{near or ': set it'}"))
        else:
            value = self._used[name] = self.variables[name]
            return value
        return ""

    def hidden(self, message: str) -> str:
        """The message with every value used replaced by the name of its variable."""
        for name, value in sorted(self._used.items(), key=lambda item: -len(item[1])):
            if len(value) >= SHORTEST_HIDDEN:
                message = message.replace(value, f"${{{name}}}")
        return message
