"""`make bench`: the table of what is promised says what holds, what does not, and what could not be measured."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def run() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_benchmarks", ROOT / "benchmarks" / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def feeds(ours: float, theirs: float, memory: float) -> dict[str, Any]:
    """What `fetching.py --json` gives, with starts of half a second."""
    rounds = {"start": 0.5, "first": 1.0, "unchanged": 1.0}
    return {
        name: {round_: {"seconds": start * seconds, "peak": peak} for round_, start in rounds.items()}
        for name, seconds, peak in (("collect", ours, memory), ("reader", theirs, 1.0))
    }


@pytest.mark.parametrize(
    ("given", "verdicts"),
    [
        (feeds(1.0, 2.5, 1.1), ["pass", "pass", "pass"]),
        (feeds(1.0, 1.6, 1.1), ["MISS", "pass", "pass"]),
        (feeds(1.0, 1.2, 1.3), ["MISS", "MISS", "MISS"]),
    ],
)
def test_a_promise_holds_by_the_figures(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, given: Any, verdicts: list[str]
) -> None:
    monkeypatch.setattr(run, "figures", lambda *_: given)

    assert [row.verdict for row in run.collect(True)] == verdicts


def test_other_pairs_than_fts5_are_a_miss_however_fast(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = {"seconds": 0.01, "checksum": 1, "head": 2, "top_of_two": [0.1, 0.1]}
    monkeypatch.setattr(run, "figures", lambda *_: {"100000": {"ours": ours, "fts5": {"seconds": 9.0, "checksum": 3}}})

    assert [row.verdict for row in run.match(True)] == ["pass", "MISS", "pass"]


def test_the_table_is_written_where_the_figures_belong(run: ModuleType) -> None:
    rows = [run.Row("a", "<= 1", "2", False), run.Row("b", "", "no package", None)]
    readme = (ROOT / "benchmarks" / "README.md").read_text()

    once = run.recorded(readme, rows, "today:")
    assert "MISS" in once
    assert "no verdict" in once
    assert run.recorded(once, rows, "today:") == once
    assert run.recorded(once, [], "x:").count("MISS") == 0


def test_what_the_readme_of_the_benchmarks_names_is_there() -> None:
    named = set(re.findall(r"\b\w+\.py\b", (ROOT / "benchmarks" / "README.md").read_text()))
    named.discard("scaling.py")  # needs PostgreSQL, and may be left out
    assert {name for name in named if not (ROOT / "benchmarks" / name).exists()} == set()
