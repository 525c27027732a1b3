"""config.toml and the environment -> Config. Every problem is reported at once, each with its line.

Only the command line sees a Config; everything below is given the parts it needs.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bot.config.fields import Surroundings
from bot.config.lines import line_of, lines_of
from bot.config.mail import DkimConfig, MailConfig
from bot.config.model import Config, WebConfig
from bot.config.source import SourceConfig
from bot.config.summaries import SummariesConfig
from bot.core.subscriber.validation import Path as KeyPath
from bot.core.subscriber.validation import Problem, did_you_mean, problems_of, said
from bot.errors import UserError

__all__ = ["Config", "DkimConfig", "MailConfig", "SourceConfig", "SummariesConfig", "WebConfig", "load"]

# The variables that override a key.
OVERRIDES: dict[str, KeyPath] = {
    "DATABASE_URL": ("database",),
    "MAIL_URL": ("mail", "url"),
    "PAPERLARK_SECRET": ("secret",),
}
SHORTEST_HIDDEN = 4  # characters; what is shorter stands in too many other words
_VARIABLE = re.compile(r"\$(\$?)\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TYPOGRAPHIC = "\u201c\u201d\u201e\u00ab\u00bb\u2018\u2019"
# What the parser says, and what most often made it say so.
_SYNTAX_HINTS = {
    "Invalid value": "texts stand in quotes, and true and false in small letters",
    "Illegal character '\\n'": "a text begins here and has no quote at its end",
    "Unclosed array": "a list has no ] at its end, or a comma is missing in it",
    "Expected newline or end of document after a statement": "is a quote missing, or a # before a remark?",
    "Expected '=' after a key": "write key = value",
    "Invalid statement": "write key = value",
    "Cannot overwrite a value": "it is there already",
    "Cannot declare": "it is there already",
}


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """The configuration in a file, completed and overridden from the environment.

    Raises UserError with every problem found, "line 12: sources[hf].every: …", in the order of the file.
    """
    text = _text(path)
    try:
        table = tomllib.loads(text)
    except ValueError as error:  # of a number with thousands of digits, too
        raise UserError(f"{path} is not TOML.", [_syntax(str(error), text)]) from None
    except RecursionError:
        raise UserError(f"{path} is not a configuration: it is nested too deeply.") from None
    problems: list[Problem] = []
    environment = Environment(environ, problems)
    whole = environment.applied(table)
    try:
        config = Config.model_validate(whole, context=Surroundings(path.absolute().parent, environ))
        if not problems:
            return config
    except ValidationError as error:
        unknown = {problem.path for problem in problems}  # of a variable that is missing, nothing else is wrong
        problems += [problem for problem in problems_of(error, Config) if problem.path not in unknown]
    lines = lines_of(text)
    placed = []
    for problem in problems:
        line = line_of(lines, problem.path)
        variable = environment.overridden.get(problem.path)
        where = f"{variable} in the environment" if variable else f"line {line}"
        placed.append((0 if variable else line, f"{where}: {environment.hidden(said(problem, whole))}"))
    placed.sort(key=lambda one: one[0])
    count = "1 problem" if len(placed) == 1 else f"{len(placed)} problems"
    raise UserError(f"{path}: {count}", [line for _, line in placed])


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        hint = "`paperlark init` writes one; --config PATH or PAPERLARK_CONFIG names another"
        raise UserError(f"There is no configuration {path}.", [hint]) from None
    except IsADirectoryError:
        raise UserError(
            f"{path} is a folder and cannot be read.", [f"name the file in it: {path / 'config.toml'}"]
        ) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UserError(f"{path} is not UTF-8.", [f"line {line}: save the file as UTF-8"]) from None


def _syntax(said: str, text: str) -> str:
    """What `tomllib` says, with the line first. The line itself is not shown: it may hold a password."""
    found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", said, re.DOTALL)
    if found is None and (number := re.search("[0-9_]{4000}", text)):  # more digits than Python makes a number of
        return f"line {text.count(chr(10), 0, number.start()) + 1}: a number with thousands of digits"
    if found is None:  # "... (at end of document)"
        return f"line {text.count(chr(10)) + 1}: {said}"
    line = text.split("\n")[int(found[2]) - 1]
    if any(quote in line for quote in TYPOGRAPHIC) and not found[1].startswith("Unclosed"):
        return f"line {found[2]}, column {found[3]}: {found[1]}: a word processor's quotes; write straight ones"
    hint = next((f": {hint}" for words, hint in _SYNTAX_HINTS.items() if found[1].startswith(words)), "")
    return f"line {found[2]}, column {found[3]}: {found[1]}{hint}"


class Environment:
    """What the environment puts into the configuration: `${NAME}` in any text, and the variables that override a key.
    What comes from there is often a password, so it is taken out again of whatever is said about it."""

    def __init__(self, variables: Mapping[str, str], problems: list[Problem]) -> None:
        self.variables = variables
        self.problems = problems
        self.overridden: dict[KeyPath, str] = {}
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

    def _filled(self, value: Any, path: KeyPath) -> Any:
        if path in self.overridden:
            return value  # nobody will read it
        if isinstance(value, Mapping):
            return {key: self._filled(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self._filled(item, (*path, number)) for number, item in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        return _VARIABLE.sub(lambda found: self._variable(found, path), value)

    def _variable(self, found: re.Match[str], path: KeyPath) -> str:
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
