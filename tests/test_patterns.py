"""Every regular expression of the program is done in a time linear in its text, whatever the text.

All compiled patterns of all modules are collected, and those written where they are used (`re.search("…", text)`), so
that a new one is tried as well. Each is fed with long repetitions of what it is made of, in the ways the program uses
it. A pattern whose time grows with the square of the
text takes several times what is allowed here; a text from outside may have a thousand times as many characters."""

import ast
import importlib
import itertools
import pkgutil
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

import bot

LENGTHS = (20, 60, 250, 1_000, 4_000)  # characters; from the long the worst patterns would not come back
SECONDS = 0.03  # of CPU; a linear pattern takes some tenths of a millisecond
PIECES = ("a", "A", "0", " ", ".", ",", "<", "=", '"', "(", "/", "a ", "a, ", "a.")


def modules() -> Iterator[Any]:
    for found in pkgutil.walk_packages(bot.__path__, "bot."):
        if "migrations" in found.name or found.name.endswith("__main__"):
            continue
        try:
            yield importlib.import_module(found.name)
        except ModuleNotFoundError as problem:  # an extra that is not installed
            if (problem.name or "").startswith("bot"):
                raise


def within(value: object, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth < 3 and isinstance(value, dict):
        for item in value.values():
            yield from within(item, depth + 1)
    elif depth < 3 and isinstance(value, (tuple, list, set, frozenset)):
        for item in value:
            yield from within(item, depth + 1)
    elif depth < 3 and isinstance(value, type) and value.__module__.startswith("bot."):
        for item in vars(value).values():
            yield from within(item, depth + 1)


def patterns() -> dict[str, re.Pattern[Any]]:
    found: dict[str, re.Pattern[Any]] = {}
    for module in modules():
        for name, value in vars(module).items():
            for number, pattern in enumerate(within(value)):
                if pattern not in found.values():
                    found[f"{module.__name__.removeprefix('bot.')}.{name}{number or ''}"] = pattern
    return found


def written_in_place() -> dict[str, tuple[re.Pattern[Any], str]]:
    """The patterns that stand as text in a call of `re`, and the function called."""
    found: dict[str, tuple[re.Pattern[Any], str]] = {}
    root = Path(bot.__file__).parent
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            owner, way, first = node.func.value, node.func.attr, node.args[0] if node.args else None
            is_call = isinstance(owner, ast.Name) and owner.id == "re" and way not in ("compile", "escape")
            if is_call and isinstance(first, ast.Constant) and isinstance(first.value, (str, bytes)):
                named = {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
                flags = sum(getattr(re, name) for name in named & {"IGNORECASE", "DOTALL", "ASCII", "MULTILINE"})
                pattern = re.compile(first.value, flags)
                found[f"{path.relative_to(root).as_posix()}:{first.value!r}"] = pattern, way
    return found


PATTERNS = patterns()
IN_PLACE = written_in_place()


def literals(tree: Iterable[Any]) -> Iterator[str]:
    """The characters and words a parsed pattern is made of."""
    word = ""
    for kind, value in tree:
        name = str(kind)
        if name == "LITERAL":
            word += chr(value)
            continue
        if word:
            yield word
            word = ""
        if name == "IN":
            yield from (chr(item) for kind, item in value if str(kind) == "LITERAL")
            yield from (chr(item[0]) for kind, item in value if str(kind) == "RANGE")
        elif name == "BRANCH":
            for branch in value[1][:60]:
                yield from literals(branch)
        elif name in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            yield from literals(value[2])
        elif name == "SUBPATTERN":
            yield from literals(value[3])
        elif name in {"ASSERT", "ASSERT_NOT"}:
            yield from literals(value[1])
    if word:
        yield word


def texts(pattern: re.Pattern[Any], length: int) -> Iterator[Any]:
    """Long repetitions of what the pattern is made of, alone and in pairs, behind what it begins with."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    own = list(dict.fromkeys(literals(_parser.parse(source, pattern.flags))))
    pieces = list(dict.fromkeys((*own[:8], *PIECES)))
    pairs = [a + b for a, b in itertools.permutations(own[:3], 2)]
    first = max(own[:4], key=len, default="")
    for start, piece in ((start, piece) for start in dict.fromkeys(("", first)) for piece in (*pieces, *pairs)):
        text = (start + piece * (length // len(piece)))[:length] + "\x01"
        yield text if isinstance(pattern.pattern, str) else text.encode("latin-1", "replace")


SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in Path(bot.__file__).parent.rglob("*.py"))


def ways(name: str) -> set[str]:
    """How the program uses a pattern: "match", "fullmatch" or "search", which stands for all that look everywhere."""
    used = set(re.findall(rf"\b{re.escape(name.rpartition('.')[2])}\.(\w+)\(", SOURCE))
    found = used & {"match", "fullmatch"}
    if used & {"search", "finditer", "findall", "sub", "subn", "split"} or not found:
        found.add("search")
    return found


def seconds(pattern: re.Pattern[Any], used: set[str], text: Any) -> float:
    started = time.process_time()
    for way in used:
        getattr(pattern, way)(text)
    if "search" in used:
        for _ in pattern.finditer(text):
            pass
    return time.process_time() - started


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_linear(name: str) -> None:
    pattern, used = PATTERNS[name], ways(name)
    for length in LENGTHS:
        for text in texts(pattern, length):
            taken = seconds(pattern, used, text)
            assert taken < SECONDS, f"{taken:.2f} s for {length} characters like {text[:40]!r}"


@pytest.mark.parametrize("name", sorted(IN_PLACE))
def test_linear_in_place(name: str) -> None:
    pattern, way = IN_PLACE[name]
    used = {way} if way in {"match", "fullmatch"} else {"search"}
    for length in LENGTHS:
        for text in texts(pattern, length):
            taken = seconds(pattern, used, text)
            assert taken < SECONDS, f"{taken:.2f} s for {length} characters like {text[:40]!r}"


def test_they_are_all_here() -> None:
    assert len(PATTERNS) > 100
    assert len(IN_PLACE) > 40
