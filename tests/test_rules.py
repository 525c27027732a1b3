"""The laws of the house, as far as a machine can check them. What the documents say is checked in `test_docs`."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(path for path in (ROOT / "bot").rglob("*.py") if "__pycache__" not in path.parts)

# Each library that reaches the world, or is a taste of one floor, and the only places that may import it.
HOUSES = {
    "alembic": ("store",),
    "apscheduler": ("scheduler",),
    "cryptography": ("mail",),
    "feedparser": ("sources",),
    "flask": ("web",),
    "httpx": ("fetch",),
    "imaplib": ("mail",),
    "procrastinate": ("cluster",),
    "prometheus_client": ("web",),
    "psycopg": ("store",),
    "requests": ("mail",),
    "smtplib": (),
    "sqlalchemy": ("store",),
    "sqlite3": ("store",),
    "sqlmodel": ("store",),
    "typer": ("cli",),
    "waitress": ("web",),
    "werkzeug": ("web",),
}
CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time")}
WITH_A_CLOCK = ("cli", "scheduler")


def house_of(path: Path) -> str:
    return path.relative_to(ROOT / "bot").parts[0].removesuffix(".py")


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in MODULES:
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def test_imports_point_downwards() -> None:
    command = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=None))"
    done = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_each_outside_world_has_its_house() -> None:
    strays = []
    for path, tree in trees():
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            for name in names:
                houses = HOUSES.get(name.partition(".")[0])
                if houses is not None and house_of(path) not in houses:
                    strays.append(f"{path.relative_to(ROOT)}: {name}")
    assert strays == []


def test_only_the_command_line_and_the_worker_look_at_the_clock() -> None:
    strays = []
    for path, tree in trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Attribute) or house_of(path) in WITH_A_CLOCK:
                continue
            owner = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
            if (owner, node.attr) in CLOCKS:
                strays.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert strays == []


def test_every_module_says_what_belongs_there() -> None:
    silent = [path.relative_to(ROOT) for path, tree in trees() if tree.body and not ast.get_docstring(tree)]

    assert silent == []


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b|STOP" r"GAP")
    folders = ("bot", "templates", "docs", "examples", "tests", "benchmarks")
    files = [
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".md", ".txt", ".html")
    ]
    files += [path for path in ROOT.iterdir() if path.suffix in (".md", ".toml", ".txt")]
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in files
        if (match := later.search(path.read_text(encoding="utf-8", errors="replace")))
    ]
    assert len(files) > 100
    assert found == []


def test_no_file_names_the_machine_it_was_written_on() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a checkout")
    home = re.compile(r"(?<![\w.])/(?:work|ro" r"ot|home/(?!ada\b)\w+)/")
    found = []
    for name in filter(None, tracked.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and (match := home.search(path.read_text(encoding="utf-8", errors="replace"))):
            found.append(f"{name}: {match[0]}")
    assert found == []
