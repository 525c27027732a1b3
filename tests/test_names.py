"""One name, one thing: what a stranger reads in one place holds everywhere in `bot/`."""

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import typer

from bot.cli import VERBS

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(
    path.relative_to(ROOT / "bot")
    for path in (ROOT / "bot").rglob("*.py")
    if path.name not in ("__init__.py", "__main__.py") and "migrations" not in path.parts
)

# One subject on several floors: its values, its rows, its step, its pages, its verb.
SUBJECTS = {
    "backtest",
    "backup",
    "collect",
    "diagnostics",
    "editions",
    "errors",
    "preferences",
    "signup",
    "subscribers",
    "suggest",
    "summaries",
}
SUBJECTS |= {"taste", "thumbs"}

# The contract that every source module fulfils, and every module of verbs.
CONTRACTS = {"requests", "parse", "quiet", "register"}

# One job, done by several modules: each for its own rows, format or pages; or a verb, its step and its rows.
JOBS = {
    *{"add", "by_id", "by_ids", "delete_of", "of_subscriber", "prune"},  # rows of a table: `editions.add`, `thumbs.add`
    *{"read", "listing", "people"},  # a document of a source
    *{"blueprint"},  # pages of the web process
    *{"backup", "change", "copy_to", "demo", "erase", "expire", "export", "pause", "renew_links", "resume"},
    *{"is_loopback"},
}


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for module in MODULES:
        yield module, ast.parse((ROOT / "bot" / module).read_text(encoding="utf-8"))


def test_two_files_bear_one_name_only_for_one_subject_on_different_floors() -> None:
    places = defaultdict(list)
    for module in MODULES:
        places[module.stem].append(module)
    twins = {
        name: [str(module) for module in modules]
        for name, modules in places.items()
        if len(modules) > 1
        and (name not in SUBJECTS or len({module.parts[:-1] for module in modules}) < len(modules))
        and not _a_source_beside_its_format(modules)
    }
    assert twins == {}
    assert {name for name in SUBJECTS if len(places[name]) < 2} == set()


def _a_source_beside_its_format(modules: list[Path]) -> bool:
    folders = {module.parent.as_posix() for module in modules}
    return folders == {"sources", "sources/formats"}


def test_two_types_never_bear_one_name() -> None:
    """Classes, and names given to types: Literal[...], Callable[...], unions."""
    places = defaultdict(list)
    for module, tree in trees():
        classes = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        for name in {*classes, *_aliases(tree)} - {"Settings"}:
            places[name].append(str(module))
    assert {name: modules for name, modules in places.items() if len(modules) > 1} == {}


def _aliases(tree: ast.Module) -> Iterator[str]:
    makers = ("Annotated[", "Callable[", "Literal[", "dict[", "list[", "tuple[")
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
            yield ast.unparse(node.target)
        elif isinstance(node, ast.Assign) and ast.unparse(node.value).startswith(makers):
            yield from map(ast.unparse, node.targets)


def test_a_function_s_name_stands_for_one_job() -> None:
    places = defaultdict(list)
    for module, tree in trees():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                places[node.name].append(str(module))
    twins = {name: modules for name, modules in places.items() if len(modules) > 1}

    assert {name: modules for name, modules in twins.items() if name not in CONTRACTS | JOBS} == {}
    assert JOBS - set(twins) == set()


def test_a_person_who_gets_mail_is_a_subscriber() -> None:
    """Not `reader`, `recipient`, `user` or `member`: in names of files, classes, functions, arguments and fields."""
    strays = set()
    for module, tree in trees():
        for node in ast.walk(tree):
            names = (
                [node.name]
                if isinstance(node, ast.ClassDef | ast.FunctionDef)
                else [node.arg]
                if isinstance(node, ast.arg)
                else [node.id]
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
                else []
            )
            strays |= {f"{module}: {name}" for name in names if {"reader", "readers"} & set(_words(name))}
    assert strays == set()


def _words(name: str) -> list[str]:
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return spaced.replace("_", " ").split()


def test_the_table_of_verbs_says_where_each_is() -> None:
    """A verb's module is imported only when the verb is asked for, so what the table lacks could not be called."""
    for module, verbs in VERBS.items():
        alone = typer.Typer()
        import_module(f"bot.cli.{module}").register(alone)
        groups = {group.name for group in alone.registered_groups}
        assert {command.name for command in alone.registered_commands} | groups == set(verbs)
    with_verbs = {module.stem for module, tree in trees() if module.parts[0] == "cli" and _has(tree, "register")}
    assert with_verbs == set(VERBS)


def _has(tree: ast.Module, function: str) -> bool:
    return any(isinstance(node, ast.FunctionDef) and node.name == function for node in tree.body)


def test_a_run_without_letters_loads_nothing_that_draws_them() -> None:
    """Nor the scheduler, the web pages or numpy: half of what a run with nothing new takes would be their start."""
    code = "from bot.cli import program; program('once'); import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "bot.cli.run" in loaded
    assert loaded & {"jinja2", "css_inline", "babel", "apscheduler", "numpy", "flask", "feedparser", "alembic"} == set()
